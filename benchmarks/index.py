"""What each index backend costs and finds: build time, memory, file size, time of a query, recall.

The vectors are simulated with the clustering of the real ones (simulated_vectors.py), because there are not
a million real segments. Each backend runs in a process of its own, so that memory is its own.

Filters keep whole sessions, as real ones do. Recall is that of the ten best, against a full comparison.

    python benchmarks/index.py
    python benchmarks/index.py --n 10000000 --backends ivf ivfpq
"""

import argparse
import multiprocessing
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from simulated_vectors import QUERIES, Simulated, Vectors, simulate

from myosem.index import BACKENDS, VectorIndex, backend_named, choose, load_vectors
from myosem.index.protocol import Rows, blocks_of

RESULTS = Path(__file__).parent / "results" / "index.md"
K = 10
USUAL = 1_000_000
FILTERED_QUERIES = 50
SHARES = (0.1, 0.01, 0.001, 0.0001)


@dataclass(frozen=True)
class Question:
    """Queries, the rows a filter keeps (None for all), and the exact answer ``(Q, K)``."""

    queries: Vectors
    rows: Rows | None
    answer: Rows


@dataclass(frozen=True)
class Answered:
    """How a backend answered a question."""

    p50_ms: float
    p99_ms: float
    recall: float
    exact: bool


@dataclass(frozen=True)
class Measured:
    """What one backend costs, and its answer to each question."""

    build_s: float
    build_cpu_s: float
    build_mb: float
    file_mb: float
    open_ms: float
    search_mb: float
    answers: list[Answered]


def questions(simulated: Simulated) -> dict[str, Question]:
    """What every backend is asked: both kinds of query, first among all rows, then among fewer and fewer."""
    vectors = load_vectors(simulated.path)
    filters = {f" {share:g}": kept_rows(simulated.sessions, share) for share in SHARES}
    asked: dict[str, Question] = {}
    for name, rows in {"": None, **filters}.items():
        queries = {
            kind: one[: QUERIES if rows is None else FILTERED_QUERIES]
            for kind, one in simulated.queries.items()
        }
        answers = np.split(full_comparison(vectors, np.concatenate([*queries.values()]), rows), len(queries))
        for (kind, own), answer in zip(queries.items(), answers, strict=True):
            asked[kind + name] = Question(own, rows, answer)
    return asked


def full_comparison(vectors: Vectors, queries: Vectors, rows: Rows | None) -> Rows:
    """The best rows ``(Q, K)``; much faster than a flat index, which answers queries one by one."""
    import faiss

    best, found = np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
    first = 0
    for block in blocks_of(vectors, rows):
        scores, places = faiss.knn(queries, block, min(K, len(block)), metric=faiss.METRIC_INNER_PRODUCT)
        places = first + places if rows is None else rows[first + places]
        best, found = np.hstack([best, scores]), np.hstack([found, places])
        order = np.argsort(-best, axis=1, kind="stable")[:, :K]
        best, found = np.take_along_axis(best, order, axis=1), np.take_along_axis(found, order, axis=1)
        first += len(block)
    return found


def kept_rows(sessions: Rows, share: float) -> Rows:
    """A share of the rows, ascending, by whole sessions as long as there is one."""
    random = np.random.default_rng(round(1 / share))
    order = random.permutation(sessions[-1] + 1)
    place = np.argsort(order)
    return np.sort(np.argsort(place[sessions], kind="stable")[: max(round(share * len(sessions)), K)])


def build(name: str, path: Path, folder: Path, pipe: Any) -> None:
    """Build and save one backend in this process; sends the first half of a ``Measured``."""
    vectors = load_vectors(path)
    before_mb, start, used_s = peak_mb(), time.perf_counter(), time.process_time()
    backend_named(name).build(vectors).save(folder)
    build_s, cpu_s = time.perf_counter() - start, time.process_time() - used_s
    build_mb = peak_mb() - before_mb
    file_mb = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
    pipe.send((build_s, cpu_s, build_mb, file_mb))


def search(name: str, path: Path, folder: Path, asked: Sequence[Question], pipe: Any) -> None:
    """Open one backend in this process and let it answer; sends the other half of a ``Measured``."""
    before_mb = peak_mb()
    start = time.perf_counter()
    index = backend_named(name).load(load_vectors(path), folder)
    open_ms = 1e3 * (time.perf_counter() - start)
    answers = [answer(index, question) for question in asked]
    pipe.send((open_ms, peak_mb() - before_mb, answers))


def answer(index: VectorIndex, question: Question) -> Answered:
    """Ask one query after the other, as a server does."""
    index.search(question.queries[:1], K, question.rows)
    times_ms, found = [], 0
    for query, wanted in zip(question.queries, question.answer, strict=True):
        start = time.perf_counter()
        rows = index.search(query[None], K, question.rows)[1][0]
        times_ms.append(1e3 * (time.perf_counter() - start))
        found += len(np.intersect1d(rows, wanted))
    p50_ms, p99_ms = np.quantile(times_ms, [0.5, 0.99])
    exact = index.plan(K, question.rows).exact
    return Answered(float(p50_ms), float(p99_ms), found / question.answer.size, exact)


def peak_mb() -> float:
    """The most memory this process has had; mapped pages of the vectors count too.

    Asked of the system by process: ``getrusage`` begins with the peak of the process that started this one.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def apart(work: Callable[..., None], *given: object) -> Any:
    """What ``work`` sends from a process of its own."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=work, args=(*given, there))
    process.start()
    there.close()
    try:
        return here.recv()
    finally:
        process.join()


def measured(name: str, path: Path, folder: Path, asked: Sequence[Question]) -> Measured:
    folder = folder / name
    folder.mkdir()
    built = apart(build, name, path, folder)
    return Measured(*built, *apart(search, name, path, folder, asked))


def table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [heading, ["---"] * len(heading), *rows])


def report(
    count: int, dimension: int, asked: Sequence[str], all_measured: dict[str, Measured], load: float
) -> str:
    """Both tables as Markdown."""
    choice = choose(count, dimension)
    costs = [
        [
            *(name, f"{one.build_s:.0f}", f"{one.build_cpu_s:.0f}", f"{one.build_mb:,.0f}"),
            *(f"{one.file_mb:,.0f}", f"{one.open_ms:.0f}", f"{one.search_mb:,.0f}"),
            *(f"{part.p50_ms:.2f} / {part.p99_ms:.2f}" for part in one.answers[:2]),
            *(f"{part.recall:.3f}" for part in one.answers[:2]),
        ]
        for name, one in all_measured.items()
    ]
    cost_heading = [
        *("backend", "build (s)", "computing (s)", "MB while built"),
        *("MB on disk", "open (ms)", "MB while searched"),
        *("words p50 / p99 (ms)", "EMG p50 / p99 (ms)", "recall words", "recall EMG"),
    ]
    filtered = [
        [
            name,
            *(
                f"{part.recall:.3f}{' exact' if part.exact else ''}, {part.p50_ms:.1f} ms"
                for part in one.answers[2:]
            ),
        ]
        for name, one in all_measured.items()
    ]
    threads = os.environ.get("OMP_NUM_THREADS", "all")
    return "\n\n".join(
        [
            "# Index backends",
            f"{count:,} simulated vectors of {dimension} dimensions; {QUERIES} queries of each kind, "
            f"{FILTERED_QUERIES} with a filter, one at a time on one thread; built with {threads} of "
            f"{os.cpu_count()} threads; load average before {load:.1f}; {platform.machine()}, Python "
            f"{platform.python_version()}. MB while searched hold the pages of mapped files that were "
            "touched. By `python benchmarks/index.py`.",
            f"The rule takes {choice.backend}: {choice.reason}.",
            table(cost_heading, costs),
            "Recall and median time where a filter keeps a share of the rows:",
            table(["backend", *asked[2:]], filtered),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--n", type=int, default=USUAL, help="how many vectors")
    parser.add_argument("--dimension", type=int, default=256)
    parser.add_argument("--backends", nargs="+", default=list(BACKENDS), choices=list(BACKENDS))
    parser.add_argument("--folder", type=Path, help="where the vectors are kept for the next time")
    parser.add_argument("--no-write", action="store_true", help="print only")
    arguments = parser.parse_args()
    before = os.getloadavg()[0]
    if arguments.folder:
        arguments.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        kept = (arguments.folder or Path(folder)) / f"{arguments.n}x{arguments.dimension}"
        kept.mkdir(exist_ok=True)
        simulated = simulate(arguments.n, arguments.dimension, kept)
        asked = questions(simulated)
        found = {}
        for name in arguments.backends:
            print(f"{name} ...", file=sys.stderr, flush=True)
            found[name] = measured(name, simulated.path, Path(folder), list(asked.values()))
    text = report(arguments.n, arguments.dimension, list(asked), found, before)
    print(text)
    if not arguments.no_write:
        path = RESULTS if arguments.n == USUAL else RESULTS.with_stem(f"index-{arguments.n}")
        path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
