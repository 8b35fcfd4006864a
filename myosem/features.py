"""Numbers for each segment, the same for any number of channels.

Per channel: how strong (log power over the session's rest level), how fast (mobility, zero
crossings), each as mean, spread and trend over the segment, and the course of the strength over
its five fifths. Between channels: the logarithm of the covariance matrix, which lives in a flat
space (Arsigny 2006), of the samples and of the steps between them, which weigh high frequencies more.
Living channels become harmonics of the angle round the limb (``myosem.ring``). The segment's tokens
(``myosem.tokens``) add how strong it is from moment to moment and how its spectrum is shaped: first summed
up, then token by token (``myosem.sentence``).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myosem import tokens
from myosem.records import Recording, Segment
from myosem.ring import HARMONICS, channel_angles, fill_pairs, on_ring, ring_fit, ring_turn
from myosem.segments import rest_power, segments_of_frames
from myosem.sentence import SENTENCE, sentences, turned_sentences
from myosem.signal import Frames, to_frames

VERSION = "4"
COURSE = 5
GROUPS = 8 + COURSE
SCALARS = 4
SHRINKAGE = 1e-2
READ = GROUPS * HARMONICS + 2 * HARMONICS * HARMONICS + SCALARS
"""How many of the numbers, from the first, the electrodes say."""
WORDS = slice(READ, READ + tokens.SUMMARY)
"""What the tokens say, summed up."""
TOKENS = slice(WORDS.stop, WORDS.stop + SENTENCE)
"""What they say one by one."""
WIDTH = TOKENS.stop

Array = NDArray[np.float32]
Wide = NDArray[np.float64]


@dataclass(frozen=True)
class ChannelFeatures:
    """Features before they leave the electrodes: N segments, C channels.

    Attributes:
        courses: ``(N, GROUPS, C)``.
        log_covariance: ``(N, C, C)`` of the samples.
        log_covariance_of_steps: ``(N, C, C)`` of the differences from one sample to the next.
        scalars: ``(N, SCALARS)``: log seconds, log power over rest, its spread, whether it is a contraction.
        alive: ``(C,)`` which channels lie on the ring and are not dead all session long.
        angles: ``(C,)`` where the channels are round the limb, in radians; NaN is outside the ring.
        words: ``(N, tokens.SUMMARY)`` what the tokens of each segment say, in harmonics already.
        sentences: ``(N, SENTENCE)`` the same token by token.
    """

    courses: Array
    log_covariance: Array
    log_covariance_of_steps: Array
    scalars: Array
    alive: NDArray[np.bool_]
    angles: NDArray[np.float64]
    words: Array
    sentences: Array


def session_features(recordings: Sequence[Recording], segments: Sequence[Segment]) -> Array:
    """Features of the segments of one session.

    Args:
        recordings: all recordings of the session.
        segments: segments of these recordings.

    Returns:
        ``(N, WIDTH)`` float32: groups of harmonics, two covariances of harmonics, scalars, words,
        sentences.
    """
    return to_harmonics(channel_features(recordings, segments))


def channel_features(
    recordings: Sequence[Recording],
    segments: Sequence[Segment],
    frames: Sequence[Frames] | None = None,
    rest: NDArray[np.float64] | None = None,
) -> ChannelFeatures:
    """Features of each channel, in the order of the channels; a dead channel reads as rest.

    A channel outside the ring counts for how strong a segment is, and for nothing between channels.

    Args:
        recordings: all recordings of the session.
        segments: segments of these recordings.
        frames: of the recordings, where they are there already.
        rest: power of each channel at rest ``(C,)``; that of the recordings by default.
    """
    frames = frames or [to_frames(recording) for recording in recordings]
    rest = rest_power(frames) if rest is None else rest
    angles = channel_angles(recordings[0].channels)
    ring = on_ring(angles)
    ring_rest = np.where(ring, rest, np.inf)
    rows = [_segment_features(frames[segment.recording], segment, rest, ring_rest) for segment in segments]
    said = tokens.session_tokens(recordings, segments, frames, rest)
    count = len(rest)
    return ChannelFeatures(
        courses=np.array([row[0] for row in rows], dtype=np.float32).reshape(-1, GROUPS, count),
        log_covariance=_log_covariances([row[1] for row in rows], ring_rest),
        log_covariance_of_steps=_log_covariances([row[2] for row in rows], ring_rest),
        scalars=np.array([row[3] for row in rows], dtype=np.float32).reshape(-1, SCALARS),
        alive=np.isfinite(rest) & ring,
        angles=angles,
        words=tokens.summary(said),
        sentences=sentences(said),
    )


def _segment_features(
    frames: Frames, segment: Segment, rest: NDArray[np.float64], ring_rest: NDArray[np.float64]
) -> tuple[Array, Wide, Wide, list[float]]:
    part = frames.between(segment.start_s, segment.end_s)
    alive = np.isfinite(rest)
    level = np.where(
        alive,
        np.log(np.maximum(frames.power[part], 1e-2 * np.where(alive, rest, 1)) / np.where(alive, rest, 1)),
        0,
    )
    mobility = np.log1p(frames.mobility[part])
    crossings = np.sqrt(frames.crossings[part])
    fifths = np.array_split(level, COURSE) if len(level) >= COURSE else [level] * COURSE
    mean = level.mean(axis=0)
    courses = [
        mean,
        level.std(axis=0),
        _trend(level),
        mobility.mean(axis=0),
        mobility.std(axis=0),
        _trend(mobility),
    ]
    courses += [
        crossings.mean(axis=0),
        crossings.std(axis=0),
        *(fifth.mean(axis=0) - mean for fifth in fifths),
    ]
    loudness = level[:, alive if alive.any() else slice(None)].mean(axis=1)
    scalars = [
        np.log(max(segment.end_s - segment.start_s, 1e-3)),
        float(loudness.mean()),
        float(loudness.std()),
        float(segment.kind == "contraction"),
    ]
    first, last = (round(edge * frames.rate_hz) for edge in (segment.start_s, segment.end_s))
    samples = frames.filtered[first : max(last, first + 1)]
    steps = np.diff(samples, axis=0, prepend=samples[:1])
    covariances = _covariance(samples, ring_rest), _covariance(steps, ring_rest)
    return np.where(alive, np.array(courses), 0), *covariances, scalars


def _trend(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Covariance with time running from -1 to 1 ``(C,)``, from ``(n, C)``."""
    time = np.linspace(-1, 1, len(values))[:, None] if len(values) > 1 else np.zeros((1, 1))
    return np.asarray((time * (values - values.mean(axis=0))).mean(axis=0))


def _covariance(samples: Array, rest: NDArray[np.float64]) -> Wide:
    """Covariance ``(A, A)`` of the A living channels of ``(T, C)`` samples, in units of rest."""
    alive = np.isfinite(rest)
    unit = np.exp(np.log(rest[alive]).mean()) if alive.any() else 1.0
    living = samples if alive.all() else samples[:, alive]
    return np.asarray(living.T.astype(np.float64) @ living / (len(samples) * unit))


def _log_covariances(covariances: Sequence[Wide], rest: NDArray[np.float64]) -> Array:
    """Logarithms ``(N, C, C)`` of N covariances of the living channels; zeros for the others."""
    alive, count = np.flatnonzero(np.isfinite(rest)), len(covariances)
    log = np.zeros((count, len(rest), len(rest)), dtype=np.float32)
    if count and len(alive):
        squares = np.stack(covariances)
        level = np.trace(squares, axis1=1, axis2=2) / len(alive)
        squares += (SHRINKAGE * (level + 1e-6))[:, None, None] * np.eye(len(alive))
        values, vectors = np.linalg.eigh(squares)
        log[:, alive[:, None], alive] = (vectors * np.log(values)[:, None, :]) @ vectors.transpose(0, 2, 1)
    return log


def to_harmonics(features: ChannelFeatures) -> Array:
    """``(N, WIDTH)``: N G C -> N G H -> N (G H), and each N C C -> N H H -> N (H H)."""
    alive = features.alive
    fit = ring_fit(features.angles, alive).astype(np.float32)
    whole = ring_fit(features.angles, np.ones_like(alive)).astype(np.float32)
    electrodes = int(on_ring(features.angles).sum())
    courses = features.courses[:, :, alive] @ fit.T
    covariances = [
        (whole @ fill_pairs(square, features.angles, alive) @ whole.T * electrodes).reshape(-1, HARMONICS**2)
        for square in (features.log_covariance, features.log_covariance_of_steps)
    ]
    parts = [courses.reshape(-1, GROUPS * HARMONICS), *covariances, features.scalars]
    return np.concatenate([*parts, features.words, features.sentences], axis=1, dtype=np.float32)


def turned(features: Array, angle: float) -> Array:
    """Features ``(N, WIDTH)`` as if the electrodes had been turned round the limb by ``angle`` radians.

    The spread of the tokens' levels does not turn exactly; it is turned like a level.
    """
    count, turn = len(features), ring_turn(angle).astype(np.float32)
    first, second = GROUPS * HARMONICS, GROUPS * HARMONICS + 2 * HARMONICS**2
    courses = features[:, :first].reshape(count, GROUPS, HARMONICS) @ turn.T
    squares = turn @ features[:, first:second].reshape(count, 2, HARMONICS, HARMONICS) @ turn.T
    words = features[:, WORDS].reshape(count, tokens.SUMMARY // HARMONICS, HARMONICS) @ turn.T
    parts = [courses, squares, features[:, second:READ], words, turned_sentences(features[:, TOKENS], turn)]
    return np.concatenate([part.reshape(count, -1) for part in parts], axis=1)


def describe_session(recordings: Sequence[Recording]) -> tuple[list[Segment], ChannelFeatures]:
    """Segments of one session and the features of their channels, filtering each recording once."""
    frames = [to_frames(recording) for recording in recordings]
    segments = segments_of_frames(frames, recordings)
    return segments, channel_features(recordings, segments, frames)


def segment_session(recordings: Sequence[Recording]) -> tuple[list[Segment], Array]:
    """Segments of one session and their features."""
    segments, channels = describe_session(recordings)
    return segments, to_harmonics(channels)
