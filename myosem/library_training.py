"""Training on a library: its labelled sessions and simulated ones in, a run out."""

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from myosem import features
from myosem.checkpoint import TRAINING, WEIGHTS, load_training, save_run, save_training
from myosem.compute import parallel
from myosem.corpus import Session, read_training
from myosem.errors import LibraryError
from myosem.library import Library
from myosem.onnx_tower import OnnxTextTower
from myosem.practice import practice_sessions
from myosem.prompts import load_actions
from myosem.train import TextBank, TrainConfig, Trainer, prompt_texts
from myosem.training_state import EVERY, check_new, read_state


def train_library(
    library: Library,
    out: Path,
    config: TrainConfig,
    *,
    simulated: int = 0,
    tower: Path | None = None,
    resume: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, Any]:
    """Train on all labelled sessions of a library and write the run to a folder.

    Several processes started by ``torchrun`` share each step; the first one writes.

    Args:
        library: where the sessions are.
        out: folder for weights and ``run.json``.
        config: how to train.
        simulated: simulated sessions to train on as well.
        tower: a folder of ``myosem ground``; the packaged text tower where None.
        resume: go on where a training in ``out`` was interrupted.
        progress: told how many steps are done.

    Returns:
        What ``run.json`` says.

    Raises:
        LibraryError: nothing in the library is labelled with an action that ``prompts`` knows.
        ModelError: there is nothing to resume.
        UsageError: ``out`` holds a training already, or the one to resume was another.
    """
    begun, tell = time.monotonic(), progress or (lambda what, done, total: None)
    if resume:
        read_state(out / TRAINING, "training", "train")
    else:
        check_new(out / TRAINING, "training")
        check_new(out / WEIGHTS, "training")
    sessions = _sessions(library, simulated)
    text_tower = OnnxTextTower(tower)
    bank = TextBank.of(prompt_texts(), text_tower.encode)
    with parallel() as first:
        trainer = Trainer(sessions, bank, config)
        if resume:
            load_training(out, trainer)
        while True:
            trainer.run(trainer.step_number + EVERY, lambda step, loss: tell("training", step, config.steps))
            if first:
                save_training(out, trainer)
            if trainer.step_number == config.steps:
                break
        about = _about(trainer, simulated, text_tower, time.monotonic() - begun)
        if first:
            save_run(out, trainer.encoder, trainer.head, trainer.adapter, about)
    return about


def _sessions(library: Library, simulated: int) -> list[Session]:
    sessions = read_training(library)
    if load_actions().keys().isdisjoint(action for session in sessions for action in session.actions):
        raise LibraryError(
            f"{library.path} has no labelled segments to learn from",
            expected="recordings whose labels have an action",
            hint="myosem info --library " + str(library.path),
        )
    return sessions + practice_sessions(simulated)


def _about(trainer: Trainer, simulated: int, tower: OnnxTextTower, seconds: float) -> dict[str, Any]:
    sessions = trainer.sessions
    return {
        "config": asdict(trainer.config),
        "steps": trainer.config.steps,
        "seed": trainer.config.seed,
        "sessions": sum(not session.slower for session in sessions),
        "simulated": simulated,
        "people": len({session.person for session in sessions if not session.simulated}),
        "datasets": sorted({session.dataset for session in sessions}),
        "features": features.VERSION,
        "tower": tower.about["weights_sha256"],
        "temperature": float(1 / trainer.log_scale.detach().exp()),
        "minutes": round(seconds / 60, 1),
    }
