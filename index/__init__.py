"""Ids and vectors in, neighbours out.

Every backend is a ``VectorIndex``; ``BACKENDS`` names them, and the tests run the same conformance
suite over all.
"""

from myosem.index.flat import FlatIndex, load_vectors
from myosem.index.manifest import FileEntry, Manifest
from myosem.index.protocol import VectorIndex

BACKENDS: dict[str, type[VectorIndex]] = {"flat": FlatIndex}

__all__ = ["BACKENDS", "FileEntry", "FlatIndex", "Manifest", "VectorIndex", "load_vectors"]
