"""Any ``.npz`` archive of NumPy arrays, with a mapping that says what they hold."""

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myosem.errors import SourceError
from myosem.readers.base import Reader, SourceFile, most_unpacked, reason
from myosem.readers.columns import Columns, Shape, column_recordings
from myosem.readers.mapping import mapping_for
from myosem.records import Recording

EXAMPLE = "{rate_hz: 1000, array: emg, unit: mV, subject: p1, label_from: gesture}"
FAILURES = (
    *(zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, KeyError, TypeError, SyntaxError),
    *(MemoryError, OverflowError, NotImplementedError, RuntimeError, AttributeError),
)


class Npz(Reader):
    """One recording a file: an array ``(samples, channels)``."""

    name = "npz"
    description = "any .npz archive of NumPy arrays, described by a mapping file"
    generic = True

    def __init__(self, mapping: Path | None = None) -> None:
        self._mapping = mapping

    def matches(self, file: SourceFile) -> bool:
        """Whether the name ends in ``.npz``."""
        return file.suffix == ".npz"

    def with_mapping(self, mapping: Path) -> "Npz":
        """The same reader under this mapping file."""
        return Npz(mapping)

    def read(self, file: SourceFile) -> Iterator[Recording]:
        """The recordings. Raises MappingError too: no mapping, or arrays that do not exist."""
        mapping = mapping_for(file, self._mapping, EXAMPLE)
        yield from column_recordings(NpzColumns(file), mapping, self.name)


class NpzColumns(Columns):
    """The arrays of an archive, each read when it is asked for.

    Raises:
        SourceError: it is no such archive, or an array in it is too large.
    """

    def __init__(self, file: SourceFile) -> None:
        self.file = file
        self._data = file.open()
        try:
            with zipfile.ZipFile(self._data) as archive:
                names = [info for info in archive.infolist() if info.filename.endswith(".npy")]
                self._check_size("what is in it", sum(info.file_size for info in names))
                self.shapes: dict[str, Shape] = {
                    info.filename.removesuffix(".npy"): self._shape(archive, info) for info in names
                }
        except FAILURES as error:
            raise self._fault(error) from error

    def load(self, name: str) -> NDArray[Any]:
        """An array. Raises SourceError where it is damaged or of Python objects."""
        self._data.seek(0)
        try:
            with np.load(self._data, allow_pickle=False) as archive:
                return np.asarray(archive[name])
        except FAILURES as error:
            raise self._fault(error) from error

    def _shape(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Shape:
        with archive.open(info) as member:
            version = np.lib.format.read_magic(member)  # type: ignore[no-untyped-call]
            old = version == (1, 0)
            read = np.lib.format.read_array_header_1_0 if old else np.lib.format.read_array_header_2_0
            shape, _, dtype = read(member)  # type: ignore[no-untyped-call]
        self._check_size(info.filename, int(np.prod(shape, dtype=object)) * dtype.itemsize)
        return tuple(shape)

    def _check_size(self, name: str, size: int) -> None:
        most = most_unpacked(self.file.size)
        if size > most:
            raise SourceError(
                f"{self.file.source}: {name} is too large",
                got=f"{size:,} bytes",
                expected=f"at most {most:,}",
            )

    def _fault(self, error: Exception) -> SourceError:
        return SourceError(
            f"{self.file.source}: cannot be read as .npz", got=reason(error), expected="arrays of numbers"
        )


READER = Npz()
