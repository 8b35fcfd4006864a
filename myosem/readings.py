"""What a grounded tower's vectors say beside where they lie: pose, effort, and whether they mean an action.

Linear readouts of the tower's unit vectors, learned in ``myosem.grounding``, in one file beside the tower.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myosem.errors import ModelError

READINGS = "readings.npz"
FAINT = 0.3
"""What a text says of effort in numbers smaller than this it does not say."""

Array = NDArray[np.float32]
NAMES = ("signature", "related", "effort")


@dataclass(frozen=True)
class Readings:
    """Readouts of vectors ``(n, width)``.

    Attributes:
        weights: ``(width, m)`` of each of ``NAMES``.
        biases: ``(m,)`` likewise.
    """

    weights: dict[str, Array]
    biases: dict[str, Array]

    @classmethod
    def silent(cls, width: int) -> "Readings":
        """Of a tower that was not grounded: nothing of pose or effort, any text means an action."""
        zeros = np.zeros((width, 1), dtype=np.float32), np.zeros((width, 2), dtype=np.float32)
        weights = {"signature": zeros[0], "related": zeros[0], "effort": zeros[1]}
        biases = {name: np.zeros(own.shape[1], dtype=np.float32) for name, own in weights.items()}
        return cls(weights, biases | {"related": np.full(1, 50, dtype=np.float32)})

    def signature(self, vectors: Array) -> Array:
        """Pose, muscles and effort as ``prompts.signature`` has them: ``(n, S)``."""
        return self._read("signature", vectors)

    def related(self, vectors: Array) -> NDArray[np.float64]:
        """How surely each text means an action of the hand at all: ``(n,)``, 0 to 1."""
        odds = self._read("related", vectors)[:, 0].astype(np.float64)
        return np.asarray(1 / (1 + np.exp(-odds.clip(-50, 50))))

    def effort(self, vectors: Array) -> Array:
        """What each text says of effort, as ``text_material.MEANT``, zeros where nothing: ``(n, 2)``."""
        said = self._read("effort", vectors)
        return np.where(np.abs(said).max(axis=1, keepdims=True) < FAINT, 0, said).astype(np.float32)

    def _read(self, name: str, vectors: Array) -> Array:
        return np.asarray(vectors @ self.weights[name] + self.biases[name], dtype=np.float32)

    def save(self, file: Path) -> None:
        """Write them to an .npz file."""
        parts = {f"{name}_weight": self.weights[name] for name in NAMES}
        parts |= {f"{name}_bias": self.biases[name] for name in NAMES}
        with file.open("wb") as stream:
            np.savez(stream, **{key: np.asarray(part, dtype=np.float32) for key, part in parts.items()})  # type: ignore[arg-type]

    @classmethod
    def load(cls, file: Path) -> "Readings":
        """Read what ``save`` wrote.

        Raises:
            ModelError: the file is missing, damaged or something else.
        """
        try:
            with file.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
                weights = {name: stored[f"{name}_weight"] for name in NAMES}
                biases = {name: stored[f"{name}_bias"] for name in NAMES}
        except Exception as error:  # zipfile, zlib and numpy each have their own
            raise ModelError(
                f"{file} cannot be loaded", got=error, expected="what myosem ground writes"
            ) from error
        return cls(weights, biases)
