"""Verdicts in processes of their own, so that one that ends or hangs is blamed on what it was judging."""

import multiprocessing
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from queue import Empty, SimpleQueue
from typing import Any

STUCK_S, START_S = 60.0, 300.0
"""After so long without a verdict a process is ended; its start may take longer."""
BLOCK = 200

Judging = Callable[[Any], Iterator["Verdict"]]


@dataclass(frozen=True)
class Verdict:
    """What became of a damaged file.

    Attributes:
        case: which one, for people.
        outcome: ``refused``, ``read`` or ``fault``.
        said: the error.
        seconds: of processor time.
        grown: bytes of memory at the peak over those before.
    """

    case: str
    outcome: str
    said: str = ""
    seconds: float = 0.0
    grown: int = 0


def judge_apart(
    judging: Judging, cases: Sequence[Any], processes: int, stuck_s: float = STUCK_S
) -> list[Verdict]:
    """As ``judging`` does, in processes; one that ends or says nothing any more is a fault of its case.

    Args:
        judging: yields a verdict for each of some cases; can be pickled.
        cases: can be pickled, and printed.
        processes: how many at once.
        stuck_s: longest wait for a verdict.
    """
    waiting: SimpleQueue[Sequence[Any]] = SimpleQueue()
    size = max(1, min(BLOCK, len(cases) // processes))
    for first in range(0, len(cases), size):
        waiting.put(cases[first : first + size])
    verdicts: list[Verdict] = []
    threads = [
        threading.Thread(target=_work, args=(judging, waiting, verdicts, stuck_s)) for _ in range(processes)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return verdicts


def _work(
    judging: Judging, waiting: "SimpleQueue[Sequence[Any]]", verdicts: list[Verdict], stuck_s: float
) -> None:
    """Judge block after block, each in a process; after a fault of one, the rest of its block in the next."""
    while True:
        try:
            cases = waiting.get_nowait()
        except Empty:
            return
        while cases:
            done, ending = _judge_block(judging, cases, verdicts, stuck_s)
            if done < len(cases):
                verdicts.append(Verdict(str(cases[done]), "fault", ending))
            cases = cases[done + 1 :]


def _judge_block(
    judging: Judging, cases: Sequence[Any], verdicts: list[Verdict], stuck_s: float
) -> tuple[int, str]:
    """How many verdicts a process gave, and how it ended."""
    context = multiprocessing.get_context("spawn")
    own, other = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(judging, cases, other))
    process.start()
    other.close()
    done, ending = -1, ""
    try:
        while done < len(cases) and own.poll(START_S if done < 0 else stuck_s):
            verdict = own.recv()
            verdicts += [] if verdict is None else [verdict]
            done += 1
        if done < len(cases):
            ending = f"no verdict for {stuck_s:g} s"
            process.kill()
    except EOFError:
        process.join()
        ending = f"the process ended with {process.exitcode}"
    process.join()
    own.close()
    return max(done, 0), ending


def _serve(judging: Judging, cases: Sequence[Any], answer: Connection) -> None:
    answer.send(None)
    for verdict in judging(cases):
        answer.send(verdict)
