"""Scores are right on people never seen, and a training person's own never saw that person."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from myosem.discriminants import Example, fit_discriminants, fit_gate
from myosem.features import READ
from myosem.session_adapter import Gate

ACTIONS = (2, 5, 7, 9)
SCALE = np.zeros(READ, np.float32), np.ones(READ, np.float32)


def example(person: str, dataset: int = 0, actions: Sequence[int] = ACTIONS, seed: int = 0) -> Example:
    """A session of 24 segments: each action has a place, each data set a level."""
    generator = np.random.default_rng([seed, dataset, *person.encode()])
    action = np.array([actions[i % len(actions)] for i in range(24)])
    places = np.random.default_rng(3).normal(size=(10, READ))
    own = places[action] + 0.5 * generator.normal(size=(24, READ))
    fixed = 0.3 * np.random.default_rng(dataset).normal(size=READ) + 0.5 * generator.normal(size=(24, READ))
    return Example(dataset, person, fixed.astype(np.float32), own.astype(np.float32), action)


def people(count: int, dataset: int = 0, actions: Sequence[int] = ACTIONS) -> list[Example]:
    return [example(f"p{number}", dataset, actions, seed=number) for number in range(count)]


def test_scores_are_highest_for_the_right_action_of_people_never_seen() -> None:
    discriminants, _ = fit_discriminants(people(6))
    assert discriminants.action.tolist() == list(ACTIONS) and discriminants.dataset.tolist() == [0] * 4
    stranger = example("stranger", seed=50)
    scores = stranger.own @ discriminants.weight + discriminants.bias
    np.testing.assert_array_equal(discriminants.action[scores.argmax(axis=1)], stranger.action)


def test_every_data_set_has_scores_for_its_own_actions() -> None:
    discriminants, scores = fit_discriminants([*people(4), *people(4, dataset=2, actions=(1, 2, 3))])
    assert discriminants.dataset.tolist() == [0] * 4 + [2] * 3
    assert discriminants.action.tolist() == [2, 5, 7, 9, 1, 2, 3]
    assert discriminants.weight.shape == (READ, 7) and {one.shape for one in scores} == {(24, 7)}


def test_the_scores_of_a_training_person_do_not_depend_on_their_answers() -> None:
    examples = [*people(5), *people(4, dataset=1)]
    examples.insert(3, example("p0", seed=70))
    _, before = fit_discriminants(examples)
    told = [
        replace(one, action=np.roll(one.action, 1)) if (one.dataset, one.person) == (0, "p0") else one
        for one in examples
    ]
    _, after = fit_discriminants(told)
    for one, first, second in zip(examples, before, after, strict=True):
        unmoved = one.dataset == 0 and one.person in ("p0", "p4")  # the two are left out together
        assert np.array_equal(first[:, :4], second[:, :4]) == unmoved
        np.testing.assert_array_equal(first[:, 4:], second[:, 4:])


def test_other_data_sets_score_a_session_with_everybody_they_know() -> None:
    examples = [*people(4), *people(4, dataset=1)]
    discriminants, scores = fit_discriminants(examples)
    full = examples[5].own @ discriminants.weight + discriminants.bias
    np.testing.assert_allclose(scores[5][:, :4], full[:, :4], rtol=1e-5)
    assert not np.allclose(scores[5][:, 4:], full[:, 4:], atol=1e-3)


def test_segments_of_unknown_action_teach_nothing() -> None:
    examples = people(4)
    strange = replace(example("x", seed=9), action=np.full(24, -1))
    alone, _ = fit_discriminants(examples)
    beside, _ = fit_discriminants([*examples, strange])
    np.testing.assert_allclose(beside.weight, alone.weight)


@pytest.mark.parametrize("count", [1, 2])
def test_too_little_to_tell_apart_says_nothing(count: int) -> None:
    discriminants, scores = fit_discriminants(people(3, actions=ACTIONS[:count]))
    assert not discriminants.weight.any() and not discriminants.bias.any()
    assert all(not one.any() for one in scores)


def test_the_only_person_of_a_data_set_has_no_unseen_scores() -> None:
    discriminants, [scores] = fit_discriminants(people(1))
    assert discriminants.weight.any() and not scores.any()


def fitted_gate(examples: Sequence[Example], seed: int = 0) -> Gate:
    features = [one.fixed for one in examples]
    return fit_gate(features, [one.dataset for one in examples], *SCALE, seed)


def nearest(examples: Sequence[Example], session: Example) -> int:
    return int(fitted_gate(examples)(session.fixed).argmax())


def test_the_gate_knows_the_data_set_of_a_session_never_seen() -> None:
    examples = [one for dataset in range(3) for one in people(5, dataset)]
    for dataset in range(3):
        assert nearest(examples, example("stranger", dataset, seed=50)) == dataset


def test_a_large_data_set_is_no_likelier_than_a_small_one() -> None:
    examples = [*people(20), *people(3, 1), *people(3, 2)]
    for dataset in range(3):
        assert nearest(examples, example("stranger", dataset, seed=50)) == dataset


def test_the_gate_knows_the_data_set_by_a_few_segments() -> None:
    gate = fitted_gate([one for dataset in range(3) for one in people(5, dataset)])
    for dataset in range(3):
        assert gate(example("stranger", dataset, seed=50).fixed[:3]).argmax() == dataset


def test_the_gate_is_the_same_for_the_same_seed_and_open_for_fewer_than_three_data_sets() -> None:
    examples = [one for dataset in range(3) for one in people(3, dataset)]
    np.testing.assert_array_equal(fitted_gate(examples, 1).weight, fitted_gate(examples, 1).weight)
    assert not np.array_equal(fitted_gate(examples, 1).weight, fitted_gate(examples, 2).weight)
    few = fitted_gate([*people(3), *people(3, 1)])
    np.testing.assert_array_equal(few(examples[0].fixed), [0.5, 0.5])


def test_a_session_without_segments_does_not_shape_the_gate() -> None:
    examples = [one for dataset in range(3) for one in people(3, dataset)]
    silent = replace(examples[0], fixed=examples[0].fixed[:0])
    np.testing.assert_array_equal(fitted_gate([*examples, silent]).weight, fitted_gate(examples).weight)


def test_a_gate_of_nothing_has_no_shares() -> None:
    assert fitted_gate([]).bias.shape == (0,)
