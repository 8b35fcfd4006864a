"""A graph of near neighbours (HNSW) over vectors of one byte a dimension.

It answers fastest and takes longest to build: on one thread, since with several the graph would differ
from run to run.
"""

from typing import Any

from myosem.index.approximate import ApproximateIndex
from myosem.index.flat import one_thread
from myosem.index.ivf import sample
from myosem.index.protocol import Rows, Vectors, width_for

LINKS = 32
"""Neighbours of each vector in the graph; twice as many in its lowest layer."""

BUILD_EFFORT = 64
"""How many candidates are kept for a new vector's neighbours."""

EFFORT = 128
"""How many candidates a search keeps at least."""

FILTERED_EFFORT = 512
"""The same where some vectors may not be found, in case they are the nearest ones, with none beyond them."""

TRAINED_ON = 65_536
"""Vectors whose range says what the bytes mean."""


class HnswIndex(ApproximateIndex):
    """HNSW, its candidates compared again."""

    name = "hnsw"
    depth = (64, 4)

    @classmethod
    def empty(cls, vectors: Vectors) -> Any:
        """See ``ApproximateIndex.empty``."""
        import faiss

        kind: Any = faiss.ScalarQuantizer.QT_8bit
        index: Any = faiss.IndexHNSWSQ(width_for(vectors.shape[1]), kind, LINKS, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = BUILD_EFFORT
        index.train(sample(vectors, TRAINED_ON))
        return index

    @classmethod
    def add(cls, index: Any, vectors: Vectors, rows: Rows) -> None:
        """See ``ApproximateIndex.add``."""
        with one_thread():
            super().add(index, vectors, rows)

    @classmethod
    def fits(cls, index: Any, count: int) -> bool:
        """A graph grows with what it holds."""
        return True

    def efforts(self, k: int, share: float) -> tuple[int, int]:
        """See ``ApproximateIndex.efforts``; the graph passes through vectors that a filter leaves out."""
        most = int(self._index.ntotal)
        least = EFFORT if share == 1 else FILTERED_EFFORT
        return min(round(max(least, 4 * k) / share), most), most

    def parameters(self, effort: int, selector: Any) -> Any:
        """See ``ApproximateIndex.parameters``."""
        import faiss

        library: Any = faiss  # its type stubs do not know the class
        return library.SearchParametersHNSW(efSearch=effort, sel=selector)

    def describe(self, effort: int, most: int) -> str:
        """See ``ApproximateIndex.describe``."""
        return f"effort {effort:,} or more"
