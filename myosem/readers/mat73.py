"""Variables of MATLAB 7.3 files, which are HDF5: axes lie the other way round there. Needs h5py."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from myosem.errors import SourceError
from myosem.readers.base import SourceFile, most_unpacked, reason
from myosem.readers.hdf5 import hdf5_file, stored_inside

MARK = b"MATLAB 7.3"
HOLDING = "MATLAB variables"
DEEPEST = 8


def is_mat73(file: SourceFile) -> bool:
    """Whether the first bytes are those of a MATLAB 7.3 file. Raises SourceError where it cannot be read."""
    if file.member is not None:
        return file.read_bytes().startswith(MARK)
    try:
        with file.path.open("rb") as stream:
            return stream.read(len(MARK)) == MARK
    except OSError as error:
        raise SourceError(f"{file.source}: cannot be read", got=reason(error)) from error


def mat73_variables(file: SourceFile, names: Sequence[str]) -> dict[str, Any]:
    """Those of the named variables that are there, as ``mat.load_mat`` gives them.

    Raises:
        SourceError: the file is damaged, or a variable is neither numbers, text nor a list.
        MissingExtraError: h5py is not installed.
    """
    with hdf5_file(file, HOLDING) as content:
        paths = {name: name.replace(".", "/") for name in names}
        most = most_unpacked(file.size)
        return {name: _value(content, content[path], most) for name, path in paths.items() if path in content}


def mat73_shapes(file: SourceFile) -> dict[str, tuple[int, ...]]:
    """Shape of each variable by name, ``(1, 1)`` for a struct. Raises as ``mat73_variables``."""
    with hdf5_file(file, HOLDING) as content:
        return {str(name): _shape(content[name]) for name in content if not name.startswith("#")}


def _shape(variable: Any) -> tuple[int, ...]:
    if not hasattr(variable, "dtype"):
        return (1, 1)
    if _is_empty(variable):
        return tuple(int(size) for size in np.ravel(variable[()]))
    return tuple(int(size) for size in reversed(variable.shape))


def _value(content: Any, variable: Any, most_bytes: int, depth: int = 0) -> Any:
    """An array, a string or a list. Raises ValueError for anything else."""
    kind = stored_inside(content, variable).attrs.get("MATLAB_class", b"")
    if not hasattr(variable, "dtype") or depth > DEEPEST:
        raise ValueError(f"{variable.name} is neither numbers, text nor a list")
    if variable.nbytes > most_bytes:
        raise ValueError(f"{variable.name} has {variable.nbytes / 2**30:.1f} GiB")
    if _is_empty(variable):
        return "" if kind == b"char" else [] if kind == b"cell" else np.empty(_shape(variable))
    if kind == b"cell":
        return [_value(content, one, most_bytes, depth + 1) for one in _referred(content, variable)]
    if kind == b"char":
        return np.asarray(variable[()], dtype="<u2").tobytes().decode("utf-16-le")
    if variable.dtype.kind not in "iuf":
        raise ValueError(f"{variable.name} is neither numbers, text nor a list")
    return np.asarray(variable[()]).T


def _referred(content: Any, variable: Any) -> Iterator[Any]:
    for reference in np.ravel(variable[()]):
        yield content[reference]


def _is_empty(variable: Any) -> bool:
    return bool(variable.attrs.get("MATLAB_empty", 0))
