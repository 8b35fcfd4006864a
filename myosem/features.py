"""Numbers for each segment, the same for any number of channels.

Per channel: how strong (log power over the session's rest level), how fast (mobility, zero
crossings), each as mean, spread and trend over the segment, and the course of the strength over
its five fifths. Between channels: the logarithm of the covariance matrix, which lives in a flat
space (Arsigny 2006). Channels round a limb become harmonics of the angle, the Fourier series of a
function on a circle, so that rings of 4, 8 and 10 electrodes share one space and turning the band is
a rotation within each pair of harmonics.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myosem.records import Channel, Recording, Segment
from myosem.segments import rest_power, segments_of_frames
from myosem.signal import Frames, to_frames

VERSION = "2"
HARMONICS = 9
COURSE = 5
GROUPS = 8 + COURSE
SCALARS = 6
SHRINKAGE = 1e-2
WIDTH = GROUPS * HARMONICS + HARMONICS * HARMONICS + SCALARS

Array = NDArray[np.float32]


@dataclass(frozen=True)
class ChannelFeatures:
    """Features before they leave the electrodes: N segments, C channels.

    Attributes:
        courses: ``(N, GROUPS, C)``.
        log_covariance: ``(N, C, C)``.
        scalars: ``(N, SCALARS)``: log seconds, log power over rest, its spread, whether it is a contraction,
            log2 of the number of channels, log2 of the rate in Hz.
    """

    courses: Array
    log_covariance: Array
    scalars: Array


def session_features(recordings: Sequence[Recording], segments: Sequence[Segment]) -> Array:
    """Features of the segments of one session.

    Args:
        recordings: all recordings of the session.
        segments: segments of these recordings.

    Returns:
        ``(N, WIDTH)`` float32: groups of harmonics, covariance of harmonics, scalars.
    """
    return to_harmonics(channel_features(recordings, segments), channel_angles(recordings[0].channels))


def channel_features(
    recordings: Sequence[Recording], segments: Sequence[Segment], frames: Sequence[Frames] | None = None
) -> ChannelFeatures:
    """Features of each channel, in the order of the channels; a dead channel reads as rest."""
    frames = frames or [to_frames(recording) for recording in recordings]
    rest = rest_power(frames)
    rows = [_segment_features(frames[segment.recording], segment, rest) for segment in segments]
    count = len(rest)
    return ChannelFeatures(
        courses=np.array([row[0] for row in rows], dtype=np.float32).reshape(-1, GROUPS, count),
        log_covariance=np.array([row[1] for row in rows], dtype=np.float32).reshape(-1, count, count),
        scalars=np.array([row[2] for row in rows], dtype=np.float32).reshape(-1, SCALARS),
    )


def _segment_features(
    frames: Frames, segment: Segment, rest: NDArray[np.float64]
) -> tuple[Array, Array, list[float]]:
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
        float(np.log2(len(rest))),
        float(np.log2(frames.rate_hz)),
    ]
    first, last = (round(edge * frames.rate_hz) for edge in (segment.start_s, segment.end_s))
    samples = frames.filtered[first : max(last, first + 1)]
    return np.where(alive, np.array(courses), 0), _log_covariance(samples, rest), scalars


def _trend(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Covariance with time running from -1 to 1 ``(C,)``, from ``(n, C)``."""
    time = np.linspace(-1, 1, len(values))[:, None] if len(values) > 1 else np.zeros((1, 1))
    return np.asarray((time * (values - values.mean(axis=0))).mean(axis=0))


def _log_covariance(samples: Array, rest: NDArray[np.float64]) -> Array:
    """Logarithm of the covariance ``(C, C)`` of ``(T, C)`` samples, in units of the session's rest."""
    alive = np.flatnonzero(np.isfinite(rest))
    log = np.zeros((len(rest), len(rest)))
    if len(alive):
        unit = np.exp(np.log(rest[alive]).mean())
        covariance = samples[:, alive].T.astype(np.float64) @ samples[:, alive] / (len(samples) * unit)
        covariance = covariance + SHRINKAGE * (np.trace(covariance) / len(alive) + 1e-6) * np.eye(len(alive))
        values, vectors = np.linalg.eigh(covariance)
        log[np.ix_(alive, alive)] = (vectors * np.log(values)) @ vectors.T
    return log.astype(np.float32)


def channel_angles(channels: Sequence[Channel]) -> NDArray[np.float64]:
    """Angles of the channels in radians; where one is unknown all are taken as equally spaced."""
    angles = [channel.angle_deg for channel in channels]
    known = [angle for angle in angles if angle is not None]
    if len(known) < len(angles):
        return np.arange(len(channels)) * 2 * np.pi / len(channels)
    return np.deg2rad(np.array(known, dtype=np.float64))


def harmonic_basis(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows 1, cos a, sin a, cos 2a, ... that turn ``(C,)`` into Fourier coefficients: ``(HARMONICS, C)``.

    Harmonics beyond what C electrodes can tell apart are zero.
    """
    count = len(np.unique(np.round(angles, 3)))
    orders = np.arange(1, HARMONICS // 2 + 1)[:, None]
    waves = np.stack([np.cos(orders * angles), np.sin(orders * angles)], axis=1)  # (orders, 2, C)
    waves = waves * (2 * orders[:, None] <= count)
    return np.concatenate([np.ones((1, len(angles))), waves.reshape(-1, len(angles))]) / len(angles)


def to_harmonics(features: ChannelFeatures, angles: NDArray[np.float64]) -> Array:
    """``(N, WIDTH)``: N G C -> N G H -> N (G H), and N C C -> N H H -> N (H H)."""
    basis = harmonic_basis(angles).astype(np.float32)
    courses = features.courses @ basis.T
    covariance = basis @ features.log_covariance @ basis.T * len(angles)
    rows = [
        courses.reshape(-1, GROUPS * HARMONICS),
        covariance.reshape(-1, HARMONICS * HARMONICS),
        features.scalars,
    ]
    return np.concatenate(rows, axis=1)


def describe_session(recordings: Sequence[Recording]) -> tuple[list[Segment], ChannelFeatures]:
    """Segments of one session and the features of their channels, filtering each recording once."""
    frames = [to_frames(recording) for recording in recordings]
    segments = segments_of_frames(frames, recordings)
    return segments, channel_features(recordings, segments, frames)


def segment_session(recordings: Sequence[Recording]) -> tuple[list[Segment], Array]:
    """Segments of one session and their features."""
    segments, channels = describe_session(recordings)
    return segments, to_harmonics(channels, channel_angles(recordings[0].channels))
