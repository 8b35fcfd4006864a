"""Codes as pictures: over the signal they stand for, and what each of them means."""

import colorsys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from myosem.errors import UsageError
from myosem.pictures import ACCENT, INK, NAMED_CHANNELS, QUIET, check_picture_path, stacked, write_figure
from myosem.ring import HARMONICS, ring_waves
from myosem.tokens import BANDS_HZ, LEVEL, SHAPE, STEPS, TOKEN_S
from myosem.words import Sentence, Word

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_SECONDS = 60.0
NUMBERED = 60
"""Codes are numbered in the picture where there are no more than so many."""

_DEGREES = 72


def plot_sentence(sentence: Sentence, path: Path) -> Path:
    """Draw the codes of a recording above its channels; of a long one the first minute with words in it.

    Args:
        sentence: one recording and its words.
        path: ends in .png, .svg or .pdf.

    Raises:
        UsageError: there is no word, or the path cannot be written to.
    """
    check_picture_path(path)
    if not sentence.words:
        raise UsageError("there is nothing to draw: no words were found", got=sentence.recording.source)
    start_s = max(sentence.words[0].start_s - 1, 0) if sentence.recording.duration_s > MOST_SECONDS else 0.0
    end_s = min(start_s + MOST_SECONDS, sentence.recording.duration_s)
    drawn = [word for word in sentence.words if word.start_s < end_s]
    figure = _figure(max(6.4, 0.4 * (end_s - start_s)), 3.6)
    axes = figure.add_subplot()
    _signal(axes, sentence, start_s, end_s)
    numbered = sum(len(word.codes) for word in drawn) <= NUMBERED
    for word in drawn:
        _word(axes, word, numbered=numbered)
    axes.set_title(
        sentence.recording.name, loc="left", fontsize=10, color=INK, weight="bold", parse_math=False
    )
    return write_figure(figure, path)


def plot_code(code: int, mean: NDArray[np.floating], share: float, path: Path) -> Path:
    """Draw what a code means: the level round the limb as time goes on, and the shape of the spectrum.

    Args:
        code: its number.
        mean: mean content ``(CONTENT,)`` of the tokens it stands for.
        share: of all tokens.
        path: ends in .png, .svg or .pdf.
    """
    figure = _figure(3.2, 2.0)
    round_limb, spectrum = figure.subplots(1, 2, width_ratios=[2, 1])
    angles = np.linspace(0, 2 * np.pi, _DEGREES)
    level = mean[LEVEL].reshape(STEPS, HARMONICS) @ ring_waves(angles)  # S H -> S angles
    decibels = 10 / np.log(10) * level.T
    extent = (0.0, TOKEN_S, 0.0, 360.0)
    image = round_limb.imshow(
        decibels, origin="lower", aspect="auto", extent=extent, cmap="viridis", vmin=0, vmax=30
    )
    round_limb.set_yticks([0, 90, 180, 270, 360])
    round_limb.set_xlabel("seconds", fontsize=6, color=INK)
    round_limb.set_ylabel("degrees round the limb", fontsize=6, color=INK)
    bar = figure.colorbar(image, ax=round_limb)
    bar.set_label("dB over rest", fontsize=6, color=INK)
    shape = mean[SHAPE].reshape(len(BANDS_HZ), HARMONICS)[:, 0]
    spectrum.barh(range(len(BANDS_HZ)), 10 / np.log(10) * shape, color=ACCENT)
    spectrum.set_yticks(range(len(BANDS_HZ)), [f"{low}-{high}" for low, high in BANDS_HZ])
    spectrum.set_xlabel("dB by band (Hz)", fontsize=5.5, color=INK)
    for axes in (round_limb, spectrum, bar.ax):
        axes.tick_params(labelsize=5.5, length=1.5, color=QUIET)
    figure.suptitle(f"code {code}: {100 * share:.1f} %", x=0.02, ha="left", fontsize=8, color=INK)
    return write_figure(figure, path)


def _signal(axes: "Axes", sentence: Sentence, start_s: float, end_s: float) -> None:
    recording = sentence.recording
    traces = stacked(recording.between(start_s, end_s), envelope=recording.signal == "envelope")
    times = start_s + np.arange(len(traces)) / recording.rate_hz
    for trace in traces.T:
        axes.plot(times, trace, color=QUIET, linewidth=0.4)
    names = [channel.name for channel in recording.channels]
    axes.set_ylim(-len(names) + 0.3, 2.2)
    axes.set_xlim(start_s, end_s)
    axes.set_yticks(-np.arange(len(names)), names if len(names) <= NAMED_CHANNELS else [""] * len(names))
    axes.tick_params(axis="y", length=0, labelsize=6.5, labelcolor=QUIET)
    axes.tick_params(axis="x", length=2, labelsize=7, labelcolor=INK, color=QUIET)
    axes.spines[["left", "right", "top"]].set_visible(False)
    axes.spines["bottom"].set_color(QUIET)
    axes.set_xlabel("seconds", fontsize=7, color=QUIET, loc="right", labelpad=1)


def _word(axes: "Axes", word: Word, *, numbered: bool) -> None:
    """A strip of codes above the channels, and a shade behind them where it is a contraction."""
    if word.kind == "contraction":
        axes.axvspan(word.start_s, word.end_s, ymax=0.75, color="#eef3f4", linewidth=0, zorder=0)
    starts = [start for start, _ in word.times_s]
    ends = [*starts[1:], word.end_s]
    for start, end, code in zip(starts, ends, word.codes, strict=True):
        axes.broken_barh([(start, end - start)], (1.1, 0.6), facecolor=code_colour(code), linewidth=0)
        if numbered:
            axes.text((start + end) / 2, 1.8, str(code), fontsize=4.5, rotation=90, ha="center", color=INK)


def code_colour(code: int) -> tuple[float, float, float]:
    """A colour of its own for each code."""
    return colorsys.hsv_to_rgb(code * 0.618034 % 1, 0.45 + 0.4 * (code * 0.7548777 % 1), 0.85)


def _figure(width: float, height: float) -> "Figure":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    figure = Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(), facecolor="white")
    FigureCanvasAgg(figure)
    return figure
