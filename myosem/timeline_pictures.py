"""A timeline as a picture: what the data set says, the score of each query, how strong each channel is."""

from collections.abc import Sequence
from dataclasses import replace
from io import StringIO
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from myosem.embedding import DIGITS
from myosem.pictures import ACCENT, INK, NAMED_CHANNELS, QUIET, SHADE, check_picture_path, write_figure
from myosem.timeline import MOST_COLUMNS, Activity, LabelSpan, Moment, Timeline

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_IN = 11.6
LETTER_IN = 0.062
"""How wide a letter of a label is."""
BEST = 3
TINTS = ("#c3dfe3", "#dfe6ea")
PALE = "#dbe1e6"
LOUD_PERCENT = 99.0


def plot_timeline(found: Timeline, path: Path) -> Path:
    """Draw a timeline and write it in one step.

    Args:
        found: what to draw.
        path: ends in .png, .svg or .pdf.

    Raises:
        UsageError: the path cannot be written to.
    """
    check_picture_path(path)
    return write_figure(timeline_figure(found), path)


def timeline_svg(found: Timeline) -> str:
    """The picture as an ``<svg>`` element that stands on its own in a page."""
    import matplotlib as mpl

    text = StringIO()
    with mpl.rc_context({"svg.hashsalt": found.recording}):
        figure = timeline_figure(found, titled=False)
        figure.savefig(
            text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
    whole = text.getvalue()
    return whole[whole.index("<svg") :]


def timeline_figure(found: Timeline, *, titled: bool = True) -> "Figure":
    """Labels, a row a query, and the channels, one below the other, all over one time axis."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    channels = len(found.activity.channels)
    heights = [0.3] * bool(found.labels) + [1.25] * len(found.queries)
    heights.append(float(np.clip(0.19 * channels, 0.8, 2.6)))
    layout = ConstrainedLayoutEngine(h_pad=0.04, hspace=0.02)
    size = WIDTH_IN, sum(heights) + 0.55 + 0.4 * titled
    figure = Figure(figsize=size, layout=layout, facecolor="white")
    FigureCanvasAgg(figure)
    rows = list(np.ravel(figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)))
    for axes in rows:
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0, labelsize=7, labelcolor=INK)
    if found.labels:
        _labels(rows[0], found)
    limits = _limits(found)
    for query in range(len(found.queries)):
        _scores(rows[len(rows) - 1 - len(found.queries) + query], found, query, limits)
    _channels(figure, rows[-1], found)
    if titled:
        figure.suptitle(
            heading(found), x=0.012, ha="left", fontsize=10, color=INK, weight="bold", parse_math=False
        )
    return figure


def heading(found: Timeline) -> str:
    """What was recorded, in one line."""
    parts = dict.fromkeys([found.dataset, found.subject, found.session, found.name])
    return "  ·  ".join([*parts, *(["simulated"] if found.simulated else [])])


def joined(found: Sequence[Timeline]) -> Timeline:
    """Timelines of one session's recordings, which share channels and queries, one after the other.

    The activity is that of each recording over its own rest level, in columns common to all.
    """
    if len(found) == 1:
        return found[0]
    starts = np.cumsum([0.0, *(one.duration_s for one in found)])
    segments = [
        replace(moment, start_s=moment.start_s + start, end_s=moment.end_s + start)
        for one, start in zip(found, starts.tolist(), strict=False)
        for moment in one.segments
    ]
    labels = [
        replace(label, start_s=label.start_s + start, end_s=label.end_s + start)
        for one, start in zip(found, starts.tolist(), strict=False)
        for label in one.labels
    ]
    return replace(
        found[0],
        recording=f"{len(found)} recordings",
        name=f"{len(found)} recordings",
        duration_s=round(float(starts[-1]), DIGITS),
        simulated=any(one.simulated for one in found),
        segments=segments,
        labels=labels,
        activity=_joined_activity([one.activity for one in found], starts),
        curve=None,
    )


def _joined_activity(found: Sequence[Activity], starts: NDArray[np.float64]) -> Activity:
    """Means of the columns whose middle lies in a common one; one without any repeats the one before."""
    middles = [
        start + one.step_s * (np.arange(len(one.over_rest_db[0])) + 0.5)
        for one, start in zip(found, starts, strict=False)
    ]
    step_s = max(float(starts[-1]) / MOST_COLUMNS, *(one.step_s for one in found))
    count = int(np.ceil(starts[-1] / step_s))
    column = (np.concatenate(middles) / step_s).astype(int).clip(0, count - 1)
    decibels = np.concatenate([np.array(one.over_rest_db) for one in found], axis=1)  # (C, columns of all)
    sums = np.stack([np.bincount(column, row, minlength=count) for row in decibels])
    times = np.bincount(column, minlength=count)
    filled = np.maximum.accumulate(np.where(times > 0, np.arange(count), 0))
    means = (sums / np.maximum(times, 1))[:, filled]
    return Activity(round(step_s, DIGITS), found[0].channels, means.round(1).tolist())


def runs(labels: Sequence[LabelSpan]) -> list[LabelSpan]:
    """Neighbouring spans of one label as one; rest between them does not part them."""
    moves = [one for one in labels if one.action != "rest"]
    grouped = [list(own) for _, own in groupby(moves, key=lambda one: one.label)]
    return [LabelSpan(own[0].start_s, own[-1].end_s, own[0].label, own[0].action) for own in grouped]


def _labels(axes: "Axes", found: Timeline) -> None:
    """Every span as a block, and what it is called where there is room for it."""
    per_second = (WIDTH_IN - 1.6) / found.duration_s
    for number, run in enumerate(runs(found.labels)):
        inside = [
            (one.start_s, one.end_s - one.start_s)
            for one in found.labels
            if one.action != "rest" and run.start_s <= one.start_s < run.end_s
        ]
        axes.broken_barh(inside, (0, 0.42), facecolor=TINTS[number % 2], linewidth=0)
        room = int((run.end_s - run.start_s) * per_second / LETTER_IN)
        text = run.label if len(run.label) <= room else f"{run.label[: room - 1]}…"
        if room >= 3:
            middle = (run.start_s + run.end_s) / 2
            axes.text(middle, 0.56, text, fontsize=7, color=INK, ha="center", va="bottom", parse_math=False)
    axes.set_ylim(0, 1.25)
    axes.set_yticks([0.21], ["labelled"])


def _limits(found: Timeline) -> tuple[float, float]:
    """Lowest and highest score that all rows show."""
    scores = [score for one in found.segments for score in one.scores]
    scores += [score for row in (found.curve.scores if found.curve else []) for score in row]
    low, high = min([0.0, *scores]), max([2 * found.threshold, *scores])
    return low - 0.02, high + 0.08 * (high - low)


def _scores(axes: "Axes", found: Timeline, query: int, limits: tuple[float, float]) -> None:
    """Every segment as a block as high as its score, the threshold, and the best moments by number."""
    low, high = limits
    for fits, colour, line in ((False, PALE, QUIET), (True, SHADE, ACCENT)):
        own = [one for one in found.segments if one.fits[query] == fits]
        starts, widths = _times(own)
        tops = [one.scores[query] for one in own]
        axes.bar(starts, np.array(tops) - low, widths, low, align="edge", color=colour, linewidth=0)
        axes.hlines(tops, starts, np.array(starts) + widths, color=line, linewidth=1.3)
    if found.curve is not None:
        axes.plot(found.curve.times_s, found.curve.scores[query], color=INK, linewidth=0.7)
    axes.axhline(found.threshold, color=INK, linewidth=0.6, linestyle=(0, (4, 3)))
    for rank, one in enumerate(found.best(query, BEST), start=1):
        if one.fits[query]:
            place = (one.start_s + one.end_s) / 2, one.scores[query]
            axes.annotate(
                str(rank),
                place,
                (0, 3),
                textcoords="offset points",
                fontsize=7,
                color=ACCENT,
                weight="bold",
                ha="center",
            )
    asked = found.queries[query]
    note = "" if asked.related else "   is about no action"
    axes.text(
        0.004, 0.97, f"“{asked.text}”{note}", transform=axes.transAxes, fontsize=9, color=INK, weight="bold",
        va="top", parse_math=False, bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 1.5},
    )  # fmt: skip
    axes.set_ylim(low, high)
    axes.set_yticks([0, found.threshold], ["0", f"{found.threshold:.2f}"])
    axes.axhline(low, color=QUIET, linewidth=0.8)


def _times(moments: Sequence[Moment]) -> tuple[list[float], list[float]]:
    return [one.start_s for one in moments], [one.end_s - one.start_s for one in moments]


def _channels(figure: "Figure", axes: "Axes", found: Timeline) -> None:
    """A heat map, the first channel on top."""
    decibels = np.pad(np.array(found.activity.over_rest_db), ((0, 0), (0, 2)), mode="edge")
    names, length_s = found.activity.channels, found.activity.step_s * decibels.shape[1]
    loudest = max(float(np.percentile(decibels, LOUD_PERCENT)), 3.0)
    image = axes.imshow(
        decibels, aspect="auto", extent=(0.0, length_s, len(names) - 0.5, -0.5), cmap="magma", vmin=0,
        vmax=loudest, interpolation="nearest",
    )  # fmt: skip
    axes.set_yticks(range(len(names)), names if len(names) <= NAMED_CHANNELS else [""] * len(names))
    axes.tick_params(axis="y", labelcolor=QUIET)
    axes.tick_params(axis="x", length=2, color=QUIET)
    axes.set_xlim(0, found.duration_s)
    axes.set_xlabel("seconds", fontsize=7, color=QUIET, loc="right", labelpad=1)
    bar = figure.colorbar(image, ax=axes, pad=0.008, aspect=12, fraction=0.03)
    bar.set_label("dB over rest", fontsize=7, color=QUIET)
    bar.ax.tick_params(labelsize=6.5, length=2, color=QUIET, labelcolor=QUIET)
    bar.outline.set_visible(False)
