"""Relevance feedback: what somebody says of a few segments moves the ranking of the same person's others.

A Gaussian process whose mean is the score that a segment has anyway. A segment that is what was looked for
should have scored ``RIGHT``, any other no more than ``WRONG``; what the judged ones lack spreads to other
segments by how near their vectors are. It spreads through all sessions of the person they are of, and to
nobody else: in the trials of ``docs/log.md`` it ranked other people's segments no better, and worse the
more it counted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from myosem.errors import UsageError

if TYPE_CHECKING:
    from myosem.catalogue import SegmentRow
    from myosem.index import Plan, VectorIndex
    from myosem.library import Library

RIGHT, WRONG = 1.0, 0.2
REACH = 0.5
"""How far apart two vectors of unit length are that say little of each other."""
DOUBT = 0.1
"""Variance of a judgment where that of a score is 1."""

Vectors = NDArray[np.float32]
Wide = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Judged:
    """Segments of one person, some of which somebody has judged.

    Attributes:
        rows: of all the person's segments, ascending.
        judged: J of these rows.
        relevant: ``(J,)``.
    """

    rows: Rows
    judged: Rows
    relevant: NDArray[np.bool_]

    def scores(self, vectors: Vectors, query: Vectors) -> Vectors:
        """Scores ``(n,)`` of all ``rows`` for a query ``(1, D)``, given the library's ``vectors (N, D)``.

        Their mean stays as it was, or all of a person would pass or fall behind other people.
        """
        own, judged = np.asarray(vectors[self.rows]), np.asarray(vectors[self.judged])
        gained = correction(own, judged, lacking(judged @ query.T, self.relevant[:, None]))
        moved = own @ query.T + gained - gained.mean()
        return np.asarray(moved[:, 0].clip(-1, 1), dtype=np.float32)


def lacking(scores: NDArray[np.floating], right: NDArray[np.bool_]) -> Wide:
    """What scores ``(J, A)`` should have been more; what is right never falls, what is wrong never rises."""
    wide = scores.astype(np.float64)
    return np.where(right, np.maximum(RIGHT - wide, 0), np.minimum(WRONG - wide, 0))


def correction(vectors: Vectors, judged: Vectors, lack: NDArray[np.floating]) -> Wide:
    """What A scores of each segment gain: ``(N, A)``.

    Args:
        vectors: ``(N, D)`` of segments, of unit length.
        judged: ``(J, D)`` of those of the same person that were judged.
        lack: ``(J, A)`` what their scores lack.
    """
    known = likeness(judged, judged) + DOUBT * np.eye(len(judged))
    return likeness(vectors, judged) @ np.linalg.solve(known, lack.astype(np.float64))


def likeness(first: Vectors, second: Vectors) -> Wide:
    """How much one segment says of another, ``(n, m)``, 0 to 1: the rational quadratic kernel."""
    cosine = (first @ second.T).astype(np.float64)
    return np.asarray(1 / (1 + np.maximum(1 - cosine, 0) / REACH**2))


def judgments(library: "Library", more: Sequence[str], less: Sequence[str]) -> tuple[Judged, ...]:
    """What was judged, one for each person.

    Args:
        library: that holds the segments.
        more: ids of segments that are what is looked for.
        less: ids of segments that are not.

    Raises:
        UsageError: an id that the library does not know, or one that is in both.
    """
    if not (more or less):
        return ()
    if both := sorted(set(more) & set(less)):
        raise UsageError("a segment cannot be both more and less of it", got=both[0])
    relevant = dict.fromkeys(more, True) | dict.fromkeys(less, False)
    people: dict[tuple[str, str], list[SegmentRow]] = {}
    for segment in find_named(library, relevant):
        people.setdefault((segment.dataset, segment.person), []).append(segment)
    return tuple(
        Judged(
            rows=library.select(_of_person(*person)),
            judged=np.array([one.row for one in own], dtype=np.int64),
            relevant=np.array([relevant[one.segment] for one in own]),
        )
        for person, own in people.items()
    )


def find_named(library: "Library", names: Iterable[str]) -> "list[SegmentRow]":
    """Segments of the library by their ids, in the order asked for. Raises UsageError where there is none."""
    wanted = list(names)
    listed = ", ".join(_quoted(name) for name in wanted)
    rows = library.select(f"segment IN ({listed})") if wanted else ()
    found = {one.segment: one for one in library.rows(rows)}
    for name in wanted:
        if name not in found:
            raise UsageError(
                f"the library has no segment {name!r}", expected="the id of a hit, as --json prints it"
            )
    return [found[name] for name in wanted]


@dataclass(frozen=True)
class Told:
    """Segments of one person that somebody has named; J of them.

    Attributes:
        vectors: ``(J, D)``.
        phrases: ``(J,)`` which of the phrases to choose from each is.
    """

    vectors: Vectors
    phrases: Rows


def told_by_person(
    library: "Library", told: Mapping[str, str], phrases: Sequence[str]
) -> dict[tuple[str, str], Told]:
    """What was told, by data set and person.

    Args:
        library: that holds the segments.
        told: segment id -> one of the phrases.
        phrases: all there are.

    Raises:
        UsageError: an id that the library does not know, or another phrase.
    """
    people: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for name, phrase in told.items():
        if phrase not in phrases:
            raise UsageError(f"{name} cannot be {phrase!r}", expected="one of the phrases", exists=phrases)
    for segment, phrase in zip(find_named(library, told), told.values(), strict=True):
        own = people.setdefault((segment.dataset, segment.person), [])
        own.append((segment.row, phrases.index(phrase)))
    found = {person: np.array(own, dtype=np.int64).T for person, own in people.items()}
    vectors = library.vectors() if found else np.empty((0, 0), dtype=np.float32)
    return {person: Told(np.asarray(vectors[rows]), which) for person, (rows, which) in found.items()}


def search_judged(
    index: "VectorIndex", judged: Sequence[Judged], query: Vectors, k: int, rows: Rows | None = None
) -> tuple[Vectors, Rows, "Plan"]:
    """The k rows with the highest scores, best first, ties by row, and how the others were searched.

    Args:
        index: of the library.
        judged: one for each person.
        query: ``(1, D)``.
        k: at least 1.
        rows: search among these only.
    """
    touched = np.concatenate([one.rows for one in judged])
    parts = [_shown(one, one.scores(index.vectors, query), rows) for one in judged]
    others, plan = _others(index, query, k, rows, touched)
    scores, found = (np.concatenate(part) for part in zip(*parts, others, strict=True))
    order = np.lexsort((found, -scores))[:k]
    return scores[order], found[order], plan


def _shown(judged: Judged, scores: Vectors, rows: Rows | None) -> tuple[Vectors, Rows]:
    """Those of a person's segments that may be hits: not those that are wrong, and only among some rows."""
    shown = np.setdiff1d(judged.rows, judged.judged[~judged.relevant])
    if rows is not None:
        shown = np.intersect1d(shown, rows)
    return scores[np.searchsorted(judged.rows, shown)], shown


def _others(
    index: "VectorIndex", query: Vectors, k: int, rows: Rows | None, touched: Rows
) -> tuple[tuple[Vectors, Rows], "Plan"]:
    """The nearest k rows that no judgment touches: ever more are asked for until so many are left."""
    available = len(index) if rows is None else len(rows)
    wanted = min(2 * k, max(available, 1))
    while True:
        plan = index.plan(wanted, rows)
        (scores,), (found,) = index.search(query, wanted, rows)
        free = np.flatnonzero(~np.isin(found, touched))[:k]
        if len(free) == k or wanted >= available:
            return (scores[free], found[free]), plan
        wanted = min(4 * wanted, available)


def _of_person(dataset: str, person: str) -> str:
    return f"dataset = {_quoted(dataset)} AND person = {_quoted(person)}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
