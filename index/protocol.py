"""What every index can do: unit vectors in, the nearest rows out."""

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from myosem.errors import LibraryError, UsageError

Vectors = NDArray[np.float32]
Scores = NDArray[np.float32]
Rows = NDArray[np.int64]

BLOCK = 65_536
"""Vectors handled at a time where there may be more than memory holds."""

LANES = 16
"""Numbers that a processor takes at a time."""


@dataclass(frozen=True)
class Plan:
    """How a search goes.

    Attributes:
        exact: whether its answer is that of a full comparison.
        how: the same for people, one short phrase.
    """

    exact: bool
    how: str


class VectorIndex(Protocol):
    """Nearest rows by inner product; N rows of D numbers.

    The vectors themselves are the library's; an index may keep files of its own beside them.

    Attributes:
        vectors: ``(N, D)``, maybe memory-mapped; row i of the index is row i of the vectors.
    """

    vectors: Vectors

    @classmethod
    def build(cls, vectors: Vectors) -> Self:
        """An index over ``(N, D)`` float32 vectors; the same vectors give the same index.

        Raises:
            LibraryError: the vectors are not ``(N, D)`` or not finite.
        """

    @classmethod
    def load(cls, vectors: Vectors, folder: Path) -> Self:
        """The index that ``save`` wrote over these vectors.

        Raises:
            LibraryError: missing, damaged, or of other vectors.
        """

    def save(self, folder: Path) -> None:
        """Write what belongs to the index besides the vectors."""

    def updated(self, vectors: Vectors, origins: Rows) -> Self:
        """The index of the next version, made from this one, which stays as it is, and what changed.

        Args:
            vectors: ``(N', D)`` of the next version.
            origins: ``(N',)``: the row each one has here, or -1 where it is new.

        Raises:
            LibraryError: as ``build`` does.
        """

    def __len__(self) -> int:
        """N."""

    def plan(self, k: int, rows: Rows | None = None) -> Plan:
        """How a search for k among these rows goes."""

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
    if not all(np.isfinite(block).all() for block in blocks_of(vectors)):
        raise LibraryError("vectors cannot be indexed", got="values that are not finite")
    return np.ascontiguousarray(vectors, dtype=np.float32)


def blocks_of(vectors: Vectors, rows: Rows | None = None) -> Iterator[Vectors]:
    """Some rows of ``(N, D)``, by default all, ``BLOCK`` of them at a time, as copies.

    What is mapped from a file is let go of after each block: where vectors are more than memory, the pages
    read so far would push out everything else.
    """
    count = len(vectors) if rows is None else len(rows)
    for first in range(0, count, BLOCK):
        chosen = slice(first, first + BLOCK) if rows is None else rows[first : first + BLOCK]
        yield np.array(vectors[chosen])
        let_go(vectors)


def width_for(dimension: int) -> int:
    """The next multiple of ``LANES``: at any other width FAISS reads bytes one by one, ten times slower."""
    return -(-dimension // LANES) * LANES


def widened(vectors: Vectors, width: int) -> Vectors:
    """``(N, width)``: with zeros behind, which no inner product notices."""
    return np.pad(vectors, [(0, 0), (0, width - vectors.shape[1])])


def let_go(vectors: Vectors) -> None:
    """Give back the pages of a file that is mapped to be read; they are read again when needed."""
    if not vectors.flags.writeable:
        _advise(vectors, "MADV_DONTNEED")


@contextmanager
def scattered(vectors: Vectors) -> Iterator[None]:
    """Rows are read here and there: the system reads no more of a mapped file than it is asked for."""
    _advise(vectors, "MADV_RANDOM")
    try:
        yield
    finally:
        _advise(vectors, "MADV_NORMAL")


def _advise(vectors: Vectors, advice: str) -> None:
    """Tell the system how a mapped file is read, where it is mapped and the system listens."""
    mapped: object = vectors
    while isinstance(mapped, np.ndarray):
        mapped = mapped.base
    if isinstance(mapped, mmap.mmap) and hasattr(mmap, advice):
        mapped.madvise(getattr(mmap, advice))


def check_query(vectors: Vectors, queries: Vectors, k: int, rows: Rows | None) -> tuple[Vectors, Rows | None]:
    """The queries as contiguous float32, and the rows ascending, each once.

    Raises:
        UsageError: see ``VectorIndex.search``.
    """
    if k < 1:
        raise UsageError("k is the number of hits", got=k, expected="at least 1")
    if queries.ndim != 2 or queries.shape[1] != vectors.shape[1]:
        raise UsageError(
            "the queries do not fit the index",
            got=f"shape {queries.shape}",
            expected=f"(queries, {vectors.shape[1]})",
        )
    if not np.isfinite(queries).all():
        raise UsageError("the queries cannot be searched for", got="values that are not finite")
    if rows is not None and len(rows) and (rows.min() < 0 or rows.max() >= len(vectors)):
        raise UsageError(
            "rows are not in the index",
            got=f"{rows.min()} to {rows.max()}",
            expected=f"0 to {len(vectors) - 1}",
        )
    return np.ascontiguousarray(queries, dtype=np.float32), None if rows is None else distinct(rows)


def distinct(rows: Rows) -> Rows:
    """The rows ascending, each once; those that are so already are not sorted again."""
    ascending = bool((rows[1:] > rows[:-1]).all())
    return np.asarray(rows if ascending else np.unique(rows), dtype=np.int64)
