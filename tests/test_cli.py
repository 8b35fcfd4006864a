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
from typing import Any, get_type_hints

import numpy as np
import pytest
from fakes import FakeModel, write_bursts

from myosem import __version__
from myosem.cli import options
from myosem.cli.hits import FIELDS, listing, spark
from myosem.cli.main import main
from myosem.cli.render import Column, colour_wanted, shorten, styled, table
from myosem.cli.sparkline import BLOCKS, envelope, sparkline
from myosem.ingest import ingest
from myosem.pictures import stacked
from myosem.records import Channel, Recording
from myosem.search import Hit, SearchResult

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
    assert list(answer) == keys
    assert answer["query"] == "make a fist"
    assert answer["library"] == str(library)
    assert (answer["version"], answer["model"], answer["exact"]) == (1, "fake", True)
    assert [hit["rank"] for hit in answer["hits"]] == [1, 2, 3]
    types_of = {name: kind for name, kind in get_type_hints(Hit).items() if name != "explanation"}
    for hit in answer["hits"]:
        assert tuple(hit) == (*FIELDS, "explanation")
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
        assert row == {name: "" if hit[name] is None else str(hit[name]) for name in FIELDS}


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
        (["search", ""], "query is empty"),
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
        (["search"], "Missing argument", "myosem search"),
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
from myosem.cli.hits import show
from myosem.search import Engine

class Model:
    name, fingerprint, threshold = "fake", "f" * 64, 0.0
    def encode_text(self, texts):
        return np.eye(len(texts), 16, dtype=np.float32)

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


@pytest.mark.parametrize("width", [60, 80, 110, 140, 200])
def test_listing_fits_the_terminal(width: int) -> None:
    recording = flat_recording()
    hits = [hit_at(rank, 2.0, 4.0, label="a rather long label for one gesture " * 2) for rank in (1, 10)]
    result = SearchResult("q", "lib", 1, "m", True, 1.0, True, hits)
    text = listing(result, [recording] * 2, width=width, colour=False)
    lines = text.splitlines()
    assert max(len(line) for line in lines[:-1]) <= width
    assert text.count("simulated") >= 2


def test_spark_marks_the_hit_and_leaves_blank_what_was_not_recorded() -> None:
    recording = flat_recording()
    before, inside, after = spark(hit_at(1, 0.0, 4.0), recording, colour=False).split("│")
    assert (before, len(inside), len(after)) == (" " * 6, 12, 6)
    assert set(inside + after) <= set(BLOCKS)
    assert "\x1b[36m" in spark(hit_at(1, 0.0, 4.0), recording, colour=True)


def test_envelope_is_the_mean_of_each_part() -> None:
    samples = np.array([[1, -1], [-3, 3], [5, -5], [-7, 7]], dtype=np.float32)
    recording = make_recording(samples, rate_hz=2.0)
    found = envelope(recording, np.array([-1.0, 0.0, 1.0, 2.0, 3.0]))
    assert np.isnan(found[[0, 3]]).all()
    assert found[1:3].tolist() == [2.0, 6.0]


def test_sparkline_reaches_the_top_for_the_largest() -> None:
    assert sparkline(np.array([0, 0.5, 1.0])) == f"{BLOCKS[0]}{BLOCKS[4]}{BLOCKS[7]}"
    assert sparkline(np.zeros(3)) == BLOCKS[0] * 3
    assert sparkline(np.array([np.nan, 1.0])) == f" {BLOCKS[7]}"


def test_table_drops_empty_columns_and_shortens_the_widest() -> None:
    columns = [Column("a"), Column("b", minimum=5), Column("none")]
    rows: list[list[Any]] = [["x", "y" * 40, None], ["xx", "z", ""]]
    lines = table(columns, rows, width=20).splitlines()
    assert lines[0].split() == ["a", "b"]
    assert max(map(len, lines)) <= 20
    assert "…" in lines[1]
    assert table(columns, rows, width=4).splitlines()[1] == "x   yy…yy"


def test_shorten_and_styled() -> None:
    assert shorten("abcdef", 6) == "abcdef"
    assert shorten("abcdefg", 5) == "ab…fg"
    assert [shorten("abc", width) for width in (0, 1)] == ["", "…"]
    assert styled("a", "1", colour=False) == "a"


@pytest.mark.parametrize(
    ("terminal", "variables", "wanted"),
    [
        (True, {}, True),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"TERM": "dumb"}, False),
        (False, {}, False),
    ],
)
def test_colour_is_for_terminals_that_want_it(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, variables: dict[str, str], wanted: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", types.SimpleNamespace(isatty=lambda: terminal))
    found = colour_wanted()
    monkeypatch.undo()
    assert found is wanted


def test_stacked_channels_keep_their_order_and_relative_size() -> None:
    time = np.linspace(0, 20, 2000)[:, None]
    traces = stacked((np.sin(time) * [1.0, 4.0]).astype(np.float32))
    spans = np.ptp(traces, axis=0)
    assert np.median(traces, axis=0) == pytest.approx([0, -1], abs=0.05)
    assert spans[1] / spans[0] == pytest.approx(4, rel=0.01)


def make_recording(samples: Any, rate_hz: float) -> Recording:
    channels = tuple(Channel(f"ch{i + 1}") for i in range(samples.shape[1]))
    return Recording(
        samples, rate_hz, channels, dataset="d", subject="s", session="1", name="n", source="f.npz"
    )


def flat_recording() -> Recording:
    return make_recording(np.tile(np.array([[1.0], [-1.0]], dtype=np.float32), (500, 2)), rate_hz=100.0)


def hit_at(rank: int, start_s: float, end_s: float, label: str | None = None) -> Hit:
    return Hit(
        rank,
        0.5,
        "r:0",
        "r",
        "f.npz",
        "a_dataset",
        "Participant2",
        "positions-3",
        start_s,
        end_s,
        label,
        True,
        True,
    )
