"""Records of PhysioNet's WFDB as their headers describe them: one file of samples.

Each channel has its own gain and baseline, and they differ by orders of magnitude: never take one for all.
"""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myosem.errors import SourceError
from myosem.readers.base import SourceFile
from myosem.readers.parse import as_float32

HEAD = re.compile(r"[^\s/]+\s+(\d{1,9})\s+(\d{1,9}(?:\.\d{1,9})?)(?:[/(]\S*)?(?:\s+(\d{1,12}))?(?:\s.*)?")
SIGNAL = re.compile(
    r"(?P<file>\S+)\s+(?P<format>\d+)"
    r"(?:\s+(?P<gain>[-+.\deE]+)(?:\((?P<baseline>-?\d+)\))?(?:/(?P<unit>\S+))?"
    r"(?:\s+\d+(?:\s+(?P<zero>-?\d+)(?:\s+-?\d+(?:\s+-?\d+(?:\s+\d+(?:\s+(?P<name>.+))?)?)?)?)?)?)?"
)
"""A channel's line; all behind the format may be left out, from the right."""
BITS = {"16": 16, "24": 24, "32": 32, "61": 16, "80": 8, "212": 12}
"""Of a sample, for each of WFDB's formats that are read."""
DEFAULT_GAIN, DEFAULT_UNIT = "200", "mV"
MOST_CHANNELS = 4096


@dataclass(frozen=True)
class Record:
    """A record.

    Attributes:
        samples: ``(T, C)`` in physical units.
        rate_hz: samples per second.
        names: of the C channels.
        unit: of the samples, the same for all.
    """

    samples: NDArray[np.float32]
    rate_hz: float
    names: tuple[str, ...]
    unit: str


def header_of(file: SourceFile) -> SourceFile | None:
    """The header (``.hea``) beside a file of samples (``.dat``)."""
    return file.sibling(re.sub(r"\.dat$", ".hea", file.name, flags=re.IGNORECASE))


def read_wfdb(file: SourceFile) -> Record:
    """The record whose samples are in ``file`` (``.dat``); its header (``.hea``) lies beside it.

    Raises:
        SourceError: header or samples are missing, damaged, in several files, or of a format not in ``BITS``.
    """
    header = header_of(file)
    if header is None:
        raise SourceError(f"{file.source}: its header is missing", expected="a .hea file beside it")
    lines = [line for line in _text(file, header) if line.strip() and not line.startswith("#")]
    count, rate_hz, length = _sizes(file, lines[0] if lines else "")
    signals = [SIGNAL.fullmatch(line.strip()) for line in lines[1:]]
    if len(signals) != count or not all(signals):
        raise SourceError(
            f"{file.source}: the header does not fit", got=f"{len(signals)} channels", expected=f"{count}"
        )
    fields: list[dict[str, str | None]] = [match.groupdict() for match in signals if match]
    kinds = {str(each["format"]) for each in fields}
    if any(each["file"] != file.name for each in fields) or len(kinds) != 1 or not kinds <= BITS.keys():
        raise SourceError(
            f"{file.source}: the header is of another kind",
            got=f"format {', '.join(sorted(kinds))}",
            expected=f"one file, format {', '.join(BITS)}",
        )
    codes = _codes(file, kinds.pop(), count, length)
    gains, units = _gains(file, fields), {each["unit"] or DEFAULT_UNIT for each in fields}
    if len(units) != 1:
        raise SourceError(f"{file.source}: the channels differ in unit", got=sorted(units))
    baselines = np.array([float(each["baseline"] or each["zero"] or 0) for each in fields])
    with np.errstate(over="ignore"):
        samples = as_float32((codes - baselines) / gains)
    names = tuple((each["name"] or f"ch{place}").strip() for place, each in enumerate(fields, start=1))
    return Record(samples, rate_hz, names, units.pop())


def _codes(file: SourceFile, kind: str, count: int, length: int | None) -> NDArray[np.int32]:
    """``(T, C)`` as they were stored."""
    data = file.read_bytes()
    if length is None:
        length = len(data) * 8 // (BITS[kind] * count)
    expected = -(-BITS[kind] * count * length // 8)
    spare = 1 if kind == "212" else 0  # some writers fill up the last pair
    if not expected <= len(data) <= expected + spare or not length:
        raise SourceError(
            f"{file.source}: another length than its header says",
            got=f"{len(data)} bytes",
            expected=f"{expected}",
        )
    return decoded(data, kind)[: count * length].reshape(length, count)


def decoded(data: bytes, kind: str) -> NDArray[np.int32]:
    """Samples one after another, from the bytes of a format in ``BITS``."""
    if kind == "212":
        return _twelve_bits(data)
    if kind == "24":
        parts = np.frombuffer(data, np.uint8).reshape(-1, 3).astype(np.int32)  # N bytes -> T*C, 3
        return parts[:, 0] | parts[:, 1] << 8 | parts[:, 2].astype(np.int8).astype(np.int32) << 16
    if kind == "80":
        return np.frombuffer(data, np.uint8).astype(np.int32) - 128
    return np.frombuffer(data, {"16": "<i2", "61": ">i2", "32": "<i4"}[kind]).astype(np.int32)


def _twelve_bits(data: bytes) -> NDArray[np.int32]:
    """Two samples in three bytes: the low byte of each, between them the high four bits of both."""
    whole = np.frombuffer(data + bytes(-len(data) % 3), np.uint8).reshape(-1, 3).astype(np.int32)
    first = whole[:, 0] | (whole[:, 1] & 0x0F) << 8
    second = whole[:, 2] | (whole[:, 1] & 0xF0) << 4
    codes = np.stack([first, second], axis=1).reshape(-1)  # pairs, 2 -> T*C
    return np.where(codes < 2048, codes, codes - 4096)


def _text(file: SourceFile, header: SourceFile) -> list[str]:
    try:
        return header.read_bytes().decode("ascii").splitlines()
    except UnicodeError as error:
        raise SourceError(f"{file.source}: the header is not text") from error


def _sizes(file: SourceFile, line: str) -> tuple[int, float, int | None]:
    """Channels, rate and samples (None where it is not said) of the header's first line."""
    match = HEAD.fullmatch(line.strip())
    count, rate_hz = (int(match[1]), float(match[2])) if match else (0, 0.0)
    length = int(match[3]) if match and match[3] else None
    if not (0 < count <= MOST_CHANNELS and rate_hz > 0 and length != 0):
        raise SourceError(f"{file.source}: the header does not fit", got=line[:60] or "nothing")
    return count, rate_hz, length


def _gains(file: SourceFile, fields: list[dict[str, str | None]]) -> NDArray[np.float64]:
    try:
        gains = np.array([float(each["gain"] or DEFAULT_GAIN) for each in fields])
    except ValueError as error:
        raise SourceError(f"{file.source}: a gain is no number") from error
    if not (np.isfinite(gains) & (gains > 0)).all():
        raise SourceError(f"{file.source}: a gain is not above 0")
    return gains
