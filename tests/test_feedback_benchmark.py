"""The benchmark of relevance feedback: what is judged, what is ranked then, and what it counts."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes import unit

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import feedback as benchmark

ACTIONS = np.array(["fist", "open-hand"])


def session(turned: bool) -> benchmark.Session:
    """Four trials of two segments, and one without a label; turned, actions lie at each other's words."""
    labels = np.repeat(["fist", "open-hand", "fist", "open-hand"], 2)
    place = (labels == "open-hand") != turned
    noise = np.random.default_rng(0).normal(0, 0.01, (9, 3))
    vectors = unit(np.eye(3)[[*place.astype(int), 2]] + noise)
    return benchmark.Session(
        about=np.array("toys"),
        name=np.array(["bench", "p1"]),
        vectors=vectors,
        labels=np.array([*labels, ""]),
        trials=np.array([0, 0, 1, 1, 2, 2, 3, 3, -1]),
        actions=ACTIONS,
        words=np.eye(2, 3, dtype=np.float32),
    )


@pytest.fixture
def turned() -> benchmark.Person:
    return benchmark.Person([session(True), session(True)])


def test_trials_of_several_sessions_are_told_apart(turned: benchmark.Person) -> None:
    assert turned.trials.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, -1, 4, 4, 5, 5, 6, 6, 7, 7, -1]
    assert turned.pool.tolist() == [*range(8), *range(9, 17)]


def test_the_first_hits_are_judged_and_their_trials_left_out(turned: benchmark.Person) -> None:
    fist, opened = benchmark.first_hits(3)(turned, 0)
    order = np.argsort(-turned.scores[turned.pool, 0], kind="stable")
    assert fist.judged.tolist() == turned.pool[order[:3]].tolist()
    assert not fist.relevant.any()
    assert not set(turned.trials[fist.rest]) & set(turned.trials[fist.judged])
    assert set(fist.rest) | {row for row in turned.pool if row not in fist.rest} == set(turned.pool)
    assert opened.action == 1


def test_one_segment_of_one_trial_of_each_action_is_labelled(turned: benchmark.Person) -> None:
    fist, opened = benchmark.one_trial(turned, 0)
    assert fist.judged.tolist() == opened.judged.tolist()
    assert turned.labels[fist.judged].tolist() == ACTIONS.tolist()
    assert (fist.relevant.tolist(), opened.relevant.tolist()) == ([True, False], [False, True])
    assert len(fist.rest) == 12
    elsewhere = next(benchmark.one_trial_elsewhere(turned, 0))
    assert set(turned.session[elsewhere.judged]) == {0}
    assert elsewhere.rest.tolist() == list(range(9, 17))


def test_feedback_turns_a_person_round_whose_actions_lie_at_the_wrong_words(turned: benchmark.Person) -> None:
    before = benchmark.measure(turned, benchmark.one_trial, benchmark.without)
    after = benchmark.measure(turned, benchmark.one_trial, benchmark.feedback)
    assert before is not None
    assert after is not None
    assert (before["R@1"], after["R@1"], after["mAP"]) == (0, 1, 1)
    assert before["pool"] == after["pool"] == 12


def test_in_a_crowd_only_those_who_were_judged_move() -> None:
    one, other = session(False), session(True)
    (crowd,) = benchmark.crowds_of([one, replace(other, name=np.array(["bench", "p2"])), session(False)])
    said = benchmark.Said(0, np.array([0]), np.array([False]), crowd.pool)
    moved = benchmark.feedback(crowd, said) - benchmark.without(crowd, said)
    assert crowd.owner.tolist() == ["p1"] * 9 + ["p2"] * 9 + ["p1"] * 9
    assert (moved[crowd.owner == "p2"] == 0).all()
    assert moved[1] < moved[2]
    assert moved[crowd.owner == "p1"].mean() == pytest.approx(0, abs=1e-6)
    assert benchmark.crowds_of([one, one]) == []


def test_nothing_is_measured_where_nothing_is_left() -> None:
    alone = benchmark.Person([session(False)])
    assert benchmark.measure(alone, benchmark.one_trial_elsewhere, benchmark.without) is None


def test_vectors_are_read_as_they_were_written(tmp_path: Path) -> None:
    written = [session(False), session(True)]
    benchmark.save(written, tmp_path / "new" / "fold0.npz")
    for one, other in zip(benchmark.load(tmp_path / "new" / "fold0.npz"), written, strict=True):
        for name in benchmark.ARRAYS:
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_what_nobody_could_be_asked_has_no_row() -> None:
    results = benchmark.run([benchmark.Person([session(False)])])
    text = benchmark.markdown(results, benchmark.run([], benchmark.JUDGED), "toys")
    assert "one trial an action labelled" in text
    assert "the other sessions ranked" not in text


def test_tables_say_that_the_user_is_simulated(turned: benchmark.Person) -> None:
    results = benchmark.run([turned])
    text = benchmark.markdown(results, results, "toys")
    assert "**The user is simulated**" in text
    row = next(
        line for line in text.splitlines() if line.startswith("| one trial an action labelled | 1 | 1 | 12 |")
    )
    assert "no feedback" in row
