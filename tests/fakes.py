"""Stand-ins with an obvious right answer."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myosem import features
from myosem.ring import HARMONICS

Vectors = NDArray[np.float32]
WHERE = slice(1, HARMONICS)
"""Where round the limb a segment is strong; the rest hardly differs between segments of noise."""


def unit(vectors: NDArray[np.generic]) -> Vectors:
    """Rows scaled to length 1."""
    wide = np.asarray(vectors, dtype=np.float64)
    return np.asarray(wide / np.linalg.norm(wide, axis=-1, keepdims=True), dtype=np.float32)


class FakeModel:
    """A model whose EMG side is one fixed random projection and whose text side is a table.

    A text that is not in ``texts`` gets a random vector of its own; all but those in ``unrelated`` are about
    an action. No segment sees another one.
    """

    name = "fake"
    fingerprint = "f" * 64
    dimension = 16
    feature_version = features.VERSION
    temperature = 0.05
    threshold = 0.0
    actions = ("rest", "fist", "open-hand", "wrist-flexion")
    known_actions = np.ones(4, dtype=bool)
    unrelated: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.texts: dict[str, Vectors] = {}
        self._projection = np.random.default_rng(7).normal(size=(HARMONICS - 1, self.dimension))
        self.action_vectors = np.eye(len(self.actions), self.dimension, dtype=np.float32)

    def encode_session(self, numbers: NDArray[np.float32]) -> Vectors:
        return unit(numbers[:, WHERE] @ self._projection)

    def encode_text(self, texts: Sequence[str]) -> Vectors:
        return np.stack([self._text(text) for text in texts])

    def query_confidence(self, texts: Sequence[str]) -> NDArray[np.float64]:
        return np.array([0.001 if text in self.unrelated else 1.0 for text in texts])

    def _text(self, text: str) -> Vectors:
        if text in self.texts:
            return self.texts[text]
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])
        return unit(np.random.default_rng(seed).normal(size=self.dimension))


MAPPING = """\
rate_hz: 200
array: emg
label_from: gesture
subject: p1
dataset: bench
path: (?P<session>[^/_]+)_(?P<name>[^/.]+)\\.npz$
"""


def write_bursts(folder: Path, session: str, name: str, seed: int) -> Path:
    """16 s of 4 channels at 200 Hz with a labelled burst every 4 s, as ``.npz`` beside its mapping."""
    random = np.random.default_rng(seed)
    time_s = np.arange(3200) / 200
    active = time_s % 4 >= 2
    burst = (time_s // 4).astype(int)
    loudness = random.uniform(5, 50, size=(4, 4))
    emg = random.normal(size=(3200, 4)) * np.where(active[:, None], loudness[burst], 1.0)
    labels = np.where(active, np.array(["fist", "open hand", "pinch", "point"])[burst], "")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "myosem.yaml").write_text(MAPPING)
    path = folder / f"{session}_{name}.npz"
    np.savez(path, emg=emg.astype(np.float32), gesture=labels)
    return path
