"""EMG in the Brain Imaging Data Structure (BIDS 1.11 and later; ``emg/*_emg.edf`` or ``.bdf``).

Sidecars are inherited as BIDS says: from the folders above, and from names with fewer entities. Of a person
only the label is carried over, not what ``participants.tsv`` says.
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np

from myosem.errors import SourceError
from myosem.prompts import load_actions
from myosem.readers.base import PathReader, SourceFile
from myosem.readers.edf_file import VOLTS, EdfFile, Label, Piece, looks_like_emg, pieces, read_edf_file
from myosem.readers.marks import Mark, mark_spans, spans_between
from myosem.readers.parse import as_float32
from myosem.readers.timing import settled_rate
from myosem.records import Channel, Recording, Span

OWN = "MyoSem"
"""The key of a sidecar under which ``myosem bids`` keeps what BIDS has no field for."""
LABEL_SOURCE, ZERO_SHOT = "label_source", "zero-shot"
"""A column of ``events.tsv``, and its value for labels that a model gave; those are never read as labels."""
NOT_GIVEN = {"", "n/a", "N/A"}
MOST_ENTITIES = 10

Row = dict[str, str]


class Bids(PathReader):
    """One recording a file, or several where it has gaps; labels are those of ``events.tsv``."""

    name = "bids"
    description = "EMG-BIDS: any data set in the Brain Imaging Data Structure, 1.11 or later"
    layout = "sub-<label>/[ses-<label>/]emg/sub-<label>_..._emg.edf or .bdf"
    pattern = (
        r"sub-(?P<subject>[^_/]+)/(?:ses-(?P<session>[^_/]+)/)?emg/"
        r"(?P<stem>sub-(?P=subject)_[^/]+)_emg\.(?:edf|bdf)"
    )

    def read(self, file: SourceFile) -> Iterator[Recording]:
        """The recordings of the file."""
        at = self.fields(file)
        around = _Sidecars(file, at["stem"], levels=3 if at["session"] else 2)
        content = read_edf_file(file, around.emg)
        found = list(pieces(content))
        if not found:
            raise SourceError(f"{file.source}: no stretch without a gap is as long as a second")
        spans, remarks = around.spans(content, max(piece.end_s for piece in found))
        own, notes = around.own, (*content.notes, *around.notes(content), *remarks)
        stem = re.sub(r"^sub-[^_]+_(?:ses-[^_]+_)?", "", at["stem"])
        for piece in found:
            rate_hz, note = settled_rate(file, around.rate_hz(content, piece), piece.group.rate_hz)
            unit, samples = around.unit_and_samples(piece)
            yield Recording(
                samples=samples,
                rate_hz=rate_hz,
                channels=around.channels(piece),
                dataset=_text(own, "dataset") or around.dataset or self.name,
                subject=_text(own, "subject") or at["subject"],
                session=_text(own, "session") or at["session"] or "1",
                name=(_text(own, "name") or stem) + piece.suffix,
                source=file.source,
                unit=unit,
                signal="envelope" if own.get("signal") == "envelope" else "raw",
                band_hz=around.band_hz(piece),
                anchored=own.get("anchored") is True,
                simulated=own.get("simulated") is True,
                spans=spans_between(spans, piece.start_s, piece.end_s),
                notes=notes if note is None else (*notes, note),
            )


@dataclass
class _Sidecars:
    """What lies beside and above a file of signals.

    Attributes:
        file: of the signals.
        stem: its name without ``_emg`` and ending.
        levels: how many folders above its own the data set begins.
    """

    file: SourceFile
    stem: str
    levels: int

    @cached_property
    def facts(self) -> dict[str, Any]:
        """The sidecar of the signals; what is nearer to the file wins."""
        merged: dict[str, Any] = {}
        for found in reversed(list(self._inherited("emg.json"))):
            merged |= _json(found)
        kind = merged.get("RecordingType", "continuous")
        if kind not in ("continuous", "discontinuous", "n/a"):
            raise SourceError(
                f"{self.file.source}: recordings of this type are not read",
                got=kind,
                expected="continuous or discontinuous",
            )
        return merged

    @property
    def own(self) -> dict[str, Any]:
        """What ``myosem bids`` wrote about the recording, empty where it is not of MyoSem."""
        found = self.facts.get(OWN)
        return found if isinstance(found, dict) else {}

    @cached_property
    def dataset(self) -> str:
        """The data set's name as a word, empty where there is none."""
        found = self.file.sibling("dataset_description.json", self.levels)
        name = _json(found).get("Name") if found else None
        return re.sub(r"[^\w.-]+", "_", name).strip("_")[:60] if isinstance(name, str) else ""

    @cached_property
    def table(self) -> list[Row]:
        """Rows of ``channels.tsv``, empty where there is none."""
        return self._nearest("channels.tsv") or []

    def emg(self, labels: Sequence[Label]) -> list[int]:
        """Positions of the EMG among the signals."""
        if not self.table:
            return looks_like_emg(labels)
        if len(self.table) != len(labels):
            raise SourceError(
                f"{self.file.source}: channels.tsv does not fit",
                got=f"{len(self.table)} channels",
                expected=f"{len(labels)}, as in the file",
            )
        chosen = [place for place, row in enumerate(self.table) if row.get("type", "").upper() == "EMG"]
        if not chosen:
            kinds = sorted({row.get("type", "") for row in self.table})
            raise SourceError(f"{self.file.source}: no channel is of the type EMG", exists=kinds)
        return chosen

    def channels(self, piece: Piece) -> tuple[Channel, ...]:
        """Names by ``channels.tsv``, places by ``angle_deg`` and ``along_mm`` of ``electrodes.tsv``."""
        electrodes = {row.get("name", ""): row for row in self._nearest("electrodes.tsv") or []}
        channels = []
        for place, name in zip(piece.group.places, piece.group.names, strict=True):
            row = self.table[place] if self.table else {}
            named = row.get("name") or name
            at = electrodes.get(row.get("signal_electrode", ""), electrodes.get(named, {}))
            channels.append(Channel(named, _number(at, "angle_deg"), _number(at, "along_mm")))
        return tuple(channels)

    def rate_hz(self, content: EdfFile, piece: Piece) -> float:
        """The rate as the sidecar says it, where all signals have one; else that of the file."""
        stated = self.facts.get("SamplingFrequency")
        if isinstance(stated, int | float) and stated > 0 and len(content.groups) == 1:
            return float(stated)
        return piece.group.rate_hz

    def unit_and_samples(self, piece: Piece) -> tuple[str, Any]:
        """Unit and samples; what ``myosem bids`` wrote in microvolts is brought back to its own unit."""
        unit, samples = piece.group.unit, piece.samples
        length, was = self.own.get("samples"), self.own.get("unit")
        if isinstance(length, int) and 0 < length < len(samples) and not piece.suffix:
            samples = samples[:length]
        if was in VOLTS and unit in VOLTS and was != unit:
            return was, as_float32(samples.astype(np.float32) * np.float32(VOLTS[unit] / VOLTS[was]))
        stated = {self.table[place].get("units", "") for place in piece.group.places} if self.table else set()
        (only,) = stated if len(stated) == 1 else ("",)
        return (only if unit == "1" and only in ("V", "mV", "uV") else unit), samples

    def band_hz(self, piece: Piece) -> tuple[float, float] | None:
        """The band that all channels share, None where it is not known."""
        rows = [self.table[place] for place in piece.group.places] if self.table else [{}]
        bands = {(_number(row, "low_cutoff"), _number(row, "high_cutoff")) for row in rows}
        low, high = bands.pop() if len(bands) == 1 else (None, None)
        return None if low is None or high is None or not 0 <= low < high else (low, high)

    def spans(self, content: EdfFile, end_s: float) -> tuple[tuple[Span, ...], tuple[str, ...]]:
        """Labels of ``events.tsv``, else of the annotations in the file; none that a model gave."""
        rows = self._nearest("events.tsv")
        if rows is None:
            return mark_spans(content.marks, end_s)
        given = [row for row in rows if row.get(LABEL_SOURCE) != ZERO_SHOT]
        by_model = len(rows) - len(given)
        notes = [f"Labels that a model gave were left out: {by_model}."] if by_model else []
        if self.own:
            return tuple(span for span in map(_own_span, given) if span and span.end_s > 0), tuple(notes)
        marks = [mark for mark in map(_mark, given) if mark]
        spans, remarks = mark_spans(marks, end_s)
        return spans, (*notes, *remarks)

    def notes(self, content: EdfFile) -> Iterator[str]:
        """What is worth saying about the file."""
        if content.left_out:
            yield f"Signals that were left out: {', '.join(content.left_out)}."
        if len(content.stretches) > 1:
            yield f"Cut where the file has gaps: {len(content.stretches)} stretches."
        places = [place for group in content.groups for place in group.places]
        bad = [self.table[place]["name"] for place in places if self._says(place, "status") == "bad"]
        if bad:
            yield f"Channels marked as bad: {', '.join(bad)}."
        for group in content.groups:
            stated = {self._says(place, "units") for place in group.places} - NOT_GIVEN
            if group.unit in VOLTS and stated - {group.unit} and not self.own:
                yield f"The file is in {group.unit} and channels.tsv says {', '.join(sorted(stated))}."

    def _says(self, place: int, column: str) -> str:
        return self.table[place].get(column, "") if self.table else ""

    def _nearest(self, name: str) -> list[Row] | None:
        found = next(self._inherited(name), None)
        return None if found is None else _rows(found)

    def _inherited(self, name: str) -> Iterator[SourceFile]:
        """Files of this suffix that apply, nearest first."""
        entities = self.stem.split("_")[:MOST_ENTITIES]
        for up in range(self.levels + 1):
            for count in range(len(entities), -1, -1):
                for chosen in combinations(entities, count):
                    found = self.file.sibling("_".join([*chosen, name]), up)
                    if found is not None:
                        yield found


def _json(file: SourceFile) -> dict[str, Any]:
    try:
        content = json.loads(file.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{file.source}: not JSON", got=str(error)) from error
    if not isinstance(content, dict):
        raise SourceError(f"{file.source}: not an object", got=type(content).__name__)
    return content


def _rows(file: SourceFile) -> list[Row]:
    try:
        text = file.read_bytes().decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE, restval="")
        return [{str(key): str(value).strip() for key, value in row.items()} for row in reader]
    except (ValueError, csv.Error) as error:
        raise SourceError(f"{file.source}: not a table", got=str(error)) from error


def _text(values: dict[str, Any], key: str) -> str:
    value = values.get(key)
    return value.strip() if isinstance(value, str) else ""


def _number(row: Row, key: str) -> float | None:
    try:
        value = float(row.get(key, ""))
    except ValueError:
        return None
    return value if abs(value) < 1e9 else None


def _mark(row: Row) -> Mark | None:
    """An event as a mark: its trial type, or else its value."""
    onset_s = _number(row, "onset")
    texts = (row.get(name, "") for name in ("trial_type", "value"))
    text = next((text for text in texts if text not in NOT_GIVEN), "")
    return None if onset_s is None or not text else Mark(onset_s, _number(row, "duration"), text)


def _own_span(row: Row) -> Span | None:
    """An event as ``myosem bids`` writes it."""
    start_s, length_s, label = _number(row, "onset"), _number(row, "duration"), row.get("trial_type", "")
    if start_s is None or length_s is None or length_s <= 0 or label in NOT_GIVEN:
        return None
    action, effort, repetition = (row.get(name, "") for name in ("action", "effort", "repetition"))
    return Span(
        start_s,
        start_s + length_s,
        label,
        action if action in load_actions() else None,
        effort=None if effort in NOT_GIVEN else effort,
        repetition=int(repetition) if re.fullmatch(r"\d{1,6}", repetition) else None,
    )


READER = Bids()
