"""The action entries, their loader, their templates, and the generator against a tiny endpoint."""

import hashlib
import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest
import yaml
from pydantic import ValidationError

from myosem import prompts
from myosem.errors import GenerationError, MissingExtraError, PromptError, UsageError
from myosem.prompts import VIEWS, Action, action_for_name, load_actions, normal, read_file, texts_of
from myosem.prompts.generate import ask_endpoint, ask_local, new_texts, write_texts
from myosem.prompts.templates import EFFORTS, effort_word, pose_phrases, template_texts

PACKAGE = Path(prompts.__file__).parent
PROVENANCE = {"model": "someone", "prompt_sha256": "0" * 64, "date": "2026-11-20"}

WRIST = """
rest supination pronation supination-little-axis pronation-little-axis wrist-flexion wrist-extension
radial-deviation ulnar-deviation wrist-extension-neutral-forearm wrist-flexion-neutral-forearm
"""
COMPOSITIONS = {
    **{
        f"{wrist}-{turn}": (wrist, turn)
        for turn in ("pronation", "supination", "fist")
        for wrist in ("wrist-flexion", "wrist-extension", "radial-deviation", "ulnar-deviation")
    },
    "pronation-fist": ("pronation", "fist"),
    "supination-fist": ("supination", "fist"),
}


def entry(id_: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "names": [f"{id_} it"],
        "group": "wrist",
        "pose": {"wrist_flexion": 0.9},
        "effort": 0.5,
        "dynamic": False,
        "object": None,
        "muscles": ["flexor carpi radialis", "palmaris longus"],
        "neighbours": [],
        "parts": [],
        "views": {view: [f"{id_} {view} {n}" for n in range(4)] for view in VIEWS},
    } | changes


def write(folder: Path, name: str, *entries: dict[str, Any], **more: Any) -> Path:
    path = folder / name
    path.write_text(yaml.safe_dump({"provenance": PROVENANCE, "actions": list(entries)} | more))
    return path


# --- the package's own entries ----------------------------------------------------------------


def test_wrist_file_holds_every_wrist_action_and_composition() -> None:
    actions = load_actions()
    assert actions.keys() >= {*WRIST.split(), *COMPOSITIONS}
    assert {id_: actions[id_].parts for id_ in COMPOSITIONS} == COMPOSITIONS
    assert {action.id for action in actions.values() if action.group == "composition"} == set(COMPOSITIONS)


def test_rest_is_silent_and_relaxed_and_nothing_else_is() -> None:
    for action in load_actions().values():
        assert (action.effort == 0) == (not action.muscles) == (action.id == "rest"), action.id
    assert pose_phrases(load_actions()["rest"].pose) == []


def test_every_functional_view_has_six_texts() -> None:
    short = [a.id for a in load_actions().values() if len(a.views["functional"]) < 6]
    assert short == []


def test_no_text_or_name_belongs_to_two_actions() -> None:
    actions = list(load_actions().values())
    sets = {a.id: {normal(text) for text in (a.id, *a.names, *sum(a.views.values(), ()))} for a in actions}
    for i, one in enumerate(actions):
        for other in actions[i + 1 :]:
            assert not sets[one.id] & sets[other.id], (one.id, other.id)


def test_opposites_differ_in_the_sign_of_the_joint_they_are_named_after() -> None:
    actions = load_actions()
    for joint, less, more in [
        ("wrist_flexion", "wrist-extension", "wrist-flexion"),
        ("ulnar_deviation", "radial-deviation", "ulnar-deviation"),
        ("pronation", "supination", "pronation"),
    ]:
        for id_, action in actions.items():
            value = getattr(action.pose, joint)
            if less in (id_, *action.parts):
                assert value < -0.5, id_
            if more in (id_, *action.parts):
                assert value > 0.5, id_


def test_files_name_the_instruction_they_were_written_to() -> None:
    sha256 = hashlib.sha256((PACKAGE / "instruction.txt").read_bytes()).hexdigest()
    for path in PACKAGE.glob("*.yaml"):
        assert read_file(path).provenance.prompt_sha256 == sha256, path.name


@pytest.mark.parametrize(
    "name", ["Wrist Flexion", "wrist-flexion", " palmar  flexion of the wrist.", "wrist_flexion"]
)
def test_action_for_name_ignores_case_hyphens_and_spacing(name: str) -> None:
    assert action_for_name(name) == "wrist-flexion"


def test_action_for_name_knows_every_name_and_no_other() -> None:
    for action in load_actions().values():
        assert {action_for_name(name) for name in (action.id, *action.names)} == {action.id}
    assert action_for_name("peel a banana with the foot") is None


def test_texts_of_gives_names_first_and_nothing_twice() -> None:
    action = Action.model_validate(entry("a", names=["A it", "a plain 0"]))
    texts = texts_of(action)
    assert texts[:2] == [("plain", "A it"), ("plain", "a plain 0")]
    assert len(texts) == 2 + 6 * 4 - 1
    assert {view for view, _ in texts} == set(VIEWS)


# --- the schema and the loader ----------------------------------------------------------------


def test_a_valid_folder_loads_and_a_changed_result_does_not_reach_the_next_caller(tmp_path: Path) -> None:
    write(tmp_path, "b.yaml", entry("b", neighbours=["a"]))
    write(tmp_path, "a.yaml", entry("a", neighbours=["b"]))
    actions = load_actions(tmp_path)
    assert list(actions) == ["a", "b"]
    assert actions["a"].pose.wrist_flexion == 0.9
    actions.clear()
    assert list(load_actions(tmp_path)) == ["a", "b"]


def test_actions_are_frozen() -> None:
    action = Action.model_validate(entry("a"))
    with pytest.raises(ValidationError, match="frozen"):
        action.effort = 1.0
    with pytest.raises(ValidationError, match="frozen"):
        action.pose.index = 1.0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"colour": "red"}, ["field colour", "unknown field", "muscles", "neighbours"]),
        ({"pose": {"elbow": 1}}, ["field pose.elbow", "unknown field", "thumb_flexion"]),
        ({"pose": {"index": 1.5}}, ["field pose.index", "less than or equal to 1", "got 1.5"]),
        ({"pose": {"index": float("nan")}}, ["field pose.index", "nan"]),
        ({"effort": -0.1}, ["field effort", "greater than or equal to 0"]),
        ({"muscles": ["biceps"]}, ["field muscles.0", "'supinator'", "got 'biceps'"]),
        ({"group": "leg"}, ["field group", "'wrist'", "got 'leg'"]),
        ({"views": {"smell": ["a", "b"]}}, ["views.smell", "'kinematic'"]),
        ({"views": {view: ["one", "two", "three"] for view in VIEWS}}, ["'plain'", "at least 4"]),
        (
            {"views": {view: ["one", "two", "three", "One."] for view in VIEWS}},
            ["field views.", "'One.' stands there twice"],
        ),
        ({"names": []}, ["field names"]),
        ({"names": ["same name", "Same-Name"]}, ["field names", "twice"]),
        ({"parts": ["b", "c"]}, ["composition"]),
        ({"group": "composition", "parts": ["b"]}, ["composition"]),
        ({"neighbours": ["a"]}, ["its own neighbour"]),
        ({"id": "Wrist Flexion"}, ["field id"]),
    ],
)
def test_a_bad_entry_is_named_with_file_and_field(
    changes: dict[str, Any], words: list[str], tmp_path: Path
) -> None:
    bad = entry("a", **changes)
    write(tmp_path, "mine.yaml", entry("good"), bad)
    with pytest.raises(PromptError) as error:
        load_actions(tmp_path)
    for word in ["mine.yaml", f"entry {bad['id']}", *words]:
        assert word in str(error.value)


def test_a_missing_field_is_named(tmp_path: Path) -> None:
    bad = entry("a")
    del bad["muscles"]
    write(tmp_path, "mine.yaml", bad)
    with pytest.raises(PromptError, match=r"mine\.yaml, entry a, field muscles: Field required"):
        load_actions(tmp_path)


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([entry("a"), entry("a")], ["entry a", "the id is taken"]),
        ([entry("a", neighbours=["b", "c"]), entry("b")], ["entry a, field neighbours", "got ['c']"]),
        (
            [entry("a", group="composition", parts=["b", "d"]), entry("b")],
            ["entry a, field parts", "got ['d']"],
        ),
        ([entry("a", names=["Fist"]), entry("b", names=["fist"])], ["entry b", "belongs to a too"]),
        ([entry("a", names=["bee"]), entry("bee")], ["'bee' belongs to a too"]),
        ([entry("a"), entry("b", views=entry("a")["views"])], ["'a plain 0' belongs to a too"]),
    ],
)
def test_files_are_checked_together(entries: list[dict[str, Any]], words: list[str], tmp_path: Path) -> None:
    for n, each in enumerate(entries):
        write(tmp_path, f"{n}.yaml", each)
        read_file(tmp_path / f"{n}.yaml")
    with pytest.raises(PromptError) as error:
        load_actions(tmp_path)
    for word in words:
        assert word in str(error.value)


def test_further_texts_join_the_views_of_their_action(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", entry("a"))
    write(tmp_path, "more.yaml", texts={"a": {"visual": ["quite new"]}})
    views = load_actions(tmp_path)["a"].views
    assert views["visual"] == ("a visual 0", "a visual 1", "a visual 2", "a visual 3", "quite new")
    assert views["plain"] == tuple(entry("a")["views"]["plain"])


def test_further_texts_of_an_unknown_action_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", entry("a"))
    write(tmp_path, "more.yaml", texts={"b": {"visual": ["quite new"]}})
    with pytest.raises(PromptError, match=r"more\.yaml, field texts\.b: no such action; there is a"):
        load_actions(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"actions: [\n", ["mine.yaml: is not YAML", "line 2"]),
        (b"\xff\xfe\xfa", ["mine.yaml: cannot be read"]),
        (b"", ["mine.yaml"]),
        (b"[1, 2]", ["mine.yaml"]),
        (b"actions: [7]", ["mine.yaml", "provenance"]),
    ],
)
def test_an_unreadable_file_is_one_clear_error(content: bytes, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_bytes(content)
    with pytest.raises(PromptError) as error:
        load_actions(tmp_path)
    for word in words:
        assert word in str(error.value)


def test_a_folder_without_files_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match=r"\*\.yaml"):
        load_actions(tmp_path / "nowhere")


def test_importing_prompts_loads_no_network_and_no_model_code() -> None:
    code = "import sys, myosem.prompts; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"myosem.prompts.generate", "torch", "transformers", "scipy", "numpy"} & set(loaded.split())


# --- templates --------------------------------------------------------------------------------


def test_templates_say_pose_muscles_effort_and_parts() -> None:
    actions = load_actions()
    texts = template_texts(actions["wrist-flexion-pronation"], actions)
    name = "wrist flexion with pronation"
    for expected in [
        (
            "kinematic",
            f"{name}: the wrist is strongly bent to the palm side and the palm is strongly turned down",
        ),
        ("muscular", f"flexor carpi radialis contracts most in {name}"),
        ("plain", f"{name} with light effort"),
        ("plain", "wrist flexion and pronation at the same time"),
        ("plain", "pronation combined with wrist flexion"),
    ]:
        assert expected in texts
    assert texts == template_texts(actions["wrist-flexion-pronation"], actions)


def test_templates_of_rest_claim_no_effort() -> None:
    actions = load_actions()
    assert template_texts(actions["rest"], actions) == [
        ("kinematic", "rest: no joint leaves its relaxed place"),
        ("muscular", "in rest no muscle is at work"),
    ]


def test_no_template_text_belongs_to_two_actions() -> None:
    actions = load_actions()
    owner: dict[str, str] = {}
    for action in actions.values():
        for _, text in (*texts_of(action), *template_texts(action, actions)):
            assert owner.setdefault(normal(text), action.id) == action.id


def test_four_equal_fingers_share_one_phrase() -> None:
    pose = prompts.Pose(index=-0.5, middle=-0.5, ring=-0.5, little=-0.5, spread=0.2)
    assert pose_phrases(pose) == ["the four fingers are stretched", "the fingers are slightly spread apart"]


def test_effort_words_cover_the_whole_range() -> None:
    assert [effort_word(effort) for effort in (0.0, 0.3, 0.34, 0.5, 0.67, 1.0)] == [
        EFFORTS[n] for n in (0, 0, 1, 1, 2, 2)
    ]


# --- generate ---------------------------------------------------------------------------------


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
def two_actions(tmp_path: Path) -> dict[str, Action]:
    folder = tmp_path / "actions"
    folder.mkdir()
    write(folder, "mine.yaml", entry("a", neighbours=["b"]), entry("b", neighbours=["a"]))
    return load_actions(folder)


def test_generated_texts_are_written_with_provenance_and_load(
    serve: Serve, two_actions: dict[str, Action], tmp_path: Path
) -> None:
    url, endpoint = serve()
    path = tmp_path / "actions" / "more.yaml"
    write_texts(path, two_actions, ask_endpoint("tiny", base_url=url, key="secret"), model="tiny")
    file = read_file(path)
    assert file.provenance.model == "tiny"
    assert file.texts["a"]["plain"] == ("text 1 one", "text 1 two")
    assert [len(views) for views in file.texts.values()] == [6, 6]
    where, body, token = endpoint.seen[0]
    assert (where, body["model"], token) == ("/v1/chat/completions", "tiny", "Bearer secret")
    assert "a it" in body["messages"][0]["content"]
    assert "must not be mistaken for: b it" in body["messages"][0]["content"]
    copy = tmp_path / "copy"
    (tmp_path / "actions").rename(copy)
    assert load_actions(copy)["b"].views["contrast"][-1] == "text 12 two"


def test_generation_goes_on_where_it_stopped(
    serve: Serve, two_actions: dict[str, Action], tmp_path: Path
) -> None:
    url, endpoint = serve()
    ask, path = ask_endpoint("tiny", base_url=url), tmp_path / "more.yaml"
    write_texts(path, two_actions, ask, model="tiny", only=["a"])
    first = read_file(path).texts["a"]
    assert len(endpoint.seen) == 6
    write_texts(path, two_actions, ask, model="tiny")
    assert len(endpoint.seen) == 12
    assert read_file(path).texts["a"] == first
    assert [p.name for p in tmp_path.glob("more*")] == ["more.yaml"]
    with pytest.raises(UsageError, match="another model or instruction; got tiny; expected big"):
        write_texts(path, two_actions, ask, model="big")


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


def test_an_answer_without_new_texts_is_an_error(two_actions: dict[str, Action], tmp_path: Path) -> None:
    path = tmp_path / "more.yaml"
    with pytest.raises(GenerationError, match="parrot: no new text for a"):
        write_texts(path, two_actions, lambda _: "a plain 0\nA it", model="parrot")
    assert not path.exists()


def test_wrong_arguments_of_write_texts(two_actions: dict[str, Action], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no such action; got \['c'\]; there is a, b"):
        write_texts(tmp_path / "more.yaml", two_actions, str, model="m", only=["c"])
    with pytest.raises(UsageError, match="folder does not exist"):
        write_texts(tmp_path / "none" / "more.yaml", two_actions, str, model="m")


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
