"""What each index backend costs and finds: build time, memory, file size, time of a query, recall.

The vectors are simulated with the clustering of the real ones (see ``simulate``), because there are not
a million real segments. Each backend runs in a process of its own, so that memory is its own.

Filters keep whole sessions, as real ones do. Recall is that of the ten best, against a full comparison.

    python benchmarks/index.py --n 1000000
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
from numpy.typing import NDArray

from myosem.index import BACKENDS, VectorIndex, backend_named, choose, load_vectors

RESULTS = Path(__file__).parent / "results" / "index.md"
K = 10
QUERIES, FILTERED_QUERIES = 200, 50
SHARES = (0.1, 0.01, 0.001, 0.0001)

ACTIONS = 49
SEGMENTS = 100
"""In a session, of ``SESSION_ACTIONS`` actions."""
SESSION_ACTIONS = 10
COMMON, ANCHOR, SESSION, SEGMENT = 0.45, 0.76, 0.44, 0.32
"""Lengths of what a vector is the sum of, as measured on 20,399 segments of nine data sets."""
DIRECTIONS = {"anchor": 10, "session": 16, "segment": 12}
"""In how many directions each of them spreads: (sum of variances)^2 / sum of their squares, measured."""
MEANING, PHRASE, GAP = 0.4, 0.25, 0.88
"""Lengths of what a query in words is the sum of; its best score is then near .4."""
BLOCK = 65_536

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Simulated:
    """Vectors ``(N, D)`` in ``path``, the session of each, and queries ``(Q, D)`` of both kinds."""

    path: Path
    sessions: NDArray[np.int64]
    queries: dict[str, Vectors]


@dataclass(frozen=True)
class Question:
    """Queries, the rows a filter keeps (None for all), and the exact answer ``(Q, K)``."""

    queries: Vectors
    rows: NDArray[np.int64] | None
    answer: NDArray[np.int64]


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
    build_mb: float
    file_mb: float
    open_ms: float
    search_mb: float
    answers: list[Answered]


def simulate(count: int, dimension: int, folder: Path, seed: int = 0) -> Simulated:
    """A mixture round one anchor for each action, moved in each session, and queries that fit it.

    A vector is a mean common to all, plus the anchor of its action, plus what its session does to that
    action, plus its own deviation, scaled to length 1. Each part has the length and the number of directions
    measured on real segments; all spread over the same directions, the first of them most. EMG queries are
    segments of sessions that are not in the index. Queries in words point from an anchor some way off, and
    away from all EMG: the gap between both modalities.
    """
    random = np.random.default_rng(seed)
    basis = np.linalg.qr(random.normal(size=(dimension, dimension)))[0].astype(np.float32)
    common = COMMON * basis[:, -1]
    anchors = ANCHOR * spread(random, ACTIONS, "anchor", dimension) @ basis.T
    path = folder / "vectors.npy"
    create: Callable[..., np.memmap[Any, np.dtype[np.float32]]] = np.lib.format.open_memmap
    vectors = create(path, "w+", np.float32, (count, dimension))
    for first in range(0, count, BLOCK):
        some = vectors[first : first + BLOCK]
        some[:] = segments(random, len(some), common + anchors, basis)
    vectors.flush()
    emg = segments(random, QUERIES * SEGMENTS, common + anchors, basis)[::SEGMENTS]
    meaning = anchors[random.integers(ACTIONS, size=QUERIES)]
    words = (
        MEANING * meaning / np.linalg.norm(meaning, axis=1, keepdims=True)
        + PHRASE * spread(random, QUERIES, "session", dimension) @ basis.T
        + GAP * basis[:, -2]
    )
    return Simulated(path, np.arange(count) // SEGMENTS, {"words": unit(words), "EMG": emg})


def segments(random: np.random.Generator, count: int, anchors: Vectors, basis: Vectors) -> Vectors:
    """Unit vectors ``(count, D)``, session after session."""
    sessions = -(-count // SEGMENTS)
    dimension = len(basis)
    offsets = spread(random, sessions * SESSION_ACTIONS, "session", dimension)
    actions = np.stack([random.permutation(len(anchors))[:SESSION_ACTIONS] for _ in range(sessions)])
    own = random.integers(SESSION_ACTIONS, size=count)
    session = np.arange(count) // SEGMENTS
    parts = SESSION * offsets[session * SESSION_ACTIONS + own]
    parts += SEGMENT * spread(random, count, "segment", dimension)
    return unit(anchors[actions[session, own]] + parts @ basis.T)


def spread(random: np.random.Generator, count: int, part: str, dimension: int) -> Vectors:
    """``(count, D)`` normal numbers of mean square length 1 whose variance falls from place to place."""
    variance = np.exp(-np.arange(dimension) * 2 / DIRECTIONS[part])
    scale = np.sqrt(variance / variance.sum()).astype(np.float32)
    return np.asarray(random.standard_normal((count, dimension), dtype=np.float32) * scale)


def unit(vectors: Vectors) -> Vectors:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def questions(simulated: Simulated) -> dict[str, Question]:
    """What every backend is asked: both kinds of query, first among all rows, then among fewer and fewer."""
    exact = BACKENDS["flat"].build(load_vectors(simulated.path))
    asked: dict[str, Question] = {}
    for kind, queries in simulated.queries.items():
        asked[kind] = Question(queries, None, exact.search(queries, K)[1])
    for share in SHARES:
        rows = kept_rows(simulated.sessions, share)
        for kind, queries in simulated.queries.items():
            few = queries[:FILTERED_QUERIES]
            asked[f"{kind} {share:g}"] = Question(few, rows, exact.search(few, K, rows)[1])
    return asked


def kept_rows(sessions: NDArray[np.int64], share: float) -> NDArray[np.int64]:
    """A share of the rows, ascending, by whole sessions as long as there is one."""
    random = np.random.default_rng(round(1 / share))
    order = random.permutation(sessions[-1] + 1)
    place = np.argsort(order)
    return np.sort(np.argsort(place[sessions], kind="stable")[: max(round(share * len(sessions)), K)])


def build(name: str, path: Path, pipe: Any) -> None:
    """Build and save one backend in this process; sends the first half of a ``Measured``."""
    vectors = load_vectors(path)
    folder = path.parent / name
    folder.mkdir()
    before_mb = peak_mb()
    start = time.perf_counter()
    backend_named(name).build(vectors).save(folder)
    build_s, build_mb = time.perf_counter() - start, peak_mb() - before_mb
    pipe.send((build_s, build_mb, sum(file.stat().st_size for file in folder.iterdir()) / 1e6))


def search(name: str, path: Path, asked: Sequence[Question], pipe: Any) -> None:
    """Open one backend in this process and let it answer; sends the other half of a ``Measured``."""
    before_mb = peak_mb()
    start = time.perf_counter()
    index = backend_named(name).load(load_vectors(path), path.parent / name)
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


def measured(name: str, path: Path, asked: Sequence[Question]) -> Measured:
    build_s, build_mb, file_mb = apart(build, name, path)
    open_ms, search_mb, answers = apart(search, name, path, asked)
    return Measured(build_s, build_mb, file_mb, open_ms, search_mb, answers)


def table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [heading, ["---"] * len(heading), *rows])


def report(count: int, dimension: int, asked: Sequence[str], all_measured: dict[str, Measured]) -> str:
    """Both tables as Markdown."""
    choice = choose(count, dimension)
    costs = [
        [
            *(name, f"{one.build_s:.0f}", f"{one.build_mb:,.0f}", f"{one.file_mb:,.0f}"),
            *(f"{one.open_ms:.0f}", f"{one.search_mb:,.0f}"),
            *(f"{part.p50_ms:.2f} / {part.p99_ms:.2f}" for part in one.answers[:2]),
            *(f"{part.recall:.3f}" for part in one.answers[:2]),
        ]
        for name, one in all_measured.items()
    ]
    cost_heading = [
        *("backend", "build (s)", "MB while built", "MB on disk", "open (ms)", "MB while searched"),
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
            f"{os.cpu_count()} threads; {platform.machine()}, Python {platform.python_version()}. MB while "
            "searched hold the pages of mapped files that were touched. By `python benchmarks/index.py`.",
            f"The rule takes {choice.backend}: {choice.reason}.",
            table(cost_heading, costs),
            "Recall and median time where a filter keeps a share of the rows:",
            table(["backend", *asked[2:]], filtered),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--n", type=int, default=1_000_000, help="how many vectors")
    parser.add_argument("--dimension", type=int, default=256)
    parser.add_argument("--backends", nargs="+", default=list(BACKENDS), choices=list(BACKENDS))
    parser.add_argument("--no-write", action="store_true", help="print only")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        simulated = simulate(arguments.n, arguments.dimension, Path(folder))
        asked = questions(simulated)
        found = {}
        for name in arguments.backends:
            print(f"{name} ...", file=sys.stderr, flush=True)
            found[name] = measured(name, simulated.path, list(asked.values()))
    text = report(arguments.n, arguments.dimension, list(asked), found)
    print(text)
    if not arguments.no_write:
        RESULTS.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
