"""Recordings as EDF or BDF files. Needs edfio, of the extra [formats].

Whole numbers of up to 16 bits become EDF and of up to 24 bits BDF, without loss. Other numbers become BDF: 24
bits over the range of each channel, in microvolts where the unit is a voltage.
"""

import math
import warnings
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myosem.errors import UsageError
from myosem.readers.edf_file import VOLTS, load_edfio
from myosem.records import Recording

FIELD = 8
"""Characters that a header has for a number."""
MOST_UV = 1e6
"""Voltages above this stay in their own unit: a header would have no room for them in microvolts."""
BITS_16, BITS_24 = (-32768, 32767), (-8388608, 8388607)


@dataclass(frozen=True)
class Written:
    """A file that was written.

    Attributes:
        path: of it.
        unit: of the numbers in it: ``uV`` where the recording's is a voltage, else the recording's.
        padding: how many samples stand at its end that are not the recording's.
    """

    path: Path
    unit: str
    padding: int


def write_signals(stem: Path, recording: Recording) -> Written:
    """Write the samples of a recording to ``<stem>.edf`` or ``<stem>.bdf``.

    Raises:
        UsageError: numbers that a header has no room for.
        MissingExtraError: edfio is not installed.
    """
    edfio = load_edfio(str(stem))
    samples = recording.samples
    per_record, record_s = data_record(len(samples), recording.rate_hz)
    padding = -len(samples) % per_record
    rate_hz = per_record / record_s
    digital_range = _digital_range(samples)
    narrow = digital_range == BITS_16
    scale = VOLTS.get(recording.unit, 0.0) / VOLTS["uV"]
    voltage = digital_range is None and 0 < scale * float(np.abs(samples).max()) < MOST_UV
    unit = "uV" if voltage else recording.unit
    make = edfio.EdfSignal if narrow else edfio.BdfSignal
    header = {"sampling_frequency": rate_hz, "physical_dimension": "" if unit == "1" else unit}
    signals = []
    try:
        for place, channel in enumerate(recording.channels):
            values = np.pad(samples[:, place], (0, padding), mode="edge")
            label = _printable(channel.name)
            if digital_range is not None:
                whole = values.astype(np.int16 if narrow else np.int32)
                signals.append(make.from_digital(whole, label=label, **header))
            else:
                wide = values.astype(np.float64) * (scale if voltage else 1.0)
                signals.append(make(wide, digital_range=BITS_24, label=label, **header))
        path = Path(f"{stem}.edf" if narrow else f"{stem}.bdf")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            kind = edfio.Edf if narrow else edfio.Bdf
            kind(signals, data_record_duration=record_s).write(path)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{recording.source} cannot be written as EDF or BDF", got=error) from error
    return Written(path, unit, padding)


def data_record(count: int, rate_hz: float) -> tuple[int, float]:
    """Samples and seconds of a data record, near a second, whose length a header has room for.

    Where there is one, a length that divides the recording, so that nothing has to be added at its end.
    """
    rate = Fraction(rate_hz).limit_denominator(10**6)
    divisors = {
        each for low in range(1, math.isqrt(count) + 1) if count % low == 0 for each in (low, count // low)
    }
    for samples in sorted(divisors, key=lambda each: abs(math.log(each / rate_hz))):
        if _fits(samples / rate):
            return samples, float(samples / rate)
    samples = max(round(rate_hz), 1)
    return samples, round(samples / rate_hz, FIELD - 2)


def _fits(seconds: Fraction) -> bool:
    text = repr(float(seconds))
    return len(text.removesuffix(".0")) <= FIELD and "e" not in text and Fraction(text) == seconds


def _digital_range(samples: NDArray[Any]) -> tuple[int, int] | None:
    """The whole numbers of 16 or 24 bits among which all samples are; None where they are of another kind."""
    if samples.dtype.kind not in "iu":
        return None
    lowest, highest = int(samples.min()), int(samples.max())
    fitting = (limits for limits in (BITS_16, BITS_24) if limits[0] <= lowest and highest <= limits[1])
    return next(fitting, None)


def _printable(name: str) -> str:
    return "".join(letter if " " <= letter <= "~" else "?" for letter in name)[:16]
