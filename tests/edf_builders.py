"""Tiny EDF and BDF files, made of noise, with the fields and quirks that such files have."""

import datetime
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import edfio
import numpy as np
from builder_parts import SECRET, noise
from edfio import BdfSignal, EdfAnnotation, EdfSignal
from numpy.typing import NDArray

RATE_HZ, LENGTH_S = 500, 6
MARKS = [(0.0, 2.0, "rest"), (2.0, 2.0, "fist"), (4.0, 2.0, "rest")]
PATIENT = edfio.Patient(code="MCH-0234567", sex="F", birthdate=datetime.date(1951, 5, 2), name="Jane_Roe")


def emg_uv(rate_hz: float = RATE_HZ, length_s: float = LENGTH_S, seed: int = 0) -> NDArray[np.float64]:
    """Microvolts ``(T,)``, loud where the marks say fist."""
    times_s = np.arange(round(rate_hz * length_s)) / rate_hz
    loud = (times_s >= 2) & (times_s < 4)
    return np.asarray(noise(times_s.shape, 1.0, seed) * np.where(loud, 100.0, 5.0))


def signal(name: str, unit: str = "uV", rate_hz: float = RATE_HZ, seed: int = 0) -> EdfSignal:
    """One EDF signal of 6 s."""
    scale = {"V": 1e-6, "mV": 1e-3}.get(unit, 1.0)
    return EdfSignal(emg_uv(rate_hz, seed=seed) * scale, rate_hz, label=name, physical_dimension=unit)


def write_edf(
    path: Path,
    signals: Sequence[EdfSignal] | Sequence[BdfSignal],
    marks: Sequence[tuple[float, float | None, str]] | None = MARKS,
    patient: edfio.Patient | None = PATIENT,
) -> Path:
    """A file of the kind that its name says; EDF+C or BDF+C where there are marks."""
    make = edfio.Bdf if path.suffix == ".bdf" else edfio.Edf
    content = make(
        list(signals),  # type: ignore[arg-type]
        patient=patient,
        recording=edfio.Recording(
            startdate=datetime.date(2024, 5, 1), hospital_administration_code=SECRET.replace(" ", "_")
        ),
        starttime=datetime.time(10, 30, 0),
        data_record_duration=1,
        annotations=None if marks is None else [EdfAnnotation(*mark) for mark in marks],
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    content.write(path)
    return path


def with_gap(path: Path, record: int, gap_s: int) -> Path:
    """The same file as EDF+D: all records from this one on are later by so many seconds."""
    data = bytearray(path.read_bytes()).replace(b"EDF+C", b"EDF+D", 1).replace(b"BDF+C", b"BDF+D", 1)
    numbers = range(record, LENGTH_S)
    for number in reversed(numbers) if gap_s > 0 else numbers:
        old, new = f"+{number}\x14\x14".encode(), f"+{number + gap_s}\x14\x14".encode()
        assert data.count(old) == 1 and len(old) == len(new)
        data = data.replace(old, new)
    path.write_bytes(data)
    return path


def build_edf(root: Path) -> list[Path]:
    """EMG beside an ECG in one file; 24 bits and another patient in the other."""
    first = write_edf(root / "a.edf", [*(signal(f"EMG {i}", seed=i) for i in range(3)), signal("ECG", "mV")])
    signals = [BdfSignal(emg_uv(seed=i), RATE_HZ, label=f"M{i}", physical_dimension="uV") for i in range(2)]
    return [first, write_edf(root / "b.bdf", signals, patient=edfio.Patient(name="Jane_Roe"))]


CHANNELS = (
    "name\ttype\tunits\tstatus\nulnar side\tEMG\tV\tgood\nradial side\tEMG\tV\tbad\nheart\tECG\tV\tgood\n"
)
EVENTS = "onset\tduration\ttrial_type\n0\t2\trest\n2\t2\tfist\n4\t2\tn/a\n"


def build_bids(root: Path) -> list[Path]:
    """One person on two days; what all files share stands at the top, units are said wrongly."""
    root.mkdir(exist_ok=True)
    (root / "dataset_description.json").write_text(json.dumps({"Name": "bids", "BIDSVersion": "1.11.1"}))
    (root / "participants.tsv").write_text(f"participant_id\tname\tage\nsub-01\t{SECRET}\t99\n")
    (root / "README").write_text(SECRET)
    facts = {
        "EMGPlacementScheme": "Measured",
        "EMGReference": "elbow",
        "SamplingFrequency": RATE_HZ,
        "PowerLineFrequency": 50,
        "RecordingType": "continuous",
        "SoftwareFilters": "n/a",
        "TaskName": "grip",
        "Instructions": SECRET,
    }
    (root / "task-grip_emg.json").write_text(json.dumps(facts))
    (root / "task-grip_channels.tsv").write_text(CHANNELS)
    paths = []
    for day in (1, 2):
        stem = root / f"sub-01/ses-day{day}/emg/sub-01_ses-day{day}_task-grip"
        signals = [signal("first"), signal("second", seed=1), signal("third", "mV", seed=2)]
        paths.append(write_edf(Path(f"{stem}_emg.edf"), signals, marks=None))
        Path(f"{stem}_events.tsv").write_text(EVENTS)
    return paths


EDF: dict[str, Callable[[Path], list[Path]]] = {"bids": build_bids, "edf": build_edf}
