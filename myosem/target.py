"""What is searched for: words and EMG, wanted and unwanted, as one unit vector (Rocchio 1971).

The words count one, what is liked together ``LIKE``; taken away are words that are not liked, together
``UNLIKE_WORDS``, and EMG that is not liked, together ``UNLIKE_EMG``. Each of these is the mean of its parts,
made a unit vector first, so that several examples never outweigh the words. EMG counts little where it is not
liked, for it shares most of what it says with the right answers (``docs/log.md`` has the measurements).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from myosem.errors import UsageError
from myosem.feedback import Judged, judgments
from myosem.sources import stored_segments

if TYPE_CHECKING:
    from myosem.catalogue import SegmentRow
    from myosem.library import Library
    from myosem.model import Model

LIKE, UNLIKE_WORDS, UNLIKE_EMG = 0.7, 0.2, 0.1
LEAST_LENGTH = 1e-3
ID = re.compile(r"[0-9a-f]{16}(@\d+\.\d{3})?")

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Query:
    """What somebody looks for.

    Attributes:
        text: any phrase; may be empty where something is liked.
        like: phrases, and segments, recordings or sources of the library, to be near to.
        unlike: the same, to be far from.
        name: what the query is called among others.
        more: ids of segments that were judged to be what is looked for (``myosem.feedback``).
        less: ids of segments that were judged not to be.
    """

    text: str = ""
    like: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    name: str | None = None
    more: tuple[str, ...] = ()
    less: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str, like: Sequence[str] = (), unlike: Sequence[str] = ()) -> "Query":
        """A query without a name; a lone string counts as one thing liked or not liked."""
        return cls(text.strip(), _several(like), _several(unlike))

    def judged(self, more: Sequence[str], less: Sequence[str]) -> "Query":
        """The same after somebody judged some answers."""
        return replace(self, more=_several(more), less=_several(less))

    @property
    def parts(self) -> tuple[str, ...]:
        """All that it names."""
        return (self.text,) * bool(self.text) + self.like + self.unlike

    def check(self) -> None:
        """Raise UsageError where there is nothing to look for."""
        if not all(self.like + self.unlike):
            raise UsageError(
                "what is liked or not liked cannot be empty", expected="a phrase or a segment's id"
            )
        if not self.text and not self.like:
            raise UsageError("the query is empty", expected='a few words, such as "make a fist", or --like')


@dataclass(frozen=True)
class Target:
    """Where in the space a query lies.

    Attributes:
        vector: ``(1, D)`` of unit length.
        confidence: how surely the words wanted are about an action, 0 to 1; None where EMG is wanted.
        without: rows of the segments it names, which are no answers.
        judged: what somebody has said of answers, one for each person they are of.
    """

    vector: Vectors
    confidence: float | None = None
    without: tuple[int, ...] = ()
    judged: tuple[Judged, ...] = ()


class Phrases:
    """Phrases, encoded in one batch.

    Args:
        model: encodes them.
        phrases: maybe some more than once.
    """

    def __init__(self, model: "Model", phrases: Iterable[str]) -> None:
        known = list(dict.fromkeys(phrases))
        confidences = model.query_confidence(known) if known else ()
        vectors = model.encode_text(known) if known else ()
        self._found: dict[str, tuple[Vectors, float]] = {
            phrase: (vector, float(sure))
            for phrase, vector, sure in zip(known, vectors, confidences, strict=True)
        }

    def vector(self, phrase: str) -> Vectors:
        """``(D,)``, of unit length."""
        vector, _ = self._found[phrase]
        return vector

    def confidence(self, phrase: str) -> float:
        """How surely it is about an action, 0 to 1."""
        _, sure = self._found[phrase]
        return sure


def aim(query: Query, phrases: Phrases, library: "Library") -> Target:
    """Where a query lies, all of whose parts are among the phrases.

    Raises:
        UsageError: an id that the library does not know, or a query whose parts cancel each other.
    """
    stored = {part: _stored(part, library) for part in query.like + query.unlike}

    def mean(parts: Sequence[str]) -> Vectors | None:
        vectors = [_of_emg(stored[one], library) if stored[one] else phrases.vector(one) for one in parts]
        return unit_mean(vectors) if vectors else None

    wanted = [query.text] * bool(query.text) + [one for one in query.like if not stored[one]]
    sure = None if any(stored[one] for one in query.like) else min(map(phrases.confidence, wanted))
    words = phrases.vector(query.text) if query.text else None
    vector = combine(
        [
            (1.0, words),
            (1.0 if words is None else LIKE, mean(query.like)),
            (-UNLIKE_WORDS, mean([one for one in query.unlike if not stored[one]])),
            (-UNLIKE_EMG, mean([one for one in query.unlike if stored[one]])),
        ]
    )
    rows = {segment.row for segments in stored.values() for segment in segments}
    judged = judgments(library, query.more, query.less)
    return Target(vector[None], sure, tuple(sorted(rows)), judged)


def combine(weighted: Iterable[tuple[float, Vectors | None]]) -> Vectors:
    """The direction ``(D,)`` of a sum of weighted unit vectors, without those that are None.

    Raises:
        UsageError: hardly anything is left of them.
    """
    total = np.sum([weight * vector for weight, vector in weighted if vector is not None], axis=0)
    length = float(np.linalg.norm(total))
    if length < LEAST_LENGTH:
        raise UsageError(
            "what is liked and what is not liked cancel each other", expected="two different things"
        )
    return np.asarray(total / length, dtype=np.float32)


def unit_mean(vectors: Sequence[Vectors] | Vectors) -> Vectors:
    """The direction ``(D,)`` of the mean of some unit vectors; zero where they cancel each other."""
    mean = np.mean(vectors, axis=0, dtype=np.float64)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), dtype=np.float32)


def _stored(part: str, library: "Library") -> "list[SegmentRow]":
    """The segments that a part of a query names, none where it is a phrase.

    Raises:
        UsageError: it has the form of an id, but there is none.
    """
    found = stored_segments(part, library)
    if not found and ID.fullmatch(part):
        raise UsageError(
            f"the library has no segment or recording {part!r}",
            expected="a phrase, or an id that a search printed",
        )
    return found


def _of_emg(segments: "Sequence[SegmentRow]", library: "Library") -> Vectors:
    """``(D,)``: the mean of the contractions, or of the rest where there is none."""
    contractions = [one for one in segments if one.kind == "contraction"] or segments
    return unit_mean(library.vectors()[[one.row for one in contractions]])


def _several(parts: Sequence[str]) -> tuple[str, ...]:
    return tuple(part.strip() for part in ((parts,) if isinstance(parts, str) else parts))
