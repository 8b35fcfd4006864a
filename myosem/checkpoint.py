"""Trained weights in a folder with the configuration that made them, and trainings to go on with."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from myosem.encoder import EncoderConfig, SessionEncoder, TextHead
from myosem.errors import ModelError
from myosem.session_adapter import SessionAdapter
from myosem.train import Trainer
from myosem.training_state import (
    check_same,
    optimizer_tensors,
    part,
    read_state,
    restore_optimizer,
    write_state,
)

WEIGHTS, ADAPTER, ABOUT = "weights.safetensors", "adapter.npz", "run.json"
TRAINING = "training.safetensors"


def save_run(
    folder: Path, encoder: SessionEncoder, head: TextHead, adapter: SessionAdapter, about: Mapping[str, Any]
) -> None:
    """Write a run; ``about`` is everything worth knowing of it, as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    modules = {"encoder": encoder, "head": head}
    weights = {
        f"{name}.{key}": value.contiguous()
        for name, module in modules.items()
        for key, value in module.state_dict().items()
    }
    save_file(weights, folder / WEIGHTS)
    adapter.save(folder / ADAPTER)
    content = {**about, "encoder": asdict(encoder.config), "tower_width": head.tower_width}
    (folder / ABOUT).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def load_run(folder: Path) -> tuple[SessionEncoder, TextHead, SessionAdapter, dict[str, Any]]:
    """Read a run in evaluation mode.

    Raises:
        ModelError: the folder holds no run, or a damaged one.
    """
    try:
        about: dict[str, Any] = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        weights = load_file(folder / WEIGHTS)
        encoder = SessionEncoder(EncoderConfig(**about["encoder"]))
        head = TextHead(int(about["tower_width"]), encoder.config.dimension, len(weights["head.memory"]))
        encoder.load_state_dict(part(weights, "encoder."))
        head.load_state_dict(part(weights, "head."))
        adapter = SessionAdapter.load(folder / ADAPTER)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError, ModelError) as error:
        raise ModelError(
            f"{folder} holds no trained model",
            got=" ".join(" ".join(str(error).splitlines()[:2]).split()),
            expected=f"{WEIGHTS}, {ADAPTER} and {ABOUT}",
            hint=f"myosem train --library lib --out {folder}",
        ) from error
    return encoder.eval(), head.eval(), adapter, about


def save_training(folder: Path, trainer: Trainer) -> None:
    """Write all that ``load_training`` needs to go on, in one step."""
    tensors = {"log_scale": trainer.log_scale} | optimizer_tensors(trainer.optimizer, "optimizer.")
    tensors |= {f"random.{key}": value for key, value in trainer.random.state().items()}
    for name, module in trainer.modules().items():
        tensors |= {f"{name}.{key}": value for key, value in module.state_dict().items()}
    state = {
        "config": asdict(trainer.config),
        "step": trainer.step_number,
        "data": data_digest(trainer),
        "generator": trainer.sampler.generator.bit_generator.state,
        "losses": trainer.losses,
    }
    write_state(folder / TRAINING, tensors, state)


def load_training(folder: Path, trainer: Trainer) -> None:
    """Bring a trainer to where a saved one was.

    Raises:
        ModelError: the folder holds no training, or a damaged one.
        UsageError: it was of other data, another configuration or another seed.
    """
    tensors, state = read_state(folder / TRAINING, "training", "train")
    config, saved = asdict(trainer.config), dict(state["config"])
    pairs = (
        ("seed", config.pop("seed"), saved.pop("seed", None)),
        ("configuration", *_differing(config, saved)),
        ("data", data_digest(trainer), state["data"]),
    )
    check_same(folder, "training", pairs)
    for name, module in trainer.modules().items():
        module.load_state_dict(part(tensors, f"{name}."))
    with torch.no_grad():
        trainer.log_scale.copy_(tensors["log_scale"])
    restore_optimizer(trainer.optimizer, tensors, "optimizer.")
    trainer.random.restore(part(tensors, "random."))
    trainer.sampler.generator.bit_generator.state = state["generator"]
    trainer.step_number, trainer.losses = int(state["step"]), [float(loss) for loss in state["losses"]]


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Only what is not the same in both."""
    keys = sorted(key for key in {*one, *other} if one.get(key) != other.get(key))
    return {key: one.get(key) for key in keys}, {key: other.get(key) for key in keys}


def data_digest(trainer: Trainer) -> str:
    """Identifies the sessions, texts and similarities that a trainer learns from."""
    digest = hashlib.sha256(trainer.bank.vectors.tobytes() + trainer.bank.owner.tobytes())
    digest.update(str(trainer.bank.actions).encode())
    for session in trainer.sessions:
        digest.update(np.ascontiguousarray(session.features).tobytes())
        digest.update(str((session.person, session.dataset, session.actions)).encode())
    if trainer.loss.similarity is not None:
        digest.update(trainer.loss.similarity.cpu().numpy().tobytes())
    return digest.hexdigest()[:16]
