"""Centres of lists, and which of them a vector belongs to, both in two steps.

k-means with L centres compares every vector with all of them, again and again. Here the vectors are divided
into about root L cells first and each cell into its share of the centres, and later a vector is compared
with the centres of the cells nearest to it alone: about root L / ``CELLS`` times less work.
"""

from math import log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myosem.index.flat import one_thread
from myosem.index.protocol import Rows, Vectors

SEED = 1
ROUNDS = 10
"""Of k-means."""

CELLS = 3
"""Cells whose centres a vector is compared with."""


def centres_of(vectors: Vectors, count: int) -> Vectors:
    """Centres ``(count, D)`` of length 1 of at least so many vectors ``(N, D)``."""
    cell = k_means(vectors, cells_for(count)).search(vectors, 1)[1][:, 0]
    sizes = np.bincount(cell, minlength=cells_for(count))
    return np.concatenate(
        [
            k_means(vectors[cell == number], int(own)).reconstruct_n(0, int(own))
            for number, own in enumerate(shares(sizes, count))
            if own
        ]
    )


def k_means(vectors: Vectors, count: int) -> Any:
    """FAISS's index over the centres of vectors ``(N, D)``, each of length 1.

    On one thread: there is little to do at a time, and where other processes are busy, threads that wait for
    each other take ten times as long.
    """
    import faiss

    kind: Any = faiss.Kmeans
    means = kind(vectors.shape[1], count, niter=ROUNDS, spherical=True, seed=SEED, min_points_per_centroid=1)
    with one_thread():
        means.train(np.ascontiguousarray(vectors))
    return means.index


def cells_for(count: int) -> int:
    """Into how many cells so many centres are divided: the power of two nearest to the root."""
    return int(2 ** round(log2(count) / 2))


def shares(sizes: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Divide a count, at most the sum of the sizes, in proportion to them (largest remainder)."""
    exact: NDArray[np.float64] = sizes * count / sizes.sum()
    own: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    own[np.argsort(own - exact, kind="stable")[: count - own.sum()]] += 1
    return own


class NearestCentre:
    """Finds the centre that vectors are nearest to; sometimes the next but one instead.

    Args:
        centres: ``(L, D)`` of length 1.
    """

    def __init__(self, centres: Vectors) -> None:
        import faiss

        self._all: Any = faiss.IndexFlatIP(centres.shape[1])
        self._all.add(centres)
        cells = k_means(centres, cells_for(len(centres)))
        self._cells = cells  # FAISS holds no reference of its own
        kind: Any = faiss.IndexIVFFlat
        self._near = kind(cells, centres.shape[1], cells.ntotal, faiss.METRIC_INNER_PRODUCT)
        self._near.train(centres)
        self._near.add(centres)
        self._near.nprobe = CELLS

    def of(self, vectors: Vectors) -> Rows:
        """The number of a centre for each vector ``(n,)``, from ``(n, D)``."""
        found: Rows = self._near.search(vectors, 1)[1][:, 0].copy()
        lost = np.flatnonzero(found < 0)  # only empty cells were near
        found[lost] = self._all.search(vectors[lost], 1)[1][:, 0]
        return found
