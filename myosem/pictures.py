"""Hits as pictures: every channel of the signal, the hit itself shaded, some context on both sides.

Where it is known why something is a hit, what each channel is worth stands beside the signal, and what each
moment is worth above it.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from myosem.errors import UsageError
from myosem.records import Recording
from myosem.search import Hit, SearchResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

    from myosem.results import Explanation

FORMATS = ("pdf", "png", "svg")
MOST_HITS, MOST_EXPLAINED = 24, 6
INK, QUIET, ACCENT = "#1f2933", "#9aa5b1", "#0b7285"
SHADE = "#d3f0f2"
ROBUST_PERCENT = 99.5
NAMED_CHANNELS = 12


def check_picture_path(path: Path) -> None:
    """Refuse a path no picture can be written to, before anything is searched.

    Raises:
        UsageError: an ending that is no picture format, a folder, or a folder that does not exist.
    """
    if path.suffix.lower().lstrip(".") not in FORMATS:
        raise UsageError(
            "the picture's file name needs a known ending",
            got=path.name,
            exists=[f".{ending}" for ending in FORMATS],
        )
    if not path.absolute().parent.is_dir():
        raise UsageError("the picture's folder does not exist", got=path.parent, hint=f"mkdir {path.parent}")
    if path.is_dir():
        raise UsageError("a picture cannot take the place of a folder", got=path, expected="a file name")


def plot_hits(result: SearchResult, recordings: Sequence[Recording], path: Path) -> Path:
    """Draw the hits of a search, the best first, and write them in one step.

    Args:
        result: what the search found; at most the first 24 hits are drawn.
        recordings: the recording of each hit, in the same order.
        path: ends in .png, .svg or .pdf.

    Raises:
        UsageError: there is nothing to draw, or the path cannot be written to.
    """
    check_picture_path(path)
    if not result.hits:
        raise UsageError("there is nothing to draw: the search found nothing", got=result.asked)
    figure = _figure(result, list(zip(result.hits, recordings, strict=True))[:MOST_HITS])
    return write_figure(figure, path)


def plot_explained(result: SearchResult, recordings: Sequence[Recording], path: Path) -> Path:
    """Draw why the best hits are hits: arguments and errors as ``plot_hits``.

    Only hits that have an explanation are drawn, at most the first 6.
    """
    check_picture_path(path)
    drawn = [pair for pair in zip(result.hits, recordings, strict=True) if pair[0].explanation is not None]
    if not drawn:
        raise UsageError("there is nothing to draw: no hit is explained", got=result.asked)
    return write_figure(explained_figure(result, drawn[:MOST_EXPLAINED]), path)


def explained_figure(result: SearchResult, drawn: Sequence[tuple[Hit, Recording]]) -> "Figure":
    """Hits with their recordings: moments above each signal, channels beside it."""
    figure, columns, rows = _sheet(len(drawn), panel_inches=(6.4, 3.6))
    heading = result.asked
    if result.meaning is not None:
        heading += f"\nnearest text: {result.meaning.text} ({result.meaning.name}, {result.meaning.view})"
    figure.suptitle(heading, x=0.02, ha="left", fontsize=13, color=INK, weight="bold", parse_math=False)
    panels = np.ravel(figure.subfigures(rows, columns, squeeze=False))
    for panel, (hit, recording) in zip(panels, drawn, strict=False):
        _explained_panel(panel, hit, recording)
    return figure


def write_figure(figure: "Figure", path: Path) -> Path:
    """Write a figure, the whole file or nothing."""
    unfinished = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        figure.savefig(unfinished, dpi=140)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def _sheet(count: int, panel_inches: tuple[float, float]) -> "tuple[Figure, int, int]":
    """An empty figure for some panels, and in how many columns and rows they stand."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    columns = 1 if count == 1 else 2
    rows = -(-count // columns)
    layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.1)
    size = panel_inches[0] * columns, 0.9 + panel_inches[1] * rows
    figure = Figure(figsize=size, layout=layout, facecolor="white")
    FigureCanvasAgg(figure)
    return figure, columns, rows


def _figure(result: SearchResult, drawn: Sequence[tuple[Hit, Recording]]) -> "Figure":
    figure, columns, rows = _sheet(len(drawn), panel_inches=(6.4, 2.7))
    count = f"{len(drawn)} of {len(result.hits)} hits" if len(drawn) < len(result.hits) else ""
    heading = "   ".join(part for part in (result.asked, count) if part)
    figure.suptitle(heading, x=0.02, ha="left", fontsize=15, color=INK, weight="bold", parse_math=False)
    for position, (hit, recording) in enumerate(drawn):
        _panel(figure.add_subplot(rows, columns, position + 1), hit, recording)
    return figure


def _explained_panel(panel: "SubFigure", hit: Hit, recording: Recording) -> None:
    """One hit: moments above, channels beside, the signal between them."""
    if hit.explanation is None:
        return
    grid = panel.add_gridspec(2, 2, width_ratios=(6, 1), height_ratios=(1, 5))
    signal = panel.add_subplot(grid[1, 0])
    _panel(signal, hit, recording)
    title, where = signal.get_title(loc="left"), signal.texts[0]
    signal.set_title("", loc="left")
    moments = panel.add_subplot(grid[0, 0], sharex=signal)
    channels = panel.add_subplot(grid[1, 1], sharey=signal)
    moments.set_title(title, loc="left", fontsize=9.5, color=INK, weight="bold", pad=16, parse_math=False)
    moments.annotate(
        where.get_text(), (0, 1), (0, 4), "axes fraction", "offset points", fontsize=7.5, color=INK
    ).set_parse_math(False)
    where.remove()
    _draw_moments(moments, hit.explanation)
    _draw_channels(channels, hit.explanation)


def _draw_moments(axes: "Axes", why: "Explanation") -> None:
    starts = [one.start_s for one in why.moments]
    widths = [one.end_s - one.start_s for one in why.moments]
    drops = [one.drop for one in why.moments]
    axes.bar(starts, drops, widths, align="edge", color=_colours(drops), edgecolor="white", linewidth=0.4)
    axes.axhline(0, color=QUIET, linewidth=0.5)
    axes.tick_params(axis="x", bottom=False, labelbottom=False)
    _quiet(axes, "y", drops)


def _draw_channels(axes: "Axes", why: "Explanation") -> None:
    drops = [one.drop for one in why.channels]
    axes.barh(-np.arange(len(drops)), drops, 0.7, color=_colours(drops))
    axes.axvline(0, color=QUIET, linewidth=0.5)
    axes.tick_params(axis="y", left=False, labelleft=False)
    axes.set_xlabel("score lost without", fontsize=7, color=QUIET, loc="right", labelpad=1)
    _quiet(axes, "x", drops)


def _colours(drops: Sequence[float]) -> list[str]:
    """What carries the score stands out from what lowers it."""
    return [ACCENT if drop > 0 else QUIET for drop in drops]


def _quiet(axes: "Axes", axis: Literal["x", "y"], drops: Sequence[float]) -> None:
    """No frame, and only zero and the largest value as ticks."""
    axes.spines[:].set_visible(False)
    top = max((abs(drop) for drop in drops), default=0.0)
    ticks = [0.0, max(drops)] if drops and max(drops) > 0.2 * top > 0 else [0.0]
    (axes.set_xticks if axis == "x" else axes.set_yticks)(ticks, [f"{tick:.2g}" for tick in ticks])
    axes.tick_params(axis=axis, length=2, labelsize=6.5, labelcolor=QUIET, color=QUIET)


def _panel(axes: "Axes", hit: Hit, recording: Recording) -> None:
    """One hit: channels stacked from the top, its time shaded."""
    context_s = max(0.5, (hit.end_s - hit.start_s) / 2)
    start_s = max(hit.start_s - context_s, 0.0)
    end_s = min(hit.end_s + context_s, recording.duration_s)
    traces = stacked(recording.between(start_s, end_s), envelope=recording.signal == "envelope")
    times = start_s + np.arange(len(traces)) / recording.rate_hz
    inside = (times >= hit.start_s) & (times <= hit.end_s)
    axes.axvspan(hit.start_s, hit.end_s, color=SHADE, linewidth=0)
    for trace in traces.T:
        axes.plot(times, trace, color=QUIET, linewidth=0.5)
        axes.plot(times[inside], trace[inside], color=ACCENT, linewidth=0.6)
    axes.set_xlim(start_s, end_s)
    _dress(axes, hit, recording)


def _dress(axes: "Axes", hit: Hit, recording: Recording) -> None:
    """Headings, ticks and no frame."""
    names = [channel.name for channel in recording.channels]
    axes.set_ylim(-len(names) + 0.3, 0.9)
    axes.set_yticks(-np.arange(len(names)), names if len(names) <= NAMED_CHANNELS else [""] * len(names))
    axes.tick_params(axis="y", length=0, labelsize=6.5, labelcolor=QUIET)
    axes.tick_params(axis="x", length=2, labelsize=7, labelcolor=INK, color=QUIET)
    axes.spines[["left", "right", "top"]].set_visible(False)
    axes.spines["bottom"].set_color(QUIET)
    axes.set_xlabel("seconds", fontsize=7, color=QUIET, loc="right", labelpad=1)
    title = f"{hit.rank}   {hit.label or 'no label'}   {hit.score:.3f}"
    axes.set_title(title, loc="left", fontsize=9.5, color=INK, weight="bold", pad=16, parse_math=False)
    where = [*dict.fromkeys([hit.dataset, hit.subject, hit.session]), _tail(hit.source)]
    if hit.simulated:
        where.append("simulated")
    text = axes.annotate(
        "  ·  ".join(where), (0, 1), (0, 4), "axes fraction", "offset points", fontsize=7.5, color=INK
    )
    text.set_parse_math(False)


def _tail(source: str, length: int = 44) -> str:
    """The end of a path, which tells most."""
    return source if len(source) <= length else f"…{source[-length + 1 :]}"


def stacked(samples: NDArray[np.float32], *, envelope: bool = False) -> NDArray[np.float32]:
    """Channels one below the other, one unit apart, all on one scale so that amplitudes compare.

    Args:
        samples: ``(T, C)``.
        envelope: the signal is an envelope: its rest level is the base line, not its middle.

    Returns:
        ``(T, C)``; channel c lies round ``-c``.
    """
    if not len(samples):
        return samples
    base = np.min(samples, axis=0) if envelope else np.median(samples, axis=0)
    centred = samples - base
    scale = float(np.percentile(np.abs(centred), ROBUST_PERCENT)) or 1.0
    height = 0.8 if envelope else 0.55
    traces = np.clip(centred / scale, -1.4, 1.4) * height - np.arange(samples.shape[1])
    return np.asarray(traces, dtype=np.float32)
