"""Samples of each segment as windows of one length, for classifiers that stand on samples."""

import numpy as np
from numpy.typing import NDArray

from myosem.trials import TrialSession

LENGTH = 300
"""1.5 s at 200 Hz."""

Array = NDArray[np.float32]


def session_spread(session: TrialSession) -> Array:
    """Standard deviation of each channel over all segments of a session ``(C,)``."""
    spread = np.concatenate(session.samples).std(axis=0)
    return np.asarray(np.where(spread > 0, spread, 1), dtype=np.float32)


def windows(session: TrialSession, length: int = LENGTH) -> Array:
    """The middle of each segment, a short one repeated: ``(N, C, length)``."""
    return np.stack([_middle(samples, length).T for samples in session.samples])


def _middle(samples: Array, length: int) -> Array:
    """``(length, C)`` from ``(T, C)``."""
    start = max((len(samples) - length) // 2, 0)
    return np.asarray(samples[np.arange(start, start + length) % len(samples)])
