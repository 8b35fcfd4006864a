"""What requests hold, with their limits and an example each; answers are those of ``myosem.results``."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from myosem.cli.web.uploads import SUFFIXES
from myosem.condition import COLUMNS

LONGEST_TEXT, LONGEST_CONDITION = 500, 2_000
MOST_HITS, MOST_DESCRIPTIONS, MOST_CANDIDATES, MOST_RECORDINGS = 1_000, 100, 100, 1_000
MOST_EXAMPLES = 50
MOST_CONTEXT_S, MOST_SAMPLES = 10.0, 500_000
LONGEST_S = 1e6
SEGMENT = r"^[0-9a-f]{16}@[0-9]{1,9}\.[0-9]{3}$"
SOURCE = r"^[0-9a-f]{16}(@[0-9]{1,9}\.[0-9]{3})?$"

Text = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_TEXT, pattern=r"\S")]
SegmentId = Annotated[str, StringConstraints(pattern=SEGMENT)]
SourceId = Annotated[
    str, Field(description="Id of a segment, or of a recording, as a search gives it.", pattern=SOURCE)
]
Seconds = Annotated[float, Field(ge=0, le=LONGEST_S, allow_inf_nan=False)]
Hits = Annotated[int, Field(ge=1, le=MOST_HITS, description="How many hits at most.")]
Descriptions = Annotated[int, Field(ge=1, le=MOST_DESCRIPTIONS, description="How many descriptions at most.")]
Condition = Annotated[
    str,
    Field(
        min_length=1,
        max_length=LONGEST_CONDITION,
        description=f"One SQL condition over {', '.join(COLUMNS)}.",
    ),
]
Why = Annotated[bool, Field(description="Also say why.")]
Diverse = Annotated[bool, Field(description="Prefer hits of other people, sessions and recordings.")]
Merge = Annotated[bool, Field(description="Neighbouring hits of one recording are one.")]
Examples = Annotated[
    list[Text],
    Field(max_length=MOST_EXAMPLES, description="Phrases, or ids of segments or recordings."),
]
Judged = Annotated[
    list[SegmentId], Field(max_length=MOST_EXAMPLES, description="Ids of segments that somebody judged.")
]
Told = Annotated[
    dict[SegmentId, Text],
    Field(max_length=MOST_EXAMPLES, description="Ids of segments, and what each of them is in words."),
]
Candidates = Annotated[list[Text], Field(min_length=1, max_length=MOST_CANDIDATES)]
FILE = f"A recording: one of {', '.join(SUFFIXES)}."
MAPPING = "YAML that says how to read it, without `path`; see docs/bring-your-own.md."

ID = "0f3c9d2a7b1e4f60"


class Request(BaseModel):
    """The body of a request; unknown fields are errors."""

    model_config = ConfigDict(extra="forbid")


class SearchRequest(Request):
    """Words to look for, and examples to be near to or far from; one of either is needed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"query": "make a fist"},
                {"query": "pinch with index finger", "k": 5, "where": "dataset = '3dc'", "explain": True},
                {"query": "make a fist", "like": ["hold a cup"], "unlike": ["rest"], "diverse": True},
                {"query": "make a fist", "more": [f"{ID}@12.400"], "told": {f"{ID}@20.150": "pinch"}},
            ]
        }
    )

    query: Annotated[str, Field(max_length=LONGEST_TEXT)] = ""
    k: Hits = 10
    where: Condition | None = None
    like: Examples = []
    unlike: Examples = []
    more: Judged = []
    less: Judged = []
    told: Told = {}
    diverse: Diverse = False
    merge: Merge = False
    explain: Why = False


class StretchRequest(Request):
    """A segment, a recording, or a stretch of one."""

    source: SourceId
    start_s: Seconds | None = None
    end_s: Seconds | None = None
    explain: Why = False


class DescribeRequest(StretchRequest):
    """A stretch to put into words."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"source": f"{ID}@12.400"},
                {"source": ID, "start_s": 12.4, "end_s": 14.9, "k": 3},
            ]
        }
    )

    k: Descriptions = 5


class SimilarRequest(StretchRequest):
    """A stretch to find the like of."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"source": f"{ID}@12.400", "k": 5, "where": "kind = 'contraction'"}]}
    )

    k: Hits = 10
    where: Condition | None = None
    diverse: Diverse = False
    merge: Merge = False


class LabelRequest(Request):
    """A recording, and phrases to choose from for each of its segments."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"source": ID, "candidates": ["make a fist", "pinch"]}]}
    )

    source: SourceId
    candidates: Candidates
    told: Told = {}


class Failure(BaseModel):
    """Why a request was not answered, and what to do."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"error": "there is no segment of this id", "hint": None}]}
    )

    error: str
    hint: str | None = None


class Health(BaseModel):
    """How the server is.

    Attributes:
        status: ``ok``, or ``stale`` where the newest version of the library cannot be used.
        trouble: why not.
        version: of the library, in use.
        model: in use.
        indexed: whether the library can be searched.
    """

    status: str
    trouble: str | None
    version: int
    model: str
    recordings: int
    segments: int
    indexed: bool
    uptime_s: float


class ChannelOut(BaseModel):
    """An electrode; ``angle_deg`` is its place round the limb, null where unknown."""

    name: str
    angle_deg: float | None


class SignalOut(BaseModel):
    """The samples of a segment and of what is round it.

    Attributes:
        start_s: of the segment within the recording.
        end_s: of the segment.
        from_s: time of the first sample.
        samples: one list a channel.
    """

    version: int
    segment: str
    recording: str
    label: str | None
    start_s: float
    end_s: float
    from_s: float
    rate_hz: float
    unit: str
    channels: list[ChannelOut]
    samples: list[list[float]]
