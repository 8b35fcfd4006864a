"""Trials are labelled spans; their segments decide together, and a missed trial is wrong."""

import numpy as np
import pytest
from toys import bursts, record, span
from trial_toys import noisy_trials, toy_trials

from myosem.corpus import prepare_session
from myosem.trials import (
    actions_by_dataset,
    as_trials,
    balanced_accuracy,
    decide,
    people_of,
    prepare_trials,
)


def test_every_labelled_span_is_a_trial_and_knows_its_segments() -> None:
    spans = (span(0.1, 1.8, "rest"), span(1.9, 3.6, "fist"), span(4.0, 4.2, "point"), span(7.9, 11.1, None))
    recordings = [record(bursts(), spans=spans), record(bursts(seed=1), spans=(span(4.9, 5.7, "fist"),))]
    found = prepare_trials(recordings, "toy/p1")
    assert found.trials == ("rest", "fist", "point", "fist")
    assert [set(found.labels[found.trial_of == trial]) for trial in range(4)] == [
        {"rest"},
        {"fist"},
        set(),
        {"fist"},
    ]
    assert found.missed == 1
    assert set(found.labels[found.trial_of == -1]) == {""}
    assert found.session.spans == prepare_session(recordings, "toy/p1").spans


def test_equal_spans_of_two_recordings_are_two_trials() -> None:
    recordings = [record(bursts(seed=seed), spans=(span(1.9, 3.6, "fist"),)) for seed in (0, 1)]
    found = prepare_trials(recordings, "toy/p1")
    assert found.trials == ("fist", "fist") and found.missed == 0
    assert sorted(found.trial_of[found.trial_of >= 0]) == [0, 1]


def test_samples_of_segments_are_those_of_the_recording_at_200_hz() -> None:
    found = noisy_trials("p1")
    assert len(found.samples) == len(found)
    loud = [np.abs(part).mean() for part in found.samples]
    inside = found.trial_of >= 0
    assert np.min(np.array(loud)[inside]) > 2 * np.max(np.array(loud)[~inside])
    fast = prepare_trials(
        [record(bursts(1000.0), 1000.0, spans=(span(1.9, 3.6),))],
        "toy/p1",
    )
    seconds = np.exp(fast.session.channels.scalars[:, 0])
    np.testing.assert_allclose([len(part) / 200 for part in fast.samples], seconds, atol=0.01)


def test_without_an_action_neither_its_trials_nor_its_samples_are_left() -> None:
    whole = noisy_trials("p1")
    part = whole.without({"fist"})
    kept = np.flatnonzero(whole.labels == "open-hand")
    assert set(part.trials) == set(part.labels) == {"open-hand"} and len(part) == len(kept)
    np.testing.assert_array_equal(part.session.features, whole.session.features[kept])
    for mine, theirs in zip(part.samples, [whole.samples[row] for row in kept], strict=True):
        np.testing.assert_array_equal(mine, theirs)
    tokens, all_tokens = part.signals.tokens, whole.signals.tokens
    longest = tokens.mask.shape[1]
    np.testing.assert_array_equal(tokens.values, all_tokens.values[kept, :longest])
    assert whole.without({"shrug"}) is whole
    assert part.signals.only(np.array([1])).rows == (kept[1],)


def test_without_all_its_actions_a_session_is_empty() -> None:
    assert len(noisy_trials("p1").without({"fist", "open-hand"})) == 0


def test_each_labelled_segment_of_a_bare_session_is_a_trial() -> None:
    found = as_trials(toy_trials("p1", ("fist", None, "rest", "fist")).session)
    assert found.trials == ("fist", "rest", "fist") and found.trial_of.tolist() == [0, -1, 1, 2]


def test_the_mean_of_the_segments_decides() -> None:
    session = toy_trials("p1", ("fist", "fist", None, "rest"), missed=("rest",))
    merged = type(session)(session.session, ("fist", "rest", "rest"), np.array([0, 0, -1, 1]))
    values = np.log([[0.6, 0.4], [0.1, 0.9], [1.0, 1e-9], [0.7, 0.3]])
    assert decide(merged, values, ("fist", "rest")) == ["rest", "fist", None]


def test_balanced_accuracy_counts_every_action_the_same() -> None:
    truth = ["rest"] * 8 + ["fist", "fist"]
    assert balanced_accuracy(truth, ["rest"] * 10) == 0.5
    assert balanced_accuracy(truth, [None] * 9 + ["fist"]) == 0.25
    assert balanced_accuracy(truth, truth) == 1


def test_a_session_under_test_keeps_its_segments_and_loses_its_labels() -> None:
    session = toy_trials("p1", ("fist", None, "rest"))
    bare = session.unlabelled
    assert len(bare) == 3 and bare.trials == () and set(bare.trial_of) == {-1}
    assert bare.session.spans == (None,) * 3 and set(bare.session.actions) == {None}
    np.testing.assert_array_equal(bare.session.features, session.session.features)


def test_some_trials_can_be_kept() -> None:
    session = toy_trials("p1", ("fist", "rest", None, "point"))
    kept = session.with_trials([2, 0])
    assert kept.trials == ("point", "fist")
    assert kept.trial_of.tolist() == [1, -1, -1, 0]
    assert kept.labels.tolist() == ["fist", "", "", "point"]
    assert [one and one.action for one in kept.session.spans] == ["fist", None, None, "point"]


def test_sessions_go_by_person_and_actions_by_data_set() -> None:
    sessions = [
        toy_trials("p2"),
        toy_trials("p1", ("shrug",), places=("shrug",)),
        toy_trials("p2", ("fist",), dataset="other", missed=("rest",)),
    ]
    assert {person: len(own) for person, own in people_of([*sessions, sessions[0]]).items()} == {
        "other/p2": 1,
        "toy/p1": 1,
        "toy/p2": 2,
    }
    assert actions_by_dataset(sessions) == {
        "toy": ("fist", "open-hand", "point", "rest", "shrug"),
        "other": ("fist", "rest"),
    }


@pytest.mark.parametrize("rate_hz", [100.0, 200.0, 1000.0, 2222.0])
def test_samples_have_one_rate_whatever_the_device(rate_hz: float) -> None:
    found = prepare_trials([record(bursts(rate_hz), rate_hz, spans=(span(1.9, 3.6),))], "toy/p1")
    seconds = np.exp(found.session.channels.scalars[:, 0])
    np.testing.assert_allclose([len(part) / 200 for part in found.samples], seconds, atol=0.03)
