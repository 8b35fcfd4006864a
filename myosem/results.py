"""What the engine answers: plain values that print as JSON field by field. Times are seconds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Hit:
    """One moment that was found.

    Attributes:
        rank: 1 for the best.
        score: cosine similarity to the query, -1 to 1.
        segment: id of the segment.
        recording: id of its recording.
        source: path as ingested; ``archive.zip!inner/path`` for a file inside an archive.
        start_s: start in seconds within the recording.
        end_s: end in seconds within the recording.
        label: as the data set writes it, None where nothing is labelled.
        simulated: whether the forearm simulator made it.
    """

    rank: int
    score: float
    segment: str
    recording: str
    source: str
    dataset: str
    subject: str
    session: str
    start_s: float
    end_s: float
    label: str | None
    simulated: bool


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Attributes:
        query: the words, or the stretch of EMG as ``source start-end s``.
        library: path of the library.
        version: of the library.
        model: name of the model.
        exact: whether the index compared every vector.
        hits: best first.
    """

    query: str
    library: str
    version: int
    model: str
    exact: bool
    hits: list[Hit]


@dataclass(frozen=True)
class Description:
    """An action that describes a stretch.

    Attributes:
        rank: 1 for the best.
        score: cosine similarity, -1 to 1.
        action: its id.
        name: the name people use.
        text: one plain sentence.
    """

    rank: int
    score: float
    action: str
    name: str
    text: str


@dataclass(frozen=True)
class DescribeResult:
    """Words for one stretch of EMG, the likeliest first; times in seconds."""

    source: str
    recording: str
    start_s: float
    end_s: float
    model: str
    simulated: bool
    descriptions: list[Description]


@dataclass(frozen=True)
class LabelledSegment:
    """A segment with the candidate that fits.

    Attributes:
        segment: its id, None where the source is not in the library.
        recording: its recording's id in the library, otherwise its name.
        label: the candidate, None for "none of these".
        score: probability of the candidate, or that it is none of them.
    """

    segment: str | None
    recording: str
    start_s: float
    end_s: float
    label: str | None
    score: float


@dataclass(frozen=True)
class LabelResult:
    """Labels for every segment of a source, in order of recording and time."""

    source: str
    model: str
    simulated: bool
    candidates: list[str]
    segments: list[LabelledSegment]
