"""The whole `small` recipe from nothing to a bundle: minutes of each step, and how hard the machine works.

    python benchmarks/recipe.py DATA [--folds FILE] [--work DIR] [--jobs 2]

Ingests the recordings, grounds the text tower, pre-trains the tokens, trains, judges on people never seen,
exports. In the same run the encoder's forward pass is set against a plain matrix product. Writes
benchmarks/results/recipe.md.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from rates import best_seconds, product_rate
from torch.utils.flop_counter import FlopCounterMode

from myosem.encoder import EncoderConfig, SessionEncoder
from myosem.features import WIDTH
from myosem.train import TrainConfig

RESULT = Path(__file__).parent / "results" / "recipe.md"
LIMIT_MINUTES, LEAST_SHARE = 90, 0.40
SCORES = 250
"""About as many discriminant scores as nine data sets have."""


def commands(data: Path, folds: Path, work: Path, jobs: int) -> dict[str, list[str]]:
    """The steps, by name."""
    library, table = ["--library", str(work / "lib")], str(work / "user.json")
    tower = ["--tower", str(work / "tower")]
    return {
        "ingest": ["ingest", str(data), "--no-index", *library],
        "ground the text tower": ["ground", "--out", str(work / "tower")],
        "pre-train tokens": ["pretrain", *library, "--preset", "small", "--out", str(work / "tokens")],
        "train": ["train", *library, *tower, "--out", str(work / "run")],
        "judge": ["evaluate", *library, *tower, "--folds", str(folds), "--jobs", str(jobs), "--out", table],
        "export": [
            *["export", str(work / "run"), *tower, "--tokens", str(work / "tokens")],
            *["--results", table, "--out", str(work / "bundle")],
        ],
    }


def run_steps(steps: dict[str, list[str]]) -> dict[str, float]:
    """Minutes of each step, each a process of its own."""
    minutes = {}
    for name, arguments in steps.items():
        begun = time.monotonic()
        command = [sys.executable, "-c", "from myosem.cli.main import run; run()", *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        minutes[name] = (time.monotonic() - begun) / 60
        print(f"{name}: {minutes[name]:.1f} minutes", flush=True)
    return minutes


@torch.no_grad()
def forward_share(threads: int) -> tuple[float, float, float]:
    """Segments/s of the forward pass, its flop/s, and the flop/s of a product of 1024 x 1024 matrices."""
    torch.set_num_threads(threads)
    config = TrainConfig()
    encoder = SessionEncoder(EncoderConfig(scores=SCORES)).eval()
    features = torch.randn(config.sessions, config.segments, WIDTH)
    mask = torch.ones(features.shape[:2], dtype=torch.bool)
    with FlopCounterMode(display=False) as counter:
        encoder(features, mask)
    seconds = best_seconds(lambda: encoder(features, mask))
    return mask.numel() / seconds, counter.get_total_flops() / seconds, product_rate(threads)


def table(minutes: dict[str, float], trained: float, shares: dict[int, tuple[float, float, float]]) -> str:
    """The result as Markdown."""
    total = sum(minutes.values())
    lines = [
        "# The `small` recipe from nothing to a bundle",
        "",
        f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}",
        "",
        "| step | minutes |",
        "|---|---|",
        *(f"| {name} | {value:.1f} |" for name, value in minutes.items()),
        f"| **all** (at most {LIMIT_MINUTES}) | **{total:.1f}** |",
        "",
        f"Training takes {trained:.0f} segments/s.",
        "",
        f"| threads | forward, segments/s | Gflop/s | product, Gflop/s | share (at least {LEAST_SHARE}) |",
        "|---|---|---|---|---|",
    ]
    for threads, (segments, reached, peak) in shares.items():
        cells = f"{segments:.0f} | {reached / 1e9:.1f} | {peak / 1e9:.1f} | **{reached / peak:.2f}**"
        lines.append(f"| {threads} | {cells} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--folds", type=Path)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        minutes = run_steps(
            commands(options.data, options.folds or options.data / "folds.yaml", work, options.jobs)
        )
        about = json.loads((work / "run" / "run.json").read_text(encoding="utf-8"))
    config = TrainConfig()
    trained = about["steps"] * config.sessions * config.segments / (60 * about["minutes"])
    text = table(minutes, trained, {threads: forward_share(threads) for threads in (1, 2)})
    RESULT.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
