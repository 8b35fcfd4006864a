"""UCI 481, EMG data for gestures (Lobov et al., Sensors 2018): six or seven gestures, twice, with a Myo."""

import io
import re
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from myosem.errors import SourceError
from myosem.readers.base import PathReader, SourceFile, reason
from myosem.readers.parse import Label, as_float32, ring, run_spans
from myosem.records import Recording

RATE_HZ = 1000.0
RATE_TOLERANCE = 0.1
JUMP_S, SHORTEST_S = 1.0, 1.0
MOST_BAD = 0.01
COLUMNS = 10
HEADER = ["time", *(f"channel{i + 1}" for i in range(8)), "class"]
UNMARKED = 0
CLASSES: dict[int, Label] = {
    1: ("hand at rest", "rest"),
    2: ("hand clenched in a fist", "fist"),
    3: ("wrist flexion", "wrist-flexion"),
    4: ("wrist extension", "wrist-extension"),
    5: ("radial deviations", "radial-deviation"),
    6: ("ulnar deviations", "ulnar-deviation"),
    7: ("extended palm", "open-hand"),
}
NUMBER = rb"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?"


class Uci481(PathReader):
    """A series of gestures a file: milliseconds, eight channels in volts, and the gesture's number."""

    name = "uci_481"
    description = "UCI 481: 6 or 7 gestures and rest, 36 people, 8 x 1000 Hz (Myo)"
    layout = "<nn>/<1 or 2>_raw_data_<hh-mm>_<dd.mm.yy>.txt"
    pattern = r"(?P<subject>\d{2})/(?P<series>[12])_raw_data_\d\d-\d\d_\d\d\.\d\d\.\d\d\.txt"

    def read(self, file: SourceFile) -> Iterator[Recording]:
        """A recording for each stretch without a jump in time; what is unmarked has no label."""
        at = self.fields(file)
        table, dropped = _table(file)
        classes = table[:, -1].astype(np.int64)
        strange = set(np.unique(classes).tolist()) - {UNMARKED, *CLASSES}
        if strange or (classes != table[:, -1]).any():
            raise SourceError(
                f"{file.source}: a class is not known", got=sorted(strange)[:5], expected="0 to 7"
            )
        notes = (f"Lines that do not hold {COLUMNS} numbers were left out: {dropped}.",) if dropped else ()
        stretches = _stretches(file, table[:, 0])
        for number, (first, last) in enumerate(stretches, start=1):
            yield Recording(
                samples=as_float32(table[first:last, 1:-1]),
                rate_hz=RATE_HZ,
                channels=ring(8),
                dataset=self.name,
                subject=at["subject"],
                session="1",
                name=f"series{at['series']}" + (f"-{number}" if len(stretches) > 1 else ""),
                source=file.source,
                unit="V",
                spans=run_spans(classes[first:last], RATE_HZ, CLASSES),
                notes=notes,
            )


def _table(file: SourceFile) -> tuple[NDArray[np.float64], int]:
    """``(rows, 10)`` numbers, and how many lines were dropped for holding anything else."""
    header, _, body = file.read_bytes().partition(b"\n")
    if header.decode("latin-1").split() != HEADER:
        raise SourceError(
            f"{file.source}: the header does not fit",
            got=header[:60].decode("latin-1"),
            expected=" ".join(HEADER),
        )
    lines = [line for line in body.splitlines() if line.strip()]
    good = re.compile(rb"\s*" + NUMBER + rb"(?:\t" + NUMBER + rb"){%d}\s*" % (COLUMNS - 1))
    kept = [line for line in lines if good.fullmatch(line)]
    dropped = len(lines) - len(kept)
    if not kept or dropped > max(1, MOST_BAD * len(lines)):
        raise SourceError(
            f"{file.source}: too many lines cannot be read",
            got=f"{dropped} of {len(lines)}",
            expected=f"{COLUMNS} numbers a line, separated by tabs",
        )
    try:
        table = np.loadtxt(io.BytesIO(b"\n".join(kept)), delimiter="\t", ndmin=2)
    except ValueError as error:
        raise SourceError(f"{file.source}: not a table of numbers", got=reason(error)) from error
    if not np.isfinite(table[:, [0, -1]]).all():
        raise SourceError(f"{file.source}: a time or class is not finite")
    return table, dropped


def _stretches(file: SourceFile, times_ms: NDArray[np.float64]) -> list[tuple[int, int]]:
    """What lies between jumps in time; the nominal rate must be that of the clock.

    Raises:
        SourceError: the clock runs backwards or at another rate.
    """
    steps_s = np.diff(times_ms) / 1000
    if (steps_s < 0).any():
        raise SourceError(f"{file.source}: the time runs backwards", expected="times in order")
    edges = [0, *(np.flatnonzero(steps_s > JUMP_S) + 1).tolist(), len(times_ms)]
    found = [(a, b) for a, b in pairwise(edges) if b - a >= SHORTEST_S * RATE_HZ] or [(0, len(times_ms))]
    steps = sum(last - first - 1 for first, last in found)
    seconds = sum(times_ms[last - 1] - times_ms[first] for first, last in found) / 1000
    if not seconds or abs(steps / seconds / RATE_HZ - 1) > RATE_TOLERANCE:
        rate = f"{steps / seconds:.1f} Hz" if seconds else "no time"
        raise SourceError(f"{file.source}: the rate does not fit", got=rate, expected=f"{RATE_HZ:g} Hz")
    return found


READER = Uci481()
