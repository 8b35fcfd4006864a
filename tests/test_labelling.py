"""Labels in an open world: who wins, and what is no action at all."""

from typing import Any

import numpy as np
import pytest
from fakes import FakeModel, unit

from myosem.feedback import Told
from myosem.labelling import Candidates, action_owners, choose, judged_by_name


def test_owner_is_the_phrase_that_means_the_same() -> None:
    actions = np.eye(4, dtype=np.float32)
    phrases = unit(np.array([[1.0, 0.1, 0, 0], [0, 0, 1, 0.7]]))
    # action 1 is nobody's nearest and not close; action 3 is close to phrase 1 but not close enough
    assert action_owners(phrases, actions).tolist() == [0, -1, 1, -1]


def test_a_phrase_that_means_no_action_owns_none() -> None:
    actions = np.eye(4, dtype=np.float32)
    a_dog_barking = unit(np.array([[0.7, 0.6, 0.3, 0.2]]))  # 0.7 from its nearest action
    assert action_owners(a_dog_barking, actions).tolist() == [-1, -1, -1, -1]


def test_choose_counts_an_owned_action_as_its_candidate() -> None:
    candidates = np.array([[0.2, 0.1]], dtype=np.float32)
    actions = np.array([[0.9, 0.5]], dtype=np.float32)
    winners, scores = choose(candidates, actions, np.array([1, -1]), temperature=0.1, threshold=0.0)
    logits = np.exp(np.array([0.2, 0.9, 0.5]) / 0.1)
    assert winners == [1]
    assert scores == pytest.approx([logits[1] / logits.sum()], rel=1e-4)


def test_choose_says_none_below_the_threshold_and_behind_another_action() -> None:
    candidates = np.array([[0.2], [0.6]], dtype=np.float32)
    actions = np.array([[-0.9], [0.9]], dtype=np.float32)
    winners, scores = choose(candidates, actions, np.array([-1]), temperature=0.1, threshold=0.3)
    assert winners == [-1, -1]
    assert scores[1] > 0.9


def fake_model(**said: Any) -> Any:
    """One that knows "fist" by its own vector, and states what it is told to."""
    model: Any = FakeModel()
    model.texts = {"fist": model.action_vectors[1], "a dog barking": unit(np.eye(1, 16, 9))[0]}
    for name, value in said.items():
        setattr(model, name, value)
    return model


def test_a_phrase_about_no_action_gets_no_segment_however_near() -> None:
    model = fake_model(unrelated=("a dog barking",), threshold=0.1)
    among = Candidates(model, ["fist", " a dog barking "])
    near_both = np.stack([model.texts["fist"], model.texts["a dog barking"]])
    assert among.related.tolist() == [True, False]
    winners, scores = among.choose(near_both)
    assert winners == [0, -1]
    assert scores[1] == pytest.approx(1 - 1 / len(model.actions)), "all its scores are 0"
    assert Candidates(fake_model(threshold=0.1), ["fist", "a dog barking"]).choose(near_both)[0] == [0, 1]


def test_where_no_phrase_is_about_an_action_nothing_is_named() -> None:
    model = fake_model(unrelated=("a dog barking",))
    winners, scores = Candidates(model, ["a dog barking"]).choose(model.action_vectors)
    assert winners == [-1] * len(model.actions)
    assert scores == [1.0] * len(model.actions)


def test_an_action_that_nobody_did_is_raised_above_those_that_somebody_did() -> None:
    nearer_to_open = unit(np.array([[0, 0.5, 0.7, *[0] * 13]]))
    model = fake_model(threshold=-1.0)
    assert Candidates(model, ["fist"]).choose(nearer_to_open)[0] == [-1]
    model.known_actions = np.array([True, False, True, True])
    assert Candidates(model, ["fist"]).choose(nearer_to_open)[0] == [0]


def test_one_segment_told_of_each_phrase_turns_round_what_lies_at_the_wrong_words() -> None:
    model = fake_model(unrelated=("clench",), threshold=0.1)
    model.texts |= {"clench": model.action_vectors[1], "open": model.action_vectors[2]}
    noise = np.random.default_rng(0).normal(0, 0.02, (8, 16))
    fists, opens = unit(model.action_vectors[[2]] + noise[:4]), unit(model.action_vectors[[1]] + noise[4:])
    among = Candidates(model, ["clench", "open"])
    untold, _ = among.choose(np.concatenate([fists, opens]))
    told = Told(np.stack([fists[0], opens[0]]), np.array([0, 1]))
    winners, scores = among.choose(np.concatenate([fists, opens]), told)
    assert untold == [1, 1, 1, 1, -1, -1, -1, -1]
    assert winners == [0, 0, 0, 0, 1, 1, 1, 1]
    assert min(scores) > 0.5


def test_a_name_says_what_is_looked_for_and_what_is_not() -> None:
    model = fake_model()
    model.texts = {
        "make a fist": unit(np.array([1.0, 0, 0])),
        "close the hand": unit(np.array([0.9, 0.3, 0])),
        "grip": unit(np.array([0.5, 0.8, 0])),
        "pinch": unit(np.array([0, 1.0, 0])),
        "a red car": unit(np.array([0, 0, 1.0])),
    }
    told = {"one": "close the hand", "two": "pinch", "three": "grip", "four": "a red car"}
    model.unrelated = ("a red car",)
    assert judged_by_name(model, "make a fist", told) == (["one"], ["two", "four"])
    assert judged_by_name(model, "a red car", told) == (["four"], [])
    assert judged_by_name(model, " ", told) == ([], [])
    assert judged_by_name(model, "make a fist", {}) == ([], [])
