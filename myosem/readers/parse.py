"""Steps that readers share: numbers from text, checks of arrays, spans from labels."""

import io
import re
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from myosem.errors import SourceError
from myosem.readers.base import SourceFile, reason
from myosem.records import Channel, Span

Label = tuple[str, str | None]
"""A label as the data set writes it, and the id of the same action in ``myosem.prompts``."""


def ring(count: int) -> tuple[Channel, ...]:
    """``count`` channels equally spaced round the limb."""
    return tuple(Channel(f"ch{i + 1}", angle_deg=i * 360 / count) for i in range(count))


def whole(samples: NDArray[np.generic], rate_hz: float, label: Label, **more: Any) -> tuple[Span, ...]:
    """One span over all of ``(T, C)`` samples."""
    text, action = label
    return (Span(0.0, samples.shape[0] / rate_hz, text, action, **more),)


def runs(values: NDArray[np.generic]) -> list[tuple[int, int, int]]:
    """Stretches of equal value in a ``(T,)`` array: first, one past the last, value."""
    if values.shape[0] == 0:
        return []
    edges = [0, *(np.flatnonzero(values[1:] != values[:-1]) + 1).tolist(), values.shape[0]]
    return [(a, b, int(values[a])) for a, b in pairwise(edges)]


def run_spans(values: NDArray[np.generic], rate_hz: float, labels: dict[int, Label]) -> tuple[Span, ...]:
    """A span for each run of a value that has a label; repetitions are counted for each label."""
    seen: Counter[int] = Counter()
    spans = []
    for first, last, value in runs(values):
        if value in labels:
            label, action = labels[value]
            spans.append(Span(first / rate_hz, last / rate_hz, label, action, repetition=seen[value]))
            seen[value] += 1
    return tuple(spans)


def number_table(file: SourceFile, columns: int, dtype: DTypeLike) -> NDArray[Any]:
    """Comma-separated numbers without a header as ``(rows, columns)``.

    Raises:
        SourceError: text that is no number of this type, another number of columns, or no rows.
    """
    try:
        text = file.read_bytes().decode("ascii")
        if not text.strip():
            raise SourceError(f"{file.source}: the file is empty", expected=f"lines of {columns} numbers")
        table = np.loadtxt(io.StringIO(text), dtype, delimiter=",", comments=None, ndmin=2)
    except ValueError as error:
        raise SourceError(
            f"{file.source}: a line cannot be read as numbers",
            got=reason(error),
            expected=f"{columns} numbers of type {np.dtype(dtype).name}, separated by commas",
        ) from error
    if table.shape[1] != columns:
        raise SourceError(
            f"{file.source}: the lines have another length", got=table.shape[1], expected=f"{columns} numbers"
        )
    return table


def number_lines(file: SourceFile, columns: int, most_bad: float = 0.01) -> tuple[NDArray[np.int8], int]:
    """``(rows, columns)`` int8 numbers of the lines that hold exactly so many, and the count of the others.

    Raises:
        SourceError: more than the share ``most_bad`` of the lines would be dropped, or none is left.
    """
    try:
        return number_table(file, columns, np.int8), 0
    except SourceError as error:
        lines = [line for line in file.read_bytes().splitlines() if line.strip()]
        good = re.compile(rb"\s*-?\d+\s*(?:,\s*-?\d+\s*){%d}" % (columns - 1))
        kept = [line for line in lines if good.fullmatch(line)]
        dropped = len(lines) - len(kept)
        if not kept or dropped > most_bad * len(lines):
            raise
        try:
            table = np.array([line.split(b",") for line in kept]).astype(np.int16)
        except (OverflowError, ValueError):
            table = np.array([[-129]])
        if table.min() < -128 or table.max() > 127:
            raise SourceError(f"{file.source}: a number is out of range", expected="-128 to 127") from error
        return table.astype(np.int8), dropped


def as_int8(file: SourceFile, values: NDArray[np.integer[Any]]) -> NDArray[np.int8]:
    """The same values as int8. Raises SourceError where one does not fit."""
    if values.size and (values.min() < -128 or values.max() > 127):
        raise SourceError(
            f"{file.source}: a value is out of range",
            got=f"{values.min()} to {values.max()}",
            expected="-128 to 127",
        )
    return values.astype(np.int8)


def as_float32(values: NDArray[Any]) -> NDArray[np.float32]:
    """The same values as contiguous float32; what does not fit becomes infinite."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.ascontiguousarray(values, dtype=np.float32)


def numbers(file: SourceFile, value: Any, name: str, shape: tuple[int | None, ...]) -> NDArray[Any]:
    """A value as an array of numbers; None in ``shape`` allows any length above 0.

    Raises:
        SourceError: another type or shape.
    """
    fits = (
        isinstance(value, np.ndarray)
        and value.dtype.kind in "iuf"
        and value.ndim == len(shape)
        and all(have > 0 and want in (None, have) for have, want in zip(value.shape, shape, strict=True))
    )
    if not fits:
        got = f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
        wanted = ", ".join("n" if want is None else str(want) for want in shape)
        raise SourceError(f"{file.source}: {name} does not fit", got=got, expected=f"numbers ({wanted})")
    return np.asarray(value)
