"""Why a hit is one, in a few lines."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from myosem.cli.render import seconds, shorten, styled

if TYPE_CHECKING:
    from myosem.results import Effort, Explanation, Hit, Meaning

NAMED, LEAST = 3, 0.005
INDENT = 5


def explained_hits(hits: "Sequence[Hit]", *, width: int, colour: bool) -> list[str]:
    """A few lines for each hit that has an explanation, its rank before the first."""
    lines: list[str] = []
    for hit in hits:
        if hit.explanation is not None:
            own = explained(hit.explanation, width=width - INDENT, colour=colour)
            heads = [f"{hit.rank:3d}", *[""] * (len(own) - 1)]
            lines += [f"{head:{INDENT}}{line}" for head, line in zip(heads, own, strict=True)]
    return lines


def explained(explanation: "Explanation", *, width: int, colour: bool) -> list[str]:
    """Views, channels, moments and effort, a line each; a bar is as high as what the score loses."""
    channels, moments = explanation.channels, explanation.moments
    rows = [
        ("views", "", "  ".join(f"{one.view} {one.score:.2f}" for one in explanation.views)),
        (
            "channels",
            bars([one.drop for one in channels]),
            _most([(one.name, one.drop) for one in channels]),
        ),
        (
            "moments",
            bars([one.drop for one in moments]),
            _most([(f"{seconds(one.start_s)}-{seconds(one.end_s)} s", one.drop) for one in moments]),
        ),
        ("effort", "", effort(explanation.effort)),
    ]
    return [
        f"{styled(f'{name:8}', '2', colour)}  {styled(bar, '36', colour)}{'  ' if bar else ''}"
        f"{shorten(text, max(width - 12 - len(bar), 8))}"
        for name, bar, text in rows
        if text
    ]


def meaning(what: str, found: "Meaning", *, width: int) -> str:
    """Which text lies nearest to a query or a stretch."""
    return shorten(
        f"{what} lies nearest to “{found.text}” ({found.name}, {found.view} view, {found.closeness:.2f})",
        width,
    )


def bars(drops: Sequence[float]) -> str:
    """One block a drop, the full height for the largest; what lowers the score has no height."""
    import numpy as np

    from myosem.cli.sparkline import sparkline

    return sparkline(np.maximum(np.array(drops), 0))


def effort(found: "Effort") -> str:
    """How strong a segment is, in words."""
    level = f"{found.over_rest_db:.1f} dB over rest"
    if found.stronger_than is None:
        return level
    return f"{level}, stronger than {found.stronger_than:.0%} of the other contractions of its session"


def _most(drops: Sequence[tuple[str, float]]) -> str:
    """Where the score loses most, with how much; what rounds to nothing is not named."""
    worth = sorted((one for one in drops if one[1] >= LEAST), key=lambda one: -one[1])[:NAMED]
    if not worth:
        return "none of them carries it alone" if drops else ""
    return "without " + ", ".join(f"{name} {-drop:+.2f}" for name, drop in worth)
