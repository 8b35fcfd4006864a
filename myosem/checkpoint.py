"""Trained weights in a folder: safetensors and the configuration that made them."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from myosem.encoder import EncoderConfig, SessionEncoder, TextHead
from myosem.errors import ModelError
from myosem.session_adapter import SessionAdapter

WEIGHTS, ADAPTER, ABOUT = "weights.safetensors", "adapter.npz", "run.json"


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
        encoder.load_state_dict(_part(weights, "encoder."))
        head.load_state_dict(_part(weights, "head."))
        adapter = SessionAdapter.load(folder / ADAPTER)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError, ModelError) as error:
        raise ModelError(
            f"{folder} holds no trained model",
            got=" ".join(" ".join(str(error).splitlines()[:2]).split()),
            expected=f"{WEIGHTS}, {ADAPTER} and {ABOUT}",
            hint=f"myosem train --library lib --out {folder}",
        ) from error
    return encoder.eval(), head.eval(), adapter, about


def _part(weights: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {key.removeprefix(prefix): value for key, value in weights.items() if key.startswith(prefix)}
