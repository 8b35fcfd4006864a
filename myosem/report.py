"""A report on a recording or session: what its segments are called, and what comes near to which words."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myosem.prompts import load_actions
from myosem.results import LabelledSegment, LabelResult
from myosem.timeline import Moment, Timeline, timelines

if TYPE_CHECKING:
    from myosem.model import Model
    from myosem.search import Engine

COMMONEST = 3
"""So many of the commonest labels are looked for where nobody says what to look for."""


@dataclass(frozen=True)
class ModelCard:
    """The lines of a model's card that a reader of numbers needs.

    Attributes:
        fingerprint: identifies everything that determines vectors.
        measured: what was measured on people never seen, by name; maybe nothing.
    """

    name: str
    fingerprint: str
    threshold: float
    temperature: float
    measured: dict[str, Any]

    @classmethod
    def of(cls, model: "Model") -> "ModelCard":
        """That of a model."""
        known = model.config.metrics
        wanted = (
            "protocol",
            "MyoSem mAP",
            "chance mAP",
            "MyoSem R@1",
            "chance R@1",
            "expected calibration error",
        )
        measured = {name: known[name] for name in wanted if name in known}
        return cls(model.name, model.fingerprint, model.threshold, model.temperature, measured)


@dataclass(frozen=True)
class SessionReport:
    """All that a report on a source says.

    Attributes:
        source: as it was asked for.
        timelines: one a recording.
        labels: of every segment.
        all_actions: whether the candidates are all actions that the model knows.
        chosen_queries: whether somebody chose the queries; otherwise they are the commonest labels.
    """

    source: str
    timelines: list[Timeline]
    labels: LabelResult
    card: ModelCard
    all_actions: bool
    chosen_queries: bool

    def named(self) -> list[tuple[Timeline, Moment, LabelledSegment]]:
        """Every segment with its recording and its label, in order."""
        called = {(one.recording, one.start_s): one for one in self.labels.segments}
        return [
            (found, one, called[found.recording, one.start_s])
            for found in self.timelines
            for one in found.segments
        ]

    def counts(self) -> list[tuple[str | None, int, float]]:
        """Each label with how many segments have it and their mean probability, the commonest first."""
        times = Counter(one.label for one in self.labels.segments)
        return [
            (label, count, sum(one.score for one in self.labels.segments if one.label == label) / count)
            for label, count in times.most_common()
        ]


def session_report(
    engine: "Engine",
    source: str,
    queries: Sequence[str] = (),
    candidates: Sequence[str] = (),
    *,
    recording: str | None = None,
    mapping: Path | None = None,
) -> SessionReport:
    """What there is to say about a source.

    Args:
        engine: of the library to look in; without a library the source is a path.
        source: see ``myosem.sources``.
        queries: what to look for; the three commonest labels but rest where nothing is said.
        candidates: labels to choose from; all actions that the model knows where nothing is said.
        recording: which of several recordings of the source.
        mapping: how to read a .csv or .npz.

    Raises:
        UsageError: an empty query or candidate.
        SourceError: a file that cannot be read.
        LibraryError: the library is missing, damaged, or (IndexMismatchError) of another model.
    """
    names = list(candidates) or action_names(engine.model)
    labels = engine.label(source, names, recording=recording, mapping=mapping)
    wanted = list(queries) or commonest(labels)
    return SessionReport(
        source=source,
        timelines=timelines(engine, source, wanted, recording=recording, mapping=mapping),
        labels=labels,
        card=ModelCard.of(engine.model),
        all_actions=not candidates,
        chosen_queries=bool(queries),
    )


def action_names(model: "Model") -> list[str]:
    """What people call the actions of a model."""
    known = load_actions()
    return list(dict.fromkeys(known[one].names[0] if one in known else one for one in model.actions))


def commonest(labels: LabelResult) -> list[str]:
    """The labels that most segments have, rest aside."""
    times = Counter(one.label for one in labels.segments if one.label and one.label != "rest")
    return [label for label, _ in times.most_common(COMMONEST)]
