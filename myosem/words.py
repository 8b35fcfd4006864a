"""Recordings as sentences: the codes of their contractions, found without torch.

The network that turns tokens into codes is one ONNX file; a bundle may hold it, and a pre-training writes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from myosem.errors import ModelError
from myosem.model_config import PACKAGED
from myosem.onnx_tower import open_onnx
from myosem.records import Recording, SegmentKind
from myosem.segments import find_segments
from myosem.tokens import VERSION, WIDTH, session_tokens, token_times

TOKENIZER_EMG = "tokenizer_emg.onnx"

_BATCH = 4096


@dataclass(frozen=True)
class Word:
    """One segment as codes.

    Attributes:
        kind: ``contraction`` or ``rest``.
        start_s: start in seconds within the recording.
        end_s: end in seconds within the recording.
        times_s: start and end of each token.
        codes: the code of each token.
    """

    kind: SegmentKind
    start_s: float
    end_s: float
    times_s: tuple[tuple[float, float], ...]
    codes: tuple[int, ...]


class EmgTokenizer:
    """Tokens to codes.

    Args:
        folder: with ``tokenizer_emg.onnx``; default: the packaged bundle.

    Raises:
        ModelError: the folder has none, or one for another version of the tokens.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or PACKAGED
        if not self.file.is_file():
            raise ModelError(
                f"{self.folder} has no EMG tokenizer",
                expected=f"a file {TOKENIZER_EMG}",
                hint="myosem pretrain --library lib --out run && myosem tokens FILE --run run",
            )
        version = self.about.get("tokens")
        if version != VERSION:
            raise ModelError(
                f"{self.file} is for another version of the tokens",
                got=version,
                expected=VERSION,
                hint="pre-train again",
            )

    @property
    def file(self) -> Path:
        """The ONNX file."""
        return self.folder / TOKENIZER_EMG

    @cached_property
    def about(self) -> dict[str, str]:
        """What the file says of itself: version of the tokens, number of codes."""
        return dict(self._session.get_modelmeta().custom_metadata_map)

    @property
    def size(self) -> int:
        """How many codes there are."""
        return int(self.about["codes"])

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        return open_onnx(self.file)

    def codes(self, values: NDArray[np.float32]) -> NDArray[np.int64]:
        """The code of each token ``(n,)``, from ``(n, WIDTH)``."""
        flat = np.ascontiguousarray(values, dtype=np.float32).reshape(-1, WIDTH)
        parts = [
            self._session.run(None, {"tokens": flat[first : first + _BATCH]})[0]
            for first in range(0, len(flat), _BATCH)
        ]
        return np.concatenate([np.zeros(0, dtype=np.int64), *parts])


@dataclass(frozen=True)
class Sentence:
    """The words of one recording, in order of time."""

    recording: Recording
    words: tuple[Word, ...]


def sentences(
    recordings: Sequence[Recording], chosen: Sequence[int], tokenizer: EmgTokenizer
) -> list[Sentence]:
    """Recordings of one session as contractions and rests, each as codes.

    Args:
        recordings: all recordings of the session; they share channels and rate, and say where rest is.
        chosen: positions of those to read.
        tokenizer: what gives the codes.
    """
    segments = [one for one in find_segments(recordings) if one.recording in set(chosen)]
    tokens = session_tokens(recordings, segments)
    codes = np.zeros(tokens.mask.shape, dtype=np.int64)
    codes[tokens.mask] = tokenizer.codes(tokens.values[tokens.mask])
    words: dict[int, list[Word]] = {position: [] for position in chosen}
    for segment, row, mask in zip(segments, codes, tokens.mask, strict=True):
        times = tuple((float(start), float(end)) for start, end in token_times(segment))
        said = tuple(row[mask].tolist())
        words[segment.recording].append(Word(segment.kind, segment.start_s, segment.end_s, times, said))
    return [Sentence(recordings[position], tuple(own)) for position, own in words.items()]
