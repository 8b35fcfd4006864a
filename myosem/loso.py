"""Trials of people never seen: one training from nothing for each system, fold and seed."""

import time
from collections.abc import Sequence
from functools import partial

from myosem.folds import Folds
from myosem.library import Library
from myosem.runnable import check_folds
from myosem.systems import System, load_system
from myosem.trial_runs import Progress, Read, Task, judge_person, plan_tasks, rows_of, run_tasks
from myosem.trial_table import TrialResult, TrialTable
from myosem.trials import TrialSession, actions_by_dataset, people_of, read_trials


def evaluate_loso(
    library: Library,
    folds: Folds,
    names: Sequence[str],
    *,
    numbers: Sequence[int],
    seeds: Sequence[int] = (0,),
    jobs: int = 1,
    progress: Progress | None = None,
    read: Read = read_trials,
) -> TrialTable:
    """Balanced accuracy of systems on the trials of people they have not seen.

    Args:
        library: where the sessions are.
        folds: who is tested when.
        names: of the systems, as in ``myosem.systems.MODULES``.
        numbers: the folds to run.
        seeds: of the systems that depend on chance; the others run once.
        jobs: trainings at a time, each in a process of its own.
        progress: told what is done.
        read: which sessions there are, and what is a trial of them; all of the library by default.

    Raises:
        UsageError: no system has this name, or the library lacks people of a fold; nothing is trained.
        MissingExtraError: a system needs packages that are not installed; nothing is trained.
    """
    begun = time.monotonic()
    systems = {name: load_system(name) for name in names}
    check_folds(library, folds, numbers)
    tasks = plan_tasks(systems, numbers, seeds)
    outcomes = run_tasks(partial(run_fold, folds), library.path, tasks, jobs, progress, read=read)
    about = {
        "folds": " ".join(str(number) for number in numbers),
        "seeds": " ".join(str(seed) for seed in seeds),
        "minutes": round((time.monotonic() - begun) / 60, 1),
    }
    results = [result for outcome in outcomes.values() for result in outcome.results]
    title = "Trials of people never seen (protocol loso): balanced accuracy"
    return TrialTable(title, about, rows_of(systems, outcomes), results)


def run_fold(folds: Folds, sessions: Sequence[TrialSession], system: System, task: Task) -> list[TrialResult]:
    """One result a person of the fold, by a system that was trained on the others."""
    training, tested = folds.split(sessions, task.fold)
    actions = actions_by_dataset(training)
    fitted = system.fit(training, task.seed)
    return [
        judge_person(fitted, system.title, own, actions[own[0].dataset], task)
        for own in people_of(tested).values()
    ]
