"""Many vectors as points in the plane, so that neighbours stay neighbours.

The principal plane is where it starts. Then every point is drawn to its nearest neighbours and pushed away
from points chosen at random, as in UMAP (McInnes 2018) with its gentlest kernel, all points at once. Of very
many points some are laid out, and the others are put where those nearest to them are.
"""

import numpy as np
from numpy.typing import NDArray

NEIGHBOURS = 15
ROUNDS, STEP = 300, 0.5
STRANGERS = 5
FARTHEST = 4.0
"""How far a point is pushed by another in one round, at most."""
LAID_OUT = 20_000
BESIDE = 3
JUDGED = 2000

Vectors = NDArray[np.float32]
Points = NDArray[np.float64]


def lay_out(vectors: Vectors, seed: int = 0, most: int = LAID_OUT) -> Points:
    """Points ``(N, 2)`` within -1 and 1 for unit vectors ``(N, D)``.

    Args:
        vectors: compared by inner product.
        seed: of what is random; the same vectors and seed give the same points.
        most: how many are laid out; each of the others lies at the mean of those nearest to it.
    """
    if len(vectors) <= most:
        return _scaled(_spread(vectors, np.random.default_rng(seed)))
    random = np.random.default_rng(seed)
    chosen = np.sort(random.choice(len(vectors), most, replace=False))
    others = np.setdiff1d(np.arange(len(vectors)), chosen)
    points = np.zeros((len(vectors), 2))
    points[chosen] = _spread(np.ascontiguousarray(vectors[chosen]), random)
    beside = nearest(np.ascontiguousarray(vectors[others]), np.ascontiguousarray(vectors[chosen]), BESIDE)
    points[others] = points[chosen][beside].mean(axis=1)
    return _scaled(points)


def nearest(queries: Vectors, vectors: Vectors, k: int) -> NDArray[np.int64]:
    """Positions of the k vectors with the largest inner product with each query, best first: ``(Q, k)``."""
    import faiss

    _, found = faiss.knn(queries, vectors, min(k, len(vectors)), metric=faiss.METRIC_INNER_PRODUCT)
    return np.asarray(found, dtype=np.int64)


def others_nearest(vectors: Vectors, k: int) -> NDArray[np.int64]:
    """As ``nearest`` for each vector among the others: ``(N, k)``."""
    found = nearest(vectors, vectors, k + 1)
    own = found == np.arange(len(vectors))[:, None]
    own[~own.any(axis=1), -1] = True  # of more than k equal vectors the own one may be missing
    others: NDArray[np.int64] = found[~own].reshape(len(vectors), -1)
    return others


def principal_plane(vectors: Vectors) -> Points:
    """Vectors ``(N, D)`` in the plane in which they vary most ``(N, 2)``, of spread 1."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    points = centred @ axes[:, -2:][:, ::-1]
    return np.asarray(points / max(float(points.std()), 1e-12))


def _spread(vectors: Vectors, random: np.random.Generator) -> Points:
    count = len(vectors)
    points = principal_plane(vectors) + 1e-3 * random.normal(size=(count, 2))
    if count < 3:
        return points
    friends = others_nearest(vectors, min(NEIGHBOURS, count - 1))  # (N, k)
    for done in range(ROUNDS):
        step = STEP * (1 - done / ROUNDS)
        points += step * (_pull(points, friends) + _push(points, random))
    return points


def _pull(points: Points, friends: NDArray[np.int64]) -> Points:
    """Towards one's neighbours, and them towards oneself: ``(N, 2)``."""
    count, k = friends.shape
    away = points[:, None] - points[friends]  # (N, k, 2)
    force = 2 * away / (1 + (away**2).sum(axis=2, keepdims=True))
    back = [np.bincount(friends.ravel(), force[..., axis].ravel(), minlength=count) for axis in range(2)]
    return np.asarray((np.stack(back, axis=1) - force.sum(axis=1)) / k)


def _push(points: Points, random: np.random.Generator) -> Points:
    """Away from points chosen at random ``(N, 2)``."""
    strangers = random.integers(len(points), size=(len(points), STRANGERS))
    away = points[:, None] - points[strangers]  # (N, STRANGERS, 2)
    squared = (away**2).sum(axis=2, keepdims=True)
    force = 2 * away / ((1e-3 + squared) * (1 + squared))
    return np.asarray(np.clip(force, -FARTHEST, FARTHEST).sum(axis=1))


def _scaled(points: Points) -> Points:
    """Around the middle, the farthest of both axes at -1 or 1."""
    middle = (points.max(axis=0) + points.min(axis=0)) / 2
    return np.asarray((points - middle) / max(float(np.abs(points - middle).max()), 1e-12))


def kept_neighbours(vectors: Vectors, points: Points, seed: int = 0) -> float:
    """Which share of a vector's 15 nearest are among the 15 nearest of its point, mean over some; 0 to 1."""
    from scipy.spatial import cKDTree

    if len(vectors) < 3:
        return 1.0
    k = min(NEIGHBOURS, len(vectors) - 1)
    random = np.random.default_rng(seed)
    judged = np.sort(random.choice(len(vectors), min(JUDGED, len(vectors)), replace=False))
    near = nearest(np.ascontiguousarray(vectors[judged]), np.ascontiguousarray(vectors), k + 1)
    _, drawn = cKDTree(points).query(points[judged], k + 1)
    shares = [
        len((set(one) & set(other)) - {own}) / k
        for own, one, other in zip(judged.tolist(), near.tolist(), drawn.tolist(), strict=True)
    ]
    return float(np.mean(shares))
