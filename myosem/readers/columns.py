"""What tables and archives of arrays share: numbers, labels and times of the columns a mapping names."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from collections.abc import Mapping as Shapes
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myosem.errors import MappingError, SourceError
from myosem.readers.base import MAX_MEMBER_BYTES, SourceFile, reason
from myosem.readers.mapped import TIME_UNITS, mapped_recordings
from myosem.readers.mapping import Mapping
from myosem.readers.parse import as_float32
from myosem.records import Recording

Shape = tuple[int, ...]


class Columns(ABC):
    """Named arrays of a file: columns of a table, or arrays of an archive.

    Attributes:
        file: they are in.
        shapes: of all arrays, by name, in the order of the file.
    """

    file: SourceFile
    shapes: Shapes[str, Shape]

    @abstractmethod
    def load(self, name: str) -> NDArray[Any]:
        """An array of ``shapes``, of numbers, texts or dates. Raises SourceError where it is damaged."""

    def named(self, name: str) -> NDArray[Any]:
        """As ``load``. Raises MappingError where there is no array of this name."""
        if name not in self.shapes:
            raise MappingError(
                f"{self.file.source}: an array or column of the mapping does not exist",
                got=name,
                exists=self.shapes,
            )
        return self.load(name)


def column_recordings(columns: Columns, mapping: Mapping, reader: str) -> Iterator[Recording]:
    """Recordings of the array, or of the columns, that the mapping names.

    Raises:
        MappingError: it names none, or something that does not exist.
        SourceError: what it names is no EMG, or differs in length.
    """
    file = columns.file
    if mapping.array is not None and not (mapping.columns and mapping.array not in columns.shapes):
        _check_sizes(columns, mapping, {mapping.array: columns.shapes.get(mapping.array, ())[:1]})
        samples = _matrix(file, columns.named(mapping.array), mapping.array)
        names = [f"ch{place + 1}" for place in range(samples.shape[1])]
    elif mapping.columns is not None:
        names = [str(column) for column in mapping.columns]
        _check_sizes(columns, mapping, {name: columns.shapes.get(name, ()) for name in names})
        found = [as_float32(_numbers(file, columns.named(name).reshape(-1), name)) for name in names]
        samples = np.stack(found, axis=1)
    else:
        what = [f"{name} {shape}" for name, shape in columns.shapes.items()]
        raise MappingError(f"{file.source}: the mapping names no array and no columns", exists=what)
    if not len(samples):
        raise SourceError(f"{file.source}: there are no samples")
    labels = None if mapping.label_from is None else label_texts(columns.named(str(mapping.label_from)))
    times_s = None
    if mapping.time_from is not None:
        times_s = seconds(file, columns.named(str(mapping.time_from)), mapping.time_unit)
    yield from mapped_recordings(file, mapping, reader, samples, names=names, labels=labels, times_s=times_s)


def _check_sizes(columns: Columns, mapping: Mapping, lengths: dict[str, Shape]) -> None:
    """Refuse by the sizes that the file declares, before anything is read.

    Args:
        columns: of the file.
        mapping: names labels and times.
        lengths: of the samples, by name; what does not exist is left for later.

    Raises:
        SourceError: more than fits into memory, or columns of different lengths.
    """
    size = 4 * sum(math.prod(columns.shapes[name]) for name in lengths if name in columns.shapes)
    if size > MAX_MEMBER_BYTES:
        raise SourceError(
            f"{columns.file.source}: too many samples",
            got=f"{size / 2**30:.1f} GiB",
            expected="at most 1 GiB in a file",
        )
    beside = [str(name) for name in (mapping.label_from, mapping.time_from) if name is not None]
    lengths = lengths | {name: columns.shapes.get(name, ()) for name in beside}
    rows = {name: math.prod(shape) for name, shape in lengths.items() if name in columns.shapes}
    if len(set(rows.values())) > 1:
        told = ", ".join(f"{name} {count}" for name, count in rows.items())
        raise SourceError(f"{columns.file.source}: what the mapping names differs in length", got=told)


def seconds(file: SourceFile, values: NDArray[Any], unit: str) -> NDArray[np.float64]:
    """Times as ``(T,)`` seconds from the first of them.

    Args:
        file: for messages.
        values: ``(T,)`` numbers, dates, or texts.
        unit: of the numbers: ``s ms us ns``; ``date`` where dates stand as text.

    Raises:
        SourceError: they are no times.
    """
    flat = values.reshape(-1)
    try:
        if flat.dtype.kind in "OUS" and unit == "date":
            flat = np.array([_date(value) for value in flat.tolist()], "datetime64[ns]")
        if flat.dtype.kind == "M":
            since = (flat - flat[:1]).astype("timedelta64[ns]")
            return np.where(np.isnat(since), np.nan, since.astype(np.int64) * 1e-9)
        if unit == "date":
            raise SourceError(f"{file.source}: the times are no dates", got=f"type {flat.dtype}")
        numbers = _numbers(file, flat, "time")
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray((numbers - numbers[:1]) * TIME_UNITS[unit], dtype=np.float64)
    except (ValueError, OverflowError) as error:
        raise SourceError(f"{file.source}: a time cannot be read", got=reason(error)) from error


def label_texts(values: NDArray[Any]) -> NDArray[np.str_]:
    """Label values as ``(T,)`` texts: whole numbers without a decimal point, nothing for NaN or None."""
    flat = values.reshape(-1)
    if flat.dtype.kind == "O":
        return np.array(["" if value is None else _text(value) for value in flat.tolist()], np.str_)
    if flat.dtype.kind == "S":
        return np.char.strip(np.char.decode(flat, "utf-8", "replace"))
    if flat.dtype.kind == "U":
        return flat
    kinds, codes = np.unique(flat, return_inverse=True)
    if kinds.dtype.kind != "f":
        return kinds.astype(np.str_)[codes]
    whole = all(value.is_integer() for value in kinds.tolist() if math.isfinite(value))
    texts = [str(int(value) if whole else value) if np.isfinite(value) else "" for value in kinds]
    return np.array(texts, np.str_)[codes]


def _text(value: object) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text.strip()


def _date(value: object) -> np.datetime64:
    """A date and time; one with a zone is brought to UTC."""
    from datetime import UTC, datetime

    moment = datetime.fromisoformat(_text(value))
    return np.datetime64(
        moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None), "ns"
    )


def _numbers(file: SourceFile, values: NDArray[Any], name: str) -> NDArray[Any]:
    if values.dtype.kind not in "iuf":
        raise SourceError(
            f"{file.source}: {name} does not fit", got=f"type {values.dtype}", expected="a column of numbers"
        )
    return values.astype(np.int64) if values.dtype.kind == "u" else values


def _matrix(file: SourceFile, values: NDArray[Any], name: str) -> NDArray[Any]:
    """``(T, C)`` samples: floating-point numbers as float32, whole ones as they are."""
    if values.dtype.kind not in "iuf" or values.ndim != 2 or 0 in values.shape:
        raise SourceError(
            f"{file.source}: {name} does not fit",
            got=f"{values.dtype} {values.shape}",
            expected="numbers (samples, channels)",
        )
    if values.shape[0] < values.shape[1]:
        raise SourceError(
            f"{file.source}: {name} seems to be transposed",
            got=f"shape {values.shape}",
            expected="(samples, channels)",
        )
    return as_float32(values) if values.dtype.kind == "f" else values.astype(values.dtype.newbyteorder("="))
