"""Tiny files in the layouts of public corpora other than NinaPro, made of noise, with their known quirks."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from builder_parts import SECRET, integers


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


CORPORA: dict[str, Callable[[Path], list[Path]]] = {
    "epn612": build_epn612,
}
