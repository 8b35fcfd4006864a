"""Lists of vectors round centres (IVF), a search of the nearest lists only.

The centres come from k-means over EMG vectors (``myosem.index.centres``), for a library holds nothing else.
A query in words lies further from all of them, so that its nearest rows are spread over more lists:
``PROBES`` is set for words.
"""

from math import log2
from typing import Any

import numpy as np

from myosem.index.approximate import ApproximateIndex
from myosem.index.centres import SEED, NearestCentre, centres_of
from myosem.index.flat import one_thread
from myosem.index.protocol import Rows, Vectors, blocks_of, widened, width_for

SAMPLES = 40
"""Vectors that each centre is computed from."""

TRAINED_ON = 65_536
"""Vectors that say how they are written."""

PROBES = 64
"""Lists searched at least."""


class IvfIndex(ApproximateIndex):
    """IVF over vectors of one byte a dimension, its candidates compared again."""

    name = "ivf"
    depth = (64, 4)

    @classmethod
    def storage(cls, dimension: int) -> str:
        """How FAISS is told to write vectors of a dimension."""
        return "SQ8"

    @classmethod
    def prepare(cls, index: Any) -> None:
        """Set what the storage needs before it is trained."""

    @classmethod
    def empty(cls, vectors: Vectors) -> Any:
        """See ``ApproximateIndex.empty``."""
        import faiss

        width, centres = width_for(vectors.shape[1]), lists(len(vectors))
        index: Any = faiss.index_factory(
            width, f"IVF{centres},{cls.storage(width)}", faiss.METRIC_INNER_PRODUCT
        )
        index.quantizer.add(centres_of(sample(vectors, SAMPLES * centres), centres))
        cls.prepare(index)
        with one_thread():  # as in ``k_means``
            index.train(sample(vectors, TRAINED_ON))
        return index

    @classmethod
    def add(cls, index: Any, vectors: Vectors, rows: Rows) -> None:
        """See ``ApproximateIndex.add``; each vector comes into the list of the centre nearest to it."""
        import faiss

        nearest = NearestCentre(index.quantizer.reconstruct_n(0, index.nlist))
        pointer: Any = faiss.swig_ptr
        for block in blocks_of(vectors, rows):
            wide = widened(block, index.d)
            lists = nearest.of(wide)
            index.add_core(len(wide), pointer(wide), None, pointer(lists))

    @classmethod
    def fits(cls, index: Any, count: int) -> bool:
        """Lists may become twice as long as in an index made anew."""
        return lists(count) <= 2 * int(index.nlist)

    def efforts(self, k: int, share: float) -> tuple[int, int]:
        """See ``ApproximateIndex.efforts``; lists are searched until enough of them passes the filter."""
        most = int(self._index.nlist)
        return min(round(PROBES * max(1.0, k / 100) / share), most), most

    def parameters(self, effort: int, selector: Any) -> Any:
        """See ``ApproximateIndex.parameters``."""
        import faiss

        parameters: Any = faiss.SearchParametersIVF
        return parameters(nprobe=effort, sel=selector)

    def describe(self, effort: int, most: int) -> str:
        """See ``ApproximateIndex.describe``."""
        return f"{effort:,} or more of {most:,} lists"


class IvfPqIndex(IvfIndex):
    """IVF over product-quantised vectors: a byte for every four dimensions."""

    name = "ivfpq"
    depth = (400, 40)

    @classmethod
    def prepare(cls, index: Any) -> None:
        """See ``IvfIndex.prepare``."""
        index.pq.cp.min_points_per_centroid = 1  # no warning
        index.do_polysemous_training = False  # orders the codes for a search by their bits, which this is not

    @classmethod
    def storage(cls, dimension: int) -> str:
        """See ``IvfIndex.storage``; the dimension has to be divisible by the bytes."""
        return f"PQ{next(size for size in range(max(dimension // 4, 1), 0, -1) if dimension % size == 0)}"


def lists(count: int) -> int:
    """How many lists: the power of two nearest to four times the root of the count."""
    return min(count, int(2 ** round(log2(4 * count**0.5))))


def sample(vectors: Vectors, count: int) -> Vectors:
    """At most so many of the vectors, drawn evenly and the same ones every time, as wide as an index is."""
    rows: Rows = np.arange(len(vectors))
    if len(vectors) > count:
        rows = np.sort(np.random.default_rng(SEED).choice(len(vectors), count, replace=False))
    drawn, first = np.zeros((len(rows), width_for(vectors.shape[1])), dtype=np.float32), 0
    for block in blocks_of(vectors, rows):
        drawn[first : first + len(block), : block.shape[1]] = block
        first += len(block)
    return drawn
