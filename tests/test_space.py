"""One space of what was done, in which pose, and how hard."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from myosem.encoder import TextHead
from myosem.features import READ, WIDTH
from myosem.prompts.signature import SIGNATURE
from myosem.readings import FAINT, Readings
from myosem.space import (
    BEYOND,
    EFFORT,
    FAMILIAR,
    NEW_ENTRY_POSE,
    NEW_POSE,
    POSE,
    STRANGE,
    join_emg,
    session_effort,
)
from myosem.word_space import WordSpace
from myosem.zero_shot import PoseReader

TOWER, DONE = 24, 8
GENERATOR = np.random.default_rng(0)


def units(count: int, width: int) -> NDArray[np.float64]:
    rows = GENERATOR.normal(size=(count, width))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def readings() -> Readings:
    sizes = {"signature": SIGNATURE, "related": 1, "effort": 2}
    weights = {name: GENERATOR.normal(size=(TOWER, size)).astype(np.float32) for name, size in sizes.items()}
    biases = {name: GENERATOR.normal(size=size).astype(np.float32) for name, size in sizes.items()}
    return Readings(weights, biases)


def pose_reader() -> PoseReader:
    signatures = {action: GENERATOR.normal(size=SIGNATURE).astype(np.float32) for action in ("a", "b", "c")}
    features = GENERATOR.normal(size=(30, WIDTH)).astype(np.float32)
    features[:, READ - 1] = 1
    return PoseReader.fit([("one", features, ["a", "b", "c"] * 10)], signatures)


def test_emg_has_length_one_whatever_the_parts() -> None:
    joined = join_emg(units(5, DONE), 3 * GENERATOR.normal(size=(5, 4)), np.array([-1, -0.5, 0, 0.2, 1.0]))
    assert joined.shape == (5, DONE + 4 + BEYOND)
    np.testing.assert_allclose(np.linalg.norm(joined, axis=1), 1, atol=1e-6)


def test_each_part_has_its_share() -> None:
    [row] = join_emg(units(1, DONE), 0.5 * units(1, 4), np.zeros(1))
    assert np.sum(row[:DONE] ** 2) == pytest.approx(1 - POSE - EFFORT, abs=1e-6)
    assert np.sum(row[DONE : DONE + 4] ** 2) == pytest.approx(POSE / 4, abs=1e-6)


def test_a_pose_that_is_clearer_than_clear_counts_as_clear() -> None:
    pose = units(1, 4)
    np.testing.assert_allclose(
        join_emg(np.ones((1, 1)), 9 * pose, np.zeros(1)),
        join_emg(np.ones((1, 1)), pose, np.zeros(1)),
        atol=1e-6,
    )


@pytest.mark.parametrize(("said", "best"), [((-1, 0.5), -1.0), ((0, -1), 0.0), ((1, 0.5), 1.0)])
def test_words_for_effort_fit_segments_of_that_effort_best(said: tuple[float, float], best: float) -> None:
    efforts = np.linspace(-1, 1, 21)
    joined = join_emg(np.ones((21, 1)), np.zeros((21, 0)), efforts)
    assert efforts[(joined[:, 1:3] @ np.array(said)).argmax()] == pytest.approx(best, abs=1e-9)


def test_effort_is_what_lies_above_the_usual_for_the_action() -> None:
    level = np.array([1.0, 3.0, 5.0, 7.0, 0.0])
    expected = np.array([2.0, 2.0, 6.0, 6.0, 0.0])
    contraction = np.array([True, True, True, True, False])
    effort = session_effort(level, expected, contraction)
    np.testing.assert_allclose(effort, [-0.8, 0.8, -0.8, 0.8, 0], atol=1e-9)


def test_contractions_of_one_effort_have_none_to_speak_of() -> None:
    level = 2 + 0.01 * GENERATOR.normal(size=20)
    assert np.abs(session_effort(level, np.full(20, 2.0), np.ones(20, dtype=bool))).max() < 0.15


def test_words_are_the_parts_one_after_the_other() -> None:
    read, pose = readings(), pose_reader()
    head = TextHead(TOWER, DONE, 3).eval()
    vectors = units(6, TOWER).astype(np.float32)
    vectors[0] = -np.linalg.lstsq(read.weights["effort"].T, read.biases["effort"], rcond=None)[
        0
    ]  # says nothing
    with torch.no_grad():
        got = WordSpace(head, read, pose).eval()(torch.from_numpy(vectors)).numpy()
        done = head(torch.from_numpy(vectors)).numpy()
    said = read.effort(vectors)
    assert not said[0].any() and np.abs(said[1:]).max() > FAINT
    novelty = pose.novelty(read.signature(vectors))
    share = POSE + (NEW_POSE - POSE) * np.clip((novelty - FAMILIAR) / (STRANGE - FAMILIAR), 0, 1)[:, None]
    parts = [np.sqrt(1 - share) * done, np.sqrt(share) * pose.words(read.signature(vectors))]
    slow = np.concatenate([*parts, np.sqrt(EFFORT) * said, np.zeros((6, 1))], axis=1)
    slow /= np.linalg.norm(slow, axis=1, keepdims=True)
    np.testing.assert_allclose(got, slow, atol=1e-5)


def test_without_poses_words_still_meet_emg() -> None:
    head = TextHead(TOWER, DONE, 3).eval()
    with torch.no_grad():
        words = WordSpace(head, Readings.silent(TOWER), None)(torch.from_numpy(units(2, TOWER)).float())
    assert words.shape == (2, DONE + BEYOND) == join_emg(units(2, DONE), np.zeros((2, 0)), np.zeros(2)).shape


def test_an_action_is_asked_by_all_its_texts_and_its_own_pose() -> None:
    read, pose = readings(), pose_reader()
    head = TextHead(TOWER, DONE, 3).eval()
    words = WordSpace(head, read, pose).eval()
    vectors = torch.from_numpy(units(7, TOWER)).float()
    further = 1.5 * units(1, SIGNATURE)[0]
    with torch.no_grad():
        [known] = words.entry(vectors, torch.from_numpy(pose.signatures[0]).float()).numpy()
        [strange] = words.entry(vectors, torch.from_numpy(pose.signatures[0] + further).float()).numpy()
        done = head(vectors).numpy().mean(axis=0)
    done /= np.linalg.norm(done)
    np.testing.assert_allclose(known[:DONE], np.sqrt(1 - POSE) * done, atol=1e-5)
    np.testing.assert_allclose(strange[:DONE], np.sqrt(1 - NEW_ENTRY_POSE) * done, atol=1e-5)
    own = np.sqrt(POSE) * pose.words(pose.signatures[:1])[0]
    np.testing.assert_allclose(known[DONE:-BEYOND], own, atol=1e-5)
    assert not known[-BEYOND:].any()
