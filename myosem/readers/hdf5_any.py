"""Any HDF5 file, with a mapping that names its datasets. Needs h5py, of the extra [formats].

A field of a compound dataset is named like a dataset in it: ``emg2pose/timeseries/emg``.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myosem.errors import SourceError
from myosem.readers.base import Reader, SourceFile, most_unpacked
from myosem.readers.columns import Columns, Shape, column_recordings
from myosem.readers.hdf5 import hdf5_file, stored_inside
from myosem.readers.mapping import mapping_for
from myosem.records import Recording

EXAMPLE = "{rate_hz: 1000, array: group/emg, unit: mV, subject: p1, label_from: group/gesture}"


class Hdf5(Reader):
    """One recording a file: a dataset ``(samples, channels)``, or a dataset a channel."""

    name = "hdf5"
    description = "any .h5 or .hdf5 file, described by a mapping file"
    generic = True

    def __init__(self, mapping: Path | None = None) -> None:
        self._mapping = mapping

    def matches(self, file: SourceFile) -> bool:
        """Whether the name ends in ``.h5``, ``.hdf5`` or ``.hdf``."""
        return file.suffix in (".h5", ".hdf5", ".hdf")

    def with_mapping(self, mapping: Path) -> "Hdf5":
        """The same reader under this mapping file."""
        return Hdf5(mapping)

    def read(self, file: SourceFile) -> Iterator[Recording]:
        """The recordings. Raises MappingError too: no mapping, or datasets that do not exist."""
        mapping = mapping_for(file, self._mapping, EXAMPLE)
        yield from column_recordings(Hdf5Columns(file), mapping, self.name)


class Hdf5Columns(Columns):
    """The datasets of a file and the fields of its compound datasets, each read when it is asked for.

    Raises:
        SourceError: damaged, or not HDF5.
        MissingExtraError: h5py is not installed.
    """

    def __init__(self, file: SourceFile) -> None:
        self.file = file
        self.shapes: dict[str, Shape] = {}
        with hdf5_file(file, "datasets") as content:
            content.visititems(self._note)

    def load(self, name: str) -> NDArray[Any]:
        """A dataset or a field of one. Raises SourceError where it is damaged or too large."""
        with hdf5_file(self.file, name) as content:
            path, field = (name, None) if name in content else name.rsplit("/", 1)
            dataset = stored_inside(content, content[path])
            dtype = dataset.dtype if field is None else dataset.dtype[field]
            size = math.prod(dataset.shape) * max(dtype.itemsize, 1)
            fits = size <= most_unpacked(self.file.size)
            values = None if not fits else dataset[()] if field is None else dataset[field]
        if values is None:
            raise SourceError(
                f"{self.file.source}: {name} is too large",
                got=f"{size:,} bytes in a file of {self.file.size:,}",
                expected=f"at most {most_unpacked(self.file.size):,}",
            )
        return np.asarray(values)

    def _note(self, name: str, item: Any) -> None:
        dtype, shape = getattr(item, "dtype", None), getattr(item, "shape", None)
        if dtype is None or shape is None:
            return
        for field in dtype.names or ():
            self.shapes[f"{name}/{field}"] = (*shape, *dtype[field].shape)
        if not dtype.names:
            self.shapes[name] = tuple(shape)


READER = Hdf5()
