"""Pre-trainings in a folder: one file of weights that a training can go on from, and what was done."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from myosem.errors import ModelError, UsageError
from myosem.pretrain import Pretrainer
from myosem.pretrain_config import config_content, parse_config
from myosem.token_model import TokenModel
from myosem.tokens import VERSION

WEIGHTS, ABOUT = "tokens.safetensors", "pretrain.json"

_STATE = "state"
_MODEL = "model."


def save_pretraining(folder: Path, trainer: Pretrainer) -> None:
    """Write all that ``load_pretraining`` needs to go on, in one step."""
    tensors = {_MODEL + key: value for key, value in trainer.model.state_dict().items()}
    for number, optimizer in enumerate(trainer.optimizers):
        for place, state in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{place}.{key}": value for key, value in state.items()}
    state = {
        "tokens": VERSION,
        "config": config_content(trainer.config),
        "seed": trainer.seed,
        "step": trainer.step,
        "data": data_digest(trainer),
        "losses": trainer.losses,
    }
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{WEIGHTS}.{os.getpid()}"
    whole = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
    save_file(whole, unfinished, metadata={_STATE: json.dumps(state)})
    unfinished.replace(folder / WEIGHTS)


def load_pretraining(folder: Path, trainer: Pretrainer) -> None:
    """Bring a trainer to where a saved one was.

    Raises:
        ModelError: the folder holds no pre-training, or a damaged one.
        UsageError: it was of other tokens, another configuration or another seed.
    """
    tensors, state = _read(folder)
    config = parse_config(state["config"])
    for name, got, expected in (
        ("configuration", trainer.config, config),
        ("seed", trainer.seed, state["seed"]),
        ("data", data_digest(trainer), state["data"]),
    ):
        if got != expected:
            raise UsageError(
                f"the pre-training in {folder} cannot be gone on with: its {name} is another",
                got=got,
                expected=expected,
                hint="the same library and options as before, or another --out",
            )
    trainer.model.load_state_dict(_part(tensors, _MODEL))
    for number, optimizer in enumerate(trainer.optimizers):
        optimizer.load_state_dict(
            {**optimizer.state_dict(), "state": _states(_part(tensors, f"optimizer.{number}."))}
        )
    trainer.step, trainer.losses = int(state["step"]), [float(loss) for loss in state["losses"]]


def load_token_model(folder: Path) -> TokenModel:
    """The model of a pre-training, in evaluation mode.

    Raises:
        ModelError: the folder holds none, or a damaged one.
    """
    tensors, state = _read(folder)
    try:
        config = parse_config(state["config"])
        model = TokenModel(config.quantizer, config.sentence)
        model.load_state_dict(_part(tensors, _MODEL))
    except (KeyError, RuntimeError, ValidationError) as error:
        raise _no_run(folder, error) from error
    return model.eval()


def write_about(folder: Path, about: Mapping[str, Any]) -> None:
    """Write ``pretrain.json``: what was done, for people."""
    (folder / ABOUT).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def data_digest(trainer: Pretrainer) -> str:
    """Identifies the tokens that a trainer learns from."""
    digest = hashlib.sha256(trainer.values.tobytes())
    digest.update(str([one.mask.sum(axis=1).tolist() for one in trainer.sessions]).encode())
    return digest.hexdigest()[:16]


def _read(folder: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    try:
        with safe_open(folder / WEIGHTS, framework="pt") as file:
            state: dict[str, Any] = json.loads(file.metadata()[_STATE])
            return {key: file.get_tensor(key) for key in file.keys()}, state  # noqa: SIM118
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise _no_run(folder, error) from error


def _no_run(folder: Path, error: Exception) -> ModelError:
    return ModelError(
        f"{folder} holds no pre-training",
        got=" ".join(str(error).split())[:200],
        expected=f"a file {WEIGHTS}",
        hint=f"myosem pretrain --library lib --out {folder}",
    )


def _part(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def _states(tensors: Mapping[str, torch.Tensor]) -> dict[int, dict[str, torch.Tensor]]:
    states: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        place, name = key.split(".")
        states.setdefault(int(place), {})[name] = value
    return states
