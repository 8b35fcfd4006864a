"""Simulated recordings that are quickly made and quickly ingested, for benchmarks."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myosem.model import Model

RATE_HZ, CHANNELS, BURST_S, BURSTS, TRIALS = 200, 8, 1.0, 50, 20
MAPPING = r"""
rate_hz: 200
array: emg
label_from: gesture
dataset: simulated
path: (?P<subject>s\d+)/(?P<name>[^/.]+)\.npz$
"""


class RandomVectors:
    """Stands in for the model while segments are encoded, so that a library is there in half a minute."""

    def __init__(self, model: Model) -> None:
        self.name, self.fingerprint, self.dimension = model.name, model.fingerprint, model.dimension
        self._random = np.random.default_rng(0)

    def encode_session(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """``(N, D)`` random unit vectors."""
        vectors = self._random.standard_normal((len(features), self.dimension))
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def write_signals(folder: Path, segments: int) -> None:
    """Recordings of 50 bursts of half a second, 20 a person, beside the mapping that describes them."""
    random = np.random.default_rng(0)
    time_s = np.arange(round(RATE_HZ * BURST_S * BURSTS)) / RATE_HZ
    active = time_s % BURST_S >= BURST_S / 2
    for number in range(-(-segments // BURSTS)):
        subject, trial = divmod(number, TRIALS)
        samples = random.integers(-3, 4, (len(time_s), CHANNELS)) * np.where(active, 20, 1)[:, None]
        path = folder / f"s{subject + 1}" / f"{trial + 1}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, emg=samples.astype(np.int8), gesture=np.where(active, "fist", ""))
    (folder / "mapping.yaml").write_text(MAPPING)
