"""What the page asks of the engine. Every method may take a while and is meant for a thread of its own."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

from myosem.cli.web.filters import Choices, Filters
from myosem.cli.web.question import LESS, MORE
from myosem.errors import LibraryError, UsageError
from myosem.prompts import load_actions

if TYPE_CHECKING:
    from collections.abc import Callable

    from myosem.catalogue import DatasetSummary
    from myosem.cli.web.question import Question
    from myosem.cli.web.state import Engines
    from myosem.library import Library
    from myosem.records import Recording
    from myosem.results import DescribeResult, Explanation, Hit, LabelResult, SearchResult
    from myosem.search import Engine
    from myosem.sources import Given, Source
    from myosem.timeline import Moment as Segment
    from myosem.timeline import Timeline

MOST_HITS, MOST_PHRASES = 200, 50
SHORTEST_S = 0.1


@dataclass(frozen=True)
class Overview:
    """A library at a glance.

    Attributes:
        actions: names of what the model knows.
    """

    name: str
    version: int
    datasets: "tuple[DatasetSummary, ...]"
    choices: Choices
    actions: tuple[str, ...] = ()

    @property
    def moments(self) -> int:
        """How many segments there are."""
        return sum(one.segments for one in self.datasets)


@dataclass(frozen=True)
class Found:
    """Hits that pass the filters, those that fit first, with their recordings.

    Attributes:
        took_s: how long the search took in seconds.
    """

    result: "SearchResult"
    hits: "tuple[Hit, ...]"
    recordings: "tuple[Recording, ...]"
    took_s: float

    @property
    def fitting(self) -> int:
        """How many of the hits fit."""
        return sum(hit.fits for hit in self.hits)


@dataclass(frozen=True)
class Moment:
    """What is open: a stretch of a recording.

    Attributes:
        source: what the engine knows it by: a segment, a recording, or a visitor's file.
        line: the recording's segments, and how near they are to the words that were searched for.
        recording: it is in.
        start_s: start in seconds.
        end_s: end in seconds.
        own: whether it is in a visitor's file and not in the library.
        stored: whether it is a segment of the library, whose vector is known.
        label: as the data set writes it.
        score: of the hit it was opened from.
    """

    source: "Source"
    line: "Timeline"
    recording: "Recording"
    start_s: float
    end_s: float
    own: bool = False
    stored: bool = False
    label: str | None = None
    score: float | None = None

    @property
    def name(self) -> str:
        """Of the recording: its id in the library, or its name in a visitor's file."""
        return self.line.recording

    def at(self, time_s: float) -> "Moment":
        """The segment at a time, or the one that is nearest to it."""
        if not self.line.segments:
            return self
        return self.of(
            min(self.line.segments, key=lambda one: max(one.start_s - time_s, time_s - one.end_s, 0))
        )

    def of(self, segment: "Segment") -> "Moment":
        """One of the recording's segments."""
        return replace(
            self,
            source=segment.segment or self.source,
            start_s=segment.start_s,
            end_s=segment.end_s,
            stored=segment.segment is not None,
            label=segment.label,
            score=None,
        )

    def between(self, start_s: float, end_s: float) -> "Moment":
        """Any stretch of the recording.

        Raises:
            UsageError: it is outside, or too short to tell anything.
        """
        start_s, end_s = max(start_s, 0.0), min(end_s, self.recording.duration_s)
        if not end_s - start_s >= SHORTEST_S:
            raise UsageError(
                "the stretch is too short", expected=f"at least {SHORTEST_S:g} s of the recording"
            )
        source = self.source if self.own else self.name
        return replace(
            self, source=source, start_s=start_s, end_s=end_s, stored=False, label=None, score=None
        )


class Desk:
    """The engine of the published version, asked on behalf of one visitor.

    Args:
        engines: hand out the engine.
        name: of the library, for people.
    """

    def __init__(self, engines: "Engines", name: str) -> None:
        self._engines = engines
        self._name = name
        self._names: dict[str, str] = {}

    def overview(self) -> Overview:
        """What there is to search."""
        with self._engines.use() as engine:
            library = engine.library
            known = load_actions()
            actions = tuple(known[one].names[0] for one in engine.model.actions if one in known)
            datasets = library.summary().datasets
            return Overview(self._name, library.version, datasets, Choices.of(library), actions)

    def find(self, asked: "Question") -> Found:
        """The moments that answer a question. Errors as ``Engine.search`` and ``Engine.similar``."""
        near, wishes, filters = asked.near, asked.wishes, asked.filters
        how: dict[str, Any] = {"diverse": wishes.diverse, "merge": wishes.merge}

        def search(engine: "Engine") -> "SearchResult":
            return engine.search(
                asked.words if near is None else "",
                asked.count,
                filters.where,
                like=[*([str(near.source)] if near else []), *wishes.plus],
                unlike=wishes.minus,
                more=wishes.judged(MORE, asked.topic),
                less=wishes.judged(LESS, asked.topic),
                told=wishes.told,
                **how,
            )

        def similar(engine: "Engine", moment: Moment) -> "SearchResult":
            place, only = _place(moment), _only(moment)
            return engine.similar(moment.source, *place, asked.count, filters.where, recording=only, **how)

        if near is None or near.stored:
            return self._find(search, filters)
        return self._find(lambda engine: similar(engine, near), filters)

    def names(self, segments: Sequence[str]) -> dict[str, str]:
        """Segments in words; those that the library no longer has are left out."""
        with self._engines.use() as engine:
            for one in segments:
                if one not in self._names:
                    with suppress(LibraryError):
                        row = engine.library.segment(one)
                        self._names[one] = f"{row.label or row.kind}, {row.subject}, {row.start_s:.1f} s"
        return {one: self._names[one] for one in segments if one in self._names}

    def open(self, segment: str, words: str = "", score: float | None = None) -> Moment:
        """A segment of the library; ``words`` are what its recording is compared with.

        Raises:
            LibraryError: there is no such segment.
        """
        from myosem.timeline import timeline

        with self._engines.use() as engine:
            row = engine.library.segment(segment)
            line = timeline(engine, row.recording, [words] if words else [])
            recording = engine.library.recording(row.recording)
        whole = Moment(segment, line, recording, row.start_s, row.end_s)
        own = next(one for one in line.segments if one.segment == segment)
        return replace(whole.of(own), score=score)

    def read(self, given: "Given", words: str = "") -> list[Moment]:
        """The recordings of a visitor's file, each open at its first contraction.

        Raises:
            SourceError: one that no encoder can use.
        """
        from myosem.sources import sessions_of
        from myosem.timeline import timelines

        with self._engines.use() as engine:
            sessions = sessions_of(given, None)
            recordings = [session.recordings[position] for session in sessions for position in session.chosen]
            lines = timelines(engine, given, [words] if words else [])
        whole = [
            Moment(given, line, one, 0.0, one.duration_s, own=True)
            for line, one in zip(lines, recordings, strict=True)
        ]
        return [_first_contraction(one) for one in whole]

    def describe(self, moment: Moment, k: int = 3) -> "DescribeResult":
        """Words for a moment. Errors as ``Engine.describe``."""
        with self._engines.use() as engine:
            return engine.describe(moment.source, *_place(moment), k, recording=_only(moment))

    def explain(self, moment: Moment) -> "Explanation | None":
        """Why the likeliest words fit; None where several contractions have no one reason."""
        with self._engines.use() as engine:
            try:
                place = _place(moment)
                found = engine.describe(moment.source, *place, 1, recording=_only(moment), explain=True)
            except UsageError:
                return None
            return found.explanation

    def label(
        self, moment: Moment, phrases: Sequence[str], told: Mapping[str, str] | None = None
    ) -> "LabelResult":
        """The phrase that fits each segment of the moment's recording.

        Args:
            moment: of the recording.
            phrases: to choose from.
            told: segments and what they are; what is one of the phrases, of the same person, counts.

        Raises:
            UsageError: too many phrases, or as ``Engine.label``.
        """
        if len(phrases) > MOST_PHRASES:
            raise UsageError(
                "there are too many phrases", got=len(phrases), expected=f"at most {MOST_PHRASES}"
            )
        source = moment.source if moment.own else moment.name
        with self._engines.use() as engine:
            own = {} if moment.own else _of_person(engine.library, moment, phrases, told or {})
            return engine.label(source, phrases, recording=_only(moment), told=own)

    def _find(self, ask: "Callable[[Engine], SearchResult]", filters: Filters) -> Found:
        with self._engines.use() as engine:
            start = perf_counter()
            result = ask(engine)
            took_s = perf_counter() - start
            hits = tuple(hit for hit in result.hits if filters.passes(hit))
            return Found(result, hits, tuple(engine.recordings(hits)), took_s)


def _of_person(
    library: "Library", moment: Moment, phrases: Sequence[str], told: Mapping[str, str]
) -> dict[str, str]:
    """What was told of the person of a moment, as far as it is among the phrases."""
    own = [one.segment for one in moment.line.segments if one.segment is not None][:1]
    if not own:
        return {}
    person = library.segment(own[0])
    found: dict[str, str] = {}
    for segment, name in told.items():
        with suppress(LibraryError):
            row = library.segment(segment)
            if name in phrases and (row.dataset, row.person) == (person.dataset, person.person):
                found[segment] = name
    return found


def _place(moment: Moment) -> tuple[float | None, float | None]:
    return (None, None) if moment.stored else (moment.start_s, moment.end_s)


def _only(moment: Moment) -> str | None:
    return moment.name if moment.own else None


def _first_contraction(moment: Moment) -> Moment:
    found = next((one for one in moment.line.segments if one.kind == "contraction"), None)
    return moment if found is None else moment.of(found)
