"""The trained model as a folder of ONNX files: words and sessions to unit vectors in one space.

    text    -> tokenizer.json -> text_tower.onnx -> text_head.onnx -> (n, D)
    session -> features (N, F) -> emg_encoder.onnx -> adapter.npz  -> (N, D)

A file is opened when it is first needed, so that a search by words never loads the EMG encoder.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from myosem.errors import ModelError
from myosem.model_config import (
    ACTIONS,
    ADAPTER,
    EMG_ENCODER,
    FILES,
    PACKAGED,
    TEXT_HEAD,
    BundleConfig,
    read_config,
    repair,
    verify,
)
from myosem.onnx_tower import OnnxTextTower, Vectors, open_onnx

if TYPE_CHECKING:
    from myosem.session_adapter import Adapted, SessionAdapter

_CONTEXT = 1024


class Model:
    """A bundle, ready to encode. Make one with ``Model.load``.

    Attributes:
        folder: where its files are.
        config: what its ``config.json`` says.
    """

    def __init__(self, folder: Path, config: BundleConfig, *, lasting: bool = False) -> None:
        self.folder = folder
        self.config = config
        self._lasting = lasting

    @classmethod
    def load(cls, folder: Path | None = None, *, lasting: bool = False) -> "Model":
        """Open a bundle; default: the packaged one. Reads its config only.

        Args:
            folder: of the bundle.
            lasting: whether it is for a process that answers many queries, see ``OnnxTextTower``.

        Raises:
            ModelError: the folder holds no model, one of another version, or lacks a file.
        """
        folder = folder or PACKAGED
        config = read_config(folder)
        missing = [file for file in FILES if not (folder / file).is_file()]
        if missing:
            raise ModelError(f"{folder} is incomplete", got=f"no {', '.join(missing)}", hint=repair(folder))
        return cls(folder, config, lasting=lasting)

    @property
    def name(self) -> str:
        """The model's name."""
        return self.config.name

    @property
    def fingerprint(self) -> str:
        """Identifies everything that determines vectors."""
        return self.config.fingerprint

    @property
    def dimension(self) -> int:
        """D, the width of its vectors."""
        return self.config.dimension

    @property
    def feature_version(self) -> str:
        """The features its EMG encoder was trained on."""
        return self.config.feature_version

    @property
    def temperature(self) -> float:
        """Divides scores before a softmax over descriptions."""
        return self.config.temperature

    @property
    def threshold(self) -> float:
        """The score below which nothing fits."""
        return self.config.threshold

    @property
    def actions(self) -> tuple[str, ...]:
        """Ids of the actions it has vectors of, A in all."""
        return self.config.actions

    @property
    def action_vectors(self) -> Vectors:
        """Unit vectors ``(A, D)`` of ``actions``."""
        return self._actions[0]

    @property
    def known_actions(self) -> NDArray[np.bool_]:
        """Which of ``actions`` somebody did in training ``(A,)``; the others are read from their pose."""
        return self._actions[1]

    @cached_property
    def _actions(self) -> tuple[Vectors, NDArray[np.bool_]]:
        file = self.folder / ACTIONS
        try:
            with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
                vectors = np.asarray(arrays["vectors"], dtype=np.float32)
                known = np.asarray(arrays["known"], dtype=bool)
        except Exception as error:  # zipfile, zlib and numpy each have their own
            raise ModelError(f"{file} cannot be loaded", got=error, hint=repair(self.folder)) from error
        expected = (len(self.actions), self.dimension)
        if vectors.shape != expected or known.shape != expected[:1]:
            raise ModelError(
                f"{file} does not fit", got=vectors.shape, expected=expected, hint=repair(self.folder)
            )
        return vectors, known

    @cached_property
    def tower(self) -> OnnxTextTower:
        """Its text tower, before the head."""
        return OnnxTextTower(self.folder, lasting=self._lasting)

    @cached_property
    def _head(self) -> onnxruntime.InferenceSession:
        return open_onnx(self.folder / TEXT_HEAD)

    @cached_property
    def _encoder(self) -> onnxruntime.InferenceSession:
        return open_onnx(self.folder / EMG_ENCODER)

    @cached_property
    def _adapter(self) -> "SessionAdapter":
        from myosem.session_adapter import (
            SessionAdapter,  # filters samples with scipy, which words do not need
        )

        return SessionAdapter.load(self.folder / ADAPTER)

    def encode_text(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors ``(n, D)`` of ``texts``."""
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        return _unit(self._head.run(None, {"text": self.tower.encode(texts)})[0])

    def query_confidence(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """How surely each text is about an action of the hand at all: ``(n,)``, 0 to 1."""
        if not texts:
            return np.zeros(0)
        return self.tower.readings.related(self.tower.encode(texts))

    def encode_session(
        self, features: NDArray[np.floating[Any]], adapted: "Adapted | None" = None
    ) -> Vectors:
        """Unit vectors ``(N, D)`` of the N segments of one session, each in the context of the others.

        Attention grows with the square of N. A session of more than 1024 segments is encoded in equal parts,
        each with segments from all of it.

        Args:
            features: ``(N, F)``, of the model's ``feature_version``.
            adapted: what ``adapt`` learned from earlier segments, which takes most of the time; by default it
                is learned from these.

        Raises:
            ModelError: the features do not fit the model, or are not finite.
        """
        self._check_features(features)
        turn = None if adapted is None else adapted.turn
        straight = self._adapter.straightened(np.asarray(features, dtype=np.float32), turn)
        return self._adapter.vectors(straight, self._encode(straight), adapted)

    def adapt(self, features: NDArray[np.floating[Any]]) -> "Adapted":
        """What the N segments of a session teach; arguments and errors as ``encode_session``."""
        self._check_features(features)
        numbers = np.asarray(features, dtype=np.float32)
        turn = self._adapter.turn_of(numbers)
        straight = self._adapter.straightened(numbers, turn)
        return self._adapter.adapted(straight, self._encode(straight), turn)

    def _encode(self, features: Vectors) -> Vectors:
        """Unit vectors ``(N, W)`` of the encoder alone."""
        width = int(self._encoder.get_outputs()[0].shape[1])
        vectors = np.zeros((len(features), width), dtype=np.float32)
        parts = -(-len(features) // _CONTEXT)
        for part in range(parts):
            rows = np.ascontiguousarray(features[part::parts])
            vectors[part::parts] = _unit(self._encoder.run(None, {"features": rows})[0])
        return vectors

    def _check_features(self, features: NDArray[np.floating[Any]]) -> None:
        width = self.config.feature_width
        if features.ndim != 2 or features.shape[1] != width:
            raise ModelError(
                f"the features do not fit the model {self.name}",
                got=f"shape {features.shape}",
                expected=f"(segments, {width}), features {self.feature_version}",
            )
        if not np.isfinite(features).all():
            bad = int(np.flatnonzero(~np.isfinite(features).all(axis=1))[0])
            raise ModelError("the features are not finite", got=f"segment {bad}", expected="finite numbers")

    def verify(self) -> None:
        """Compare every file with its checksum, and the fingerprint with the files.

        Raises:
            ModelError: something is damaged or was changed.
        """
        verify(self.folder, self.config)


def _unit(vectors: Vectors) -> Vectors:
    norms = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return np.asarray(vectors / norms, dtype=np.float32)
