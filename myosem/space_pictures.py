"""What a model makes of people never seen, as pictures: the space, its attention, confusions, hits.

Colours tell groups of actions apart, also to the colour-blind; where it matters which action, a number or a
name says so, and right and wrong differ in sign as well as in colour.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from myosem.errors import UsageError
from myosem.pictures import (
    ACCENT,
    INK,
    NAMED_CHANNELS,
    QUIET,
    SHADE,
    check_picture_path,
    stacked,
    write_figure,
)
from myosem.prompts.schema import GROUPS, VIEWS, Group
from myosem.records import Recording
from myosem.relevance import CLOSE, EXACT, WRONG

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

COLOURS: dict[Group, str] = {
    "rest": "#7b8794",
    "wrist": "#0072b2",
    "forearm": "#56b4e9",
    "finger": "#e69f00",
    "hand": "#d55e00",
    "grasp": "#009e73",
    "force": "#882255",
    "gesture": "#bfa600",
    "composition": "#cc79a7",
}
"""Of Okabe and Ito (2008), the yellow darkened, with a grey and a wine red."""
VERDICTS = {EXACT: ("✓", "#0072b2"), CLOSE: ("~", "#8a6d00"), WRONG: ("✗", "#d55e00")}
"""Right, close and wrong."""
CONTEXT_S = 0.5
SMALL_CHANNELS = 4
"""So many channels of a hit are drawn."""
NAMED_SHARE = 0.1
"""Shares of a row from which on they are written down."""

Points = NDArray[np.floating]


@dataclass(frozen=True)
class Place:
    """An action's words in the plane.

    Attributes:
        name: of the action.
        group: of the action.
        at: ``(2,)`` where its name lies.
        views: ``(V, 2)`` where a text of each view lies.
    """

    name: str
    group: Group
    at: Points
    views: Points


@dataclass(frozen=True)
class Attended:
    """A segment and what the V views attend to in it.

    Attributes:
        title: what it is.
        recording: where it was found.
        starts_s: start of each of its n tokens.
        end_s: its end.
        weights: ``(V, n + 1)``, in each row 1 in all; the last column is rest.
    """

    title: str
    recording: Recording
    starts_s: tuple[float, ...]
    end_s: float
    weights: NDArray[np.floating]


@dataclass(frozen=True)
class Confusion:
    """What was answered where something was done.

    Attributes:
        title: whose.
        names: of the A actions.
        shares: ``(A, A)``, rows done and columns answered, each row 1 in all; NaN where nobody did it.
    """

    title: str
    names: tuple[str, ...]
    shares: NDArray[np.floating]


@dataclass(frozen=True)
class Found:
    """A hit: where it is, what was done there, and how right that is (``myosem.relevance``)."""

    recording: Recording
    start_s: float
    end_s: float
    label: str
    grade: int


@dataclass(frozen=True)
class Answer:
    """A phrase, a note on it and its hits, the best first."""

    phrase: str
    note: str
    hits: tuple[Found, ...]


def plot_space(emg: Points, groups: Sequence[Group], words: Sequence[Place], title: str, path: Path) -> Path:
    """Draw segments as dots and words as numbers with a key, coloured by group.

    Args:
        emg: ``(n, 2)``.
        groups: of the action of each segment: n.
        words: of the actions.
        title: heading.
        path: ends in .png, .svg or .pdf.

    Raises:
        UsageError: there is nothing to draw, or the path cannot be written to.
    """
    _check(path, emg)
    figure = _figure(11.6, 8.1)
    axes, key = figure.subplots(1, 2, width_ratios=[3.3, 1])
    axes.scatter(*emg.T, s=9, c=[COLOURS[group] for group in groups], alpha=0.5, linewidths=0)
    ordered = sorted(words, key=lambda one: (GROUPS.index(one.group), one.name))
    everything = np.concatenate([emg, *(np.vstack([one.at, one.views]) for one in ordered)])
    least = 0.024 * float(np.ptp(everything, axis=0).max())
    above = np.array([0, 1.4 * least])
    badges = spread_out(np.stack([one.at for one in ordered]) + above, least)
    for number, (one, badge) in enumerate(zip(ordered, badges, strict=True), start=1):
        colour = COLOURS[one.group]
        axes.scatter(*one.views.T, s=16, marker="D", facecolors="white", edgecolors=colour, linewidths=1)
        axes.plot(*np.stack([one.at, badge]).T, color=INK, linewidth=0.6)
        axes.text(
            *badge, str(number), fontsize=7.5, color="white", weight="bold", ha="center", va="center",
            bbox={"boxstyle": "circle,pad=0.25", "facecolor": colour, "edgecolor": INK, "linewidth": 0.8},
        )  # fmt: skip
    axes.set_title(title, loc="left", fontsize=12, color=INK, weight="bold")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_color(SHADE)
    axes.set_aspect("equal", adjustable="datalim")
    _key(key, ordered, dict.fromkeys(groups))
    return write_figure(figure, path)


def spread_out(points: Points, least: float, rounds: int = 300) -> Points:
    """Points ``(n, 2)`` pushed apart until, if there is room, none is nearer than ``least`` to another."""
    moved = np.array(points, dtype=np.float64)
    moved += 1e-3 * least * np.random.default_rng(0).normal(size=moved.shape)
    for _ in range(rounds):
        away = moved[:, None] - moved[None]  # (n, n, 2)
        distance = np.linalg.norm(away, axis=2) + np.eye(len(moved)) * 2 * least
        push = np.maximum(1.02 * least - distance, 0) / 2
        if not push.any():
            break
        moved += (away / distance[..., None] * push[..., None]).sum(axis=1)
    return moved


def plot_attention(segments: Sequence[Attended], path: Path) -> Path:
    """Draw each segment with the attention of every view to its tokens, and to rest, under the signal.

    Raises:
        UsageError: there is nothing to draw, or the path cannot be written to.
    """
    _check(path, segments)
    figure = _figure(4.3 * len(segments) + 0.6, 5.2)
    grid = figure.add_gridspec(
        2, 2 * len(segments), width_ratios=[10, 1] * len(segments), height_ratios=[1.5, 1]
    )
    shown: dict[str, Any] = {"cmap": _ramp(), "vmin": 0.0, "edgecolors": "white", "linewidth": 0.6}
    shown["vmax"] = max(float(one.weights.max()) for one in segments)
    rows = np.arange(len(VIEWS) + 1)
    for column, one in enumerate(segments):
        signal = figure.add_subplot(grid[0, 2 * column])
        heat = figure.add_subplot(grid[1, 2 * column], sharex=signal)
        rest = figure.add_subplot(grid[1, 2 * column + 1])
        _waves(signal, one.recording, one.starts_s[0], one.end_s)
        signal.tick_params(axis="x", labelbottom=False)
        signal.set_title(one.title, loc="left", fontsize=9, color=INK, weight="bold", parse_math=False)
        for start in one.starts_s[1:]:
            signal.axvline(start, color="white", linewidth=0.8, zorder=0.5)
        edges = [*one.starts_s, one.end_s]
        heat.pcolormesh(edges, rows, one.weights[:, :-1], **shown)
        image = rest.pcolormesh([0, 1], rows, one.weights[:, -1:], **shown)
        middles = [(start + end) / 2 for start, end in pairwise(edges)]
        _numbers(heat, middles, one.weights[:, :-1], shown["vmax"])
        _numbers(rest, [0.5], one.weights[:, -1:], shown["vmax"])
        for axes in (heat, rest):
            axes.invert_yaxis()
            axes.spines[:].set_color(SHADE)
            axes.tick_params(length=0, labelsize=7, labelcolor=INK)
        heat.set_yticks(rows[:-1] + 0.5, VIEWS if column == 0 else [""] * len(VIEWS))
        heat.set_xlabel("seconds", fontsize=7, color=QUIET, loc="right", labelpad=1)
        rest.set_yticks([])
        rest.set_xticks([0.5], ["rest"])
    bar = figure.colorbar(image, ax=figure.axes, shrink=0.5, aspect=30, pad=0.01)
    bar.set_label("attention; 1 in a row (numbers: %)", fontsize=7, color=INK)
    bar.ax.tick_params(labelsize=7, length=2, color=QUIET)
    bar.outline.set_visible(False)
    return write_figure(figure, path)


def plot_confusions(panels: Sequence[Confusion], path: Path) -> Path:
    """Draw confusions side by side, each as wide as it has actions.

    Raises:
        UsageError: there is nothing to draw, or the path cannot be written to.
    """
    _check(path, panels)
    sizes = [max(len(one.names), 6) for one in panels]
    figure = _figure(2.1 * len(panels) + 0.3 * sum(sizes), 1.8 + 0.3 * max(sizes))
    for axes, one in zip(np.ravel(figure.subplots(1, len(panels), width_ratios=sizes)), panels, strict=True):
        axes.set_anchor("N")
        axes.imshow(one.shares, cmap=_ramp(), vmin=0, vmax=1)
        named = np.where(np.nan_to_num(one.shares) >= NAMED_SHARE, one.shares, np.nan)
        places = range(len(one.names))
        _numbers(axes, places, named, 1.0, first_row=0)
        axes.set_xticks(places, one.names, rotation=55, ha="right", rotation_mode="anchor")
        axes.set_yticks(places, one.names)
        axes.tick_params(length=0, labelsize=7.5, labelcolor=INK, pad=2)
        axes.spines[:].set_color(QUIET)
        axes.set_xlabel("answered", fontsize=8, color=QUIET)
        axes.set_ylabel("done", fontsize=8, color=QUIET)
        axes.set_title(one.title, loc="left", fontsize=9.5, color=INK, weight="bold", parse_math=False)
    return write_figure(figure, path)


def plot_answers(answers: Sequence[Answer], path: Path) -> Path:
    """Draw a row for each phrase: its first hits as small waveforms, right and wrong marked.

    Raises:
        UsageError: there is nothing to draw, or the path cannot be written to.
    """
    _check(path, answers)
    columns = max(len(one.hits) for one in answers)
    figure = _figure(2.0 * columns, 1.45 * len(answers))
    for panel, one in zip(np.ravel(figure.subfigures(len(answers), 1, squeeze=False)), answers, strict=True):
        panel.suptitle(f"“{one.phrase}”", x=0.01, ha="left", fontsize=9, color=INK, weight="bold")
        panel.text(0.99, 0.97, one.note, ha="right", va="top", fontsize=7, color=QUIET)
        for axes, hit in zip(panel.subplots(1, columns, squeeze=False)[0], one.hits, strict=False):
            _hit(axes, hit)
    return write_figure(figure, path)


def _numbers(
    axes: "Axes", columns: Sequence[float], shares: NDArray[np.floating], top: float, first_row: float = 0.5
) -> None:
    """Shares in per cent on their fields, but for those that are NaN."""
    for row, column in np.argwhere(~np.isnan(shares)):
        colour = "white" if shares[row, column] > 0.5 * top else INK
        text = f"{100 * shares[row, column]:.0f}"
        where = columns[column], row + first_row
        axes.text(*where, text, fontsize=6.5, color=colour, ha="center", va="center")


def _hit(axes: "Axes", hit: Found) -> None:
    verdict, colour = VERDICTS[hit.grade]
    _waves(axes, strongest(hit.recording, hit.start_s, hit.end_s), hit.start_s, hit.end_s, named=False)
    axes.set_title(f"{verdict} {hit.label}", loc="left", fontsize=7.5, color=colour, weight="bold", pad=3)
    where = f"{hit.recording.dataset} {_tail(hit.recording.subject)}, {hit.start_s:.1f}-{hit.end_s:.1f} s"
    axes.set_xlabel(where, fontsize=6.5, color=QUIET)
    axes.spines["bottom"].set_color(colour)
    axes.spines["bottom"].set_linewidth(2)


def strongest(recording: Recording, start_s: float, end_s: float, most: int = SMALL_CHANNELS) -> Recording:
    """A recording with only those channels that vary most between two times, in their order."""
    spread = recording.between(start_s, end_s).std(axis=0)
    kept = np.sort(np.argsort(-spread, kind="stable")[:most])
    channels = tuple(recording.channels[place] for place in kept)
    return replace(recording, samples=np.array(recording.samples[:, kept]), channels=channels)


def _tail(subject: str) -> str:
    return subject.rpartition("/")[2]


def _waves(axes: "Axes", recording: Recording, start_s: float, end_s: float, *, named: bool = True) -> None:
    """Channels one below the other with some context, the time from start to end shaded."""
    first_s = max(start_s - CONTEXT_S, 0.0)
    last_s = min(end_s + CONTEXT_S, recording.duration_s)
    traces = stacked(recording.between(first_s, last_s), envelope=recording.signal == "envelope")
    times = first_s + np.arange(len(traces)) / recording.rate_hz
    inside = (times >= start_s) & (times <= end_s)
    axes.axvspan(start_s, end_s, color=SHADE, linewidth=0, zorder=0)
    for trace in traces.T:
        axes.plot(times, trace, color=QUIET, linewidth=0.4)
        axes.plot(times[inside], trace[inside], color=ACCENT, linewidth=0.5)
    names = [channel.name for channel in recording.channels]
    axes.set_xlim(first_s, last_s)
    axes.set_ylim(-len(names) + 0.3, 0.9)
    axes.set_yticks(
        -np.arange(len(names)), names if named and len(names) <= NAMED_CHANNELS else [""] * len(names)
    )
    axes.tick_params(axis="y", length=0, labelsize=6.5, labelcolor=QUIET)
    axes.tick_params(axis="x", length=2, labelsize=6.5, labelcolor=INK, color=QUIET)
    axes.locator_params(axis="x", nbins=4)
    axes.spines[["left", "right", "top"]].set_visible(False)
    axes.spines["bottom"].set_color(QUIET)


def _key(axes: "Axes", words: Sequence[Place], groups: Sequence[Group] | dict[Group, None]) -> None:
    """What the signs, colours and numbers mean."""
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    signs = [("o", "a segment of EMG", QUIET, 0), ("D", "a text of one view", "white", 1)]
    lines: list[tuple[str, str, str]] = []
    for group in GROUPS:
        own = [(number, one.name) for number, one in enumerate(words, start=1) if one.group == group]
        if own or group in groups:
            lines.append(("", group, COLOURS[group]))
            lines += [(str(number), name, COLOURS[group]) for number, name in own]
    axes.set_ylim(max(len(lines) + 4, 40), 0)
    for row, (sign, meaning, colour, width) in enumerate(signs):
        axes.scatter(0.04, row + 0.5, s=22, marker=sign, facecolor=colour, edgecolor=QUIET, linewidths=width)
        axes.text(0.1, row + 0.5, meaning, fontsize=8, color=INK, va="center")
    axes.text(0.0, 2.5, "12", fontsize=7.5, color=INK, va="center", weight="bold")
    axes.text(0.1, 2.5, "the name of an action", fontsize=8, color=INK, va="center")
    for row, (number, text, colour) in enumerate(lines, start=4):
        weight = "normal" if number else "bold"
        axes.text(0.06, row + 0.5, number, fontsize=7.5, color=colour, weight="bold", va="center", ha="right")
        axes.text(
            0.1 if number else 0.0, row + 0.5, text, fontsize=7.5, color=INK if number else colour,
            weight=weight, va="center",
        )  # fmt: skip


def _ramp() -> "Colormap":
    """From white to dark, in one hue; grey where nothing is known."""
    from matplotlib.colors import LinearSegmentedColormap

    ramp = LinearSegmentedColormap.from_list("ramp", ["#ffffff", SHADE, ACCENT, "#06343f"])
    return ramp.with_extremes(bad="#e4e7eb")


def _check(path: Path, drawn: Sequence[object] | Points) -> None:
    check_picture_path(path)
    if not len(drawn):
        raise UsageError("there is nothing to draw", got=path.name)


def _figure(width: float, height: float) -> "Figure":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    figure = Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(), facecolor="white")
    FigureCanvasAgg(figure)
    return figure
