"""Vectors with the clustering of real ones, where there are not enough real ones."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

QUERIES = 200
ACTIONS = 49
SEGMENTS = 100
"""In a session, of ``SESSION_ACTIONS`` actions."""
SESSION_ACTIONS = 10
COMMON, ANCHOR, SESSION, SEGMENT = 0.45, 0.76, 0.44, 0.32
"""Lengths of what a vector is the sum of, as measured on 20,399 segments of nine data sets."""
DIRECTIONS = {"anchor": 10, "session": 16, "segment": 12}
"""In how many directions each of them spreads: (sum of variances)^2 / sum of their squares, measured."""
MEANING, PHRASE, GAP = 0.4, 0.25, 0.88
"""Lengths of what a query in words is the sum of; its best score is then near .4."""
BLOCK = 650 * SEGMENTS

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Simulated:
    """Vectors ``(N, D)`` in ``path``, the session of each, and queries ``(Q, D)`` of both kinds."""

    path: Path
    sessions: NDArray[np.int64]
    queries: dict[str, Vectors]


def simulate(count: int, dimension: int, folder: Path, seed: int = 0) -> Simulated:
    """A mixture round one anchor for each action, moved in each session, and queries that fit it.

    A vector is a mean common to all, plus the anchor of its action, plus what its session does to that
    action, plus its own deviation, scaled to length 1. Each part has the length and the number of directions
    measured on real segments; all spread over the same directions, the first of them most. EMG queries are
    segments of sessions that are not in the index. Queries in words point from an anchor some way off, and
    away from all EMG: the gap between both modalities. A file that is there already is taken as it is.
    """
    random = np.random.default_rng(seed)
    basis = np.linalg.qr(random.normal(size=(dimension, dimension)))[0].astype(np.float32)
    anchors = ANCHOR * spread(random, ACTIONS, "anchor", dimension) @ basis.T
    centres = np.asarray(COMMON * basis[:, -1] + anchors, dtype=np.float32)
    emg = segments(random, QUERIES * SEGMENTS, centres, basis)[::SEGMENTS]
    meaning = anchors[random.integers(ACTIONS, size=QUERIES)]
    words = (
        MEANING * meaning / np.linalg.norm(meaning, axis=1, keepdims=True)
        + PHRASE * spread(random, QUERIES, "session", dimension) @ basis.T
        + GAP * basis[:, -2]
    )
    path = folder / "vectors.npy"
    if not path.exists():
        write(path, random, count, centres, basis)
    return Simulated(path, np.arange(count) // SEGMENTS, {"words": unit(words), "EMG": emg})


def write(path: Path, random: np.random.Generator, count: int, anchors: Vectors, basis: Vectors) -> None:
    """The vectors as a file, a block of whole sessions at a time."""
    create: Callable[..., np.memmap[Any, np.dtype[np.float32]]] = np.lib.format.open_memmap
    unfinished = path.with_suffix(".new")
    vectors = create(unfinished, "w+", np.float32, (count, len(basis)))
    for first in range(0, count, BLOCK):
        some = vectors[first : first + BLOCK]
        some[:] = segments(random, len(some), anchors, basis)
    vectors.flush()
    unfinished.rename(path)


def segments(random: np.random.Generator, count: int, anchors: Vectors, basis: Vectors) -> Vectors:
    """Unit vectors ``(count, D)``, session after session."""
    sessions = -(-count // SEGMENTS)
    dimension = len(basis)
    offsets = spread(random, sessions * SESSION_ACTIONS, "session", dimension)
    actions = np.stack([random.permutation(len(anchors))[:SESSION_ACTIONS] for _ in range(sessions)])
    own = random.integers(SESSION_ACTIONS, size=count)
    session = np.arange(count) // SEGMENTS
    parts = SESSION * offsets[session * SESSION_ACTIONS + own]
    parts += SEGMENT * spread(random, count, "segment", dimension)
    return unit(anchors[actions[session, own]] + parts @ basis.T)


def spread(random: np.random.Generator, count: int, part: str, dimension: int) -> Vectors:
    """``(count, D)`` normal numbers of mean square length 1 whose variance falls from place to place."""
    variance = np.exp(-np.arange(dimension) * 2 / DIRECTIONS[part])
    scale = np.sqrt(variance / variance.sum()).astype(np.float32)
    return np.asarray(random.standard_normal((count, dimension), dtype=np.float32) * scale)


def unit(vectors: Vectors) -> Vectors:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)
