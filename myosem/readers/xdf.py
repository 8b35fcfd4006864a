"""Any XDF file; a mapping file may name the streams, person, session and labels."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myosem.errors import MappingError, SourceError
from myosem.readers.base import Reader, SourceFile
from myosem.readers.edf import NOBODY
from myosem.readers.edf_file import VOLTS
from myosem.readers.mapping import Mapping, found_mapping
from myosem.readers.marks import Mark, mark_spans, spans_between
from myosem.readers.parse import as_float32
from myosem.readers.timing import long_enough, settled_rate, stretches
from myosem.readers.xdf_file import Stream, read_streams
from myosem.records import Channel, Recording, Span

EMG = re.compile(r"(?i)emg|\bmyo\b")
MARKERS = re.compile(r"(?i)marker|event|annotation|label|stim")
UNIT_NAMES = {
    "microvolts": "uV",
    "microvolt": "uV",
    "millivolts": "mV",
    "millivolt": "mV",
    "volts": "V",
    "volt": "V",
}


class Xdf(Reader):
    """One recording for each stream of EMG and each stretch without a jump in time, labelled by markers."""

    name = "xdf"
    description = "any .xdf file of Lab Streaming Layer; a mapping file may say more"
    generic = True

    def __init__(self, mapping: Path | None = None) -> None:
        self._mapping = mapping

    def matches(self, file: SourceFile) -> bool:
        """Whether the name ends in ``.xdf``."""
        return file.suffix == ".xdf"

    def with_mapping(self, mapping: Path) -> "Xdf":
        """The same reader under this mapping file."""
        return Xdf(mapping)

    def read(self, file: SourceFile) -> Iterator[Recording]:
        """The recordings. Raises MappingError too: a stream that does not exist."""
        mapping = found_mapping(file, self._mapping) or Mapping()
        streams, cut_off = read_streams(file)
        chosen = _chosen(file, mapping, streams)
        markers = _markers(streams)
        notes = ["The file was cut off: what it holds up to there is read."] if cut_off else []
        left_out = [_title(one) for one in streams if one not in (*chosen, *markers)]
        if left_out:
            notes.append(f"Streams that were left out: {', '.join(left_out)}.")
        for stream in chosen:
            suffix = f"-{stream.name or chosen.index(stream) + 1}" if len(chosen) > 1 else ""
            yield from _recordings(file, mapping, stream, markers=markers, suffix=suffix, notes=notes)


def _chosen(file: SourceFile, mapping: Mapping, streams: Sequence[Stream]) -> list[Stream]:
    """The streams of numbers that the mapping names, or that are called EMG."""
    numeric = [one for one in streams if not one.is_text and len(one.values) > 1]
    if mapping.stream is not None:
        wanted = mapping.stream.lower()
        found = [one for one in numeric if wanted in (one.name.lower(), one.kind.lower())]
    else:
        found = [one for one in numeric if one.kind.lower() == "emg"]
        found = found or [one for one in numeric if EMG.search(one.name)]
    if found:
        return found
    titles = [_title(one) for one in streams]
    if mapping.stream is not None:
        raise MappingError(f"{file.source}: no stream of numbers fits", got=mapping.stream, exists=titles)
    raise SourceError(
        f"{file.source}: no stream is of the type EMG or called so",
        exists=titles,
        hint="name it in a mapping: {stream: NAME}",
    )


def _title(stream: Stream) -> str:
    return f"{stream.name} ({stream.kind or 'no type'})"


def _markers(streams: Sequence[Stream]) -> list[Stream]:
    """Streams whose values are labels: those called so, else all texts."""
    irregular = [one for one in streams if one.rate_hz == 0 and len(one.values)]
    called = [one for one in irregular if MARKERS.search(one.kind)]
    return called or [one for one in irregular if one.is_text]


def _recordings(
    file: SourceFile,
    mapping: Mapping,
    stream: Stream,
    *,
    markers: Sequence[Stream],
    suffix: str,
    notes: Sequence[str],
) -> Iterator[Recording]:
    found, measured_hz = stretches(file, stream.times_s)
    rate_hz, rate_note = settled_rate(file, mapping.rate_hz or stream.rate_hz or None, measured_hz)
    kept, cut_notes = long_enough(found, rate_hz)
    if not kept:
        raise SourceError(f"{file.source}: no stretch without a jump in time is as long as a second")
    places = _emg_channels(stream)
    unit, samples = _unit_and_samples(stream, places)
    known = mapping.fields(file, subject=_from_name(file, "sub") or NOBODY, session=_session(file))
    spans, remarks = _spans(mapping, known, stream, markers, rate_hz)
    said = (*notes, *([rate_note] if rate_note else []), *cut_notes, *remarks)
    names = [stream.labels[place] if stream.labels else f"ch{place + 1}" for place in places]
    channels: tuple[Channel, ...] = mapping.channels(names, file.source)
    for number, (first, last) in enumerate(kept, start=1):
        yield Recording(
            samples=np.ascontiguousarray(samples[first:last]),
            rate_hz=rate_hz,
            channels=channels,
            dataset=mapping.dataset or "xdf",
            subject=known["subject"],
            session=known["session"],
            name=known["name"] + suffix + (f"-{number}" if len(kept) > 1 else ""),
            source=file.source,
            unit=(mapping.unit or "1") if unit == "1" else unit,
            signal=mapping.signal,
            band_hz=mapping.band_hz,
            anchored=mapping.anchored,
            spans=spans_between(spans, first / rate_hz, last / rate_hz),
            notes=said,
        )


def _emg_channels(stream: Stream) -> list[int]:
    """Positions of the channels of type EMG where some are and some are not, else of all."""
    emg = [place for place, kind in enumerate(stream.kinds) if kind.lower() == "emg"]
    return emg or list(range(stream.values.shape[1]))


def _unit_and_samples(stream: Stream, places: list[int]) -> tuple[str, NDArray[np.generic]]:
    """The unit that the channels share, volts where their voltages differ, ``1`` where it is not known."""
    samples = stream.values[:, places]
    said = [stream.units[place] for place in places] if stream.units else []
    units = [UNIT_NAMES.get(unit.lower(), re.sub("[µμ]", "u", unit)) for unit in said]
    if samples.dtype.kind == "f":
        samples = as_float32(samples)
    if not units or any(unit not in VOLTS for unit in units):
        return "1", samples
    if len(set(units)) == 1 and units[0] != "nV":
        return units[0], samples
    return "V", as_float32(samples * np.array([VOLTS[unit] for unit in units]))


def _spans(
    mapping: Mapping, known: dict[str, str], stream: Stream, markers: Sequence[Stream], rate_hz: float
) -> tuple[tuple[Span, ...], tuple[str, ...]]:
    """Labels in seconds of samples, so that they fit whatever the clock's rate was and wherever it jumped."""
    count = len(stream.times_s)
    marks = []
    for one in markers:
        places = np.interp(one.times_s, stream.times_s, np.arange(count), right=count)
        told = zip(places.tolist(), _texts(one), strict=True)
        marks += [Mark(place / rate_hz, None, text) for place, text in told]
    naming = mapping.naming(known)
    spans, notes = mark_spans(marks, count / rate_hz, naming)
    whole = naming(0.0, count / rate_hz, known["label"]) if "label" in known and not spans else None
    return (whole,) if whole else spans, notes


def _texts(stream: Stream) -> list[str]:
    """The first text of each moment; whole numbers without a decimal point."""
    if stream.is_text:
        return [next((text for text in row if text.strip()), "") for row in stream.values.tolist()]
    return [f"{row[0]:g}" for row in stream.values.tolist()]


def _from_name(file: SourceFile, entity: str) -> str | None:
    """What the usual file name says, such as ``sub-P001_ses-S001_task-Default_run-001_eeg.xdf``."""
    match = re.search(rf"(?:^|_){entity}-([A-Za-z0-9]+)", file.name)
    return match[1] if match else None


def _session(file: SourceFile) -> str:
    return _from_name(file, "ses") or file.name.rsplit(".", 1)[0]


READER = Xdf()
