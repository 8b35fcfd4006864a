"""How fast recordings become searchable, from files to a published index, and what limits it.

    python benchmarks/ingest.py [--minutes 40] [--runs 3] [--data FOLDER] [--model DIR]

Files are made up in the layouts of the Myo armband data set, of .npz archives and of NinaPro DB2: noise that
is loud where there is a movement, each with its own channels. ``--data`` adds recordings of one's own.
Each run is a process of its own. Writes benchmarks/results/ingest.md.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.io import savemat
from shares import REST, Stages

from myosem import (
    catalogue,
    catalogue_writer,
    features,
    intake,
    journal,
    library_writer,
    model,
    session_adapter,
)
from myosem import ingest as module
from myosem import tokens as token_module
from myosem.model import Model
from myosem.model_config import EMG_ENCODER
from myosem.onnx_tower import open_onnx

RESULT = Path(__file__).parent / "results" / "ingest.md"
MOVEMENTS, TRIALS, TRIAL_S, EXERCISE_S = 7, 28, 5, 900
LEAST_SHARE = 0.40
"""Of the measured peak of a matrix product, that the encoder must reach."""
MAPPING = 'rate_hz: 2000\narray: emg\npath: "(?P<subject>s\\\\d+)/(?P<name>.*)\\\\.npz"\n'
STAGES: dict[str, list[tuple[object, str]]] = {
    "finding files": [(module, "_outside"), (module, "read_sources")],
    "reading": [(intake, "Intake._read")],
    "storing samples": [(intake, "Intake._store"), (journal, "Journal.add"), (journal, "Journal.__exit__")],
    "filtering": [(features, "to_frames")],
    "contractions": [(features, "segments_of_frames"), (module, "label_segments")],
    "features": [(features, "segment_session")],
    "tokens": [(token_module, "session_tokens")],
    "opening the model": [(model, "open_onnx"), (session_adapter, "SessionAdapter.load")],
    "encoder": [(model, "Model._encode")],
    "adapting to the session": [(model, "Model.encode_session")],
    "index": [(module, "_write_vectors"), (module, "_write_index")],
    "catalogue": [
        (catalogue_writer, "CatalogueWriter.__init__"),
        (catalogue_writer, "CatalogueWriter.write_recordings"),
        (catalogue_writer, "CatalogueWriter.write_segments"),
        (catalogue_writer, "CatalogueWriter.close"),
        (catalogue, "Catalogue.query"),
    ],
    "keeping each session": [(module, "_encode_staged")],
    "publishing": [(library_writer, "LibraryWriter.publish")],
}

Samples = NDArray[np.float64]


def trials(rate_hz: int, channels: int, minutes: float) -> Iterator[tuple[int, int, Samples]]:
    """Session, number in it and samples ``(T, C)`` of trials of 5 s, rest and movements in turn."""
    rng = np.random.default_rng(0)
    levels = 20 * np.exp(rng.normal(0, 0.7, (MOVEMENTS, channels)))
    levels[0] = 2
    for number in range(round(minutes * 60 / TRIAL_S)):
        session, trial = divmod(number, TRIALS)
        yield session, trial, rng.normal(0, levels[trial % MOVEMENTS], (rate_hz * TRIAL_S, channels))


def long_recording(rate_hz: int, channels: int, seconds: int, seed: int) -> tuple[Samples, NDArray[np.uint8]]:
    """Samples ``(T, C)`` with 3 s of movement every 6 s, and the movement's number ``(T,)``, 0 at rest."""
    rng = np.random.default_rng(seed)
    levels = 20 * np.exp(rng.normal(0, 0.7, (MOVEMENTS, channels)))
    levels[0] = 2
    second = np.arange(rate_hz * seconds) // rate_hz
    movement = np.where(second // 3 % 2, second // 6 % (MOVEMENTS - 1) + 1, 0).astype(np.uint8)
    return rng.normal(0, 1, (len(second), channels)) * levels[movement], movement


def write_dat(folder: Path, session: int, trial: int, samples: Samples) -> None:
    """A file of the Myo armband data set."""
    path = folder / f"EvaluationDataset/Male{session}/Test0/classe_{trial}.dat"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(samples.clip(-128, 127).astype("<i2").tobytes())


def armband_trials(folder: Path, minutes: float) -> None:
    for session, trial, samples in trials(200, 8, minutes):
        write_dat(folder, session, trial, samples)


def armband_recordings(folder: Path, minutes: float) -> None:
    for number in range(max(round(minutes / 5), 1)):
        write_dat(folder, number // 2, number % 2, long_recording(200, 8, 300, number)[0])


def amplifier_trials(folder: Path, minutes: float) -> None:
    for session, trial, samples in trials(2000, 12, minutes):
        own = folder / f"s{session}"
        own.mkdir(parents=True, exist_ok=True)
        (own / "myosem.yaml").write_text(MAPPING, encoding="utf-8")
        np.savez(own / f"{trial}.npz", emg=samples.astype(np.float32))


def amplifier_recordings(folder: Path, minutes: float) -> None:
    for number in range(1, max(round(minutes * 60 / EXERCISE_S), 1) + 1):
        samples, movement = long_recording(2000, 12, EXERCISE_S, number)
        path = folder / f"DB2_s{number}" / f"S{number}_E1_A1.mat"
        path.parent.mkdir(parents=True)
        label, repetition = movement[:, None], (movement > 0).astype(np.uint8)[:, None]
        emg = (samples * 1e-6).astype(np.float32)
        savemat(path, {"emg": emg, "restimulus": label, "rerepetition": repetition})


class Case(NamedTuple):
    """What is ingested, and how many times real time that must be."""

    name: str
    write: Callable[[Path, float], None]
    goal: int


CASES = (
    Case("8 channels, 200 Hz, trials of 5 s", armband_trials, 1000),
    Case("8 channels, 200 Hz, recordings of 5 min", armband_recordings, 1000),
    Case("12 channels, 2 kHz, trials of 5 s", amplifier_trials, 150),
    Case("12 channels, 2 kHz, recordings of 15 min", amplifier_recordings, 150),
)


def measure(data: Path, library: Path, bundle: Path) -> dict[str, Any]:
    """One ingest in this process: seconds by stage, processor time, and what came of it."""
    stages, loaded = Stages(), Model.load(bundle)
    stages.watch(STAGES)
    cpu = time.process_time()
    stages.start()
    summary = module.ingest(library, [data], model=loaded).summary
    seconds = stages.stop()
    return {
        "stages": seconds,
        "seconds": sum(seconds.values()),
        "cpu": time.process_time() - cpu,
        "recorded": 3600 * sum(one.hours for one in summary.datasets),
        "recordings": sum(one.recordings for one in summary.datasets),
        "segments": sum(one.segments for one in summary.datasets),
        "sessions": sum(one.sessions for one in summary.datasets),
    }


def measure_encoder(bundle: Path, segments: int) -> dict[str, float]:
    """The encoder over a session of so many segments and a matrix product, both on one thread."""
    from rates import best_seconds, graph_flops, product_rate

    loaded = Model.load(bundle)
    shape = segments, loaded.config.feature_width
    inputs = {"features": np.random.default_rng(0).normal(size=shape).astype(np.float32)}
    session = open_onnx(loaded.folder / EMG_ENCODER, threads=1)
    seconds, peak = np.inf, 0.0
    for _ in range(5):  # in turn, so that both meet the same machine
        seconds = min(seconds, best_seconds(lambda: session.run(None, inputs), clock=time.thread_time))
        peak = max(peak, product_rate(1, clock=time.thread_time))
    flops = graph_flops(loaded.folder / EMG_ENCODER, inputs)
    return {"segments": segments, "flops": flops, "rate": flops / seconds, "peak": peak}


def in_a_process(*words: object) -> dict[str, Any]:
    """What this program says when it is run with these words."""
    command = [sys.executable, __file__, *map(str, words)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def run_case(case: Case, minutes: float, runs: int, bundle: Path) -> list[dict[str, Any]]:
    """All runs of a case; its files are removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        case.write(Path(folder) / "data", minutes)
        where = [(f"{folder}/data", f"{folder}/library{number}") for number in range(runs)]
        return [in_a_process("--measure", *paths, "--model", bundle) for paths in where]


def speed_table(found: dict[Case, list[dict[str, Any]]]) -> list[str]:
    """Times real time, by the clock and by processor time."""
    lines = [
        "| what | recordings | minutes | segments | goal | times real time, runs | by processor time |",
        "|---|---|---|---|---|---|---|",
    ]
    for case, runs in found.items():
        clock, cpu = (
            ", ".join(f"{run['recorded'] / run[key]:.0f}" for run in runs) for key in ("seconds", "cpu")
        )
        one = runs[0]
        counts = f"{one['recordings']} | {one['recorded'] / 60:.0f} | {one['segments']}"
        lines.append(f"| {case.name} | {counts} | {case.goal} | {clock} | {cpu} |")
    return lines


def share_table(found: dict[Case, list[dict[str, Any]]]) -> list[str]:
    """Share of each stage in each case's fastest run, in percent."""
    best = [min(runs, key=lambda run: run["seconds"]) for runs in found.values()]
    lines = [
        f"| % of the time | {' | '.join(case.name for case in found)} |",
        "|---" * (len(found) + 1) + "|",
    ]
    for stage in (*STAGES, REST):
        shares = [100 * run["stages"].get(stage, 0) / run["seconds"] for run in best]
        lines.append(f"| {stage} | {' | '.join(f'{share:.0f}' for share in shares)} |")
    return lines


def encoder_table(measured: list[dict[str, float]]) -> list[str]:
    """The encoder beside a matrix product."""
    lines = [
        f"| segments of a session | Mflop | Gflop/s | matrix product, Gflop/s | share (goal {LEAST_SHARE}) |",
        "|---|---|---|---|---|",
    ]
    for one in measured:
        rates = f"{one['rate'] / 1e9:.1f} | {one['peak'] / 1e9:.1f} | **{one['rate'] / one['peak']:.2f}**"
        lines.append(f"| {one['segments']:.0f} | {one['flops'] / 1e6:.0f} | {rates} |")
    return lines


def report(found: dict[Case, list[dict[str, Any]]], encoder: list[dict[str, float]], name: str) -> str:
    """All of it as Markdown."""
    load = os.getloadavg()[1]
    about = (
        f"From files to a published, searchable version, model `{name}`. {os.cpu_count()} cores, "
        f"{platform.machine()}, Python {platform.python_version()}; load at the end {load:.1f}. "
        "With a load above 1 other work ran beside it; processor time then says more than the clock."
    )
    parts = [
        ["# Ingest", "", about, ""],
        [*speed_table(found), "", "Where the time goes, in the fastest run of each:", ""],
        [*share_table(found), "", "Encoder and product on one thread, by its own processor time:", ""],
        encoder_table(encoder),
    ]
    return "\n".join(line for part in parts for line in part) + "\n"


def main() -> None:
    """Build the files, run, print and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=40, help="recorded minutes of each case")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--data", type=Path, help="recordings of one's own")
    parser.add_argument("--model", type=Path, help="another bundle than the packaged one")
    parser.add_argument("--measure", nargs=2, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--encoder", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    loaded = Model.load(options.model)
    if options.measure:
        data, library = options.measure
        print(json.dumps(measure(data, library, loaded.folder)))
        return
    if options.encoder:
        print(json.dumps(measure_encoder(loaded.folder, options.encoder)))
        return
    cases = list(CASES)
    if options.data:
        own = options.data.resolve()
        cases.append(Case(f"{own.name}, real", lambda data, minutes: data.symlink_to(own), 1000))
    found = {case: run_case(case, options.minutes, options.runs, loaded.folder) for case in cases}
    sizes = sorted({max(round(runs[0]["segments"] / runs[0]["sessions"]), 1) for runs in found.values()})
    encoder = [in_a_process("--encoder", size, "--model", loaded.folder) for size in sizes]
    text = report(found, encoder, loaded.name)
    print(text)
    RESULT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
