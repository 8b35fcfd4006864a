"""What a stream remembers: its latest samples, and the segments so far as a session that teaches.

A segment is read in the context of its session, and a stream has only a past. The latest segments are kept
with the filtered samples round them, so that their features can be taken anew when the level of rest, which
is learned as well, has moved. What the past teaches is learned between contractions; a new segment is then
read with one pass. Both cost the same after an hour as after ten minutes.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from myosem.features import WIDTH, channel_features, to_harmonics
from myosem.records import Recording, Segment, SegmentKind
from myosem.segments import pieces
from myosem.signal import HOP_S, Frames, to_frames

if TYPE_CHECKING:
    from myosem.session_adapter import Adapted

MOST_SEGMENTS = 96
"""How many segments are remembered."""
BUFFER_S = 40.0
"""How many seconds of samples are; of a longer contraction the last ``LONGEST_S`` are read."""
LONGEST_S = 30.0
MARGIN_S = 1.0
"""Samples before a segment that its filter settles in."""
MOVED_DB = 0.25
"""By how much a channel's rest may move before features are taken anew."""

Array = NDArray[np.float32]
Power = NDArray[np.float64]


class LiveEncoder(Protocol):
    """What a stream needs of a model; ``myosem.model.Model`` is one."""

    def encode_session(self, features: Array, adapted: "Adapted | None" = None) -> Array:
        """``(N, D)`` unit vectors of ``(N, F)`` features."""

    def adapt(self, features: Array) -> "Adapted":
        """What ``(N, F)`` features of a session teach."""


class Buffer:
    """The latest samples of an unbroken stretch.

    Args:
        about: the stream as a recording without samples.
    """

    def __init__(self, about: Recording) -> None:
        self._about = about
        self._chunks: deque[Array] = deque()
        self._first = self.count = 0
        """Samples since the start of the stretch."""

    @property
    def heard_s(self) -> float:
        """Seconds since the start of the stretch."""
        return self.count / self._about.rate_hz

    def append(self, samples: Array) -> None:
        """Add the next ``(T, C)``."""
        self._chunks.append(samples)
        self.count += len(samples)
        while self.count - self._first - len(self._chunks[0]) > BUFFER_S * self._about.rate_hz:
            self._first += len(self._chunks.popleft())

    def around(self, start_s: float, end_s: float, kind: SegmentKind) -> list["Heard"]:
        """A stretch in pieces of at most five seconds, with what was heard round them."""
        start_s = max(start_s, end_s - LONGEST_S, self._first / self._about.rate_hz)
        samples = np.concatenate(self._chunks)
        return [self._piece(samples, *piece, kind) for piece in pieces(start_s, end_s)]

    def _piece(self, samples: Array, start_s: float, end_s: float, kind: SegmentKind) -> "Heard":
        rate_hz = self._about.rate_hz
        earliest = max(start_s - MARGIN_S, self._first / rate_hz)
        first = round(np.ceil(earliest / HOP_S - 1e-6) * HOP_S * rate_hz)  # frames as those of the whole
        last = min(round((end_s + MARGIN_S) * rate_hz), self.count)
        cut = np.ascontiguousarray(samples[first - self._first : last - self._first])
        recording = replace(self._about, samples=cut)
        place = Segment(0, start_s - first / rate_hz, end_s - first / rate_hz, kind)
        return Heard(recording, to_frames(recording), place)


@dataclass(frozen=True)
class Heard:
    """A segment with the samples round it.

    Attributes:
        recording: these samples.
        frames: of the recording.
        segment: its place in the recording.
    """

    recording: Recording
    frames: Frames
    segment: Segment


def features_of(heard: Sequence[Heard], rest: Power) -> Array:
    """Features ``(N, WIDTH)`` of N segments over the power at rest ``(C,)``."""
    if not heard:
        return np.zeros((0, WIDTH), dtype=np.float32)
    segments = [replace(one.segment, recording=number) for number, one in enumerate(heard)]
    recordings, frames = [one.recording for one in heard], [one.frames for one in heard]
    return to_harmonics(channel_features(recordings, segments, frames, rest))


class Past:
    """The segments of a stream so far, and what they taught.

    Args:
        model: encodes them.
        most: how many are remembered.
    """

    def __init__(self, model: LiveEncoder, most: int = MOST_SEGMENTS) -> None:
        self._model = model
        self._heard: deque[Heard] = deque(maxlen=most)
        self._features = np.zeros((0, WIDTH), dtype=np.float32)
        self._rest: Power | None = None
        self._adapted: Adapted | None = None
        self._fresh = 0

    @property
    def learned(self) -> int:
        """How many segments it has learned from."""
        return len(self._features)

    def add(self, heard: Sequence[Heard]) -> None:
        """Remember segments, from the next ``learn`` on."""
        self._heard.extend(heard)
        self._fresh += len(heard)

    def learn(self, rest: Power) -> None:
        """Learn from all that is remembered, over the power at rest ``(C,)``; takes longer than ``read``."""
        if self._rest is None or _moved_db(rest, self._rest) > MOVED_DB:
            self._rest, self._fresh = rest, len(self._heard)
            self._features = self._features[:0]
        fresh = list(self._heard)[len(self._heard) - min(self._fresh, len(self._heard)) :]
        features = np.concatenate([self._features, features_of(fresh, self._rest)])
        self._features, self._fresh = features[-len(self._heard) :], 0
        self._adapted = self._model.adapt(self._features)

    def read(self, heard: Sequence[Heard], rest: Power) -> Array:
        """The unit vector ``(1, D)`` of one contraction in pieces; nothing is remembered of it.

        Args:
            heard: the pieces.
            rest: power at rest ``(C,)``, for as long as nothing was learned.
        """
        own = features_of(heard, rest if self._rest is None else self._rest)
        vectors = self._model.encode_session(np.concatenate([self._features, own]), self._adapted)
        mean = vectors[len(self._features) :].mean(axis=0, keepdims=True)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), dtype=np.float32)


def _moved_db(rest: Power, before: Power) -> float:
    """The most that the rest of a channel has moved; infinity where one died or came alive."""
    alive = np.isfinite(rest)
    if (alive != np.isfinite(before)).any():
        return np.inf
    return float(np.abs(10 * np.log10(rest[alive] / before[alive])).max(initial=0.0))
