"""Grounding as a run: the prompts in, a folder with a text tower out that can be gone on with."""

import hashlib
import json
import time
from collections.abc import Callable, Collection
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from myosem.bundle import export_text_tower
from myosem.grounding import GroundConfig, GroundedTower, Grounder
from myosem.model_config import TEXT_TOWER
from myosem.prompts import load_actions, load_unrelated, without_actions
from myosem.prompts.signature import signature
from myosem.readings import READINGS
from myosem.text import load_minilm
from myosem.text_material import TextMaterial, text_material
from myosem.training_state import (
    EVERY,
    check_new,
    check_same,
    optimizer_tensors,
    part,
    read_state,
    restore_optimizer,
    write_state,
)

STATE, ABOUT = "grounding.safetensors", "grounding.json"
WHAT, COMMAND = "grounding", "ground"


def ground(config: GroundConfig, withheld: Collection[str] = ()) -> GroundedTower:
    """The public tower taught by the prompts, in memory.

    Args:
        config: how.
        withheld: actions that it never reads of, nor any combination with them.
    """
    grounder = make_grounder(config, withheld)
    grounder.run()
    return grounder.result()


def ground_to(
    out: Path,
    config: GroundConfig,
    *,
    withheld: Collection[str] = (),
    resume: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, Any]:
    """Ground the public tower and write it as ONNX, with its readings, to a folder.

    Args:
        out: the folder.
        config: how.
        withheld: as for ``ground``.
        resume: go on where a grounding in ``out`` was interrupted.
        progress: told how many steps are done.

    Returns:
        What ``grounding.json`` says.

    Raises:
        ModelError: there is nothing to resume, or ONNX and torch disagree.
        UsageError: ``out`` holds one already, or the one to resume was another.
    """
    begun, tell = time.monotonic(), progress or (lambda what, done, total: None)
    if resume:
        read_state(out / STATE, WHAT, COMMAND)
    else:
        check_new(out / STATE, WHAT)
        check_new(out / TEXT_TOWER, WHAT)
    grounder = make_grounder(config, withheld)
    if resume:
        load_grounding(out, grounder)
    while grounder.step_number < config.steps:
        grounder.run(grounder.step_number + EVERY, lambda step, loss: tell("grounding", step, config.steps))
        save_grounding(out, grounder)
    tower = grounder.result()
    export_text_tower(out, tower)
    tower.readings().save(out / READINGS)
    about = {
        "tower": tower.name,
        "actions": len(grounder.material.actions),
        "withheld": sorted(withheld),
        "texts": grounder.material.written,
        "with variants": len(grounder.material.texts),
        "config": asdict(config),
        "minutes": round((time.monotonic() - begun) / 60, 1),
    }
    (out / ABOUT).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    return about


def make_grounder(config: GroundConfig, withheld: Collection[str] = ()) -> Grounder:
    """A grounder of the public tower on all texts of the prompts that are not withheld."""
    actions = without_actions(load_actions(), withheld)
    material = text_material(actions, load_unrelated(), seed=config.seed)
    signatures = np.stack([signature(action) for action in actions.values()])
    return Grounder(load_minilm(), material, signatures, config)


def save_grounding(folder: Path, grounder: Grounder) -> None:
    """Write all that ``load_grounding`` needs to go on, in one step."""
    tensors = optimizer_tensors(grounder.optimizer, "optimizer.")
    tensors |= {f"random.{key}": value for key, value in grounder.random.state().items()}
    tensors |= {f"upper.{key}": value for key, value in grounder.upper.state_dict().items()}
    tensors |= {f"readout.{key}": value for key, value in grounder.readout.state_dict().items()}
    state = {
        "config": asdict(grounder.config),
        "step": grounder.step_number,
        "texts": _digest(grounder.material),
        "generator": grounder.generator.bit_generator.state,
    }
    write_state(folder / STATE, tensors, state)


def load_grounding(folder: Path, grounder: Grounder) -> None:
    """Bring a grounder to where a saved one was.

    Raises:
        ModelError: the folder holds none, or a damaged one.
        UsageError: it was of other texts or another configuration.
    """
    tensors, state = read_state(folder / STATE, WHAT, COMMAND)
    pairs = (
        ("configuration", asdict(grounder.config), state["config"]),
        ("texts", _digest(grounder.material), state["texts"]),
    )
    check_same(folder, WHAT, pairs)
    grounder.upper.load_state_dict(part(tensors, "upper."))
    grounder.readout.load_state_dict(part(tensors, "readout."))
    restore_optimizer(grounder.optimizer, tensors, "optimizer.")
    grounder.random.restore(part(tensors, "random."))
    grounder.generator.bit_generator.state = state["generator"]
    grounder.step_number = int(state["step"])


def _digest(material: TextMaterial) -> str:
    return hashlib.sha256("\n".join(material.texts).encode() + material.owner.tobytes()).hexdigest()[:16]
