"""A session's vectors move towards the words for what was probably done, and the adapter's file is safe."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from toys import ACTIONS, toy_adapter, toy_session

from myosem import session_adapter
from myosem.errors import ModelError
from myosem.features import READ, turned
from myosem.prompts.signature import SIGNATURE
from myosem.session_adapter import LEVEL, Gate, SessionAdapter
from myosem.space import BEYOND, EFFORT_NUMBERS, POSE
from myosem.zero_shot import CONTRACTION, PoseReader

Features = NDArray[np.float32]

DIMENSION = 12


def session(count: int = 16, seed: int = 50, noise: float = 3.0) -> Features:
    actions = ACTIONS * (count // len(ACTIONS) + 1)
    return toy_session("stranger", actions, seed=seed, noise=noise).features[:count]


def units(count: int, seed: int = 0) -> Features:
    rows = np.random.default_rng(seed).normal(size=(count, DIMENSION))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def done(vectors: Features) -> Features:
    """The part that says what was done, at length one."""
    part = vectors[:, :DIMENSION]
    return np.asarray(part / np.linalg.norm(part, axis=1, keepdims=True), dtype=np.float32)


# Vectors.


def test_vectors_move_towards_the_words_for_what_was_probably_done() -> None:
    adapter, features, vectors = toy_adapter(DIMENSION), session(noise=0.3), units(16)
    moved = adapter.vectors(features, vectors)
    assert moved.dtype == np.float32 and moved.shape == (16, DIMENSION + BEYOND)
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), 1, atol=1e-6)
    wanted = vectors.astype(np.float64)
    for share, known, words in zip([0.75, 0.25], adapter.statistics, adapter.anchors, strict=True):
        wanted += 0.5 * adapter_share(share) * np.exp(known.log_posterior(features, vectors, words)) @ words
    np.testing.assert_allclose(done(moved), wanted / np.linalg.norm(wanted, axis=1, keepdims=True), atol=1e-6)


def adapter_share(share: float) -> float:
    """What the toy gate makes of odds of 3 to 1."""
    odds = float(3.0 ** (1 / session_adapter.GATE_SOFTNESS))
    return odds / (1 + odds) if share > 0.5 else 1 / (1 + odds)


def test_a_data_set_the_session_does_not_resemble_says_nothing() -> None:
    adapter, features, vectors = toy_adapter(DIMENSION), session(), units(16)
    sure = replace(adapter, gate=replace(adapter.gate, bias=np.array([100.0, 0.0])))
    other = replace(sure, anchors=(sure.anchors[0], -sure.anchors[1]))
    np.testing.assert_array_equal(sure.vectors(features, vectors), other.vectors(features, vectors))
    assert not np.allclose(sure.vectors(features, vectors), adapter.vectors(features, vectors), atol=1e-3)


def test_no_segments_and_no_data_sets_move_nothing() -> None:
    adapter, features = toy_adapter(DIMENSION), session()
    assert adapter.vectors(features[:0], units(0)).shape == (0, DIMENSION + BEYOND)
    empty = SessionAdapter(adapter.gate, (), ())
    np.testing.assert_allclose(done(empty.vectors(features, units(16))), units(16), atol=1e-6)


def test_what_a_session_taught_reads_its_segments_as_the_session_does() -> None:
    adapter, features, vectors = toy_adapter(DIMENSION), session(), units(16)
    adapted = adapter.adapted(features, vectors)
    np.testing.assert_array_equal(
        adapter.vectors(features, vectors, adapted), adapter.vectors(features, vectors)
    )
    assert adapted.turn == 0 and adapted.shares.sum() == pytest.approx(1)


def test_a_further_segment_is_read_by_what_was_taught_and_teaches_nothing() -> None:
    adapter, features, vectors = toy_adapter(DIMENSION), session(24), units(24)
    adapted = adapter.adapted(features[:16], vectors[:16])
    alone = adapter.vectors(features[:20], vectors[:20], adapted)
    among = adapter.vectors(features, vectors, adapted)
    np.testing.assert_allclose(done(alone), done(among)[:20], atol=1e-6)
    assert not np.allclose(done(alone), done(adapter.vectors(features, vectors))[:20], atol=1e-6)


def test_features_are_turned_as_far_as_asked() -> None:
    adapter, features = toy_adapter(DIMENSION), session()
    np.testing.assert_array_equal(adapter.straightened(features, 0.0), features)
    np.testing.assert_allclose(adapter.straightened(features, np.pi), turned(features, np.pi))


def test_a_pose_stands_behind_what_was_done(tmp_path: Path) -> None:
    known = [(name, session(seed=number), ACTIONS * 4) for number, name in enumerate(("one", "two"))]
    signatures = {action: np.eye(4, SIGNATURE, dtype=np.float32)[row] for row, action in enumerate(ACTIONS)}
    adapter = replace(toy_adapter(DIMENSION), pose=PoseReader.fit(known, signatures, ("one", "two")))
    assert adapter.pose is not None
    features, encoded = session(), units(16)
    pose = adapter.vectors(features, encoded)[:, DIMENSION:-BEYOND]
    read = adapter.pose.read(features, adapter.gate(features))
    read = read / np.maximum(np.linalg.norm(read, axis=1, keepdims=True), 1)
    np.testing.assert_allclose(pose, np.sqrt(POSE) * read, atol=1e-5)
    adapter.save(tmp_path / "adapter.npz")
    again = SessionAdapter.load(tmp_path / "adapter.npz")
    np.testing.assert_allclose(
        again.vectors(features, encoded), adapter.vectors(features, encoded), atol=1e-3
    )


def test_a_louder_segment_of_an_action_was_harder() -> None:
    adapter, features = toy_adapter(DIMENSION), session(noise=0.3)
    features[:, CONTRACTION] = 1
    features[:, LEVEL] = np.tile(
        [0.0, 2.0], (8, 1)
    ).T.ravel()  # the first half of each action's segments is light
    effort = adapter.vectors(features, units(16))[:, -BEYOND : -BEYOND + EFFORT_NUMBERS][:, 0]
    assert (effort[:8] < 0).all() and (effort[8:] > 0).all()


@pytest.mark.parametrize("count", [1, 2, 16])
def test_vectors_are_finite_and_of_length_one(count: int) -> None:
    moved = toy_adapter(DIMENSION).vectors(session(count), units(count))
    assert moved.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("loudness", [1.0, 1e6])
def test_shares_of_the_gate_add_up_to_one(loudness: float) -> None:
    generator = np.random.default_rng(0)
    gate = Gate(
        generator.normal(size=READ),
        generator.uniform(0.5, 2, size=READ),
        generator.normal(size=(2 * READ, 5)),
        generator.normal(size=5),
    )
    shares = gate(session() * np.float32(loudness))
    assert shares.shape == (5,) and (shares >= 0).all() and shares.sum() == pytest.approx(1)
    one = ((session(1)[0, :READ] - gate.center) / gate.scale).clip(-8, 8)
    np.testing.assert_allclose(gate.statistics(session(1)), [*one, *np.zeros(READ)])


# Files.


def test_an_adapter_comes_back_from_its_file(tmp_path: Path) -> None:
    adapter, features, vectors = toy_adapter(DIMENSION), session(), units(16)
    adapter.save(tmp_path / "adapter.npz")
    again = SessionAdapter.load(tmp_path / "adapter.npz")
    np.testing.assert_allclose(
        again.vectors(features, vectors), adapter.vectors(features, vectors), atol=1e-4
    )
    for one, other in zip(again.statistics, adapter.statistics, strict=True):
        same = (other.dataset, other.actions, other.people, other.context)
        assert (one.dataset, one.actions, one.people, one.context) == same
        np.testing.assert_array_equal(one.angles, other.angles)
        assert [part.dtype for part in (*one.mean, *one.covariance)] == [np.float64] * 6


def test_no_context_is_kept(tmp_path: Path) -> None:
    adapter = toy_adapter(DIMENSION)
    alone = tuple(replace(one, context=False) for one in adapter.statistics)
    replace(adapter, statistics=alone).save(tmp_path / "adapter.npz")
    assert [one.context for one in SessionAdapter.load(tmp_path / "adapter.npz").statistics] == [False] * 2


def test_an_adapter_without_data_sets_comes_back(tmp_path: Path) -> None:
    empty = SessionAdapter(Gate(np.zeros(3), np.ones(3), np.zeros((6, 0)), np.zeros(0)), (), ())
    empty.save(tmp_path / "adapter.npz")
    assert SessionAdapter.load(tmp_path / "adapter.npz").statistics == ()


def test_the_same_adapter_is_the_same_file(tmp_path: Path) -> None:
    for name in ("one", "two"):
        toy_adapter(DIMENSION).save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def refused(file: Path) -> None:
    with pytest.raises(ModelError, match=f"{file.name} cannot be loaded; .*myosem export"):
        SessionAdapter.load(file)


def test_what_is_no_adapter_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "adapter.npz"
    refused(file)
    toy_adapter(DIMENSION).save(file)
    whole = file.read_bytes()
    middle = len(whole) // 2
    for content in (b"", b"nonsense", whole[:middle], whole[:middle] + b"\0" * 99 + whole[middle + 99 :]):
        file.write_bytes(content)
        refused(file)


def test_a_missing_number_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "adapter.npz"
    toy_adapter(DIMENSION).save(file)
    with np.load(file) as stored:
        arrays = dict(stored)
    for name in ("gate.bias", "0.dataset", "1.anchors", "1.angles"):
        np.savez(file, **{key: value for key, value in arrays.items() if key != name})
        refused(file)


def test_nothing_is_ever_unpickled(tmp_path: Path) -> None:
    file = tmp_path / "adapter.npz"
    toy_adapter(DIMENSION).save(file)
    with np.load(file) as stored:
        arrays = dict(stored)
    for value in (np.array([{"a": 1}, None], dtype=object), np.array(None, dtype=object)):
        np.savez(file, **{**arrays, "0.actions": value})
        refused(file)
    np.save(tmp_path / "one.npy", arrays["gate.bias"])
    (tmp_path / "one.npy").rename(file)
    refused(file)
