"""Tiny HDF5 files in the layouts of public corpora, made of noise, with their known quirks."""

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


HDF5: dict[str, Callable[[Path], list[Path]]] = {"emg2pose": build_emg2pose}
