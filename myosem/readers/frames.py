"""Tables that pandas wrote into HDF5 files, read with h5py alone.

pandas and PyTables keep texts and names of columns as pickles. Nothing is unpickled here: the stream is
taken apart by ``pickletools``, which executes none of it, and only texts are kept.
"""

import pickletools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myosem.errors import SourceError
from myosem.readers.base import SourceFile, most_unpacked
from myosem.readers.hdf5 import hdf5_file, stored_inside

Column = NDArray[np.float64] | list[str | None]
TEXTS = {"STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"}
STORES = {"PUT", "BINPUT", "LONG_BINPUT"}
LOADS = {"GET", "BINGET", "LONG_BINGET"}
EMPTY = {"NONE", "FLOAT", "BINFLOAT"}
PASSIVE = {"MARK", "FRAME", "APPEND", "APPENDS", "PROTO"}
MOST_BLOCKS = 64
MOST_COLUMNS = 4096


def read_frame(file: SourceFile, path: str) -> dict[str, Column] | None:
    """Columns of a frame in pandas' ``fixed`` format, None where the file has no such frame.

    Returns:
        Numbers as ``(rows,)`` arrays, texts as lists, in which None stands for a missing one.

    Raises:
        SourceError: the frame is damaged or of another format.
        MissingExtraError: h5py is not installed.
    """
    with hdf5_file(file, f"the frame {path}") as content:
        if path not in content:
            return None
        columns: dict[str, Column] = {}
        for number in range(MOST_BLOCKS):
            if f"block{number}_items" not in content[path]:
                break
            parts = (content[path][f"block{number}_{what}"] for what in ("items", "values"))
            items, values = (stored_inside(content, part) for part in parts)
            if items.size > MOST_COLUMNS or values.nbytes > most_unpacked(file.size):
                raise ValueError(f"a block of {items.size} columns and {values.nbytes} bytes")
            columns |= _block(items, values)
    if len({len(column) for column in columns.values()}) != 1:
        raise SourceError(
            f"{file.source}: the frame {path} does not fit",
            expected="columns of one length, in pandas' fixed format",
        )
    return columns


def pickled_texts(data: bytes) -> list[str | None]:
    """The texts of a pickled list, or of a pickled array of objects, in their order.

    Raises:
        ValueError: the stream is damaged, or holds no list of texts.
    """
    memo: dict[object, str | None] = {}
    found: list[str | None] | None = None
    latest: str | None = None
    for opcode, argument, _ in pickletools.genops(data):
        name = opcode.name
        if name in STORES or name == "MEMOIZE":
            memo[len(memo) if argument is None else argument] = latest
        elif name in TEXTS or name in LOADS or name in EMPTY:
            latest = memo.get(argument) if name in LOADS else argument if name in TEXTS else None
            if found is not None:
                found.append(latest)
        elif name in ("EMPTY_LIST", "LIST"):
            found, latest = [], None
        elif found is not None and name not in PASSIVE:
            break
        elif name not in PASSIVE:
            latest = None
    if found is None:
        raise ValueError("a pickle without a list")
    return found


def _block(items: Any, values: Any) -> dict[str, Column]:
    names = [bytes(name).decode("utf-8") for name in items[()]]
    if not names:
        raise ValueError("a block without columns")
    if values.dtype.kind in "iuf":
        table = np.asarray(values[()], dtype=np.float64).reshape(-1, len(names))
        return {name: table[:, i] for i, name in enumerate(names)}
    texts = pickled_texts(np.asarray(values[0], dtype=np.uint8).tobytes())
    return {name: texts[i :: len(names)] for i, name in enumerate(names)}
