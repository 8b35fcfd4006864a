"""Whole retrieval protocols: from a library to a table."""

import math
import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch

from myosem.calibration import Calibration, calibrate, expected_error, settle
from myosem.corpus import sessions_of, slower_sessions
from myosem.evaluate import Scorer, chance, judge_people
from myosem.folds import Folds
from myosem.library import Library
from myosem.practice import practice_sessions
from myosem.prompts import load_actions
from myosem.repetitions import split_repetitions
from myosem.retriever import (
    VARIANTS,
    ByName,
    Retriever,
    exported_tower,
    load_variant,
    public_tower,
    tower_without,
)
from myosem.runnable import folds_to_run
from myosem.splits import PROTOCOLS, Material, Split
from myosem.systems import load_system
from myosem.table import PersonResult, Table
from myosem.train import TrainConfig
from myosem.trials import TrialSession, as_trials, prepare_trials

Progress = Callable[[str, int, int], None]
USUAL = tuple(VARIANTS)[:1]


@dataclass(frozen=True)
class Plan:
    """What a fold needs to know; small, so that it can be sent to another process.

    Attributes:
        library: where the sessions are.
        protocol: name of the protocol.
        folds: who is tested when.
        config: how to train.
        simulated: simulated sessions that join every training set.
        variants: names of the models.
        baselines: names of the plain systems.
        tower: folder of the text tower, the packaged one where None.
        texts: of classes that ``prompts`` has no entry for.
    """

    library: Path
    protocol: str
    folds: Folds
    config: TrainConfig
    simulated: int = 0
    variants: tuple[str, ...] = USUAL
    baselines: tuple[str, ...] = ()
    tower: Path | None = None
    texts: Mapping[str, Sequence[str]] = field(default_factory=dict)


def evaluate_retrieval(
    library: Library,
    protocol: str,
    folds: Folds | None = None,
    *,
    config: TrainConfig,
    numbers: Sequence[int] | None = None,
    simulated: int = 0,
    variants: Sequence[str] | None = None,
    baselines: Sequence[str] | None = None,
    tower: Path | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
    texts: Mapping[str, Sequence[str]] | None = None,
) -> Table:
    """One protocol: for each fold a training from fresh weights of each model and plain system.

    Args:
        library: where the sessions are.
        protocol: one of ``myosem.splits.PROTOCOLS``.
        folds: who is tested when.
        config: how to train.
        numbers: the folds to run; all that there are where None.
        simulated: simulated sessions that join every training set.
        variants: models, as in ``myosem.retriever.VARIANTS``.
        baselines: plain systems, as in ``myosem.systems.MODULES``; the protocol's own where None.
        tower: a folder of ``myosem ground``, the packaged text tower where None; where texts are withheld,
            each fold grounds one of its own.
        jobs: folds at a time, each in a process of its own.
        progress: told what is done.
        texts: of classes that ``prompts`` has no entry for.

    Raises:
        UsageError: the library lacks what a fold tests or learns from, or no model or system has a name;
            nothing is trained.
        MissingExtraError: a system needs packages that are not installed; nothing is trained.
    """
    begun = time.monotonic()
    names = PROTOCOLS[protocol].baselines if baselines is None else tuple(baselines)
    models = USUAL if variants is None else tuple(variants)
    for check, wanted in ((load_variant, models), (load_system, names)):
        for name in wanted:
            check(name)
    known = folds or Folds({})
    run = folds_to_run(library, protocol, known, numbers)
    plan = Plan(library.path, protocol, known, config, simulated, models, names, tower, texts or {})
    results: list[PersonResult] = []
    calibrations: list[Calibration] = []
    tell = progress or (lambda what, done, total: None)
    tell("folds", 0, len(run))
    for done, part in enumerate(_each_fold(plan, run, jobs), start=1):
        results += part.results
        calibrations += part.calibrations
        tell("folds", done, len(run))
    about = {
        "folds": " ".join(str(number) for number in run),
        "seed": config.seed,
        "steps": config.steps,
        "simulated training sessions": simulated,
        "minutes": round((time.monotonic() - begun) / 60, 1),
        **_calibrated(calibrations),
    }
    return Table(PROTOCOLS[protocol].title, about, results)


def _calibrated(calibrations: Sequence[Calibration]) -> dict[str, object]:
    if not calibrations:
        return {}
    temperature, threshold = settle(calibrations)
    said: dict[str, object] = {"calibrated temperature": temperature, "calibrated threshold": threshold}
    error = expected_error(calibrations)
    return said if math.isnan(error) else {**said, "expected calibration error": round(error, 4)}


class FoldResult(NamedTuple):
    """What came of a fold."""

    results: list[PersonResult]
    calibrations: list[Calibration]


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
    protocol = PROTOCOLS[plan.protocol]
    material = _material(plan.library, plan.simulated, protocol.cut)
    outcome = FoldResult([], [])
    splits = protocol.split(material, plan.folds, number)
    for split in splits:
        for title, scorer in _systems(split, plan):
            outcome.results.extend(judge_people(title, number, split.tested, split.questions, scorer))
            if plan.protocol == "user" and not outcome.calibrations:
                outcome.calibrations.append(calibrate(split.tested, scorer))
    outcome.results.extend(chance(number, splits[0].tested, splits[0].questions))
    return outcome


def _systems(split: Split, plan: Plan) -> Iterator[tuple[str, Scorer]]:
    """Models first, then plain systems, trained one after the other."""
    note = f", {split.note}" if split.note else ""
    seed = plan.config.seed
    read = split.withheld & set(load_actions())
    tower = tower_without(read, seed) if read else exported_tower(plan.tower)
    for name in plan.variants:
        variant = load_variant(name)
        training = [one.session for one in split.training]
        yield (
            variant.title + note,
            Retriever.train(
                training, plan.config, tower, variant=variant, withheld=split.withheld, texts=plan.texts
            ),
        )
    for name in plan.baselines:
        system = load_system(name)
        yield system.title + note, ByName.train(system, split.recorded, public_tower(), seed)


@cache
def _material(library: Path, simulated: int, cut: bool) -> Material:
    """All sessions of a library, read once a process, and simulated ones."""
    sessions: list[TrialSession] = []
    slower: list[TrialSession] = []
    repetitions: list[TrialSession] = []
    for recordings, person in sessions_of(Library.open(library)):
        trained, tested = split_repetitions(recordings) if cut else (recordings, [])
        if trained:
            sessions.append(prepare_trials(trained, person))
            slower += [as_trials(one) for one in slower_sessions(trained, person)]
        if tested:
            repetitions.append(prepare_trials(tested, person))
    practice = [as_trials(session) for session in practice_sessions(simulated)]
    return Material([*sessions, *slower, *practice], repetitions)
