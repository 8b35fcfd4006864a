"""Which folds of a protocol a library can run, found in its catalogue before anything is read or trained."""

from collections.abc import Sequence
from typing import NamedTuple

from myosem.corpus import person_ids, sessions_of
from myosem.errors import UsageError
from myosem.folds import Folds
from myosem.library import Library
from myosem.splits import PROTOCOLS, is_amputee


class LabelledSession(NamedTuple):
    """Who a session of a library is of, and what they did in it."""

    dataset: str
    subject: str
    person: str
    actions: frozenset[str]


def folds_to_run(
    library: Library, protocol: str, folds: Folds, wanted: Sequence[int] | None = None
) -> list[int]:
    """The folds that are wanted, or all of a protocol.

    Raises:
        UsageError: one of them cannot be run, or there is none; says why, and which ones can.
    """
    plan = PROTOCOLS[protocol]
    datasets = _labelled_datasets(library) if protocol == "device" else []
    numbers = plan.numbers(datasets, folds)
    if wrong := [number for number in wanted or () if number not in numbers]:
        raise UsageError("unknown fold", got=wrong, exists=numbers)
    if protocol == "amputee":
        _check_amputees(library)
    if protocol == "device" and len(datasets) < 2:
        raise UsageError(
            f"{library.path} has no data set to learn from beside the one that is tested",
            exists=datasets,
            hint=f"myosem ingest RECORDINGS --library {library.path}",
        )
    if plan.only is not None:
        return _of_dataset(library, protocol, plan.only, folds, wanted)
    if plan.folds:
        check_folds(library, folds, wanted or numbers)
    if protocol == "class" and (empty := [one for one in wanted or numbers if not folds.actions.get(one)]):
        raise UsageError(
            f"the folds hold out no action in fold {empty[0]}",
            expected="actions: fold: [meanings]",
            exists=sorted(folds.actions),
        )
    return list(wanted or numbers)


def check_folds(library: Library, folds: Folds, numbers: Sequence[int]) -> None:
    """Refuse folds that cannot be run.

    Raises:
        UsageError: says which, why, and which ones can.
    """
    sessions = _sessions(library)
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


def _of_dataset(
    library: Library, protocol: str, dataset: str, folds: Folds, wanted: Sequence[int] | None
) -> list[int]:
    """Folds in which people of one data set are tested; those that have none are left out."""
    sessions = [one for one in _sessions(library) if one.dataset == dataset]
    able = [fold for fold in folds.numbers if not _lack(sessions, folds, fold)]
    if protocol == "composition":
        able = [fold for fold in able if folds.compositions.get(fold)]
    unable = [fold for fold in wanted or () if fold not in able]
    if unable or not able:
        raise UsageError(
            f"protocol {protocol} cannot be run on {library.path}",
            got=f"fold {unable[0]}" if unable else None,
            expected=f"people of {dataset} to test in the fold, and others of it to learn from",
            exists=[f"fold {fold}" for fold in able],
            hint=" ".join(f"--fold {fold}" for fold in able)
            or f"myosem ingest {dataset} --library {library.path}",
        )
    return list(wanted or able)


def _check_amputees(library: Library) -> None:
    sessions = [one for one in _sessions(library) if one.actions]
    tested = [one for one in sessions if is_amputee(one.dataset, one.subject)]
    if not tested or len(tested) == len(sessions):
        raise UsageError(
            f"{library.path} has no recordings of {'others' if tested else 'people after an amputation'}",
            expected="NinaPro DB3, DB7 (subjects 21, 22), DB8 (11, 12) or DB10 (101-115) as data sets "
            "ninapro_db3 and so on, beside recordings of others",
            hint=f"myosem ingest NINAPRO --mapping ninapro_db3.yaml --library {library.path}",
        )


def _sessions(library: Library) -> list[LabelledSession]:
    people = person_ids(library)
    return [
        LabelledSession(
            key.dataset,
            key.subject,
            people[key.dataset, key.subject],
            frozenset(one.action for one in library.segments_of(key) if one.action),
        )
        for key in library.sessions()
    ]


def _labelled_datasets(library: Library) -> list[str]:
    """As ``splits.datasets_of`` finds them."""
    return sorted(
        {
            recordings[0].dataset
            for recordings, _ in sessions_of(library)
            if not recordings[0].simulated and any(span.action for one in recordings for span in one.spans)
        }
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
