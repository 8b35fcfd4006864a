"""From samples to short frames: the band EMG lives in, and how much of it there is, every 50 ms.

Everything downstream (segments, features) reads frames, so a recording is filtered once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt, sosfilt_zi

from myosem.records import Recording, dead_channels

HIGHPASS_HZ = 20.0
FRAME_S = 0.1
HOP_S = 0.05
AT_ONCE_BYTES = 64 << 20

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Frames:
    """Short overlapping frames of one recording; n frames, C channels.

    Attributes:
        filtered: ``(T, C)`` the samples without drift.
        rate_hz: of ``filtered``.
        power: ``(n, C)`` mean square of each frame.
        mobility: ``(n, C)`` mean absolute step over mean absolute value, in 1/s: rises with frequency.
        crossings: ``(n, C)`` zero crossings, in 1/s.
    """

    filtered: Array
    rate_hz: float
    power: Array
    mobility: Array
    crossings: Array

    def __len__(self) -> int:
        return int(self.power.shape[0])

    @property
    def times_s(self) -> NDArray[np.float64]:
        """Middle of each frame, in seconds."""
        return np.arange(len(self), dtype=np.float64) * HOP_S + FRAME_S / 2

    def between(self, start_s: float, end_s: float) -> slice:
        """The frames whose middle lies in a stretch; at least one."""
        first = int(np.searchsorted(self.times_s, start_s))
        last = int(np.searchsorted(self.times_s, end_s))
        first = min(first, len(self) - 1)
        return slice(first, max(last, first + 1))


def remove_drift(recording: Recording) -> Array:
    """Samples as ``(T, C)`` float32 without what is not EMG below 20 Hz.

    An envelope lives below 20 Hz and keeps it; so does a recording whose rate leaves no room above.
    """
    samples: Array = np.asarray(recording.samples, dtype=np.float32)
    if recording.signal == "envelope":
        return samples
    samples = samples - samples.mean(axis=0)
    samples[:, dead_channels(recording.samples)] = 0  # the mean of a constant is only nearly that constant
    if recording.rate_hz <= 4 * HIGHPASS_HZ:
        return samples
    padding = min(round(0.25 * recording.rate_hz), samples.shape[0] - 1)
    for part in _channels_at_once(samples):
        filter_both_ways(*_highpass(recording.rate_hz), samples[:, part], padding)
    return samples


@lru_cache(maxsize=64)
def _highpass(rate_hz: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Second-order sections ``(1, 6)`` and their steady state ``(1, 2)``."""
    sos = np.asarray(butter(2, HIGHPASS_HZ, "highpass", fs=rate_hz, output="sos"))
    return sos, np.asarray(sosfilt_zi(sos))


def filter_both_ways(
    sos: NDArray[np.float64], steady: NDArray[np.float64], samples: Array, padding: int
) -> None:
    """Filter ``(T, C)`` samples in place, forward and backward; the numbers are those of ``sosfiltfilt``.

    SciPy holds five copies in float64 meanwhile, here it is one.

    Args:
        sos: ``(S, 6)`` second-order sections.
        steady: ``(S, 2)`` their state when the input has long been one.
        samples: are replaced.
        padding: by how many samples both ends are continued, turned about their first and last value.
    """
    inner = slice(padding, padding + len(samples))
    wide = np.empty((len(samples) + 2 * padding, samples.shape[1]))
    wide[:padding] = 2 * samples[:1] - samples[padding:0:-1]
    wide[inner] = samples
    wide[inner.stop :] = 2 * samples[-1:] - samples[-2 : -padding - 2 : -1]
    for way in (wide, wide[::-1]):
        state = steady[:, :, None] * way[:1]  # S 2 1 -> S 2 C
        for rows in _rows_at_once(way):
            way[rows], state = sosfilt(sos, way[rows], axis=0, zi=state)
    samples[:] = wide[inner]


def to_frames(recording: Recording) -> Frames:
    """Cut a recording into frames of 100 ms every 50 ms; one shorter than that is a single frame."""
    filtered = remove_drift(recording)
    length = min(max(round(FRAME_S * recording.rate_hz), 1), len(filtered))
    hop = HOP_S * recording.rate_hz
    starts = np.round(np.arange(int((len(filtered) - length) / hop) + 1) * hop).astype(int)
    squares, steps, magnitudes, changes = _sums(filtered, starts, length)
    mobility = steps / np.maximum(magnitudes, 1e-12) * recording.rate_hz
    numbers = squares / length, mobility, changes / length * recording.rate_hz
    return Frames(filtered, recording.rate_hz, *(one.astype(np.float32) for one in numbers))


def _channels_at_once(samples: Array) -> Iterator[slice]:
    """Channels of ``(T, C)`` samples in groups, so that what is made of one on the way stays small."""
    count = max(AT_ONCE_BYTES // (8 * max(samples.shape[0], 1)), 1)
    for first in range(0, samples.shape[1], count):
        yield slice(first, first + count)


def _rows_at_once(samples: NDArray[np.floating]) -> Iterator[slice]:
    """Rows of ``(T, C)`` samples in blocks, for the same reason."""
    count = max(AT_ONCE_BYTES // (64 * samples.shape[1]), 1)
    for first in range(0, samples.shape[0], count):
        yield slice(first, min(first + count, samples.shape[0]))


def _sums(samples: Array, starts: NDArray[np.int_], length: int) -> NDArray[np.float64]:
    """Squares, absolute steps, absolute values, changes of sign, each summed over frames: ``(4, n, C)``."""
    sums = np.zeros((4, len(starts), samples.shape[1]))
    total = np.zeros((4, 1, samples.shape[1]))
    for rows in _rows_at_once(samples):
        some, led = samples[rows], samples[max(rows.start - 1, 0) : rows.stop]
        if not rows.start:
            led = np.concatenate([some[:1], some])
        parts = some**2, np.abs(np.diff(led, axis=0)), np.abs(some), np.diff(np.signbit(led), axis=0)
        begun, ended = (
            np.flatnonzero((edges > rows.start) & (edges <= rows.stop)) for edges in (starts, starts + length)
        )
        for number, part in enumerate(parts):
            until = np.cumsum(np.concatenate([total[number], part]), axis=0)
            sums[number, begun] -= until[starts[begun] - rows.start]
            sums[number, ended] += until[starts[ended] + length - rows.start]
            total[number] = until[-1:]
    return sums
