"""What every index can do: unit vectors in, the nearest rows out."""

from pathlib import Path
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from myosem.errors import LibraryError, UsageError

Vectors = NDArray[np.float32]
Scores = NDArray[np.float32]
Rows = NDArray[np.int64]


class VectorIndex(Protocol):
    """Nearest rows by inner product; N rows of D numbers.

    Attributes:
        exact: whether the answers are those of a full comparison.
        dimension: D.
    """

    exact: bool
    dimension: int

    @classmethod
    def build(cls, vectors: Vectors) -> Self:
        """An index over ``(N, D)`` float32 vectors; row i of the index is row i of the vectors."""

    @classmethod
    def load(cls, path: Path) -> Self:
        """An index that ``save`` wrote.

        Raises:
            LibraryError: missing or damaged.
        """

    def save(self, path: Path) -> None:
        """Write the index to one file."""

    def __len__(self) -> int:
        """N."""

    def search(self, queries: Vectors, k: int, rows: Rows | None = None) -> tuple[Scores, Rows]:
        """The k rows with the highest inner product with each query, best first, ties by row.

        Args:
            queries: ``(Q, D)``.
            k: at least 1; where there are fewer rows, all of them come back.
            rows: search among these rows only.

        Returns:
            Scores ``(Q, k')`` and rows ``(Q, k')``, where k' = min(k, rows to choose from).

        Raises:
            UsageError: k below 1, queries of another dimension or not finite, or rows that do not exist.
            LibraryError: vectors that are not finite.
        """


def check_vectors(vectors: Vectors) -> Vectors:
    """The vectors as contiguous float32.

    Raises:
        LibraryError: not ``(N, D)``, or not finite.
    """
    if vectors.ndim != 2 or vectors.shape[1] == 0:
        raise LibraryError(
            "vectors cannot be indexed", got=f"shape {vectors.shape}", expected="(rows, dimension)"
        )
    if not np.isfinite(vectors).all():
        raise LibraryError("vectors cannot be indexed", got="values that are not finite")
    return np.ascontiguousarray(vectors, dtype=np.float32)


def check_query(index: VectorIndex, queries: Vectors, k: int, rows: Rows | None) -> Vectors:
    """The queries as contiguous float32.

    Raises:
        UsageError: see ``VectorIndex.search``.
    """
    if k < 1:
        raise UsageError("k is the number of hits", got=k, expected="at least 1")
    if queries.ndim != 2 or queries.shape[1] != index.dimension:
        raise UsageError(
            "the queries do not fit the index",
            got=f"shape {queries.shape}",
            expected=f"(queries, {index.dimension})",
        )
    if not np.isfinite(queries).all():
        raise UsageError("the queries cannot be searched for", got="values that are not finite")
    if rows is not None and len(rows) and (rows.min() < 0 or rows.max() >= len(index)):
        raise UsageError(
            "rows are not in the index",
            got=f"{rows.min()} to {rows.max()}",
            expected=f"0 to {len(index) - 1}",
        )
    return np.ascontiguousarray(queries, dtype=np.float32)
