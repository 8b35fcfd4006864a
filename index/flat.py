"""Exact search: FAISS compares the query with every vector.

The vectors stay where they are, memory-mapped: FAISS is handed their address and copies nothing. It
runs on one thread and on few queries at a time, because waking its threads costs far more than a scan
of 20,000 vectors (23 ms against 0.7 ms on 2 cores), and because a score then never depends on which
other queries are asked beside it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import numpy as np

from myosem.errors import LibraryError
from myosem.index.protocol import Rows, Scores, Vectors, check_query, check_vectors

BLOCK = 16
"""Queries at a time: from 20 on FAISS multiplies matrices, whose rounding depends on the block."""


class FlatIndex:
    """Exact index; its file is the vectors themselves as ``.npy``."""

    exact = True

    def __init__(self, vectors: Vectors) -> None:
        import faiss  # noqa: F401  (now, while the query's words are still being encoded)

        self.vectors = vectors
        self.dimension = int(vectors.shape[1])

    @classmethod
    def build(cls, vectors: Vectors) -> Self:
        """An index over ``(N, D)`` float32 vectors.

        Raises:
            LibraryError: the vectors are not ``(N, D)`` or not finite.
        """
        return cls(check_vectors(vectors))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Map ``.npy`` vectors into memory.

        Raises:
            LibraryError: missing or damaged.
        """
        return cls(load_vectors(path))

    def save(self, path: Path) -> None:
        """Write the vectors as ``.npy``."""
        with path.open("wb") as file:
            np.save(file, self.vectors)

    def __len__(self) -> int:
        return int(self.vectors.shape[0])

    def search(self, queries: Vectors, k: int, rows: Rows | None = None) -> tuple[Scores, Rows]:
        """See ``VectorIndex.search``."""
        queries = check_query(self, queries, k, rows)
        candidates = None if rows is None else np.unique(rows).astype(np.int64)
        vectors = self.vectors if candidates is None else self.vectors[candidates]
        k = min(k, len(vectors))
        scores = np.empty((len(queries), k), dtype=np.float32)
        found = np.empty((len(queries), k), dtype=np.int64)
        if k:
            for first in range(0, len(queries), BLOCK):
                block = slice(first, first + BLOCK)
                scores[block], found[block] = _nearest(queries[block], vectors, k)
        return scores, found if candidates is None else candidates[found]


def load_vectors(path: Path) -> Vectors:
    """``(N, D)`` float32 vectors of a ``.npy`` file, memory-mapped and read-only.

    Raises:
        LibraryError: missing or damaged.
    """
    try:
        vectors = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise LibraryError(f"the vectors {path} cannot be read", got=error) from error
    if vectors.ndim != 2 or vectors.dtype != np.float32 or not vectors.flags.c_contiguous:
        raise LibraryError(
            f"the vectors {path} cannot be used",
            got=f"{vectors.dtype} of shape {vectors.shape}",
            expected="float32 (rows, dimension), row after row",
        )
    return np.asarray(vectors)


def _nearest(queries: Vectors, vectors: Vectors, k: int) -> tuple[Scores, Rows]:
    """The k best rows of each query, best first, ties by row; 1 <= k <= N.

    FAISS keeps any of the rows that tie for the last place, so it is asked for more until the tie ends.
    """
    import faiss

    wanted = k
    with _one_thread():
        while True:
            wanted = min(2 * wanted, len(vectors))
            scores, rows = faiss.knn(queries, vectors, wanted, metric=faiss.METRIC_INNER_PRODUCT)
            if rows.min() < 0:  # FAISS leaves places empty where a score is no number
                raise LibraryError("the vectors cannot be searched", got="values that are not finite")
            if wanted == len(vectors) or (scores[:, -1] < scores[:, k - 1]).all():
                break
    order = np.lexsort((rows, -scores))[:, :k]
    return np.take_along_axis(scores, order, axis=1), np.take_along_axis(rows, order, axis=1)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep FAISS to the calling thread."""
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
