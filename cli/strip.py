"""A timeline in a terminal: the channels and each query as lines of blocks over one time axis."""

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from myosem.cli.render import Column, duration, plural, seconds, shorten, styled, table
from myosem.cli.sparkline import BLOCKS, sparkline

if TYPE_CHECKING:
    from myosem.timeline import Timeline

FIELDS = ("recording", "segment", "start_s", "end_s", "kind", "label", "query", "score", "fits")
NAME_WIDTH, LEAST_STRIP, MARK_WIDTH = 26, 24, 12

Values = NDArray[np.float64]


def rows(found: "Timeline") -> list[dict[str, Any]]:
    """A row for each segment and query."""
    return [
        {
            "recording": found.recording,
            **{name: getattr(one, name) for name in FIELDS[1:6]},
            "query": asked.text,
            "score": one.scores[number],
            "fits": one.fits[number],
        }
        for one in found.segments
        for number, asked in enumerate(found.queries)
    ]


def listing(found: "Timeline", *, k: int, width: int, colour: bool) -> str:
    """The channels, each query and the best moments, over one time axis."""
    names = [f"“{asked.text}”" for asked in found.queries]
    room = min(max(map(len, names)), NAME_WIDTH)
    columns = max(width - room - 2, LEAST_STRIP)
    top = max(2 * found.threshold, *(score for one in found.segments for score in one.scores))
    lines = [f"{'signal':{room}}  {styled(sparkline(loudness(found, columns)), '2', colour)}"]
    for number, name in enumerate(names):
        scores, fits = strip(found, number, columns)
        lines.append(f"{shorten(name, room):{room}}  {bars(scores, fits, top, colour=colour)}")
    lines.append(f"{'':{room}}  {styled(axis(found.duration_s, columns), '2', colour)}")
    return "\n".join([*lines, _best(found, k, width, colour), styled(_closing(found), "2", colour)])


def loudness(found: "Timeline", columns: int) -> Values:
    """Mean over the channels of how many dB there are over rest, in each column ``(columns,)``."""
    level = np.maximum(np.array(found.activity.over_rest_db).mean(axis=0), 0)
    edges_s = np.linspace(0, found.duration_s, columns + 1)
    places = np.clip(np.rint(edges_s / found.activity.step_s).astype(int), 0, len(level))
    return np.array([level[min(a, len(level) - 1) : max(b, a + 1)].mean() for a, b in pairwise(places)])


def strip(found: "Timeline", query: int, columns: int) -> tuple[Values, NDArray[np.bool_]]:
    """The highest score in each column ``(columns,)``, NaN where no segment is, and whether it fits."""
    scores, fits = np.full(columns, -np.inf), np.zeros(columns, dtype=bool)
    for one in found.segments:
        first = int(one.start_s * columns / found.duration_s + 1e-6)
        last = max(int(np.ceil(one.end_s * columns / found.duration_s - 1e-6)), first + 1)
        scores[first:last] = np.maximum(scores[first:last], one.scores[query])
        fits[first:last] |= one.fits[query]
    return np.where(np.isneginf(scores), np.nan, scores), fits


def bars(scores: Values, fits: NDArray[np.bool_], top: float, *, colour: bool) -> str:
    """A block a column, as high as ``top`` at most; without colour only what fits has a block."""
    steps = np.clip(np.nan_to_num(scores) / top * len(BLOCKS), 0, len(BLOCKS) - 1).astype(int)
    cells = []
    for score, step, own in zip(scores, steps, fits, strict=True):
        if np.isnan(score):
            cells.append(" ")
        else:
            cells.append(styled(BLOCKS[step], "36" if own else "2", colour) if own or colour else "·")
    return "".join(cells).rstrip()


def axis(duration_s: float, columns: int) -> str:
    """Times under a strip of so many columns: round ones, as many as have room."""
    least_s = duration_s * MARK_WIDTH / columns
    decade = 10.0 ** np.floor(np.log10(least_s))
    step_s = next(step * decade for step in (1, 2, 5, 10) if step * decade >= least_s * (1 - 1e-9))
    line = ""
    for time_s in np.arange(0, duration_s, step_s):
        column = int(time_s / duration_s * columns)
        mark = f"|{time_s:g}"
        line = f"{line:{column}}{mark}" if column + len(mark) <= columns else line
    return f"{line} s"


def _best(found: "Timeline", k: int, width: int, colour: bool) -> str:
    columns = [
        Column("query", minimum=12),
        Column("score", "right"),
        Column("start-end (s)", "right"),
        Column("label", minimum=8),
        Column("segment"),
        Column(""),
    ]
    lines = [
        [
            f"“{asked.text}”" if rank == 0 else "",
            f"{one.scores[number]:.3f}",
            f"{seconds(one.start_s)}-{seconds(one.end_s)}",
            one.label,
            one.segment,
            "" if one.fits[number] else "does not fit",
        ]
        for number, asked in enumerate(found.queries)
        for rank, one in enumerate(found.best(number, k))
    ]
    return table(columns, lines, width=width, colour=colour)


def _closing(found: "Timeline") -> str:
    fitting = ", ".join(
        f"{sum(one.fits[number] for one in found.segments)} for “{asked.text}”"
        for number, asked in enumerate(found.queries)
    )
    simulated = " · simulated" if found.simulated else ""
    what = f"{plural(len(found.segments), 'segment')} in {duration(found.duration_s)} of {found.recording}"
    return f"{what}; {fitting} reach {found.threshold:.3f}{simulated}"
