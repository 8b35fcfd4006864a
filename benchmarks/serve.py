"""How `myosem serve` holds: many requests at once while an ingest publishes version after version.

    python benchmarks/serve.py [--seconds 60] [--clients 200] [--segments 5000] [--large 1000000]

The server is a process of its own, the ingest another. Clients keep their connection and ask again as soon
as they are answered: mostly searches, some with a condition, besides segments to describe, to compare and to
read. Afterwards every search is asked again of the version that its answer names, alone and in peace: an
answer that differs was mixed from versions. Signals are simulated bursts, their vectors random.

Then 16 clients, and one alone, ask a large library (large_library.py) for words only: such as were asked
before, and new ones. It is made in two minutes and takes 2 GB; with --library it is kept there for the next
time. Writes benchmarks/results/serve.md.
"""

import argparse
import asyncio
import itertools
import json
import multiprocessing
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from bursts import RandomVectors, write_signals
from large_library import library_of

from myosem.ingest import ingest
from myosem.library import Library
from myosem.model import Model
from myosem.prompts import load_actions
from myosem.search import Engine

RESULT = Path(__file__).parent / "results" / "serve.md"
FEW_CLIENTS = 16
CHECKED = 200
"""Answers of a library that stays as it is that are asked again."""
HITS = 5
CONDITIONS = (None, None, "label is not null", "subject = 's1'")
VERSION = "x-myosem-version"
TARGET = "goals: no error, no mixed version; one client: p50 10 ms, p99 40 ms; 16 clients: 150 requests/s"
COLUMNS = ("load", "segments", "clients", "requests", "errors", "mixed", "versions", "requests/s")
HEADING = f"| {' | '.join((*COLUMNS, 'p50 ms', 'p99 ms', 'server ms'))} |"

Body = dict[str, Any]


@dataclass(frozen=True)
class Ask:
    """A request: its method, path and JSON body."""

    method: str
    path: str
    body: Body | None = None


@dataclass(frozen=True)
class Answer:
    """What came back for it, and after how long; status 0 where the connection broke."""

    ask: Ask
    status: int
    seconds: float
    version: int
    content: bytes


@dataclass(frozen=True)
class Load:
    """What a number of clients went through.

    Attributes:
        server_s: seconds the server's process was on a processor.
    """

    name: str
    clients: int
    seconds: float
    server_s: float
    answers: list[Answer]


async def one_client(port: int, asks: Iterator[Ask], until: float, answers: list[Answer]) -> None:
    """Ask over one connection, again and again."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.monotonic() < until:
        ask, start = next(asks), time.perf_counter()
        try:
            status, version, content = await exchange(reader, writer, ask)
        except (OSError, EOFError, ValueError) as error:
            answers.append(Answer(ask, 0, time.perf_counter() - start, 0, repr(error).encode()))
            return
        answers.append(Answer(ask, status, time.perf_counter() - start, version, content))
    writer.close()


async def exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ask: Ask
) -> tuple[int, int, bytes]:
    """Status, version and body of one answer."""
    body = b"" if ask.body is None else json.dumps(ask.body).encode()
    head = f"{ask.method} {ask.path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {len(body)}\r\n"
    writer.write(f"{head}content-type: application/json\r\n\r\n".encode() + body)
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
    content = await reader.readexactly(int(headers["content-length"]))
    return int(lines[0].split()[1]), int(headers.get(VERSION, 0)), content


def load(name: str, server: "Server", clients: int, seconds: float, asks: Callable[[int], Ask]) -> Load:
    """Let clients ask for so long; client by client and request by request ``asks`` counts on."""
    answers: list[Answer] = []
    numbers = itertools.count()

    async def all_clients() -> None:
        until = time.monotonic() + seconds
        endless = (asks(number) for number in numbers)
        await asyncio.gather(*(one_client(server.port, endless, until, answers) for _ in range(clients)))

    used, start = server.seconds(), time.perf_counter()
    asyncio.run(all_clients())
    return Load(name, clients, time.perf_counter() - start, server.seconds() - used, answers)


@dataclass(frozen=True)
class Server:
    """A running server."""

    process: "subprocess.Popen[str]"
    port: int

    def seconds(self) -> float:
        """How long it was on a processor."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def served(library: Path, model: Model) -> Iterator[Server]:
    """A server of the library, which must end in peace."""
    command = [sys.executable, "-m", "myosem.cli.main", "serve", "--no-page", "--port", "0"]
    command += ["--library", str(library), "--model", str(model.folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    greeting = process.stdout.readline() if process.stdout else ""
    try:
        yield Server(process, int(greeting.rstrip().rpartition(":")[2]))
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


def keep_publishing(library: Path, data: Path, model: Path, over: Any) -> None:
    """Bring a session of a new person, publish, and so on."""
    vectors = RandomVectors(Model.load(model))
    source = sorted((data / "s1").glob("*.npz"))
    for number in itertools.count(1):
        folder = data / f"s{1000 + number}"
        folder.mkdir()
        for path in source[:2]:
            with np.load(path) as held:
                emg = np.roll(held["emg"], 7 * number, axis=0)
                np.savez(folder / path.name, emg=emg, gesture=held["gesture"])
        ingest(library, [folder], model=vectors, mapping=data / "mapping.yaml")
        if over.wait(0.5):
            return


def mixture(library: Library) -> Callable[[int], Ask]:
    """Eight searches in ten requests, with words of the actions; the others about segments of the library."""
    chance = random.Random(0)
    phrases = [name for action in load_actions().values() for name in action.names]
    rows = chance.sample(range(library.manifest.segments), 200)
    segments = [row.segment for row in library.rows(rows)]

    def ask(number: int) -> Ask:
        segment = chance.choice(segments)
        if number % 10 < 8:
            body: Body = {"query": chance.choice(phrases), "k": HITS, "where": chance.choice(CONDITIONS)}
            return Ask("POST", "/search", body)
        if number % 30 == 8:
            return Ask("POST", "/describe", {"source": segment})
        if number % 30 == 18:
            return Ask("POST", "/similar", {"source": segment, "k": HITS})
        return Ask("GET", f"/segments/{segment}/signal")

    return ask


def words(new: bool, first: int = 0) -> Callable[[int], Ask]:
    """Searches by words: of 50 phrases, or each of a new one; those from ``first`` on."""
    phrases = [action.names[0] for action in load_actions().values()][:50]

    def ask(number: int) -> Ask:
        phrase = phrases[number % len(phrases)]
        return Ask("POST", "/search", {"query": f"{phrase}, try {first + number}" if new else phrase})

    return ask


def mixed(answers: list[Answer], library: Path, model: Model) -> int:
    """How many searches were not answered as their version alone answers them."""
    engines: dict[int, Engine] = {}
    known: dict[tuple[int, str], Any] = {}
    wrong = 0
    for one in answers:
        if one.ask.path != "/search" or one.status != 200:
            continue
        if one.version not in engines:
            engines[one.version] = Engine(Library(library, one.version), model)
        key = (one.version, json.dumps(one.ask.body))
        if key not in known:
            known[key] = json.loads(json.dumps(asdict(engines[one.version].search(**(one.ask.body or {})))))
        wrong += json.loads(one.content) != known[key]
    return wrong


def row(found: Load, segments: int, wrong: int | None) -> str:
    """A line of the table."""
    times = np.array([one.seconds for one in found.answers]) * 1000
    failed = sum(one.status != 200 for one in found.answers)
    versions = len({one.version for one in found.answers if one.version})
    middle, late = np.percentile(times, [50, 99])
    own = found.server_s / len(times) * 1000
    return (
        f"| {found.name} | {segments:,} | {found.clients} | {len(times):,} | {failed} | "
        f"{'' if wrong is None else wrong} | {versions} | {len(times) / found.seconds:.0f} | {middle:.1f} | "
        f"{late:.1f} | {own:.2f} |"
    )


def while_publishing(options: argparse.Namespace, folder: Path, model: Model) -> str:
    """Everything is asked of a library that grows; as a line of the table."""
    data, library = folder / "data", folder / "library"
    write_signals(data, options.segments)
    ingest(library, [data], model=RandomVectors(model), mapping=data / "mapping.yaml")
    over = multiprocessing.get_context("spawn").Event()
    writer = multiprocessing.get_context("spawn").Process(
        target=keep_publishing, args=(library, data, model.folder, over)
    )
    with served(library, model) as server:
        writer.start()
        asks = mixture(Library.open(library))
        found = load("everything, an ingest publishes", server, options.clients, options.seconds, asks)
        over.set()
        writer.join()
    return row(found, options.segments, mixed(found.answers, library, model))


def by_words(options: argparse.Namespace, library: Path, model: Model) -> list[str]:
    """Words alone are asked of a large library, which stays as it is; as lines of the table."""
    lines, fresh = [], itertools.count(step=10**6)
    seconds = options.seconds / 4
    with served(library, model) as server:
        load("nothing yet", server, 1, 2, words(new=False))
        for clients in (1, FEW_CLIENTS):
            for name, new in (("words asked before", False), ("new words", True)):
                found = load(name, server, clients, seconds, words(new, next(fresh)))
                lines.append(row(found, options.large, mixed(found.answers[:CHECKED], library, model)))
    return lines


def main() -> None:
    """Build the library, run, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--segments", type=int, default=5_000, help="of the library that grows")
    parser.add_argument("--large", type=int, default=1_000_000, help="segments of the large library")
    parser.add_argument("--library", type=Path, help="keep the large library here")
    parser.add_argument("--no-write", action="store_true", help="print only")
    parser.add_argument("--model", type=Path, help="another bundle than the packaged one")
    options = parser.parse_args()
    model = Model.load(options.model, lasting=True)
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        lines = [while_publishing(options, Path(folder), model)]
        large = library_of(options.library or Path(folder) / "large", options.large, model)
        large.close()
        lines += by_words(options, large.path, model)
    text = (
        f"# The server under load\n\nLoopback, clients and server on one machine, model `{model.name}`; "
        f"{TARGET}. `server ms` is the server's time on a processor for a request. "
        f"{os.cpu_count()} cores, load average before {before:.1f}, {platform.machine()}, "
        f"Python {platform.python_version()}.\n\n"
        f"{HEADING}\n|{'---|' * HEADING.count(' | ')}---|\n" + "\n".join(lines) + "\n"
    )
    print(text)
    if not options.no_write:
        RESULT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
