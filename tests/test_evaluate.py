"""Metrics of a pool say what they should: perfect is 1, guessing is chance, and only what is asked counts."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from toys import ACTIONS
from trial_toys import toy_trials

from myosem.evaluate import Question, actions_of, chance, judge, judge_people
from myosem.records import Span
from myosem.table import ALL, PersonResult
from myosem.trials import TrialSession

Scores = NDArray[np.floating]
EVEN = ACTIONS * 12
RANKS = [name for name in ALL if "rank" in name]
ALL_ONE = pytest.approx(dict.fromkeys(ALL, 1.0))
EVERY = Question("toy", ACTIONS)


def perfect(session: TrialSession, candidates: Sequence[str]) -> Scores:
    return np.asarray(session.labels[:, None] == np.array(candidates)[None, :], dtype=float)


def test_perfect_scores_are_worth_one_everywhere() -> None:
    labels = list(EVEN)
    scores = np.array([[float(own == one) for one in ACTIONS] for own in labels])
    assert judge(scores, labels, ACTIONS) == ALL_ONE
    wrong = judge(-scores, labels, ACTIONS)
    assert wrong["R@1"] == wrong["text to EMG R@10"] == 0
    assert wrong["EMG to text median rank"] == 4 and wrong["text to EMG median rank"] == 37


def test_the_same_for_everything_is_chance() -> None:
    values = judge(np.zeros((48, 4)), list(EVEN), ACTIONS)
    assert values["R@1"] == 1 / 4 and values["R@5"] == 1 and values["EMG to text median rank"] == 2.5
    for metric in ("mAP", "P@10", "nDCG@10"):
        assert values[metric] == pytest.approx(1 / 4, abs=0.06)


def test_a_common_action_counts_no_more_than_a_rare_one() -> None:
    labels = ["rest"] * 9 + ["fist"]
    always_rest = np.tile([0.0, 1.0], (10, 1))
    values = judge(always_rest, labels, ("fist", "rest"))
    assert values["R@1"] == 0.5 and values["EMG to text MRR"] == 0.75
    assert values["EMG to text median rank"] == 1.5


def test_actions_nobody_did_are_candidates_and_no_queries() -> None:
    labels = ["fist", "rest"]
    scores = np.array([[0.9, 0.1, 0.0], [0.1, 0.2, 0.9]])
    values = judge(scores, labels, ("fist", "rest", "point"))
    assert values["mAP"] == 1.0 and values["R@1"] == 0.5


def test_only_what_is_asked_is_a_query_and_the_rest_of_the_pool_distracts() -> None:
    labels = ["fist", "rest", "rest"]
    scores = np.array([[0.5, 0.9], [0.8, 0.9], [0.1, 0.2]])
    values = judge(scores, labels, ("fist", "rest"), asked=("fist",))
    assert values["mAP"] == values["text to EMG MRR"] == 0.5
    assert values["R@1"] == 0 and values["EMG to text median rank"] == 2


def test_a_close_answer_is_worth_something_and_never_a_hit() -> None:
    labels = ["wrist-flexion", "rest"]
    candidates = ("wrist-flexion", "wrist-flexion-fist", "fist", "rest")
    near = np.array([[0.1, 0.9, 0.0, 0.0], [0.0, 0.0, 0.0, 0.9]])
    far = np.array([[0.1, 0.0, 0.9, 0.0], [0.0, 0.0, 0.0, 0.9]])
    close, wrong = judge(near, labels, candidates), judge(far, labels, candidates)
    assert close["R@1"] == wrong["R@1"] == 0.5
    assert close["EMG to text nDCG@10"] > wrong["EMG to text nDCG@10"]


def test_all_sessions_of_a_person_are_one_pool() -> None:
    sessions = [
        toy_trials("p1", EVEN),
        toy_trials("p2", EVEN, seed=1),
        toy_trials("p1", ("fist", None, "shrug"), places=("fist", "shrug"), subject="p9"),
    ]
    seen: list[TrialSession] = []

    def scorer(session: TrialSession, candidates: Sequence[str]) -> Scores:
        seen.append(session)
        return perfect(session, candidates)

    results = judge_people("it", 3, sessions, [EVERY], scorer)
    assert [(one.person, one.pool, one.candidates, one.fold) for one in results] == [
        ("toy/p1", 49, 4, 3),
        ("toy/p2", 48, 4, 3),
    ]
    assert len(seen) == 3 and all(one.values == ALL_ONE for one in results)


def test_questions_about_the_same_are_one_result() -> None:
    halves = [
        Question("toy", ("fist", "point"), among="halves"),
        Question("toy", ("open-hand", "rest"), among="halves"),
    ]

    def scorer(session: TrialSession, candidates: Sequence[str]) -> Scores:
        good = np.isin(session.labels, ("fist", "point"))[:, None]
        return np.where(good, perfect(session, candidates), -perfect(session, candidates))

    whole, half = judge_people("it", 0, [toy_trials("p1", EVEN)], [EVERY, *halves], scorer)
    assert (whole.among, whole.pool, whole.candidates) == ("", 48, 4)
    assert (half.among, half.pool, half.candidates, half.values["R@1"]) == ("halves", 48, 2, 0.5)


def test_a_question_may_be_about_one_session_and_its_own_labels() -> None:
    def shouted(span: Span) -> str | None:
        return span.action.upper() if span.action else None

    def scorer(session: TrialSession, candidates: Sequence[str]) -> Scores:
        return perfect(session, [one.lower() for one in candidates])

    loud = Question("toy", tuple(one.upper() for one in ACTIONS), session="1", label=shouted)
    [found] = judge_people("it", 0, [toy_trials("p1", EVEN)], [loud], scorer)
    assert found.values == ALL_ONE
    elsewhere = Question("toy", ACTIONS, session="2")
    assert judge_people("it", 0, [toy_trials("p1", EVEN)], [elsewhere], perfect) == []


def test_people_who_did_nothing_that_is_asked_are_left_out() -> None:
    strangers = [
        toy_trials("t1", (None,) * 6),
        toy_trials("t2", ("shrug",) * 6, places=("shrug",)),
        toy_trials("t3", EVEN, dataset="unasked"),
        toy_trials("t4", EVEN),
    ]
    results = judge_people("it", 0, strangers, [EVERY], perfect)
    assert [one.person for one in results] == ["toy/t4"]


def test_chance_is_the_share_of_what_is_asked_for_and_repeats_itself() -> None:
    tested = [toy_trials(f"t{i}", EVEN, seed=i) for i in range(4)]
    results = chance(0, tested, [EVERY])
    assert results == chance(0, tested, [EVERY]) != chance(1, tested, [EVERY])
    for metric, wanted in (("R@1", 0.25), ("R@5", 1.0), ("P@10", 0.25), ("mAP", 0.29)):
        assert mean(results, metric) == pytest.approx(wanted, abs=0.03)


def mean(results: Sequence[PersonResult], metric: str) -> float:
    return float(np.mean([one.values[metric] for one in results]))


def test_actions_are_those_that_occur() -> None:
    sessions = [toy_trials("p", ("rest", None, "fist", "rest")), toy_trials("q", ("point",), dataset="other")]
    assert actions_of(sessions, "toy") == ("fist", "rest")
