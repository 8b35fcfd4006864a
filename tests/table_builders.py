"""Tiny tables and archives as a lab might have them, with the mapping beside each."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import numpy as np
from builder_parts import SECRET, noise
from numpy.typing import NDArray

RATE_HZ, ROWS = 1000, 1200
MAPPING = """\
columns: [a, b, c]
label_from: gesture
time_from: time
time_unit: ms
unit: mV
path: (?P<subject>p\\d+)_
actions: {rest: rest, fist: fist}
"""


def emg(rows: int = ROWS, channels: int = 3) -> NDArray[np.float32]:
    """Noise ``(T, C)``, loud in its middle third."""
    loud = (np.arange(rows) * 3 // rows == 1)[:, None]
    return np.asarray(noise((rows, channels), 1.0, 4) * np.where(loud, 20.0, 1.0), dtype=np.float32)


def gestures(rows: int = ROWS) -> NDArray[np.str_]:
    return np.repeat(np.array(["rest", "fist", "rest"]), rows // 3)


def columns(jump_at: int | None = None, jump_ms: float = 3000) -> dict[str, NDArray[Any]]:
    """Times in milliseconds, three channels, labels, and what nobody should see."""
    times = 5000.0 + np.arange(ROWS) * 1000 / RATE_HZ
    if jump_at is not None:
        times[jump_at:] += jump_ms
    channels = dict(zip("abc", emg().T, strict=True))
    return {"time": times, **channels, "gesture": gestures(), "initials": np.full(ROWS, SECRET)}


def write_parquet(path: Path, table: dict[str, Any], **options: Any) -> Path:
    """As pyarrow writes it."""
    import pyarrow  # type: ignore[import-untyped]
    import pyarrow.parquet  # type: ignore[import-untyped]

    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.table(table), path, **options)
    return path


def write_hdf5(path: Path, table: dict[str, Any], group: str = "") -> Path:
    """A dataset a column; texts of variable length."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as content:
        for name, values in table.items():
            text = values.dtype.kind == "U"
            data = values.astype(object) if text else values
            kind = h5py.string_dtype() if text else None
            content.create_dataset(f"{group}{name}", data=data, dtype=kind)
    return path


def build_parquet(root: Path) -> list[Path]:
    (root / "myosem.yaml").write_text(MAPPING)
    return [write_parquet(root / "p1_walk.parquet", columns())]


def build_hdf5(root: Path) -> list[Path]:
    """A dataset a column in one file, one compound dataset in the other."""
    (root / "myosem.yaml").write_text(MAPPING)
    whole = write_hdf5(root / "p1_walk.h5", columns())
    with h5py.File(root / "p2_run.h5", "w") as content:
        kinds = [("time", "<f8"), ("a", "<f4"), ("b", "<f4"), ("c", "<f4"), ("gesture", "S4")]
        table = np.zeros(ROWS, kinds)
        for name, values in columns().items():
            if name != "initials":
                table[name] = values
        content.create_dataset("log/table", data=table)
    mapping = MAPPING.replace("[a, b, c]", "[log/table/a, log/table/b, log/table/c]")
    mapping = mapping.replace(": gesture", ": log/table/gesture").replace(": time\n", ": log/table/time\n")
    (root / "p2_run.yaml").write_text(mapping)
    return [whole, root / "p2_run.h5"]


TABLES: dict[str, Callable[[Path], list[Path]]] = {"hdf5": build_hdf5, "parquet": build_parquet}
