"""Actions nobody did are read from those somebody did, and the fast arithmetic is the plain one."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from myosem import zero_shot
from myosem.errors import ModelError
from myosem.features import WIDTH
from myosem.prompts.signature import SIGNATURE
from myosem.zero_shot import CONTRACTION, SHRINKAGE, USED, PoseReader, Training

Rows = NDArray[np.float32]

DIRECTIONS = 12
KNOWN = tuple(f"d{number}" for number in range(DIRECTIONS) if number % 4)
NEW = ("d0", "d4", "d8")


def direction(name: str) -> Rows:
    """Signatures on a circle: what lies between two actions, their means say."""
    angle = 2 * np.pi * int(name[1:]) / DIRECTIONS
    signature = np.zeros(SIGNATURE, dtype=np.float32)
    signature[:2] = 1.5 * np.cos(angle), 1.5 * np.sin(angle)
    return signature


SIGNATURES = {name: direction(name) for name in KNOWN}


def rows(names: tuple[str, ...], seed: int = 0, *, mirrored: bool = False, noise: float = 0.3) -> Rows:
    """Segments whose numbers are a fixed linear function of the signature, and noise."""
    plan = np.random.default_rng(99).normal(size=(2, WIDTH))
    if mirrored:
        plan[0] *= -1
    signatures = np.stack([direction(name)[:2] for name in names])
    features = signatures @ plan + noise * np.random.default_rng(seed).normal(size=(len(names), WIDTH))
    features[:, CONTRACTION] = 1
    return features.astype(np.float32)


def training(dataset: str = "straight", *, mirrored: bool = False) -> list[Training]:
    names = KNOWN * 3
    return [(dataset, rows(names, seed, mirrored=mirrored), names) for seed in range(3)]


def best(reader: PoseReader, features: Rows, names: tuple[str, ...], shares: list[float]) -> list[str]:
    words = reader.words(np.stack([direction(name) for name in names]))
    scores = reader.read(features, np.array(shares)) @ words.T
    return [names[number] for number in scores.argmax(axis=1)]


def test_an_action_nobody_did_is_found() -> None:
    reader = PoseReader.fit(training(), SIGNATURES)
    done = (*NEW, *KNOWN)
    features = rows(done, seed=7)
    assert best(reader, features, NEW, [1.0])[: len(NEW)] == list(NEW)
    assert best(reader, features, done, [1.0]) == list(done)


def test_a_segment_is_read_as_in_the_data_set_its_session_resembles() -> None:
    reader = PoseReader.fit([*training(), *training("mirrored", mirrored=True)], SIGNATURES)
    assert reader.datasets == ("mirrored", "straight")
    done = (*NEW, *KNOWN)
    straight, mirrored = rows(done, seed=7), rows(done, seed=7, mirrored=True)
    assert best(reader, straight, done, [0.1, 0.9]) == best(reader, mirrored, done, [0.9, 0.1]) == list(done)
    assert best(reader, straight, done, [1.0, 0.0]) != list(done)


def test_the_order_of_the_shares_can_be_told() -> None:
    sessions = [*training(), *training("mirrored", mirrored=True)]
    usual = PoseReader.fit(sessions, SIGNATURES)
    other = PoseReader.fit(sessions, SIGNATURES, datasets=("straight", "mirrored"))
    features = rows(KNOWN, seed=7)
    assert best(other, features, KNOWN, [0.9, 0.1]) == best(usual, features, KNOWN, [0.1, 0.9]) == list(KNOWN)


def test_parts_multiply_to_the_plain_discriminant() -> None:
    sessions = [*training(), *training("mirrored", mirrored=True)]
    reader = PoseReader.fit(sessions, SIGNATURES)
    features, names = rows(NEW * 4, seed=8), (*NEW, "d1")
    words = reader.words(np.stack([direction(name) for name in names]))
    wanted = plain_scores(sessions, features, names, np.array([0.3, 0.7]))
    scores = reader.read(features, np.array([0.3, 0.7])) @ words.T
    factor = (scores * wanted).sum() / (wanted**2).sum()
    assert factor > 0
    np.testing.assert_allclose(scores, factor * wanted, atol=1e-3 * np.abs(scores).max())


def plain_scores(
    sessions: list[Training], features: Rows, names: tuple[str, ...], shares: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The same one action and one data set at a time: predicted mean, solved with the covariance."""
    datasets = sorted({one[0] for one in sessions})
    spread = np.concatenate([one[1][:, USED] for one in sessions]).std(axis=0)
    numbers = [(one[0], zero_shot._standard(one[1], spread), np.array(one[2])) for one in sessions]
    points = [(dataset, name) for dataset in datasets for name in KNOWN]
    groups = [np.concatenate([x[a == name] for d, x, a in numbers if d == own]) for own, name in points]
    means = np.array([group.mean(axis=0) for group in groups])
    covariance = np.mean([np.cov(group.T, bias=True) for group in groups], axis=0)
    ball = SHRINKAGE * np.trace(covariance) / len(USED) * np.eye(len(USED))
    inverse = np.linalg.inv((1 - SHRINKAGE) * covariance + ball)
    base = {own: means[[d == own for d, _ in points]].mean(axis=0) for own in datasets}
    rest = means - np.array([base[own] for own, _ in points])

    def alike(one: str, other: str) -> float:
        distance = ((direction(one) - direction(other)).astype(np.float64) ** 2).sum()
        return float(np.exp(-distance / (2 * zero_shot.LENGTH_SCALE**2)))

    def kernel(one: tuple[str, str], other: tuple[str, str]) -> float:
        return alike(one[1], other[1]) * (1.0 if one[0] == other[0] else zero_shot.COMMON)

    among = np.array([[kernel(one, other) for other in points] for one in points])
    weights = np.linalg.solve(among + zero_shot.OWN * np.eye(len(points)), rest)
    columns = []
    for name in names:
        expected = [
            base[own] + np.array([kernel((own, name), p) for p in points]) @ weights for own in datasets
        ]
        length = np.sqrt(np.mean([mean @ inverse @ mean for mean in expected]))
        mean = shares @ np.array(expected)
        columns.append(zero_shot._standard(features, spread) @ inverse @ mean / length)
    return np.array(columns).T


def test_lengths_are_one() -> None:
    sessions = training()
    reader = PoseReader.fit(sessions, SIGNATURES)
    lengths = np.linalg.norm(np.concatenate([reader.read(one[1], np.ones(1)) for one in sessions]), axis=1)
    assert np.median(lengths) == pytest.approx(1, abs=1e-4)
    words = reader.words(np.stack([direction(name) for name in NEW]))
    np.testing.assert_allclose(np.linalg.norm(words, axis=1), 1, atol=1e-6)


def test_rest_does_not_move_the_contractions() -> None:
    reader = PoseReader.fit(training(), SIGNATURES)
    features = rows(NEW * 4, seed=7)
    rest = np.zeros((10, WIDTH), dtype=np.float32)
    alone, beside = (reader.read(one, np.ones(1)) for one in (features, np.concatenate([features, rest])))
    words = reader.words(np.stack([direction(name) for name in NEW]))
    assert (alone @ words.T).argmax(axis=1).tolist() == (beside[:12] @ words.T).argmax(axis=1).tolist()
    assert np.corrcoef(alone.ravel(), beside[:12].ravel())[0, 1] > 0.95


def test_order_does_not_matter() -> None:
    sessions, features = training(), rows(NEW * 4, seed=7)
    one, other = PoseReader.fit(sessions, SIGNATURES), PoseReader.fit(sessions[::-1], SIGNATURES)
    words = np.stack([direction(name) for name in NEW])
    expected = one.read(features, np.ones(1)) @ one.words(words).T
    np.testing.assert_allclose(other.read(features, np.ones(1)) @ other.words(words).T, expected, atol=1e-4)
    np.testing.assert_allclose(
        one.read(features[::-1], np.ones(1)) @ one.words(words).T, expected[::-1], atol=1e-4
    )


def test_segments_without_a_known_action_count_for_nothing_but_scale() -> None:
    sessions = training()
    hidden = [(d, x, tuple(None if a == "d1" else a for a in actions)) for d, x, actions in sessions]
    fewer = {name: own for name, own in SIGNATURES.items() if name != "d1"}
    one, other = PoseReader.fit(hidden, SIGNATURES), PoseReader.fit(sessions, fewer)
    np.testing.assert_array_equal(one.signatures, other.signatures)
    np.testing.assert_array_equal(one.from_numbers, other.from_numbers)


def test_what_was_done_is_not_new() -> None:
    reader = PoseReader.fit(training(), SIGNATURES)
    far = np.full(SIGNATURE, 9.0)
    novelty = reader.novelty(np.stack([direction("d1"), direction("d0"), far]))
    assert novelty[0] == pytest.approx(0, abs=1e-9) and novelty[2] == pytest.approx(1, abs=1e-9)
    assert 0 < novelty[1] < 0.5


def test_few_parts_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zero_shot, "PARTS", 5)
    reader, done = PoseReader.fit(training(), SIGNATURES), (*NEW, *KNOWN)
    assert reader.from_words.shape == (len(KNOWN) + 1, 5)
    assert best(reader, rows(done, seed=7), done, [1.0]) == list(done)


def test_arrays_come_back_from_a_file(tmp_path: Path) -> None:
    reader = PoseReader.fit([*training(), *training("mirrored", mirrored=True)], SIGNATURES)
    np.savez_compressed(tmp_path / "reader.npz", **reader.arrays())  # type: ignore[arg-type]
    with np.load(tmp_path / "reader.npz", allow_pickle=False) as stored:
        again = PoseReader.of(dict(stored))
    features, words, shares = (
        rows(NEW * 4, seed=7),
        np.stack([direction(n) for n in NEW]),
        np.array([0.2, 0.8]),
    )
    assert again.datasets == reader.datasets
    np.testing.assert_allclose(again.read(features, shares), reader.read(features, shares), atol=1e-5)
    np.testing.assert_allclose(again.words(words), reader.words(words), atol=1e-5)


def test_no_segments_and_one_segment_are_read() -> None:
    reader = PoseReader.fit(training(), SIGNATURES)
    assert reader.read(np.zeros((0, WIDTH), dtype=np.float32), np.ones(1)).shape == (
        0,
        reader.from_words.shape[1],
    )
    assert np.isfinite(reader.read(rows(("d0",)), np.ones(1))).all()
    assert reader.words(np.zeros((0, SIGNATURE))).shape == (0, reader.from_words.shape[1])


@pytest.mark.parametrize(
    ("sessions", "signatures", "datasets"),
    [
        ([], SIGNATURES, None),
        (training(), {}, None),
        (training(), SIGNATURES, ("another",)),
        (training(), SIGNATURES, ("straight", "another")),
    ],
)
def test_what_cannot_be_learned_from_is_named(
    sessions: list[Training], signatures: dict[str, Rows], datasets: tuple[str, ...] | None
) -> None:
    with pytest.raises(ModelError, match="cannot be learned"):
        PoseReader.fit(sessions, signatures, datasets)


def test_neighbours_on_the_circle_are_nearer_than_opposites() -> None:
    reader = PoseReader.fit(training(), SIGNATURES)
    words = reader.words(np.stack([direction(f"d{number}") for number in range(DIRECTIONS)]))
    likeness = words @ words.T
    assert all(likeness[one, other] > 0 > likeness[one, (one + 6) % 12] for one, other in pairwise(range(12)))
