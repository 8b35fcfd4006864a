"""Any ``.npz`` archive of NumPy arrays, with a mapping that says what they hold."""

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myosem.errors import MappingError, SourceError
from myosem.readers.base import Reader, SourceFile, reason
from myosem.readers.mapped import mapped_recordings
from myosem.readers.mapping import mapping_for
from myosem.readers.parse import as_float32, numbers
from myosem.records import Recording

EXAMPLE = "{rate_hz: 1000, array: emg, unit: mV, subject: p1, label_from: gesture}"


class Npz(Reader):
    """One recording a file: an array ``(samples, channels)``."""

    name = "npz"
    description = "any .npz archive of NumPy arrays, described by a mapping file"
    generic = True

    def __init__(self, mapping: Path | None = None) -> None:
        self._mapping = mapping

    def matches(self, file: SourceFile) -> bool:
        """Whether the name ends in ``.npz``."""
        return file.suffix == ".npz"

    def with_mapping(self, mapping: Path) -> "Npz":
        """The same reader under this mapping file."""
        return Npz(mapping)

    def read(self, file: SourceFile) -> Iterator[Recording]:
        """One recording. Raises MappingError too: no mapping, or arrays that do not exist."""
        mapping = mapping_for(file, self._mapping, EXAMPLE)
        if mapping.array is None:
            raise MappingError(f"{file.source}: the mapping names no array", exists=_load(file, [])[0])
        label_from = [] if mapping.label_from is None else [str(mapping.label_from)]
        found = _load(file, [mapping.array, *label_from])[1]
        samples = numbers(file, found[mapping.array], mapping.array, (None, None))
        if samples.shape[0] < samples.shape[1]:
            raise SourceError(
                f"{file.source}: {mapping.array} seems to be transposed",
                got=f"shape {samples.shape}",
                expected="(samples, channels)",
            )
        names = [f"ch{i + 1}" for i in range(samples.shape[1])]
        labels = _texts(found[label_from[0]]) if label_from else None
        if samples.dtype.kind == "f":
            samples = as_float32(samples)
        yield from mapped_recordings(file, mapping, self.name, samples, names=names, labels=labels)


def _load(file: SourceFile, names: list[str]) -> tuple[list[str], dict[str, NDArray[Any]]]:
    """The names of all arrays, and the arrays of these names."""
    try:
        with np.load(file.open(), allow_pickle=False) as archive:
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise SourceError(f"{file.source}: not an .npz archive", got="a single array")
            missing = [name for name in names if name not in archive.files]
            if missing:
                raise MappingError(
                    f"{file.source}: an array of the mapping does not exist",
                    got=", ".join(missing),
                    exists=archive.files,
                )
            return list(archive.files), {name: archive[name] for name in names}
    except (
        *(zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, KeyError, TypeError, SyntaxError),
        *(MemoryError, OverflowError, NotImplementedError, RuntimeError, AttributeError),
    ) as error:
        raise SourceError(
            f"{file.source}: cannot be read as .npz", got=reason(error), expected="arrays of numbers"
        ) from error


def _texts(values: NDArray[Any]) -> NDArray[np.str_]:
    """Label values as ``(T,)`` texts: whole numbers without a decimal point, nothing for NaN."""
    flat = values.reshape(-1)
    if flat.dtype.kind != "f":
        return flat.astype(np.str_)
    known = np.isfinite(flat)
    whole = bool(np.all(flat[known] == np.round(flat[known])))
    texts = np.where(known, flat, 0).astype(np.int64 if whole else flat.dtype).astype(np.str_)
    return np.where(known, texts, "")


READER = Npz()
