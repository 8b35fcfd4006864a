"""Tiny files in the layout of each data set, made of noise: never cut from the data."""

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from builder_parts import SECRET, integers, noise
from corpus_builders import CORPORA
from edf_builders import EDF
from hdf5_builders import HDF5
from ninapro_builders import NINAPRO
from numpy.typing import NDArray
from scipy.io import savemat
from table_builders import TABLES
from xdf_builders import XDF


def write_lines(path: Path, rows: NDArray[np.generic] | Sequence[Sequence[object]], end: str = "\n") -> Path:
    """Comma-separated lines without a header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(",".join(str(cell) for cell in row) + end for row in rows).encode())
    return path


def zip_folder(folder: Path, archive: Path) -> Path:
    """All files below a folder as a ``.zip``."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for path in sorted(folder.rglob("*")):
            target.write(path, path.relative_to(folder))
    return archive


def build_myo_armband(root: Path) -> list[Path]:
    paths = []
    for trial in (0, 5, 7):
        path = root / f"EvaluationDataset/Male3/Test0/classe_{trial}.dat"
        path.parent.mkdir(parents=True, exist_ok=True)
        level = 2 if trial % 7 == 0 else 20
        path.write_bytes(integers(100, 8, level, seed=trial).astype("<i2").tobytes())
        paths.append(path)
    return paths


def build_myo_readings(root: Path) -> list[Path]:
    paths = []
    for gesture in (0, 3):
        label = np.repeat([0, gesture, 0, gesture], 60)
        samples = np.where(label[:, None] > 0, integers(240, 8, 20, gesture), integers(240, 8, 2, gesture))
        path = root / f"_readings_right_hand/10101-2/{gesture}.txt"
        paths.append(write_lines(path, np.column_stack([samples, label]), end="\r\n"))
    return paths


def build_myo_disco(root: Path) -> list[Path]:
    paths = []
    for folder in ("day1", "positions/2"):
        for number in (7, 9):
            path = root / f"S3/{folder}/R_1_C_{number}_EMG.csv"
            samples = integers(80, 8, 2 if number == 9 else 20, seed=number)
            paths.append(write_lines(path, samples, end="\r\n"))
        (root / f"S3/{folder}/metadata.json").write_text("{}")
    return paths


def build_myo_up(root: Path) -> list[Path]:
    paths = []
    for exercise, bursts in ((1, 25), (3, 25)):
        pulse = np.tile(np.repeat([0, 100], 20), bursts).astype(np.uint8)
        pulse = np.append(pulse, np.zeros(30, np.uint8))
        high = pulse[:-10, None] > 0
        emg = np.where(high, integers(len(high), 8, 20, exercise), integers(len(high), 8, 2, exercise))
        path = root / f"E{exercise}/s4e{exercise}.mat"
        path.parent.mkdir(parents=True, exist_ok=True)
        personal = {"age": np.uint8(99), "gender": SECRET, "set": f"E{exercise}", "subject": np.uint8(4)}
        savemat(path, {"emg": emg.astype(np.int32), "pulse": pulse[None, :], **personal}, do_compression=True)
        paths.append(path)
    return paths


def build_3dc(root: Path) -> list[Path]:
    paths = []
    for number in (0, 10):
        path = root / f"Participant2/train/EMG/3dc_EMG_gesture_1_{number}.txt"
        samples = integers(120, 10, 20 if number == 0 else 900, seed=number, largest=32767)
        paths.append(write_lines(path, samples))
    return paths


def build_biopatrec(root: Path) -> list[Path]:
    contraction = (np.arange(36000) // 6000 % 2 == 0)[:, None, None]
    data = np.where(contraction, noise((36000, 4, 2), 0.1, 1), noise((36000, 4, 2), 0.01, 2))
    session = {
        "sF": 2000,
        "sT": 18,
        "cT": 3,
        "rT": 3,
        "nM": 2,
        "nR": 3,
        "nCh": 4,
        "dev": "MyoAmpF4F2",
        "mov": np.array(["Open Hand", "Side Grip"], dtype=object),
        "date": np.array([2012, 7, 6], dtype=np.uint16),
        "cmt": SECRET,
        "tdata": data,
    }
    path = root / "7.mat"
    savemat(path, {"recSession": session})
    return [path]


def build_long_term(root: Path) -> list[Path]:
    paths = []
    for movement in (1, 9):
        path = root / f"sub2/day15/D15M{movement}T3.csv"
        samples = noise((60, 8), 0.01 if movement == 1 else 0.2, seed=movement).astype(np.float32)
        paths.append(write_lines(path, samples))
    return paths


def build_contraction_intensity(root: Path) -> list[Path]:
    paths = []
    for effort, number in (("Light", 1), ("Hard", 6)):
        path = root / f"S2/S2_{effort}_C{number}_R4.csv"
        samples = noise((90, 8), 0.01 if number == 1 else 1.0, seed=number).astype(np.float32)
        paths.append(write_lines(path, samples))
    return paths


def build_unibo_inail(root: Path) -> list[Path]:
    label = np.repeat([1, 4, 1, 2, 1], 50)[:, None].astype(np.float32)
    emg = np.abs(noise((250, 4), 1.0, 3) + np.where(label > 1, 10000, 300)).astype(np.float32)
    path = root / "user_3_day_1_posture_2.mat"
    savemat(path, {"emg": emg, "label": label, "relabel": label, "gestureCounter": label, "comment": SECRET})
    return [path]


def build_csv(root: Path) -> list[Path]:
    gesture = np.repeat(["rest", "fist", "rest"], 40)
    samples = noise((120, 3), 1.0, 4).round(6)
    rows = [[i / 1000, *samples[i], gesture[i], SECRET] for i in range(120)]
    path = write_lines(root / "p1_walk.csv", [["time", "a", "b", "c", "gesture", "initials"], *rows])
    (root / "myosem.yaml").write_text(
        "rate_hz: 1000\ncolumns: [a, b, c]\nlabel_from: gesture\nunit: mV\n"
        "path: (?P<subject>p\\d+)_\nactions: {rest: rest, fist: fist}\n"
    )
    return [path]


def build_npz(root: Path) -> list[Path]:
    path = root / "p1_walk.npz"
    gesture = np.repeat([0.0, 1.0, np.nan], 40)
    np.savez(path, emg=noise((120, 3), 1.0, 5).astype(np.float32), gesture=gesture, initials=SECRET)
    (root / "myosem.yaml").write_text(
        "rate_hz: 1000\narray: emg\nlabel_from: gesture\nsubject: p1\nlabels: {0: rest, 1: fist}\n"
        "actions: {rest: rest, fist: fist}\nangles_deg: [0, 120, 240]\n"
    )
    return [path]


def build_simulated(root: Path) -> list[Path]:
    path = root / "two.synth.yaml"
    path.write_text(
        f"# {SECRET}\nsubjects: 2\nactions: [fist, wrist-flexion]\nrepetitions: 1\nhold_s: [0.5, 0.7]\n"
        "rest_s: [0.5, 0.7]\nlayout: {ring: 8}\n"
    )
    return [path]


BUILDERS: dict[str, Callable[[Path], list[Path]]] = {
    "3dc": build_3dc,
    "biopatrec_10mov4ch": build_biopatrec,
    "contraction_intensity": build_contraction_intensity,
    "csv": build_csv,
    "long_term_30day": build_long_term,
    "myo_armband": build_myo_armband,
    "myo_disco": build_myo_disco,
    "myo_readings": build_myo_readings,
    "myo_up": build_myo_up,
    "npz": build_npz,
    "simulated": build_simulated,
    "unibo_inail": build_unibo_inail,
    **CORPORA,
    **EDF,
    **HDF5,
    **NINAPRO,
    **TABLES,
    **XDF,
}
"""For each reader: writes a few files below a folder and returns them."""
