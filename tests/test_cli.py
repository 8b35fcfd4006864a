"""What the command line prints, and how it ends."""

import csv
import errno
import io
import json
import os
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import get_type_hints

import pytest
from fakes import FakeModel, write_bursts

from myosem import __version__
from myosem.cli import options
from myosem.cli.hits import FIELDS
from myosem.cli.main import main
from myosem.cli.sparkline import BLOCKS
from myosem.ingest import ingest
from myosem.search import Hit

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    for seed, (session, name) in enumerate([("a", "one"), ("a", "two"), ("b", "one")]):
        write_bursts(folder, session, name, seed)
    return folder


@pytest.fixture(scope="module")
def library(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("library") / "lib"
    ingest(path, [files], model=FakeModel())
    return path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run a command line in an empty folder; exit code, stdout, stderr."""
    monkeypatch.setattr(options, "open_model", lambda folder: FakeModel())
    monkeypatch.delenv("MYOSEM_LIBRARY", raising=False)
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["myosem", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        code = end.value.code
        assert code is None or isinstance(code, int)
        return code or 0, printed.out, printed.err

    return call


def test_version_and_help(run: Run) -> None:
    assert run("--version") == (0, f"myosem {__version__}\n", "")
    code, out, _ = run("--help")
    assert code == 0
    assert "plain" in out and "search" in out


def test_search_json_is_the_documented_object(run: Run, library: Path) -> None:
    code, out, err = run("search", "make a fist", "--library", library, "-k", 3, "--json")
    assert (code, err) == (0, "")
    answer = json.loads(out)
    keys = ["query", "library", "version", "model", "exact", "confidence", "confident", "hits", "meaning"]
    keys += ["how", "like", "unlike", "diverse", "merged", "name", "more", "less"]
    assert sorted(answer) == sorted(keys)
    assert answer["query"] == "make a fist"
    assert answer["library"] == str(library)
    assert (answer["version"], answer["model"], answer["exact"]) == (1, "fake", True)
    assert [hit["rank"] for hit in answer["hits"]] == [1, 2, 3]
    types_of = {
        name: kind for name, kind in get_type_hints(Hit).items() if name not in {"explanation", "segments"}
    }
    for hit in answer["hits"]:
        assert tuple(hit) == (*FIELDS[:-1], "explanation", "segments")
        assert hit["segment"] in hit.pop("segments")
        for name, kind in types_of.items():
            wanted = kind if isinstance(kind, types.UnionType) else (kind,)
            assert isinstance(hit[name], wanted), name
        assert hit["source"].endswith(".npz")


def test_csv_parses_back_to_the_json(run: Run, library: Path) -> None:
    words = ("search", 'say "cheese", please', "--library", library, "-k", 1000)
    hits = json.loads(run(*words, "--json")[1])["hits"]
    rows = list(csv.DictReader(io.StringIO(run(*words, "--csv")[1])))
    assert len(rows) == len(hits) > 10
    for row, hit in zip(rows, hits, strict=True):
        wanted = {**hit, "segments": " ".join(hit["segments"])}
        assert row == {name: "" if wanted[name] is None else str(wanted[name]) for name in FIELDS}


def test_search_table_says_what_a_person_needs(run: Run, library: Path) -> None:
    code, out, _ = run("search", "make a fist", "--library", library, "-k", 4)
    heading, *rows, closing = out.splitlines()
    assert code == 0
    assert heading.split()[:5] == ["#", "score", "dataset", "subject", "session"]
    assert len(rows) == 4
    for rank, row in enumerate(rows, start=1):
        assert row.split()[0] == str(rank)
        assert "bench" in row and "p1" in row
        assert set(row) & set(BLOCKS)
    assert "4 hits" in closing and "make a fist" in closing
    assert "\x1b" not in out


def test_default_library_is_named_then_lib_then_an_error(
    run: Run, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = run("search", "fist")
    assert code == 2
    assert "--library" in err
    (tmp_path / "lib").symlink_to(library)
    assert run("search", "fist")[0] == 0
    monkeypatch.setenv("MYOSEM_LIBRARY", str(tmp_path / "elsewhere"))
    assert "elsewhere" in run("search", "fist")[2]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["search"], "query is empty"),
        (["search", ""], "query is empty"),
        (["search", "--unlike", "fist"], "query is empty"),
        (["search", "fist", "--like", "0123456789abcdef"], "no segment or recording"),
        (["search", "@mine"], "no query is saved as 'mine'"),
        (["search", "fist", "--save", "a/b"], "cannot be saved under this name"),
        (["search", "fist", "--queries", "many.txt"], "--queries and QUERY"),
        (["search", "--queries", "many.txt"], "many.txt cannot be read"),
        (["search", "--queries", "run.txt"], "no query in run.txt"),
        (["queries", "list", "mine"], "all saved queries are listed"),
        (["queries", "remove"], "nothing to remove"),
        (["queries", "remove", "mine"], "no query is saved as 'mine'"),
        (["search", "fist", "-k", "0"], "-k"),
        (["search", "fist", "--where", "1=1; drop table hits"], "condition"),
        (["search", "fist", "--where", "gesture = 'x'"], "no column"),
        (["search", "fist", "--library", "nowhere"], "no library in nowhere"),
        (["search", "fist", "--json", "--csv"], "--json and --csv"),
        (["search", "fist", "--plot", "hits.doc"], ".png"),
        (["search", "fist", "--plot", "no/such/folder/hits.png"], "folder does not exist"),
        (["train", "--out", "run.txt/run"], "run.txt/run cannot be written"),
        (["export", "run", "--out", "run.txt"], "run.txt cannot be written"),
        (["evaluate", "--folds", "folds.yaml", "--out", "no/such/folder/t.md"], "cannot be written"),
        (["similar", "nonsense"], "nonsense"),
        (["describe", "nonsense"], "nonsense"),
        (["label", "nonsense", "--candidates", "missing.txt"], "missing.txt"),
        (["ingest", "nowhere"], "nowhere"),
        (["ingest", ".", "--reader", "nobody"], "no reader has this name"),
        (["inspect", "nowhere"], "nowhere"),
        (["info", "--library", "nowhere"], "no library"),
        (["verify", "--library", "nowhere"], "no library"),
        (["prune", "--keep", "0"], "at least 1"),
        (["index", "--library", "nowhere"], "no library"),
    ],
)
def test_mistakes_end_with_one_sentence_and_code_2(
    run: Run, library: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.setenv("MYOSEM_LIBRARY", str(library))
    Path("run.txt").write_text("")
    if words[0] == "ingest":
        Path("readme.bin").write_bytes(b"")
        words = [*words, "--library", "fresh"]
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert err.startswith("myosem: error: ")
    assert said in err
    assert err.count("\n") == 1
    assert not Path("fresh").exists()


@pytest.mark.parametrize(
    ("words", "said", "command"),
    [
        (["describe"], "Missing argument", "myosem describe"),
        (["search", "fist", "--nonsense"], "--nonsense", "myosem search"),
        (["search", "fist", "-k", "many"], "-k", "myosem search"),
        (["train", "--steps", "0"], "--steps", "myosem train"),
        (["serch"], "search", "myosem"),
    ],
)
def test_wrong_words_are_one_sentence_and_code_2(run: Run, words: list[str], said: str, command: str) -> None:
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert err.startswith("myosem: error: ") and said in err
    assert err.endswith(f"; try: {command} --help\n") and err.count("\n") == 1


def test_no_words_at_all_are_answered_with_the_help(run: Run) -> None:
    code, out, err = run()
    assert (code, out) == (2, "")
    assert err.startswith("Usage: myosem") and "search" in err


def test_unexpected_errors_are_not_swallowed(
    library: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(folder: Path | None) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(options, "open_model", broken)
    monkeypatch.setattr(sys, "argv", ["myosem", "search", "fist", "--library", str(library)])
    with pytest.raises(ZeroDivisionError):
        main()


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOSPC, errno.EROFS])
def test_a_disk_that_takes_nothing_is_one_sentence(
    library: Path, run: Run, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def failing(folder: Path | None) -> None:
        raise OSError(number, os.strerror(number), "some/where")

    monkeypatch.setattr(options, "open_model", failing)
    code, out, err = run("search", "fist", "--library", library)
    assert (code, out) == (2, "")
    assert err.startswith("myosem: error: ") and err.endswith(f"{os.strerror(number)}: 'some/where'\n")


def test_interrupt_ends_with_130(library: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(folder: Path | None) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(options, "open_model", interrupted)
    assert run("search", "fist", "--library", library)[0] == 130


@pytest.mark.parametrize(
    ("words", "code", "out", "err"),
    [
        (["--version"], 0, f"myosem {__version__}\n", ""),
        (["info", "--library", "nowhere"], 2, "", "myosem: error: there is no library in nowhere"),
        (["info", "--nonsense"], 2, "", "myosem: error: No such option"),
    ],
)
def test_a_process_ends_with_all_it_had_to_say(words: list[str], code: int, out: str, err: str) -> None:
    command = [sys.executable, "-m", "myosem.cli.main", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (code, out)
    assert err in done.stderr


def test_a_search_imports_only_what_it_needs(library: Path) -> None:
    code = """
import sys
import numpy as np
from myosem.cli.explained import explained
from myosem.cli.hits import show
from myosem.search import Engine

class Model:
    name, fingerprint, threshold = "fake", "f" * 64, 0.0
    def encode_text(self, texts):
        return np.eye(len(texts), 16, dtype=np.float32)
    def query_confidence(self, texts):
        return np.ones(len(texts))

engine = Engine(sys.argv[1], Model())
show(engine, engine.search("fist"), as_json=False)
print(*sys.modules, file=sys.stderr)
"""
    command = [sys.executable, "-c", code, str(library)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "hits for" in done.stdout
    loaded = set(done.stderr.split())
    assert {"duckdb", "faiss"} <= loaded
    assert not loaded & {"torch", "scipy", "matplotlib", "pydantic", "rich", "yaml", "numpy.ma"}


def test_a_process_that_fails_unexpectedly_shows_where() -> None:
    code = "from myosem.cli import main; main.app = lambda **words: 1 / 0; main.run()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


def test_pipe_that_closes_early_is_quiet(library: Path) -> None:
    code = "import sys; from myosem.cli.main import run; sys.argv = ['myosem', 'info']; run()"
    environment = {**os.environ, "MYOSEM_LIBRARY": str(library)}
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=writing, stderr=subprocess.PIPE, env=environment, check=False
    )
    os.close(writing)
    assert done.stderr == b""
    assert done.returncode in (0, 1)


def test_plot_draws_a_picture_in_one_step(run: Run, library: Path, tmp_path: Path) -> None:
    code, _, err = run("search", "cost: $5 {x}", "--library", library, "-k", 3, "--plot", "hits.png")
    assert code == 0
    assert "hits.png" in err
    assert (tmp_path / "hits.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_plot_does_not_take_the_place_of_a_folder(run: Run, library: Path) -> None:
    Path("hits.png").mkdir()
    code, out, err = run("search", "fist", "--library", library, "--plot", "hits.png")
    assert (code, out) == (2, "")
    assert "place of a folder" in err


def test_plot_of_nothing_is_an_error(run: Run, library: Path) -> None:
    words = ("search", "fist", "--library", library, "--where", "session = 'none'", "--plot", "hits.png")
    code, _, err = run(*words)
    assert code == 2
    assert "nothing to draw" in err
    assert not Path("hits.png").exists()


def knows_no(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on a dog's barking is about no action."""
    monkeypatch.setattr(FakeModel, "unrelated", ("a dog barking",))


def test_where_nothing_fits_one_line_says_so(
    run: Run, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    knows_no(monkeypatch)
    words = ("search", "a dog barking", "--library", library, "-k", 3)
    nothing = f"nothing in {library} fits “a dog barking”"
    assert run(*words) == (0, f"{nothing}; --all shows the nearest\n", "")
    code, out, _ = run(*words, "--all")
    assert code == 0
    assert out.splitlines()[0] == f"{nothing}; the nearest:"
    assert out.count("does not fit") == 3
    answer = json.loads(run(*words, "--json")[1])
    assert (answer["confident"], [hit["fits"] for hit in answer["hits"]]) == (False, [False] * 3)
    assert answer["confidence"] < 0.01
    assert [row["fits"] for row in csv.DictReader(io.StringIO(run(*words, "--csv")[1]))] == ["False"] * 3
    assert "nothing to draw" in run(*words, "--plot", "hits.png")[2]
    assert "does not fit" in run("demo", "a dog barking")[1]


def test_hits_that_do_not_fit_are_counted(run: Run, library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("search", "make a fist", "--library", library)
    third = json.loads(run(*words, "--json")[1])["hits"][2]["score"]
    monkeypatch.setattr(FakeModel, "threshold", third - 1e-5)
    _, *rows, closing = run(*words)[1].splitlines()
    assert [row.split()[0] for row in rows] == ["1", "2", "3"]
    assert "3 hits" in closing and "7 nearest that do not fit: --all" in closing
    assert run(*words, "--all")[1].count("does not fit") == 7


def test_explain_says_why_and_draws_it(run: Run, library: Path) -> None:
    words = ("search", "make a fist", "--library", library, "-k", 2, "--explain")
    code, out, err = run(*words, "--plot", "why.svg")
    assert (code, err) == (0, "wrote why.svg\n")
    meant, *why, _ = out.splitlines()[3:]
    assert meant.startswith("“make a fist” lies nearest to “")
    assert [line.split()[0] for line in why[:8]] == [
        *("1", "channels", "moments", "effort"),
        *("2", "channels", "moments", "effort"),
    ]
    assert why[0].split()[1] == "views" and "dB over rest" in why[3]
    assert len(why) == 8
    assert Path("why.svg").read_text().startswith("<?xml")
    hits = json.loads(run(*words, "--json")[1])["hits"]
    assert len(hits[0]["explanation"]["channels"]) == 4
    assert "explanation" not in run(*words, "--csv")[1]


def test_similar_and_describe_say_why(run: Run, library: Path) -> None:
    words = (library, "-k", 1, "--explain")
    segment = json.loads(run("search", "make a fist", "--library", library, "--json")[1])["hits"][0][
        "segment"
    ]
    out = run("similar", segment, "--library", *words)[1]
    assert "channels" in out and "views" not in out and "nearest to" not in out
    out = run("describe", segment, "--library", *words)[1]
    assert "views" in out and "the stretch lies nearest to “" in out
    said = json.loads(run("describe", segment, "--library", *words, "--json")[1])
    assert said["meaning"]["action"] == said["descriptions"][0]["action"]


def test_label_warns_of_what_is_no_action(run: Run, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    knows_no(monkeypatch)
    Path("actions.txt").write_text("a dog barking\n")
    code, out, err = run("label", files / "b_one.npz", "--candidates", "actions.txt")
    assert code == 0
    assert err.startswith("myosem: warning: “a dog barking” is no action") and err.count("\n") == 1
    assert " 0 named" in out
    named = json.loads(run("label", files / "b_one.npz", "--candidates", "actions.txt", "--json")[1])
    assert named["unrelated"] == ["a dog barking"]
    assert {one["label"] for one in named["segments"]} == {None}


def test_similar_describe_and_label_speak_json(run: Run, files: Path, library: Path) -> None:
    source = files / "b_one.npz"
    found = json.loads(
        run("similar", source, "--start", 2, "--end", 4, "-k", 2, "--library", library, "--json")[1]
    )
    assert len(found["hits"]) == 2
    assert "2.00-4.00 s" in found["query"]
    said = json.loads(run("describe", source, "--start", 2, "--end", 4, "-k", 2, "--json")[1])
    keys = ["source", "recording", "start_s", "end_s", "model", "simulated", "descriptions"]
    assert list(said) == [*keys, "meaning", "explanation"]
    assert [list(one) for one in said["descriptions"]] == [["rank", "score", "action", "name", "text"]] * 2
    Path("actions.txt").write_text("# mine\nmake a fist\n\nopen the hand\nmake a fist\n")
    named = json.loads(run("label", source, "--candidates", "actions.txt", "--json")[1])
    assert list(named) == ["source", "model", "simulated", "candidates", "unrelated", "segments"]
    assert named["candidates"] == ["make a fist", "open the hand"]
    keys = ["segment", "recording", "start_s", "end_s", "label", "score"]
    assert named["segments"]
    assert all(list(one) == keys for one in named["segments"])


def test_tables_of_describe_and_label(run: Run, files: Path) -> None:
    code, out, _ = run("describe", files / "b_one.npz")
    assert code == 0
    assert "wrist flexion" in out
    Path("actions.txt").write_text("make a fist\n")
    code, out, _ = run("label", files / "b_one.npz", "--candidates", "actions.txt")
    assert code == 0
    assert "make a fist" in out or "none of these" in out


def test_bids_events_are_tab_separated_and_in_seconds(run: Run, files: Path) -> None:
    Path("actions.txt").write_text("make a fist\nopen the hand\n")
    words = ("label", files / "b_one.npz", "--candidates", "actions.txt")
    named = json.loads(run(*words, "--json")[1])["segments"]
    lines = list(csv.DictReader(io.StringIO(run(*words, "--bids")[1]), delimiter="\t"))
    assert list(lines[0]) == ["onset", "duration", "trial_type", "score"]
    for line, one in zip(lines, named, strict=True):
        assert float(line["onset"]) == pytest.approx(one["start_s"], abs=1e-4)
        assert float(line["duration"]) == pytest.approx(one["end_s"] - one["start_s"], abs=2e-4)
        assert line["trial_type"] == (one["label"] or "n/a")


def test_bids_of_several_recordings_is_refused(run: Run, files: Path) -> None:
    Path("actions.txt").write_text("make a fist\n")
    code, _, err = run("label", files, "--candidates", "actions.txt", "--bids")
    assert code == 2
    assert "one recording" in err
    assert run("label", files, "--candidates", "actions.txt", "--bids", "--recording", "two")[0] == 0


def test_ingest_prints_what_was_understood_and_what_failed(run: Run, files: Path, tmp_path: Path) -> None:
    broken = tmp_path / "more"
    write_bursts(broken, "c", "one", 9)
    (broken / "c_two.npz").write_bytes(b"PK\x03\x04 truncated")
    code, out, err = run("ingest", broken, "--library", "new")
    assert code == 2
    assert "bench" in out and "1 new recording" in out and "1 failed" in out
    assert "c_two.npz" in err and "could not be read" in err
    assert run("search", "fist", "--library", "new")[0] == 0
    (broken / "c_two.npz").unlink()
    code, out, err = run("ingest", broken, "--library", "new")
    assert code == 0
    assert "failed" not in out + err
    assert "1 source unchanged" in out


def test_ingest_without_index_then_index(run: Run, files: Path) -> None:
    assert run("ingest", files, "--library", "new", "--no-index")[0] == 0
    code, _, err = run("search", "fist", "--library", "new")
    assert code == 2
    assert "myosem index --library new" in err
    assert run("index", "--library", "new")[0] == 0
    assert run("search", "fist", "--library", "new")[0] == 0
    assert "1 old version" in run("prune", "--library", "new")[1]
    assert "every checksum holds" in run("verify", "--library", "new")[1]


def test_demo_builds_once_and_says_that_it_is_simulated(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("demo", "make a fist", "-k", 3)
    assert code == 0
    assert out.count("simulated") >= 4
    first = json.loads(run("demo", "make a fist", "-k", 3, "--json")[1])
    assert first["version"] == 1
    assert first["library"] == str(tmp_path / "cache" / "myosem" / "demo")
    assert [hit["simulated"] for hit in first["hits"]] == [True] * 3


def test_demo_does_not_mix_with_real_recordings(run: Run, library: Path) -> None:
    code, _, err = run("demo", "make a fist", "--library", library)
    assert code == 2
    assert "holds real recordings" in err


def test_info_agrees_with_the_library(run: Run, library: Path) -> None:
    facts = json.loads(run("info", "--library", library, "--json")[1])
    assert facts["recordings"] == 3
    assert [one["dataset"] for one in facts["datasets"]] == ["bench"]
    text = run("info", "--library", library)[1]
    assert "bench" in text and "indexed by fake" in text


def test_inspect_stores_nothing(run: Run, files: Path, tmp_path: Path) -> None:
    code, out, _ = run("inspect", files / "a_one.npz")
    assert code == 0
    assert "200" in out and "fist" in out and "open hand" in out
    facts = json.loads(run("inspect", files / "a_one.npz", "--json")[1])
    (one,) = facts["recordings"]
    assert (one["rate_hz"], one["samples"], len(one["channels"])) == (200, 3200, 4)
    assert one["contractions"] >= 3
    assert [span["label"] for span in one["spans"]] == ["fist", "open hand", "pinch", "point"]
    assert list(tmp_path.iterdir()) == []


def test_a_query_is_saved_run_listed_and_removed(run: Run, library: Path) -> None:
    words = ("--library", library)
    asked = ("--unlike", "pinch", "--where", "session = 'b'", "-k", 2)
    code, shown, err = run("search", "make a fist", *words, *asked, "--save", "mine")
    assert (code, err) == (0, "saved: myosem search @mine\n")
    code, again, _ = run("search", "@mine", *words)
    assert code == 0
    assert again.splitlines()[:-1] == shown.splitlines()[:-1]
    assert again.splitlines()[-1].startswith("mine: 2 hits for “make a fist” unlike “pinch”")
    assert len(json.loads(run("search", "@mine", *words, "-k", 1, "--json")[1])["hits"]) == 1
    listed = run("queries", *words)[1]
    assert listed.splitlines()[1].split()[:4] == ["@mine", "make", "a", "fist"]
    assert json.loads(run("queries", *words, "--json")[1])["mine"]["k"] == 2
    assert run("queries", "remove", "@mine", *words) == (0, "", "removed @mine\n")
    assert "no saved queries" in run("queries", *words)[1]


def test_what_fails_is_not_saved(run: Run, library: Path) -> None:
    code, out, _ = run("search", "fist", "--library", library, "--where", "nonsense = 1", "--save", "bad")
    assert (code, out) == (2, "")
    assert "no saved queries" in run("queries", "--library", library)[1]


def test_a_file_of_queries_is_answered_one_by_one(run: Run, library: Path) -> None:
    Path("many.csv").write_text("name,query\nfirst,make a fist\n,pinch\n")
    words = ("search", "--queries", "many.csv", "--library", library, "-k", 2)
    code, out, _ = run(*words, "--json")
    answers = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [(one["name"], one["query"]) for one in answers] == [("first", "make a fist"), (None, "pinch")]
    rows = list(csv.DictReader(io.StringIO(run(*words, "--csv")[1])))
    assert [(row["name"], row["segment"]) for row in rows] == [
        (one["name"] or "", hit["segment"]) for one in answers for hit in one["hits"]
    ]
    tables = run(*words)[1].split("\n\n")
    assert [part.splitlines()[-1].split(" in ")[0] for part in tables] == [
        "first: 2 hits for “make a fist”",
        "2 hits for “pinch”",
    ]
    alone = json.loads(run("search", "pinch", "--library", library, "-k", 2, "--json")[1])
    assert alone["hits"] == answers[1]["hits"]


def test_the_last_line_says_how_it_was_found(run: Run, library: Path) -> None:
    last = run("search", "fist", "--library", library)[1].splitlines()[-1]
    assert "exact: compared with all" in last
    last = run("search", "fist", "--library", library, "--where", "session = 'b'")[1].splitlines()[-1]
    assert "exact: compared with each of the" in last


def test_neighbours_are_merged_unless_asked_not_to(run: Run, library: Path) -> None:
    words = ("search", "fist", "--library", library, "-k", 1000, "--json")
    merged, single = json.loads(run(*words)[1]), json.loads(run(*words, "--no-merge")[1])
    assert (merged["merged"], single["merged"]) == (True, False)
    assert all(hit["segments"] == [hit["segment"]] for hit in single["hits"])
    members = [one for hit in merged["hits"] for one in hit["segments"]]
    assert sorted(members) == sorted(hit["segment"] for hit in single["hits"])
    spans = {hit["segment"]: (hit["start_s"], hit["end_s"]) for hit in single["hits"]}
    for hit in merged["hits"]:
        own = [spans[one] for one in hit["segments"]]
        assert (hit["start_s"], hit["end_s"]) == (min(own)[0], max(end for _, end in own))


def test_diverse_and_like_reach_the_engine(run: Run, library: Path) -> None:
    first = json.loads(run("search", "fist", "--library", library, "-k", 1, "--json")[1])["hits"][0][
        "segment"
    ]
    code, out, _ = run("search", "--like", first, "--diverse", "--library", library, "--json")
    answer = json.loads(out)
    assert code == 0
    assert (answer["like"], answer["diverse"]) == ([first], True)
    assert first not in [hit["segment"] for hit in answer["hits"]]
    recordings = [hit["recording"] for hit in answer["hits"]]
    assert max(map(recordings.count, recordings)) <= 3 < len(recordings)
    code, out, _ = run("similar", first, "--diverse", "--no-merge", "--library", library, "--json")
    assert json.loads(out)["diverse"] is True
