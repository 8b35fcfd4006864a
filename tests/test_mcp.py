"""The engine as tools, asked through the SDK's own client in this process; answers are the engine's own."""

import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import FakeModel, write_bursts

from myosem import extras
from myosem.cli.main import main
from myosem.cli.web.state import Engines
from myosem.ingest import ingest
from myosem.search import Engine

mcp: Any = pytest.importorskip("mcp", reason="the extra [mcp] is not here")
from myosem.cli.mcp_tools import make_server  # noqa: E402

TOOLS = {
    "search",
    "similar",
    "describe",
    "label",
    "library_info",
    "list_recordings",
    "segment_signal",
    "actions",
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mcp")
    for seed, session in enumerate(("day1", "day2")):
        write_bursts(folder / "files", session, "r1", seed=seed)
    ingest(folder / "lib", [folder / "files"], model=FakeModel())
    return folder / "lib"


@pytest.fixture
def engines(library: Path) -> Iterator[Engines]:
    model: Any = FakeModel()
    held = Engines(library, model)
    yield held
    held.close()


@pytest.fixture
def engine(library: Path) -> Engine:
    model: Any = FakeModel()
    return Engine(library, model)


def ask(engines: Engines, tool: str, *, allow_files: bool = False, **arguments: Any) -> Any:
    """The structured answer of a tool; where it fails, its error as text."""

    async def run() -> Any:
        async with mcp.Client(make_server(engines, allow_files=allow_files)) as client:
            return await client.call_tool(tool, arguments)

    result = asyncio.run(run())
    return result.content[0].text if result.is_error else result.structured_content


def plain(value: Any) -> Any:
    return json.loads(json.dumps(asdict(value)))


def test_the_tools_say_what_they_are_and_change_nothing(engines: Engines) -> None:
    async def run() -> Any:
        async with mcp.Client(make_server(engines)) as client:
            return (await client.list_tools()).tools

    tools = {tool.name: tool for tool in asyncio.run(run())}
    assert set(tools) == TOOLS
    assert all(tool.description and tool.annotations.read_only_hint for tool in tools.values())
    assert tools["search"].input_schema["properties"]["k"]["maximum"] == 100


def test_search_answers_as_the_engine_does(engines: Engines, engine: Engine) -> None:
    found = ask(engines, "search", query="make a fist", k=3, where="label = 'fist'")
    assert found == plain(engine.search("make a fist", 3, "label = 'fist'"))
    assert found["hits"]


def test_segments_are_described_likened_and_labelled(engines: Engines, engine: Engine) -> None:
    hit = engine.search("fist", 1).hits[0]
    assert ask(engines, "describe", source=hit.segment, k=2) == plain(engine.describe(hit.segment, k=2))
    stretch: dict[str, Any] = {"start_s": hit.start_s, "end_s": hit.end_s}
    assert ask(engines, "similar", source=hit.recording, k=2, **stretch) == plain(
        engine.similar(hit.recording, hit.start_s, hit.end_s, 2)
    )
    labelled = ask(engines, "label", source=hit.recording, candidates=["fist", "open hand"])
    assert labelled == plain(engine.label(hit.recording, ["fist", "open hand"]))


def test_what_the_library_holds(engines: Engines, engine: Engine) -> None:
    info = ask(engines, "library_info")
    assert info["recordings"] == 2 and info["datasets"][0]["dataset"] == "bench"
    page = ask(engines, "list_recordings", offset=1, limit=5)
    assert page["total"] == 2 and len(page["recordings"]) == 1
    assert page["recordings"][0]["duration_s"] == 16.0
    known = ask(engines, "actions")["actions"]
    assert [one["action"] for one in known] == list(FakeModel.actions) and all(one["text"] for one in known)


def test_the_signal_of_a_segment_is_its_strength_over_time(engines: Engines, engine: Engine) -> None:
    hit = engine.search("fist", 1, "label IS NOT NULL").hits[0]
    found = ask(engines, "segment_signal", segment=hit.segment, points=10, context_s=0.0)
    [recording] = engine.recordings([hit])
    samples = recording.between(hit.start_s, hit.end_s).astype(np.float64)
    parts = np.array_split(samples - samples.mean(axis=0), 10)
    expected = [np.sqrt((part**2).mean(axis=0)) for part in parts]
    np.testing.assert_allclose(np.array(found["rms"]).T, expected, rtol=1e-3)
    assert len(found["points_s"]) == 10 and hit.start_s < found["points_s"][0] < hit.end_s
    assert found["channels"] == ["ch1", "ch2", "ch3", "ch4"]


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("search", {"query": " "}, "the query is empty"),
        ("search", {"query": "fist", "k": 0}, "greater than or equal to 1"),
        ("search", {"query": "fist", "k": 101}, "less than or equal to 100"),
        ("search", {"query": "fist", "where": "nonsense ="}, "try|expected|cannot"),
        ("search", {"query": "x" * 501}, "at most 500"),
        ("segment_signal", {"segment": "no@1.000"}, "no segment"),
        ("label", {"source": "nothing", "candidates": ["fist"]}, "the library has nothing of this name"),
        ("describe", {"source": "/etc/hostname"}, "the library has nothing of this name"),
    ],
)
def test_mistakes_are_tool_errors(engines: Engines, tool: str, arguments: dict[str, Any], said: str) -> None:
    answer = ask(engines, tool, **arguments)
    assert isinstance(answer, str) and any(one in answer for one in said.split("|")), answer


def test_a_file_is_read_only_where_files_are_allowed(engines: Engines, library: Path, tmp_path: Path) -> None:
    path = str(write_bursts(tmp_path, "day9", "r1", seed=5))
    assert "the library has nothing of this name" in ask(engines, "describe", source=path)
    described = ask(engines, "describe", source=path, allow_files=True, start_s=2, end_s=4)
    assert described["source"] == path and described["descriptions"]


def test_the_library_is_a_resource(engines: Engines) -> None:
    async def run() -> Any:
        async with mcp.Client(make_server(engines)) as client:
            listed = {str(one.uri) for one in (await client.list_resources()).resources}
            return listed, await client.read_resource("myosem://library")

    listed, read = asyncio.run(run())
    assert listed == {"myosem://library", "myosem://actions"}
    assert json.loads(read.contents[0].text)["segments"] > 0


def test_a_new_version_is_seen(tmp_path: Path) -> None:
    write_bursts(tmp_path / "files", "day1", "r1", seed=1)
    model: Any = FakeModel()
    ingest(tmp_path / "lib", [tmp_path / "files"], model=model)
    held = Engines(tmp_path / "lib", model)
    assert ask(held, "library_info")["recordings"] == 1
    write_bursts(tmp_path / "files", "day2", "r1", seed=2)
    ingest(tmp_path / "lib", [tmp_path / "files"], model=model)
    assert ask(held, "library_info")["recordings"] == 2
    held.close()


def test_without_the_extra_the_command_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(extras, "_installed", lambda name: name != "mcp")
    monkeypatch.setattr(sys, "argv", ["myosem", "mcp", "--library", "lib"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert 'pip install "myosem[mcp]"' in capsys.readouterr().err
