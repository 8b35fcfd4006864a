"""Sessions at a glance on the command line: what is printed, what is written, and how it ends."""

import csv
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fakes import FakeModel, write_bursts
from timeline_toys import THRESHOLD, CardModel, made

from myosem.cli import options
from myosem.cli.main import main
from myosem.cli.sparkline import BLOCKS
from myosem.cli.strip import FIELDS, axis, bars, listing, loudness, strip
from myosem.ingest import ingest

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made_in = tmp_path_factory.mktemp("glance")
    for seed, (session, name) in enumerate([("a", "one"), ("a", "two"), ("b", "one")]):
        write_bursts(made_in / "files", session, name, seed)
    ingest(made_in / "lib", [made_in / "files"], model=FakeModel())
    return made_in


@pytest.fixture
def run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Run:
    """Run a command line in an empty folder; exit code, stdout, stderr."""
    monkeypatch.setattr(options, "open_model", lambda folder: CardModel())
    monkeypatch.setenv("MYOSEM_LIBRARY", str(folder / "lib"))
    monkeypatch.setenv("COLUMNS", "120")
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


def test_timeline_prints_a_strip_a_query(run: Run, folder: Path) -> None:
    code, out, err = run("timeline", folder / "files" / "a_one.npz", "make a fist", "pinch", "-k", 2)
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert [line.split("  ")[0].strip() for line in lines[:3]] == ["signal", "“make a fist”", "“pinch”"]
    assert len(lines) == 3 + 1 + 1 + 4 + 1
    assert max(map(len, lines[:-1])) <= 120


def test_timeline_as_json_csv_and_picture(run: Run, folder: Path, tmp_path: Path) -> None:
    source = folder / "files" / "a_two.npz"
    code, out, _ = run("timeline", source, "fist", "--json", "--plot", "one.png", "--step", 2)
    found = json.loads(out)
    assert code == 0 and found["curve"]["step_s"] == 2.0
    assert (tmp_path / "one.png").stat().st_size > 8000
    rows = list(csv.DictReader(io.StringIO(run("timeline", source, "fist", "--csv")[1])))
    assert tuple(rows[0]) == FIELDS
    assert [float(row["score"]) for row in rows] == [one["scores"][0] for one in found["segments"]]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["timeline", "nothing", "fist"], "there is no 'nothing'"),
        (["timeline", "nothing"], "Missing argument"),
        (["timeline", "SOURCE", " "], "a query is empty"),
        (["timeline", "SOURCE", "fist", "--step", 0], "a curve needs a step"),
        (["timeline", "SOURCE", "fist", "-k", -1], "-k says"),
        (["timeline", "SOURCE", "fist", "--plot", "a.doc"], "known ending"),
        (["timeline", "SOURCE", "fist", "--json", "--csv"], "cannot both"),
        (["timeline", "FOLDER", "fist"], "recordings"),
        (["map", "--out", "map.txt"], "known ending"),
        (["map", "--out", "nowhere/map.html"], "cannot be written"),
        (["map", "--plot", "map.doc"], "known ending"),
        (["map", "--where", "nonsense = 1"], "nonsense"),
        (["map", "--most", 0], "room"),
        (["map", "--library", "nothing"], "no library"),
        (["report"], "SOURCE or about a --search"),
        (["report", "SOURCE", "--search", "fist"], "SOURCE or about a --search"),
        (["report", "nothing"], "there is no 'nothing'"),
        (["report", "SOURCE", "--out", "report.pdf"], "known ending"),
        (["report", "SOURCE", "--candidates", "nowhere.txt"], "cannot be read"),
        (["report", "SOURCE", "--query", " "], "a query is empty"),
        (["report", "--search", "fist", "--where", "nonsense = 1"], "nonsense"),
    ],
)
def test_what_cannot_be_done_ends_with_2(run: Run, folder: Path, words: list[object], said: str) -> None:
    places = {"SOURCE": folder / "files" / "a_one.npz", "FOLDER": folder / "files"}
    code, out, err = run(*[places.get(str(word), word) for word in words])
    assert (code, out) == (2, "")
    assert said in err and "Traceback" not in err


def test_map_writes_a_page_and_a_picture(run: Run, tmp_path: Path) -> None:
    code, out, err = run("map", "--plot", "map.png", "--where", "session = 'a'", "--no-thumbnails")
    assert (code, err) == (0, "")
    assert out.startswith("map.html: ") and "segments, version 1" in out
    assert sorted(file.name for file in tmp_path.iterdir()) == ["map.html", "map.png"]
    assert (tmp_path / "map.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert (tmp_path / "map.png").stat().st_size > 8000


def test_report_writes_a_page_about_a_source_or_a_search(run: Run, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "phrases.txt").write_text("fist\npinch\n")
    source = folder / "files" / "a_one.npz"
    assert run("report", source, "-q", "fist", "--candidates", "phrases.txt") == (0, "report.html\n", "")
    assert "of 2 phrases" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert run("report", "--search", "fist", "-k", 3, "--out", "hits.html") == (0, "hits.html\n", "")
    assert (tmp_path / "hits.html").read_text(encoding="utf-8").count('class="wave"') == 3


@pytest.mark.parametrize("width", [60, 100, 160])
def test_a_listing_fits_the_terminal(width: int) -> None:
    text = listing(
        made(queries=3, text="a rather long query about a gesture"), k=3, width=width, colour=False
    )
    strips = text.splitlines()[:5]
    assert max(map(len, strips)) <= width
    assert len({line.index(line[28:].strip()[0], 28) for line in strips[:1]}) == 1


def test_a_column_has_the_highest_score_of_its_segments() -> None:
    found = made(duration_s=60.0)
    scores, fits = strip(found, 0, 30)
    for column, (score, fit) in enumerate(zip(scores, fits, strict=True)):
        inside = [one for one in found.segments if one.start_s < 2 * (column + 1) and one.end_s > 2 * column]
        assert score == max(one.scores[0] for one in inside)
        assert fit == any(one.fits[0] for one in inside)
    apart, _ = strip(found, 0, 60)
    assert np.isnan(apart[1::2]).all() and not np.isnan(apart[::2]).any()


def test_only_what_fits_has_a_block_without_colour() -> None:
    scores, fits = np.array([0.1, np.nan, 0.4, 0.8]), np.array([False, False, True, True])
    assert bars(scores, fits, 0.8, colour=False) == f"· {BLOCKS[4]}{BLOCKS[-1]}"
    assert bars(scores, fits, 0.8, colour=True).count("\x1b[36m") == 2


def test_loudness_is_the_mean_of_the_channels() -> None:
    np.testing.assert_allclose(loudness(made(), 20), [0.5, 2.5] * 10)


@pytest.mark.parametrize(("duration_s", "columns"), [(643.4, 110), (4.0, 80), (0.3, 40), (7200.0, 200)])
def test_times_stand_where_they_belong(duration_s: float, columns: int) -> None:
    line = axis(duration_s, columns)
    places = [place for place, letter in enumerate(line) if letter == "|"]
    times = [float(part) for part in line.removesuffix(" s").replace("|", " ").split()]
    assert len(times) >= 3
    for place, time_s in zip(places, times, strict=True):
        assert place == int(time_s / duration_s * columns)


def test_the_threshold_is_said() -> None:
    assert listing(made(), k=1, width=100, colour=False).splitlines()[-1].endswith(f"reach {THRESHOLD:.3f}")
