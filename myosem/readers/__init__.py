"""Readers: a module with a ``READER``, or with several as ``READERS``, is found by itself."""

import importlib
import pkgutil
from pathlib import Path

from myosem.errors import KnownBadError, SourceError, UnknownFormatError, UsageError
from myosem.readers.base import PathReader, Reader, Skipped, SourceFile, find_sources
from myosem.records import Recording

__all__ = [
    "READERS",
    "PathReader",
    "Reader",
    "Skipped",
    "SourceFile",
    "find_sources",
    "read_recordings",
    "reader_for",
]


def _discover() -> list[Reader]:
    modules = [importlib.import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__)]
    readers: list[Reader] = [module.READER for module in modules if hasattr(module, "READER")]
    readers += [reader for module in modules for reader in getattr(module, "READERS", ())]
    return sorted(readers, key=lambda reader: (reader.generic, reader.name))


_ALL = _discover()
READERS = {reader.name: reader for reader in _ALL if not reader.refuses}


def reader_for(file: SourceFile, name: str | Reader | None = None, mapping: Path | None = None) -> Reader:
    """The reader for a file.

    Args:
        file: the file.
        name: take this reader, or the one of this name, whatever the file looks like.
        mapping: a mapping file; only readers that take one are considered.

    Raises:
        UnknownFormatError: no reader recognises the file.
        UsageError: no reader has this name, or it takes no mapping.
        MappingError: the mapping cannot be read or does not fit its schema.
    """
    if isinstance(name, Reader):
        chosen = name
    elif name is not None:
        if name not in READERS:
            raise UsageError("no reader has this name", got=name, exists=READERS)
        chosen = READERS[name]
    else:
        asked = [reader for reader in _ALL if mapping is None or reader.generic]
        found = next((reader for reader in asked if reader.matches(file)), None)
        if found is None:
            raise UnknownFormatError(
                f"{file.source}: no reader recognises this file",
                exists=[reader.name for reader in asked if not reader.refuses],
                hint="convert it to .csv or .npz and describe it with a mapping file",
            )
        chosen = found
    return chosen if mapping is None else chosen.with_mapping(mapping)


def read_recordings(
    path: str | Path, reader: str | None = None, mapping: Path | None = None
) -> list[Recording]:
    """All recordings of a file, folder or archive, in a fixed order.

    In a folder or archive, descriptions and files that are known to be bad are passed over.

    Raises:
        SourceError: something cannot be read; also UsageError and MappingError as in ``reader_for``.
    """
    files = []
    for item in find_sources([path]):
        if isinstance(item, SourceFile):
            files.append(item)
        elif item.failed:
            raise SourceError(item.reason if item.source in item.reason else f"{item.source}: {item.reason}")
    recordings: list[Recording] = []
    for file in files:
        try:
            recordings.extend(reader_for(file, reader, mapping).read(file))
        except KnownBadError:
            if len(files) == 1:
                raise
    if not recordings:
        raise SourceError(f"{path}: there is no recording in it", got=f"{len(files)} files")
    return recordings
