"""Neighbours stay neighbours in the plane."""

import numpy as np
from fakes import Vectors, unit

from myosem import neighbour_layout
from myosem.neighbour_layout import kept_neighbours, lay_out, nearest, others_nearest, principal_plane


def groups(count: int = 6, each: int = 40, spread: float = 0.05, seed: int = 0) -> tuple[Vectors, list[int]]:
    """Unit vectors round some centres, and which centre."""
    random = np.random.default_rng(seed)
    centres = unit(random.normal(size=(count, 24)))
    member = np.repeat(np.arange(count), each)
    return unit(centres[member] + spread * random.normal(size=(count * each, 24))), member.tolist()


def test_groups_lie_apart() -> None:
    vectors, member = groups()
    points = lay_out(vectors)
    assert points.shape == (240, 2) and np.abs(points).max() == 1.0
    middles = np.stack([points[np.array(member) == one].mean(axis=0) for one in range(6)])
    own = np.linalg.norm(points[:, None] - middles, axis=2).argmin(axis=1)
    assert (own == member).mean() > 0.98


def test_it_keeps_more_neighbours_than_the_principal_plane() -> None:
    vectors, _ = groups(count=30, each=10, spread=0.15)
    laid = kept_neighbours(vectors, lay_out(vectors))
    assert laid > 1.5 * kept_neighbours(vectors, principal_plane(vectors))


def test_the_same_seed_gives_the_same_points() -> None:
    vectors, _ = groups()
    np.testing.assert_array_equal(lay_out(vectors, seed=3), lay_out(vectors, seed=3))


def test_of_many_the_others_lie_beside_those_nearest_to_them() -> None:
    vectors, member = groups()
    points = lay_out(vectors, most=60)
    middles = np.stack([np.median(points[np.array(member) == one], axis=0) for one in range(6)])
    own = np.linalg.norm(points[:, None] - middles, axis=2).argmin(axis=1)
    assert (own == member).mean() > 0.95


def test_nearest_are_those_of_a_full_comparison() -> None:
    vectors, _ = groups(spread=0.3)
    scores = vectors @ vectors.T
    np.testing.assert_array_equal(nearest(vectors[:5], vectors, 7), np.argsort(-scores[:5], axis=1)[:, :7])
    np.fill_diagonal(scores, -np.inf)
    np.testing.assert_array_equal(others_nearest(vectors, 7), np.argsort(-scores, axis=1)[:, :7])


def test_equal_vectors_are_no_trouble() -> None:
    vectors = np.repeat(unit(np.ones((1, 8))), 30, axis=0)
    assert others_nearest(vectors, 5).shape == (30, 5)
    assert np.isfinite(lay_out(vectors)).all()


def test_a_few_vectors_are_points_too() -> None:
    for count in (1, 2, 3, 4):
        vectors = groups(count=1, each=count)[0]
        assert np.isfinite(lay_out(vectors)).all() and lay_out(vectors).shape == (count, 2)


def test_kept_neighbours_are_counted_as_slowly_as_can_be() -> None:
    vectors, _ = groups(count=2, each=15, spread=0.4)
    points = np.random.default_rng(1).normal(size=(30, 2))
    k, shares = neighbour_layout.NEIGHBOURS, []
    for row in range(30):
        others = [other for other in range(30) if other != row]
        near = sorted(others, key=lambda other: -float(vectors[row] @ vectors[other]))[:k]
        drawn = sorted(others, key=lambda other: float(np.linalg.norm(points[row] - points[other])))[:k]
        shares.append(len(set(near) & set(drawn)) / k)
    assert kept_neighbours(vectors, points) == np.mean(shares)
    flat = vectors[:, :2] / np.linalg.norm(vectors[:, :2], axis=1, keepdims=True)
    assert kept_neighbours(flat, flat.astype(float)) == 1.0
