"""``myosem model``: what there is, what is used, and how another one comes."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import write_bursts
from hub_server import local_hub
from model_copies import another

from myosem import extras, model_choice, model_store
from myosem.cli import options
from myosem.cli.main import main
from myosem.ingest import ingest
from myosem.model import Model
from myosem.model_config import PACKAGED, read_config

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(model_choice.VARIABLE, str(tmp_path / "models"))
    monkeypatch.delenv(options.MODEL_VARIABLE, raising=False)
    return tmp_path / "models"


@pytest.fixture
def run(models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """``myosem`` in this process: its exit code, and what it printed."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["myosem", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        return int(end.value.code or 0), printed.out, printed.err

    return run


def test_from_a_folder_to_use_and_back(
    run: Run, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "500")  # room for the longest path of a folder of tests
    folder = another(tmp_path / "ours")
    code, out, _ = run("model", "fetch", folder)
    assert (code, out) == (0, f"ours is in {models / 'ours'}; try: myosem model use ours\n")
    assert run("model", "use", "ours")[0] == 0
    _, out, err = run("model", "list")
    heading, packaged, ours = out.splitlines()
    assert heading.split() == ["name", "model", "fingerprint", "MB", "MyoSem", "mAP", "MyoSem", "R@1", "from"]
    stated = [str(read_config(PACKAGED).metrics[name]) for name in model_store.MAIN_NUMBERS]
    for line, mark, name in ((packaged, [], "packaged"), (ours, ["*"], "ours")):
        words = line.split()
        assert words[: len(mark) + 2] == [*mark, name, "myosem-small"]
        assert words[len(mark) + 4 : len(mark) + 6] == stated
    assert read_config(folder).fingerprint[:12] in ours and str(folder) in ours and not err
    found = json.loads(run("model", "list", "--json")[1])
    assert (found["folder"], found["in_use"]) == (str(models), "ours")
    assert [one["name"] for one in found["models"] if one["in_use"]] == ["ours"]
    assert run("model", "use", "packaged")[0] == 0
    assert json.loads(run("model", "list", "--json")[1])["in_use"] == "packaged"


def test_a_library_of_another_model_names_the_command_that_mends_it(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bursts(tmp_path / "files", "a", "one", seed=0)
    library = tmp_path / "lib"
    ingest(library, [tmp_path / "files"], model=Model.load())
    run("model", "fetch", another(tmp_path / "ours"))
    run("model", "use", "ours")
    code, _, err = run("search", "make a fist", "--library", library)
    assert code == 2
    assert err.endswith(f"try: myosem index --library {library}\n")
    assert run("search", "make a fist", "--library", library, "--model", "packaged")[0] == 0
    monkeypatch.setenv(options.MODEL_VARIABLE, "packaged")
    assert run("search", "make a fist", "--library", library)[0] == 0
    assert run("model", "list")[2] == f"{options.MODEL_VARIABLE} is set, so commands use packaged\n"
    monkeypatch.delenv(options.MODEL_VARIABLE)
    assert run("index", "--library", library)[0] == 0
    assert run("search", "make a fist", "--library", library)[0] == 0


def test_what_cannot_be_fetched_is_one_sentence(run: Run, models: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for words, said in (
        ((tmp_path / "empty",), "holds no model"),
        ((another(tmp_path / "ours"), "--revision", "v1"), "a folder has no revisions"),
        ((tmp_path / "ours", "--name", "packaged"), "no model can have this name"),
        (("a/b/c",), "neither a folder nor a repository"),
    ):
        code, out, err = run("model", "fetch", *words)
        assert (code, out) == (2, "") and said in err and err.count("\n") == 1
    assert not models.exists()


def test_without_the_extra_a_folder_can_be_fetched_and_a_repository_names_the_extra(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "_installed", lambda name: False)
    assert run("model", "fetch", "a-lab/ours")[2].endswith('try: pip install "myosem[train]"\n')
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    code, out, _ = run("model", "fetch", another(tmp_path / "ours"), "--json")
    assert code == 0 and json.loads(out)["name"] == "ours"


def test_a_model_of_a_hub_as_a_whole_process(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)

    def fetch(repo: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "myosem.cli.main", "model", "fetch", repo, "--name", "theirs"]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    with local_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        commit = hub.put("a-lab/ours", {file.name: file.read_bytes() for file in PACKAGED.iterdir()})
        done = fetch("a-lab/ours")
        assert (done.returncode, done.stderr) == (0, "")
    theirs = model_store.kept_models()[1]
    assert (theirs.name, theirs.source, theirs.commit) == ("theirs", "a-lab/ours", commit)
    gone = fetch("a-lab/other")
    assert gone.returncode == 2 and gone.stderr.count("\n") == 1
    assert "a-lab/other cannot be fetched: the hub is out of reach" in gone.stderr
    assert "try: myosem model fetch DIR" in gone.stderr
