"""The tools and resources of ``myosem mcp``. Answers are those of ``myosem.results``; times are seconds.

A client names segments, recordings and sources of the library by what a tool told it. Whatever the library
does not know is refused and never looked for on the disk, unless files were allowed.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

from myosem import __version__
from myosem.cli.info import facts
from myosem.cli.recordings import Recordings, page_of_recordings
from myosem.condition import COLUMNS
from myosem.errors import MyoSemError, SourceError, UsageError
from myosem.prompts import load_actions
from myosem.results import DescribeResult, LabelResult, SearchResult
from myosem.sources import stored_segments

if TYPE_CHECKING:
    from myosem.cli.web.state import Engines
    from myosem.search import Engine

MOST_HITS, MOST_DESCRIPTIONS, MOST_PHRASES, MOST_RECORDINGS, MOST_POINTS = 100, 50, 100, 200, 500
LONGEST_TEXT, LONGEST_CONDITION, LONGEST_SOURCE = 500, 2_000, 4_000
MOST_CONTEXT_S = 10.0
INSTRUCTIONS = """\
MyoSem searches recorded muscle activity (EMG of the forearm) with plain words. `search` finds moments by a
description such as "make a fist"; `describe` says what a moment looks like; `similar` finds more like it;
`label` names every segment of a recording from a list of phrases. Moments are named by the ids that these
tools give. A hit that does not fit (`fits` false) is merely nearest: say so, do not present it as found."""
READ_ONLY = ToolAnnotations(read_only_hint=True, open_world_hint=False)

Query = Annotated[
    str, Field(min_length=1, max_length=LONGEST_TEXT, description="Any phrase about what a hand does.")
]
Source = Annotated[
    str,
    Field(
        min_length=1,
        max_length=LONGEST_SOURCE,
        description="Id of a segment or recording, or a source, as the other tools give it.",
    ),
]
Where = Annotated[
    str | None,
    Field(max_length=LONGEST_CONDITION, description=f"One SQL condition over {', '.join(COLUMNS)}."),
]
Start = Annotated[float | None, Field(ge=0, description="Start of a stretch of the recording in seconds.")]
End = Annotated[float | None, Field(ge=0, description="End of the stretch in seconds.")]
Hits = Annotated[int, Field(ge=1, le=MOST_HITS, description="How many hits at most.")]


@dataclass(frozen=True)
class Signal:
    """How strong each channel is from moment to moment.

    Attributes:
        points_s: middle of each point.
        rms: one list a channel, root mean square about its mean in ``unit``.
    """

    segment: str
    recording: str
    label: str | None
    start_s: float
    end_s: float
    unit: str
    channels: list[str]
    points_s: list[float]
    rms: list[list[float]]


@dataclass(frozen=True)
class ActionOut:
    """An action that the model knows."""

    action: str
    names: list[str]
    group: str
    text: str


@dataclass(frozen=True)
class Actions:
    """What can be told apart best."""

    actions: list[ActionOut]


def make_server(engines: "Engines", *, allow_files: bool = False) -> MCPServer:
    """A server over one library.

    Args:
        engines: hand out the engine of the published version; the caller closes them.
        allow_files: whether a source may be a file of this computer.
    """
    server = MCPServer("myosem", title="MyoSem", version=__version__, instructions=INSTRUCTIONS)
    desk = _Desk(engines, allow_files)
    _add_questions(server, desk)
    _add_reading(server, desk)
    _add_resources(server, desk)
    return server


@dataclass(frozen=True)
class _Desk:
    """Hands out the engine for one question."""

    engines: "Engines"
    allow_files: bool

    @contextmanager
    def engine(self, source: str | None = None) -> Iterator["Engine"]:
        """The engine, once it is sure that ``source`` may be asked for. Typed errors become tool errors."""
        try:
            with self.engines.use() as engine:
                if source is not None and not self.allow_files:
                    self._check(engine, source)
                yield engine
        except MyoSemError as error:
            raise ToolError(str(error)) from error

    @staticmethod
    def _check(engine: "Engine", source: str) -> None:
        if not stored_segments(source, engine.library):
            raise SourceError(
                "the library has nothing of this name",
                got=repr(source),
                expected="the id of a segment or recording, or a source",
                hint="the tool search or list_recordings",
            )


def _add_questions(server: MCPServer, desk: _Desk) -> None:
    @server.tool(annotations=READ_ONLY)
    def search(query: Query, k: Hits = 10, where: Where = None) -> SearchResult:
        """Find moments in the recordings that match a description in words, best first."""
        with desk.engine() as engine:
            return engine.search(query, k, where)

    @server.tool(annotations=READ_ONLY)
    def similar(
        source: Source, start_s: Start = None, end_s: End = None, k: Hits = 10, where: Where = None
    ) -> SearchResult:
        """Find the moments most like a segment, or like a stretch of a recording."""
        with desk.engine(source) as engine:
            return engine.similar(source, start_s, end_s, k, where)

    @server.tool(annotations=READ_ONLY)
    def describe(
        source: Source,
        start_s: Start = None,
        end_s: End = None,
        k: Annotated[int, Field(ge=1, le=MOST_DESCRIPTIONS)] = 5,
    ) -> DescribeResult:
        """Say in words what a segment, or a stretch of a recording, looks like, the likeliest first."""
        with desk.engine(source) as engine:
            return engine.describe(source, start_s, end_s, k)

    @server.tool(annotations=READ_ONLY)
    def label(
        source: Source, candidates: Annotated[list[Query], Field(min_length=1, max_length=MOST_PHRASES)]
    ) -> LabelResult:
        """Name each segment of a recording from a list of phrases; null where none of them fits."""
        with desk.engine(source) as engine:
            return engine.label(source, candidates)


def _add_reading(server: MCPServer, desk: _Desk) -> None:
    @server.tool(annotations=READ_ONLY)
    def library_info() -> dict[str, Any]:
        """What the library holds: data sets with people, recordings, segments, hours and labels."""
        with desk.engine() as engine:
            return _plain(facts(engine.library))

    @server.tool(annotations=READ_ONLY)
    def list_recordings(
        offset: Annotated[int, Field(ge=0)] = 0, limit: Annotated[int, Field(ge=1, le=MOST_RECORDINGS)] = 50
    ) -> Recordings:
        """Recordings in order of data set, subject, session and name."""
        with desk.engine() as engine:
            return page_of_recordings(engine.library, offset, limit)

    @server.tool(annotations=READ_ONLY)
    def segment_signal(
        segment: Annotated[str, Field(max_length=100, description="Id of a segment.")],
        points: Annotated[int, Field(ge=1, le=MOST_POINTS, description="Points over time.")] = 50,
        context_s: Annotated[
            float, Field(ge=0, le=MOST_CONTEXT_S, description="Seconds before and after.")
        ] = 0.5,
    ) -> Signal:
        """How strong each channel is in a segment from moment to moment."""
        with desk.engine() as engine:
            return _signal(engine, segment, points, context_s)

    @server.tool(annotations=READ_ONLY)
    def actions() -> Actions:
        """The actions that the model knows by name; any other phrase may be searched for too."""
        with desk.engine() as engine:
            return _actions(engine)


def _add_resources(server: MCPServer, desk: _Desk) -> None:
    @server.resource("myosem://library", title="The library", mime_type="application/json")
    def library() -> str:
        """What the library holds."""
        return _resource(desk, lambda engine: _plain(facts(engine.library)))

    @server.resource("myosem://actions", title="Actions", mime_type="application/json")
    def known_actions() -> str:
        """The actions that the model knows by name."""
        return _resource(desk, lambda engine: asdict(_actions(engine)))


def _resource(desk: _Desk, question: "Callable[[Engine], Any]") -> str:
    try:
        with desk.engine() as engine:
            return json.dumps(question(engine), ensure_ascii=False)
    except ToolError as error:
        raise ResourceError(str(error)) from error


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(values))
    return plain


def _signal(engine: "Engine", segment: str, points: int, context_s: float) -> Signal:
    library = engine.library
    row = library.segment(segment)
    recording = library.recordings_by_id([row.recording])[row.recording]
    first = max(round((row.start_s - context_s) * recording.rate_hz), 0)
    samples = np.asarray(
        recording.samples[first : round((row.end_s + context_s) * recording.rate_hz)], dtype=np.float64
    )
    if not len(samples):
        raise UsageError("the segment has no samples", got=segment)
    parts = np.array_split(samples - samples.mean(axis=0), min(points, len(samples)))
    middles = np.cumsum([len(part) for part in parts]) - np.array([len(part) for part in parts]) / 2
    rms = np.sqrt([(part**2).mean(axis=0) for part in parts])  # (points, C)
    return Signal(
        segment=row.segment,
        recording=row.recording,
        label=row.label,
        start_s=round(row.start_s, 3),
        end_s=round(row.end_s, 3),
        unit=recording.unit,
        channels=[channel.name for channel in recording.channels],
        points_s=[round(float(at), 3) for at in (first + middles) / recording.rate_hz],
        rms=[[float(f"{value:.4g}") for value in channel] for channel in rms.T],
    )


def _actions(engine: "Engine") -> Actions:
    known = load_actions()
    entries = [known[action] for action in engine.model.actions if action in known]
    return Actions([ActionOut(one.id, list(one.names), one.group, one.views["plain"][0]) for one in entries])
