"""Large files: windows from the middle of an HDF5 file, and the memory an ingest of a large .mat file takes.

    python benchmarks/large_files.py [--hdf5-gb 2] [--mat-gb 1] [--model DIR] [--folder DIR]

Files are noise with bursts, in the layouts of emg2qwerty and NinaPro DB2, and are removed afterwards. Each
measurement is a process of its own. Writes benchmarks/results/large-files.md.
"""

import argparse
import json
import os
import platform
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESULT = Path(__file__).parent / "results" / "large-files.md"
GB = 10**9
HZ, WINDOWS = 2000, 200
TYPE = np.dtype([("time", "<f8"), ("emg_left", "<f4", (16,)), ("emg_right", "<f4", (16,))])
BLOCK = 1 << 18
MOST_MS, MOST_MIB, MOST_TIMES = 20, 300, 2.5


def write_hdf5(path: Path, size: int, compressed: bool) -> Path:
    """A session of emg2qwerty of about so many bytes before it is compressed, in chunks of 1000 rows."""
    import h5py  # type: ignore[import-untyped]

    rng, rows = np.random.default_rng(0), size // TYPE.itemsize
    block = np.zeros(BLOCK, TYPE)
    block["emg_left"], block["emg_right"] = rng.normal(0, 20, (2, BLOCK, 16))
    how: dict[str, Any] = (
        {"chunks": (1000,), "compression": "gzip", "compression_opts": 1} if compressed else {}
    )
    with h5py.File(path, "w") as content:
        table = content.create_group("emg2qwerty").create_dataset("timeseries", (rows,), TYPE, **how)
        for first in range(0, rows, BLOCK):
            part = block[: min(BLOCK, rows - first)]
            part["time"] = 1.6e9 + (first + np.arange(len(part))) / HZ
            table[first : first + len(part)] = part
    return path


def read_windows(path: Path, cold: bool) -> dict[str, float]:
    """Windows of a second in the middle half, each with the file opened anew, in milliseconds.

    ``cpu`` is processor time: what the clock says beyond it is waiting for the disk or for other processes.
    Loading h5py is no part of a window and stands by itself.

    Args:
        path: the file.
        cold: whether the system is asked to forget the file before each window, so that the disk is read.
    """
    begun = time.perf_counter()
    import h5py

    loaded_ms = 1000 * (time.perf_counter() - begun)
    from myosem.readers.base import SourceFile
    from myosem.readers.emg2qwerty import FIELDS
    from myosem.readers.hdf5 import read_table

    with h5py.File(path, "r") as content:
        rows = content["emg2qwerty/timeseries"].shape[0]
    times = []
    for start in np.random.default_rng(1).integers(rows // 4, 3 * rows // 4, WINDOWS):
        if cold:
            forget(path)
        begun, begun_cpu = time.perf_counter(), time.process_time()
        table, _ = read_table(SourceFile(path), "emg2qwerty/timeseries", FIELDS, slice(start, start + HZ))
        times.append((time.perf_counter() - begun, time.process_time() - begun_cpu))
        if len(table["emg_left"]) != HZ:
            raise SystemExit("a window has another length")
    clock, cpu = 1000 * np.array(times).T
    found = {"loaded": loaded_ms, "first": clock[0], "median": np.median(clock), "worst": clock.max()}
    found |= {"95": np.quantile(clock, 0.95), "cpu first": cpu[0], "cpu median": np.median(cpu)}
    return {name: float(value) for name, value in found.items()}


def forget(path: Path) -> None:
    """Ask the system to keep nothing of a file in memory."""
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def write_mat(path: Path, size: int) -> Path:
    """An exercise of NinaPro DB2 of about so many bytes, not compressed: 3 s of movement every 6 s."""
    rows = size // (12 * 4 + 2)
    label = np.where(np.arange(rows) // (3 * HZ) % 2, np.arange(rows) // (6 * HZ) % 17 + 1, 0).astype(
        np.uint8
    )
    with path.open("wb") as stream:
        stream.write(b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM")
        write_variable(stream, "restimulus", label[:, None], kind=2, matrix=9)
        write_variable(stream, "rerepetition", (label > 0).astype(np.uint8)[:, None], kind=2, matrix=9)
        emg = np.random.default_rng(0).normal(0, 1e-5, (BLOCK, 12)).astype(np.float32)
        whole = np.empty((rows, 12), np.float32, order="F")
        for first in range(0, rows, BLOCK):
            part = label[first : first + BLOCK, None]
            whole[first : first + BLOCK] = emg[: len(part)] * (1 + 5 * (part > 0))
        write_variable(stream, "emg", whole, kind=7, matrix=7)
    return path


def write_variable(stream: Any, name: str, values: NDArray[Any], kind: int, matrix: int) -> None:
    """A matrix of MATLAB 5, column by column."""
    data = [column.tobytes() for column in values.T]
    length = sum(map(len, data))
    padding = -length % 8
    text = name.encode().ljust(-len(name) // 8 * -8, b"\0")
    head = struct.pack("<IIII", 6, 8, matrix, 0) + struct.pack("<IIii", 5, 8, *values.shape)
    head += struct.pack("<II", 1, len(name)) + text + struct.pack("<II", kind, length)
    stream.write(struct.pack("<II", 14, len(head) + length + padding) + head)
    for column in data:
        stream.write(column)
    stream.write(bytes(padding))


def ingest_mat(path: Path, model: Path | None) -> dict[str, float]:
    """An ingest of one file into a new library."""
    from myosem.ingest import ingest
    from myosem.model import Model

    begun = time.perf_counter()
    report = ingest(path.parent / "library", [path], model=Model.load(model))
    (dataset,) = report.summary.datasets
    return {
        "seconds": time.perf_counter() - begun,
        "segments": dataset.segments,
        "minutes": 60 * dataset.hours,
    }


def in_a_process(*words: object) -> dict[str, float]:
    """What one measurement says, and its peak memory."""
    done = subprocess.run(
        [sys.executable, __file__, "--one", *map(str, words)], check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def measure_one(what: str, path: Path, model: Path | None) -> None:
    """One measurement in this process, printed as JSON."""
    found = ingest_mat(path, model) if what == "mat" else read_windows(path, cold=what == "cold")
    print(json.dumps({**found, "peak_mib": peak_mib()}))


def peak_mib() -> float:
    """Most memory that this process had. What ``getrusage`` says would begin with that of its parent."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)
    return int(line.split()[1]) / 1024


def table(windows: dict[str, dict[str, float]], mat: dict[str, float], sizes: dict[str, float]) -> str:
    """The results as Markdown."""
    keys = ("first", "median", "95", "worst", "cpu first", "cpu median", "loaded")
    lines = [
        "| HDF5 | GB | first ms | median | 95 % | worst | first, cpu | median, cpu | load h5py | peak MiB |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, one in windows.items():
        numbers = " | ".join(f"{one[key]:.1f}" for key in keys)
        lines.append(f"| {name} | {sizes[name]:.2f} | {numbers} | {one['peak_mib']:.0f} |")
    times = mat["peak_mib"] * 2**20 / (sizes["mat"] * GB)
    lines += [
        "",
        "| file | GB | recorded min | segments | seconds | peak MiB | times its size |",
        "|---|---|---|---|---|---|---|",
        f"| .mat | {sizes['mat']:.2f} | {mat['minutes']:.0f} | {mat['segments']:.0f} | {mat['seconds']:.0f} "
        f"| {mat['peak_mib']:.0f} | {times:.2f} |",
    ]
    return "\n".join(lines)


def run(folder: Path, hdf5_bytes: int, mat_bytes: int, model: Path | None) -> str:
    """All measurements."""
    windows, sizes = {}, {}
    for name in ("contiguous", "compressed"):
        path = write_hdf5(folder / f"2021-06-02-keystrokes-{name}.hdf5", hdf5_bytes, name == "compressed")
        size = path.stat().st_size / GB
        for what, said in (("windows", name), ("cold", f"{name}, from the disk")):
            sizes[said], windows[said] = size, in_a_process(what, path)
        path.unlink()
    path = folder / "DB2_s1" / "S1_E1_A1.mat"
    path.parent.mkdir()
    write_mat(path, mat_bytes)
    sizes["mat"] = path.stat().st_size / GB
    return table(windows, in_a_process("mat", path, *([model] if model else [])), sizes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hdf5-gb", type=float, default=2)
    parser.add_argument("--mat-gb", type=float, default=1)
    parser.add_argument("--model", type=Path, default=None)
    parser.add_argument("--folder", type=Path, default=None, help="where to make them; needs 6 GB")
    parser.add_argument("--one", nargs="+", default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        what, path, *model = options.one
        measure_one(what, Path(path), Path(model[0]) if model else None)
        return
    folder = Path(tempfile.mkdtemp(dir=options.folder))
    try:
        found = run(folder, round(options.hdf5_gb * GB), round(options.mat_gb * GB), options.model)
    finally:
        shutil.rmtree(folder)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    about = (
        f"{WINDOWS} windows of 1 s from the middle half, the file opened for each, in ms by the clock and of "
        f"processor time (cpu); goals: {MOST_MS} ms, {MOST_MIB} MiB. A .mat file from disk to a published "
        f"version; goal: {MOST_TIMES} times its size. "
        f"{machine}; other work on the machine at the same time."
    )
    RESULT.write_text(f"# Large files\n\n{about}\n\n{found}\n")
    print(found)


if __name__ == "__main__":
    main()
