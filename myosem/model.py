"""The trained model as a folder of ONNX files: words and sessions to unit vectors in one space.

    text    -> tokenizer.json -> text_tower.onnx -> text_head.onnx -> (n, D)
    session -> features (N, F) -> emg_encoder.onnx -> adapter.npz  -> (N, D)

A file is opened when it is first needed, so that a search by words never loads the EMG encoder.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from myosem.errors import ModelError
from myosem.readings import READINGS, Readings

if TYPE_CHECKING:
    from myosem.session_adapter import Adapted, SessionAdapter

FORMAT = 3
CONFIG = "config.json"
TOKENIZER = "tokenizer.json"
TEXT_TOWER = "text_tower.onnx"
TEXT_HEAD = "text_head.onnx"
EMG_ENCODER = "emg_encoder.onnx"
ACTIONS = "actions.npz"
ADAPTER = "adapter.npz"
VECTOR_FILES = (ADAPTER, EMG_ENCODER, TEXT_HEAD, TEXT_TOWER, TOKENIZER)
FILES = (ACTIONS, READINGS, *VECTOR_FILES)
PACKAGED = Path(__file__).parent / "bundle"

_BATCH = 32
_REMEMBERED = 2048
_CONTEXT = 1024
_MAX_THREADS = 4

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class BundleConfig:
    """What ``config.json`` holds.

    Attributes:
        name: the model's name.
        dimension: D, the width of its vectors.
        feature_version: the features its EMG encoder was trained on.
        feature_width: F, how many numbers a segment has.
        text_tower: name of the text tower.
        actions: ids of the actions in ``actions.npz``, in its order.
        temperature: divides scores before a softmax over descriptions.
        threshold: the score below which nothing fits.
        files: SHA-256 of every other file that the model needs.
        provenance: commit, seeds, date, data and whatever else tells how it was made.
        metrics: what was measured on held-out people.
        fingerprint: identifies everything that determines vectors; see ``fingerprint_of``.
        format: version of this layout.
    """

    name: str
    dimension: int
    feature_version: str
    feature_width: int
    text_tower: str
    actions: tuple[str, ...]
    temperature: float
    threshold: float
    files: Mapping[str, str]
    provenance: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    fingerprint: str = ""
    format: int = FORMAT

    def write(self, folder: Path) -> None:
        """Write ``config.json`` into ``folder``."""
        text = json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"
        (folder / CONFIG).write_text(text, encoding="utf-8")


def sha256_of(file: Path) -> str:
    """SHA-256 of a file in hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fingerprint_of(config: BundleConfig) -> str:
    """64 hexadecimal digits over all that determines vectors: layout, features and ``VECTOR_FILES``."""
    parts = {
        "format": config.format,
        "dimension": config.dimension,
        "feature_version": config.feature_version,
        "feature_width": config.feature_width,
        "files": {file: config.files[file] for file in VECTOR_FILES},
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def read_config(folder: Path) -> BundleConfig:
    """Read and check ``config.json``.

    Raises:
        ModelError: it is missing, no JSON, of another version, or a field is missing or of the wrong type.
    """
    path = folder / CONFIG
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(
            f"{folder} holds no model", expected=f"a file {CONFIG}", hint=_repair(folder)
        ) from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read", got=error, hint=_repair(folder)) from error
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        version = values.get("format", "none") if isinstance(values, dict) else "none"
        raise ModelError(
            f"{folder} is a model of another version", got=version, expected=FORMAT, hint=_repair(folder)
        )
    _check_fields(path, values)
    return BundleConfig(**{**values, "actions": tuple(values["actions"])})


def _check_fields(path: Path, values: Mapping[str, object]) -> None:
    kinds: dict[str, type | tuple[type, ...]] = {
        "dimension": int,
        "feature_width": int,
        "temperature": (int, float),
        "threshold": (int, float),
        "actions": list,
        "files": dict,
        "provenance": dict,
        "metrics": dict,
        "format": int,
    }
    names = {item.name for item in fields(BundleConfig)}
    wrong = sorted(names ^ set(values))
    wrong += [
        name for name in sorted(names & set(values)) if not isinstance(values[name], kinds.get(name, str))
    ]
    if not wrong:
        files = values["files"]
        wrong = [f"files: {name}" for name in FILES if not isinstance(files, dict) or name not in files]
    if wrong:
        raise ModelError(
            f"{path} does not describe a model",
            got=f"missing, unknown or of the wrong type: {', '.join(wrong)}",
            hint=_repair(path.parent),
        )


def _repair(folder: Path) -> str:
    if folder == PACKAGED:
        return "pip install --force-reinstall myosem"
    return f"myosem export {folder}"


def _threads() -> int:
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(_MAX_THREADS, allowed or 1)


def open_onnx(
    file: Path, *, optimise: bool = True, threads: int | None = None
) -> onnxruntime.InferenceSession:
    """A quiet CPU session over an ONNX file.

    Args:
        file: the ONNX file.
        optimise: whether onnxruntime rewrites the graph first. For int8 weights it would unpack them all
            when it loads, which takes longer than all the queries of a short command.
        threads: how many one run uses; by default those of the machine, at most four.

    Raises:
        ModelError: the file is missing or damaged.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or _threads()
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if not optimise:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    onnxruntime.disable_telemetry_events()
    if not file.is_file():
        raise ModelError(f"{file} is missing", hint=_repair(file.parent))
    try:
        return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common class
        raise ModelError(f"{file} cannot be loaded", got=error, hint=_repair(file.parent)) from error


class OnnxTextTower:
    """The frozen text tower of a bundle: texts to unit vectors that know nothing of EMG yet.

    Args:
        folder: a folder with ``text_tower.onnx`` and ``tokenizer.json``; default: the packaged ones.
        lasting: whether it is for many queries, maybe at the same time: it loads longer, then a text takes
            less, on one thread.
    """

    def __init__(self, folder: Path | None = None, *, lasting: bool = False) -> None:
        self.folder = folder or PACKAGED
        self._lasting = lasting

    @property
    def name(self) -> str:
        """Name of the tower, as the graph says."""
        return self.about["name"]

    @property
    def width(self) -> int:
        """Width of its vectors."""
        return int(self._session.get_outputs()[0].shape[1])

    @cached_property
    def about(self) -> Mapping[str, str]:
        """Name, weights and recipe it was exported from."""
        return dict(self._session.get_modelmeta().custom_metadata_map)

    @cached_property
    def readings(self) -> Readings:
        """What its vectors say beside where they lie."""
        return Readings.load(self.folder / READINGS)

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        return open_onnx(
            self.folder / TEXT_TOWER, optimise=self._lasting, threads=1 if self._lasting else None
        )

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        file = self.folder / TOKENIZER
        try:
            return Tokenizer.from_str(file.read_text(encoding="utf-8"))
        except Exception as error:  # tokenizers raises Exception itself
            raise ModelError(f"{file} cannot be loaded", got=error, hint=_repair(self.folder)) from error

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors ``(n, width)`` of ``texts``; words behind the tower's longest text are not read.

        What was asked last in small batches is remembered; threads may share a tower.
        """
        return self._encode(texts) if len(texts) > _BATCH else self._remembered(tuple(texts)).copy()

    @cached_property
    def _remembered(self) -> Callable[[tuple[str, ...]], Vectors]:
        return lru_cache(maxsize=_REMEMBERED)(self._encode)

    def _encode(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.width), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            tokens = self._tokenizer.encode_batch([texts[row] for row in rows])
            vectors[rows] = self._session.run(
                None,
                {
                    "input_ids": np.array([item.ids for item in tokens], dtype=np.int64),
                    "attention_mask": np.array([item.attention_mask for item in tokens], dtype=np.int64),
                },
            )[0]
        return vectors


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
            raise ModelError(f"{folder} is incomplete", got=f"no {', '.join(missing)}", hint=_repair(folder))
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
            raise ModelError(f"{file} cannot be loaded", got=error, hint=_repair(self.folder)) from error
        expected = (len(self.actions), self.dimension)
        if vectors.shape != expected or known.shape != expected[:1]:
            raise ModelError(
                f"{file} does not fit", got=vectors.shape, expected=expected, hint=_repair(self.folder)
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
        for file, expected in self.config.files.items():
            got = sha256_of(self.folder / file)
            if got != expected:
                raise ModelError(
                    f"{self.folder / file} is damaged",
                    got=f"SHA-256 {got}",
                    expected=expected,
                    hint=_repair(self.folder),
                )
        if (got := fingerprint_of(self.config)) != self.fingerprint:
            raise ModelError(
                f"{self.folder / CONFIG} does not fit its files",
                got=f"fingerprint {self.fingerprint}",
                expected=got,
                hint=_repair(self.folder),
            )


def _unit(vectors: Vectors) -> Vectors:
    norms = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return np.asarray(vectors / norms, dtype=np.float32)
