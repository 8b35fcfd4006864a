"""A protocol that a library cannot run is refused before anything is read, with what to do next."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from myosem import runnable
from myosem.catalogue import SessionKey
from myosem.errors import UsageError
from myosem.folds import Folds
from myosem.runnable import check_folds, folds_to_run
from myosem.splits import DAYS, EFFORTS

FOLDS = Folds(
    {"toy": {0: ("p1",), 1: ("p2",), 2: ("p1",)}, DAYS: {0: ("d1",), 1: (), 2: ("d2",)}},
    actions={0: ("fist",), 1: ("point",)},
    compositions={0: ("wf+fp",)},
)
BOTH = ("fist", "rest", None)


class FakeLibrary:
    """Sessions of a library: data set, subject, and what they did."""

    path = Path("lib")

    def __init__(self, *sessions: tuple[str, str, tuple[str | None, ...]]) -> None:
        self._actions = {SessionKey(dataset, subject, "1"): did for dataset, subject, did in sessions}

    def sessions(self) -> list[SessionKey]:
        return list(self._actions)

    def person_of(self, dataset: str, subject: str) -> str:
        return {"alias": "p1"}.get(subject, subject)

    def segments_of(self, session: SessionKey) -> list[SimpleNamespace]:
        return [SimpleNamespace(action=action) for action in self._actions[session]]


def library(*sessions: tuple[str, str, tuple[str | None, ...]]) -> Any:
    return FakeLibrary(*sessions)


@pytest.mark.parametrize(
    ("sessions", "said"),
    [
        ([("toy", "p2", BOTH), ("toy", "p3", BOTH)], "nobody of the fold.*there is fold 1; try: --fold 1"),
        ([("toy", "p1", (None,)), ("toy", "p3", BOTH)], "nobody of the fold.*there is nothing; try: myosem"),
        (
            [("toy", "p1", BOTH), ("toy", "alias", BOTH)],
            "other people of toy who did nothing;.*there is nothing",
        ),
        ([("toy", "p1", BOTH), ("toy", "p2", ("fist",))], "other people of toy who did fist;"),
        (
            [("toy", "p1", ("point",)), ("toy", "p2", BOTH), ("toy", "p3", BOTH)],
            "nobody of toy who did fist, rest",
        ),
    ],
)
@pytest.mark.parametrize("protocol", ["user", "class"])
def test_a_fold_without_people_is_refused(
    protocol: str, sessions: list[tuple[str, str, tuple[str | None, ...]]], said: str
) -> None:
    numbers = [1, 0] if "fold 1" in said else [0]
    with pytest.raises(UsageError, match=f"fold 0 cannot be run on lib; got .*{said}"):
        folds_to_run(library(*sessions), protocol, FOLDS, numbers)


PEOPLE = (("toy", "p1", BOTH), ("toy", "p2", BOTH), ("mute", "p1", (None,)))


def test_folds_whose_people_are_there_can_be_run() -> None:
    check_folds(library(*PEOPLE), FOLDS, FOLDS.numbers)
    assert folds_to_run(library(*PEOPLE), "user", FOLDS) == [0, 1, 2]
    assert folds_to_run(library(*PEOPLE), "user", FOLDS, [1]) == [1]
    assert folds_to_run(library(*PEOPLE), "rand", Folds({})) == [0]


def test_an_unknown_fold_is_refused() -> None:
    with pytest.raises(UsageError, match=r"unknown fold; got .*7.*there is 0"):
        folds_to_run(library(*PEOPLE), "user", FOLDS, [7])
    with pytest.raises(UsageError, match="unknown fold"):
        folds_to_run(library(*PEOPLE), "rand", Folds({}), [1])


def test_a_fold_that_holds_out_no_action_is_refused() -> None:
    assert folds_to_run(library(*PEOPLE), "class", FOLDS, [0, 1]) == [0, 1]
    with pytest.raises(UsageError, match="no action in fold 2"):
        folds_to_run(library(*PEOPLE), "class", FOLDS)


def test_of_one_data_set_only_folds_with_people_of_it_are_run() -> None:
    known = library((DAYS, "d1", BOTH), (DAYS, "d2", BOTH), *PEOPLE)
    assert folds_to_run(known, "day", FOLDS) == [0, 2]
    assert folds_to_run(known, "composition", FOLDS) == [0]
    with pytest.raises(UsageError, match=r"got fold 1; .*there is fold 0, fold 2; try: --fold 0 --fold 2"):
        folds_to_run(known, "day", FOLDS, [1])


@pytest.mark.parametrize(("protocol", "dataset"), [("effort", EFFORTS), ("day", DAYS), ("composition", DAYS)])
def test_a_library_without_the_data_set_is_refused(protocol: str, dataset: str) -> None:
    with pytest.raises(UsageError, match=f"people of {dataset}.*try: myosem ingest {dataset} --library lib"):
        folds_to_run(library(*PEOPLE), protocol, FOLDS)


def test_without_people_after_an_amputation_the_next_command_is_said() -> None:
    with pytest.raises(
        UsageError, match=r"no recordings of people after an amp.*DB7.*try: myosem ingest NINA"
    ):
        folds_to_run(library(*PEOPLE), "amputee", Folds({}))
    lost = ("ninapro_db3", "s1", BOTH)
    with pytest.raises(UsageError, match="no recordings of others"):
        folds_to_run(library(lost), "amputee", Folds({}))
    assert folds_to_run(library(lost, *PEOPLE), "amputee", Folds({})) == [0]


def test_a_data_set_is_never_its_own_teacher(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"labelled": (True, False), "unlabelled": (False, False), "simulated": (True, True)}
    sessions = [
        (
            [
                SimpleNamespace(
                    dataset=name,
                    simulated=simulated,
                    spans=[SimpleNamespace(action="fist" if done else None)],
                )
            ],
            "p",
        )
        for name, (done, simulated) in found.items()
    ]
    monkeypatch.setattr(runnable, "sessions_of", lambda library: sessions)
    with pytest.raises(UsageError, match=r"no data set to learn from.*there is labelled; try"):
        folds_to_run(library(), "device", Folds({}))
    sessions.append(([SimpleNamespace(dataset="more", simulated=False, spans=sessions[0][0][0].spans)], "p"))
    assert folds_to_run(library(), "device", Folds({})) == [0, 1]
