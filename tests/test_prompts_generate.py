"""The generator of further texts, against a tiny endpoint on this machine."""

import http.server
import json
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest

from myosem import prompts
from myosem.errors import GenerationError, MissingExtraError, UsageError
from myosem.prompts import Action, load_actions, normal, read_file
from myosem.prompts.generate import ask_endpoint, ask_local, new_texts, write_texts

PACKAGE = Path(prompts.__file__).parent


class Endpoint(http.server.BaseHTTPRequestHandler):
    """Answers like an OpenAI-compatible server: each request gets two numbered texts."""

    seen: ClassVar[list[tuple[str, dict[str, Any], str | None]]]
    status = 200
    content: bytes | None = None

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.seen.append((self.path, body, self.headers["Authorization"]))
        n = len(self.seen)
        text = f"Here you are:\n1. text {n} one\n- text {n} two\n* text {n} one"
        content = self.content or json.dumps({"choices": [{"message": {"content": text}}]}).encode()
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


Serve = Callable[..., tuple[str, type[Endpoint]]]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Starts an endpoint with the given status and content; its base URL and handler."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    servers: list[tuple[http.server.HTTPServer, threading.Thread]] = []

    def start(**changes: Any) -> tuple[str, type[Endpoint]]:
        handler = type("Handler", (Endpoint,), {"seen": []} | changes)
        server = http.server.HTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}/v1", handler

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def actions() -> dict[str, Action]:
    return load_actions()


def test_generated_texts_are_written_with_provenance_and_load(
    serve: Serve, actions: dict[str, Action], tmp_path: Path
) -> None:
    url, endpoint = serve()
    ask = ask_endpoint("tiny", base_url=url, key="secret")
    write_texts(tmp_path / "more.yaml", actions, ask, model="tiny", only=["fist", "point"])
    file = read_file(tmp_path / "more.yaml")
    assert file.provenance.model == "tiny"
    assert file.texts["fist"]["plain"] == ("text 1 one", "text 1 two")
    assert [len(views) for views in file.texts.values()] == [6, 6]
    where, body, token = endpoint.seen[0]
    assert (where, body["model"], token) == ("/v1/chat/completions", "tiny", "Bearer secret")
    for said in [*actions["fist"].names, actions[actions["fist"].neighbours[0]].names[0], "The view: plain"]:
        assert said in body["messages"][0]["content"]
    for path in PACKAGE.glob("*.yaml"):
        shutil.copy(path, tmp_path)
    assert load_actions(tmp_path)["point"].views["contrast"][-1] == "text 12 two"


def test_generation_goes_on_where_it_stopped(
    serve: Serve, actions: dict[str, Action], tmp_path: Path
) -> None:
    url, endpoint = serve()
    ask, path = ask_endpoint("tiny", base_url=url), tmp_path / "more.yaml"
    write_texts(path, actions, ask, model="tiny", only=["fist"])
    first = read_file(path).texts["fist"]
    assert len(endpoint.seen) == 6
    write_texts(path, actions, ask, model="tiny", only=["fist", "point"])
    assert len(endpoint.seen) == 12
    assert read_file(path).texts["fist"] == first
    assert [p.name for p in tmp_path.glob("more*")] == ["more.yaml"]
    with pytest.raises(UsageError, match="another model or instruction; got tiny; expected big"):
        write_texts(path, actions, ask, model="big")


def test_an_endpoint_from_the_environment(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    url, endpoint = serve()
    monkeypatch.setenv("OPENAI_BASE_URL", url + "/")
    monkeypatch.setenv("OPENAI_API_KEY", "from outside")
    assert "text 1 two" in ask_endpoint("tiny")("hello")
    assert endpoint.seen[0][2] == "Bearer from outside"


@pytest.mark.parametrize("url", [None, "", "file:///etc/hosts", "localhost:80"])
def test_an_unusable_base_url_is_refused(url: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(UsageError, match="OPENAI_BASE_URL"):
        ask_endpoint("tiny", base_url=url)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": 401, "content": b"no such key"}, ["refused", "401", "no such key"]),
        ({"content": b"<html>"}, ["not understood", "<html>", "choices"]),
        ({"content": b'{"choices": []}'}, ["not understood"]),
        ({"content": b"[3]"}, ["not understood"]),
    ],
)
def test_a_failing_endpoint_is_one_clear_error(
    serve: Serve, changes: dict[str, Any], words: list[str]
) -> None:
    url, _ = serve(**changes)
    with pytest.raises(GenerationError) as error:
        ask_endpoint("tiny", base_url=url, key="secret")("hello")
    for word in [url, *words]:
        assert word in str(error.value)
    assert "secret" not in str(error.value)


def test_an_endpoint_that_speaks_no_http(serve: Serve) -> None:
    url, _ = serve(do_POST=lambda self: self.wfile.write(b"hello\r\n\r\n"))
    with pytest.raises(GenerationError, match=f"{url}.*cannot be reached"):
        ask_endpoint("tiny", base_url=url)("hello")


def test_an_endpoint_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(GenerationError, match="cannot be reached"):
        ask_endpoint("tiny", base_url="http://127.0.0.1:9/v1", timeout_s=5)("hello")


def test_an_endpoint_that_never_answers(serve: Serve) -> None:
    release = threading.Event()
    url, _ = serve(do_POST=lambda self: release.wait(30))
    try:
        with pytest.raises(GenerationError, match=r"no answer within 0\.05 s"):
            ask_endpoint("tiny", base_url=url, timeout_s=0.05)("hello")
    finally:
        release.set()


def test_new_texts_drop_what_is_known_too_long_or_a_heading() -> None:
    known = {normal("Bend the hand")}
    answer = '```\nSure:\n1) "bend the hand."\n2. fold it\n\n- Fold it!\n• ' + "word " * 31 + "\nplain line"
    assert new_texts(answer, known) == ("fold it", "plain line")
    assert new_texts(answer, known) == ()


def test_an_answer_without_new_texts_is_an_error(actions: dict[str, Action], tmp_path: Path) -> None:
    path = tmp_path / "more.yaml"
    with pytest.raises(GenerationError, match="parrot: no new text for fist"):
        write_texts(path, actions, lambda _: "Fist!\nwrist flexion", model="parrot", only=["fist"])
    assert not path.exists()


def test_wrong_arguments_of_write_texts(actions: dict[str, Action], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no such action; got \['c'\]; there is .*wrist-flexion"):
        write_texts(tmp_path / "more.yaml", actions, str, model="m", only=["c"])
    with pytest.raises(UsageError, match="folder does not exist"):
        write_texts(tmp_path / "none" / "more.yaml", actions, str, model="m")


def test_a_local_model_without_transformers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtraError, match=r"myosem\[train\]"):
        ask_local("some/model")


def test_a_local_model_is_asked_as_a_chat(monkeypatch: pytest.MonkeyPatch) -> None:
    def pipeline(task: str, model: str) -> Callable[..., Any]:
        def echo(messages: list[dict[str, str]], max_new_tokens: int) -> Any:
            said = f"{task} {model} {max_new_tokens} {messages[0]['content']}"
            return [{"generated_text": [*messages, {"role": "assistant", "content": said}]}]

        return echo

    fake = ModuleType("transformers")
    fake.pipeline = pipeline  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "transformers", fake)
    assert ask_local("echo", maximum_tokens=5)("hello") == "text-generation echo 5 hello"
