"""A few labelled trials of the person tested: how much they help, beside training on that person alone.

Of each action that a person did more than once, a share of the trials is labelled: that share of them,
rounded, but at least one and never all. They are drawn at random among the trials in which a segment
was found, anew in each round, and those of a smaller share are among those of a larger one. All other
trials of the person are tested. The reference, intra-subject training, learns from four fifths of the
person's own trials of each action, and from nobody else, and is tested on the last fifth, in turn.
"""

import time
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from myosem.errors import UsageError
from myosem.folds import Folds
from myosem.library import Library
from myosem.runnable import check_folds
from myosem.systems import Adaptable, PerDataset, System, load_system
from myosem.trial_runs import (
    Outcome,
    Progress,
    Read,
    Task,
    decide_trials,
    judge_person,
    person_result,
    plan_tasks,
    rows_of,
    run_tasks,
)
from myosem.trial_table import Row, TrialResult, TrialTable
from myosem.trials import TrialSession, actions_by_dataset, people_of, read_trials

SHARES = (0.0, 0.01, 0.05, 0.1, 0.2)
ROUNDS = 5
PARTS = 5

Kept = list[NDArray[np.int64]]
"""Trials of each of a person's sessions."""


def evaluate_few_shot(
    library: Library,
    folds: Folds,
    names: Sequence[str],
    *,
    numbers: Sequence[int],
    seeds: Sequence[int] = (0,),
    jobs: int = 1,
    progress: Progress | None = None,
    read: Read = read_trials,
    shares: Sequence[float] = SHARES,
) -> TrialTable:
    """Balanced accuracy with some shares of a person's trials labelled: no, 1, 5, 10 and 20 % by default.

    Args, errors: as for ``myosem.loso.evaluate_loso``.
    """
    begun = time.monotonic()
    systems = {name: load_system(name) for name in names}
    check_folds(library, folds, numbers)
    tasks = plan_tasks(systems, numbers, seeds)
    work = partial(run_fold, folds, shares)
    outcomes = run_tasks(work, library.path, tasks, jobs, progress, read=read)
    results = [result for outcome in outcomes.values() for result in outcome.results]
    about = {
        "folds": " ".join(str(number) for number in numbers),
        "rounds of drawing": ROUNDS,
        "minutes of a row are those of all rows of its system; in all": round(
            (time.monotonic() - begun) / 60, 1
        ),
    }
    title = "A few labelled trials of the person tested (protocol few-shot): balanced accuracy"
    return TrialTable(title, about, _rows(systems, outcomes), results)


def run_fold(
    folds: Folds, shares: Sequence[float], sessions: Sequence[TrialSession], system: System, task: Task
) -> list[TrialResult]:
    """Results of the people of one fold: one each for no labels, one a share and round, one by themselves.

    Raises:
        UsageError: the system cannot learn from a person's own trials.
    """
    training, tested = folds.split(sessions, task.fold)
    actions = actions_by_dataset(training)
    fitted = system.fit(training, task.seed)
    if not isinstance(fitted, Adaptable):
        raise UsageError(f"{system.title} cannot learn from a person's own trials", hint="another --baseline")
    results = []
    for own in people_of(tested).values():
        candidates = actions[own[0].dataset]
        for share in shares:
            for number in range(ROUNDS if share else 1):
                told, rest = draw(own, share, np.random.default_rng([task.seed, number]))
                learned = fitted.adapted(_with(own, told)) if share else fitted
                title = row_title(system, share)
                drawn = task._replace(seed=number)
                results.append(judge_person(learned, title, _with(own, rest), candidates, drawn))
        if isinstance(system, PerDataset):
            results.append(by_oneself(system, own, task))
    return results


def draw(sessions: Sequence[TrialSession], share: float, generator: np.random.Generator) -> tuple[Kept, Kept]:
    """The trials of a person that are labelled, and all others, in each session."""
    told = np.zeros(sum(len(session.trials) for session in sessions), dtype=bool)
    labels, found = _labels(sessions), _found(sessions)
    for action in sorted(set(labels)):
        order = generator.permutation(np.flatnonzero((labels == action) & found))
        count = max(round(share * np.sum(labels == action)), 1) if share else 0
        told[order[: min(count, np.sum(labels == action) - 1)]] = True
    return _by_session(sessions, told), _by_session(sessions, ~told)


def by_oneself(system: PerDataset, sessions: Sequence[TrialSession], task: Task) -> TrialResult:
    """Intra-subject training: each trial is decided by what was learned from the person's other parts."""
    actions = actions_by_dataset(sessions)[sessions[0].dataset]
    labels = _labels(sessions)
    part = np.zeros(len(labels), dtype=np.int64)
    generator = np.random.default_rng(task.seed)
    for action in actions:
        own = generator.permutation(np.flatnonzero(labels == action))
        part[own] = np.arange(len(own)) % PARTS
    decided: list[str | None] = [None] * len(labels)
    for number in sorted(set(part.tolist())):
        fitted = system.fit(_with(sessions, _by_session(sessions, part != number)), task.seed)
        answers = [one for session in sessions for one in decide_trials(fitted, session, actions)]
        for trial in np.flatnonzero(part == number):
            decided[trial] = answers[trial]
    title = f"{system.title}; intra-subject"
    return person_result(title, sessions, decided, actions, task._replace(seed=0))


def row_title(system: System, share: float) -> str:
    """A system and how much it was told."""
    return f"{system.title}; {100 * share:.0f} % labelled"


def _labels(sessions: Sequence[TrialSession]) -> NDArray[np.str_]:
    return np.array([action for session in sessions for action in session.trials])


def _found(sessions: Sequence[TrialSession]) -> NDArray[np.bool_]:
    return np.concatenate([np.isin(np.arange(len(one.trials)), one.trial_of) for one in sessions])


def _by_session(sessions: Sequence[TrialSession], chosen: NDArray[np.bool_]) -> Kept:
    edges = np.cumsum([len(session.trials) for session in sessions])[:-1]
    return [np.flatnonzero(part) for part in np.split(chosen, edges)]


def _with(sessions: Sequence[TrialSession], kept: Kept) -> list[TrialSession]:
    return [session.with_trials(trials) for session, trials in zip(sessions, kept, strict=True)]


def _rows(systems: Mapping[str, System], outcomes: Mapping[Task, Outcome]) -> dict[str, Row]:
    """The rows in the order of their results; each has the minutes of its whole system."""
    rows: dict[str, Row] = {}
    for name, row in rows_of(systems, outcomes).items():
        titles = [
            result.system
            for outcome in outcomes.values()
            for result in outcome.results
            if result.system.startswith(f"{name}; ")
        ]
        rows |= dict.fromkeys(titles, row)
    return rows
