"""A mapping for a file that has none, guessed from names and numbers, with a word on each guess."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from myosem.errors import MappingError, SourceError
from myosem.readers.base import SourceFile
from myosem.readers.columns import Columns, label_texts, seconds
from myosem.readers.csv import Table, is_number
from myosem.readers.edf_file import OTHER
from myosem.readers.timing import SAME

MOST_LINES = 50_000
LIKELY_HZ = (40.0, 20_000.0)
MOST_LABELS, WIDE = 200, 60
EMG = re.compile(r"(?i)emg|myo\b|^(?:ch|chan|channel|electrode|sensor)[\s_-]*\d+$")
TIME = re.compile(r"(?i)time|stamp|\bdate|^(?:t|ts|ms|us|sec|seconds|millis)$|_(?:ms|us|ns|sec|s)$")
COUNTER = re.compile(r"(?i)sample|index|count|frame|packet|^(?:n|i|no|nr|row|id|seq)$|unnamed")
LABEL = re.compile(
    r"(?i)label|gesture|class|movement|stimulus|annotation|marker|action|activity|grasp|task|trial_type"
)
PRIVATE = re.compile(
    r"(?i)name|initial|birth|patient|subject|person|participant|user|\b(?:age|sex|gender)\b|comment|note|mail"
)
RATE = re.compile(r"(?i)^(?:.*/)?(?:fs|srate|rate|sampl(?:e|ing)_?(?:rate|frequency)|frequency)(?:_hz)?$")
UNIT = re.compile(r"(?:[(\[_\s]|^)(?P<unit>[uµμm]?V)(?:[)\]]|$)")
PERSON = re.compile(r"(?i)(?<![a-z])(?:sub(?:j(?:ect)?)?|participant|p|s)[-_ ]?\d+(?![a-z0-9])")
UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}

Arrays = dict[str, NDArray[Any]]


@dataclass
class Proposal:
    """Keys of a mapping, and what is uncertain about them.

    Attributes:
        values: by key.
        remarks: by key; a key without one is certain.
    """

    values: dict[str, Any] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)

    def say(self, key: str, value: Any, remark: str | None = None) -> None:
        """Propose a value."""
        self.values[key] = value
        if remark:
            self.remarks[key] = remark

    def text(self) -> str:
        """The mapping as YAML, a remark after each line that is a guess."""
        lines = [f"{key}: {_plain_yaml(value)}" for key, value in self.values.items()]
        width = max(len(line) for line in lines if len(line) < WIDE)
        noted = zip(lines, self.values, strict=True)
        return "".join(
            f"{line:<{width}}  # {self.remarks[key]}\n" if key in self.remarks else f"{line}\n"
            for line, key in noted
        )


class CsvColumns(Columns):
    """The first columns and lines of a table of text: numbers where all cells are, else texts."""

    def __init__(self, file: SourceFile) -> None:
        self.file = file
        first = next(Table(file).rows(), [])
        self.header = not all(is_number(cell) for cell in first if cell.strip())
        table = Table(file, self.header)
        rows = (row for row in islice(table.rows(), self.header, MOST_LINES) if row)
        complete = [row for row in rows if len(row) == len(table.names)]
        self.cells = {name: [row[place] for row in complete] for place, name in enumerate(table.names)}
        self.shapes = {name: (len(complete),) for name in table.names}

    def load(self, name: str) -> NDArray[Any]:
        """A column."""
        cells = self.cells[name]
        if all(is_number(cell) for cell in cells):
            return np.array([float(cell) for cell in cells])
        return np.array([cell.strip() for cell in cells], dtype=np.str_)


def propose(columns: Columns) -> Proposal:
    """A mapping for a file.

    Raises:
        MappingError: nothing in it looks like EMG.
    """
    proposal = Proposal()
    arrays = dict(_loaded(columns))
    length = max((len(values) for values in arrays.values()), default=0)
    lasting = {name: values for name, values in arrays.items() if len(values) == length and length > 1}
    if not getattr(columns, "header", True):
        proposal.say("header", False)
    time = _time(columns.file, {name: each for name, each in lasting.items() if each.ndim == 1})
    label = _label({name: each for name, each in lasting.items() if each.ndim == 1 and name != time[0]})
    _say_emg(proposal, columns.file, {n: v for n, v in lasting.items() if n not in (time[0], label)})
    _say_time(proposal, arrays, *time)
    if label is not None:
        values = [value for value in np.unique(label_texts(lasting[label])).tolist() if value]
        proposal.say("label_from", _key(label), f"values: {_some(values)}")
    _say_unit(proposal, lasting)
    folder = columns.file.parts[-2] if len(columns.file.parts) > 1 else "mine"
    proposal.say("dataset", data_set_name(folder), "the folder's name")
    person = PERSON.search(columns.file.name)
    known = "from the file's name" if person else "a code for the person, never a real name"
    proposal.say("subject", person[0] if person else "p1", known)
    proposal.say("session", 1, "one name for all that was recorded without taking the electrodes off")
    return proposal


def data_set_name(folder: str) -> str:
    """The name of a folder as that of a data set."""
    return re.sub(r"[^\w.-]+", "_", folder).strip("_") or "mine"


def _loaded(columns: Columns) -> Iterator[tuple[str, NDArray[Any]]]:
    for name, shape in columns.shapes.items():
        if len(shape) <= 2 and not PRIVATE.search(name.rsplit("/", 1)[-1]):
            values = columns.load(name)
            yield name, values.reshape(-1) if values.ndim != 2 or 1 in values.shape else values


def _some(values: list[str], most: int = 6) -> str:
    return ", ".join([*values[:most], "..."] if len(values) > most else values)


def _plain_yaml(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=100_000, allow_unicode=True)
    return text.removesuffix("...\n").strip()


def _key(name: str) -> int | str:
    return int(name) if re.fullmatch(r"[1-9]\d*", name) else name


def _is_numeric(values: NDArray[Any]) -> bool:
    return values.dtype.kind in "iuf"


def _time(file: SourceFile, arrays: Arrays) -> tuple[str | None, str, float]:
    """The array that holds the time, its unit, and the rate it gives; None where none seems to."""
    ordered = sorted(arrays, key=lambda name: not TIME.search(name))
    for place, name in enumerate(ordered):
        values, called = arrays[name], bool(TIME.search(name))
        if COUNTER.search(name) or EMG.search(name) or LABEL.search(name) or not (called or place == 0):
            continue
        for unit in _units_of(name, values):
            try:
                times_s = seconds(file, values, unit)
            except SourceError:
                continue
            rate_hz = _rate_of(times_s)
            if rate_hz and (called or np.ptp(np.diff(times_s)) < 1e-6 + 0.01 * np.diff(times_s).mean()):
                return name, unit, rate_hz
    return None, "s", 0.0


def _units_of(name: str, values: NDArray[Any]) -> list[str]:
    if values.dtype.kind in "MUSO":
        return ["date"]
    said = re.search(r"(?i)(?:[_(\[\s]|^)(ns|us|µs|ms|s|sec|seconds|millis)[)\]]?$", name)
    if said:
        return [
            {"µs": "us", "sec": "s", "seconds": "s", "millis": "ms"}.get(said[1].lower(), said[1].lower())
        ]
    return list(UNITS)


def _rate_of(times_s: NDArray[np.float64]) -> float | None:
    """The rate that times give, None where they are no times of samples."""
    if not np.isfinite(times_s).all() or (np.diff(times_s) < 0).any():
        return None
    steps = np.diff(times_s)
    usual = steps[steps <= max(10 * float(np.median(steps)), 0.5)]
    mean = float(usual.mean()) if len(usual) else 0.0
    return 1 / mean if mean > 0 and LIKELY_HZ[0] <= 1 / mean <= LIKELY_HZ[1] else None


def _label(arrays: Arrays) -> str | None:
    """The array that holds the labels: by its name, else the only texts that repeat."""
    few = []
    for name, values in arrays.items():
        if values.dtype.kind == "f" and not np.all(np.mod(values[np.isfinite(values)], 1) == 0):
            continue
        if values.dtype.kind in "iufUSOb":
            count = len(np.unique(label_texts(values)))
            if 1 < count <= min(MOST_LABELS, max(len(values) // 4, 2)):
                few.append(name)
    called = [name for name in few if LABEL.search(name.rsplit("/", 1)[-1])]
    texts = [name for name in few if not _is_numeric(arrays[name])]
    steady = [name for name in few if name.isdecimal() and _is_steady(arrays[name])]
    return next(iter([*called, *texts, *steady]), None)


def _is_steady(values: NDArray[Any]) -> bool:
    return int((values[1:] != values[:-1]).sum()) * 20 < len(values)


def _say_emg(proposal: Proposal, file: SourceFile, arrays: Arrays) -> None:
    numeric = {name: values for name, values in arrays.items() if _is_numeric(values)}
    tables = [name for name, values in numeric.items() if values.ndim == 2 and len(values) > values.shape[1]]
    if tables:
        chosen = next((name for name in tables if EMG.search(name)), tables[0])
        others = [name for name in tables if name != chosen]
        shape = "x".join(map(str, numeric[chosen].shape))
        proposal.say("array", chosen, f"{shape}; there is also {', '.join(others)}" if others else None)
        return
    single = {name: values for name, values in numeric.items() if values.ndim == 1}
    called = [name for name in single if EMG.search(name.rsplit("/", 1)[-1])]
    others = [
        name
        for name, values in single.items()
        if not OTHER.search(name.replace("_", " ")) and not COUNTER.search(name) and not _is_counter(values)
    ]
    chosen_columns = called or others
    if not chosen_columns:
        raise MappingError(
            f"{file.source}: nothing in it looks like EMG",
            exists=[f"{name} ({values.dtype})" for name, values in arrays.items()],
            hint="write a mapping by hand, see docs/bring-your-own.md",
        )
    left_out = [name for name in arrays if name not in chosen_columns]
    remark = None if called else "all other columns of numbers"
    if left_out:
        remark = f"{remark or 'by their names'}; left out: {', '.join(left_out)}"
    proposal.say("columns", [_key(name) for name in chosen_columns], remark)


def _is_counter(values: NDArray[Any]) -> bool:
    steps = np.diff(values.astype(np.float64))
    return len(steps) > 1 and bool(np.all(steps == steps[0]))


def _say_time(proposal: Proposal, arrays: Arrays, name: str | None, unit: str, rate_hz: float) -> None:
    """Time and rate: from the times, else from a number that is called so, else a guess."""
    if name is not None:
        proposal.say("time_from", _key(name))
        if unit != "s":
            certain = unit == "date" or len(_units_of(name, arrays[name])) == 1
            proposal.say("time_unit", unit, None if certain else "guessed: no other gives a likely rate")
        proposal.say("rate_hz", _round(rate_hz), f"the times give {rate_hz:.6g}")
        return
    found = [(key, values) for key, values in arrays.items() if RATE.match(key) and values.size == 1]
    if found and _is_numeric(found[0][1]) and LIKELY_HZ[0] <= float(found[0][1][0]) <= LIKELY_HZ[1]:
        proposal.say("rate_hz", _round(float(found[0][1][0])), f"from {found[0][0]}")
        return
    proposal.say("rate_hz", 1000, "NOT IN THE FILE: put the samples per second of your device here")


def _round(rate_hz: float) -> float:
    """A whole number where that is within half a percent."""
    whole = round(rate_hz)
    return whole if whole and abs(rate_hz / whole - 1) <= SAME else round(rate_hz, 3)


def _say_unit(proposal: Proposal, arrays: Arrays) -> None:
    names = [str(name) for name in proposal.values.get("columns", [proposal.values.get("array")])]
    said = {match["unit"] for name in names if (match := UNIT.search(name))}
    if len(said) == 1:
        proposal.say("unit", re.sub("[µμ]", "u", said.pop()), "from the names")
        return
    values = np.concatenate([arrays[name].astype(np.float64).reshape(-1) for name in names])
    values = values[np.isfinite(values)]
    if len(values) and np.all(values == np.round(values)):
        proposal.say("unit", "adc", "whole numbers, so probably those of the converter")
        return
    proposal.say("unit", 1, "not known: put V, mV or uV, if you know it")
