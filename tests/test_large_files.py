"""The benchmark of large files on small ones, and that memory stays in proportion."""

import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from myosem import signal
from myosem.features import segment_session
from myosem.readers import read_recordings

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import large_files as benchmark


@contextmanager
def traced() -> Iterator[list[int]]:
    """Most bytes that Python and NumPy held at once meanwhile."""
    tracemalloc.start()
    peak: list[int] = []
    try:
        yield peak
        peak.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


def written(folder: Path, size: int) -> Path:
    """A file of NinaPro DB2 of so many bytes."""
    path = folder / f"DB2_s{size}" / f"S{size}_E1_A1.mat"
    path.parent.mkdir(parents=True)
    return benchmark.write_mat(path, size)


def test_a_mat_file_is_read_with_little_more_than_twice_its_size(tmp_path: Path) -> None:
    path = written(tmp_path, 24_000_000)
    with traced() as peak:
        (recording,) = read_recordings(path)
    assert recording.samples.nbytes < peak[0] < 2.1 * path.stat().st_size


def test_a_recording_is_told_in_numbers_with_little_more_than_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "AT_ONCE_BYTES", 1 << 20)
    sizes, peaks = [], []
    for size in (10_000_000, 16_000_000):
        recordings = read_recordings(written(tmp_path, size))
        with traced() as peak:
            segment_session(recordings)
        sizes.append(recordings[0].samples.nbytes)
        peaks += peak
    assert 0.9 < (peaks[1] - peaks[0]) / (sizes[1] - sizes[0]) < 1.3


@pytest.mark.parametrize("compressed", [False, True])
def test_windows_are_read_warm_and_cold(
    compressed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark, "WINDOWS", 4)
    monkeypatch.setattr(benchmark, "BLOCK", 5000)
    path = benchmark.write_hdf5(tmp_path / "a-keystrokes-b.hdf5", 2_000_000, compressed)
    for cold in (False, True):
        found = benchmark.read_windows(path, cold)
        assert 0 < found["median"] <= found["95"] <= found["worst"]
        assert found["first"] <= found["worst"]
