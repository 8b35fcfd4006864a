"""Tables of HDF5 files. Needs h5py, of the extra [formats]."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myosem.errors import MissingExtraError, SourceError
from myosem.readers.base import SourceFile, most_unpacked, reason

Columns = dict[str, NDArray[Any]]
Fields = dict[str, tuple[int, ...]]
ROWS_AT_ONCE = 1 << 16
EVERY = slice(None)
FAILURES = (
    OSError,
    LookupError,
    RuntimeError,
    ValueError,
    TypeError,
    AttributeError,
    OverflowError,
    MemoryError,
)


@contextmanager
def hdf5_file(file: SourceFile, holding: str) -> Iterator[Any]:
    """The file opened with h5py; a file that lies by itself is read in parts, not as a whole.

    Args:
        file: the file.
        holding: what it should hold, for the error.

    Raises:
        SourceError: whatever fails while it is open.
        MissingExtraError: h5py is not installed.
    """
    h5py = _h5py(file)
    try:
        with h5py.File(file.path if file.member is None else file.open(), "r") as content:
            yield content
    except FAILURES as error:
        raise SourceError(
            f"{file.source}: cannot be read as an HDF5 file with {holding}", got=reason(error)
        ) from error


def read_table(
    file: SourceFile, path: str, fields: Fields, rows: slice = EVERY
) -> tuple[Columns, dict[str, Any]]:
    """Floating-point fields of a compound dataset, and the attributes of it and of its group.

    Args:
        file: the file.
        path: of the dataset.
        fields: shape of each field that is needed; there may be more.
        rows: which to read, from the first to one past the last; the others are not touched.

    Returns:
        ``(T, *shape)`` numbers of each field as they are stored, and the attributes: texts as strings,
        single numbers as numbers.

    Raises:
        SourceError: damaged, without the dataset, or of another layout.
        MissingExtraError: h5py is not installed.
    """
    with hdf5_file(file, path) as content:
        dataset = stored_inside(content, content[path])
        fault = _fault(dataset, fields, rows, most_bytes=file.size)
        columns = {} if fault else _columns(dataset, fields, rows)
        attributes = {
            key: plain(value) for key, value in (*dataset.parent.attrs.items(), *dataset.attrs.items())
        }
    if fault:
        raise SourceError(f"{file.source}: {path} does not fit", got=fault, expected=_expected(fields))
    return columns, attributes


def stored_inside(content: Any, item: Any) -> Any:
    """The same item of an open file. Raises ValueError where its values would come from other files."""
    linked = item.file.filename != content.file.filename
    if linked or getattr(item, "is_virtual", False) or getattr(item, "external", None):
        raise ValueError(f"{item.name} is kept in another file")
    return item


def _columns(dataset: Any, fields: Fields, rows: slice) -> Columns:
    begin, end, _ = rows.indices(dataset.shape[0])
    length = max(end - begin, 0)
    columns: Columns = {
        name: np.empty((length, *inner), dataset.dtype[name].base) for name, inner in fields.items()
    }
    for first in range(0, length, ROWS_AT_ONCE):
        part = dataset[begin + first : begin + min(first + ROWS_AT_ONCE, length)]
        for name, column in columns.items():
            column[first : first + ROWS_AT_ONCE] = part[name]
    return columns


def continuous(
    file: SourceFile, times_s: NDArray[np.float64], rate_hz: float, jump_s: float, tolerance: float
) -> list[tuple[int, int]]:
    """First and one past the last sample of each stretch without a jump in time of more than ``jump_s``.

    Raises:
        SourceError: times that are not finite or run backwards, or another rate than the nominal one.
    """
    if not np.isfinite(times_s).all():
        raise SourceError(f"{file.source}: a time is not finite")
    with np.errstate(over="ignore"):
        steps = np.diff(times_s)
    if (steps < 0).any():
        raise SourceError(f"{file.source}: the time runs backwards", expected="times in order")
    edges = [0, *(np.flatnonzero(steps > jump_s) + 1).tolist(), len(times_s)]
    stretches = list(pairwise(edges))
    seconds = float(sum(times_s[last - 1] - times_s[first] for first, last in stretches))
    measured = (len(times_s) - len(stretches)) / seconds if seconds > 0 else 0.0
    if abs(measured / rate_hz - 1) > tolerance:
        raise SourceError(
            f"{file.source}: the rate does not fit its times",
            got=f"{measured:.1f} Hz",
            expected=f"{rate_hz:g} Hz",
        )
    return stretches


def text(file: SourceFile, attributes: dict[str, Any], name: str) -> str:
    """An attribute that is text and not empty. Raises SourceError where it is not."""
    value = attributes.get(name)
    if not isinstance(value, str) or not value.strip():
        raise SourceError(f"{file.source}: the attribute {name} is missing or no text", got=value)
    return value


def _h5py(file: SourceFile) -> Any:
    try:
        import h5py  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingExtraError(
            f"{file.source}: HDF5 files need h5py", hint='pip install "myosem[formats]"'
        ) from error
    return h5py


def _fault(dataset: Any, fields: Fields, rows: slice, most_bytes: int) -> str | None:
    """What does not fit, None where all does."""
    shape, dtype = dataset.shape, dataset.dtype
    if len(shape) != 1 or shape[0] == 0:
        return f"shape {tuple(shape)}"
    asked = len(range(shape[0])[rows]) * dtype.itemsize
    if asked > max(most_unpacked(most_bytes), min(dataset.id.get_storage_size(), most_bytes)):
        return f"{asked / 2**30:.1f} GiB"
    for name, inner in fields.items():
        if dtype.names is None or name not in dtype.names:
            return f"no field {name}"
        if dtype[name].shape != inner or dtype[name].base.kind != "f":
            return f"{name} of type {dtype[name]}"
    return None


def _expected(fields: Fields) -> str:
    return ", ".join(f"{name} {inner or '(1,)'}" for name, inner in fields.items())


def plain(value: Any) -> Any:
    """An attribute as a string or a number where it is one, as a list where it is several."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value
