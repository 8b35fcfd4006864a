"""How near a recording comes to some words as time goes on.

Every segment has a score for each query, the same that a search gives it. A finer curve is there for those
who ask for it: windows slide over the recording, and a few at a time are read in the context of its
session, so that the session stays what it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from myosem.embedding import DIGITS, SourceEncoder
from myosem.errors import UsageError
from myosem.labelling import RELATED
from myosem.records import Recording, Segment, SegmentKind
from myosem.sources import Source, SourceSession, one_recording

if TYPE_CHECKING:
    from myosem.library import Library
    from myosem.model import Model
    from myosem.search import Engine

MOST_COLUMNS = 1000
"""So many columns the activity of a recording has at most."""

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Asked:
    """A query.

    Attributes:
        text: its words.
        confidence: how surely it is about an action that the model knows, 0 to 1.
    """

    text: str
    confidence: float

    @property
    def related(self) -> bool:
        """Whether it is about an action at all."""
        return self.confidence >= RELATED


@dataclass(frozen=True)
class Moment:
    """A segment with its score for each of Q queries.

    Attributes:
        segment: its id, None where the source is not in the library.
        start_s: start in seconds within the recording.
        end_s: end in seconds within the recording.
        kind: ``contraction`` or ``rest``.
        label: as the data set writes it, None where nothing is labelled.
        scores: Q cosines, -1 to 1.
        fits: Q times whether the query is about an action and the score reaches the model's threshold.
    """

    segment: str | None
    start_s: float
    end_s: float
    kind: SegmentKind
    label: str | None
    scores: list[float]
    fits: list[bool]


@dataclass(frozen=True)
class LabelSpan:
    """A stretch that the data set itself has labelled; seconds.

    Attributes:
        action: id of the same action in ``myosem.prompts``, None where it has no entry.
    """

    start_s: float
    end_s: float
    label: str
    action: str | None = None


@dataclass(frozen=True)
class Activity:
    """How strong each channel is over time, in dB over the recording's own rest level.

    Attributes:
        step_s: length of a column in seconds; the first begins at 0.
        channels: C names.
        over_rest_db: C rows; a channel that is dead is 0 throughout.
    """

    step_s: float
    channels: list[str]
    over_rest_db: list[list[float]]


@dataclass(frozen=True)
class Curve:
    """Scores of windows that slide over the recording.

    Attributes:
        window_s: length of a window in seconds.
        step_s: from one to the next in seconds.
        times_s: the middle of each of n windows.
        scores: Q rows of n cosines.
    """

    window_s: float
    step_s: float
    times_s: list[float]
    scores: list[list[float]]


@dataclass(frozen=True)
class Timeline:
    """One recording beside Q queries; times in seconds.

    Attributes:
        source: as it was asked for.
        recording: its id in the library, otherwise its name.
        threshold: the score below which nothing fits.
        segments: in order of time.
        labels: of the data set, in order of time; they play no part in any score.
        curve: where it was asked for.
    """

    source: str
    recording: str
    dataset: str
    subject: str
    session: str
    name: str
    rate_hz: float
    duration_s: float
    simulated: bool
    model: str
    threshold: float
    queries: list[Asked]
    segments: list[Moment]
    labels: list[LabelSpan]
    activity: Activity
    curve: Curve | None = None

    def best(self, query: int = 0, k: int = 5) -> list[Moment]:
        """The k segments with the highest scores for one of the queries, the best first."""
        return sorted(self.segments, key=lambda one: -one.scores[query])[:k]


def timeline(
    engine: "Engine",
    source: Source,
    queries: Sequence[str],
    *,
    recording: str | None = None,
    mapping: Path | None = None,
    step_s: float | None = None,
) -> Timeline:
    """Scores of one recording over time. Arguments and errors as ``timelines``.

    Raises:
        UsageError: also where the source holds several recordings.
    """
    question = _Question.of(engine, source, queries, step_s)
    session, position = one_recording(question.sessions(recording, mapping), source)
    (found,) = question.answers(session, [position])
    return found


def timelines(
    engine: "Engine",
    source: Source,
    queries: Sequence[str],
    *,
    recording: str | None = None,
    mapping: Path | None = None,
    step_s: float | None = None,
) -> list[Timeline]:
    """Scores over time of every recording of a source.

    Args:
        engine: of the library to look in; without a library the source is a path.
        source: see ``myosem.sources``.
        queries: Q phrases, maybe none.
        recording: which of several recordings of the source.
        mapping: how to read a .csv or .npz.
        step_s: adds the finer curve, a window every so many seconds, see ``myosem.sliding``.

    Raises:
        UsageError: an empty query, or a step that is not above 0.
        SourceError: a file that cannot be read.
        LibraryError: the library is missing, damaged, or (IndexMismatchError) of another model.
    """
    question = _Question.of(engine, source, queries, step_s)
    sessions = question.sessions(recording, mapping)
    return [one for session in sessions for one in question.answers(session, session.chosen)]


@dataclass(frozen=True)
class _Question:
    """What is asked of a source.

    Attributes:
        library: to look in first.
        asked: Q queries.
        words: their vectors ``(Q, D)``.
        step_s: of the curve; None for no curve.
    """

    model: "Model"
    library: "Library | None"
    source: Source
    asked: list[Asked]
    words: Vectors
    step_s: float | None

    @classmethod
    def of(
        cls, engine: "Engine", source: Source, queries: Sequence[str], step_s: float | None
    ) -> "_Question":
        texts = [query.strip() for query in queries]
        if not all(texts):
            raise UsageError("a query is empty", expected='a few words, such as "make a fist"')
        if step_s is not None and not step_s > 0:
            raise UsageError("a curve needs a step", got=f"{step_s:g} s", expected="seconds, above 0")
        model = engine.model
        words = model.encode_text(texts) if texts else np.zeros((0, model.dimension), dtype=np.float32)
        sure = model.query_confidence(texts).tolist() if texts else []
        asked = [Asked(text, round(one, DIGITS)) for text, one in zip(texts, sure, strict=True)]
        return cls(model, _library(engine), source, asked, words, step_s)

    def sessions(self, recording: str | None, mapping: Path | None) -> list[SourceSession]:
        return SourceEncoder(self.model, self.library).sessions(self.source, recording, mapping)

    def answers(self, session: SourceSession, chosen: Sequence[int]) -> list[Timeline]:
        """Timelines of the recordings at the ``chosen`` positions of a session."""
        named, vectors = self._stored(session) if session.stored else _found(self.model, session)
        scores = vectors @ self.words.T
        related = np.array([one.related for one in self.asked], dtype=bool)
        fits = (scores >= self.model.threshold) & related
        moments = [_moment(*one, scores[row], fits[row]) for row, one in enumerate(named)]
        return [
            self._answer(
                session,
                position,
                [moment for moment, one in zip(moments, named, strict=True) if one[0].recording == position],
            )
            for position in chosen
        ]

    def _answer(self, session: SourceSession, position: int, moments: list[Moment]) -> Timeline:
        recording = session.recordings[position]
        curve = None
        if self.step_s is not None:
            curve = _curve(self.model, session, position, self.words, self.step_s)
        return Timeline(
            source=str(self.source),
            recording=session.names[position],
            dataset=recording.dataset,
            subject=recording.subject,
            session=recording.session,
            name=recording.name,
            rate_hz=recording.rate_hz,
            duration_s=round(recording.duration_s, DIGITS),
            simulated=recording.simulated,
            model=self.model.name,
            threshold=self.model.threshold,
            queries=self.asked,
            segments=moments,
            labels=[LabelSpan(one.start_s, one.end_s, one.label, one.action) for one in recording.spans],
            activity=activity(recording),
            curve=curve,
        )

    def _stored(self, session: SourceSession) -> "tuple[list[Named], Vectors]":
        """Segments that the library holds and their vectors ``(N, D)``."""
        names = list(session.names)
        named: list[Named] = [
            (Segment(names.index(one.recording), one.start_s, one.end_s, one.kind), one.segment, one.label)
            for one in session.stored
        ]
        return named, SourceEncoder(self.model, self.library).stored(session.stored)


def _library(engine: "Engine") -> "Library | None":
    try:
        return engine.library
    except UsageError:  # the engine was made without one
        return None


Named = tuple[Segment, str | None, str | None]
"""A segment, its id in the library, its label."""


def _found(model: "Model", session: SourceSession) -> tuple[list[Named], Vectors]:
    """Segments of a session that is in no library and their vectors ``(N, D)``."""
    from myosem.features import segment_session
    from myosem.segments import label_segments

    segments, features = segment_session(session.recordings)
    labels = label_segments(session.recordings, segments)
    named: list[Named] = [
        (segment, None, span.label if span else None) for segment, span in zip(segments, labels, strict=True)
    ]
    return named, model.encode_session(features)


def _moment(
    segment: Segment, name: str | None, label: str | None, scores: Vectors, fits: NDArray[np.bool_]
) -> Moment:
    return Moment(
        segment=name,
        start_s=round(segment.start_s, DIGITS),
        end_s=round(segment.end_s, DIGITS),
        kind=segment.kind,
        label=label,
        scores=[round(float(one), DIGITS) for one in scores],
        fits=fits.tolist(),
    )


def activity(recording: Recording, columns: int = MOST_COLUMNS) -> Activity:
    """How strong each channel of a recording is over time.

    Args:
        recording: raw, or an envelope already.
        columns: how many at most; each is as long as some frames of 50 ms.
    """
    from myosem.segments import QUIETEST, rest_power
    from myosem.signal import HOP_S, to_frames

    frames = to_frames(recording)
    together = -(-len(frames) // columns)
    starts = np.arange(0, len(frames), together)
    lengths = np.diff([*starts, len(frames)])[:, None]
    power = np.add.reduceat(frames.power.astype(np.float64), starts) / lengths  # (columns, C)
    rest = rest_power([frames])
    alive = np.isfinite(rest)
    ratio = np.where(alive, power / np.where(alive, rest, 1), 1)
    decibels = 10 * np.log10(np.maximum(ratio, QUIETEST))
    names = [channel.name for channel in recording.channels]
    return Activity(round(together * HOP_S, DIGITS), names, decibels.T.round(1).tolist())


def _curve(model: "Model", session: SourceSession, position: int, words: Vectors, step_s: float) -> Curve:
    from myosem.sliding import sliding_vectors

    windows, vectors = sliding_vectors(model, session.recordings, position, step_s)
    gap_s = windows[1].start_s - windows[0].start_s if len(windows) > 1 else step_s
    return Curve(
        window_s=round(windows[0].end_s - windows[0].start_s, DIGITS),
        step_s=round(gap_s, DIGITS),
        times_s=[round((one.start_s + one.end_s) / 2, DIGITS) for one in windows],
        scores=[[round(float(one), DIGITS) for one in row] for row in words @ vectors.T],
    )
