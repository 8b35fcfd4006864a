"""Whether a reader stands a damaged file.

It does if it raises an error of ``MyoSemError``'s tree or gives recordings that ``check_recordings`` accepts,
in ``MOST_S`` of processor time and ``MOST_BYTES`` more memory than before, opens nothing for writing outside
the folder, leaves nothing behind in it, starts no process and unpickles nothing. Warnings count as faults.
"""

import hashlib
import math
import os
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from apart import Verdict
from builders import BUILDERS, zip_folder
from mat73_builders import as_mat73
from memory import forget_peak, peak_bytes
from mutators import mutate

from myosem.errors import MyoSemError
from myosem.readers import READERS, find_sources, reader_for
from myosem.readers.base import SourceFile
from myosem.records import Recording, check_recording

MOST_S, MOST_BYTES = 5.0, 1 << 30
ARCHIVES, MAT73 = 0.12, 0.25
"""Shares of the cases that are in an archive, and of ``.mat`` files that are of MATLAB 7.3."""

Snapshot = dict[str, bytes]


def check_recordings(recordings: Sequence[Recording]) -> None:
    """Refuse what cannot be a reading.

    Samples are finite, ``(T, C)`` of one of three types, contiguous and read-only; the rate is finite and
    above 0; who and what is named; labels are texts, in order of time, and lie inside the recording.

    Raises:
        AssertionError: says what does not hold.
        SourceError: as ``check_recording``, which an ingest calls too.
    """
    assert recordings, "neither a recording nor an error"
    for one in recordings:
        check_recording(one)
        assert one.samples.dtype in (np.int8, np.int16, np.float32), one.samples.dtype
        assert one.samples.shape == (len(one.samples), len(one.channels)), one.samples.shape
        assert one.samples.flags.c_contiguous and not one.samples.flags.writeable
        assert math.isfinite(one.rate_hz) and one.rate_hz > 0, one.rate_hz
        assert one.subject and one.session and one.name, (one.subject, one.session, one.name)
        assert one.unit in ("V", "mV", "uV", "adc", "1"), one.unit
        assert all(channel.angle_deg is None or math.isfinite(channel.angle_deg) for channel in one.channels)
        end_s = 0.0
        for span in one.spans:
            assert end_s - 1e-9 <= span.start_s < span.end_s <= one.duration_s + 1e-9, span
            assert isinstance(span.label, str) and span.label, span
            end_s = span.end_s


class Fixture:
    """The files of a reader's builder in a folder of their own, damaged one at a time and mended again."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.root = name, folder / "files"
        self.root.mkdir(parents=True)
        self.paths = [path.relative_to(self.root) for path in BUILDERS[name](self.root)]
        self.whole = _snapshot(self.root)
        self.mat73: Snapshot = {}
        for path in self.paths if any(path.suffix == ".mat" for path in self.paths) else []:
            self.mat73[str(path)] = as_mat73(self.root / path).read_bytes()
        self._mend(self.whole)
        self.archive = zip_folder(self.root, folder / "archive.zip")
        self.zipped = self.archive.read_bytes()

    def judge(self, number: int) -> Verdict:
        """What becomes of the damaged file of this number."""
        seed = int.from_bytes(hashlib.sha256(self.name.encode()).digest()[:4], "little")
        random = np.random.default_rng([seed, number])
        case = f"{self.name} {number}"
        before = self.whole
        try:
            if random.random() < ARCHIVES:
                how, read = mutate(self.archive, random), self._read_archive
            else:
                path = self.paths[random.integers(len(self.paths))]
                if self.mat73 and random.random() < MAT73:
                    before = self.whole | {str(path): self.mat73[str(path)]}
                    self._mend(before)
                damaged = path if random.random() < 0.85 else Path(_any(self.whole, random))
                how = mutate(self.root / damaged, random)
                case, read = f"{case}: {damaged.name}", lambda: self._read_file(self.root / path, random)
            return judge(f"{case}, {how}", read, self.root.parent)
        finally:
            self._mend(self.whole)
            self.archive.write_bytes(self.zipped)

    def _read_file(self, path: Path, random: np.random.Generator) -> None:
        forced = None if random.random() < 0.2 else self.name
        check_recordings(list(reader_for(SourceFile(path), forced).read(SourceFile(path))))

    def _read_archive(self) -> None:
        """As an ingest does it: each member by itself, so that one does not hide the faults of the others."""
        problem: MyoSemError | None = None
        for item in find_sources([self.archive]):
            try:
                if isinstance(item, SourceFile):
                    check_recordings(list(reader_for(item).read(item)))
            except MyoSemError as error:
                problem = error
        if problem:
            raise problem

    def _mend(self, whole: Snapshot) -> None:
        for name, data in whole.items():
            (self.root / name).write_bytes(data)


def judge(case: str, read: Callable[[], object], folder: Path) -> Verdict:
    """Read once and see whether all that was promised holds."""
    before = _names(folder)
    forget_peak()
    start_bytes, start_s = peak_bytes(), time.process_time()
    outcome, said = "read", ""
    with guarded(folder) as crimes:
        try:
            read()
        except MyoSemError as error:
            outcome, said = "refused", str(error)
        except Exception as error:  # noqa: BLE001 whatever else is raised is what is looked for
            outcome, said = "fault", f"{type(error).__name__}: {error} {_where(error)}"
    seconds, grown = time.process_time() - start_s, peak_bytes() - start_bytes
    faults = [*crimes, *(f"left behind: {name}" for name in _names(folder) - before)]
    faults += [f"{seconds:.1f} s"] * (seconds > MOST_S) + [f"{grown / 2**20:.0f} MiB"] * (grown > MOST_BYTES)
    if faults:
        outcome, said = "fault", "; ".join([*faults, said])
    return Verdict(case, outcome, said[:600], seconds, grown)


def judge_cases(cases: Sequence[tuple[str, int]]) -> Iterator[Verdict]:
    """Verdicts on cases: name of a reader and number; the files of a reader are built once."""
    with tempfile.TemporaryDirectory() as folder:
        fixtures: dict[str, Fixture] = {}
        for name, number in cases:
            if name not in fixtures:
                fixtures[name] = Fixture(name, Path(folder) / name)
            yield fixtures[name].judge(number)


# What is not allowed while a file is read.

_allowed: list[Path] = []
_crimes: list[str] = []
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = (
    "os.mkdir",
    "os.rename",
    "os.remove",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
)
NEVER = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "socket.connect", "pickle.find_class")


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not _allowed or threading.current_thread() is not threading.main_thread():
        return
    opened = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES
    changed = event in CHANGES and arguments[-1] in (-1, None)  # not by a name below an open folder
    if opened or changed:
        _expect_inside(event, arguments[0])
    elif event in NEVER:
        _crimes.append(f"{event} {arguments!r:.200}")


def _expect_inside(event: str, path: object) -> None:
    if isinstance(path, str | bytes | os.PathLike):
        where = Path(os.fsdecode(path)).absolute()
        if not where.is_relative_to(_allowed[0]) and where != Path(os.devnull):
            _crimes.append(f"{event} {where}")


@contextmanager
def guarded(folder: Path) -> Iterator[list[str]]:
    """What is done meanwhile that must not be: a list that fills; temporary files go below the folder."""
    if not getattr(sys, "_mutants_watched", False):
        sys.addaudithook(_audit)
        sys._mutants_watched = True  # type: ignore[attr-defined]
    temporary, tempfile.tempdir = tempfile.tempdir, str(folder)
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    _crimes.clear()
    found: list[str] = []
    _allowed.append(folder.absolute())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            yield found
    finally:
        _allowed.pop()
        tempfile.tempdir, sys.dont_write_bytecode = temporary, written
        found += _crimes


def _names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def _snapshot(root: Path) -> Snapshot:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def _any(whole: Snapshot, random: np.random.Generator) -> str:
    return list(whole)[random.integers(len(whole))]


def _where(error: BaseException) -> str:
    """Where in the project an error was raised."""
    places = []
    trace = error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if "myosem" in name or name == __file__:
            places.append(f"{Path(name).name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " < ".join(places[:-4:-1])


def every_case(count: int) -> list[tuple[str, int]]:
    """``count`` cases or a few more, as many of each reader."""
    each = math.ceil(count / len(READERS))
    return [(name, number) for name in READERS for number in range(each)]
