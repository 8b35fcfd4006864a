"""Segments as words: tokens of a quarter of a second, the same numbers for any device.

A token says, in harmonics of the angle round the limb: how strong the signal is over the session's rest in
four steps of time, how its spectrum is shaped, and how the channels go together. The harmonics are fitted to
the electrodes that are alive, so a dead one is left out and not read as silence. A band that the device
cannot pass, or an angle too fine for its electrodes, holds zeros, and the flags at the end of a token say so.
Nothing is scaled token by token: a strong contraction stays stronger than a weak one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myosem.records import Recording, Segment
from myosem.ring import HARMONICS, channel_angles, known_harmonics, on_ring, ring_fit
from myosem.segments import rest_power
from myosem.signal import FRAME_S, HOP_S, Frames, to_frames

VERSION = "1"
TOKEN_S = 0.25
LONGEST = 20
STEPS = 4
ORDERS = HARMONICS // 2
BANDS_HZ = ((20, 45), (45, 70), (70, 95), (95, 150), (150, 235), (235, 400))
SHARED_BANDS = 3
"""The lowest bands, which nearly every device passes; the shape of the spectrum is measured against them."""

UPPER = np.triu_indices(HARMONICS)
LEVEL = slice(0, STEPS * HARMONICS)
SHAPE = slice(LEVEL.stop, LEVEL.stop + len(BANDS_HZ) * HARMONICS)
COVARIANCE = slice(SHAPE.stop, SHAPE.stop + len(UPPER[0]))
BAND_FLAGS = slice(COVARIANCE.stop, COVARIANCE.stop + len(BANDS_HZ))
ORDER_FLAGS = slice(BAND_FLAGS.stop, BAND_FLAGS.stop + ORDERS)
CONTENT = slice(0, COVARIANCE.stop)
WIDTH = ORDER_FLAGS.stop
SUMMARY = 2 * (LEVEL.stop - LEVEL.start) + SHAPE.stop - SHAPE.start

_SHRINKAGE = 1e-2
_FLOOR = 1e-3
_NYQUIST = 0.48
_CHUNK = 256

Array = NDArray[np.float32]
Wide = NDArray[np.float64]


@dataclass(frozen=True)
class Tokens:
    """The words of one session; N segments of at most L tokens.

    Attributes:
        values: ``(N, L, WIDTH)``: level, shape, covariance, flags; zeros where there is no token.
        mask: ``(N, L)`` true where there is one.
    """

    values: Array
    mask: NDArray[np.bool_]

    def __len__(self) -> int:
        return int(self.mask.shape[0])

    def take(self, rows: NDArray[np.int_]) -> "Tokens":
        """Some of the segments, in the order of ``rows``."""
        return Tokens(self.values[rows], self.mask[rows])


def summary(tokens: Tokens) -> Array:
    """Mean and spread of the level of a segment's tokens, and the mean of their shape: ``(N, SUMMARY)``."""
    weight = tokens.mask[..., None] / np.maximum(tokens.mask.sum(axis=1), 1)[:, None, None]
    level, shape = tokens.values[..., LEVEL], tokens.values[..., SHAPE]
    mean = (weight * level).sum(axis=1)
    spread = np.sqrt((weight * (level - mean[:, None]) ** 2).sum(axis=1))
    return np.concatenate([mean, spread, (weight * shape).sum(axis=1)], axis=1, dtype=np.float32)


def token_times(segment: Segment) -> Wide:
    """Start and end of each token of a segment in seconds: ``(n, 2)``, n from 1 to ``LONGEST``.

    Tokens follow one another; the last one ends with the segment and so may begin within the one before. A
    segment shorter than a token is one token. One of more than ``LONGEST`` tokens has gaps.
    """
    length = segment.end_s - segment.start_s
    count = max(int(np.ceil(length / TOKEN_S - 1e-6)), 1)
    last = max(segment.end_s - TOKEN_S, segment.start_s)
    if count > LONGEST:
        starts = np.linspace(segment.start_s, last, LONGEST)
    else:
        starts = np.minimum(segment.start_s + np.arange(count) * TOKEN_S, last)
    return np.stack([starts, np.minimum(starts + TOKEN_S, segment.end_s)], axis=1)


def session_tokens(
    recordings: Sequence[Recording],
    segments: Sequence[Segment],
    frames: Sequence[Frames] | None = None,
    rest: Wide | None = None,
) -> Tokens:
    """Tokens of the segments of one session.

    Args:
        recordings: all recordings of the session; they share channels and rate.
        segments: segments of these recordings.
        frames: of these recordings, where they are there already.
        rest: power of each channel at rest ``(C,)``; that of the recordings by default.

    Returns:
        One row a segment, as long as the longest.
    """
    frames = frames or [to_frames(recording) for recording in recordings]
    rest = rest_power(frames) if rest is None else rest
    times = [token_times(segment) for segment in segments]
    mask = np.zeros((len(segments), max((len(one) for one in times), default=0)), dtype=bool)
    for row, one in enumerate(times):
        mask[row, : len(one)] = True
    values = np.zeros((*mask.shape, WIDTH), dtype=np.float32)
    rows_of: list[list[int]] = [[] for _ in recordings]
    for row, segment in enumerate(segments):
        rows_of[segment.recording].append(row)
    for recording, one_frames, rows in zip(recordings, frames, rows_of, strict=True):
        if rows:
            own = np.zeros_like(mask)
            own[rows] = mask[rows]
            values[own] = _Reader(recording, one_frames, rest).read(
                np.concatenate([times[row] for row in rows])
            )
    return Tokens(values, mask)


def support(values: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Which numbers of a token mean something on its device: ``(..., CONTENT.stop)`` of ``(..., WIDTH)``."""
    waves = np.repeat(values[..., ORDER_FLAGS] > 0, 2, axis=-1)
    waves = np.concatenate([np.ones_like(waves[..., :1]), waves], axis=-1)  # (..., H)
    bands = values[..., BAND_FLAGS] > 0
    shape = bands[..., :, None] & waves[..., None, :]  # (..., bands, H)
    pairs = waves[..., UPPER[0]] & waves[..., UPPER[1]]
    flat = shape.reshape(*shape.shape[:-2], -1)
    return np.concatenate([np.tile(waves, STEPS), flat, pairs], axis=-1)


def device_bands(recording: Recording) -> NDArray[np.bool_]:
    """Which of ``BANDS_HZ`` a recording can hold; an envelope holds none."""
    highest = _NYQUIST * recording.rate_hz
    if recording.band_hz is not None:
        highest = min(highest, recording.band_hz[1])
    return np.array([recording.signal == "raw" and high <= highest for _, high in BANDS_HZ])


class _Reader:
    """Tokens of one recording; n tokens, C living channels."""

    def __init__(self, recording: Recording, frames: Frames, rest: Wide) -> None:
        angles = channel_angles(recording.channels)
        alive = np.isfinite(rest) & (frames.power.max(axis=0) > 0) & on_ring(angles)
        self.fit = ring_fit(angles, alive)
        self.known = known_harmonics(angles)
        self.bands = device_bands(recording)
        self.rest = rest[alive]
        self.unit = float(np.exp(np.log(self.rest).mean())) if alive.any() else 1.0
        self.rate_hz = frames.rate_hz
        self.alive, self.samples = alive, frames.filtered
        self.level = np.log(np.maximum(frames.power[:, alive] / self.rest, 1e-2))

    def read(self, times: Wide) -> Array:
        """``(n, WIDTH)`` for starts and ends ``(n, 2)``."""
        parts = [self._read(times[first : first + _CHUNK]) for first in range(0, len(times), _CHUNK)]
        return np.concatenate(parts).astype(np.float32)

    def _read(self, times: Wide) -> Wide:
        count = len(times)
        windows, lengths = self._windows(times)
        flags = np.concatenate([self.bands, self.known[1::2]]).astype(float)
        parts = [
            (self._levels(times) @ self.fit.T).reshape(count, -1),  # n S C -> n S H -> n (S H)
            (self._shapes(windows, lengths) @ self.fit.T).reshape(count, -1),  # n B C -> n B H -> n (B H)
            self._covariances(windows, lengths),
            np.broadcast_to(flags, (count, len(flags))),
        ]
        return np.concatenate(parts, axis=1)

    def _levels(self, times: Wide) -> Wide:
        """Level at four moments inside each token, interpolated between frames: ``(n, S, C)``."""
        part = np.arange(1, STEPS + 1) / (STEPS + 1)
        moments = times[:, :1] + part * (times[:, 1:] - times[:, :1])
        place = np.clip((moments - FRAME_S / 2) / HOP_S, 0, len(self.level) - 1)
        before = np.minimum(place.astype(int), max(len(self.level) - 2, 0))
        after = np.minimum(before + 1, len(self.level) - 1)
        share = (place - before)[..., None]
        return np.asarray((1 - share) * self.level[before] + share * self.level[after])

    def _windows(self, times: Wide) -> tuple[Wide, NDArray[np.int_]]:
        """Samples ``(n, T, C)``, zeros behind the end of a short token, and how many there are ``(n,)``."""
        longest = max(round(TOKEN_S * self.rate_hz), 1)
        first = np.minimum(np.round(times[:, 0] * self.rate_hz).astype(int), len(self.samples) - 1)
        wanted = np.round((times[:, 1] - times[:, 0]) * self.rate_hz).astype(int)
        lengths = np.clip(np.minimum(wanted, len(self.samples) - first), 1, longest)
        place = np.arange(longest)
        inside = place < lengths[:, None]
        rows = np.minimum(first[:, None] + place, len(self.samples) - 1)
        samples = self.samples[rows] if self.alive.all() else self.samples[rows][..., self.alive]
        return samples.astype(np.float64, order="C") * inside[..., None], lengths

    def _shapes(self, windows: Wide, lengths: NDArray[np.int_]) -> Wide:
        """Log power per hertz of each band over that of the shared bands: ``(n, B, C)``."""
        shapes = np.zeros((len(windows), len(BANDS_HZ), windows.shape[2]))
        if not self.bands.any():
            return shapes
        phase = 2 * np.pi * (np.arange(windows.shape[1]) + 0.5) / lengths[:, None]
        spectrum = np.fft.rfft(windows * (1 - np.cos(phase))[..., None], axis=1)
        power = spectrum.real**2 + spectrum.imag**2
        hertz = np.fft.rfftfreq(windows.shape[1], 1 / self.rate_hz)
        density = np.stack(
            [power[:, (hertz >= low) & (hertz < high)].mean(axis=1) for low, high in self._hertz()], 1
        )
        shared = density[:, :SHARED_BANDS].mean(axis=1, keepdims=True)
        floor = _FLOOR * shared + 1e-30
        shapes[:, self.bands] = np.log((density + floor) / (shared + floor))
        return shapes

    def _hertz(self) -> Iterator[tuple[int, int]]:
        return (band for band, held in zip(BANDS_HZ, self.bands, strict=True) if held)

    def _covariances(self, windows: Wide, lengths: NDArray[np.int_]) -> Wide:
        """Log covariance of the channels, in units of rest, in harmonics: ``(n, H (H + 1) / 2)``."""
        channels = windows.shape[2]
        if not channels:
            return np.zeros((len(windows), len(UPPER[0])))
        covariance = windows.transpose(0, 2, 1) @ windows / (lengths[:, None, None] * self.unit)  # n C C
        trace = np.trace(covariance, axis1=1, axis2=2)
        covariance += (_SHRINKAGE * (trace / channels + 1e-6))[:, None, None] * np.eye(channels)
        values, vectors = np.linalg.eigh(covariance)
        log = (vectors * np.log(values)[:, None, :]) @ vectors.transpose(0, 2, 1)
        harmonics = self.fit @ log @ self.fit.T * channels  # n C C -> n H H
        return np.asarray(harmonics[:, UPPER[0], UPPER[1]])
