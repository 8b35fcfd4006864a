"""MATLAB 7.3 files as MATLAB lays them out: HDF5 behind a block of text, axes the other way round."""

from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import numpy as np
from scipy.io import loadmat

CLASSES = {"f8": "double", "f4": "single", "u1": "uint8", "i1": "int8", "u2": "uint16", "i2": "int16"}
CLASSES |= {"u4": "uint32", "i4": "int32", "u8": "uint64", "i8": "int64"}


def write_mat73(path: Path, variables: dict[str, Any]) -> Path:
    """Numbers ``(rows, columns)``, texts, lists (cells) and dictionaries (structs)."""
    with h5py.File(path, "w", userblock_size=512) as content:
        for name, value in variables.items():
            _write(content, content, name, value)
    with path.open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(116) + bytes(8) + b"\x00\x02IM")
    return path


def as_mat73(path: Path) -> Path:
    """The same file, saved anew as MATLAB 7.3."""
    found = {name: value for name, value in loadmat(path).items() if not name.startswith("__")}
    return write_mat73(path, {name: _plain(value) for name, value in found.items()})


def _plain(value: Any) -> Any:
    if value.dtype.names:
        return {name: _plain(np.asarray(value[name].item())) for name in value.dtype.names}
    if value.dtype.kind == "U":
        return str(value.ravel()[0]) if value.size else ""
    if value.dtype.kind == "O":
        return [_plain(np.asarray(one)) for one in value.ravel(order="F")]
    return value


def _write(content: h5py.File, parent: h5py.Group, name: str, value: Any) -> h5py.Dataset | h5py.Group:
    if isinstance(value, dict):
        made = parent.create_group(name)
        made.attrs["MATLAB_class"] = np.bytes_("struct")
        for field, inner in value.items():
            _write(content, made, field, inner)
        return made
    if isinstance(value, list):
        kind, table = "cell", np.empty((len(value), 1), dtype=h5py.ref_dtype)
        for place, inner in enumerate(value):
            stored = _write(content, content.require_group("#refs#"), f"{name}{place}", inner)
            table[place, 0] = stored.ref
        made = parent.create_dataset(name, data=table, dtype=h5py.ref_dtype)
    else:
        table = _codes(value) if isinstance(value, str) else np.atleast_2d(value)
        kind = "char" if isinstance(value, str) else CLASSES[table.dtype.str[1:]]
        empty = table.size == 0
        made = parent.create_dataset(name, data=np.array(table.shape, np.uint64) if empty else table.T)
        if empty:
            made.attrs["MATLAB_empty"] = np.uint8(1)
    made.attrs["MATLAB_class"] = np.bytes_(kind)
    return made


def _codes(text: str) -> np.ndarray[Any, Any]:
    return np.frombuffer(text.encode("utf-16-le"), np.uint16)[None, :]
