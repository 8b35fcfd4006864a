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
from myosem.index.protocol import BLOCK, Plan, Rows, Scores, Vectors, check_query, check_vectors, distinct

QUERIES = 16
"""Queries at a time: from 20 on FAISS multiplies matrices, whose rounding depends on the block."""


class FlatIndex:
    """Exact index; it has no file besides the vectors."""

    def __init__(self, vectors: Vectors) -> None:
        import faiss  # noqa: F401  (now, while the query's words are still being encoded)

        self.vectors = vectors

    @classmethod
    def build(cls, vectors: Vectors) -> Self:
        """See ``VectorIndex.build``."""
        return cls(check_vectors(vectors))

    @classmethod
    def load(cls, vectors: Vectors, folder: Path) -> Self:
        """See ``VectorIndex.load``."""
        return cls(vectors)

    def save(self, folder: Path) -> None:
        """There is nothing to write."""

    def updated(self, vectors: Vectors, origins: Rows) -> Self:
        """See ``VectorIndex.updated``."""
        return self.build(vectors)

    def __len__(self) -> int:
        return len(self.vectors)

    def plan(self, k: int, rows: Rows | None = None) -> Plan:
        """See ``VectorIndex.plan``."""
        return exact_plan(self.vectors, rows)

    def search(self, queries: Vectors, k: int, rows: Rows | None = None) -> tuple[Scores, Rows]:
        """See ``VectorIndex.search``."""
        queries, rows = check_query(self.vectors, queries, k, rows)
        return nearest(queries, self.vectors, k, rows)


def exact_plan(vectors: Vectors, rows: Rows | None) -> Plan:
    """What ``nearest`` does."""
    if rows is None:
        return Plan(True, f"compared with all {len(vectors):,} vectors")
    return Plan(True, f"compared with each of the {len(distinct(rows)):,} vectors that the filter keeps")


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


def nearest(queries: Vectors, vectors: Vectors, k: int, rows: Rows | None = None) -> tuple[Scores, Rows]:
    """The k best rows of each query, best first, ties by row, by full comparison.

    Args:
        queries: ``(Q, D)``, contiguous float32.
        vectors: ``(N, D)``, as the queries.
        k: at least 1.
        rows: compare with these rows only; ascending, each once.

    Raises:
        LibraryError: vectors that are not finite.
    """
    parts = [
        _nearest_of_few(queries[first : first + QUERIES], vectors, k, rows)
        for first in range(0, len(queries), QUERIES)
    ]
    count = min(k, len(vectors) if rows is None else len(rows))
    none = np.empty((0, count), dtype=np.float32), np.empty((0, count), dtype=np.int64)
    scores, found = zip(none, *parts, strict=True)
    return np.concatenate(scores), np.concatenate(found)


def _nearest_of_few(queries: Vectors, vectors: Vectors, k: int, rows: Rows | None) -> tuple[Scores, Rows]:
    """As ``nearest``; rows are gathered a block at a time, so that many of them need little memory."""
    if rows is None:
        return _compare(queries, vectors, k)
    scores, found = np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
    for first in range(0, len(rows), BLOCK):
        block = rows[first : first + BLOCK]
        more, places = _compare(queries, vectors[block], k)
        scores, found = np.hstack([scores, more]), np.hstack([found, block[places]])
        if first:
            scores, found = _best(scores, found, k)
    return scores, found


def _compare(queries: Vectors, vectors: Vectors, k: int) -> tuple[Scores, Rows]:
    """The k best of all vectors for at most ``QUERIES`` queries.

    FAISS keeps any of the rows that tie for the last place, so it is asked for more until the tie ends.
    """
    import faiss

    wanted = k = min(k, len(vectors))
    if not k:
        return np.empty((len(queries), 0), dtype=np.float32), np.empty((len(queries), 0), dtype=np.int64)
    with one_thread():
        while True:
            wanted = min(2 * wanted, len(vectors))
            scores, rows = faiss.knn(queries, vectors, wanted, metric=faiss.METRIC_INNER_PRODUCT)
            if rows.min() < 0:  # FAISS leaves places empty where a score is no number
                raise LibraryError("the vectors cannot be searched", got="values that are not finite")
            if wanted == len(vectors) or (scores[:, -1] < scores[:, k - 1]).all():
                return _best(scores, rows, k)


def _best(scores: Scores, rows: Rows, k: int) -> tuple[Scores, Rows]:
    """The k best of each line, best first, ties by row."""
    order = np.lexsort((rows, -scores))[:, :k]
    return np.take_along_axis(scores, order, axis=1), np.take_along_axis(rows, order, axis=1)


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep FAISS to the calling thread."""
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
