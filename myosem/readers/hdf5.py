"""Tables of HDF5 files. Needs h5py, of the extra [formats]."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myosem.errors import MissingExtraError, SourceError
from myosem.readers.base import MAX_MEMBER_BYTES, SourceFile, reason

Table = NDArray[Any]
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


def read_table(
    file: SourceFile, group: str, name: str, fields: dict[str, tuple[int, ...]]
) -> tuple[Table, dict[str, Any]]:
    """A compound dataset of floating-point fields, and the attributes of its group.

    Args:
        file: the file.
        group: the group.
        name: the dataset in it.
        fields: shape of each field that is needed; there may be more.

    Returns:
        ``(T,)`` records, and the attributes: texts as strings, single numbers as numbers.

    Raises:
        SourceError: damaged, without the dataset, or of another layout.
        MissingExtraError: h5py is not installed.
    """
    h5py = _h5py(file)
    try:
        with h5py.File(file.open(), "r") as content:
            dataset = content[group][name]
            fault = _fault(dataset.shape, dataset.dtype, fields)
            table = np.empty(0) if fault else np.asarray(dataset[()])
            attributes = {key: _plain(value) for key, value in content[group].attrs.items()}
    except FAILURES as error:
        raise SourceError(
            f"{file.source}: cannot be read as an HDF5 file with {group}/{name}", got=reason(error)
        ) from error
    if fault:
        raise SourceError(
            f"{file.source}: {group}/{name} does not fit", got=fault, expected=_expected(fields)
        )
    return table, attributes


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


def _fault(shape: Sequence[int], dtype: np.dtype[Any], fields: dict[str, tuple[int, ...]]) -> str | None:
    """What does not fit, None where all does."""
    if len(shape) != 1 or shape[0] == 0:
        return f"shape {tuple(shape)}"
    if shape[0] * dtype.itemsize > MAX_MEMBER_BYTES:
        return f"{shape[0] * dtype.itemsize / 2**30:.1f} GiB"
    for name, inner in fields.items():
        if dtype.names is None or name not in dtype.names:
            return f"no field {name}"
        if dtype[name].shape != inner or dtype[name].base.kind != "f":
            return f"{name} of type {dtype[name]}"
    return None


def _expected(fields: dict[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {inner or '(1,)'}" for name, inner in fields.items())


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.item() if isinstance(value, np.generic) else value
