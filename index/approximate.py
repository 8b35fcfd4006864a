"""Approximate search whose guarantee does not depend on the method: few rows are compared one by one.

FAISS proposes candidates from compressed vectors; their order and scores then come from the vectors
themselves, so both are those of ``FlatIndex``, and only a candidate that was never proposed can be missing.
Where there is little to choose from, everything is compared instead: ``EXACT_ROWS`` rows or fewer, or fewer
than ten times the rows wanted.

What FAISS numbers are its own positions; ``rows`` says which row each has in this version, or -1 for one
that has been removed. So a new version takes the index over, and only new vectors are added to it.
"""

from abc import ABC, abstractmethod
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from myosem.errors import LibraryError
from myosem.index.flat import exact_plan, nearest, one_thread
from myosem.index.protocol import (
    Plan,
    Rows,
    Scores,
    Vectors,
    blocks_of,
    check_query,
    check_vectors,
    distinct,
    scattered,
    widened,
    width_for,
)

EXACT_ROWS = 50_000
"""So many rows are always compared one by one; on one core 256 dimensions take 10 ms or less."""

MOST_REMOVED = 0.2
"""With a larger share of its positions removed an index is built anew."""

INDEX, ROWS = "index.faiss", "index_rows.npy"


class ApproximateIndex(ABC):
    """What the approximate backends share.

    Args:
        vectors: ``(N, D)``.
        index: FAISS's, None where everything is compared anyway.
        rows: row of each of its positions, or -1; None where position i is row i.
        path: of the file ``index`` is mapped from, None where it is in memory.
    """

    name: ClassVar[str]
    exact_rows: ClassVar[int] = EXACT_ROWS
    depth: ClassVar[tuple[int, int]]
    """Candidates: at least so many, and so many for each row wanted."""

    def __init__(
        self, vectors: Vectors, index: Any = None, rows: Rows | None = None, path: Path | None = None
    ) -> None:
        import faiss  # noqa: F401  (now, while the query's words are still being encoded)

        self.vectors = vectors
        self._index = index
        self._rows = rows
        self._path = path

    @classmethod
    @abstractmethod
    def empty(cls, vectors: Vectors) -> Any:
        """FAISS's index, ``width_for`` their dimension, trained for these vectors, with nothing in it."""

    @classmethod
    @abstractmethod
    def fits(cls, index: Any, count: int) -> bool:
        """Whether an index trained earlier also serves so many vectors."""

    @abstractmethod
    def efforts(self, k: int, share: float) -> tuple[int, int]:
        """Effort for k of a share of the rows (0 to 1), and the largest there is."""

    @abstractmethod
    def parameters(self, effort: int, selector: Any) -> Any:
        """FAISS's parameters of a search."""

    @abstractmethod
    def describe(self, effort: int, most: int) -> str:
        """The effort in a few words."""

    @classmethod
    def build(cls, vectors: Vectors) -> Self:
        """See ``VectorIndex.build``."""
        vectors = check_vectors(vectors)
        if len(vectors) <= cls.exact_rows:
            return cls(vectors)
        index = cls.empty(vectors)
        cls.add(index, vectors, np.arange(len(vectors)))
        return cls(vectors, index)

    @classmethod
    def add(cls, index: Any, vectors: Vectors, rows: Rows) -> None:
        """Put the vectors of these rows at FAISS's next positions."""
        for block in blocks_of(vectors, rows):
            index.add(widened(block, index.d))

    @classmethod
    def load(cls, vectors: Vectors, folder: Path) -> Self:
        """See ``VectorIndex.load``."""
        if len(vectors) <= cls.exact_rows:
            return cls(vectors)
        import faiss

        path = folder / INDEX
        try:
            index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
            has_rows = (folder / ROWS).exists()
            rows = np.load(folder / ROWS, mmap_mode="r", allow_pickle=False) if has_rows else None
        except (OSError, ValueError, EOFError, RuntimeError, MemoryError) as error:
            raise LibraryError(f"the index {path} cannot be read", got=error, hint="myosem index") from error
        dimension = vectors.shape[1]
        positions = len(vectors) if rows is None else len(rows)
        if index.ntotal != positions or index.d not in {dimension, width_for(dimension)}:
            raise LibraryError(
                f"the index {path} does not fit the vectors",
                got=f"{index.ntotal} of width {index.d}",
                expected=f"{positions} of width {width_for(dimension)}",
                hint="myosem index",
            )
        return cls(vectors, index, None if rows is None else np.asarray(rows), path)

    def save(self, folder: Path) -> None:
        """See ``VectorIndex.save``."""
        if self._index is None:
            return
        import faiss

        faiss.write_index(self._index, str(folder / INDEX))
        if self._rows is not None:
            np.save(folder / ROWS, self._rows)

    def updated(self, vectors: Vectors, origins: Rows) -> Self:
        """See ``VectorIndex.updated``."""
        vectors = check_vectors(vectors)
        if self._index is None or not self._serves(vectors, origins):
            return self.build(vectors)
        old = np.flatnonzero(origins >= 0)
        moved = np.full(len(self.vectors) + 1, -1, dtype=np.int64)  # the last place is that of row -1
        moved[origins[old]] = old
        new = np.flatnonzero(origins < 0)
        index = self._copy()
        self.add(index, vectors, new)
        rows = np.concatenate([moved[:-1] if self._rows is None else moved[self._rows], new])
        return type(self)(vectors, index, rows)

    def __len__(self) -> int:
        return len(self.vectors)

    def plan(self, k: int, rows: Rows | None = None) -> Plan:
        """See ``VectorIndex.plan``."""
        kept = len(self.vectors) if rows is None else len(distinct(rows))
        if self._compares_all(k, kept):
            return exact_plan(self.vectors, rows)
        effort = self.describe(*self.efforts(k, kept / self._index.ntotal))
        return Plan(False, f"{self.name}: {effort}, {self._depth(k, kept):,} candidates compared")

    def search(self, queries: Vectors, k: int, rows: Rows | None = None) -> tuple[Scores, Rows]:
        """See ``VectorIndex.search``."""
        queries, rows = check_query(self.vectors, queries, k, rows)
        kept = len(self.vectors) if rows is None else len(rows)
        if self._compares_all(k, kept):
            return nearest(queries, self.vectors, k, rows)
        selector = self._selector(rows)
        scores, found = np.empty((len(queries), k), np.float32), np.empty((len(queries), k), np.int64)
        for number in range(len(queries)):  # one by one: no answer depends on the others
            query = queries[number : number + 1]
            candidates = self._candidates(query, k, kept, selector)
            scores[number], found[number] = self._nearest(query, k, candidates, rows)
        return scores, found

    def _nearest(
        self, query: Vectors, k: int, candidates: Rows | None, rows: Rows | None
    ) -> tuple[Scores, Rows]:
        """The nearest to a query ``(1, D)`` among some candidates, or where there are none among all rows."""
        if candidates is None:
            return nearest(query, self.vectors, k, rows)
        with scattered(self.vectors):
            return nearest(query, self.vectors, k, candidates)

    def _compares_all(self, k: int, kept: int) -> bool:
        return self._index is None or kept <= max(self.exact_rows, 10 * k)

    def _depth(self, k: int, kept: int) -> int:
        least, factor = self.depth
        return min(max(least, factor * k), kept)

    def _candidates(self, query: Vectors, k: int, kept: int, selector: Any) -> Rows | None:
        """Rows to compare with a query ``(1, D)``, ascending; None for all that there are.

        A filter may keep only what lies far from the query. Then too few candidates turn up, and the effort
        grows until there are enough.
        """
        query = widened(query, self._index.d)
        depth = self._depth(k, kept)
        effort, most = self.efforts(k, kept / self._index.ntotal)
        while True:
            with one_thread():
                found = self._index.search(query, depth, params=self.parameters(effort, selector))[1][0]
            found = found[found >= 0]
            if len(found) == depth:
                return self._rows_of(found)
            if effort == most:
                return None
            effort = min(4 * effort, most)

    def _rows_of(self, positions: Rows) -> Rows:
        """Rows at FAISS's positions, ascending."""
        rows = positions
        if self._rows is not None and positions.max() < len(self._rows):
            rows = self._rows[positions]
        rows = np.sort(rows)
        if rows[0] < 0 or rows[-1] >= len(self.vectors):
            raise LibraryError(
                "the index does not fit the vectors",
                got=f"rows {rows[0]} to {rows[-1]}",
                expected=f"0 to {len(self.vectors) - 1}",
                hint="myosem index",
            )
        return rows

    def _selector(self, rows: Rows | None) -> Any:
        """Which positions may be found; None for all."""
        if rows is None and not self._has_removed:
            return None
        import faiss

        wanted = np.zeros(len(self.vectors) + 1, dtype=bool)  # the last place is that of row -1
        wanted[slice(-1) if rows is None else rows] = True
        positions = wanted[:-1] if self._rows is None else wanted[self._rows]
        selector: Any = faiss.IDSelectorBitmap
        return selector(np.packbits(positions, bitorder="little"))

    @cached_property
    def _has_removed(self) -> bool:
        return self._rows is not None and bool((self._rows < 0).any())

    def _serves(self, vectors: Vectors, origins: Rows) -> bool:
        """Whether the index is worth taking over."""
        count, width = len(vectors), width_for(vectors.shape[1])
        if count <= self.exact_rows or width != self._index.d or not self.fits(self._index, count):
            return False
        new = int((origins < 0).sum())
        positions = self._index.ntotal + new
        return bool(positions - count <= MOST_REMOVED * positions)

    def _copy(self) -> Any:
        """FAISS's index in memory, to be changed."""
        import faiss

        if self._path is not None:
            return faiss.read_index(str(self._path))
        return faiss.deserialize_index(faiss.serialize_index(self._index))
