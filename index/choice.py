"""Which backend a library gets where nobody asked for one. The rule stands here and nowhere else.

    up to 50,000 vectors                            flat: exact, and still answers within 10 ms
    more, where a byte a dimension fits the share   ivf
    more than that                                  ivfpq: a byte for four dimensions

The share is a quarter of the machine's memory; the rest is for the vectors' pages, the model and others.
hnsw is never chosen: it answers faster than ivf, but takes many times as long to build.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from myosem.index.approximate import EXACT_ROWS

SHARE = 0.25
AUTO = "auto"
"""What asks for the rule."""

USUAL_MEMORY = 8 * 2**30
"""Where the system does not say."""

ROW_NUMBER = 8
"""Bytes with which a list says which row a vector is."""

LIMIT = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True)
class Choice:
    """A backend and why.

    Attributes:
        backend: its name in ``BACKENDS``.
        reason: for people, one line.
        asked: whether somebody asked for it; otherwise the next version chooses anew.
    """

    backend: str
    reason: str
    asked: bool = False


def choose(count: int, dimension: int, asked: str | None = None, memory: int | None = None) -> Choice:
    """The backend for so many vectors.

    Args:
        count: of vectors.
        dimension: of each.
        asked: a backend to take whatever the rule says; None or ``AUTO`` for the rule.
        memory: of the machine in bytes; asked for by default.
    """
    choice = _by_rule(count, dimension, memory_bytes() if memory is None else memory)
    if asked is None or asked == AUTO:
        return choice
    return Choice(asked, f"asked for; the rule says {choice.backend}: {choice.reason}", asked=True)


def _by_rule(count: int, dimension: int, memory: int) -> Choice:
    if count <= EXACT_ROWS:
        return Choice("flat", f"{count:,} vectors, and up to {EXACT_ROWS:,} are compared one by one")
    share = SHARE * memory
    needed = count * (dimension + ROW_NUMBER)
    fits = needed <= share
    reason = (
        f"{count:,} vectors of a byte a dimension take {_gigabytes(needed)}, "
        f"{'within' if fits else 'more than'} a quarter of memory ({_gigabytes(share)})"
    )
    return Choice("ivf" if fits else "ivfpq", reason)


def memory_bytes() -> int:
    """Memory of the machine, or of the container that this runs in."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return USUAL_MEMORY
    try:
        return min(total, int(LIMIT.read_text(encoding="ascii")))
    except (OSError, ValueError):  # there is no such file, or it says "max"
        return total


def _gigabytes(count: float) -> str:
    return f"{count / 2**30:.1f} GB"
