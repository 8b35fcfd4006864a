"""The one place where catalogue, model and index meet: words to EMG, EMG to words, EMG to EMG.

What a SOURCE may be stands in ``myosem.sources``. A stretch of it is embedded in the context of its
whole session.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from myosem.embedding import DIGITS, SourceEncoder
from myosem.errors import UsageError
from myosem.feedback import told_by_person
from myosem.labelling import Candidates, judged_by_name
from myosem.nearest import nearest_hits
from myosem.records import Recording
from myosem.results import DescribeResult, Description, Hit, LabelledSegment, LabelResult, SearchResult
from myosem.selection import Selection
from myosem.sources import Source
from myosem.target import Phrases, Query, Target, aim

if TYPE_CHECKING:
    from myosem.library import Library
    from myosem.model import Model

__all__ = [
    "DescribeResult",
    "Description",
    "Engine",
    "Hit",
    "LabelResult",
    "LabelledSegment",
    "Query",
    "SearchResult",
]

Rows = NDArray[np.int64]


class Engine:
    """Searches a library with a model.

    Args:
        library: an open library or its path; None where only files are described or labelled.
        model: an open model; the packaged one by default.
    """

    def __init__(self, library: "Library | Path | str | None", model: "Model | None" = None) -> None:
        self._library = library
        self._model = model

    @cached_property
    def model(self) -> "Model":
        """The model in use. Raises ModelError where its bundle is missing or damaged."""
        if self._model is not None:
            return self._model
        from myosem.model import Model

        return Model.load()

    @cached_property
    def library(self) -> "Library":
        """The library in use.

        Raises:
            UsageError: the engine was made without one.
            LibraryError: it is missing or damaged.
        """
        if self._library is None:
            raise UsageError("this needs a library", expected="--library DIR")
        if not isinstance(self._library, Path | str):
            return self._library
        from myosem.library import Library

        return Library.open(Path(self._library))

    @cached_property
    def _encoder(self) -> SourceEncoder:
        return SourceEncoder(self.model, None if self._library is None else self.library)

    def search(
        self,
        query: str = "",
        k: int = 10,
        where: str | None = None,
        *,
        like: Sequence[str] = (),
        unlike: Sequence[str] = (),
        more: Sequence[str] = (),
        less: Sequence[str] = (),
        told: Mapping[str, str] | None = None,
        diverse: bool = False,
        merge: bool = False,
        explain: bool = False,
    ) -> SearchResult:
        """The moments that match a description in words.

        Args:
            query: any phrase; may be empty where something is liked.
            k: how many hits at most.
            where: one condition over the columns of a hit, such as ``dataset = '3dc'``.
            like: phrases, and segments, recordings or sources of the library, that hits are to be near to
                (``myosem.target``); whatever EMG is named here is no hit itself.
            unlike: the same, to be far from.
            more: ids of segments that somebody found to be right; they move the scores of the same people's
                segments (``myosem.feedback``).
            less: the same of those that are wrong; they are no hits.
            told: ids of segments, and what each of them is in words. One whose name means the same as the
                query counts as ``more``, one whose name means something else as ``less``.
            diverse: prefer hits of other people, sessions and recordings (``myosem.selection``).
            merge: neighbouring hits of one recording are one.
            explain: also say why, for each hit that fits.

        Raises:
            UsageError: an empty query, k below 1, or a condition that cannot be used.
            LibraryError: the library is missing, damaged, or (IndexMismatchError) of another model.
        """
        if told:
            named, others = judged_by_name(self.model, query, told)
            judged = {*more, *less}
            more = [*more, *(one for one in named if one not in judged)]
            less = [*less, *(one for one in others if one not in judged)]
        one = Query.of(query, like, unlike).judged(more, less)
        return self.search_many([one], k, where, diverse=diverse, merge=merge, explain=explain)[0]

    def search_many(
        self,
        queries: Sequence[Query],
        k: int = 10,
        where: str | None = None,
        *,
        diverse: bool = False,
        merge: bool = False,
        explain: bool = False,
    ) -> list[SearchResult]:
        """Several searches at once: one batch of words, one pass over the index.

        Args:
            queries: what is looked for; the other arguments and errors are those of ``search``.
        """
        _check_count(k)
        for query in queries:
            query.check()
        words, rows = self._prepared([part for query in queries for part in query.parts], where)
        targets = [aim(query, words, self.library) for query in queries]
        results = nearest_hits(self.library, self.model, targets, Selection(k, diverse, merge), rows)
        results = [
            replace(
                result,
                query=one.text,
                like=list(one.like),
                unlike=list(one.unlike),
                more=list(one.more),
                less=list(one.less),
                name=one.name,
            )
            for result, one in zip(results, queries, strict=True)
        ]
        if not explain:
            return results
        from myosem.explain import explain_hits, word_views

        vectors = [target.vector[0] for target in targets]
        return [
            explain_hits(self.library, self.model, result, one, word_views(self.model, one))
            for result, one in zip(results, vectors, strict=True)
        ]

    def similar(
        self,
        source: Source,
        start_s: float | None = None,
        end_s: float | None = None,
        k: int = 10,
        where: str | None = None,
        *,
        recording: str | None = None,
        mapping: Path | None = None,
        diverse: bool = False,
        merge: bool = False,
        explain: bool = False,
    ) -> SearchResult:
        """The moments most like a stretch of EMG, without those that overlap it.

        Args:
            source: see the module.
            start_s: start of the stretch in seconds; the start of the segment or recording by default.
            end_s: end of the stretch in seconds; the end of the segment or recording by default.
            k: how many hits at most.
            where: as in ``search``.
            recording: which of several recordings of the source.
            mapping: how to read a .csv or .npz.
            diverse: as in ``search``.
            merge: as in ``search``.
            explain: also say why, for each hit.

        Raises:
            UsageError: a stretch that does not exist, or as ``search`` does.
            SourceError: a file that cannot be read.
        """
        _check_count(k)
        self._check_index()
        rows = self._rows_where(where)
        stretch = self._encoder.stretch(source, start_s, end_s, recording, mapping)
        target = Target(stretch.vector, without=tuple(stretch.own_rows))
        (result,) = nearest_hits(self.library, self.model, [target], Selection(k, diverse, merge), rows)
        result = replace(result, query=f"{source} {stretch.start_s:.2f}-{stretch.end_s:.2f} s")
        if not explain:
            return result
        from myosem.explain import explain_hits

        return explain_hits(self.library, self.model, result, stretch.vector[0])

    def describe(
        self,
        source: Source,
        start_s: float | None = None,
        end_s: float | None = None,
        k: int = 5,
        *,
        recording: str | None = None,
        mapping: Path | None = None,
        explain: bool = False,
    ) -> DescribeResult:
        """The actions that describe a stretch of EMG best. Arguments and errors as ``similar``.

        With ``explain`` also why the first of them does; then UsageError also where the stretch holds
        several contractions.
        """
        _check_count(k)
        stretch = self._encoder.stretch(source, start_s, end_s, recording, mapping)
        scores = (stretch.vector @ self.model.action_vectors.T)[0]
        best = np.argsort(-scores, kind="stable")[:k]
        result = DescribeResult(
            source=str(source),
            recording=stretch.name,
            start_s=round(stretch.start_s, DIGITS),
            end_s=round(stretch.end_s, DIGITS),
            model=self.model.name,
            simulated=stretch.recording.simulated,
            descriptions=[
                _description(rank, float(scores[action]), self.model.actions[action])
                for rank, action in enumerate(best, start=1)
            ],
        )
        if not explain:
            return result
        from myosem.explain import explain_description

        library = None if self._library is None else self.library
        return explain_description(library, self.model, result, stretch)

    def label(
        self,
        source: Source,
        candidates: Sequence[str],
        *,
        recording: str | None = None,
        mapping: Path | None = None,
        told: Mapping[str, str] | None = None,
    ) -> LabelResult:
        """The candidate that fits each segment of a source, or none of them.

        The model's own actions stand beside the candidates, so that a segment of an action that nobody
        asked for has somewhere to go; an action that means the same as a candidate counts as it. A candidate
        that is about no action at all gets no segment.

        Args:
            source: see the module.
            candidates: any phrases.
            recording: which of several recordings of the source.
            mapping: how to read a .csv or .npz.
            told: segments of the library, by id, and the candidate that each of them is; this moves the other
                segments of the same person (``myosem.feedback``).

        Raises:
            UsageError: no candidates, an empty one, or something is told of a segment that is not there, of
                nobody in the source, or that is no candidate.
            SourceError: a file that cannot be read.
        """
        if not candidates or not all(phrase.strip() for phrase in candidates):
            raise UsageError("there is nothing to choose from", expected="at least one phrase, none empty")
        among = Candidates(self.model, candidates)
        told = told or {}
        people = told_by_person(self.library, told, candidates) if told else {}
        told_of_someone = not told
        segments: list[LabelledSegment] = []
        simulated = True
        for session in self._encoder.sessions(source, recording, mapping):
            places, vectors = self._encoder.segments(session)
            own = people.get(session.person) if session.person else None
            told_of_someone |= own is not None
            winners, scores = among.choose(vectors, own)
            simulated &= all(session.recordings[position].simulated for position in session.chosen)
            segments += [
                replace(place, label=None if winner < 0 else candidates[winner], score=round(score, DIGITS))
                for place, winner, score in zip(places, winners, scores, strict=True)
            ]
        if not told_of_someone:
            raise UsageError(f"nothing was told of anybody in {source}", got=next(iter(told)))
        segments = [_as_told(one, told) for one in segments]
        known = among.related | np.isin(candidates, list(told.values()))
        unrelated = [phrase for phrase, own in zip(candidates, known, strict=True) if not own]
        return LabelResult(str(source), self.model.name, simulated, list(candidates), unrelated, segments)

    def recordings(self, hits: Sequence[Hit]) -> list[Recording]:
        """The recording of each hit, its samples memory-mapped."""
        found = self.library.recordings_by_id(hit.recording for hit in hits)
        return [found[hit.recording] for hit in hits]

    def _check_index(self) -> None:
        self.library.manifest.check_model(self.model.fingerprint, self.library.path)

    def _rows_where(self, where: str | None) -> NDArray[np.int64] | None:
        return None if where is None else self.library.select(where)

    def _prepared(self, phrases: Sequence[str], where: str | None) -> tuple[Phrases, Rows | None]:
        """The phrases as vectors, and the rows to search among. The first time, model and library load at
        the same time; later a thread would only cost time."""
        if "library" in vars(self):
            rows = self._open_rows(where)
            return self._phrases(phrases), rows
        with ThreadPoolExecutor(1) as beside:
            words = beside.submit(self._phrases, phrases)
            rows = self._open_rows(where)
        return words.result(), rows

    def _open_rows(self, where: str | None) -> Rows | None:
        self._check_index()
        self.library.index()
        return self._rows_where(where)

    def _phrases(self, phrases: Sequence[str]) -> Phrases:
        return Phrases(self.model, phrases)


def _check_count(k: int) -> None:
    if k < 1:
        raise UsageError("-k says how many to print", got=k, expected="1 or more")


def _as_told(segment: LabelledSegment, told: Mapping[str, str]) -> LabelledSegment:
    label = told.get(segment.segment or "")
    return segment if label is None else replace(segment, label=label, score=1.0)


def _description(rank: int, score: float, action: str) -> Description:
    from myosem.prompts import load_actions

    entry = load_actions()[action]
    return Description(rank, round(score, DIGITS), action, entry.names[0], entry.views["plain"][0])
