"""Centres found and assigned in two steps are about as good as by comparing everything."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from myosem.index.centres import NearestCentre, cells_for, centres_of, k_means, shares

DIMENSION, COUNT = 16, 64


def clustered(count: int, seed: int) -> NDArray[np.float32]:
    """Unit vectors round twenty anchors."""
    random = np.random.default_rng(seed)
    anchors = np.random.default_rng(0).normal(size=(20, DIMENSION))
    vectors = anchors[random.integers(20, size=count)] + 0.5 * random.normal(size=(count, DIMENSION))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def closeness(vectors: NDArray[np.float32], centres: NDArray[np.float32]) -> float:
    """Mean cosine of vectors and the centre nearest to each."""
    return float((vectors @ centres.T).max(axis=1).mean())


def test_centres_lie_as_near_as_those_of_plain_k_means() -> None:
    vectors = clustered(4000, seed=1)
    centres = centres_of(vectors, COUNT)
    plain = k_means(vectors, COUNT).reconstruct_n(0, COUNT)
    random = vectors[:COUNT]
    assert centres.shape == (COUNT, DIMENSION)
    np.testing.assert_allclose(np.linalg.norm(centres, axis=1), 1, atol=1e-5)
    gain, plain_gain = (closeness(vectors, one) - closeness(vectors, random) for one in (centres, plain))
    assert gain > 0.9 * plain_gain > 0


def test_the_same_vectors_give_the_same_centres() -> None:
    vectors = clustered(500, seed=1)
    assert (centres_of(vectors, COUNT) == centres_of(vectors, COUNT)).all()


@pytest.mark.parametrize("count", [1, 2, 3, 31, 100])
def test_as_many_centres_as_asked_for_even_of_equal_vectors(count: int) -> None:
    some = np.repeat(clustered(10, seed=2), 10, axis=0)
    centres = centres_of(some, count)
    assert centres.shape == (count, DIMENSION)
    assert np.isfinite(centres).all()
    assert set(NearestCentre(centres).of(some).tolist()) <= set(range(count))


def test_the_centre_found_is_nearly_always_the_nearest() -> None:
    centres, vectors = centres_of(clustered(4000, seed=1), COUNT), clustered(1000, seed=3)
    found = NearestCentre(centres).of(vectors)
    scores = vectors @ centres.T
    best = scores.argmax(axis=1)
    assert np.mean(found == best) > 0.95
    assert closeness(vectors, centres) - scores[np.arange(len(found)), found].mean() < 0.005


@given(st.lists(st.integers(0, 1000), min_size=1).filter(any), st.data())
def test_shares_are_proportional_to_the_last_one(sizes: list[int], data: st.DataObject) -> None:
    count = data.draw(st.integers(1, sum(sizes)))
    own = shares(np.array(sizes), count)
    assert own.sum() == count
    assert (own <= sizes).all()
    assert (np.abs(own - np.array(sizes) * count / sum(sizes)) < 1).all()


def test_cells_are_about_the_root() -> None:
    assert [cells_for(count) for count in (1, 4, 256, 4096, 16384)] == [1, 2, 16, 64, 128]
