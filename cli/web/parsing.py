"""Files from outside are read in a process of their own, which has a time and a memory limit.

Whatever such a file does to its reader, the server goes on: a process that takes too long is ended, one that
ends by itself is replaced. Nothing that it says is unpickled.
"""

import json
import os
import subprocess
import sys
import weakref
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import BoundedSemaphore, Event, Timer

import numpy as np
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from myosem.cli.web.uploads import MEBIBYTE, UNPACKED, TooLargeError
from myosem.errors import (
    KnownBadError,
    MappingError,
    MissingExtraError,
    MyoSemError,
    SourceError,
    UnknownFormatError,
    UsageError,
)
from myosem.records import Channel, Recording, Signal, Span
from myosem.sources import Given

LIMIT_S = 60
MEMORY = 1024 * MEBIBYTE
MEMORY_PER_BYTE = 16
LONGEST_ANSWER = 16 * MEBIBYTE
READY = b"ready\n"
COMMAND = (sys.executable, "-P", "-m", "myosem.cli.web.parser_process")
TOKEN = "MYOSEM_TOKEN"
"""What a file's reader has no business to know."""
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
KINDS: dict[str, type[MyoSemError]] = {
    kind.__name__: kind
    for kind in (
        KnownBadError,
        MappingError,
        MissingExtraError,
        SourceError,
        TooLargeError,
        UnknownFormatError,
        UsageError,
    )
}

Process = subprocess.Popen[bytes]


@dataclass(frozen=True)
class Job:
    """A file to read.

    Attributes:
        path: of the file; the samples go beside it.
        most_bytes: how long the file may be, see ``check_file``.
        propose: whether a table or arrays without a mapping get the one that looks right.
        rate_hz: samples per second for that mapping.
    """

    path: str
    most_bytes: int
    propose: bool = False
    rate_hz: float | None = None


class _Described(BaseModel):
    """A recording without its samples."""

    model_config = ConfigDict(extra="forbid")

    rate_hz: float
    channels: tuple[Channel, ...]
    dataset: str
    subject: str
    session: str
    name: str
    source: str
    unit: str
    signal: Signal
    band_hz: tuple[float, float] | None
    anchored: bool
    spans: tuple[Span, ...]
    simulated: bool
    notes: tuple[str, ...]


class _Failed(BaseModel):
    kind: str
    what: str
    sentence: str
    hint: str | None


class _Answer(BaseModel):
    recordings: list[_Described] = []
    failed: _Failed | None = None


class Parsers:
    """Processes that read files, used again as long as they do well; threads may share it.

    Args:
        most_bytes: how long a file may be; memory is given by it.
        limit_s: how long reading one may take in seconds.
        memory: how much of it a process may have in bytes.
        command: starts one.
    """

    def __init__(
        self,
        most_bytes: int,
        *,
        limit_s: float = LIMIT_S,
        memory: int | None = None,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self.most_bytes = most_bytes
        self._limit_s = limit_s
        memory = MEMORY + MEMORY_PER_BYTE * most_bytes if memory is None else memory
        written = 2 * UNPACKED * most_bytes
        self._command = [*command, str(memory), str(written), str(int(limit_s) + 1)]
        self._idle: SimpleQueue[Process] = SimpleQueue()
        self._turn = BoundedSemaphore(max(os.cpu_count() or 1, 1))
        self.close = weakref.finalize(self, _end_all, self._idle)

    def read(self, path: Path, *, propose: bool = False, rate_hz: float | None = None) -> Given:
        """The recordings of a file; their samples lie in its folder for as long as they are used.

        Args:
            path: of the file; nothing else is in its folder but its mapping.
            propose: see ``Job``.
            rate_hz: see ``Job``.

        Raises:
            SourceError, MappingError: it cannot be read, or not in time.
            TooLargeError: it is longer than ``most_bytes``, unpacks to too much, or takes too much memory.
        """
        job = Job(str(path), self.most_bytes, propose, rate_hz)
        with self._turn:
            said = self._ask(json.dumps(asdict(job)).encode() + b"\n", path.name)
        try:
            answer = TypeAdapter(_Answer).validate_json(said)
        except ValidationError as error:
            raise SourceError(f"{path.name} cannot be read") from error
        if answer.failed is not None:
            raise _error(answer.failed)
        files = [path.parent / f"{number}.npy" for number in range(len(answer.recordings))]
        return Given(path.name, [_recording(*one) for one in zip(answer.recordings, files, strict=True)])

    def warm(self) -> None:
        """Have a process that waits for the next file."""
        if self._idle.empty():
            self._idle.put(self._start())

    def _ask(self, job: bytes, name: str) -> bytes:
        """What a process says to a job.

        Raises:
            SourceError: it took too long, or ended.
        """
        process = self._ready()
        late = Event()

        def end() -> None:
            late.set()
            process.kill()

        clock = Timer(self._limit_s, end)
        clock.start()
        said = _exchange(process, job)
        clock.cancel()
        clock.join()
        if said.endswith(b"\n") and not late.is_set():
            self._idle.put(process)
            return said
        _end(process)
        if late.is_set():
            raise SourceError(f"{name} takes too long to read", expected=f"at most {self._limit_s:g} s")
        raise SourceError(f"{name} cannot be read", got="its reader ended")

    def _ready(self) -> Process:
        """A process that waits for a job."""
        while not self._idle.empty():
            with suppress(Empty):
                process = self._idle.get_nowait()
                if process.poll() is None:
                    return process
                _end(process)
        return self._start()

    def _start(self) -> Process:
        process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: value for name, value in os.environ.items() if name != TOKEN} | ONE_THREAD,
        )
        if _heard(process) != READY:
            _end(process)
            raise MyoSemError("files cannot be read here", got="a process that does not start")
        return process


def _exchange(process: Process, job: bytes) -> bytes:
    """The line that a process answers, less than that where it ends."""
    try:
        if process.stdin is not None:
            process.stdin.write(job)
            process.stdin.flush()
    except OSError:  # it has ended
        return b""
    return _heard(process)


def _heard(process: Process) -> bytes:
    return b"" if process.stdout is None else process.stdout.readline(LONGEST_ANSWER)


def _end(process: Process) -> None:
    process.kill()
    process.communicate()


def _end_all(idle: "SimpleQueue[Process]") -> None:
    with suppress(Empty):
        while True:
            _end(idle.get_nowait())


def _error(failed: _Failed) -> MyoSemError:
    error = KINDS.get(failed.kind, SourceError)(failed.sentence, hint=failed.hint)
    error.what = failed.what
    return error


def _recording(described: _Described, file: Path) -> Recording:
    try:
        samples = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise SourceError(f"{described.source} cannot be read") from error
    return Recording(
        samples=samples, **{name: getattr(described, name) for name in type(described).model_fields}
    )
