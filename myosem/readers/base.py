"""What a reader is, and how the files it reads are found.

A reader turns one file, or one member of a ``.zip`` archive, into recordings. It sees a ``SourceFile``
and never asks where the bytes come from.
"""

import io
import os
import re
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import BinaryIO, ClassVar, NoReturn

from myosem.errors import SourceError, UsageError
from myosem.records import Recording

MAX_MEMBER_BYTES = 1 << 30
HARMLESS_BYTES = 32 << 20
MOST_PACKED = 200
"""How many times its size a file may unpack to; recordings pack about two to twenty times."""
DESCRIPTION_SUFFIXES = {".hea", ".md", ".pdf", ".yaml", ".yml", ".html", ".png", ".jpg", ".gif", ".mp4"}
DESCRIPTION_NAMES = {
    *("info.txt", "readme.txt", "readme", "license.txt", "license", "metadata.json"),
    *("metadata.csv", "emg2pose_metadata.csv"),
    *("records", "sha256sums.txt", "motionsequence.txt", "label_dynamic.txt", "label_maintenance.txt"),
}
BIDS_SIDECAR = re.compile(
    r"(?:dataset_description|participants|samples|(?:[a-z]+-[^_]+_)+"
    r"(?:emg|events|channels|electrodes|coordsystem|scans|sessions))\.(?:json|tsv)|(?:emg|events|channels|electrodes|coordsystem)\.json|changes"
)
BROKEN_ARCHIVE = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    RuntimeError,
    NotImplementedError,
    ValueError,
)


@dataclass(frozen=True)
class Skipped:
    """Something ``find_sources`` met and does not hand over.

    Attributes:
        source: as in ``SourceFile``.
        reason: one clear sentence.
        failed: True where something is wrong with it, False where it was never meant to be read.
    """

    source: str
    reason: str
    failed: bool = False


@dataclass(frozen=True)
class SourceFile:
    """One file, or one member of a ``.zip`` archive; small, and can be sent to another process.

    Attributes:
        path: the file, or the archive.
        member: the path inside the archive, None for a file.
    """

    path: Path
    member: str | None = None

    @property
    def source(self) -> str:
        """The path as given; ``archive.zip!inner/path`` for a member."""
        return str(self.path) if self.member is None else f"{self.path}!{self.member}"

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.name if self.member is None else PurePosixPath(self.member).name

    @property
    def suffix(self) -> str:
        """The ending of the name in lower case, with its dot."""
        return PurePosixPath(self.name).suffix.lower()

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of the absolute path, followed by those inside the archive."""
        inner = () if self.member is None else PurePosixPath(self.member).parts
        return self.path.absolute().parts + inner

    @property
    def size(self) -> int:
        """Bytes of the file, unpacked. Raises SourceError where it is gone."""
        return self._stat().st_size if self.member is None else self._info().file_size

    @property
    def mtime(self) -> float:
        """When the file or its archive was last changed, in seconds. Raises SourceError where it is gone."""
        return self._stat().st_mtime

    def read_bytes(self) -> bytes:
        """The whole contents.

        Raises:
            SourceError: the file or member cannot be read, or its checksum is wrong.
        """
        try:
            return self.path.read_bytes() if self.member is None else self._archive().read(self._info())
        except BROKEN_ARCHIVE as error:
            raise SourceError(f"{self.source}: cannot be read", got=reason(error)) from error

    def open(self) -> BinaryIO:
        """The whole contents as a seekable stream. Raises SourceError as ``read_bytes`` does."""
        return io.BytesIO(self.read_bytes())

    def sibling(self, name: str, up: int = 0) -> "SourceFile | None":
        """The file of this name in the same folder, or so many folders above it, or None.

        Raises:
            SourceError: as ``size`` does.
        """
        own = self.path if self.member is None else PurePosixPath(self.member)
        if up >= len(own.parents):
            return None
        beside = own.parents[up] / name
        if isinstance(beside, Path):
            return SourceFile(beside) if beside.is_file() else None
        return SourceFile(self.path, str(beside)) if str(beside) in self._archive().NameToInfo else None

    def _stat(self) -> os.stat_result:
        try:
            return self.path.stat()
        except OSError as error:
            raise SourceError(f"{self.source}: cannot be read", got=reason(error)) from error

    def _archive(self) -> zipfile.ZipFile:
        return open_archive(self.path)

    def _info(self) -> zipfile.ZipInfo:
        info = self._archive().NameToInfo.get(self.member or "")
        if info is None:
            raise SourceError(f"{self.source}: the archive has no such member")
        return info


class Reader(ABC):
    """Turns one kind of file into recordings. Each module of this package makes one as ``READER``.

    Attributes:
        name: the data set or format, as a user writes it.
        description: one line for people.
        generic: whether it is only asked once no other reader recognises a file.
        refuses: whether it only knows files of which nothing can be read, and says why.
    """

    name: ClassVar[str]
    description: ClassVar[str]
    generic: ClassVar[bool] = False
    refuses: ClassVar[bool] = False

    @abstractmethod
    def matches(self, file: SourceFile) -> bool:
        """Whether the file looks like one of this reader's, judged by its path or its first bytes."""

    @abstractmethod
    def read(self, file: SourceFile) -> Iterator[Recording]:
        """The recordings of the file, in a fixed order.

        Raises:
            SourceError: the file is damaged or is not what its name says. Nothing else is raised for it.
            KnownBadError: the file is left out on purpose.
        """

    def with_mapping(self, mapping: Path) -> "Reader":
        """The same reader under a mapping file. Raises UsageError where it takes none."""
        raise UsageError(f"the reader {self.name} takes no mapping", got=mapping)


class PathReader(Reader):
    """A reader for a data set whose folder and file names say what a file holds.

    Attributes:
        pattern: regular expression for the end of the path, with ``/`` between parts.
        layout: the same for people.
    """

    pattern: ClassVar[str]
    layout: ClassVar[str]

    def matches(self, file: SourceFile) -> bool:
        """Whether the path ends as the data set's paths do."""
        return self._match(file) is not None

    def fields(self, file: SourceFile) -> dict[str, str]:
        """The named groups of ``pattern``. Raises SourceError where the path does not fit."""
        match = self._match(file)
        if match is None:
            raise SourceError(f"{file.source}: not a path of {self.name}", expected=self.layout)
        return match.groupdict()

    def _match(self, file: SourceFile) -> re.Match[str] | None:
        return re.search(rf"(?:^|/)(?:{self.pattern})$", "/".join(file.parts))


def find_sources(paths: Iterable[str | Path]) -> Iterator[SourceFile | Skipped]:
    """Everything below the given folders, files and archives, in natural order of names.

    A path may also point into an archive: ``archive.zip!inner/path`` or ``archive.zip!inner/folder``.
    Hidden files are passed over. A file that is given by itself is always handed over.

    Raises:
        SourceError: a path does not exist, or there is nothing below it.
    """
    for path in paths:
        found = False
        for item in _below(Path(path)):
            found = True
            yield item
        if not found:
            raise SourceError(f"{path}: there is nothing to read", got="no files", expected="EMG recordings")


def natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts ``S2`` before ``S10``."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", name)]


def reason(error: Exception) -> str:
    """An exception of a library as part of a sentence."""
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return " ".join(text.split()).rstrip(".") or type(error).__name__


def refuse_missing(path: str | Path) -> NoReturn:
    """Raise SourceError for a path that does not exist."""
    folder = Path(path).absolute().parent
    while not folder.is_dir():
        folder = folder.parent
    raise SourceError(
        f"{path}: no such file or folder",
        exists=_a_few(entry.name for entry in folder.iterdir()),
        hint=f"ls {folder}",
    )


def _a_few(names: Iterable[str]) -> list[str]:
    shown = sorted((name for name in names if not is_hidden(name)), key=natural)
    return shown if len(shown) <= 8 else [*shown[:7], "..."]


def open_archive(path: Path) -> zipfile.ZipFile:
    """The archive, opened once and shared. Raises SourceError where it is damaged or gone."""
    try:
        stat = path.stat()
        return _open_archive(path, stat.st_mtime_ns, stat.st_size, os.getpid())
    except BROKEN_ARCHIVE as error:
        raise SourceError(
            f"{path}: the archive cannot be read", got=reason(error), expected="a .zip archive"
        ) from error


@lru_cache(maxsize=4)
def _open_archive(path: Path, mtime_ns: int, size: int, process: int) -> zipfile.ZipFile:
    return zipfile.ZipFile(path)


def _below(path: Path) -> Iterator[SourceFile | Skipped]:
    if path.is_dir():
        yield from _in_folder(path)
    elif path.is_file():
        yield from _in_archive(path) if path.suffix.lower() == ".zip" else [SourceFile(path)]
    else:
        into = re.fullmatch(r"(?is)(.+?\.zip)!(.+)", str(path))
        if into is None or not Path(into[1]).is_file():
            refuse_missing(into[1] if into else path)
        yield from _in_archive(Path(into[1]), into[2])


def _in_folder(folder: Path) -> Iterator[SourceFile | Skipped]:
    try:
        entries = sorted(folder.iterdir(), key=lambda entry: natural(entry.name))
    except OSError as error:
        yield Skipped(str(folder), f"the folder cannot be read: {reason(error)}", failed=True)
        return
    for entry in entries:
        if is_hidden(entry.name):
            continue
        if entry.is_dir():
            loops = entry.is_symlink() and entry.resolve() in (folder.resolve(), *folder.resolve().parents)
            yield from [] if loops else _in_folder(entry)
        elif is_description(entry.name):
            yield Skipped(str(entry), "a description, not a recording")
        elif entry.suffix.lower() == ".zip":
            yield from _in_archive(entry)
        else:
            yield SourceFile(entry)


def _in_archive(path: Path, inner: str = "") -> Iterator[SourceFile | Skipped]:
    try:
        archive = open_archive(path)
    except SourceError as error:
        yield Skipped(str(path), str(error), failed=True)
        return
    if inner and not any(_is_chosen(name, inner) for name in archive.NameToInfo):
        raise SourceError(f"{path}!{inner}: no such member", exists=_a_few(archive.NameToInfo))
    for name in sorted(archive.NameToInfo, key=natural):
        info = archive.NameToInfo[name]
        parts = PurePosixPath(name).parts
        if _is_chosen(name, inner) and not name.endswith("/") and not any(is_hidden(part) for part in parts):
            yield _member(path, info, by_itself=name == inner)


def _is_chosen(name: str, inner: str) -> bool:
    return not inner or name == inner or name.startswith(inner.rstrip("/") + "/")


def _member(path: Path, info: zipfile.ZipInfo, by_itself: bool) -> SourceFile | Skipped:
    file = SourceFile(path, info.filename)
    parts = PurePosixPath(info.filename).parts
    if not parts or parts[0] == "/" or ".." in parts or ":" in parts[0] or "\\" in info.filename:
        return Skipped(
            file.source, "the member has no name, or one that leads out of the archive", failed=True
        )
    if info.file_size > MAX_MEMBER_BYTES:
        size = f"{info.file_size / 2**30:.1f} GiB"
        return Skipped(file.source, f"the member unpacks to {size}; at most 1 GiB is read", failed=True)
    if info.file_size > most_unpacked(info.compress_size):
        times = f"{info.file_size / max(info.compress_size, 1):.0f} times its size"
        return Skipped(file.source, f"the member unpacks to {times}, as no recording does", failed=True)
    if file.suffix == ".zip":
        return Skipped(file.source, "an archive inside an archive; unpack the outer one first", failed=True)
    if is_description(file.name) and not by_itself:
        return Skipped(file.source, "a description, not a recording")
    return file


def most_unpacked(packed: int) -> int:
    """How many bytes are unpacked from so many at most; whatever claims to hold more is no recording."""
    return min(MAX_MEMBER_BYTES, max(HARMLESS_BYTES, MOST_PACKED * packed))


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is passed over without a word."""
    return (name.startswith(".") and name != "..") or name in ("__MACOSX", "Thumbs.db", "desktop.ini")


def is_description(name: str) -> bool:
    """Whether a file of this name goes with recordings without being one."""
    if name.lower().endswith(".synth.yaml"):
        return False
    known = name.lower() in DESCRIPTION_NAMES or BIDS_SIDECAR.fullmatch(name.lower()) is not None
    return known or PurePosixPath(name).suffix.lower() in DESCRIPTION_SUFFIXES
