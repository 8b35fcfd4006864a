"""Contraction events of a session, found from the signal alone.

Activity is the power of a frame over the session's rest level in decibels, averaged over channels; so
neither the gain of a channel nor whether a recording starts at rest matters. Where activity falls into two
populations, the boundary between them is the session's threshold. People do not always come back to the
same rest, and some movements are weak: where activity rises and falls enough within some seconds, the
middle between its local low and high is the threshold instead. Hysteresis, merging and length limits turn
frames into events. Labels play no part.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import percentile_filter, uniform_filter1d

from myosem.records import Recording, Segment, Span
from myosem.signal import HOP_S, Frames, to_frames

REST_QUANTILE, QUIETEST = 0.02, 1e-2
MINIMUM_S, MAXIMUM_S = 0.2, 5.0
MERGE_S = 0.25
REST_MINIMUM_S, REST_LENGTH_S, REST_EVERY_S, REST_MARGIN_S = 0.8, 2.0, 10.0, 0.2
SEPARATION_DB = 3.0
SMOOTH_FRAMES = 5
LOCAL_FRAMES = 301
LOCAL_PERCENTILES = 10, 90
HYSTERESIS_DB, HYSTERESIS_SHARE = 3.0, 0.4
EXCESS_DB_S = 0.5
MINIMUM_FRAMES, MERGE_FRAMES = round(MINIMUM_S / HOP_S), round(MERGE_S / HOP_S)

Stretch = tuple[float, float]
Levels = NDArray[np.float64]


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
    found: list[Segment] = []
    for number, (events, recording) in enumerate(
        zip(contraction_events(frames, recordings), recordings, strict=True)
    ):
        contractions = [piece for start, end in events for piece in pieces(start, end)]
        rests = _rests(contractions, recording.duration_s)
        segments = [Segment(number, start, end, "contraction") for start, end in contractions]
        segments += [Segment(number, start, end, "rest") for start, end in rests]
        if not segments:
            segments = [Segment(number, 0.0, min(recording.duration_s, MAXIMUM_S), "rest")]
        found += sorted(segments, key=lambda segment: segment.start_s)
    return found


def contraction_events(frames: Sequence[Frames], recordings: Sequence[Recording]) -> list[list[Stretch]]:
    """Start and end in seconds of the contractions of each recording, however long they are.

    Args:
        frames: of all recordings of one session.
        recordings: the same recordings.
    """
    if not recordings:
        return []
    rest = rest_power(frames)
    if not np.isfinite(rest).any():
        return [[] for _ in recordings]
    levels = [activity_db(one.power, rest) for one in frames]
    session_db = threshold_db(np.concatenate([smooth(level) for level in levels]))
    return [
        [span_of_frames(run, len(level), recording.duration_s) for run in events_of_level(level, session_db)]
        for level, recording in zip(levels, recordings, strict=True)
    ]


def events_of_level(level: Levels, session_db: float) -> list[tuple[int, int]]:
    """Half-open ranges of frames that are contractions, from the activity ``(n,)`` of one recording."""
    smoothed = smooth(level)
    low, high = _local(smoothed)
    enter, leave = thresholds_db(low, high, session_db)
    merged: list[tuple[int, int]] = []
    for first, last in _runs(smoothed > leave):
        if not (smoothed[first:last] > enter[first:last]).any():
            continue
        if merged and first - merged[-1][1] < MERGE_FRAMES:
            merged[-1] = merged[-1][0], last
        else:
            merged.append((first, last))
    excess = np.maximum(smoothed - enter, 0)
    loud = [run for run in merged if excess[slice(*run)].sum() * HOP_S >= EXCESS_DB_S]
    drawn = [draw_in(run, level > enter) for run in loud]
    return [(first, last) for first, last in drawn if last - first >= MINIMUM_FRAMES]


def draw_in(run: tuple[int, int], above: Sequence[bool] | NDArray[np.bool_]) -> tuple[int, int]:
    """A run of frames without those at its edges that only smoothing brought over the threshold."""
    first, last = run
    reach = SMOOTH_FRAMES // 2
    while first < min(run[0] + reach, last - 1) and not above[first]:
        first += 1
    while last > max(run[1] - reach, first + 1) and not above[last - 1]:
        last -= 1
    return first, last


def span_of_frames(run: tuple[int, int], count: int, duration_s: float) -> Stretch:
    """Seconds from the first to the last of some of ``count`` frames; the outermost reach the ends."""
    first, last = run
    start_s = (first + 0.5) * HOP_S if first else 0.0
    return start_s, min((last + 0.5) * HOP_S, duration_s) if last < count else duration_s


def thresholds_db(low: Levels, high: Levels, session_db: float) -> tuple[Levels, Levels]:
    """Where a contraction is entered and where it is left, for each frame.

    Args:
        low: ``(n,)`` low level of the surroundings of each frame.
        high: ``(n,)`` their high level.
        session_db: the session's threshold; it counts where the surroundings hardly rise and fall.
    """
    swing = high - low
    share = np.clip(swing / SEPARATION_DB - 1, 0, 1)
    middle = (low + high) / 2
    if np.isfinite(session_db):
        enter = share * middle + (1 - share) * session_db
    else:
        enter = np.where(share == 1, middle, session_db)
    return enter, enter - np.minimum(HYSTERESIS_DB, HYSTERESIS_SHARE * np.maximum(swing, 2 * SEPARATION_DB))


def smooth(level: Levels) -> Levels:
    """Mean of each frame and its two neighbours on either side ``(n,)``."""
    return np.asarray(uniform_filter1d(level, SMOOTH_FRAMES, mode="nearest"))


def _local(level: Levels) -> Levels:
    """Percentiles of the 15 s round each frame ``(2, n)``; near the ends, of the first or last 15 s."""
    if len(level) <= LOCAL_FRAMES:
        return np.repeat(np.percentile(level, LOCAL_PERCENTILES)[:, None], len(level), axis=1)
    half = LOCAL_FRAMES // 2
    inside = np.clip(np.arange(len(level)), half, len(level) - 1 - half)
    return np.stack([percentile_filter(level, one, LOCAL_FRAMES)[inside] for one in LOCAL_PERCENTILES])


def rest_power(frames: Sequence[Frames]) -> NDArray[np.float64]:
    """Power of each channel at rest ``(C,)``; channels that are dead get infinity and so do not count."""
    return rest_of_power(np.concatenate([one.power for one in frames]))


def rest_of_power(frame_power: NDArray[np.floating]) -> NDArray[np.float64]:
    """As ``rest_power``, from the power ``(n, C)`` of all frames."""
    power = frame_power.astype(np.float64)
    level = np.quantile(power, REST_QUANTILE, axis=0)
    typical = np.median(power, axis=0)
    level = np.maximum(level, 1e-4 * typical)
    if len(power) > 1:
        level[np.ptp(power, axis=0) <= 1e-6 * typical] = np.inf
    return np.where(
        level > 0, level, np.where(power.max(axis=0) > 0, np.maximum(power.mean(axis=0), 1e-30), np.inf)
    )


def activity_db(power: NDArray[np.floating], rest: NDArray[np.float64]) -> Levels:
    """Activity of each frame over rest in dB ``(n,)``, from ``(n, C)`` power."""
    alive = np.isfinite(rest)
    if not alive.any():
        return np.zeros(len(power))
    ratio = np.maximum(power[:, alive] / rest[alive], QUIETEST)
    return np.asarray(10 * np.log10(ratio).mean(axis=1))


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


def pieces(start_s: float, end_s: float) -> list[Stretch]:
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
