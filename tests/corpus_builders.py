"""Tiny files in the layouts of public corpora other than NinaPro, made of noise, with their known quirks."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from builder_parts import SECRET, integers, noise
from numpy.typing import NDArray
from scipy.io import savemat


def epn_sample(gesture: str | None, rows: int, seed: int) -> dict[str, Any]:
    """One sample; the gesture lies in its middle third. Without a name it is a sample for testing."""
    first, last = rows // 3, 2 * rows // 3
    moving = (np.arange(rows) >= first) & (np.arange(rows) < last) & (gesture != "noGesture")
    emg = np.where(moving[:, None], integers(rows, 8, 30, seed), integers(rows, 8, 2, seed))
    sample: dict[str, Any] = {
        "startPointforGestureExecution": first + 1,
        "emg": {f"ch{i + 1}": emg[:, i].tolist() for i in range(8)},
        "quaternion": {axis: [0.5] * (rows // 4) for axis in "wxyz"},
        "gyroscope": {axis: [0.1] * (rows // 4) for axis in "xyz"},
        "accelerometer": {axis: [0.1] * (rows // 4) for axis in "xyz"},
        "myoDetection": [0] * rows,
    }
    if gesture is not None:
        sample["gestureName"] = gesture
        if gesture != "noGesture":
            sample["groundTruth"] = moving.astype(int).tolist()
            sample["groundTruthIndex"] = [first + 1, last]
    return sample


def epn_content() -> dict[str, Any]:
    """What a file holds; lengths vary by a few samples."""
    gestures = ["noGesture", "fist", "fist", "pinch"]
    made = [epn_sample(gesture, 60 + 2 * i, seed=i) for i, gesture in enumerate(gestures)]
    return {
        "generalInfo": {
            "deviceModel": "Myo Armband",
            "samplingFrequencyInHertz": 200,
            "recordingTimeInSeconds": 5,
            "repetitionsForSynchronizationGesture": 5,
            "myoPredictionLabel": {"noGesture": 0, "fist": 1},
        },
        "userInfo": {"name": SECRET, "age": 99, "handedness": "right_Handed", "armPerimeterInCm": 24},
        "synchronizationGesture": {"samples": {"idx_1": epn_sample("waveOut", 60, 9)}},
        "trainingSamples": {f"idx_{i + 1}": sample for i, sample in enumerate(made)},
        "testingSamples": {"idx_1": epn_sample(None, 60, seed=7)},
    }


def build_epn612(root: Path) -> list[Path]:
    paths = []
    for half in ("training", "testing"):
        path = root / f"EMG-EPN612 Dataset/{half}JSON/user3/user3.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        content = epn_content()
        if half == "training":
            content["testingSamples"]["idx_1"] = epn_sample("waveIn", 60, seed=8)
        path.write_text(json.dumps(content))
        paths.append(path)
    return paths


def build_capgmyo(root: Path) -> list[Path]:
    """Persons and days of DB-b are one number; 100 is a trial of maximal force."""
    paths = []
    for folder, gesture, trial in (("dba-preprocessed-001", 8, 10), ("dbb-preprocessed-004", 100, 1)):
        number = folder[-3:]
        path = root / folder / f"{number}-{gesture:03d}-{trial:03d}.mat"
        path.parent.mkdir(parents=True)
        made = {"subject": np.uint8(int(number)), "gesture": np.uint8(gesture), "trial": np.uint8(trial)}
        savemat(path, {"data": noise((1000, 128), 0.1, gesture), **made}, do_compression=True)
        paths.append(path)
    return paths


def uci_rows() -> list[list[str]]:
    """Unmarked, rest, fist: 450 lines; the time starts anywhere."""
    classes = np.repeat([0, 1, 0, 2, 0], 90)
    level = np.where(classes == 2, 1e-4, 1e-5)[:, None]
    samples = noise((450, 8), 1.0, seed=1) * level
    return [
        [str(7 + i), *(f"{value:.2E}" for value in samples[i]), str(classes[i])] for i in range(len(classes))
    ]


def write_uci(path: Path, rows: list[list[str]]) -> Path:
    """Tabs between the numbers, and a carriage return before each end of line."""
    header = ["time", *(f"channel{i + 1}" for i in range(8)), "class"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join("\t".join(row) + "\r\n" for row in [header, *rows]).encode())
    return path


def build_uci(root: Path) -> list[Path]:
    folder = root / "EMG_data_for_gestures-master"
    folder.mkdir()
    (folder / "README.txt").write_text(SECRET)
    names = ("1_raw_data_13-12_22.03.16.txt", "2_raw_data_13-13_22.03.16.txt")
    return [write_uci(folder / "01" / name, uci_rows()) for name in names]


GRAB_CHANNELS = [
    *(f"F{i}" for i in range(1, 17)),
    "U1",
    *(f"W{i}" for i in range(1, 7)),
    *("U2", "U3"),
    *(f"W{i}" for i in range(7, 13)),
    "U4",
]


def write_wfdb(
    path: Path, codes: NDArray[Any], gains: list[str], names: list[str], rate: int = 2048, unit: str = "mV"
) -> Path:
    """A ``.dat`` of ``(T, C)`` 16-bit codes and its ``.hea``; gains as ``gain(baseline)``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(codes.astype("<i2").tobytes())
    lines = [f"{path.stem} {len(names)} {rate} {len(codes)}"]
    lines += [
        f"{path.name} 16 {gain}/{unit} 16 0 {codes[0, c]} {int(codes[:, c].sum()) % 65536} 0 {names[c]}"
        for c, gain in enumerate(gains)
    ]
    path.with_suffix(".hea").write_text("\n".join(lines) + "\n")
    return path


def build_grabmyo(root: Path) -> list[Path]:
    """Gains from thousands to millions of codes a millivolt, so that no two channels share a scale."""
    paths = []
    for gesture, level_mv in ((16, 0.004), (17, 0.0005)):
        gains = np.geomspace(7.1e3, 3.4e6, 32)
        codes = np.clip(np.round(noise((128, 32), level_mv, gesture) * gains), -32768, 32767)
        baselines = np.arange(32) - 16
        stem = f"session2_participant7_gesture{gesture}_trial3"
        path = root / "Session2/session2_participant7" / f"{stem}.dat"
        texts = [f"{gain:.10g}({baseline})" for gain, baseline in zip(gains, baselines, strict=True)]
        paths.append(
            write_wfdb(path, np.clip(codes + baselines, -32768, 32767).astype(int), texts, GRAB_CHANNELS)
        )
    (root / "RECORDS").write_text("".join(f"{path.stem}\n" * 2 for path in paths))
    return paths


HYSER_CHANNELS = [
    f"{grid}-{row}-{column}"
    for grid in ("ED", "EP", "FD", "FP")
    for row in range(8, 0, -1)
    for column in range(8, 0, -1)
]


def write_hyser(path: Path, seed: int, rows: int = 64, level_v: float = 1e-4) -> Path:
    """Each record, and in it each channel, has a gain and baseline of its own, in codes a volt."""
    baselines = np.random.default_rng(seed).integers(-9000, 9000, 256)
    truth = noise((rows, 256), level_v, seed)
    gains = [f"{20000 / peak:.4f}" for peak in np.abs(truth).max(axis=0)]
    codes = np.round(truth * [float(gain) for gain in gains] + baselines).astype(int)
    texts = [f"{gain}({baseline})" for gain, baseline in zip(gains, baselines, strict=True)]
    return write_wfdb(path, codes, texts, HYSER_CHANNELS, unit="V")


def build_hyser(root: Path) -> list[Path]:
    """Raw records; beside them a filtered copy and forces, which are no raw EMG."""
    gestures, fingers = (root / f"{kind}_dataset/subject04_session2" for kind in ("pr", "mvc"))
    paths = [
        write_hyser(gestures / "dynamic_raw_sample2.dat", seed=1),
        write_hyser(gestures / "maintenance_raw_sample1.dat", seed=2),
        write_hyser(fingers / "mvc_raw_finger3_flexion.dat", seed=3),
    ]
    write_hyser(gestures / "dynamic_preprocess_sample2.dat", seed=1)
    (fingers / "mvc_force_finger3_flexion.dat").write_bytes(b"\0" * 100)
    (gestures / "label_dynamic.txt").write_text("30,30,5")
    (gestures / "label_maintenance.txt").write_text("6,6")
    return paths


def packed(codes: NDArray[Any]) -> bytes:
    """Codes of 12 bits as WFDB's format 212 has them: low byte, both high halves, low byte."""
    flat = codes.reshape(-1).astype(int) & 0xFFF
    flat = np.append(flat, np.zeros(len(flat) % 2, int))
    first, second = flat[::2], flat[1::2]
    return np.stack([first & 255, first >> 8 | second >> 8 << 4, second & 255], axis=1).astype("u1").tobytes()


def build_wfdb(root: Path) -> list[Path]:
    """A record as GRABMyo has them, with a mapping; one of format 212 whose header leaves out what it may."""
    codes = np.round(noise((128, 3), 400, 5)).astype(int)
    whole = write_wfdb(root / "emg.dat", codes, ["2000(12)"] * 3, ["flexor", "extensor", "EMG 3"], rate=1000)
    (root / "emg.yaml").write_text("{subject: p1, path: '(?P<label>[a-z]+)[.]dat'}")
    short = root / "short.dat"
    short.write_bytes(packed(np.clip(codes, -2000, 2000)))
    short.with_suffix(".hea").write_text("# by hand\nshort 3 500/1000(0)\n" + "short.dat 212\n" * 3)
    return [whole, short]


CORPORA: dict[str, Callable[[Path], list[Path]]] = {
    "capgmyo": build_capgmyo,
    "epn612": build_epn612,
    "grabmyo": build_grabmyo,
    "hyser": build_hyser,
    "uci_481": build_uci,
    "wfdb": build_wfdb,
}
