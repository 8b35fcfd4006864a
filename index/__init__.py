"""Ids and vectors in, neighbours out.

Every backend is a ``VectorIndex``; ``BACKENDS`` names them, and the tests run the same conformance
suite over all.
"""

from myosem.errors import UsageError
from myosem.index.choice import AUTO, Choice, choose
from myosem.index.flat import FlatIndex, load_vectors
from myosem.index.hnsw import HnswIndex
from myosem.index.ivf import IvfIndex, IvfPqIndex
from myosem.index.manifest import FileEntry, Manifest
from myosem.index.protocol import Plan, VectorIndex

BACKENDS: dict[str, type[VectorIndex]] = {
    "flat": FlatIndex,
    "hnsw": HnswIndex,
    "ivf": IvfIndex,
    "ivfpq": IvfPqIndex,
}


def backend_named(name: str) -> type[VectorIndex]:
    """The backend of this name. Raises UsageError where there is none."""
    if name not in BACKENDS:
        raise UsageError("there is no such index backend", got=name, exists=list(BACKENDS))
    return BACKENDS[name]


__all__ = [
    "AUTO",
    "BACKENDS",
    "Choice",
    "FileEntry",
    "FlatIndex",
    "HnswIndex",
    "IvfIndex",
    "IvfPqIndex",
    "Manifest",
    "Plan",
    "VectorIndex",
    "backend_named",
    "choose",
    "load_vectors",
]
