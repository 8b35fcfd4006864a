"""What the pictures of people never seen are made of: a balanced choice, and shares of answers."""

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from trial_toys import noisy_trials, toy_trials

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import draw_space as benchmark

ACTIONS = ("fist", "open-hand", "point")


def test_turns_are_taken_until_nobody_has_anything_left() -> None:
    assert list(benchmark.by_turns([[1, 2, 3], [], [4]])) == [1, 4, 2, 3]


def test_actions_and_within_them_people_count_alike() -> None:
    actions = ["fist"] * 90 + ["point"] * 10
    people = ["a"] * 80 + ["b"] * 10 + ["a"] * 5 + ["b"] * 5
    chosen = benchmark.balanced(actions, people, 16)
    assert len(set(chosen.tolist())) == 16
    assert Counter((actions[n], people[n]) for n in chosen) == {
        (action, person): 4 for action in ("fist", "point") for person in "ab"
    }
    other = benchmark.balanced(actions, people, 16, seed=1)
    assert sorted(other) != sorted(chosen)
    assert sorted(benchmark.balanced(actions, people, 1000)) == list(range(100))


def slow_confusion(done: list[str], answered: list[str]) -> list[list[float]]:
    table = []
    for row in ACTIONS:
        own = [answer for truth, answer in zip(done, answered, strict=True) if truth == row]
        table.append([own.count(column) / len(own) if own else float("nan") for column in ACTIONS])
    return table


@pytest.mark.parametrize("seed", range(3))
def test_a_confusion_is_what_counting_gives(seed: int) -> None:
    generator = np.random.default_rng(seed)
    done = generator.choice(ACTIONS[: seed + 1], 40).tolist()
    answered = generator.choice(ACTIONS, 40).tolist()
    np.testing.assert_allclose(benchmark.confusion(done, answered, ACTIONS), slow_confusion(done, answered))


def test_the_mean_of_a_row_is_over_those_who_did_it() -> None:
    both = benchmark.confusion(["fist", "point"], ["fist", "fist"], ACTIONS)
    one = benchmark.confusion(["fist", "fist"], ["fist", "point"], ACTIONS)
    rows = np.array([[0.75, 0, 0.25], [np.nan] * 3, [1, 0, 0]])
    np.testing.assert_allclose(benchmark.mean_confusion([both, one]), rows)


def test_a_pool_holds_labelled_segments_and_finds_them_again() -> None:
    sessions = [noisy_trials("p"), noisy_trials("q", seed=1)]
    pool = benchmark.Pool.of(sessions, lambda one: one.session.features)
    labels = np.concatenate([one.labels for one in sessions])
    assert pool.actions.tolist() == labels[labels != ""].tolist() and len(pool.actions) == len(pool.people)
    for place in (0, len(pool.row) - 1):
        owner, segment = pool.owner(place), pool.segment(place)
        span = owner.session.spans[pool.row[place]]
        assert span is not None and span.action == pool.actions[place]
        assert span.start_s < (segment.start_s + segment.end_s) / 2 < span.end_s
    np.testing.assert_array_equal(pool.vectors[0], sessions[0].session.features[pool.row[0]])


def test_segments_without_a_label_are_in_no_pool() -> None:
    one = toy_trials("p", ("fist", None, "point"))
    pool = benchmark.Pool.of([one], lambda own: own.session.features)
    assert pool.row.tolist() == [0, 2] and pool.actions.tolist() == ["fist", "point"]


def test_a_row_is_chosen_by_how_loud_it_is_among_those_asked() -> None:
    level = np.array([5.0, 1.0, 9.0, 3.0, 100.0], dtype=np.float32)
    assert benchmark.at_level(np.array([0, 1, 2]), level) == 0
    assert benchmark.at_level(np.array([0, 1, 2, 3]), level, 0.9) == 2


def test_a_shrunk_picture_looks_the_same(tmp_path: Path) -> None:
    path = tmp_path / "one.png"
    shares = np.random.default_rng(0).random((200, 200, 1))
    image = (255 * (1 - shares * np.array([0.9, 0.4, 0.3]))).astype(np.uint8)  # from white to one hue
    Image.fromarray(image).save(path)
    before = path.stat().st_size
    with Image.open(benchmark.shrunk(path)) as after:
        seen = np.asarray(after.convert("RGB")).astype(int)
    assert path.stat().st_size < 0.5 * before and np.abs(seen - image).mean() < 2
