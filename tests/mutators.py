"""Damage for files of any format: to bytes anywhere, and to the types, shapes and sizes that a file declares.

``mutate`` damages one file in place and says how. What it does depends on the file, the random numbers and
nothing else.
"""

import contextlib
import warnings
from collections.abc import Callable
from pathlib import Path

import container_mutators as inside
from byte_mutators import BYTES, TEXT, laughs
from numpy.random import Generator

Structured = Callable[[Path, Generator], None]
HDF5: tuple[Structured, ...] = (
    *(inside.other_dataset, inside.other_dataset, inside.other_attribute, inside.other_attribute),
    inside.other_link,
)
STRUCTURED: dict[str, tuple[Structured, ...]] = {
    ".mat": (inside.other_variable, inside.other_variable, inside.other_variable, inside.packed_bomb),
    ".npz": (inside.other_npy, inside.other_npy, inside.lying_npy),
    ".parquet": (inside.other_column,),
    ".edf": (inside.other_field,),
    ".bdf": (inside.other_field,),
    ".xdf": (inside.other_chunk,),
    ".yaml": (laughs,),
    ".zip": (inside.other_member, inside.other_member, inside.lying_member),
    **dict.fromkeys((".h5", ".hdf5"), HDF5),
}
CANNOT = (TypeError, ValueError, LookupError, OSError, RuntimeError, NotImplementedError, OverflowError)
"""What the libraries that write these files raise where something cannot be written."""


def mutate(path: Path, random: Generator) -> str:
    """Damage a file; the name of what was done to it."""
    own = structured(path) + (TEXT if is_text(path) else ())
    if own and random.random() < 0.5:
        chosen = own[random.integers(len(own))]
        with contextlib.suppress(*CANNOT), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            chosen(path, random)
            return chosen.__name__
    damage = BYTES[random.integers(len(BYTES))]
    path.write_bytes(damage(path.read_bytes(), random))
    return damage.__name__


def structured(path: Path) -> "tuple[Structured, ...]":
    """Damage that knows the format; a MATLAB 7.3 file is HDF5."""
    with path.open("rb") as stream:
        is_mat73 = stream.read(10) == b"MATLAB 7.3"
    return HDF5 if is_mat73 else STRUCTURED.get(path.suffix.lower(), ())


def is_text(path: Path) -> bool:
    return path.suffix.lower() in (".csv", ".tsv", ".txt", ".json", ".yaml", ".hea")
