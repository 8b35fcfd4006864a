"""What three data sets of one wristband share: 16 electrodes, 2 kHz, samples with a time of the clock."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myosem.errors import SourceError
from myosem.readers.base import SourceFile
from myosem.readers.hdf5 import continuous
from myosem.readers.parse import as_float32, ring
from myosem.records import Recording, Span

RATE_HZ = 2000.0
RATE_TOLERANCE = 0.01
JUMP_S, SHORTEST_S = 0.1, 1.0
ELECTRODES = 16


def wristband_recordings(
    file: SourceFile,
    times_s: NDArray[np.floating],
    emg: NDArray[Any],
    events: Sequence[Span],
    *,
    name: str,
    notes: Sequence[str] = (),
    **more: Any,
) -> Iterator[Recording]:
    """One recording for each stretch of at least a second without a jump in time.

    Args:
        file: where it comes from.
        times_s: ``(T,)`` of the clock.
        emg: ``(T, 16)``.
        events: spans in seconds of the same clock, in order of their starts.
        name: of the recording; numbered where there are several stretches.
        notes: on all of them.
        more: what else a ``Recording`` takes.

    Raises:
        SourceError: times that do not fit 2 kHz, or no stretch that is long enough.
    """
    clock = times_s.astype(np.float64)
    stretches = continuous(file, clock, RATE_HZ, JUMP_S, RATE_TOLERANCE)
    long = [(first, last) for first, last in stretches if last - first >= SHORTEST_S * RATE_HZ]
    if not long:
        raise SourceError(f"{file.source}: no stretch without a jump in time is as long as a second")
    if len(long) < len(stretches):
        left_out = len(stretches) - len(long)
        notes = (*notes, f"Stretches of less than a second were left out: {left_out}.")
    for number, (first, last) in enumerate(long, start=1):
        yield Recording(
            samples=as_float32(emg[first:last]),
            rate_hz=RATE_HZ,
            channels=ring(ELECTRODES),
            source=file.source,
            name=name + (f"-{number}" if len(long) > 1 else ""),
            spans=clocked_spans(events, clock[first:last], RATE_HZ),
            notes=tuple(notes),
            **more,
        )


def clocked_spans(events: Sequence[Span], times_s: NDArray[np.float64], rate_hz: float) -> tuple[Span, ...]:
    """Spans of a clock as spans of a recording whose samples have these times.

    One that starts before another has ended starts where that ends; what lies outside is left out.
    """
    spans, end = [], 0
    for event in events:
        first, last = np.searchsorted(times_s, [event.start_s, event.end_s]).tolist()
        first = max(first, end)
        if first < last:
            spans.append(replace(event, start_s=first / rate_hz, end_s=last / rate_hz))
            end = last
    return tuple(spans)
