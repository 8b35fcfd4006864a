"""What the engine answers: plain values that print as JSON field by field. Times are seconds."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Meaning:
    """What the model takes a query for.

    Attributes:
        action: id of the action nearest to the query.
        name: the name people use for it.
        view: of ``text``.
        text: the text about this action that lies nearest to the query.
        closeness: cosine of the query and ``text``, -1 to 1.
    """

    action: str
    name: str
    view: str
    text: str
    closeness: float


@dataclass(frozen=True)
class ViewScore:
    """How near a segment lies to one view of an action.

    Attributes:
        view: its name.
        score: cosine of the segment and the mean vector of the view's texts, -1 to 1.
    """

    view: str
    score: float


@dataclass(frozen=True)
class ChannelDrop:
    """What an electrode is worth to a score.

    Attributes:
        name: of the channel.
        angle_deg: its place round the limb, None where unknown.
        drop: how much the score falls where the channel says only what its neighbours say.
    """

    name: str
    angle_deg: float | None
    drop: float


@dataclass(frozen=True)
class MomentDrop:
    """What a slice of a segment is worth to a score.

    Attributes:
        start_s: start in seconds within the recording.
        end_s: end in seconds within the recording.
        drop: how much the score falls without the slice.
    """

    start_s: float
    end_s: float
    drop: float


@dataclass(frozen=True)
class Effort:
    """How strong a segment is.

    Attributes:
        over_rest_db: power over the session's rest in dB, mean over time and living channels.
        stronger_than: share of the other contractions of the session that are weaker, 0 to 1; None where
            there is no other.
    """

    over_rest_db: float
    stronger_than: float | None


@dataclass(frozen=True)
class Explanation:
    """Why a segment has its score.

    Attributes:
        score: what drops are measured from: the score of the segment, encoded again.
        views: of the action that the query means; empty where the query is EMG.
        channels: in the order of the recording.
        moments: in order of time; empty where the segment is too short to leave anything out.
    """

    score: float
    views: list[ViewScore]
    channels: list[ChannelDrop]
    moments: list[MomentDrop]
    effort: Effort


@dataclass(frozen=True)
class Hit:
    """One moment that was found: a segment, or neighbouring segments as one stretch.

    Attributes:
        rank: 1 for the best.
        score: cosine similarity to the query, -1 to 1; of a stretch that of its best segment.
        segment: id of the segment; of a stretch that of its best.
        recording: id of its recording.
        source: path as ingested; ``archive.zip!inner/path`` for a file inside an archive.
        start_s: start in seconds within the recording.
        end_s: end in seconds within the recording.
        label: as the data set writes it, None where nothing is labelled.
        simulated: whether the forearm simulator made it.
        fits: whether the query is about an action and the score reaches the model's threshold; what does
            not fit is merely nearest. Always true where the query is EMG.
        explanation: why, where it was asked for and the hit fits; of a stretch that of its best segment.
        segments: ids of all segments of the stretch, in order of time.
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
    fits: bool
    explanation: Explanation | None = None
    segments: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Attributes:
        query: the words, or the stretch of EMG as ``source start-end s``; empty where only ``like`` was said.
        library: path of the library.
        version: of the library.
        model: name of the model.
        exact: whether every vector that might be a hit was compared.
        confidence: how surely the query is about an action that the model knows, 0 to 1; 1 for EMG.
        confident: whether any hit fits.
        hits: best first; where they are to differ, in the order in which they were chosen.
        meaning: what the query means, where an explanation was asked for and the query is words.
        how: the index searched, one short phrase.
        like: what hits were to be near to besides.
        unlike: what they were to be far from.
        diverse: whether they were chosen to differ.
        merged: whether neighbours are one hit.
        name: what the query is called among others.
        more: segments that were judged to be right.
        less: segments that were judged to be wrong.
    """

    query: str
    library: str
    version: int
    model: str
    exact: bool
    confidence: float
    confident: bool
    hits: list[Hit]
    meaning: Meaning | None = None
    how: str = ""
    like: list[str] = field(default_factory=list)
    unlike: list[str] = field(default_factory=list)
    diverse: bool = False
    merged: bool = False
    name: str | None = None
    more: list[str] = field(default_factory=list)
    less: list[str] = field(default_factory=list)

    @property
    def asked(self) -> str:
        """All that was asked for, for people."""
        parts = [f"“{self.query}”"] * bool(self.query)
        parts += [f"like {_quoted(one)}" for one in self.like]
        parts += [f"unlike {_quoted(one)}" for one in self.unlike]
        return " ".join(parts)


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
    """Words for one stretch of EMG, the likeliest first; times in seconds.

    Attributes:
        meaning: of the likeliest action the text nearest to the stretch, where an explanation was asked for.
        explanation: why the likeliest action has its score, where it was asked for.
    """

    source: str
    recording: str
    start_s: float
    end_s: float
    model: str
    simulated: bool
    descriptions: list[Description]
    meaning: Meaning | None = None
    explanation: Explanation | None = None


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
    """Labels for every segment of a source, in order of recording and time.

    Attributes:
        unrelated: candidates that are about no action the model knows; no segment gets one.
    """

    source: str
    model: str
    simulated: bool
    candidates: list[str]
    unrelated: list[str]
    segments: list[LabelledSegment]


def _quoted(part: str) -> str:
    return part if "@" in part else f"“{part}”"
