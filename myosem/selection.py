"""Which of the nearest segments are shown: the first, different ones, neighbours as one."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from myosem.catalogue import SegmentRow

BALANCE = 0.7
"""How much nearness to the query counts where hits are to differ; unlikeness to those before has the rest."""
MOST = 3
"""Different hits are at most so many of one recording."""
GAP_S = 0.5
"""Segments of one recording and kind with no longer a gap between them are one stretch."""
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
        """The hits, each as its segments, the best first.

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
    """Groups of neighbours: the longest beginning of a ranking that makes no more than k of them.

    Args:
        order: positions, the best first.
        found: what is there.
        k: how many groups at most.

    Returns:
        Positions of each group; groups and positions in the order of the ranking.
    """
    ranking: list[Found] = []
    groups: dict[str, list[list[int]]] = {}
    positions = []
    count = 0
    for rank, position in enumerate(order):
        one = found[position]
        own = groups.setdefault(one.segment.recording, [])
        beside = [group for group in own if any(neighbours(one, ranking[other]) for other in group)]
        if not beside and count == k:
            break
        count += 1 - len(beside)
        apart = [group for group in own if group not in beside]
        groups[one.segment.recording] = [*apart, sorted([*chain.from_iterable(beside), rank])]
        ranking.append(one)
        positions.append(position)
    ranked = sorted(chain.from_iterable(groups.values()))
    return [[positions[rank] for rank in group] for group in ranked]


def neighbours(first: Found, second: Found) -> bool:
    """Whether two segments are one stretch: of one recording and kind, both fitting or not, hardly apart."""
    one, other = first.segment, second.segment
    if (one.recording, one.kind, first.fits) != (other.recording, other.kind, second.fits):
        return False
    return max(one.start_s, other.start_s) - min(one.end_s, other.end_s) <= GAP_S + 1e-6
