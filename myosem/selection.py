"""Which of the nearest segments are shown: the first, different ones, neighbours as one."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from myosem.catalogue import SegmentRow

BALANCE = 0.8
"""How much nearness to the query counts where hits are to differ; unlikeness to those before has the rest."""
MOST = 3
"""Different hits are at most so many of one recording."""
GAP_S = 0.5
"""Segments of one recording and kind with no longer a gap between them are one stretch."""
NEAR = 0.75
"""The share of a hit's score that a neighbour must have to be one with it."""
LEAST_POOL, POOL = 200, 20
"""Candidates to choose from: at least so many, and so many for each hit wanted."""
UNFIT = 2.0
"""Taken off the score of what does not fit, so that it comes after all that does."""

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Found:
    """A segment with its cosine to the query."""

    segment: "SegmentRow"
    score: float
    fits: bool


@dataclass(frozen=True)
class Selection:
    """How hits are chosen.

    Attributes:
        k: how many at most.
        diverse: whether they are to differ.
        merge: whether neighbours are one hit.
    """

    k: int
    diverse: bool = False
    merge: bool = False

    @property
    def pool(self) -> int:
        """How many of the nearest segments they are chosen from."""
        return max(LEAST_POOL, POOL * self.k) if self.diverse or self.merge else self.k

    def choose(self, found: Sequence[Found], vectors: Vectors | None = None) -> list[list[Found]]:
        """The hits, each as its segments, of which that with the highest score is first.

        Args:
            found: M segments, the nearest first.
            vectors: their ``(M, D)``, which is what ``diverse`` goes by.
        """
        order: Iterable[int] = range(len(found))
        if self.diverse and vectors is not None:
            order = different(found, vectors)
        if self.merge:
            return [[found[one] for one in group] for group in stretches(order, found, self.k)]
        return [[found[one]] for one in islice(order, self.k)]


def different(
    found: Sequence[Found], vectors: Vectors, *, balance: float = BALANCE, most: int = MOST
) -> Iterator[int]:
    """Positions by maximal marginal relevance (Carbonell and Goldstein 1998), at most some of one recording.

    Two segments are alike by the mean of their vectors' cosine and their kinship.

    Args:
        found: M segments.
        vectors: ``(M, D)`` of unit length.
        balance: share of the score, 0 to 1.
        most: of one recording.
    """
    scores = np.array([one.score - UNFIT * (not one.fits) for one in found])
    origins = origins_of([one.segment for one in found])
    nearest = np.full(len(found), -1.0)
    left = np.ones(len(found), dtype=bool)
    taken = np.zeros(len(found), dtype=int)
    while left.any():
        best = int(np.where(left, balance * scores - (1 - balance) * nearest, -np.inf).argmax())
        yield best
        kinship = (origins == origins[best]).mean(axis=1)
        nearest = np.maximum(nearest, (vectors @ vectors[best] + kinship) / 2)
        taken += origins[:, -1] == origins[best, -1]
        left &= taken < most
        left[best] = False


def origins_of(segments: "Sequence[SegmentRow]") -> NDArray[np.int64]:
    """Numbers ``(M, 4)`` that two segments share for the same data set, person, session and recording.

    The share that is equal is the kinship of two segments: 0 to 1.
    """
    known: dict[tuple[str, ...], int] = {}
    names = [((s.dataset,), (s.dataset, s.person), tuple(s.key), (s.recording,)) for s in segments]
    numbers = [[known.setdefault(name, len(known)) for name in levels] for levels in names]
    return np.array(numbers, dtype=np.int64).reshape(-1, 4)  # (M, levels)


def stretches(order: Iterable[int], found: Sequence[Found], k: int) -> list[list[int]]:
    """The first segments of a ranking, each with its neighbours, their neighbours and so on.

    Args:
        order: positions, the best first.
        found: what there is; a neighbour belongs to a stretch whose first segment it is about as near as.
        k: how many stretches at most.

    Returns:
        Positions of each stretch, that of the highest score first.
    """
    places: dict[str, set[int]] = {}
    for position, one in enumerate(found):
        places.setdefault(one.segment.recording, set()).add(position)
    groups: list[list[int]] = []
    for first in order:
        left = places[found[first].segment.recording]
        if first not in left:
            continue
        if len(groups) == k:
            break
        near = {one for one in left if found[one].score >= NEAR * found[first].score} | {first}
        group = _connected(first, near, found)
        left -= group
        groups.append(sorted(group, key=lambda one: -found[one].score))
    return groups


def _connected(first: int, among: set[int], found: Sequence[Found]) -> set[int]:
    """What neighbours lead to from a position."""
    reached, waiting = {first}, [first]
    while waiting:
        own = waiting.pop()
        beside = {one for one in among - reached if neighbours(found[own], found[one])}
        reached |= beside
        waiting += beside
    return reached


def neighbours(first: Found, second: Found) -> bool:
    """Whether two segments are one stretch: of one recording and kind, both fitting or not, hardly apart."""
    one, other = first.segment, second.segment
    if (one.recording, one.kind, first.fits) != (other.recording, other.kind, second.fits):
        return False
    return max(one.start_s, other.start_s) - min(one.end_s, other.end_s) <= GAP_S + 1e-6
