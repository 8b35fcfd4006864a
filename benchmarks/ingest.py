"""How fast recordings become searchable: many small files of 8 channels at 200 Hz, ingest to published index.

    python benchmarks/ingest.py [--minutes 40] [--runs 3] [--model DIR]

Each run is a process of its own. Writes benchmarks/results/ingest.md.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from myosem.ingest import ingest
from myosem.model import Model

RATE_HZ, CHANNELS, FILE_S = 200, 8, 5
RESULT = Path(__file__).parent / "results" / "ingest.md"
TARGET = 300


def write_files(folder: Path, minutes: float) -> int:
    """Trials of 5 s, rest and movement in turn, in the layout of the Myo armband data set; how many."""
    rng = np.random.default_rng(0)
    count = round(minutes * 60 / FILE_S)
    for number in range(count):
        session, trial = divmod(number, 28)
        level = 2 if trial % 7 == 0 else 20
        samples = rng.normal(0, level, (RATE_HZ * FILE_S, CHANNELS)).clip(-128, 127).astype("<i2")
        path = folder / f"EvaluationDataset/Male{session}/Test0/classe_{trial}.dat"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(samples.tobytes())
    return count


def measure(data: Path, library: Path, model: Model) -> dict[str, float]:
    """One ingest in this process: seconds, segments, peak memory."""
    start = time.perf_counter()
    report = ingest(library, [data], model=model)
    seconds = time.perf_counter() - start
    (dataset,) = report.summary.datasets
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "seconds": seconds,
        "hours": dataset.hours,
        "segments": dataset.segments,
        "peak_mib": peak / 1024 if sys.platform == "linux" else peak / 2**20,
    }


def table(files: int, runs: list[dict[str, float]]) -> str:
    """The result as Markdown."""
    lines = [
        "| run | files | recorded min | segments | seconds | times real time | peak memory MiB |",
        "|---|---|---|---|---|---|---|",
    ]
    for number, run in enumerate(runs, start=1):
        ratio = run["hours"] * 3600 / run["seconds"]
        lines.append(
            f"| {number} | {files} | {run['hours'] * 60:.0f} | {run['segments']:.0f} "
            f"| {run['seconds']:.2f} | {ratio:.0f} | {run['peak_mib']:.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Build the files, run, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=40, help="recorded minutes")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--model", type=Path, help="another bundle than the packaged one")
    parser.add_argument("--measure", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    model = Model.load(options.model)
    if options.measure:
        data, library = options.measure
        print(json.dumps(measure(data, library, model)))
        return
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        files = write_files(Path(folder) / "data", options.minutes)
        for number in range(options.runs):
            paths = [f"{folder}/data", f"{folder}/library{number}"]
            command = [sys.executable, __file__, "--measure", *paths, "--model", str(model.folder)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            runs.append(json.loads(done.stdout))
    text = (
        f"# Ingest\n\n{CHANNELS} channels at {RATE_HZ} Hz in files of {FILE_S} s, from files to a published, "
        f"searchable version, model `{model.name}`; target: {TARGET} times real time. "
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}.\n\n"
        f"{table(files, runs)}\n"
    )
    print(text)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
