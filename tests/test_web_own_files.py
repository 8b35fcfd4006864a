"""A visitor's file is kept where nobody else is, read by what it holds, and forgotten."""

from pathlib import Path

import numpy as np
import pytest

from myosem.cli.web.own_files import OwnFiles, guess
from myosem.cli.web.uploads import TooLargeError
from myosem.errors import MappingError, SourceError
from myosem.readers import read_recordings

NOISE = np.random.default_rng(3).normal(size=(500, 4)).astype(np.float32)
TABLE = "\n".join(",".join(f"{value:.4f}" for value in row) for row in NOISE)
TIMED = "time,emg1,emg2,gesture\n" + "\n".join(
    f"{n / 200},{a:.4f},{b:.4f},fist" for n, (a, b, *_) in enumerate(NOISE)
)


@pytest.fixture
def files() -> OwnFiles:
    return OwnFiles(1 << 20)


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
    path = files.keep(name, content, 200.0)
    (recording,) = read_recordings(str(path))
    assert [one.name for one in recording.channels] == channels
    assert recording.rate_hz == 200
    np.testing.assert_allclose(recording.samples, NOISE[:, : len(channels)], atol=1e-4)
    files.forget()


def test_files_are_forgotten(files: OwnFiles) -> None:
    first = files.keep("a.csv", TABLE.encode(), 200.0)
    second = files.keep("a.csv", TABLE.encode(), 200.0)
    assert first.exists()
    files.forget(but=second)
    assert not first.parent.exists()
    assert second.exists()
    files.forget()
    files.forget()
    assert not second.parent.exists()


def test_a_refused_file_leaves_nothing_behind(
    files: OwnFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(MappingError):
        files.keep("a.csv", TABLE.encode(), None)
    assert not list(tmp_path.iterdir())


def test_a_name_leads_nowhere_else(files: OwnFiles) -> None:
    path = files.keep("../../etc/my <b>arm</b>.csv", TABLE.encode(), 200.0)
    assert path.parent.name.startswith("myosem-")
    assert "/" not in path.name
    assert "<" not in path.name
    files.forget()


@pytest.mark.parametrize("rate_hz", [None, 0.0, -5.0])
def test_a_table_needs_a_rate(files: OwnFiles, rate_hz: float | None) -> None:
    with pytest.raises(MappingError, match="a rate in Hz"):
        files.keep("a.csv", TABLE.encode(), rate_hz)
    files.forget()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("words.csv", b"a,b\nx,y\nz,w\n"),
        ("empty.csv", b""),
        ("times.csv", b"time\n1\n2\n3\n"),
        ("flat.npz", npz(emg=np.zeros(5))),
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


def test_the_guess_names_the_largest_array(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(npz(small=np.zeros((3, 2)), emg=NOISE, cube=np.zeros((9, 9, 9))))
    assert guess(path, 100.0)["array"] == "emg"
