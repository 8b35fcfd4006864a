"""Bytes on disk: signal files, files replaced as a whole, and the one writer's lock.

A signal file holds the samples of many recordings one after another, in their own types, each
starting at a multiple of 64 bytes; the catalogue knows where. Files are written once and then only
read, memory-mapped.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from myosem.errors import LibraryError

ALIGNMENT = 64


@dataclass(frozen=True)
class Place:
    """Where the samples of a recording lie.

    Attributes:
        file: name of the signal file.
        offset: of the first byte.
        dtype: numpy's name of the number type, with byte order.
        samples: T.
        channels: C.
    """

    file: str
    offset: int
    dtype: str
    samples: int
    channels: int

    @property
    def end(self) -> int:
        """Offset after the last byte."""
        return self.offset + self.samples * self.channels * np.dtype(self.dtype).itemsize


class SignalWriter:
    """Appends samples to one signal file.

    Args:
        path: the file; created where missing.
        size: how much of it to keep; whatever follows was never recorded in the journal.
    """

    def __init__(self, path: Path, size: int = 0) -> None:
        self.path = path
        self._file: BinaryIO = path.open("r+b" if path.exists() else "w+b")
        self._file.truncate(size)
        self._file.seek(size)

    def append(self, samples: NDArray[np.generic]) -> Place:
        """Write ``(T, C)`` samples."""
        self._file.write(bytes(-self._file.tell() % ALIGNMENT))
        offset = self._file.tell()
        self._file.write(np.ascontiguousarray(samples).data)
        return Place(self.path.name, offset, samples.dtype.str, *samples.shape)

    def flush(self) -> None:
        """Hand everything to the operating system, so that a killed process loses none of it."""
        self._file.flush()

    def close(self) -> int:
        """Write through to the disk; returns the size in bytes."""
        self._file.flush()
        os.fsync(self._file.fileno())
        size = self._file.tell()
        self._file.close()
        return size


class SignalReader:
    """Samples of signal files, memory-mapped and read-only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._maps: dict[str, NDArray[np.uint8]] = {}

    def read(self, place: Place) -> NDArray[np.generic]:
        """``(T, C)`` samples.

        Raises:
            LibraryError: the signal file is missing or too short.
        """
        content = self._maps.get(place.file)
        if content is None or len(content) < place.end:
            content = self._maps[place.file] = self._map(place)
        part = content[place.offset : place.end]
        return part.view(place.dtype).reshape(place.samples, place.channels)

    def _map(self, place: Place) -> NDArray[np.uint8]:
        path = self.folder / place.file
        try:
            content = np.memmap(path, dtype=np.uint8, mode="r")
        except (OSError, ValueError) as error:
            raise LibraryError(f"the signal file {path} cannot be read", got=error) from error
        if len(content) < place.end:
            raise LibraryError(
                f"the signal file {path} is damaged",
                got=f"{len(content)} bytes",
                expected=f"at least {place.end}",
                hint="restore the folder from a copy, or ingest the sources into a new library",
            )
        return np.asarray(content)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Write a file or folder through to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_text(path: Path, text: str) -> None:
    """Replace a small file as a whole: a reader sees the old text or the new one, never a part."""
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(text, encoding="utf-8")
    sync(temporary)
    temporary.replace(path)
    sync(path.parent)


@contextmanager
def writer_lock(path: Path) -> Iterator[None]:
    """Hold the only right to write; the lock of a process that died is free.

    Raises:
        LibraryError: another process holds it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
            raise LibraryError(
                f"the library {path.parent} is being written",
                got=f"a lock held by process {holder or 'unknown'}",
                hint="wait until it has finished, then run the same command again",
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
