"""A library as a data set in the Brain Imaging Data Structure (EMG-BIDS, BIDS 1.11).

What BIDS has no field for, such as the original names, is kept in the sidecars under the key ``MyoSem``, by
which ``myosem.readers.bids`` restores the library. Labels that a model gave are marked as such and never come
back as labels.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myosem import __version__
from myosem.edf_writer import Written, write_signals
from myosem.errors import LibraryError, UsageError
from myosem.labelling import Candidates
from myosem.readers.bids import LABEL_SOURCE, OWN, ZERO_SHOT
from myosem.records import Recording, dead_channels

if TYPE_CHECKING:
    from myosem.catalogue import RecordingRow, SegmentRow, SessionKey
    from myosem.library import Library
    from myosem.model import Model

VERSION = "1.11.1"
EVENT_COLUMNS = ("onset", "duration", "trial_type", LABEL_SOURCE, "action", "effort", "repetition", "score")
EVENT_MEANINGS = {
    "trial_type": "The label, in the words of its source.",
    LABEL_SOURCE: {
        "Description": "Where the label is from.",
        "Levels": {
            "recorded": "It came with the recording.",
            ZERO_SHOT: "A model chose it from a list of phrases; nobody has checked it.",
        },
    },
    "action": "MyoSem's id of the action that the label stands for.",
    "effort": "Level of effort, in the words of the source.",
    "repetition": "Which repetition of the label, counted from 0.",
    "score": "For labels that a model chose: how sure it is, from 0 to 1.",
}
ELECTRODE_COLUMNS = ("name", "x", "y", "angle_deg", "along_mm")
ELECTRODE_MEANINGS = {
    "angle_deg": {
        "Description": "Place round the limb: 0 palm side, 90 little finger side, 180 back, 270 thumb side.",
        "Units": "degree",
    },
    "along_mm": {
        "Description": "Place along the limb, from the elbow towards the hand.",
        "Units": "mm",
    },
}
COORDINATES = {
    "EMGCoordinateSystem": "Other",
    "EMGCoordinateUnits": "percent",
    "EMGCoordinateSystemDescription": (
        "x goes round the limb in percent of its circumference: 0 the middle of the palm side, 25 the little "
        "finger side, 50 the back, 75 the thumb side; y is not used. Where the sidecar of the signals has "
        "anchored false, the band may be turned as a whole and x is known up to a shift."
    ),
}


@dataclass(frozen=True)
class BidsReport:
    """What was written.

    Attributes:
        folder: of the data set.
        subjects: how many people.
        recordings: how many files of signals.
        recorded: how many labels that came with the recordings.
        zero_shot: how many labels that a model chose.
    """

    folder: Path
    subjects: int
    recordings: int
    recorded: int
    zero_shot: int


@dataclass
class _Labels:
    """Labels of letters and digits for names of any kind, no two alike."""

    prefix: str
    given: dict[str, str] = field(default_factory=dict)

    def of(self, name: str) -> str:
        """``prefix`` and the label of a name."""
        if name not in self.given:
            plain = re.sub(r"[^A-Za-z0-9]", "", name) or "1"
            taken = {label.lower() for label in self.given.values()}
            spare = (f"{plain}{'x' * bool(count)}{count or ''}" for count in range(len(taken) + 1))
            self.given[name] = next(label for label in spare if label.lower() not in taken)
        return f"{self.prefix}-{self.given[name]}"


def export_bids(
    library: "Library",
    out: Path,
    *,
    where: str | None = None,
    model: "Model | None" = None,
    candidates: Sequence[str] = (),
) -> BidsReport:
    """Write the recordings of a library as a data set of their own.

    Args:
        library: an open library.
        out: a folder that is new or empty.
        where: only recordings with a segment for which this condition holds.
        model: chooses labels for recordings that have none.
        candidates: the phrases it chooses from; nothing is chosen where there are none.

    Raises:
        UsageError: the folder is not empty, or a recording cannot be written.
        LibraryError: there is no recording to write, or the library's vectors are of another model.
        MissingExtraError: edfio is not installed.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is not empty", expected="a new or empty folder for the data set")
    if model is not None and candidates:
        library.manifest.check_model(model.fingerprint, library.path)
    sessions = _sessions(library, where)
    if not sessions:
        raise LibraryError(
            f"there is no recording to write in {library.path}", got=where or "an empty library"
        )
    out.mkdir(parents=True, exist_ok=True)
    chooser = Candidates(model, candidates) if model is not None and candidates else None
    several = len({key.dataset for key in sessions}) > 1
    people, counts = _Labels("sub"), [0, 0, 0]
    names: dict[tuple[str, str], _Labels] = {}
    for key, rows in sessions.items():
        person = people.of(f"{key.dataset} {key.subject}" if several else key.subject)
        session = names.setdefault((key.dataset, key.subject), _Labels("ses")).of(key.session)
        folder = out / person / session / "emg"
        chosen = _zero_shot(library, key, chooser) if chooser else {}
        for run, row in enumerate(rows, start=1):
            (recording,) = library.recordings_by_id([row.recording]).values()
            task = re.sub(r"[^A-Za-z0-9]", "", row.dataset) or "emg"
            stem = folder / f"{person}_{session}_task-{task}_run-{run}"
            events = _recorded(recording) or chosen.get(row.recording, [])
            _write_recording(stem, recording, events)
            counts[0] += 1
            counts[1 + (bool(events) and events[0][LABEL_SOURCE] == ZERO_SHOT)] += len(events)
    _write_top(out, library, sessions, people, several)
    return BidsReport(out, len(people.given), *counts)


def _sessions(library: "Library", where: str | None) -> "dict[SessionKey, list[RecordingRow]]":
    """Rows of the recordings to write, by session."""
    wanted = None
    if where is not None:
        wanted = {segment.recording for segment in library.rows(library.select(where))}
    found = {key: library.catalogue.recordings_of(key) for key in library.sessions()}
    kept = {
        key: [row for row in rows if wanted is None or row.recording in wanted] for key, rows in found.items()
    }
    return {key: rows for key, rows in kept.items() if rows}


def _recorded(recording: Recording) -> list[dict[str, object]]:
    return [
        {
            "onset": span.start_s,
            "duration": span.end_s - span.start_s,
            "trial_type": span.label,
            LABEL_SOURCE: "recorded",
            "action": span.action,
            "effort": span.effort,
            "repetition": span.repetition,
        }
        for span in recording.spans
    ]


def _zero_shot(
    library: "Library", key: "SessionKey", candidates: Candidates
) -> dict[str, list[dict[str, object]]]:
    """Labels that a model chooses for the segments of a session, by recording; none where no phrase fits."""
    segments: list[SegmentRow] = library.segments_of(key)
    if not segments:
        return {}
    winners, scores = candidates.choose(library.vectors()[[segment.row for segment in segments]])
    events: dict[str, list[dict[str, object]]] = {}
    for segment, winner, score in zip(segments, winners, scores, strict=True):
        if winner >= 0:
            event = {
                "onset": segment.start_s,
                "duration": segment.end_s - segment.start_s,
                "trial_type": candidates.phrases[winner],
                LABEL_SOURCE: ZERO_SHOT,
                "score": round(score, 4),
            }
            events.setdefault(segment.recording, []).append(event)
    return events


def _write_recording(stem: Path, recording: Recording, events: list[dict[str, object]]) -> None:
    """One file of signals with its sidecars."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    written = write_signals(Path(f"{stem}_emg"), recording)
    _write_json(Path(f"{stem}_emg.json"), _facts(recording, written))
    unit = "n/a" if written.unit in ("1", "adc") else written.unit
    low, high = recording.band_hz or (None, None)
    dead = set(dead_channels(recording.samples))
    columns = ("name", "type", "units", "low_cutoff", "high_cutoff", "sampling_frequency", "status")
    rows = [
        (channel.name, "EMG", unit, low, high, recording.rate_hz, "bad" if place in dead else "good")
        for place, channel in enumerate(recording.channels)
    ]
    _write_table(Path(f"{stem}_channels.tsv"), columns, rows)
    if events:
        values = [[event.get(column) for column in EVENT_COLUMNS] for event in events]
        _write_table(Path(f"{stem}_events.tsv"), EVENT_COLUMNS, values)
    placed = [channel for channel in recording.channels if channel.angle_deg is not None]
    if placed:
        places = [
            (one.name, (one.angle_deg or 0.0) / 3.6, None, one.angle_deg, one.along_mm) for one in placed
        ]
        _write_table(Path(f"{stem}_electrodes.tsv"), ELECTRODE_COLUMNS, places)
        session = "_".join(stem.name.split("_")[:2])
        _write_json(stem.with_name(f"{session}_coordsystem.json"), COORDINATES)


def _facts(recording: Recording, written: Written) -> dict[str, Any]:
    """The sidecar of the signals."""
    own = ("dataset", "subject", "session", "name", "unit", "signal", "anchored", "simulated")
    return {
        "TaskName": recording.dataset,
        "EMGPlacementScheme": "Other",
        "EMGPlacementSchemeDescription": "As far as it is known, see electrodes.tsv.",
        "EMGReference": "n/a",
        "SamplingFrequency": recording.rate_hz,
        "PowerLineFrequency": "n/a",
        "SoftwareFilters": "n/a",
        "RecordingType": "continuous",
        "RecordingDuration": recording.duration_s,
        "EMGChannelCount": len(recording.channels),
        OWN: {name: getattr(recording, name) for name in own} | {"samples": len(recording.samples)},
    }


def _write_top(
    out: Path, library: "Library", sessions: "Iterable[SessionKey]", people: _Labels, several: bool
) -> None:
    """What stands at the top of the data set."""
    name = f"MyoSem library {library.path.name}"
    description = {
        "Name": name,
        "BIDSVersion": VERSION,
        "DatasetType": "raw",
        "GeneratedBy": [{"Name": "MyoSem", "Version": __version__, "Description": "myosem bids"}],
    }
    _write_json(out / "dataset_description.json", description)
    persons = dict.fromkeys((key.dataset, key.subject) for key in sessions)
    rows = [(people.of(f"{a} {b}" if several else b), a, b) for a, b in persons]
    _write_table(out / "participants.tsv", ("participant_id", "dataset", "subject"), rows)
    meanings = {
        "dataset": {"Description": "The data set that the person belongs to."},
        "subject": {"Description": "The code of the person in that data set."},
    }
    _write_json(out / "participants.json", meanings)
    described = {
        column: {"Description": meaning} if isinstance(meaning, str) else meaning
        for column, meaning in EVENT_MEANINGS.items()
    }
    for kind, content in (("events", described), ("electrodes", ELECTRODE_MEANINGS)):
        if any(out.rglob(f"*_{kind}.tsv")):
            _write_json(out / f"{kind}.json", content)
    (out / "README.md").write_text(_readme(name, sorted({key.dataset for key in sessions})), encoding="utf-8")


def _readme(name: str, datasets: Sequence[str]) -> str:
    return f"""# {name}

Electromyography out of a MyoSem library, written by `myosem bids`.
Data sets: {", ".join(datasets)}. Each has terms of its own, which hold here too.

`events.tsv` holds labels. Where `label_source` is `recorded` they came with the recording; where it
is `zero-shot` a model chose them from a list of phrases and nobody has checked them.

Signals that were whole numbers are stored as they were. Others have 24 bits over the range of each
channel. What BIDS has no field for stands in the sidecars under `{OWN}`; with it `myosem ingest`
restores the library.
"""


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    lines = ["\t".join(columns), *("\t".join(_cell(value) for value in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _cell(value: object) -> str:
    if value is None:
        return "n/a"
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    return " ".join(str(value).split()) or "n/a"
