"""A visitor's file is kept where nobody else is, read by what it holds, and forgotten."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from myosem.cli.web.own_files import OwnFiles
from myosem.cli.web.parser_process import guess
from myosem.cli.web.parsing import Parsers
from myosem.cli.web.uploads import TooLargeError
from myosem.errors import MappingError, SourceError

NOISE: Any = np.random.default_rng(3).normal(size=(500, 4)).astype(np.float32)
TABLE = "\n".join(",".join(f"{value:.4f}" for value in row) for row in NOISE)
TIMED = "time,emg1,emg2,gesture\n" + "\n".join(
    f"{n / 200},{a:.4f},{b:.4f},fist" for n, (a, b, *_) in enumerate(NOISE)
)


@pytest.fixture(scope="module")
def parsers() -> Iterator[Parsers]:
    parsers = Parsers(1 << 20)
    yield parsers
    parsers.close()


@pytest.fixture
def files(parsers: Parsers) -> Iterator[OwnFiles]:
    files = OwnFiles(parsers)
    yield files
    files.forget()


def npz(**arrays: np.ndarray) -> bytes:
    from io import BytesIO

    buffer = BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "channels"),
    [
        ("plain.csv", TABLE.encode(), ["ch1", "ch2", "ch3", "ch4"]),
        ("timed.csv", TIMED.encode(), ["emg1", "emg2"]),
        ("tabs.tsv", TABLE.replace(",", "\t").encode(), ["ch1", "ch2", "ch3", "ch4"]),
        ("arrays.npz", npz(emg=NOISE, label=np.zeros(500)), ["ch1", "ch2", "ch3", "ch4"]),
    ],
)
def test_what_holds_emg_is_found(files: OwnFiles, name: str, content: bytes, channels: list[str]) -> None:
    given = files.keep(name, content, 200.0)
    (recording,) = given.recordings
    assert given.name == name
    assert [one.name for one in recording.channels] == channels
    assert recording.rate_hz == 200
    np.testing.assert_allclose(recording.between(0, 9), NOISE[:, : len(channels)], atol=1e-4)
    files.forget()


def test_files_are_forgotten(files: OwnFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    files.keep("a.csv", TABLE.encode(), 200.0)
    second = files.keep("a.csv", TABLE.encode(), 200.0)
    assert len(list(tmp_path.iterdir())) == 2
    files.forget(but=second)
    assert len(list(tmp_path.iterdir())) == 1
    files.forget()
    files.forget()
    assert not list(tmp_path.iterdir())


def test_a_refused_file_leaves_nothing_behind(
    files: OwnFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(MappingError):
        files.keep("a.csv", TABLE.encode(), None)
    assert not list(tmp_path.iterdir())


def test_a_name_leads_nowhere_else(files: OwnFiles) -> None:
    given = files.keep("../../etc/my <b>arm</b>.csv", TABLE.encode(), 200.0)
    assert given.name == "b_.csv"
    assert given.recordings[0].source == given.name


def test_a_table_needs_a_rate(files: OwnFiles) -> None:
    with pytest.raises(MappingError, match="a rate in Hz"):
        files.keep("a.csv", TABLE.encode(), None)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("words.csv", b"a,b\nx,y\nz,w\n"),
        ("empty.csv", b""),
        ("times.csv", b"time\n1\n2\n3\n"),
        ("words.npz", npz(emg=np.array(["a", "b"]))),
        ("bytes.npz", b"PK nothing"),
    ],
)
def test_a_file_without_emg_is_refused(files: OwnFiles, name: str, content: bytes) -> None:
    with pytest.raises((MappingError, SourceError)):
        files.keep(name, content, 200.0)
    files.forget()


def test_other_kinds_and_large_files_are_refused(files: OwnFiles) -> None:
    with pytest.raises(SourceError, match="kind"):
        files.keep("run.zip", b"PK", None)
    with pytest.raises(TooLargeError):
        files.keep("long.csv", b"1,2\n" * (1 << 19), 200.0)
    files.forget()


def test_times_say_the_rate_and_a_given_rate_counts_more(tmp_path: Path) -> None:
    path = tmp_path / "timed.csv"
    path.write_text(TIMED)
    assert guess(path, None)["rate_hz"] == 200
    given = guess(path, 250.0)
    assert given["rate_hz"] == 250
    assert "time_from" not in given


def test_an_error_does_not_say_where_the_file_lies(files: OwnFiles) -> None:
    with pytest.raises(MappingError) as failed:
        files.keep("words.csv", b"a,b\nx,y\nz,w\n", None)
    assert "words.csv" in str(failed.value)
    assert "myosem-" not in str(failed.value)
