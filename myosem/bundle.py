"""Write the trained model as the folder that ``myosem.model`` reads.

The text tower is frozen: ``export_text_tower`` writes it once, ``export_bundle`` copies it as it is and adds
what was trained. Nothing is published that does not give the vectors torch gives.
"""

import copy
import os
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import helper
from tokenizers import Tokenizer
from torch import nn

from myosem.errors import ModelError
from myosem.model import Model
from myosem.model_config import (
    ACTIONS,
    ADAPTER,
    CONFIG,
    EMG_ENCODER,
    FILES,
    TEXT_HEAD,
    TEXT_TOWER,
    TOKENIZER,
    BundleConfig,
    fingerprint_of,
)
from myosem.onnx_export import pack_int8, to_onnx
from myosem.onnx_tower import OnnxTextTower, open_onnx
from myosem.readings import READINGS
from myosem.session_adapter import SessionAdapter
from myosem.space import BEYOND
from myosem.store import sha256_of
from myosem.text import TorchTower
from myosem.words import TOKENIZER_EMG

TOLERANCE = 1e-3
MAX_BYTES = 40_000_000
RECIPE = "int8 weights in blocks of 8 over levelled rows, int8 embeddings in blocks of 64"
PROBE_TEXTS = (
    "",
    "?",
    "pinch with index finger",
    "Wrist-Flexion!",
    "сжать кулак",
    "拳头 ✊",
    "squeeze " * 400,
)

_CARD = "CARD.md"
_NOTICES = ("NOTICE", "LICENSE-MiniLM")
_MARKS = (CONFIG, TEXT_TOWER, *_NOTICES, "grounding.safetensors")
_PROBE_SIZES = (1, 2, 9, 40)

Vectors = NDArray[np.float32]


def export_text_tower(folder: Path, tower: TorchTower, texts: Sequence[str] = PROBE_TEXTS) -> OnnxTextTower:
    """Write ``text_tower.onnx`` and ``tokenizer.json``, unless they are there already.

    They are there if the graph states the same weights and recipe, so that the frozen file never changes.

    Args:
        folder: where; made if it does not exist.
        tower: the tower in torch.
        texts: the texts on which both must agree.

    Raises:
        ModelError: a text's vector differs from torch's by more than ``TOLERANCE`` in cosine.
    """
    about = {"name": tower.name, "weights_sha256": tower.weights_sha256, "recipe": RECIPE}
    if (folder / TEXT_TOWER).is_file() and OnnxTextTower(folder).about == about:
        return OnnxTextTower(folder)
    tokens = torch.ones(2, 7, dtype=torch.int64)
    inputs = {"input_ids": tokens, "attention_mask": tokens}
    model = pack_int8(to_onnx(tower.graph(), inputs, ("batch", "tokens")))
    helper.set_model_props(model, about)
    with _staged(folder, keep=True) as staging:
        _save(model, staging / TEXT_TOWER)
        tokenizer = Tokenizer.from_file(str(tower.folder / TOKENIZER))
        tokenizer.enable_truncation(tower.max_tokens)
        tokenizer.enable_padding()
        tokenizer.save(str(staging / TOKENIZER), pretty=False)
        _agree("the text tower", OnnxTextTower(staging).encode(texts), tower.encode(texts))
    return OnnxTextTower(folder)


def export_bundle(
    folder: Path,
    *,
    name: str,
    encoder: nn.Module,
    adapter: SessionAdapter,
    text_head: nn.Module,
    feature_version: str,
    feature_width: int,
    action_texts: Mapping[str, Sequence[str]],
    temperature: float,
    threshold: float,
    entries: Vectors | None = None,
    new: Collection[str] = (),
    tower: OnnxTextTower | None = None,
    provenance: Mapping[str, Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
    sessions: Sequence[Vectors] = (),
    words: Path | None = None,
) -> Model:
    """Write a whole bundle beside ``folder``, check it, and put it in the folder's place.

    Args:
        folder: where. An older bundle there is replaced.
        name: the model's name.
        encoder: features ``(N, F)`` of one session to unit vectors, any N from 1.
        adapter: makes of the encoder's vectors ``(N, D)`` by what was probably done in the session.
        text_head: vectors of the tower ``(n, width)`` to unit vectors ``(n, D)``, any n from 1.
        feature_version: the features the encoder was trained on.
        feature_width: F.
        action_texts: texts of each action.
        temperature: divides scores before a softmax over descriptions.
        threshold: the score below which nothing fits.
        entries: unit vectors ``(A, D)`` of the actions; where None the unit means of their texts.
        new: actions that nobody did in training.
        tower: the frozen text tower; default: the packaged one.
        provenance: commit, seeds, date, data.
        metrics: what was measured on held-out people.
        sessions: features ``(N, F)`` of real sessions on which ONNX and torch must agree too.
        words: a file ``tokenizer_emg.onnx`` to go along; it plays no part in the vectors.

    Raises:
        ModelError: ONNX and torch differ by more than ``TOLERANCE`` in cosine, a shape does not fit, the
            bundle is larger than ``MAX_BYTES``, or ``folder`` holds something else.
    """
    tower = tower or OnnxTextTower()
    with _staged(folder) as staging:
        for file in (TEXT_TOWER, TOKENIZER, READINGS, *_NOTICES):
            if (tower.folder / file).is_file():
                shutil.copyfile(tower.folder / file, staging / file)
        texts = [*PROBE_TEXTS, *(text for own in action_texts.values() for text in own)]
        heads = _export(
            text_head, staging / TEXT_HEAD, "text", [tower.encode(texts), tower.encode(texts[:1])]
        )
        dimension = int(heads[0].shape[1])
        probes = [*_probes(feature_width), *sessions]
        encoded = _export(encoder, staging / EMG_ENCODER, "features", probes)
        width = encoded[0].shape[1] + adapter.parts + BEYOND
        if width != dimension:
            raise ModelError(
                "encoder and text head do not meet in one space",
                got=f"widths {width} and {dimension}",
                expected="one width",
            )
        adapter.save(staging / ADAPTER)
        if words is not None:
            shutil.copyfile(words, staging / TOKENIZER_EMG)
        means = _action_vectors(action_texts, heads[0][len(PROBE_TEXTS) :])
        known = np.array([action not in new for action in action_texts])
        np.savez(staging / ACTIONS, vectors=means if entries is None else entries, known=known)
        config = BundleConfig(
            name=name,
            dimension=dimension,
            feature_version=feature_version,
            feature_width=feature_width,
            text_tower=tower.name,
            actions=tuple(action_texts),
            temperature=float(temperature),
            threshold=float(threshold),
            files={
                file: sha256_of(staging / file) for file in (*FILES, *((TOKENIZER_EMG,) if words else ()))
            },
            provenance=provenance or {},
            metrics=metrics or {},
        )
        config = replace(config, fingerprint=fingerprint_of(config))
        config.write(staging)
        (staging / _CARD).write_text(_card(config, tower), encoding="utf-8")
        Model.load(staging).verify()
        _check_size(staging)
    return Model.load(folder)


def _save(model: onnx.ModelProto, file: Path) -> None:
    file.write_bytes(model.SerializeToString(deterministic=True))


def _export(module: nn.Module, file: Path, name: str, inputs: Sequence[Vectors]) -> list[Vectors]:
    """Write ``module`` to ``file`` and give its vectors of ``inputs``, which torch agrees with."""
    example = torch.from_numpy(np.array(max(inputs, key=len)))
    _save(pack_int8(to_onnx(module, {name: example}, ("rows",))), file)
    session = open_onnx(file)
    vectors = [np.asarray(session.run(None, {name: batch})[0]) for batch in inputs]
    module = copy.deepcopy(module).cpu().eval()
    with torch.no_grad():
        expected = [module(torch.from_numpy(np.array(batch))).numpy() for batch in inputs]
    for got, want, batch in zip(vectors, expected, inputs, strict=True):
        _agree(f"{file.name} for {len(batch)} rows", got, want)
    return vectors


def _agree(what: str, got: Vectors, expected: Vectors) -> None:
    """Refuse vectors that are not finite unit vectors close to torch's."""
    if got.shape != expected.shape:
        raise ModelError(f"{what} differs from torch", got=f"shape {got.shape}", expected=expected.shape)
    if not np.allclose(np.linalg.norm(expected, axis=1), 1, atol=1e-3):
        raise ModelError(
            f"{what} does not give unit vectors", got=f"norms {np.linalg.norm(expected, axis=1)}"
        )
    cosines = (got * expected).sum(axis=1) / np.linalg.norm(got, axis=1)
    if not (worst := float(cosines.min())) >= 1 - TOLERANCE:
        raise ModelError(
            f"{what} differs from torch", got=f"cosine {worst:.6f}", expected=f"at least {1 - TOLERANCE:.6f}"
        )


def _probes(width: int) -> list[Vectors]:
    random = np.random.default_rng(0)
    return [random.standard_normal((size, width)).astype(np.float32) for size in _PROBE_SIZES]


def _action_vectors(action_texts: Mapping[str, Sequence[str]], vectors: Vectors) -> Vectors:
    """Unit means ``(A, D)`` of the vectors of each action's texts."""
    empty = [action for action, texts in action_texts.items() if not texts]
    if empty or not action_texts:
        raise ModelError(
            "actions without texts", got=", ".join(empty) or "no actions", expected="a text each"
        )
    ends = np.cumsum([len(texts) for texts in action_texts.values()])
    means = np.stack([own.mean(axis=0) for own in np.split(vectors, ends[:-1])])
    return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), dtype=np.float32)


def _check_size(folder: Path) -> None:
    size = sum(file.stat().st_size for file in folder.iterdir())
    if size > MAX_BYTES:
        raise ModelError("the bundle is too large", got=f"{size} bytes", expected=f"at most {MAX_BYTES}")


@contextmanager
def _staged(folder: Path, *, keep: bool = False) -> Iterator[Path]:
    """A new folder beside ``folder``, which takes its place at the end, and vanishes after an error.

    Args:
        folder: what to replace; refused if it is no bundle.
        keep: start with the files that are in ``folder``.
    """
    if folder.is_dir() and any(folder.iterdir()) and not any((folder / file).is_file() for file in _MARKS):
        raise ModelError(
            f"{folder} holds something else than a model", expected="a new, empty or bundle folder"
        )
    staging = folder.with_name(f".{folder.name}.{os.getpid()}.new")
    shutil.rmtree(staging, ignore_errors=True)
    if keep and folder.is_dir():
        shutil.copytree(folder, staging)
    else:
        staging.mkdir(parents=True)
    try:
        yield staging
        old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
        if folder.is_dir():
            folder.rename(old)
        staging.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _card(config: BundleConfig, tower: OnnxTextTower) -> str:
    """The model card, in Markdown."""

    def table(values: Mapping[str, Any]) -> str:
        return "\n".join(f"- {key}: {value}" for key, value in values.items()) or "- not stated"

    weights, features = tower.about["weights_sha256"], config.feature_width
    return f"""# {config.name}

Maps words and sessions of EMG to unit vectors of width {config.dimension} in one space.

- fingerprint: `{config.fingerprint}`
- EMG encoder: a whole session at once; {features} features a segment, version {config.feature_version}
- text tower: {config.text_tower}, frozen; {tower.about["recipe"]}; weights SHA-256 `{weights}`
- actions with a vector of their own: {len(config.actions)}
- temperature {config.temperature:g}, threshold {config.threshold:g}

## How it was made
{table(config.provenance)}

## Measured
{table(config.metrics)}

## Licences
The text tower is made from all-MiniLM-L6-v2, Apache-2.0; see NOTICE and LICENSE-MiniLM. The rest is
MyoSem's own, MIT.
"""
