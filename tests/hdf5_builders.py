"""Tiny HDF5 files in the layouts of public corpora, made of noise, with their known quirks."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import numpy as np
from builder_parts import noise
from numpy.typing import NDArray

POSE_ROWS = 2400
POSE_TYPE = np.dtype([("time", "<f8"), ("joint_angles", "<f8", (20,)), ("emg", "<f4", (16,))])
RECORDING = "2022-12-06-1670313600-e3096-cv-emg-pose-train@2-recording-9"


def pose_table(rows: int = POSE_ROWS, jump_at: int | None = None, jump_s: float = 3.0) -> NDArray[Any]:
    """Unix seconds, angles that are zero where they could not be found, EMG."""
    table = np.zeros(rows, POSE_TYPE)
    table["time"] = 1670313600.25 + np.arange(rows) / 2000
    if jump_at is not None:
        table["time"][jump_at:] += jump_s
    table["joint_angles"] = noise((rows, 20), 0.3, seed=1)
    table["joint_angles"][100:150] = 0
    table["emg"] = noise((rows, 16), 20.0, seed=2)
    return table


def write_pose(path: Path, table: NDArray[Any], **changes: Any) -> Path:
    """The table, contiguous and not compressed, and what the group says of it."""
    side = path.stem.rsplit("_")[-1]
    attributes = {
        "filename": path.stem,
        "session": RECORDING.split("-recording", maxsplit=1)[0],
        "stage": "IndividualFingerPointingSnap_both",
        "user": "d387095792",
        "side": side,
        "sample_rate": 2000.0,
        "num_channels": 16,
        "start": float(table["time"][0]) if table.dtype.names else 0.0,
        "end": float(table["time"][-1]) if table.dtype.names else 0.0,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as content:
        group = content.create_group("emg2pose")
        group.create_dataset("timeseries", data=table)
        for key, value in (attributes | changes).items():
            if value is not None:
                group.attrs[key] = value
    return path


def build_emg2pose(root: Path) -> list[Path]:
    left, right = (root / f"emg2pose_dataset_mini/{RECORDING}_{side}.hdf5" for side in ("left", "right"))
    (root / "emg2pose_dataset_mini").mkdir()
    return [write_pose(left, pose_table()), write_pose(right, pose_table(2 * POSE_ROWS, jump_at=2500))]


QWERTY_TYPE = np.dtype([("time", "<f8"), ("emg_left", "<f4", (16,)), ("emg_right", "<f4", (16,))])
QWERTY = "2021-06-02-1622679967-keystrokes-dca-study@1-0efbe614-9ae6-4131-9192-4398359b4f5f"
STARTED = 1622679967.5


def qwerty_table(rows: int = POSE_ROWS) -> NDArray[Any]:
    table = np.zeros(rows, QWERTY_TYPE)
    table["time"] = STARTED + np.arange(rows) / 2000
    table["emg_left"], table["emg_right"] = noise((rows, 16), 20.0, seed=3), noise((rows, 16), 20.0, seed=4)
    return table


def keystroke(key: str, start_s: float, end_s: float) -> dict[str, Any]:
    times = {"start": STARTED + start_s, "end": STARTED + end_s}
    return {"key": key, **times, "scancode": 30, "is_repeat": False}


def write_qwerty(path: Path, table: NDArray[Any], **changes: Any) -> Path:
    """Compressed in chunks; keys overlap where somebody types fast; one prompt holds no text."""
    keys = [keystroke("t", 0.1, 0.3), keystroke("Key.space", 0.25, 0.4), keystroke("h", 0.8, 0.9)]
    prompt = {"name": "text_prompt", "start": STARTED, "end": STARTED + 0.6}
    prompts = [
        {**prompt, "payload": {"text": "the quick"}},
        {**prompt, "start": STARTED + 0.6, "end": STARTED + 1.0, "payload": None},
    ]
    attributes = {
        "session_name": path.stem,
        "user": "8d193c13-cd70-4364-bf5d-df82ae0226dc",
        "condition": "on_keyboard",
        "duration_mins": len(table) / 120_000,
        "keystrokes": json.dumps(keys),
        "prompts": json.dumps(prompts),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as content:
        group = content.create_group("emg2qwerty")
        group.create_dataset("timeseries", data=table, chunks=(1000,), compression="gzip", compression_opts=1)
        for key, value in (attributes | changes).items():
            if value is not None:
                group.attrs[key] = value
    return path


def build_emg2qwerty(root: Path) -> list[Path]:
    return [write_qwerty(root / f"emg2qwerty-data-2021-08/{QWERTY}.hdf5", qwerty_table())]


def write_frame(content: h5py.File, name: str, columns: dict[str, Any]) -> None:
    """As pandas' ``to_hdf`` writes a small frame: a block of numbers, and one of texts as a pickle."""
    group = content.create_group(name)
    group.attrs["pandas_type"] = np.bytes_(b"frame")
    group.create_dataset("axis0", data=np.array(list(columns), dtype="S"))
    group.create_dataset("axis1", data=np.arange(len(next(iter(columns.values())))))
    texts = [key for key, values in columns.items() if isinstance(values[0], str | None)]
    for number, names in enumerate([[key for key in columns if key not in texts], texts]):
        if not names:
            continue
        group.create_dataset(f"block{number}_items", data=np.array(names, dtype="S"))
        rows = np.array([columns[key] for key in names], dtype=object if names == texts else float).T
        if names == texts:
            kind = h5py.vlen_dtype(np.uint8)
            values = group.create_dataset(f"block{number}_values", (1,), dtype=kind)
            values[0] = np.frombuffer(pickle.dumps(rows, pickle.HIGHEST_PROTOCOL), np.uint8)
        else:
            group.create_dataset(f"block{number}_values", data=rows)


def write_neuromotor(path: Path, task: str, frames: dict[str, dict[str, Any]], rows: int = POSE_ROWS) -> Path:
    fields = [("time", "<f8"), ("emg", "<f4", (16,))]
    table = np.zeros(rows, np.dtype([*fields, ("wrist_angles", "<f4", (2,))] if task == "wrist" else fields))
    table["time"] = STARTED + np.arange(rows) / 2000
    table["emg"] = noise((rows, 16), 20.0, seed=5)
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as content:
        content.create_dataset("data", data=table).attrs["task"] = task
        for name, columns in frames.items():
            write_frame(content, name, columns)
    return path


def gesture_frame() -> dict[str, Any]:
    """The same text is the same object: its pickle points back to it."""
    names = ["index_press", "thumb_in", "index_press"]
    return {"name": names, "time": [STARTED + at for at in (0.1, 0.2, 1.0)]}


def build_neuromotor(root: Path) -> list[Path]:
    stage = {"start": [STARTED], "end": [STARTED + 1.0]}
    written = {"prompt": ["hello"], **stage}
    frames: dict[str, dict[str, Any]] = {
        "discrete_gestures": {"prompts": gesture_frame(), "stages": {"name": ["static_arm"], **stage}},
        "handwriting": {"prompts": written},
        "wrist": {"stages": {"name": ["open_loop"], "posture": [None], **stage}},
    }
    return [
        write_neuromotor(root / f"{task}_user_004_dataset_000.hdf5", task, each)
        for task, each in frames.items()
    ]


PUTEMG = "emg_gestures-07-sequential-2018-05-11-11-10-50-475"
PUTEMG_COLUMNS = [
    *(f"EMG_{i + 1}" for i in range(24)),
    *("TRAJ_1", "subject", "TRAJ_GT", "TRAJ_GT_NO_FILTER", "VIDEO_STAMP"),
]


def putemg_values(rows: int = 500) -> NDArray[np.float64]:
    """Idle, a transition, fist, a transition, pinch."""
    labels = np.repeat([0, -1, 1, -1, 7], rows // 5)
    values = np.zeros((len(labels), len(PUTEMG_COLUMNS)))
    values[:, :24] = noise((len(labels), 24), 1.0, seed=6) * np.where(labels > 0, 300, 20)[:, None]
    values[:, 25] = 7
    values[:, 26:28] = labels[:, None]
    values[:, 28] = np.nan
    return values.round()


def write_putemg(path: Path, values: NDArray[np.float64], columns: list[str] | None = None) -> Path:
    """A table as PyTables keeps it: categories as codes, names of columns as pickles of protocol 0."""
    kinds = [
        ("index", "<f8"),
        *((f"values_block_{i}", "i1", (1,)) for i in range(2)),
        ("values_block_2", "<i8", (1,)),
        ("values_block_3", "<f8", (values.shape[1],)),
    ]
    table = np.zeros(len(values), np.dtype(kinds))
    table["index"], table["values_block_3"] = np.arange(len(values)) / 5120, values
    path.parent.mkdir(parents=True, exist_ok=True)
    named: list[list[str]] = [["type"], ["trajectory"], ["date_time"], columns or PUTEMG_COLUMNS]
    with h5py.File(path, "w") as content:
        dataset = content.create_dataset("data/table", data=table, chunks=(100,))
        for number, names in enumerate(named):
            dataset.attrs[f"values_block_{number}_kind"] = np.bytes_(pickle.dumps(names, 0))
    return path


def write_putemg_csv(path: Path, values: NDArray[np.float64]) -> Path:
    lines = [",".join(["", *PUTEMG_COLUMNS, "type", "trajectory"])]
    for place, row in enumerate(values):
        cells = ["" if np.isnan(value) else f"{value:g}" for value in row]
        lines.append(",".join([f"{place / 5120:.9f}", *cells, "emg_gestures", "sequential"]))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def build_putemg(root: Path) -> list[Path]:
    other = PUTEMG.replace("sequential", "repeats_long")
    return [
        write_putemg(root / f"Data-HDF5/{PUTEMG}.hdf5", putemg_values()),
        write_putemg_csv(root / f"Data-CSV/{other}.csv", putemg_values()),
    ]


HDF5: dict[str, Callable[[Path], list[Path]]] = {
    "emg2pose": build_emg2pose,
    "emg2qwerty": build_emg2qwerty,
    "neuromotor": build_neuromotor,
    "putemg": build_putemg,
}
