"""From samples to short frames: the band EMG lives in, and how much of it there is, every 50 ms.

Everything downstream (segments, features) reads frames, so a recording is filtered once.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

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
    sos = butter(2, HIGHPASS_HZ, "highpass", fs=recording.rate_hz, output="sos")
    padding = min(round(0.25 * recording.rate_hz), samples.shape[0] - 1)
    for part in _channels_at_once(samples):
        samples[:, part] = sosfiltfilt(sos, samples[:, part], axis=0, padlen=padding)
    return samples


def to_frames(recording: Recording) -> Frames:
    """Cut a recording into frames of 100 ms every 50 ms; one shorter than that is a single frame."""
    filtered = remove_drift(recording)
    length = min(max(round(FRAME_S * recording.rate_hz), 1), len(filtered))
    hop = HOP_S * recording.rate_hz
    starts = np.round(np.arange(int((len(filtered) - length) / hop) + 1) * hop).astype(int)
    power, mobility, crossings = (np.empty((len(starts), filtered.shape[1]), np.float32) for _ in range(3))
    for part in _channels_at_once(filtered):
        some = filtered[:, part]
        steps = _sums(np.abs(np.diff(some, axis=0, prepend=some[:1])), starts, length)
        changes = np.diff(np.signbit(some), axis=0, prepend=np.signbit(some[:1]))
        magnitude = _sums(np.abs(some), starts, length)
        power[:, part] = _sums(some**2, starts, length) / length
        mobility[:, part] = steps / np.maximum(magnitude, 1e-12) * recording.rate_hz
        crossings[:, part] = _sums(changes, starts, length) / length * recording.rate_hz
    return Frames(filtered, recording.rate_hz, power, mobility, crossings)


def _channels_at_once(samples: Array) -> Iterator[slice]:
    """Channels of ``(T, C)`` samples in groups, so that what is made of one on the way stays small."""
    count = max(AT_ONCE_BYTES // (8 * max(samples.shape[0], 1)), 1)
    for first in range(0, samples.shape[1], count):
        yield slice(first, first + count)


def _sums(values: NDArray[np.generic], starts: NDArray[np.int_], length: int) -> NDArray[np.float64]:
    """Sum of ``length`` rows of ``(T, C)`` values from each start: ``(n, C)``."""
    total = np.zeros((values.shape[0] + 1, values.shape[1]))
    np.cumsum(values, axis=0, dtype=np.float64, out=total[1:])
    return np.asarray(total[starts + length] - total[starts])
