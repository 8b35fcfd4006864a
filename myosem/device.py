"""Data sets never seen: train on all people of the others, test on the actions that they share.

A device, its electrodes, its rate and the protocol of the recording are new at once. The trials of other
actions are not tested, but their segments stay in the sessions, without a label like all of them.
"""

import time
from collections.abc import Sequence

from myosem.errors import UsageError
from myosem.folds import sharing
from myosem.library import Library
from myosem.systems import System, load_system
from myosem.trial_runs import Progress, Task, judge_person, plan_tasks, rows_of, run_tasks, trials_in
from myosem.trial_table import TrialResult, TrialTable
from myosem.trials import TrialSession, actions_by_dataset, people_of


def evaluate_device(
    library: Library,
    names: Sequence[str],
    *,
    seeds: Sequence[int] = (0,),
    jobs: int = 1,
    progress: Progress | None = None,
) -> TrialTable:
    """Balanced accuracy on each data set, by systems that have learned from all others.

    Args:
        library: where the sessions are.
        names: of the systems; they must not depend on the channels of a data set.
        seeds: of the systems that depend on chance; the others run once.
        jobs: trainings at a time, each in a process of its own.
        progress: told what is done.

    Raises:
        UsageError: no system has this name or it knows only data sets it was trained on, or fewer than two
            data sets share two actions.
        MissingExtraError: a system needs packages that are not installed.
    """
    begun = time.monotonic()
    systems = {name: load_system(name) for name in names}
    shared = shared_actions(trials_in(library.path))
    numbers = [number for number, actions in enumerate(shared.values()) if len(actions) > 1]
    if not numbers:
        raise UsageError(
            f"no data set of {library.path} shares two actions with others", exists=sorted(shared)
        )
    outcomes = run_tasks(run_dataset, library.path, plan_tasks(systems, numbers, seeds), jobs, progress)
    about = {
        "seeds": " ".join(str(seed) for seed in seeds),
        "minutes": round((time.monotonic() - begun) / 60, 1),
    }
    results = [result for outcome in outcomes.values() for result in outcome.results]
    title = "Data sets never seen, on shared actions (protocol device-trials): balanced accuracy"
    return TrialTable(title, about, rows_of(systems, outcomes), results)


def run_dataset(sessions: Sequence[TrialSession], system: System, task: Task) -> list[TrialResult]:
    """One result a person of a data set; its number is that of the fold."""
    dataset, actions = list(shared_actions(sessions).items())[task.fold]
    unseen = {dataset, *sharing({dataset})}
    fitted = system.fit([session for session in sessions if session.dataset not in unseen], task.seed)
    tested = [_only(session, actions) for session in sessions if session.dataset == dataset]
    return [
        judge_person(fitted, system.title, own, actions, task)
        for own in people_of([session for session in tested if session.trials]).values()
    ]


def shared_actions(sessions: Sequence[TrialSession]) -> dict[str, tuple[str, ...]]:
    """The actions of each data set that some other has, too; data sets sorted."""
    known = actions_by_dataset(sessions)
    return {
        dataset: tuple(
            action
            for action in known[dataset]
            if any(action in known[other] for other in known if other != dataset)
        )
        for dataset in sorted(known)
    }


def _only(session: TrialSession, actions: Sequence[str]) -> TrialSession:
    return session.with_trials([trial for trial, one in enumerate(session.trials) if one in actions])
