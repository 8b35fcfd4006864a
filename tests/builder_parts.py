"""What the builders of synthetic files share."""

import numpy as np
from numpy.typing import NDArray

SECRET = "Jane Roe"
"""Stands where the original files hold personal fields; no reader may carry it over."""


def noise(shape: tuple[int, ...], level: float, seed: int) -> NDArray[np.float64]:
    """Noise of this standard deviation."""
    return np.random.default_rng(seed).normal(0.0, level, shape)


def integers(rows: int, columns: int, level: float, seed: int, largest: int = 127) -> NDArray[np.int64]:
    """``(rows, columns)`` whole numbers."""
    return np.clip(np.round(noise((rows, columns), level, seed)), -largest - 1, largest).astype(np.int64)
