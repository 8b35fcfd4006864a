"""What the trial-level protocols share: tasks, the processes they run in, and one person's result."""

import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import torch

from myosem.library import Library
from myosem.systems import Fitted, System, load_system
from myosem.trial_table import Row, TrialResult
from myosem.trials import TrialSession, balanced_accuracy, decide, read_trials

Progress = Callable[[str, int, int], None]


class Task(NamedTuple):
    """One training: which system, tested on which fold, from which seed."""

    system: str
    fold: int
    seed: int


class Outcome(NamedTuple):
    """What came of a task, and how long it took."""

    results: list[TrialResult]
    seconds: float


Work = Callable[[Sequence[TrialSession], System, Task], list[TrialResult]]
"""What to do for a task with all sessions of a library; can be sent to another process."""
Read = Callable[[Library], list[TrialSession]]
"""Sessions of a library; two that are equal read the same. Can be sent to another process."""


def plan_tasks(systems: Mapping[str, System], numbers: Sequence[int], seeds: Sequence[int]) -> list[Task]:
    """Every system on every fold from every seed; without chance in it once."""
    return [
        Task(name, number, seed)
        for name, system in systems.items()
        for number in numbers
        for seed in (seeds if system.seeded else seeds[:1])
    ]


def run_tasks(
    work: Work,
    library: Path,
    tasks: Sequence[Task],
    jobs: int = 1,
    progress: Progress | None = None,
    *,
    read: Read = read_trials,
) -> dict[Task, Outcome]:
    """Outcomes by task, ``jobs`` of them at a time in processes of their own that read the library once."""
    tell = progress or (lambda what, done, total: None)
    tell("trainings", 0, len(tasks))
    outcomes: dict[Task, Outcome] = {}
    for task, outcome in zip(tasks, _each(partial(_timed, work, read, library), tasks, jobs), strict=True):
        outcomes[task] = outcome
        tell("trainings", len(outcomes), len(tasks))
    return outcomes


def rows_of(systems: Mapping[str, System], outcomes: Mapping[Task, Outcome]) -> dict[str, Row]:
    """The rows of a table: what each system sees, and how long its tasks took together."""
    rows = {}
    for name, system in systems.items():
        seconds = sum(outcome.seconds for task, outcome in outcomes.items() if task.system == name)
        rows[system.title] = Row(system.context, seconds / 60)
    return rows


def judge_person(
    fitted: Fitted, title: str, sessions: Sequence[TrialSession], actions: Sequence[str], task: Task
) -> TrialResult:
    """What a fitted system makes of one person's trials; it is shown the sessions without labels.

    Args:
        fitted: the system.
        title: its title.
        sessions: all sessions of the person, labelled in the trials to be judged.
        actions: what there is to choose from.
        task: its fold and seed.
    """
    decided = [one for session in sessions for one in decide_trials(fitted, session, actions)]
    return person_result(title, sessions, decided, actions, task)


def decide_trials(fitted: Fitted, session: TrialSession, actions: Sequence[str]) -> list[str | None]:
    """What a fitted system calls each trial of a session that it is shown without labels."""
    return decide(session, fitted.log_posterior(session.unlabelled, actions), actions)


def person_result(
    title: str,
    sessions: Sequence[TrialSession],
    decided: Sequence[str | None],
    actions: Sequence[str],
    task: Task,
) -> TrialResult:
    """The result of one person, from what each trial of all their sessions was called."""
    truth = [action for session in sessions for action in session.trials]
    return TrialResult(
        system=title,
        dataset=sessions[0].dataset,
        person=sessions[0].person,
        fold=task.fold,
        seed=task.seed,
        trials=len(truth),
        missed=sum(session.missed for session in sessions),
        actions=len(actions),
        accuracy=balanced_accuracy(truth, decided),
    )


@cache
def trials_in(library: Path, read: Read = read_trials) -> list[TrialSession]:
    """All sessions of a library that have trials, read once a process."""
    return read(Library.open(library))


def _each(run: Callable[[Task], Outcome], tasks: Sequence[Task], jobs: int) -> Iterator[Outcome]:
    if jobs == 1:
        yield from map(run, tasks)
        return
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(run, tasks)


def _timed(work: Work, read: Read, library: Path, task: Task) -> Outcome:
    torch.set_num_threads(1)
    sessions, system = trials_in(library, read), load_system(task.system)
    begun = time.monotonic()
    results = work(sessions, system, task)
    return Outcome(results, time.monotonic() - begun)
