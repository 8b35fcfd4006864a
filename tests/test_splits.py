"""What a protocol holds out is in no training, and what it asks is what it holds out."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toys import ACTIONS
from trial_toys import toy_trials

from myosem.folds import Folds, read_folds
from myosem.prompts import load_actions
from myosem.records import Span
from myosem.splits import (
    ALL_ACTIONS,
    DAYS,
    EFFORTS,
    HELD_OUT,
    PROTOCOLS,
    Material,
    Split,
    is_amputee,
    meant_by,
    with_effort,
)
from myosem.trials import TrialSession, as_trials

BENT = ("wrist-flexion", "pronation", "wrist-flexion-pronation", "fist", "rest")
FOLDS = Folds(
    {"toy": {0: ("p1",), 1: ("p2",)}, DAYS: {0: ("d1",)}, EFFORTS: {0: ("e1",)}},
    actions={0: ("wrist flexion", "make a fist")},
    compositions={0: ("wf+fp",)},
    meaning={DAYS: {"wrist-flexion-pronation": "wf+fp"}, "toy": {"fist": "make a fist"}},
)


def toy(person: str, actions: Sequence[str | None] = BENT * 3, **changes: object) -> TrialSession:
    return toy_trials(person, actions, places=BENT, **changes)  # type: ignore[arg-type]


def named(session: TrialSession, name: str) -> TrialSession:
    return replace(session, session=replace(session.session, name=name))


def slower(session: TrialSession) -> TrialSession:
    return as_trials(replace(session.session, slower=True))


def split(name: str, sessions: Sequence[TrialSession], number: int = 0, **changes: object) -> list[Split]:
    return PROTOCOLS[name].split(Material(sessions, **changes), FOLDS, number)  # type: ignore[arg-type]


def people(sessions: Sequence[TrialSession]) -> set[str]:
    return {one.person for one in sessions}


@pytest.fixture
def sessions() -> list[TrialSession]:
    simulated = toy("s", dataset="simulated", simulated=True)
    everybody = [
        toy("p1"),
        toy("p1", subject="alias", seed=4),
        toy("p2", seed=1),
        toy("p3", seed=2),
        simulated,
    ]
    return [*everybody, slower(everybody[0]), slower(everybody[3])]


def test_user_holds_out_people_under_any_name(sessions: list[TrialSession]) -> None:
    [one] = split("user", sessions)
    assert people(one.training) == {"toy/p2", "toy/p3", "simulated/s"} and people(one.tested) == {"toy/p1"}
    assert [found.subject for found in one.tested] == ["p1", "alias"]
    assert not any(found.session.slower for found in one.tested)
    assert people(one.recorded) == {"toy/p2", "toy/p3"} and len(one.recorded) == 2
    [question] = one.questions
    assert (question.dataset, question.candidates, one.withheld) == ("toy", tuple(sorted(BENT)), frozenset())


def test_rand_tests_only_the_repetitions_kept_apart(sessions: list[TrialSession]) -> None:
    kept = [toy("p1", seed=7)]
    [one] = split("rand", sessions, repetitions=kept)
    assert list(one.training) == sessions and list(one.tested) == kept
    assert [question.dataset for question in one.questions] == ["toy"]


def test_a_held_out_action_is_in_no_training_nor_is_what_contains_it(sessions: list[TrialSession]) -> None:
    [one] = split("class", sessions)
    assert {"wrist-flexion", "fist", "wrist-flexion-pronation", "wrist-extension-fist"} <= one.withheld
    assert not one.withheld & {"pronation", "rest", "wrist-extension-pronation"}
    did = {action for session in one.training for action in session.session.actions}
    trials = {trial for session in one.training for trial in session.trials}
    assert did == trials == {"pronation", "rest"}
    assert people(one.training) == {"toy/p2", "toy/p3", "simulated/s"}
    assert all(session in sessions for session in one.tested) and people(one.tested) == {"toy/p1"}


def test_held_out_actions_are_asked_among_themselves_and_among_all(sessions: list[TrialSession]) -> None:
    [one] = split("class", sessions)
    among, every = one.questions
    assert (among.among, among.candidates, among.asked) == (HELD_OUT, ("fist", "wrist-flexion"), ())
    assert (every.among, every.candidates) == (ALL_ACTIONS, tuple(sorted(BENT)))
    assert every.asked == ("fist", "wrist-flexion")


def test_one_held_out_action_is_not_asked_among_itself() -> None:
    found = [toy(person, ("wrist-flexion", "rest") * 3) for person in ("p1", "p2")]
    [one] = split("class", found)
    assert [question.among for question in one.questions] == [ALL_ACTIONS]


def test_segments_without_a_label_leave_with_a_held_out_action() -> None:
    mixed, clean = toy("p2", (*BENT, None)), toy("p3", ("rest", None, "pronation"))
    [one] = split("class", [toy("p1"), mixed, clean])
    first, second = one.training
    assert first.session.actions == ("pronation", "rest") and len(first.session.features) == 2
    assert len(first.session.channels.courses) == len(first.session.channels.words) == 2
    assert second is clean


def test_of_a_combination_the_parts_are_seen() -> None:
    found = [toy(person, dataset=DAYS) for person in ("d1", "d2")]
    elsewhere = toy("p1")
    [one] = split("composition", [*found, elsewhere])
    assert one.withheld == {"wrist-flexion-pronation"}
    for session in one.training:
        assert set(session.trials) == set(BENT) - {"wrist-flexion-pronation"}
    assert people(one.training) == {f"{DAYS}/d2"} and people(one.tested) == {f"{DAYS}/d1"}
    [question] = one.questions
    assert question.asked == ("wrist-flexion-pronation",) and question.dataset == DAYS


def test_a_data_set_is_held_out_whole(sessions: list[TrialSession]) -> None:
    other = toy_trials("x", dataset="other")
    first, second = (split("device", [*sessions, other], number)[0] for number in (0, 1))
    assert list(first.tested) == [other] and other not in first.training
    assert [question.candidates for question in first.questions] == [ACTIONS]
    assert {one.dataset for one in second.training} == {"other", "simulated"}
    assert {one.dataset for one in second.tested} == {"toy"}
    assert PROTOCOLS["device"].numbers(["other", "toy"], FOLDS) == (0, 1)


def with_efforts(person: str) -> TrialSession:
    """Fist and wrist flexion, light, medium and hard, four times each, and rest."""
    session = toy(person, ("fist", "wrist-flexion", "rest") * 12, dataset=EFFORTS)
    efforts = [("light", "medium", "hard")[number // 3 % 3] for number in range(36)]
    spans = tuple(
        replace(span, effort=None if span.action == "rest" else effort) if span else None
        for span, effort in zip(session.session.spans, efforts, strict=True)
    )
    return replace(session, session=replace(session.session, spans=spans))


def test_efforts_are_asked_with_their_actions_and_by_themselves() -> None:
    [one] = split("effort", [with_efforts("e1"), with_efforts("e2"), toy("p3")])
    fist, bent = (load_actions()[action].names[0] for action in ("fist", "wrist-flexion"))
    every, *each = one.questions
    assert set(every.candidates) == {
        f"{effort} {name}" for effort in ("light", "medium", "hard") for name in (fist, bent)
    }
    assert {question.candidates for question in each} == {
        tuple(f"{effort} {name}" for effort in ("hard", "light", "medium")) for name in (fist, bent)
    }
    labels = every.labels(one.tested[0])
    assert labels[:6] == [f"light {fist}", f"light {bent}", "", f"medium {fist}", f"medium {bent}", ""]
    assert people(one.tested) == {f"{EFFORTS}/e1"} and people(one.training) == {f"{EFFORTS}/e2", "toy/p3"}
    [plain] = one.recorded
    assert set(plain.trials) == set(every.candidates) and len(plain) == 36


def test_an_effort_stands_before_the_name() -> None:
    assert with_effort(Span(0, 1, "x", "fist", "Hard")) == f"hard {load_actions()['fist'].names[0]}"
    assert with_effort(Span(0, 1, "x", "fist")) is with_effort(Span(0, 1, "x", None, "hard")) is None


def test_later_days_are_tested_with_and_without_the_first() -> None:
    days = {
        (person, number): named(toy(person, dataset=DAYS, seed=number), f"day{number}")
        for person in ("d1", "d2")
        for number in (1, 8, 29)
    }
    known, unseen = split("day", list(days.values()))
    assert list(known.tested) == list(unseen.tested) == [days["d1", 8], days["d1", 29]]
    others = [days["d2", number] for number in (1, 8, 29)]
    assert list(unseen.training) == others and list(known.training) == [*others, days["d1", 1]]
    assert [(one.among, one.session) for one in known.questions] == [
        ("all later days", ""),
        ("day 8", "day8"),
        ("day 29", "day29"),
    ]
    assert known.note != unseen.note


@pytest.mark.parametrize(
    ("dataset", "subject", "wanted"),
    [
        ("ninapro_db3", "s4", True),
        ("NinaPro DB3", "S11", True),
        ("db7", "Subject_21", True),
        ("ninapro-db7", "s20", False),
        ("ninapro_db8", "S12_E1", False),
        ("ninapro_db8", "12", True),
        ("ninapro_db8", "1", False),
        ("ninapro_db10", "S101", True),
        ("ninapro_db10", "S010", False),
        ("ninapro_db2", "s4", False),
        ("ninapro_db30", "s4", False),
        ("mydb3", "s4", False),
        ("ninapro_db10", "nobody", False),
    ],
)
def test_who_has_lost_a_hand(dataset: str, subject: str, wanted: bool) -> None:
    assert is_amputee(dataset, subject) == wanted


def test_nobody_who_has_lost_a_hand_is_trained_on() -> None:
    able = [toy("s1", dataset="ninapro_db7"), toy("p1"), toy("s3", dataset="ninapro_db2")]
    lost = [toy("s21", dataset="ninapro_db7"), toy("s3", dataset="ninapro_db3")]
    [one] = split("amputee", [*able, *lost, slower(lost[0])])
    assert list(one.training) == able and list(one.tested) == lost
    assert [question.dataset for question in one.questions] == ["ninapro_db3", "ninapro_db7"]


@pytest.mark.parametrize("name", PROTOCOLS)
def test_nothing_is_tested_that_was_trained_on(name: str) -> None:
    everything = [
        *(toy(person) for person in ("p1", "p2")),
        *(with_efforts(person) for person in ("e1", "e2")),
        *(named(toy(p, dataset=DAYS, seed=n), f"day{n}") for p in ("d1", "d2") for n in (1, 8)),
        *(toy(person, dataset="ninapro_db7") for person in ("s1", "s21")),
    ]
    for seed, session in enumerate(everything):
        session.session.features[:] += seed  # no two rows alike
    kept = toy("p1", seed=100)
    for one in split(name, everything, repetitions=[kept]):
        trained = np.concatenate([session.session.features for session in one.training])
        for session in one.tested:
            rows = session.session.features[session.labels != ""]
            assert not (trained[None] == rows[:, None]).all(axis=2).any()


def test_the_published_meanings_are_actions(real_data: Path) -> None:
    folds = read_folds(real_data / "folds.yaml")
    known = set(load_actions())
    for number, meanings in folds.actions.items():
        found = meant_by(meanings, [], folds)
        assert found <= known, number
    everything = {one for meanings in folds.actions.values() for one in meanings}
    assert len(everything) == sum(len(meanings) for meanings in folds.actions.values())
