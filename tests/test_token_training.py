"""From a library to codes on the command line; a little of everything."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import FakeModel, write_bursts

from myosem.cli.main import main
from myosem.corpus import sessions_of
from myosem.errors import LibraryError, UsageError
from myosem.ingest import ingest
from myosem.library import Library
from myosem.pretrain_config import read_preset
from myosem.token_run import load_token_model
from myosem.token_training import library_tokens, pretrain_library, simulated_tokens

TINY = """
quantizer: {codes: 16, code_width: 8, hidden: 32}
sentence: {width: 16, layers: 1, heads: 2, hidden: 32}
stage1: {steps: 12, batch: 64, learning_rate: 0.01}
stage2: {steps: 8, batch: 2, learning_rate: 0.01}
"""
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with recordings, a library of them, and a preset."""
    folder = tmp_path_factory.mktemp("tokens")
    for seed, (session, name) in enumerate([("a", "one"), ("a", "two"), ("b", "one")]):
        write_bursts(folder / "files", session, name, seed)
    ingest(folder / "lib", [folder / "files"], model=FakeModel())
    (folder / "tiny.yaml").write_text(TINY)
    return folder


@pytest.fixture(scope="module")
def trained(place: Path) -> Path:
    out = place / "run"
    pretrain_library(Library.open(place / "lib"), out, read_preset(str(place / "tiny.yaml")), simulated=1)
    return out


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    monkeypatch.delenv("MYOSEM_LIBRARY", raising=False)
    monkeypatch.delenv("MYOSEM_MODEL", raising=False)
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.chdir(tmp_path)

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["myosem", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        assert end.value.code is None or isinstance(end.value.code, int)
        return end.value.code or 0, printed.out, printed.err

    return call


def test_a_run_says_what_was_done_and_holds_a_model(trained: Path) -> None:
    about = json.loads((trained / "pretrain.json").read_text())
    assert (about["sessions"], about["simulated"], about["steps"], about["codes"]) == (3, 1, 20, 16)
    assert about["R2"] <= 1 and 0 < about["used"] <= 1 and 1 <= about["perplexity"] <= 16
    assert load_token_model(trained).quantizer.config.codes == 16


def test_people_can_be_kept_out(place: Path) -> None:
    library = Library.open(place / "lib")
    people = {person for _, person in sessions_of(library)}
    assert len(library_tokens(library)) == 2 and not library_tokens(library, people)
    with pytest.raises(LibraryError, match="left to learn from"):
        pretrain_library(library, place / "none", read_preset("small"), exclude=people)


def test_a_finished_training_is_not_overwritten_by_accident(place: Path, trained: Path) -> None:
    with pytest.raises(UsageError, match="holds a pre-training already"):
        pretrain_library(Library.open(place / "lib"), trained, read_preset("small"))


def test_simulated_sessions_have_tokens() -> None:
    [one] = simulated_tokens(1)
    assert one.mask.any(axis=1).all() and len(one) > 10


def test_the_command_line_goes_on_where_it_was(place: Path, run: Run) -> None:
    words = ("pretrain", "--library", place / "lib", "--out", "out", "--preset", place / "tiny.yaml")
    code, out, err = run(*words)
    assert (code, err) == (0, "") and "myosem tokens FILE --run out" in out
    assert re.search(r"2 sessions, \d+ tokens, 20 steps", out)
    assert run(*words)[0] == 2
    assert run(*words, "--resume")[0] == 0
    assert "seed" in run(*words, "--resume", "--seed", 1)[2]


def test_the_sentence_is_printed(place: Path, trained: Path, run: Run) -> None:
    file = place / "files" / "a_one.npz"
    code, out, err = run("tokens", file, "--run", trained)
    heading, *rows, closing = out.splitlines()
    assert (code, err) == (0, "") and heading.split() == ["recording", "start-end", "(s)", "kind", "codes"]
    assert len(rows) >= 4 and f"{len(rows)} words" in closing and "of 16 codes" in closing
    answer = json.loads(run("tokens", file, "--run", trained, "--json")[1])
    assert list(answer) == ["source", "codes", "recordings"] and answer["codes"] == 16
    [recording] = answer["recordings"]
    assert [word["kind"] for word in recording["words"]] == [row.split()[2] for row in rows]
    for word, row in zip(recording["words"], rows, strict=True):
        assert list(word) == ["kind", "start_s", "end_s", "codes"]
        assert row.split()[3:] == [str(code) for code in word["codes"]]


def test_one_recording_is_drawn(place: Path, trained: Path, run: Run) -> None:
    folder = place / "files"
    assert run("tokens", folder / "a_one.npz", "--run", trained, "--plot", "one.png")[0] == 0
    assert Path("one.png").stat().st_size > 5000
    code, _, err = run("tokens", folder, "--run", trained, "--plot", "all.png")
    assert code == 2 and "holds 3 recordings" in err and not Path("all.png").exists()
    assert run("tokens", folder / "a_one.npz", "--run", trained, "--plot", "one.doc")[0] == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["tokens", "nowhere.npz", "--run", "RUN"], "nowhere.npz"),
        (["tokens", "nowhere.npz", "--run", "."], "no EMG tokenizer"),
        (["pretrain", "--library", "nowhere"], "no library"),
        (["pretrain", "--library", "LIB", "--preset", "huge"], "small"),
        (["pretrain", "--library", "LIB", "--resume"], "no pre-training"),
        (["pretrain", "--library", "LIB", "--out", "file/run"], "cannot be written"),
    ],
)
def test_mistakes_end_with_one_sentence(
    place: Path, trained: Path, run: Run, words: list[str], said: str
) -> None:
    Path("file").write_text("")
    names = {"RUN": str(trained), "LIB": str(place / "lib")}
    code, out, err = run(*[names.get(word, word) for word in words])
    assert (code, out) == (2, "") and said in err and len(err.splitlines()) == 1


@pytest.mark.slow
def test_two_processes_write_one_run(place: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    words = ["pretrain", "--library", place / "lib", "--preset", place / "tiny.yaml", "--out", place / "two"]
    subprocess.run(
        [*command, "-m", "myosem.cli.main", *map(str, words)],
        check=True,
        capture_output=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    pretrain_library(Library.open(place / "lib"), place / "one", read_preset(str(place / "tiny.yaml")))
    losses = [json.loads((place / run / "pretrain.json").read_text())["last loss"] for run in ("one", "two")]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
