"""The API answers what the engine answers, and refuses everything else in one form."""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import FakeModel, write_bursts
from fastapi.testclient import TestClient
from web_toys import client_of, open_engines, write_library

from myosem.cli.web.state import Engines
from myosem.errors import ModelError
from myosem.ingest import ingest
from myosem.search import Engine


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_library(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def engines(path: Path) -> Engines:
    return open_engines(path)


@pytest.fixture
def client(engines: Engines) -> Iterator[TestClient]:
    with client_of(engines) as client:
        yield client


@pytest.fixture
def engine(engines: Engines) -> Iterator[Engine]:
    with engines.use() as engine:
        yield engine


def as_json(result: Any) -> Any:
    return json.loads(json.dumps(asdict(result)))


def test_search_answers_as_the_engine_does(client: TestClient, engine: Engine) -> None:
    asked = {"query": "make a fist", "k": 4, "where": "session = 'a'"}
    answer = client.post("/search", json=asked)
    assert answer.status_code == 200
    assert answer.json() == as_json(engine.search("make a fist", 4, "session = 'a'"))
    assert len(answer.json()["hits"]) == 4
    assert answer.headers["X-MyoSem-Version"] == str(answer.json()["version"]) == "1"


def test_search_takes_examples_and_judgements(client: TestClient, engine: Engine) -> None:
    one, two, three = (row.segment for row in engine.library.rows([1, 4, 7]))
    asked: dict[str, Any] = {
        "like": [one, "pinch"],
        "unlike": [two],
        "less": [three],
        "diverse": True,
        "merge": True,
    }
    answer = client.post("/search", json=asked)
    assert answer.json() == as_json(engine.search(**asked))
    assert one not in [hit["segment"] for hit in answer.json()["hits"]]
    assert client.post("/search", json={"like": ["0123456789abcdef"]}).status_code == 400
    assert client.post("/search", json={"query": "fist", "more": ["/etc/passwd"]}).status_code == 422


def test_names_that_were_told_count_in_a_search_and_among_labels(client: TestClient, engine: Engine) -> None:
    one, two = engine.library.rows([1, 4])
    told = {one.segment: "make a fist", two.segment: "make a fist"}
    found = client.post("/search", json={"query": "make a fist", "told": told}).json()
    assert found == as_json(engine.search("make a fist", told=told))
    assert found["more"] == list(told)
    candidates, told = ["make a fist", "pinch"], {one.segment: "pinch"}
    asked: dict[str, object] = {"source": one.recording, "candidates": candidates, "told": told}
    labelled = client.post("/label", json=asked).json()
    assert labelled == as_json(engine.label(one.recording, candidates, told=told))
    assert client.post("/label", json=asked | {"told": {one.segment: "point"}}).status_code == 400
    assert client.post("/search", json={"query": "fist", "told": {"../lib": "fist"}}).status_code == 422
    assert client.post("/search", json={"query": "fist", "told": {one.segment: " "}}).status_code == 422


def test_a_segment_is_described_compared_and_labelled(client: TestClient, engine: Engine) -> None:
    row = engine.library.rows([3])[0]
    described = client.post("/describe", json={"source": row.segment, "k": 2})
    assert described.json() == as_json(engine.describe(row.segment, k=2))
    similar = client.post("/similar", json={"source": row.segment, "k": 3})
    assert similar.json() == as_json(engine.similar(row.segment, k=3))
    assert row.segment not in [hit["segment"] for hit in similar.json()["hits"]]
    labelled = client.post("/label", json={"source": row.recording, "candidates": ["fist", "pinch"]})
    assert labelled.json() == as_json(engine.label(row.recording, ["fist", "pinch"]))
    assert labelled.json()["segments"]


def test_a_stretch_of_a_recording_is_described(client: TestClient, engine: Engine) -> None:
    row = engine.library.rows([3])[0]
    asked = {"source": row.recording, "start_s": 2.0, "end_s": 4.0}
    assert client.post("/describe", json=asked).json() == as_json(engine.describe(row.recording, 2.0, 4.0))


def test_signal_holds_the_samples_of_the_segment(client: TestClient, engine: Engine) -> None:
    row = engine.library.rows([1])[0]
    found = client.get(f"/segments/{row.segment}/signal", params={"context_s": 0.25}).json()
    recording = engine.library.recording(row.recording)
    first = max(round((row.start_s - 0.25) * 200), 0)
    samples = recording.samples[first : round((row.end_s + 0.25) * 200)]
    assert np.allclose(np.array(found["samples"]).T, samples, rtol=1e-6)
    assert found["from_s"] == pytest.approx(first / 200)
    assert (found["segment"], found["rate_hz"], len(found["channels"])) == (row.segment, 200, 4)


def test_recordings_come_in_pages(client: TestClient, engine: Engine) -> None:
    every = client.get("/recordings").json()
    assert every["total"] == len(every["recordings"]) == 3
    assert [one["name"] for one in every["recordings"]] == ["one", "two", "one"]
    assert every["recordings"][0]["duration_s"] == 16
    second = client.get("/recordings", params={"offset": 1, "limit": 1}).json()
    assert second["recordings"] == every["recordings"][1:2]
    assert client.get("/recordings", params={"offset": 99}).json()["recordings"] == []


@pytest.mark.parametrize("where", ["/describe", "/similar", "/label"])
@pytest.mark.parametrize("source", ["0123456789abcdef", "0123456789abcdef@1.000"])
def test_an_id_that_does_not_exist_is_not_found(client: TestClient, where: str, source: str) -> None:
    asked: dict[str, Any] = {"source": source} | ({"candidates": ["fist"]} if where == "/label" else {})
    answer = client.post(where, json=asked)
    assert answer.status_code == 404
    assert set(answer.json()) == {"error", "hint"}


def test_a_segment_that_does_not_exist_in_a_recording_that_does(client: TestClient, engine: Engine) -> None:
    missing = f"{engine.library.rows([0])[0].recording}@999.000"
    assert client.post("/describe", json={"source": missing}).status_code == 404
    assert client.get(f"/segments/{missing}/signal").status_code == 404


@pytest.mark.parametrize("source", ["/etc/passwd", "files/a_one.npz", "../lib", "a.zip!b", ""])
def test_a_path_is_never_looked_up(client: TestClient, path: Path, source: str) -> None:
    for name in (source, str(path.parent / "files" / "a_one.npz")):
        answer = client.post("/describe", json={"source": name})
        assert answer.status_code == 422
        assert "samples" not in answer.text


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"query": ""},
        {"query": "   "},
        {"query": "x" * 501},
        {"query": "fist", "k": 0},
        {"query": "fist", "k": 1001},
        {"query": "fist", "k": 10**30},
        {"query": "fist", "where": "x" * 2001},
        {"query": "fist", "strange": 1},
        {"query": 3},
        [],
        None,
    ],
)
def test_what_the_schema_does_not_allow_is_refused(client: TestClient, asked: Any) -> None:
    answer = client.post("/search", json=asked)
    assert answer.status_code in (400, 422)
    assert set(answer.json()) == {"error", "hint"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"query": "\\ud800"}',
        b'{"query": "fist\\u0000", "k": NaN}',
        b'{"query": "fist", "k": 1e999}',
        b'{"query": "fist", "k": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
    ],
)
def test_no_body_makes_the_server_fail(client: TestClient, body: bytes) -> None:
    answer = client.post("/search", content=body, headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500
    assert set(answer.json()) == {"error", "hint"}


@pytest.mark.parametrize(
    "condition",
    [
        "1 = (SELECT count(*) FROM read_csv('/etc/passwd'))",
        "label IN (SELECT content FROM read_text('/etc/passwd'))",
        "EXISTS (FROM read_blob('/etc/passwd'))",
        "EXISTS (FROM '/etc/passwd')",
        "getenv('HOME') <> ''",
        "current_setting('temp_directory') <> ''",
        "true) UNION ALL SELECT 1 WHERE (true",
        "true); COPY segments TO '/tmp/stolen.csv'; SELECT (true",
        "true); PRAGMA database_list; --",
        "true); ATTACH '/tmp/new.duckdb'; --",
        "true) --",
        "(SELECT true)",
        "label = (FROM glob('/*') LIMIT 1)",
        "pg_sleep(9)",
        "query('SELECT 1') = 1",
        "list_transform([1], x -> getenv('HOME'))[1] = ''",
        "row_number() OVER () = 1",
        "repeat('x', 1000000000) = ''",
        "COLUMNS(*) IS NULL",
        "label = $1",
        "hits.label = (VALUES ('x'))",
    ],
)
def test_a_condition_reaches_nothing_but_the_columns(client: TestClient, condition: str) -> None:
    answer = client.post("/search", json={"query": "fist", "where": condition})
    assert answer.status_code == 400, answer.text
    assert "root:" not in answer.text


@pytest.mark.parametrize(
    "condition", ["label = '\x00'", "label = '\U0001f4aa'", "label ~~ '%%%%'", "1 = 1" + " and 1 = 1" * 150]
)
def test_strange_conditions_are_answered_or_refused(client: TestClient, condition: str) -> None:
    answer = client.post("/search", json={"query": "a\x00b", "where": condition})
    assert answer.status_code in (200, 400)


def test_a_library_that_is_not_indexed_says_so(tmp_path: Path) -> None:
    write_bursts(tmp_path / "files", "a", "one", 0)
    ingest(tmp_path / "lib", [tmp_path / "files"], model=None)
    with client_of(open_engines(tmp_path / "lib")) as client:
        assert client.get("/health").json()["indexed"] is False
        answer = client.post("/search", json={"query": "fist"})
    assert answer.status_code == 409
    assert "myosem index" in answer.json()["hint"]


def test_what_nobody_expected_is_a_plain_answer(
    client: TestClient, engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(Engine, "search", broken)
    answer = client.post("/search", json={"query": "fist"})
    assert (answer.status_code, set(answer.json())) == (500, {"error", "hint"})
    assert "secret" not in answer.text
    assert "ZeroDivisionError" in caplog.text


def test_errors_keep_their_hint(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(*_: Any, **__: Any) -> None:
        raise ModelError("the model is damaged", got="nothing", hint="pip install myosem")

    monkeypatch.setattr(Engine, "search", damaged)
    answer = client.post("/search", json={"query": "fist"})
    assert answer.status_code == 503
    assert answer.json() == {"error": "the model is damaged; got nothing", "hint": "pip install myosem"}


def test_health_follows_the_library(path: Path, client: TestClient, engine: Engine) -> None:
    found = client.get("/health").json()
    assert (found["status"], found["version"], found["model"]) == ("ok", 1, FakeModel.name)
    assert found["segments"] == engine.library.manifest.segments
    assert str(path) not in client.get("/health").text


def test_what_does_not_exist_is_said_so_in_the_same_form(client: TestClient) -> None:
    for answer in (client.get("/nothing"), client.get("/search"), client.put("/health")):
        assert answer.status_code in (404, 405)
        assert set(answer.json()) == {"error", "hint"}


def test_requests_are_counted(engines: Engines) -> None:
    with client_of(engines) as client:
        for k in (1, 2, 0):
            client.post("/search", json={"query": "fist", "k": k})
        client.get("/segments/0123456789abcdef@1.000/signal")
        client.get("/wp-admin.php")
        text = client.get("/metrics")
    lines = text.text.splitlines()
    assert text.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'myosem_requests_total{method="POST",path="/search",status="200"} 2' in lines
    assert 'myosem_requests_total{method="POST",path="/search",status="422"} 1' in lines
    assert 'myosem_requests_total{method="GET",path="/segments/{segment}/signal",status="404"} 1' in lines
    assert 'myosem_request_seconds_count{method="POST",path="/search"} 3' in lines
    assert 'myosem_request_seconds_bucket{method="POST",path="/search",le="+Inf"} 3' in lines
    assert "myosem_library_version 1" in lines
    assert "wp-admin" not in text.text


def test_openapi_has_an_example_of_every_body(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    shown = document["components"]["schemas"]
    for name in ("SearchRequest", "DescribeRequest", "SimilarRequest", "LabelRequest"):
        assert shown[name]["examples"]
    paths = {"/search", "/describe", "/similar", "/label", "/health", "/metrics", "/recordings"}
    assert paths | {"/segments/{segment}/signal"} <= set(document["paths"])


def test_the_page_of_the_api_needs_no_other_server(client: TestClient) -> None:
    page = client.get("/docs")
    needed = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert page.status_code == 200
    assert len(needed) >= 3
    for one in needed:
        assert one.startswith("/docs/files/")
        assert client.get(one).status_code == 200
    assert '"validatorUrl": null' in page.text
    assert client.get("/redoc").status_code == 404
