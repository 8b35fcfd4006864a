"""Contraction events of a session, found from the signal alone.

The rest level of each channel is a low quantile over the whole session, so it does not matter
whether a recording starts at rest. Activity is the power over that level, averaged over channels,
in decibels. Where it falls into two populations, the boundary between them is the threshold;
hysteresis, merging and length limits turn frames into events. Labels play no part.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from myosem.records import Recording, Segment, Span
from myosem.signal import FRAME_S, HOP_S, Frames, to_frames

REST_QUANTILE = 0.02
MINIMUM_S, MAXIMUM_S = 0.2, 5.0
MERGE_S = 0.25
REST_MINIMUM_S, REST_LENGTH_S, REST_EVERY_S, REST_MARGIN_S = 0.8, 2.0, 10.0, 0.2
SEPARATION_DB = 3.0

Stretch = tuple[float, float]


def find_segments(recordings: Sequence[Recording]) -> list[Segment]:
    """Contractions and, sparsely, rest of one session, in order of recording and time.

    Args:
        recordings: all recordings of the session; they share channels and rate.

    Returns:
        Contractions of 0.2 to 5 s and rest stretches of up to 2 s. A recording in which neither
        is found is one segment as a whole.
    """
    return segments_of_frames([to_frames(recording) for recording in recordings], recordings)


def segments_of_frames(frames: Sequence[Frames], recordings: Sequence[Recording]) -> list[Segment]:
    """As ``find_segments``, for frames that are already there."""
    if not recordings:
        return []
    rest = rest_power(frames)
    levels = [activity_db(one.power, rest) for one in frames]
    threshold = threshold_db(np.concatenate(levels))
    found: list[Segment] = []
    for number, (level, recording) in enumerate(zip(levels, recordings, strict=True)):
        contractions = _contractions(level, threshold, recording.duration_s)
        rests = _rests(contractions, recording.duration_s)
        segments = [Segment(number, start, end, "contraction") for start, end in contractions]
        segments += [Segment(number, start, end, "rest") for start, end in rests]
        if not segments:
            segments = [Segment(number, 0.0, min(recording.duration_s, MAXIMUM_S), "rest")]
        found += sorted(segments, key=lambda segment: segment.start_s)
    return found


def rest_power(frames: Sequence[Frames]) -> NDArray[np.float64]:
    """Power of each channel at rest ``(C,)``; channels that are dead get infinity and so do not count."""
    power = np.concatenate([one.power for one in frames]).astype(np.float64)
    level = np.quantile(power, REST_QUANTILE, axis=0)
    typical = np.median(power, axis=0)
    level = np.maximum(level, 1e-4 * typical)
    if len(power) > 1:
        level[np.ptp(power, axis=0) <= 1e-6 * typical] = np.inf
    return np.where(
        level > 0, level, np.where(power.max(axis=0) > 0, np.maximum(power.mean(axis=0), 1e-30), np.inf)
    )


def activity_db(power: NDArray[np.float32], rest: NDArray[np.float64]) -> NDArray[np.float64]:
    """Activity of each frame over rest in dB ``(n,)``, from ``(n, C)`` power."""
    alive = np.isfinite(rest)
    ratio = (power[:, alive] / rest[alive]).mean(axis=1) if alive.any() else np.ones(len(power))
    return np.asarray(10 * np.log10(np.maximum(ratio, 1e-3)))


def threshold_db(levels: NDArray[np.float64]) -> float:
    """The boundary between rest and contraction; minus infinity where there is only one population."""
    low, high, boundary = two_means(levels)
    return boundary if high - low >= SEPARATION_DB else -np.inf


def two_means(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """Low mean, high mean and boundary of the split with the least variance within its halves (Otsu 1979)."""
    ordered = np.sort(values)
    count = np.arange(1, len(ordered))
    if len(ordered) < 2:
        return float(ordered[0]), float(ordered[0]), float(ordered[0])
    total = np.cumsum(ordered)
    low, high = total[:-1] / count, (total[-1] - total[:-1]) / (len(ordered) - count)
    best = int(np.argmax(count * (len(ordered) - count) * (high - low) ** 2))
    return float(low[best]), float(high[best]), float((ordered[best] + ordered[best + 1]) / 2)


def _contractions(level: NDArray[np.float64], threshold: float, duration_s: float) -> list[Stretch]:
    """Stretches above the threshold with hysteresis, merged, none too short, the long ones cut."""
    strong = level > threshold
    loose = level > threshold - SEPARATION_DB / 2
    runs = [run for run in _runs(loose) if strong[run[0] : run[1]].any()]
    stretches = [(first * HOP_S, min((last - 1) * HOP_S + FRAME_S, duration_s)) for first, last in runs]
    merged: list[Stretch] = []
    for start, end in stretches:
        if merged and start - merged[-1][1] < MERGE_S:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return [piece for start, end in merged if end - start >= MINIMUM_S for piece in _pieces(start, end)]


def _pieces(start_s: float, end_s: float) -> list[Stretch]:
    """Equal pieces of at most the maximum length."""
    count = int(np.ceil((end_s - start_s) / MAXIMUM_S - 1e-6))
    edges = np.linspace(start_s, end_s, max(count, 1) + 1).tolist()
    return list(pairwise(edges))


def _rests(contractions: Sequence[Stretch], duration_s: float) -> list[Stretch]:
    """A stretch from the middle of each gap, another for every further ten seconds of it."""
    edges = [
        0.0,
        *(edge for start, end in contractions for edge in (start - REST_MARGIN_S, end + REST_MARGIN_S)),
        duration_s,
    ]
    edges[0] = 0.0
    found = []
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if end - start < REST_MINIMUM_S:
            continue
        count = int((end - start) // REST_EVERY_S) + 1
        for middle in start + (np.arange(count) + 0.5) * (end - start) / count:
            half = min(REST_LENGTH_S, (end - start) / count) / 2
            found.append((float(middle - half), float(middle + half)))
    return found


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Half-open index ranges where the mask holds."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def label_segments(recordings: Sequence[Recording], segments: Sequence[Segment]) -> list[Span | None]:
    """The labelled span each segment belongs to, for training and judging; None where there is none.

    A segment can belong only to a span that covers at least half of it, and of several to the one that
    covers most; a contraction does. A span to which no contraction belongs claims, among the rest
    stretches that can be its own, the one that covers most of it. Other rest stretches belong to their
    span only if it is a span of rest, for a stretch of silence beside a short movement is not that
    movement. A span that covers half of no segment is nobody's.
    """
    spans = [_span_of(recordings[segment.recording].spans, segment) for segment in segments]
    claimed = {
        id(span)
        for span, segment in zip(spans, segments, strict=True)
        if span and segment.kind == "contraction"
    }
    longest: dict[int, int] = {}
    for position, span in enumerate(spans):
        if span is not None and id(span) not in claimed:
            best = longest.get(id(span), position)
            if _overlap(span, segments[position]) >= _overlap(span, segments[best]):
                longest[id(span)] = position
    return [
        span
        if segment.kind == "contraction"
        or (span and (span.action == "rest" or longest.get(id(span)) == position))
        else None
        for position, (span, segment) in enumerate(zip(spans, segments, strict=True))
    ]


def _span_of(spans: Sequence[Span], segment: Segment) -> Span | None:
    if not spans:
        return None
    best = max(spans, key=lambda span: _overlap(span, segment))
    return best if _overlap(best, segment) >= 0.5 * (segment.end_s - segment.start_s) else None


def _overlap(span: Span, segment: Segment) -> float:
    return max(min(span.end_s, segment.end_s) - max(span.start_s, segment.start_s), 0.0)
