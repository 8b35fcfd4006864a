"""What an EDF or BDF file holds: signals by rate, stretches without a gap, annotations.

Needs edfio, of the extra [formats]. EDF stores each signal as 16-bit, BDF as 24-bit whole numbers that stand
for a range of a physical unit. A file of the kinds EDF+D and BDF+D has gaps between its data records; the
time of each record stands in its first annotation.
"""

import hashlib
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myosem.errors import MissingExtraError, SourceError
from myosem.readers.base import SourceFile, reason
from myosem.readers.marks import Mark
from myosem.readers.timing import SHORTEST_S

VOLTS = {"V": 1.0, "mV": 1e-3, "uV": 1e-6, "nV": 1e-9}
OTHER = re.compile(
    r"(?i)\b(?:ecg|ekg|eog|[hv]eog|eeg|acc\w*|gyr\w*|mag\w*|imu|quat\w*|trig\w*|status|resp\w*|temp\w*|marker\w*|"
    r"event\w*|sync\w*|counter|battery|force|torque|angle\w*|glove\w*|spo2|pulse|gsr|eda|misc|ref)\b"
)
MOST_SIGNALS = 4096
FIELDS = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
"""Lengths of what the header says of each signal; the first is its label, the last but one its samples."""
ONSET = re.compile(rb"([+-]\d{1,12}(?:\.\d{0,12})?)\x14")
NOBODY = re.compile(r"(?i)^[xX\s_-]*$|^(?:unknown|anonym\w*|n/a)\b.*$")
FAILURES = (
    *(OSError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError, MemoryError),
    *(StopIteration, AssertionError, UnboundLocalError),
)

Choice = Callable[[Sequence["Label"]], Sequence[int]]


@dataclass(frozen=True)
class Label:
    """What the header says of a signal.

    Attributes:
        name: of the signal.
        unit: ``V``, ``mV``, ``uV`` or ``nV``, else as it is written.
    """

    name: str
    unit: str


@dataclass(frozen=True)
class Group:
    """Signals of one rate.

    Attributes:
        rate_hz: samples per second.
        unit: of the samples: ``V``, ``mV``, ``uV``, ``adc`` or ``1``.
        places: positions of the signals in the file, annotations not counted.
        names: of the signals.
        samples: ``(T, C)`` float32, or int16 where the numbers are those of the converter.
    """

    rate_hz: float
    unit: str
    places: tuple[int, ...]
    names: tuple[str, ...]
    samples: NDArray[np.generic]


@dataclass(frozen=True)
class EdfFile:
    """An EDF or BDF file.

    Attributes:
        groups: the chosen signals, by falling number of signals.
        stretches: first record, one past the last, and seconds from the start of the file, of each stretch
            without a gap.
        record_s: length of a record in seconds.
        marks: the annotations, in seconds from the start of the file.
        person: a name for the person that says no more than that it is the same one; None where unknown.
        began: date and time as the file has them, None where it has none.
        left_out: names of the signals that were not chosen.
        notes: what is worth saying about it.
    """

    groups: tuple[Group, ...]
    stretches: tuple[tuple[int, int, float], ...]
    record_s: float
    marks: tuple[Mark, ...]
    person: str | None
    began: str | None
    left_out: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Piece:
    """A stretch of a group.

    Attributes:
        group: it is of.
        samples: ``(T, C)``.
        suffix: tells it from the other pieces of its file, empty where it is the only one.
        start_s: start in seconds from the start of the file.
        end_s: end in seconds from the start of the file.
    """

    group: Group
    samples: NDArray[np.generic]
    suffix: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class _Sizes:
    """Sizes that the header declares and the file bears out.

    Attributes:
        width: bytes of a sample.
        counts: samples of each signal in a record, annotations included.
        annotations: positions of the annotation signals.
        records: how many records there are.
        unfinished: whether the header leaves that open.
    """

    width: int
    counts: tuple[int, ...]
    annotations: tuple[int, ...]
    records: int
    unfinished: bool


def read_edf_file(file: SourceFile, choice: Choice) -> EdfFile:
    """The signals that ``choice`` picks, by position.

    Raises:
        SourceError: damaged, cut off, without signals, or with a signal that cannot be scaled.
        MissingExtraError: edfio is not installed.
    """
    edfio = load_edfio(file.source)
    data = file.read_bytes()
    sizes = _sizes(file, data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            read = edfio.read_bdf if sizes.width == 3 else edfio.read_edf
            content = read(data, header_encoding="latin-1")
            labels = [_label(signal) for signal in content.signals]
            chosen = list(choice(labels))
            groups = _groups(file, content, labels, chosen)
            marks = _marks(content, sizes)
        except FAILURES as error:
            raise SourceError(f"{file.source}: cannot be read as EDF or BDF", got=reason(error)) from error
        stretches = _stretches(file, data, sizes, float(content.data_record_duration))
        left_out = tuple(label.name for place, label in enumerate(labels) if place not in chosen)
        unfinished = "The recording was not closed: its length is that of the file."
        return EdfFile(
            groups=groups,
            stretches=stretches,
            record_s=float(content.data_record_duration),
            marks=marks,
            person=_person(content),
            began=_began(content),
            left_out=left_out,
            notes=(unfinished,) if sizes.unfinished else (),
        )


def pieces(content: EdfFile) -> Iterator[Piece]:
    """Each stretch of each group; where there are several stretches, those of at least a second."""
    kept = [
        (a, b, start_s)
        for a, b, start_s in content.stretches
        if len(content.stretches) == 1 or (b - a) * content.record_s >= SHORTEST_S
    ]
    for group in content.groups:
        per_record = round(group.rate_hz * content.record_s)
        rate = f"-{group.rate_hz:g}Hz" if len(content.groups) > 1 else ""
        for number, (first, last, start_s) in enumerate(kept, start=1):
            samples = group.samples[first * per_record : last * per_record]
            suffix = rate + (f"-{number}" if len(kept) > 1 else "")
            yield Piece(group, samples, suffix, start_s, start_s + len(samples) / group.rate_hz)


def load_edfio(source: str) -> Any:
    """The module edfio. Raises MissingExtraError, which names the file, where it is not installed."""
    try:
        import edfio
    except ImportError as error:
        raise MissingExtraError(
            f"{source}: EDF and BDF files need edfio", hint='pip install "myosem[formats]"'
        ) from error
    return edfio


def looks_like_emg(labels: Sequence[Label]) -> list[int]:
    """Positions of the signals that seem to be EMG: those called so, else voltages of no other name."""
    called = [place for place, label in enumerate(labels) if "emg" in label.name.lower()]
    others = [place for place, label in enumerate(labels) if not OTHER.search(label.name.replace("_", " "))]
    volts = [place for place in others if labels[place].unit in VOLTS]
    return called or volts or others


def _sizes(file: SourceFile, data: bytes) -> _Sizes:
    """Compare what the header declares with what there is, before anything is made of it."""
    width = 3 if data[:8] == b"\xffBIOSEMI" else 2
    count = _whole(data[252:256])
    if not (data[:8].strip() == b"0" or width == 3) or count is None or not 0 < count <= MOST_SIGNALS:
        raise SourceError(f"{file.source}: not an EDF or BDF file", got=repr(data[:8]))
    start = 256 * (count + 1)
    at = 256 + count * sum(FIELDS[:-2])
    per_record = [_whole(data[at + 8 * i : at + 8 * i + 8]) for i in range(count)]
    counts = [each for each in per_record if each is not None and each > 0]
    if len(data) <= start or _whole(data[184:192]) != start or len(counts) != count:
        raise SourceError(f"{file.source}: the header is damaged or cut off", got=f"{len(data)} bytes")
    names = [data[256 + 16 * i : 272 + 16 * i].strip() for i in range(count)]
    annotations = [i for i, name in enumerate(names) if name in (b"EDF Annotations", b"BDF Annotations")]
    if len(annotations) == count:
        raise SourceError(f"{file.source}: there are annotations and no signals")
    if not _length(data[244:252]) > 0:
        raise SourceError(f"{file.source}: the length of a data record is no time", got=repr(data[244:252]))
    declared = _whole(data[236:244])
    records, rest = divmod(len(data) - start, sum(counts) * width)
    unfinished = declared == -1
    if not records or (not unfinished and (rest or declared != records)):
        raise SourceError(
            f"{file.source}: another length than its header says",
            got=f"{len(data) - start} bytes after the header",
            expected=f"{declared} records of {sum(counts) * width} bytes",
        )
    return _Sizes(width, tuple(counts), tuple(annotations), records, unfinished)


def _whole(field: bytes) -> int | None:
    text = field.strip()
    return int(text) if re.fullmatch(rb"-?\d{1,8}", text) else None


def _length(field: bytes) -> float:
    text = field.strip()
    return float(text) if re.fullmatch(rb"(?:\d+\.?\d*|\.\d+)(?:[eE]-?\d{1,2})?", text) else 0.0


def _label(signal: Any) -> Label:
    unit = signal.physical_dimension.replace("Â", "").strip()
    plain = re.sub(r"^(?:[µμ]|micro|u)(?=v)", "u", unit, flags=re.IGNORECASE)
    known = {name.lower(): name for name in VOLTS} | {
        "volt": "V",
        "volts": "V",
        "uvolts": "uV",
        "mvolts": "mV",
    }
    return Label(" ".join(signal.label.split()), known.get(plain.lower(), unit))


def _groups(file: SourceFile, content: Any, labels: Sequence[Label], chosen: list[int]) -> tuple[Group, ...]:
    """Signals of one rate and one kind of unit, in the order of the file."""
    members: dict[tuple[float, str], list[int]] = {}
    for place in chosen:
        rate_hz = float(content.signals[place].sampling_frequency)
        kind = "V" if labels[place].unit in VOLTS else labels[place].unit
        members.setdefault((rate_hz, kind), []).append(place)
    groups = [_group(file, content, labels, places, rate_hz) for (rate_hz, _), places in members.items()]
    return tuple(sorted(groups, key=lambda group: -len(group.names)))


def _group(
    file: SourceFile, content: Any, labels: Sequence[Label], places: list[int], rate_hz: float
) -> Group:
    signals = [content.signals[place] for place in places]
    for signal in signals:
        if signal.physical_min == signal.physical_max or signal.digital_min == signal.digital_max:
            raise SourceError(f"{file.source}: the signal {signal.label!r} has no scale")
    units = {labels[place].unit for place in places}
    unit = units.pop() if len(units) == 1 else "V"
    if unit == "nV":
        unit = "V"
    names = tuple(labels[place].name or f"ch{place + 1}" for place in places)
    length = len(signals[0].digital)
    plain = all(signal.physical_range == signal.digital_range for signal in signals)
    whole = plain and signals[0].digital.dtype == np.int16
    samples: NDArray[Any] = np.empty((length, len(places)), np.int16 if whole else np.float32)
    for column, (place, signal) in enumerate(zip(places, signals, strict=True)):
        scale = VOLTS[labels[place].unit] / VOLTS[unit] if unit in VOLTS else 1.0
        samples[:, column] = signal.digital if whole else signal.data * scale
    known = unit if unit in VOLTS or unit == "adc" else "1"
    return Group(rate_hz, known, tuple(places), names, samples)


def _marks(content: Any, sizes: _Sizes) -> tuple[Mark, ...]:
    return tuple(Mark(*each) for each in content.annotations) if sizes.annotations else ()


def _stretches(
    file: SourceFile, data: bytes, sizes: _Sizes, record_s: float
) -> tuple[tuple[int, int, float], ...]:
    """Stretches of records that follow each other, by the times that stand in their first annotations."""
    if not sizes.annotations:
        return ((0, sizes.records, 0.0),)
    table = np.frombuffer(data, np.uint8, offset=256 * (len(sizes.counts) + 1))
    records = table[: sizes.records * sum(sizes.counts) * sizes.width].reshape(sizes.records, -1)
    first = sum(sizes.counts[: sizes.annotations[0]]) * sizes.width
    found = [ONSET.match(row[first : first + 32].tobytes()) for row in records]
    onsets = np.array([float(match[1]) if match else np.nan for match in found])
    if not np.isfinite(onsets).all():
        raise SourceError(f"{file.source}: a data record does not say its time")
    onsets -= onsets[0]
    steps = np.diff(onsets)
    if (steps < 0.5 * record_s).any():
        raise SourceError(f"{file.source}: the times of its data records run backwards")
    edges = [
        0,
        *(np.flatnonzero(np.abs(steps - record_s) > 0.01 * record_s + 1e-3) + 1).tolist(),
        len(onsets),
    ]
    return tuple((a, b, float(onsets[a])) for a, b in pairwise(edges))


def _person(content: Any) -> str | None:
    """A checksum of the patient's code, or of the whole field: the same for one person, and no name."""
    field = content.local_patient_identification.strip()
    parts = field.split()
    known = parts[0] if len(parts) >= 4 and not NOBODY.match(parts[0]) else field
    if all(NOBODY.match(part) for part in parts) or NOBODY.match(known):
        return None
    return f"p-{hashlib.sha256(known.encode()).hexdigest()[:8]}"


def _began(content: Any) -> str | None:
    try:
        moment = content.startdatetime
    except (ValueError, LookupError, TypeError, ArithmeticError):
        return None
    return None if (moment.year, moment.month, moment.day) == (1985, 1, 1) else f"{moment:%Y-%m-%d %H:%M:%S}"
