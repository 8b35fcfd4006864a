"""Why a segment got its score: what the score loses where something of the segment is taken away.

Occlusion (Zeiler and Fergus 2014), in the model as it is, and in the context of the unchanged session. An
electrode is taken away as if it had been dead: what is missing is filled from its neighbours round the
limb. A slice of time is taken away by joining what lies before and behind it. Either way only the features
of this one segment are computed anew, with the rest level of the session as it was, and the whole session
is encoded again.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from myosem.embedding import Stretch
from myosem.errors import UsageError
from myosem.features import READ, SCALARS, ChannelFeatures, channel_features, to_harmonics
from myosem.prompts import VIEWS, load_actions, texts_of
from myosem.records import Recording, Segment
from myosem.results import (
    ChannelDrop,
    DescribeResult,
    Effort,
    Explanation,
    Meaning,
    MomentDrop,
    SearchResult,
    ViewScore,
)
from myosem.ring import on_ring
from myosem.segments import find_segments, rest_power
from myosem.signal import HOP_S, Frames, to_frames
from myosem.sources import sessions_of
from myosem.stretches import segments_in

if TYPE_CHECKING:
    from myosem.library import Library
    from myosem.model import Model

SLICE_S, MOST_SLICES = 0.25, 12
DIGITS = 6
DB = 10 / np.log(10)

_DURATION, _LOUDNESS = READ - SCALARS, READ - SCALARS + 1
_MAX_THREADS = 4

Vectors = NDArray[np.float32]


class Encoder(Protocol):
    """The EMG side of a model."""

    def encode_session(self, features: Vectors) -> Vectors:
        """Unit vectors ``(N, D)`` of the segments of one session, from ``(N, WIDTH)``."""


@dataclass(frozen=True)
class WordViews:
    """An action in the views of its texts.

    Attributes:
        meaning: which of its texts lies nearest to a query.
        vectors: ``(6, D)`` mean vector of each view's texts, unit length, in the order of ``VIEWS``.
    """

    meaning: Meaning
    vectors: Vectors

    def scores(self, vector: Vectors) -> list[ViewScore]:
        """How near a segment's vector ``(D,)`` lies to each view."""
        return [
            ViewScore(view, round(float(score), DIGITS))
            for view, score in zip(VIEWS, self.vectors @ vector, strict=True)
        ]


def word_views(model: "Model", query: Vectors, action: str | None = None) -> WordViews:
    """What a query ``(D,)`` means.

    Args:
        model: encodes the texts.
        query: unit vector of words or of EMG.
        action: the action whose texts are compared; the one whose vector lies nearest by default.
    """
    action = action or model.actions[int((model.action_vectors @ query).argmax())]
    entry = load_actions()[action]
    pairs = texts_of(entry)
    vectors = model.encode_text([text for _, text in pairs])
    closeness = vectors @ query
    view, text = pairs[int(closeness.argmax())]
    means = np.stack(
        [vectors[[own == view for own, _ in pairs]].mean(axis=0) for view in VIEWS], dtype=np.float32
    )
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    meaning = Meaning(action, entry.names[0], view, text, round(float(closeness.max()), DIGITS))
    return WordViews(meaning, means)


class Occlusion:
    """One session, whose segments can be taken apart.

    Args:
        model: encodes the session.
        recordings: all recordings of the session.
        segments: all its segments, in the order in which they are encoded.
    """

    def __init__(self, model: Encoder, recordings: Sequence[Recording], segments: Sequence[Segment]) -> None:
        self.model = model
        self.recordings = recordings
        self.segments = segments
        self.frames = [to_frames(recording) for recording in recordings]
        self.rest = rest_power(self.frames)
        self.features = to_harmonics(channel_features(recordings, segments, self.frames))
        self.vectors = model.encode_session(self.features)

    def explain(self, row: int, target: Vectors, words: WordViews | None = None) -> Explanation:
        """Why segment ``row`` has its cosine with a unit vector ``(D,)``.

        Args:
            row: position of the segment.
            target: the query, or whatever else the segment was compared with.
            words: views of the action that the query means.
        """
        segment, recording = self.segments[row], self.recordings[self.segments[row].recording]
        channels = np.flatnonzero(np.isfinite(self.rest)).tolist()
        slices = frame_slices(self.frames[segment.recording], segment)
        variants = [self.without_channel(row, channel) for channel in channels]
        variants += [self.without_slice(row, part) for part in slices]
        score = float(self.vectors[row] @ target)
        drops = [round(score - one, DIGITS) for one in self._scores(row, variants, target)]
        of_channel = dict(zip(channels, drops[: len(channels)], strict=True))
        return Explanation(
            score=round(score, DIGITS),
            views=[] if words is None else words.scores(self.vectors[row]),
            channels=[
                ChannelDrop(channel.name, channel.angle_deg, of_channel.get(number, 0.0))
                for number, channel in enumerate(recording.channels)
            ],
            moments=[
                MomentDrop(round(start_s, DIGITS), round(end_s, DIGITS), drop)
                for (start_s, end_s), drop in zip(
                    slice_times(slices, segment), drops[len(channels) :], strict=True
                )
            ],
            effort=self._effort(row),
        )

    def without_channel(self, row: int, channel: int) -> Vectors:
        """Features ``(WIDTH,)`` of a segment as if one electrode had been dead.

        The other electrodes keep the unit of the whole band, in which all segments are measured.
        """
        dead = [_silenced(one, channel) for one in self.frames]
        features = channel_features(self.recordings, [self.segments[row]], dead)
        return np.asarray(to_harmonics(_in_unit_of(features, self.rest))[0])

    def without_slice(self, row: int, part: slice) -> Vectors:
        """Features ``(WIDTH,)`` of a segment without some of its frames; it counts as long as it was."""
        segment = self.segments[row]
        frames = list(self.frames)
        frames[segment.recording] = _moved_to_end(frames[segment.recording], part)
        shorter = replace(segment, end_s=segment.end_s - (part.stop - part.start) * HOP_S)
        features = to_harmonics(channel_features(self.recordings, [shorter], frames))[0]
        features[_DURATION] = self.features[row, _DURATION]
        return np.asarray(features)

    def _scores(self, row: int, variants: Sequence[Vectors], target: Vectors) -> list[float]:
        """The segment's score with each of these features ``(WIDTH,)`` in place of its own."""

        def score(variant: Vectors) -> float:
            features = self.features.copy()
            features[row] = variant
            return float(self.model.encode_session(features)[row] @ target)

        with ThreadPoolExecutor(min(_MAX_THREADS, os.cpu_count() or 1)) as pool:
            return list(pool.map(score, variants))

    def _effort(self, row: int) -> Effort:
        loudness = self.features[:, _LOUDNESS]
        others = [
            number
            for number, segment in enumerate(self.segments)
            if segment.kind == "contraction" and number != row
        ]
        weaker = float((loudness[others] < loudness[row]).mean()) if others else None
        return Effort(round(float(DB * loudness[row]), 2), None if weaker is None else round(weaker, DIGITS))


def explain_segments(
    library: "Library",
    model: "Model",
    segments: Sequence[str],
    target: Vectors,
    words: WordViews | None = None,
) -> dict[str, Explanation]:
    """Why stored segments have their cosine with a unit vector ``(D,)``.

    Args:
        library: they are in.
        model: the library was indexed with.
        segments: their ids.
        target: what they were compared with.
        words: views of the action that the query means.

    Returns:
        By id. One session is in memory at a time.
    """
    rows = sorted((library.segment(one) for one in set(segments)), key=lambda row: row.row)
    found: dict[str, Explanation] = {}
    session: Occlusion | None = None
    places: dict[str, int] = {}
    for row in rows:
        if session is None or row.segment not in places:
            session, places = _stored_session(library, model, row.segment)
        found[row.segment] = session.explain(places[row.segment], target, words)
    return found


def explain_stretch(
    model: "Model",
    recordings: Sequence[Recording],
    place: tuple[int, float, float],
    target: Vectors,
    words: WordViews | None = None,
) -> Explanation:
    """Why a stretch of a recording has its cosine with a unit vector ``(D,)``.

    Args:
        model: encodes it.
        recordings: all recordings of the session.
        place: position of the stretch's recording among them, its start and its end in seconds.
        target: what it is compared with.
        words: views of the action that is meant.

    Raises:
        UsageError: it is embedded as several segments.
    """
    found = find_segments(recordings)
    wanted = segments_in(found, *place)
    if len(wanted) > 1:
        raise UsageError(
            "one contraction can be explained at a time",
            got=f"{len(wanted)} from {place[1]:.2f} to {place[2]:.2f} s",
            hint=f"--start {wanted[0].start_s:.2f} --end {wanted[0].end_s:.2f}",
        )
    return Occlusion(model, recordings, [*found, *wanted]).explain(len(found), target, words)


def _stored_session(library: "Library", model: "Model", segment: str) -> tuple[Occlusion, dict[str, int]]:
    """The session of a stored segment, and where in it the segments of the library are."""
    (session,) = sessions_of(segment, library)
    names = list(session.names)
    own = library.segment(segment)
    stored = [one for one in library.segments_of(own.key) if one.recording in names]
    segments = [Segment(names.index(one.recording), one.start_s, one.end_s, one.kind) for one in stored]
    places = {one.segment: number for number, one in enumerate(stored)}
    return Occlusion(model, session.recordings, segments), places


def explain_hits(
    library: "Library",
    model: "Model",
    result: SearchResult,
    target: Vectors,
    words: WordViews | None = None,
) -> SearchResult:
    """The result, with why the hits that fit are near to the target ``(D,)``, and what its words mean."""
    fitting = [hit.segment for hit in result.hits if hit.fits]
    found = explain_segments(library, model, fitting, target, words)
    hits = [replace(hit, explanation=found.get(hit.segment)) for hit in result.hits]
    return replace(result, hits=hits, meaning=None if words is None else words.meaning)


def explain_description(
    library: "Library | None", model: "Model", result: DescribeResult, stretch: Stretch
) -> DescribeResult:
    """The result, with why the likeliest action describes the stretch.

    Raises:
        UsageError: the stretch holds several contractions.
    """
    best = result.descriptions[0].action
    target = model.action_vectors[model.actions.index(best)]
    words = word_views(model, stretch.vector[0], best)
    if stretch.segment is not None and library is not None:
        one = stretch.segment.segment
        why = explain_segments(library, model, [one], target, words)[one]
    else:
        place = stretch.position, stretch.start_s, stretch.end_s
        why = explain_stretch(model, stretch.session.recordings, place, target, words)
    return replace(result, meaning=words.meaning, explanation=why)


def frame_slices(frames: Frames, segment: Segment) -> list[slice]:
    """The frames of a segment in 2 to 12 slices of about 0.25 s; none where it is a single frame."""
    part = frames.between(segment.start_s, segment.end_s)
    count = part.stop - part.start
    if count < 2:
        return []
    wanted = min(max(round(count * HOP_S / SLICE_S), 2), MOST_SLICES)
    edges = np.linspace(part.start, part.stop, wanted + 1).round().astype(int)
    return [slice(first, last) for first, last in pairwise(edges.tolist())]


def slice_times(slices: Sequence[slice], segment: Segment) -> list[tuple[float, float]]:
    """Start and end in seconds of each slice; together they are the segment."""
    inner = [(one.start + 0.5) * HOP_S for one in slices[1:]]
    return list(pairwise([segment.start_s, *inner, segment.end_s])) if slices else []


def _silenced(frames: Frames, channel: int) -> Frames:
    """The frames with one channel dead: without power it has no rest level, and so is never read."""
    power = frames.power.copy()
    power[:, channel] = 0
    return replace(frames, power=power)


def _moved_to_end(frames: Frames, part: slice) -> Frames:
    """The frames with some of them at the end of the recording, so that its rest level stays what it was."""
    first, last = (round((edge + 0.5) * HOP_S * frames.rate_hz) for edge in (part.start, part.stop))
    samples = slice(first, min(last, len(frames.filtered)))
    return Frames(
        filtered=_rolled(frames.filtered, samples),
        rate_hz=frames.rate_hz,
        power=_rolled(frames.power, part),
        mobility=_rolled(frames.mobility, part),
        crossings=_rolled(frames.crossings, part),
    )


def _rolled(rows: Vectors, part: slice) -> Vectors:
    return np.concatenate([rows[: part.start], rows[part.stop :], rows[part]])


def _in_unit_of(features: ChannelFeatures, rest: NDArray[np.float64]) -> ChannelFeatures:
    """Covariances in units of these rest levels ``(C,)`` and no longer of those of the living channels."""
    if not features.alive.any():
        return features
    living = np.isfinite(rest) & on_ring(features.angles)
    levels = np.log(rest[living]).mean(), np.log(rest[features.alive]).mean()
    shift = np.diag(features.alive * (levels[1] - levels[0])).astype(np.float32)
    return replace(
        features,
        log_covariance=features.log_covariance + shift,
        log_covariance_of_steps=features.log_covariance_of_steps + shift,
    )
