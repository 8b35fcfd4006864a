"""Records of PhysioNet's WFDB as their headers describe them: one file of 16-bit samples.

Each channel has its own gain and baseline, and they differ by orders of magnitude: never take one for all.
"""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myosem.errors import SourceError
from myosem.readers.base import SourceFile
from myosem.readers.parse import as_float32

SIGNAL = re.compile(
    r"(?P<file>\S+)\s+(?P<format>\d+)\s+(?P<gain>[-+.\deE]+)(?:\((?P<baseline>-?\d+)\))?/(?P<unit>\S+)"
    r"\s+\d+\s+(?P<zero>-?\d+)\s+-?\d+\s+-?\d+\s+\d+\s+(?P<name>.+)"
)
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


def read_wfdb(file: SourceFile) -> Record:
    """The record whose samples are in ``file`` (``.dat``); its header (``.hea``) lies beside it.

    Raises:
        SourceError: header or samples are missing, damaged, or of another format than 16 in one file.
    """
    header = file.sibling(re.sub(r"\.dat$", ".hea", file.name, flags=re.IGNORECASE))
    if header is None:
        raise SourceError(f"{file.source}: its header is missing", expected="a .hea file beside it")
    lines = [line for line in _text(file, header) if line.strip() and not line.startswith("#")]
    count, rate_hz, length = _sizes(file, lines[0] if lines else "")
    signals = [SIGNAL.fullmatch(line.strip()) for line in lines[1:]]
    if len(signals) != count or not all(signals):
        raise SourceError(
            f"{file.source}: the header does not fit", got=f"{len(signals)} channels", expected=f"{count}"
        )
    fields = [match.groupdict() for match in signals if match]
    if any(each["file"] != file.name or each["format"] != "16" for each in fields):
        raise SourceError(f"{file.source}: the header is of another kind", expected="format 16 in one file")
    data = file.read_bytes()
    if len(data) != 2 * count * length:
        raise SourceError(
            f"{file.source}: another length than its header says",
            got=f"{len(data)} bytes",
            expected=f"{2 * count * length}",
        )
    gains, units = _gains(file, fields), {each["unit"] for each in fields}
    if len(units) != 1:
        raise SourceError(f"{file.source}: the channels differ in unit", got=sorted(units))
    baselines = np.array([float(each["baseline"] or each["zero"]) for each in fields])
    codes = np.frombuffer(data, "<i2").reshape(length, count)
    with np.errstate(over="ignore"):
        samples = as_float32((codes - baselines) / gains)
    return Record(samples, rate_hz, tuple(each["name"].strip() for each in fields), units.pop())


def _text(file: SourceFile, header: SourceFile) -> list[str]:
    try:
        return header.read_bytes().decode("ascii").splitlines()
    except UnicodeError as error:
        raise SourceError(f"{file.source}: the header is not text") from error


def _sizes(file: SourceFile, line: str) -> tuple[int, float, int]:
    """Channels, rate and samples of the header's first line."""
    match = re.match(r"\S+\s+(\d{1,9})\s+(\d{1,9}(?:\.\d{1,9})?)\S*\s+(\d{1,12})(?:\s|$)", line)
    sizes = (int(match[1]), float(match[2]), int(match[3])) if match else (0, 0.0, 0)
    if not (0 < sizes[0] <= MOST_CHANNELS and sizes[1] > 0 and sizes[2] > 0):
        raise SourceError(f"{file.source}: the header does not fit", got=line[:60] or "nothing")
    return sizes


def _gains(file: SourceFile, fields: list[dict[str, str]]) -> NDArray[np.float64]:
    try:
        gains = np.array([float(each["gain"]) for each in fields])
    except ValueError as error:
        raise SourceError(f"{file.source}: a gain is no number") from error
    if not (np.isfinite(gains) & (gains > 0)).all():
        raise SourceError(f"{file.source}: a gain is not above 0")
    return gains
