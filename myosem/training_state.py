"""Where a training was, in one file: all tensors it needs to go on, and the rest as JSON, without pickle."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from myosem.errors import ModelError, UsageError

EVERY = 100
"""Steps from one saved state to the next."""

_STATE = "state"


def write_state(file: Path, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
    """Write a state in one step: an interruption leaves the one before."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    whole = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
    save_file(whole, unfinished, metadata={_STATE: json.dumps(state)})
    unfinished.replace(file)


def read_state(file: Path, what: str, command: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and the rest of what ``write_state`` wrote.

    Args:
        file: where.
        what: what the folder is said not to hold where this fails.
        command: which writes it, for the hint.

    Raises:
        ModelError: the file is missing, damaged or something else.
    """
    try:
        with safe_open(file, framework="pt") as stored:
            state: dict[str, Any] = json.loads(stored.metadata()[_STATE])
            return {key: stored.get_tensor(key) for key in stored.keys()}, state  # noqa: SIM118
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise no_state(file, what, command, error) from error


def no_state(file: Path, what: str, command: str, error: Exception) -> ModelError:
    """Says that a folder does not hold what was looked for."""
    return ModelError(
        f"{file.parent} holds no {what}",
        got=" ".join(str(error).split())[:200],
        expected=f"a file {file.name}",
        hint=f"myosem {command} --library lib --out {file.parent}",
    )


def check_same(folder: Path, what: str, pairs: Iterable[tuple[str, object, object]]) -> None:
    """Refuse to go on with another training: ``pairs`` of name, what is asked for, what was saved.

    Raises:
        UsageError: one of them differs.
    """
    for name, got, expected in pairs:
        if got != expected:
            raise UsageError(
                f"the {what} in {folder} cannot be gone on with: its {name} is another",
                got=got,
                expected=expected,
                hint="the same library and options as before, or another --out",
            )


def check_new(file: Path, what: str) -> None:
    """Refuse to write over a training by accident.

    Raises:
        UsageError: there is one.
    """
    if file.is_file():
        raise UsageError(
            f"{file.parent} holds a {what} already", hint="--resume to go on with it, or another --out"
        )


def part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin like this, without it."""
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def optimizer_tensors(optimizer: torch.optim.Optimizer, prefix: str) -> dict[str, Tensor]:
    """What an optimiser remembers of each parameter."""
    return {
        f"{prefix}{place}.{key}": value
        for place, state in optimizer.state_dict()["state"].items()
        for key, value in state.items()
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor], prefix: str) -> None:
    """Make an optimiser remember what ``optimizer_tensors`` gave."""
    states: dict[int, dict[str, Tensor]] = {}
    for key, value in part(tensors, prefix).items():
        place, name = key.split(".")
        states.setdefault(int(place), {})[name] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": states})
