"""Times of samples: where they jump, and whether the rate is what it is said to be."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from myosem.errors import SourceError
from myosem.readers.base import SourceFile

JUMP_S = 0.5
"""Nothing is missing where two samples are closer than this: packets may arrive late."""
SHORTEST_S = 1.0
"""Stretches between two jumps that are shorter than this are left out."""
SAME, CLOSE = 0.005, 0.05
"""Up to the first difference two rates are the same; up to the second both are kept, in a note."""


def stretches(
    file: SourceFile, times_s: NDArray[np.float64], jump_s: float = JUMP_S
) -> tuple[list[tuple[int, int]], float]:
    """First and one past the last sample of each stretch without a jump, and the rate within them in Hz.

    Args:
        file: for messages.
        times_s: ``(T,)`` seconds.
        jump_s: how far apart two samples are where something is missing between them.

    Raises:
        SourceError: times that are not finite, run backwards or stand still.
    """
    if not np.isfinite(times_s).all():
        raise SourceError(f"{file.source}: {int((~np.isfinite(times_s)).sum())} times are not finite")
    with np.errstate(over="ignore", invalid="ignore"):
        steps = np.diff(times_s)
    if (steps < 0).any():
        place = int(np.argmax(steps < 0)) + 1
        raise SourceError(
            f"{file.source}: the time runs backwards",
            got=f"{times_s[place]:.6g} s after {times_s[place - 1]:.6g} s, sample {place + 1}",
            expected="times in order",
        )
    edges = [0, *(np.flatnonzero(steps > jump_s) + 1).tolist(), len(times_s)]
    found = list(pairwise(edges))
    seconds = float(sum(times_s[last - 1] - times_s[first] for first, last in found))
    if not 0 < seconds < np.inf:
        raise SourceError(f"{file.source}: the time stands still", expected="a time for each sample")
    return found, (len(times_s) - len(found)) / seconds


def settled_rate(file: SourceFile, nominal_hz: float | None, measured_hz: float) -> tuple[float, str | None]:
    """The rate to go by, and a note that keeps both where they differ.

    The nominal one is taken, so that the recordings of a session have one rate. Where none is known it is the
    measured one, as a whole number where it is close to one.

    Raises:
        SourceError: they differ by more than a twentieth.
    """
    if nominal_hz is None:
        whole = float(round(measured_hz))
        return (whole if whole and abs(measured_hz / whole - 1) <= SAME else measured_hz), None
    difference = abs(measured_hz / nominal_hz - 1)
    if not difference <= CLOSE:
        raise SourceError(
            f"{file.source}: the rate does not fit its times",
            got=f"{measured_hz:.6g} Hz by the times",
            expected=f"{nominal_hz:g} Hz as stated, or up to {CLOSE:.0%} beside it",
        )
    note = f"The rate is stated as {nominal_hz:g} Hz; by the times it is {measured_hz:.6g} Hz."
    return nominal_hz, note if difference > SAME else None


def long_enough(
    found: list[tuple[int, int]], rate_hz: float
) -> tuple[list[tuple[int, int]], tuple[str, ...]]:
    """The stretches of at least a second where there are several, and a note on the others."""
    kept = [(a, b) for a, b in found if len(found) == 1 or b - a >= SHORTEST_S * rate_hz]
    left_out = len(found) - len(kept)
    notes = [] if len(found) == 1 else [f"Cut where the time jumps: {len(found)} stretches."]
    if left_out:
        notes.append(f"Stretches of less than a second were left out: {left_out}.")
    return kept, tuple(notes)
