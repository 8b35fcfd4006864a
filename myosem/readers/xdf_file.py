"""Streams of an XDF file, as Lab Streaming Layer's recorders write it. Needs pyxdf, of the extra [formats].

pyxdf mends what it can and goes on after damage. Here the sizes that a file declares are checked first, and
what pyxdf had to leave out is an error.
"""

import io
import logging
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from myosem.errors import MissingExtraError, SourceError
from myosem.readers.base import SourceFile, reason
from myosem.readers.timing import JUMP_S

MAGIC = b"XDF:"
HEADER, SAMPLES = 2, 3
BYTES = {"double64": 8, "float32": 4, "int64": 8, "int32": 4, "int16": 2, "int8": 1, "string": 0}
MOST_CHANNELS = 4096
FAILURES = (
    *(OSError, LookupError, RuntimeError, ValueError, TypeError, AttributeError, ArithmeticError, EOFError),
    *(MemoryError, struct.error, ElementTree.ParseError, np.linalg.LinAlgError),
)


@dataclass(frozen=True)
class Stream:
    """One stream.

    Attributes:
        name: of the stream.
        kind: its content type, such as ``EMG`` or ``Markers``.
        rate_hz: the nominal rate, 0 for moments at any time.
        labels: of the channels, empty where they have none.
        kinds: of the channels, empty where they have none.
        units: of the channels, empty where they have none.
        times_s: ``(T,)`` seconds by the recorder's clock, without jitter.
        values: ``(T, C)`` numbers, or ``(T, C)`` texts.
    """

    name: str
    kind: str
    rate_hz: float
    labels: tuple[str, ...]
    kinds: tuple[str, ...]
    units: tuple[str, ...]
    times_s: NDArray[np.float64]
    values: NDArray[Any]

    @property
    def is_text(self) -> bool:
        """Whether the values are texts."""
        return self.values.dtype.kind == "U"


def read_streams(file: SourceFile) -> tuple[list[Stream], bool]:
    """All streams, and whether the file ends in the middle of something, which is left out.

    Raises:
        SourceError: damaged, or not XDF.
        MissingExtraError: pyxdf is not installed.
    """
    try:
        import pyxdf  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingExtraError(
            f"{file.source}: XDF files need pyxdf", hint='pip install "myosem[formats]"'
        ) from error
    data = file.read_bytes()
    end = _checked(file, data)
    with _damage() as damage, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found, _ = pyxdf.load_xdf(
                io.BytesIO(data[:end]),
                jitter_break_threshold_seconds=JUMP_S,
                jitter_break_threshold_samples=0,
            )
            streams = [_stream(one) for one in found]
        except FAILURES as error:
            raise SourceError(f"{file.source}: cannot be read as XDF", got=reason(error)) from error
    if damage:
        raise SourceError(f"{file.source}: the file is damaged", got=damage[0])
    return streams, end < len(data)


def _checked(file: SourceFile, data: bytes) -> int:
    """Where the last whole chunk ends, once all chunks hold what they declare."""
    if data[:4] != MAGIC:
        raise SourceError(f"{file.source}: not an XDF file", got=repr(data[:4]))
    sizes: dict[int, tuple[int, int]] = {}
    at = len(MAGIC)
    while at < len(data):
        length, start = _number(data, at)
        if length is not None and start + length > len(data):
            break
        if length is None or length < 2:
            if start >= len(data):
                break
            raise SourceError(f"{file.source}: a chunk has no length", got=f"byte {at}")
        content = memoryview(data)[start : start + length]
        tag = int.from_bytes(content[:2], "little")
        stream = int.from_bytes(content[2:6], "little")
        if tag == HEADER:
            sizes[stream] = _sizes(file, bytes(content[6:]))
        elif tag == SAMPLES:
            _check_samples(file, content[6:], *sizes.get(stream, (0, 0)))
        at = start + length
    if not sizes:
        raise SourceError(f"{file.source}: there is no stream in it", got=f"{len(data)} bytes")
    return at


def _number(data: bytes | memoryview, at: int) -> tuple[int | None, int]:
    """A number of variable length and where it ends; None where it is none or cut off."""
    width = data[at] if at < len(data) else 0
    end = at + 1 + width
    if width not in (1, 4, 8) or end > len(data):
        return None, end if width in (1, 4, 8) else at
    return int.from_bytes(data[at + 1 : end], "little"), end


def _sizes(file: SourceFile, header: bytes) -> tuple[int, int]:
    """Channels of a stream, and bytes of a number, 0 for texts."""
    try:
        info = ElementTree.fromstring(header.decode("utf-8", "replace"))
        channels, form = int(info.findtext("channel_count") or 0), info.findtext("channel_format")
        rate_hz = float(info.findtext("nominal_srate") or "nan")
    except (ValueError, ElementTree.ParseError) as error:
        raise SourceError(f"{file.source}: the header of a stream is damaged", got=reason(error)) from error
    if form not in BYTES or not 0 < channels <= MOST_CHANNELS or not 0 <= rate_hz < 1e7:
        raise SourceError(
            f"{file.source}: the header of a stream does not fit",
            got=f"{channels} channels of {form} at {rate_hz} Hz",
        )
    return channels, BYTES[form]


def _check_samples(file: SourceFile, content: memoryview, channels: int, width: int) -> None:
    """Refuse a chunk that declares more samples than it has bytes for, or fewer."""
    count, start = _number(content, 0)
    least = 1 + channels * (width or 2)
    rest = len(content) - start
    fits = count is not None and channels and count * least <= rest
    if not fits or (width and count is not None and rest > count * (least + 8)):
        raise SourceError(
            f"{file.source}: a chunk does not hold the samples that it declares",
            got=f"{rest} bytes for {count} samples of {channels} channels",
        )


@contextmanager
def _damage() -> Iterator[list[str]]:
    """What pyxdf says it left out while this is open."""
    found: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno >= logging.ERROR:
                found.append(" ".join(record.getMessage().split()))

    logger, collect = logging.getLogger("pyxdf"), Collect()
    before = logger.propagate
    logger.addHandler(collect)
    logger.propagate = False
    try:
        yield found
    finally:
        logger.removeHandler(collect)
        logger.propagate = before


def _stream(found: dict[str, Any]) -> Stream:
    info = found["info"]
    description = info.get("desc", [None])[0] or {}
    channels = [
        channel
        for group in (description.get("channels") or [])
        for channel in ((group or {}).get("channel") or [])
        if channel
    ]
    count = int(info["channel_count"][0])
    values = found["time_series"]
    if info["channel_format"][0] == "string":
        values = np.array(values, dtype=np.str_).reshape(-1, count)
    return Stream(
        name=_first(info, "name"),
        kind=_first(info, "type"),
        rate_hz=float(info["nominal_srate"][0]),
        labels=_all(channels, "label", count),
        kinds=_all(channels, "type", count),
        units=_all(channels, "unit", count),
        times_s=np.asarray(found["time_stamps"], dtype=np.float64),
        values=values,
    )


def _first(values: dict[str, Any], key: str) -> str:
    found = values.get(key) or [None]
    return " ".join(str(found[0]).split()) if found[0] else ""


def _all(channels: list[dict[str, Any]], key: str, count: int) -> tuple[str, ...]:
    """What every channel says under a key; nothing where not all say something."""
    found = tuple(_first(channel, key) for channel in channels)
    return found if len(found) == count and all(found) else ()
