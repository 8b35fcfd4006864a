"""Any ``.parquet`` file, with a mapping that says what its columns hold; read by DuckDB."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from myosem.errors import SourceError
from myosem.readers.base import MAX_MEMBER_BYTES, Reader, SourceFile, reason
from myosem.readers.columns import Columns, Shape, column_recordings
from myosem.readers.mapping import mapping_for
from myosem.records import Recording

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

EXAMPLE = "{rate_hz: 1000, columns: [emg1, emg2, emg3, emg4], unit: mV, subject: p1, label_from: gesture}"
LIMITS: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "memory_limit": "2GB",
    "autoinstall_known_extensions": "false",
}


class Parquet(Reader):
    """One recording a file, one sample a row."""

    name = "parquet"
    description = "any .parquet file, described by a mapping file"
    generic = True

    def __init__(self, mapping: Path | None = None) -> None:
        self._mapping = mapping

    def matches(self, file: SourceFile) -> bool:
        """Whether the name ends in ``.parquet`` or ``.pq``."""
        return file.suffix in (".parquet", ".pq")

    def with_mapping(self, mapping: Path) -> "Parquet":
        """The same reader under this mapping file."""
        return Parquet(mapping)

    def read(self, file: SourceFile) -> Iterator[Recording]:
        """The recordings. Raises MappingError too: no mapping, or columns that do not exist."""
        mapping = mapping_for(file, self._mapping, EXAMPLE)
        yield from column_recordings(ParquetColumns(file), mapping, self.name)


class ParquetColumns(Columns):
    """The columns of a file, each read when it is asked for.

    Raises:
        SourceError: damaged, or not Parquet.
    """

    def __init__(self, file: SourceFile) -> None:
        self.file = file
        with _opened(file) as (connection, path):
            described = connection.execute("DESCRIBE FROM read_parquet(?)", [path]).fetchall()
            counted = connection.execute("SELECT count(*) FROM read_parquet(?)", [path]).fetchone()
        self.rows = int(counted[0]) if counted else 0
        self.shapes: dict[str, Shape] = {str(row[0]): (self.rows,) for row in described}

    def load(self, name: str) -> NDArray[Any]:
        """A column, NaN or None where it has no value. Raises SourceError where it is damaged or huge."""
        if self.rows * 8 > MAX_MEMBER_BYTES:
            raise SourceError(f"{self.file.source}: too many rows", got=f"{self.rows:,}")
        quoted = '"' + name.replace('"', '""') + '"'
        with _opened(self.file) as (connection, path):
            values = connection.execute(f"SELECT {quoted} FROM read_parquet(?)", [path]).fetchnumpy()[name]
        if not isinstance(values, np.ma.MaskedArray):
            return np.asarray(values)
        known = np.asarray(values.data).astype(np.float64 if values.dtype.kind in "iuf" else object)
        known[np.asarray(values.mask)] = np.nan if known.dtype.kind == "f" else None
        return known


@contextmanager
def _opened(file: SourceFile) -> "Iterator[tuple[DuckDBPyConnection, str]]":
    """A connection, and a path that means this file and no pattern."""
    import duckdb

    with TemporaryDirectory() as folder:
        path = str(file.path)
        if file.member is not None or set(path) & set("*?[]{}"):
            path = str(Path(folder) / "table.parquet")
            Path(path).write_bytes(file.read_bytes())
        try:
            with duckdb.connect(config=LIMITS) as connection:
                yield connection, path
        except (duckdb.Error, MemoryError, ValueError, KeyError, TypeError, RuntimeError) as error:
            raise SourceError(
                f"{file.source}: cannot be read as Parquet", got=reason(error).split(" LINE ")[0]
            ) from error


READER = Parquet()
