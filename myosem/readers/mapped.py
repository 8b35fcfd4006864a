"""Recordings from samples, labels and times, as a mapping file says what they are."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from myosem.errors import MappingError, SourceError
from myosem.readers.base import SourceFile
from myosem.readers.mapping import Mapping
from myosem.readers.timing import long_enough, settled_rate, stretches
from myosem.records import Recording, Span

TIME_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


def mapped_recordings(
    file: SourceFile,
    mapping: Mapping,
    reader: str,
    samples: NDArray[np.generic],
    *,
    names: list[str],
    labels: NDArray[np.str_] | None,
    times_s: NDArray[np.float64] | None = None,
) -> Iterator[Recording]:
    """Recordings of ``(T, C)`` samples, one for each stretch without a jump in the times.

    Args:
        file: the file.
        mapping: says what it holds.
        reader: name of the reader, the data set where the mapping names none.
        samples: ``(T, C)``.
        names: of the C channels.
        labels: ``(T,)`` texts; each stretch of one value is a span.
        times_s: ``(T,)`` seconds.

    Raises:
        SourceError: labels, times and samples differ in length, or the times are no times of samples.
        MappingError: the path or the angles of the mapping do not fit, or nothing says the rate.
    """
    known = mapping.fields(file)
    if labels is None:
        labels = np.full(len(samples), known.get("label", ""))
    for what, values in (("labels", labels), ("times", times_s)):
        if values is not None and len(values) != len(samples):
            raise SourceError(
                f"{file.source}: {what} and samples differ in length",
                got=f"{len(values)} {what}",
                expected=f"{len(samples)}",
            )
    rate_hz, found, notes = _rate_and_stretches(file, mapping, len(samples), times_s)
    for number, (first, last) in enumerate(found, start=1):
        yield Recording(
            samples=np.ascontiguousarray(samples[first:last]),
            rate_hz=rate_hz,
            channels=mapping.channels(names, file.source),
            dataset=mapping.dataset or reader,
            subject=known["subject"],
            session=known["session"],
            name=known["name"] + (f"-{number}" if len(found) > 1 else ""),
            source=file.source,
            unit=mapping.unit or "1",
            signal=mapping.signal,
            band_hz=mapping.band_hz,
            anchored=mapping.anchored,
            spans=_spans(mapping, labels[first:last], known, rate_hz),
            notes=notes,
        )


def _rate_and_stretches(
    file: SourceFile, mapping: Mapping, count: int, times_s: NDArray[np.float64] | None
) -> tuple[float, list[tuple[int, int]], tuple[str, ...]]:
    if times_s is None:
        if mapping.rate_hz is None:
            raise MappingError(
                f"{file.source}: the mapping does not say the rate",
                expected="`rate_hz`, or `time_from` with the column that holds the time",
            )
        return mapping.rate_hz, [(0, count)], ()
    found, measured_hz = stretches(file, times_s)
    rate_hz, note = settled_rate(file, mapping.rate_hz, measured_hz)
    kept, notes = long_enough(found, rate_hz)
    if not kept:
        raise SourceError(f"{file.source}: no stretch without a jump in time is as long as a second")
    return rate_hz, kept, (*([note] if note else []), *notes)


def _spans(
    mapping: Mapping, labels: NDArray[np.str_], known: dict[str, str], rate_hz: float
) -> tuple[Span, ...]:
    edges = [0, *(np.flatnonzero(labels[1:] != labels[:-1]) + 1).tolist(), len(labels)]
    digits = re.search(r"\d+", known.get("repetition", ""))
    seen: Counter[str] = Counter()
    spans = []
    for first, last in pairwise(edges):
        value = str(labels[first])
        repetition = int(digits[0]) if digits else seen[value]
        seen[value] += 1
        effort = known.get("effort")
        span = mapping.span(first / rate_hz, last / rate_hz, value, effort=effort, repetition=repetition)
        spans.append(span)
    return tuple(span for span in spans if span is not None)
