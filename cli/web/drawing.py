"""Signals as pictures for a browser: SVG that stretches to any width and takes its colours from the page.

Every picture has the unit of its own grid: one column a bin of time, one row a channel. Text is HTML beside
it, so that nothing a person reads is ever stretched.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from myosem.records import Recording, Span

LEVELS = 8
ROBUST_PERCENT = 99.0
MOST_SAMPLES = 4_000_000
NAMED_CHANNELS = 16
STRIP_LETTERS = 100
"""How many letters fit beside each other on a strip."""

Values = NDArray[np.float32]


@dataclass(frozen=True)
class View:
    """A stretch of a recording that is looked at, in seconds."""

    start_s: float
    end_s: float

    @classmethod
    def around(cls, recording: Recording, start_s: float, end_s: float) -> "View":
        """A stretch with half its length, or half a second, of context on both sides."""
        context_s = max(0.5, (end_s - start_s) / 2)
        return cls(max(start_s - context_s, 0.0), min(end_s + context_s, recording.duration_s))

    @property
    def length_s(self) -> float:
        """Its length, never zero."""
        return max(self.end_s - self.start_s, 1e-6)

    def share(self, time_s: float) -> float:
        """Where a time lies: 0 at the start, 1 at the end, never outside."""
        return min(max((time_s - self.start_s) / self.length_s, 0.0), 1.0)


def levels(recording: Recording, view: View, bins: int) -> Values:
    """How strong each channel is over time.

    Args:
        recording: raw, or an envelope already.
        view: the stretch.
        bins: how many parts of equal length.

    Returns:
        ``(bins, C)`` mean absolute amplitude in the recording's unit, zero where there is no sample.
    """
    samples, edges = _binned_samples(recording, view, bins)
    if not len(samples):
        return np.zeros((bins, len(recording.channels)), np.float32)
    envelope = recording.signal == "envelope"
    base = np.min(samples, axis=0) if envelope else np.median(samples, axis=0)
    strength = np.abs(samples - base)
    counts = np.diff(edges)
    sums = np.add.reduceat(strength, np.minimum(edges[:-1], len(strength) - 1), axis=0)
    return np.asarray(np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], 0), np.float32)


def extremes(recording: Recording, view: View, bins: int) -> Values:
    """Lowest and highest value of each channel over time.

    Returns:
        ``(2, bins, C)`` about the channel's median, or above the lowest value of an envelope.
    """
    samples, edges = _binned_samples(recording, view, bins)
    if not len(samples):
        return np.zeros((2, bins, len(recording.channels)), np.float32)
    starts = np.minimum(edges[:-1], len(samples) - 1)
    base = np.min(samples, axis=0) if recording.signal == "envelope" else np.median(samples, axis=0)
    centred = samples - base
    return np.stack([f.reduceat(centred, starts, axis=0) for f in (np.minimum, np.maximum)])


def _binned_samples(recording: Recording, view: View, bins: int) -> tuple[Values, NDArray[np.int_]]:
    """Samples ``(T, C)`` of a stretch and ``bins + 1`` edges; of very long ones only every n-th sample."""
    first, last = (round(time_s * recording.rate_hz) for time_s in (view.start_s, view.end_s))
    step = max((last - first) * len(recording.channels) // MOST_SAMPLES, 1)
    samples = np.asarray(recording.samples[max(first, 0) : last : step], dtype=np.float32)
    return samples, np.linspace(0, len(samples), bins + 1).round().astype(int)


def wave(strength: Values, view: View, start_s: float, end_s: float) -> str:
    """The course of a signal's strength as one mirrored shape, a stretch of it in the accent's colour.

    Args:
        strength: ``(bins, C)`` of ``levels``.
        view: what it shows.
        start_s: start of the stretch.
        end_s: its end.
    """
    course = strength.mean(axis=1, dtype=np.float64)
    heights = np.sqrt(course / (course.max(initial=0) or 1.0))
    bins = len(heights)
    first, last = (round(view.share(time_s) * bins) for time_s in (start_s, end_s))
    parts = [("out", 0, first), ("in", first, max(last, first + 1)), ("out", last, bins)]
    shapes = "".join(_shape(kind, heights, a, b) for kind, a, b in parts if b > a)
    return (
        f'<svg class="wave" viewBox="0 -1.04 {bins} 2.08" preserveAspectRatio="none" aria-hidden="true">'
        f"{shapes}</svg>"
    )


def _shape(kind: str, heights: NDArray[np.float64], first: int, last: int) -> str:
    """Part of the mirrored shape; it reaches half a bin into its neighbours, so that no gap shows."""
    places = np.arange(first, last) + 0.5
    values = np.maximum(heights[first:last], 0.03)
    places = np.concatenate([[first], places, [last]])
    values = np.concatenate([values[:1], values, values[-1:]])
    upper = " ".join(f"{x:g},{-y:.2f}" for x, y in zip(places, values, strict=True))
    lower = " ".join(f"{x:g},{y:.2f}" for x, y in zip(places[::-1], values[::-1], strict=True))
    return f'<polygon class="{kind}" points="{upper} {lower}"/>'


def heat(strength: Values, view: View, start_s: float, end_s: float) -> str:
    """A map of channels (rows) over time (columns), darker or brighter where a channel is stronger."""
    bins, count = strength.shape
    top = float(np.percentile(strength, ROBUST_PERCENT)) or float(strength.max(initial=0)) or 1.0
    steps = np.clip(np.sqrt(strength / top) * LEVELS, 0, LEVELS - 1e-6).astype(int)
    cells: list[list[str]] = [[] for _ in range(LEVELS)]
    for row, channel in enumerate(steps.T):
        edges = np.flatnonzero(np.diff(channel, prepend=-1, append=-1))
        for a, b in pairwise(edges):
            cells[channel[a]].append(f"M{a} {row}h{b - a}v1h{a - b}z")
    paths = "".join(f'<path class="l{n}" d="{"".join(own)}"/>' for n, own in enumerate(cells) if own)
    a, b = view.share(start_s) * bins, view.share(end_s) * bins
    frame = "".join(f'<path class="edge" d="M{x:.2f} 0V{count}"/>' for x in (a, b) if 0 < x < bins)
    return (
        f'<svg class="heat" viewBox="0 0 {bins} {count}" preserveAspectRatio="none" aria-hidden="true" '
        f'shape-rendering="crispEdges">{paths}{frame}</svg>'
    )


def traces(recording: Recording, view: View, start_s: float, end_s: float, bins: int = 480) -> str:
    """Every channel of a signal, one below the other on one scale, a stretch of it shaded."""
    low, high = extremes(recording, view, bins)
    scale = float(np.percentile(np.abs([low, high]), ROBUST_PERCENT + 0.8)) or 1.0
    envelope = recording.signal == "envelope"
    height = 0.9 if envelope else 0.48
    base = np.arange(low.shape[1]) + (0.95 if envelope else 0.5)
    tops = base - np.clip(high / scale, -1.1, 1.1) * height
    bottoms = base - np.clip(low / scale, -1.1, 1.1) * height
    paths = "".join(_trace(tops[:, c], bottoms[:, c]) for c in range(low.shape[1]))
    a, b = view.share(start_s) * bins, view.share(end_s) * bins
    return (
        f'<svg class="traces" viewBox="0 0 {bins} {low.shape[1]}" preserveAspectRatio="none" '
        f'aria-hidden="true"><rect class="stretch" x="{a:.2f}" y="0" width="{b - a:.2f}" '
        f'height="{low.shape[1]}"/>{paths}</svg>'
    )


def _trace(tops: Values, bottoms: Values) -> str:
    """One line that visits the highest and the lowest value of each bin."""
    points = " ".join(f"{x} {a:.2f} {x} {b:.2f}" for x, (a, b) in enumerate(zip(tops, bottoms, strict=True)))
    return f'<path d="M{points}"/>'


def axis(view: View, most: int = 6) -> str:
    """Times below a picture, at round numbers."""
    ticks = round_times(view, most)
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
    digits = 0 if step >= 1 else 1 if step >= 0.1 else 2
    marks = "".join(
        f'<span style="left:{100 * view.share(tick):.2f}%">{tick:.{digits}f}</span>' for tick in ticks
    )
    return f'<div class="axis" aria-hidden="true">{marks}<em>s</em></div>'


def round_times(view: View, most: int) -> list[float]:
    """At most ``most`` round times within a stretch, evenly spaced."""
    raw = view.length_s / max(most, 1)
    power = 10.0 ** np.floor(np.log10(raw))
    step = next(float(m * power) for m in (1, 2, 5, 10) if m * power >= raw * 0.999)
    first = np.ceil(view.start_s / step - 1e-9)
    last = np.floor((view.end_s - 0.045 * view.length_s) / step + 1e-9)
    return [float(n * step) + 0.0 for n in np.arange(first, last + 1)]


def channel_names(recording: Recording) -> str:
    """Names of the channels beside a picture; of many channels only some."""
    count = len(recording.channels)
    every = -(-count // NAMED_CHANNELS)
    names = "".join(
        f"<span>{escape(channel.name) if n % every == 0 else ''}</span>"
        for n, channel in enumerate(recording.channels)
    )
    return f'<div class="names" aria-hidden="true">{names}</div>'


def spans(labelled: Sequence[Span], view: View, *, kind: str = "") -> str:
    """Labelled stretches as bands; the label is written where it has room."""
    bands: list[str] = []
    for one in labelled:
        a, b = view.share(one.start_s), view.share(one.end_s)
        if b <= a:
            continue
        label, room = escape(one.label), (b - a) * STRIP_LETTERS - 1.5
        text = label if len(one.label) <= room else ""
        bands.append(
            f'<span class="band {kind}" style="left:{100 * a:.2f}%;width:{100 * (b - a):.2f}%" '
            f'title="{label} {one.start_s:.2f}–{one.end_s:.2f} s">{text}</span>'
        )
    return f'<div class="bands">{"".join(bands)}</div>' if bands else ""
