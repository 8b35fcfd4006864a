"""Recordings that visitors bring along: kept in a folder of their own for as long as their page is open."""

import csv
import io
import zipfile
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import yaml

from myosem.cli.web.uploads import check_file, safe_name
from myosem.errors import MappingError, MyoSemError

TABLES, NEED_MAPPING = (".csv", ".tsv"), (".csv", ".tsv", ".npz")
LOOKED_AT = 200
NO_EMG = {"time", "t", "timestamp", "sample", "index", "seconds", "ms", "counter", "label", "repetition"}


class OwnFiles:
    """The files of one visitor, each in a folder of its own.

    Args:
        most_bytes: how large one may be.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._folders: dict[Path, TemporaryDirectory[str]] = {}

    def keep(self, name: str, content: bytes, rate_hz: float | None) -> Path:
        """Write a file, with a mapping beside it where it needs one.

        Args:
            name: as the visitor calls it; only its last part counts.
            content: its bytes.
            rate_hz: samples per second of a table or of arrays.

        Raises:
            SourceError, MappingError: a format that is not taken, or nothing in it that could be EMG.
            TooLargeError: it is larger than ``most_bytes``, or unpacks to too much.
        """
        plain = safe_name(name)
        folder = TemporaryDirectory(prefix="myosem-")
        path = Path(folder.name) / plain
        self._folders[path] = folder
        try:
            path.write_bytes(content)
            check_file(path, self.most_bytes)
            if path.suffix.lower() in NEED_MAPPING:
                path.with_name(f"{plain}.yaml").write_text(yaml.safe_dump(guess(path, rate_hz)))
        except MyoSemError:
            self.drop(path)
            raise
        return path

    def drop(self, path: Path) -> None:
        """Delete one file."""
        folder = self._folders.pop(path, None)
        if folder is not None:
            folder.cleanup()

    def forget(self, but: Path | None = None) -> None:
        """Delete every file, but for one where that is said."""
        for path in [one for one in self._folders if one != but]:
            self.drop(path)


def guess(path: Path, rate_hz: float | None) -> dict[str, object]:
    """What a table or arrays hold, as a mapping.

    Raises:
        MappingError: there is no rate, or nothing that could be EMG.
    """
    if rate_hz is None or not rate_hz > 0:
        raise MappingError(
            f"{path.name} does not say how many samples a second it has", expected="a rate in Hz"
        )
    known = {"rate_hz": rate_hz, "subject": "visitor", "dataset": "opened"}
    return known | (_columns(path) if path.suffix.lower() in TABLES else _array(path))


def _columns(path: Path) -> dict[str, object]:
    """The columns of numbers that are no times, numbers or labels of samples."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
        try:
            rows = [row for row in islice(csv.reader(file, delimiter=delimiter), LOOKED_AT) if row]
        except csv.Error as error:
            raise MappingError(f"{path.name} is no table", got=str(error)) from error
    header = bool(rows) and not all(_is_number(cell) for cell in rows[0])
    body = rows[1:] if header else rows
    names: list[str | int] = (
        [cell.strip() for cell in rows[0]] if header else list(range(1, len(body[0]) + 1 if body else 1))
    )
    columns = [
        name
        for place, name in enumerate(names)
        if body
        and str(name).lower() not in NO_EMG
        and all(place < len(row) and _is_number(row[place]) for row in body)
        and not _counts(np.array([float(row[place]) for row in body]))
    ]
    if not columns:
        raise MappingError(f"{path.name} has no column that could be EMG", exists=names)
    return {"header": header, "columns": columns}


def _array(path: Path) -> dict[str, object]:
    """The largest array of two dimensions, by what the archive says of each."""
    shapes: dict[str, tuple[int, ...]] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                with archive.open(member) as file:
                    shapes[member.removesuffix(".npy")] = _shape(io.BytesIO(file.read(4096)))
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, RuntimeError, NotImplementedError) as error:
        raise MappingError(f"{path.name} cannot be read", got=str(error)) from error
    tables = {name: shape for name, shape in shapes.items() if len(shape) == 2}
    if not tables:
        raise MappingError(f"{path.name} has no array of samples and channels", exists=shapes)
    return {"array": max(tables, key=lambda name: tables[name][0] * tables[name][1])}


def _shape(head: io.BytesIO) -> tuple[int, ...]:
    known = np.lib.format
    first = known.read_magic(head) == (1, 0)  # type: ignore[no-untyped-call]
    read = known.read_array_header_1_0 if first else known.read_array_header_2_0
    return tuple(read(head)[0])  # type: ignore[no-untyped-call]


def _counts(values: np.ndarray) -> bool:
    """Whether values only go up, as times and numbers of samples do."""
    return len(values) > 2 and bool(np.all(np.diff(values) > 0))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
