"""Pre-trainings in a folder: one file of weights that a training can go on from, and what was done."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from myosem.pretrain import Pretrainer
from myosem.pretrain_config import config_content, parse_config
from myosem.token_model import TokenModel
from myosem.tokens import VERSION
from myosem.training_state import (
    check_same,
    no_state,
    optimizer_tensors,
    part,
    read_state,
    restore_optimizer,
    write_state,
)

WEIGHTS, ABOUT = "tokens.safetensors", "pretrain.json"

_MODEL = "model."
_WHAT, _COMMAND = "pre-training", "pretrain"


def save_pretraining(folder: Path, trainer: Pretrainer) -> None:
    """Write all that ``load_pretraining`` needs to go on, in one step."""
    tensors = {_MODEL + key: value for key, value in trainer.model.state_dict().items()}
    for number, optimizer in enumerate(trainer.optimizers):
        tensors |= optimizer_tensors(optimizer, f"optimizer.{number}.")
    state = {
        "tokens": VERSION,
        "config": config_content(trainer.config),
        "seed": trainer.seed,
        "step": trainer.step,
        "data": data_digest(trainer),
        "losses": trainer.losses,
    }
    write_state(folder / WEIGHTS, tensors, state)


def load_pretraining(folder: Path, trainer: Pretrainer) -> None:
    """Bring a trainer to where a saved one was.

    Raises:
        ModelError: the folder holds no pre-training, or a damaged one.
        UsageError: it was of other tokens, another configuration or another seed.
    """
    tensors, state = read_state(folder / WEIGHTS, _WHAT, _COMMAND)
    pairs = (
        ("configuration", trainer.config, parse_config(state["config"])),
        ("seed", trainer.seed, state["seed"]),
        ("data", data_digest(trainer), state["data"]),
    )
    check_same(folder, _WHAT, pairs)
    trainer.model.load_state_dict(part(tensors, _MODEL))
    for number, optimizer in enumerate(trainer.optimizers):
        restore_optimizer(optimizer, tensors, f"optimizer.{number}.")
    trainer.step, trainer.losses = int(state["step"]), [float(loss) for loss in state["losses"]]


def load_token_model(folder: Path) -> TokenModel:
    """The model of a pre-training, in evaluation mode.

    Raises:
        ModelError: the folder holds none, or a damaged one.
    """
    tensors, state = read_state(folder / WEIGHTS, _WHAT, _COMMAND)
    try:
        config = parse_config(state["config"])
        model = TokenModel(config.quantizer, config.sentence)
        model.load_state_dict(part(tensors, _MODEL))
    except (KeyError, RuntimeError, ValidationError) as error:
        raise no_state(folder / WEIGHTS, _WHAT, _COMMAND, error) from error
    return model.eval()


def write_about(folder: Path, about: Mapping[str, Any]) -> None:
    """Write ``pretrain.json``: what was done, for people."""
    (folder / ABOUT).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def data_digest(trainer: Pretrainer) -> str:
    """Identifies the tokens that a trainer learns from."""
    digest = hashlib.sha256(trainer.values.tobytes())
    digest.update(str([one.mask.sum(axis=1).tolist() for one in trainer.sessions]).encode())
    return digest.hexdigest()[:16]
