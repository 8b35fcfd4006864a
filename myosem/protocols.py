"""Whole evaluation protocols: from a library to a table."""

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from myosem.calibration import Calibration, calibrate, settle
from myosem.corpus import Session, read_training
from myosem.errors import UsageError
from myosem.evaluate import evaluate_fold
from myosem.folds import Folds
from myosem.library import Library
from myosem.model import OnnxTextTower
from myosem.practice import practice_sessions
from myosem.prompts import load_actions
from myosem.table import PersonResult, Table
from myosem.train import TextBank, TrainConfig, Trainer, embed, prompt_texts

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Plan:
    """What a fold needs to know; small, so that it can be sent to another process."""

    library: Path
    folds: Folds
    config: TrainConfig
    simulated: int


def evaluate_user(
    library: Library,
    folds: Folds,
    *,
    numbers: Sequence[int],
    config: TrainConfig,
    simulated: int = 0,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Table:
    """People never seen: one training from fresh weights a fold.

    Args:
        library: where the sessions are.
        folds: who is tested when.
        numbers: the folds to run.
        config: how to train.
        simulated: simulated sessions that join every training set.
        jobs: folds at a time, each in a process of its own.
        progress: told what is done.

    Raises:
        UsageError: the library lacks people of a fold, to test or to learn from; nothing is trained.
    """
    begun = time.monotonic()
    check_folds(library, folds, numbers)
    plan = Plan(library.path, folds, config, simulated)
    results: list[PersonResult] = []
    calibrations: list[Calibration] = []
    tell = progress or (lambda what, done, total: None)
    tell("folds", 0, len(numbers))
    for done, part in enumerate(_each_fold(plan, numbers, jobs), start=1):
        results += part[0]
        calibrations.append(part[1])
        tell("folds", done, len(numbers))
    temperature, threshold = settle(calibrations)
    about = {
        "folds": " ".join(str(number) for number in numbers),
        "seed": config.seed,
        "steps": config.steps,
        "simulated training sessions": simulated,
        "minutes": round((time.monotonic() - begun) / 60, 1),
        "calibrated temperature": temperature,
        "calibrated threshold": threshold,
    }
    return Table("People never seen (protocol user)", about, results)


class LabelledSession(NamedTuple):
    """Who a session of a library is of, and what they did in it."""

    dataset: str
    subject: str
    person: str
    actions: frozenset[str]


def check_folds(library: Library, folds: Folds, numbers: Sequence[int]) -> None:
    """Refuse folds that cannot be run.

    Raises:
        UsageError: says which, why, and which ones can.
    """
    sessions = [
        LabelledSession(
            key.dataset,
            key.subject,
            f"{key.dataset}/{library.person_of(key.dataset, key.subject)}",
            frozenset(one.action for one in library.segments_of(key) if one.action),
        )
        for key in library.sessions()
    ]
    lacking = {fold: lack for fold in folds.numbers if (lack := _lack(sessions, folds, fold))}
    for number in numbers:
        if number in lacking:
            able = [fold for fold in folds.numbers if fold not in lacking]
            raise UsageError(
                f"fold {number} cannot be run on {library.path}",
                got=lacking[number],
                expected="people of the fold to test, and other people of their data sets to learn from",
                exists=[f"fold {fold}" for fold in able],
                hint=" ".join(f"--fold {fold}" for fold in able)
                or f"myosem ingest RECORDINGS --library {library.path}",
            )


def _lack(sessions: Sequence[LabelledSession], folds: Folds, fold: int) -> str | None:
    """What a fold lacks, None where it can be run."""
    training, tested = folds.split(sessions, fold)
    labelled = [session for session in tested if session.actions]
    if not labelled:
        return "nobody of the fold with labelled recordings"
    for dataset in sorted({session.dataset for session in labelled}):
        known = _actions_in(training, dataset)
        if len(known) < 2:
            return f"other people of {dataset} who did {', '.join(known) or 'nothing'}"
        if known.isdisjoint(_actions_in(labelled, dataset)):
            return f"nobody of {dataset} who did {', '.join(sorted(known))} as others did"
    return None


def _actions_in(sessions: Sequence[LabelledSession], dataset: str) -> set[str]:
    return {action for one in sessions if one.dataset == dataset for action in one.actions}


FoldResult = tuple[list[PersonResult], Calibration]


def _each_fold(plan: Plan, numbers: Sequence[int], jobs: int) -> Iterator[FoldResult]:
    if jobs == 1:
        for number in numbers:
            yield run_fold(plan, number)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        yield from pool.map(run_fold, [plan] * len(numbers), numbers)


def run_fold(plan: Plan, number: int) -> FoldResult:
    """One fold, in this process."""
    torch.set_num_threads(1)
    sessions, bank = _material(plan.library, plan.simulated)
    training, tested = plan.folds.split(sessions, number)
    tested = [session for session in tested if not session.slower]
    trainer = Trainer(training, bank, plan.config)
    trainer.run()
    scorer = CosineScorer(trainer, OnnxTextTower())
    results = evaluate_fold(training, tested, number, scorer)
    return results, calibrate(tested, scorer)


@cache
def _material(library: Path, simulated: int) -> tuple[list[Session], TextBank]:
    sessions = read_training(Library.open(library)) + practice_sessions(simulated)
    return sessions, TextBank.of(prompt_texts(), OnnxTextTower().encode)


class CosineScorer:
    """Scores as search has them: the cosine of a segment and the name of an action."""

    def __init__(self, trainer: Trainer, tower: OnnxTextTower) -> None:
        self._trainer, self._tower = trainer, tower
        self._actions = load_actions()

    @torch.no_grad()
    def __call__(self, session: Session, actions: Sequence[str]) -> NDArray[np.float32]:
        """``(N, A)`` for the N segments of a session and A actions."""
        names = [self._name(action) for action in actions]
        words = self._trainer.head(torch.from_numpy(self._tower.encode(names))).numpy()
        features = self._trainer.adapter.straightened(session.features)
        vectors = embed(self._trainer.encoder, features)
        return np.asarray(self._trainer.adapter.move(features, vectors) @ words.T)

    def _name(self, action: str) -> str:
        """What to search for; an action of another version of the prompts is its id in words."""
        entry = self._actions.get(action)
        return entry.names[0] if entry else action.replace("-", " ")
