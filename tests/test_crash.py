"""Processes killed in the middle, and processes that search while another one writes."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from library_builders import LoudnessModel, tables, write_study, write_trial

from myosem.errors import LibraryError
from myosem.ingest import ingest
from myosem.library import Library

TESTS = Path(__file__).parent
KILLED = -signal.SIGKILL

PROGRAM = """
import os, signal, sys
from pathlib import Path
from myosem import ingest as module, journal, library_writer
from library_builders import LoudnessModel

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

def die_at(step, number):
    def progress(what, done, total):
        if (what, done) == (step, number):
            die()
    return progress

progress = None
{change}
module.ingest(sys.argv[1], sys.argv[2:], model=LoudnessModel(), progress=progress)
"""

KILL_POINTS = {
    "before the first source": "progress = die_at('reading', 0)",
    "after three sources": "progress = die_at('reading', 3)",
    "between samples and journal": (
        "add = journal.Journal.add\n"
        "journal.Journal.add = lambda self, one: add(self, one) if 'M2T2' not in one.source.source else die()"
    ),
    "before the first session": "progress = die_at('encoding', 0)",
    "after the first session": "progress = die_at('encoding', 1)",
    "while vectors are written": "module._write_vectors = die",
    "before the version is moved": "library_writer.LibraryWriter.publish = die",
    "before the version is named": "library_writer.replace_text = die",
    "after the version is named": "library_writer.LibraryWriter.clear = die",
}


def start(library: Path, *sources: Path, change: str = "") -> "subprocess.Popen[str]":
    """An ingest in a process of its own, changed by some lines of Python."""
    program = textwrap.dedent(PROGRAM).format(change=change)
    command = [sys.executable, "-c", program, str(library), *map(str, sources)]
    return subprocess.Popen(
        command, cwd=TESTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process: "subprocess.Popen[str]") -> int:
    """Its exit code; what it said on stderr is shown where it failed by itself."""
    _, errors = process.communicate(timeout=120)
    assert process.returncode in (0, KILLED), errors
    return process.returncode


@pytest.mark.parametrize("point", KILL_POINTS)
def test_a_killed_ingest_loses_nothing_and_can_be_run_again(tmp_path: Path, point: str) -> None:
    first, more = write_study(tmp_path / "first", subjects=1), write_study(tmp_path / "more", subjects=2)
    write_trial(more, subject=2, trial=7, seed=1211)  # a copy of subject 1, movement 1
    ingest(tmp_path / "lib", [first], model=LoudnessModel())
    ingest(tmp_path / "whole", [first], model=LoudnessModel())
    before = tables(tmp_path / "lib")

    assert finish(start(tmp_path / "lib", more, change=KILL_POINTS[point])) == KILLED

    published = point == "after the version is named"
    library = Library.open(tmp_path / "lib")
    library.verify()
    assert library.version == (2 if published else 1)
    assert library.index().search(library.vectors()[:1], 3)[1].shape == (1, 3)
    if not published:
        assert tables(tmp_path / "lib") == before
    library.close()

    again = ingest(tmp_path / "lib", [more], model=LoudnessModel())
    ingest(tmp_path / "whole", [more], model=LoudnessModel())
    assert again.version == 2
    assert again.published is not published
    Library.open(tmp_path / "lib").verify()
    assert tables(tmp_path / "lib") == tables(tmp_path / "whole")
    assert list((tmp_path / "lib/staging").iterdir()) == [] or published


def test_an_ingest_goes_on_where_it_was_killed(tmp_path: Path) -> None:
    data = write_study(tmp_path / "data", subjects=3)
    assert finish(start(tmp_path / "lib", data, change="progress = die_at('encoding', 2)")) == KILLED
    with pytest.raises(LibraryError, match="no library"):
        Library.open(tmp_path / "lib")
    journal = (tmp_path / "lib/staging/journal.jsonl").read_text()
    assert journal.count("\n") == 13
    model = LoudnessModel()
    for source in data.rglob("*.csv"):  # whoever read them again would fail
        size, times = source.stat().st_size, source.stat()
        source.write_text(" " * size)
        os.utime(source, ns=(times.st_atime_ns, times.st_mtime_ns))
    report = ingest(tmp_path / "lib", [data], model=model)
    assert (report.stored, report.failed, model.sessions) == (12, (), 1)
    Library.open(tmp_path / "lib").verify()


def test_other_sources_after_a_kill_leave_no_trace_of_the_first(tmp_path: Path) -> None:
    one, other = write_study(tmp_path / "one", subjects=1), tmp_path / "other"
    write_trial(other, subject=5)
    assert finish(start(tmp_path / "lib", one, change="progress = die_at('encoding', 0)")) == KILLED
    ingest(tmp_path / "lib", [other], model=LoudnessModel())
    ingest(tmp_path / "fresh", [other], model=LoudnessModel())
    assert tables(tmp_path / "lib") == tables(tmp_path / "fresh")
    sizes = [(tmp_path / name / "signals/000001.bin").stat().st_size for name in ("lib", "fresh")]
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize("damage", ["cut", "garbage", "samples"])
def test_a_damaged_journal_costs_time_only(tmp_path: Path, damage: str) -> None:
    data = write_study(tmp_path / "data")
    assert finish(start(tmp_path / "lib", data, change="progress = die_at('encoding', 0)")) == KILLED
    journal, signals = tmp_path / "lib/staging/journal.jsonl", tmp_path / "lib/signals/000001.bin"
    if damage == "cut":
        journal.write_text(journal.read_text()[:-40])
    elif damage == "garbage":
        lines = journal.read_text().split("\n")
        journal.write_text("\n".join([*lines[:3], "{]", *lines[4:]]))
    else:
        content = bytearray(signals.read_bytes())
        content[len(content) // 2] ^= 1
        signals.write_bytes(content)
    ingest(tmp_path / "lib", [data], model=LoudnessModel())
    ingest(tmp_path / "fresh", [data], model=LoudnessModel())
    Library.open(tmp_path / "lib").verify()
    assert tables(tmp_path / "lib") == tables(tmp_path / "fresh")


def test_search_works_while_another_process_ingests(tmp_path: Path) -> None:
    data = write_study(tmp_path / "data", subjects=1)
    ingest(tmp_path / "lib", [data], model=LoudnessModel())
    write_study(tmp_path / "data", subjects=2)
    wait = (
        "def progress(what, done, total):\n"
        "    if (what, done) == ('encoding', 1):\n"
        "        print('waiting', flush=True); sys.stdin.readline()"
    )
    writer = start(tmp_path / "lib", tmp_path / "data", change=wait)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "waiting\n"

    library = Library.open(tmp_path / "lib")
    assert library.version == 1
    rows = library.index().search(library.vectors()[:1], 100)[1][0]
    assert len(library.rows(rows)) == library.manifest.segments
    with pytest.raises(LibraryError, match=f"is being written; got a lock held by process {writer.pid}"):
        ingest(tmp_path / "lib", [data], model=LoudnessModel())

    writer.communicate("go\n", timeout=120)
    assert writer.returncode == 0
    assert len(library.sessions()) == 1
    newer = Library.open(tmp_path / "lib")
    assert (newer.version, len(newer.sessions())) == (2, 2)
