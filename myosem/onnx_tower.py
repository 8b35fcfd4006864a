"""ONNX files opened, and the text tower among them: texts to unit vectors that know nothing of EMG yet."""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from myosem.errors import ModelError
from myosem.model_config import PACKAGED, TEXT_TOWER, TOKENIZER, repair
from myosem.readings import READINGS, Readings

_BATCH = 32
_REMEMBERED = 2048
_MAX_THREADS = 4

Vectors = NDArray[np.float32]


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
        raise ModelError(f"{file} is missing", hint=repair(file.parent))
    try:
        return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common class
        raise ModelError(f"{file} cannot be loaded", got=error, hint=repair(file.parent)) from error


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
            raise ModelError(f"{file} cannot be loaded", got=error, hint=repair(self.folder)) from error

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
