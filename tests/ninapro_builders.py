"""Tiny files in the layouts of NinaPro, made of noise, with the quirks that are known of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from builder_parts import SECRET, integers, noise
from numpy.typing import NDArray
from scipy.io import savemat

ROWS = 240
Array = NDArray[Any]


def movements(first: int, second: int, rows: int = ROWS) -> tuple[Array, Array]:
    """``(T, 1)`` restimulus and rerepetition: rest, one movement twice, another twice, rest between."""
    stimulus = np.repeat([0, first, 0, first, 0, second, 0, second], rows // 8)
    repetition = np.repeat([0, 1, 0, 2, 0, 1, 0, 2], rows // 8)
    return stimulus[:, None].astype(np.int8), repetition[:, None].astype(np.int8)


def emg_for(stimulus: Array, columns: int, level: float, seed: int) -> Array:
    """``(T, C)`` single: noise ten times as strong in movements."""
    strength = np.where(stimulus > 0, 10 * level, level)
    emg: Array = noise((len(stimulus), columns), 1.0, seed) * strength
    return emg.astype(np.float32)


def content(
    first: int, second: int, columns: int, level: float = 1e-6, *, subject: int = 1, exercise: int = 1
) -> dict[str, Any]:
    """The variables that all of DB1 to DB8 have; the prompt runs ahead of the corrected labels."""
    stimulus, repetition = movements(first, second)
    return {
        "subject": np.uint8(subject),
        "exercise": np.uint8(exercise),
        "emg": emg_for(stimulus, columns, level, seed=first),
        "stimulus": np.roll(stimulus, -5, axis=0),
        "repetition": np.roll(repetition, -5, axis=0),
        "restimulus": stimulus.astype(np.uint8),
        "rerepetition": repetition.astype(np.uint8),
    }


def more(**columns: int) -> dict[str, Array]:
    """Further tracks, e.g. ``acc=36``: single, of this many columns."""
    return {name: noise((ROWS, count), 1.0, seed=count).astype(np.float32) for name, count in columns.items()}


def save(path: Path, variables: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, variables, do_compression=True)
    return path


def build_db1(root: Path) -> list[Path]:
    """Labels count from 1 in each exercise; the prompt's tracks are double."""
    paths = []
    for exercise, labels in ((1, (1, 12)), (3, (1, 23))):
        made = content(*labels, columns=10, level=0.01, exercise=exercise) | more(glove=22)
        made["emg"] = np.abs(made["emg"])
        paths.append(save(root / f"DB1_s1/S1_A1_E{exercise}.mat", made))
    return paths


def build_db2(root: Path) -> list[Path]:
    """Labels go on from file to file; those of E3 end one sample early."""
    extra = more(acc=36, glove=22, inclin=2)
    second = content(18, 40, columns=12, exercise=2) | extra
    third = content(41, 49, columns=12, exercise=3) | extra | more(force=6)
    third["restimulus"] = third["restimulus"][:-1]
    third["forcecal"] = noise((2, 6), 1.0, 0)
    folder = root / "DB2_s1"
    return [save(folder / "S1_E2_A1.mat", second), save(folder / "S1_E3_A1.mat", third)]


def build_db3(root: Path) -> list[Path]:
    """An all-zero column where an electrode is dead; ten columns for two people."""
    paths = []
    for subject, columns in ((4, 12), (6, 10)):
        made = content(1, 17, columns=columns, subject=subject) | more(acc=36, glove=22, inclin=2)
        made["emg"][:, 5] = 0
        paths.append(save(root / f"DB3_s{subject}/S{subject}_E1_A1.mat", made))
    (root / "DB3_s4/.DS_Store").write_bytes(b"\0\0\0\1Bud1")
    return paths


def personal(**values: Any) -> dict[str, Any]:
    """What DB4 and DB5 say of the person and the device."""
    return {"laterality": "r", "age": np.uint8(99), "gender": SECRET, **values}


def build_db4(root: Path) -> list[Path]:
    """Counts instead of volts; the number of the exercise is another than the file name's."""
    paths = []
    for exercise, wrong, labels in ((1, 2, (1, 12)), (2, 1, (1, 17))):
        made = content(*labels, columns=12, level=100.0, exercise=wrong)
        made |= personal(frequency=np.uint16(2000), sensor="Cometa")
        paths.append(save(root / f"s1/S1_E{exercise}_A1.mat", made))
    return paths


def build_db5(root: Path) -> list[Path]:
    """Whole numbers from -128 to 127 stored as single, at 200 Hz."""
    made = content(1, 23, columns=16, exercise=3) | more(acc=3, glove=22)
    still = integers(ROWS, 16, 2, seed=1)
    made["emg"] = np.where(made["restimulus"] > 0, integers(ROWS, 16, 30, seed=2), still).astype(np.float32)
    made |= personal(frequency=np.uint8(200), sensor="Double Myo", height=np.uint8(180), weight=80.0)
    return [save(root / "s2/S2_E3_A1.mat", made | {"subject": np.uint8(2)})]


def build_db6(root: Path) -> list[Path]:
    """Fourteen electrodes in sixteen columns; no scalar ``subject`` or ``exercise``."""
    paths = []
    for day, time in ((1, 1), (4, 2)):
        made = content(1, 11, columns=16) | more(acc=48)
        made["emg"][:, 8:10] = 0
        made["object"] = made["reobject"] = made["repetition_object"] = made["restimulus"]
        del made["subject"], made["exercise"]
        made |= {"subj": np.uint8(1), "daytesting": np.uint8(day), "time": np.uint8(time)}
        paths.append(save(root / f"DB6_s1_{'a' if day < 4 else 'b'}/S1_D{day}_T{time}.mat", made))
    return paths


def build_db7(root: Path) -> list[Path]:
    """At the root of an archive that does not name the data set; S22 says it is S2; 18 glove columns."""
    made = content(1, 17, columns=12, subject=2) | more(acc=36, gyro=36, mag=36, glove=18)
    return [save(root / "S22_E1_A1.mat", made)]


def build_db8(root: Path) -> list[Path]:
    """S11 says it is 101 and lacks three electrodes."""
    paths = []
    for part in (1, 3):
        made = content(6, 9, columns=16) | more(acc=48, gyro=48, mag=48, glove=18)
        made["emg"][:, 12:15] = 0
        made["subject"] = np.uint8(101)
        paths.append(save(root / f"S11_E1_A{part}.mat", made))
    return paths


def build_db10(root: Path) -> list[Path]:
    """Seconds with a pause in the middle; a repetition marked as bad; files without EMG beside it."""
    stimulus, repetition = movements(1, 10, rows=4000)
    repetition[1500:2000] = -2
    tracks = {"regrasp": stimulus, "regrasprepetition": repetition}
    made = tracks | {name[2:]: np.roll(track, -5, axis=0) for name, track in tracks.items()}
    ts = 12.5 + np.arange(4000)[:, None] / 1926
    ts[2000:] += 166
    made |= {"emg": emg_for(stimulus, 12, 1e-6, seed=3), "ts": ts, "redynamic": np.zeros((4000, 1), np.int8)}
    return [save(root / "MDS1/S010_ex1.mat", made)]


NINAPRO: dict[str, Callable[[Path], list[Path]]] = {
    "ninapro_db1": build_db1,
    "ninapro_db10": build_db10,
    "ninapro_db2": build_db2,
    "ninapro_db3": build_db3,
    "ninapro_db4": build_db4,
    "ninapro_db5": build_db5,
    "ninapro_db6": build_db6,
    "ninapro_db7": build_db7,
    "ninapro_db8": build_db8,
}
