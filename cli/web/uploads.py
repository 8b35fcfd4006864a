"""Files that come from outside: only formats that cannot reach other files, and nothing they unpack to
is larger than the limit."""

import re
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from tempfile import TemporaryDirectory
from typing import BinaryIO

import yaml

from myosem.errors import MappingError, MyoSemError, SourceError

MEBIBYTE = 1 << 20
SUFFIXES = (".csv", ".tsv", ".npz", ".mat", ".edf", ".bdf")
LONGEST_MAPPING = 16 << 10
UNPACKED = 4
"""How many times the limit an .npz may unpack to."""
HDF5 = b"\x89HDF\r\n\x1a\n"
LONGEST_NAME = 100


class TooLargeError(MyoSemError):
    """More bytes than the server takes."""


@contextmanager
def uploaded(name: str, content: BinaryIO, mapping: bytes | None, most_bytes: int) -> Iterator[Path]:
    """A file that was sent, on disk until the block ends, with its mapping beside it.

    Args:
        name: as the sender calls it; only its last part counts.
        content: its bytes.
        mapping: YAML that says how to read a .csv, .tsv or .npz.
        most_bytes: how long it may be.

    Raises:
        SourceError, MappingError: a name or a mapping that is not taken from outside.
        TooLargeError: it is longer.
    """
    with TemporaryDirectory(prefix="myosem-") as folder:
        path = Path(folder) / safe_name(name)
        with path.open("wb") as file:
            shutil.copyfileobj(content, file)
        if path.stat().st_size > most_bytes:
            raise too_large(path.stat().st_size, most_bytes)
        if mapping is not None:
            check_mapping(mapping)
            path.with_name(f"{path.name}.yaml").write_bytes(mapping)
        yield path


def safe_name(name: str) -> str:
    """The last part of a name, in plain letters.

    Raises:
        SourceError: it does not end as the formats do that are read.
    """
    last = PureWindowsPath(PurePosixPath(name).name).name
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", last).lstrip(".")[-LONGEST_NAME:]
    suffix = PurePosixPath(plain).suffix.lower()
    if suffix not in SUFFIXES:
        raise SourceError("files of this kind are not taken", got=suffix or "no suffix", exists=SUFFIXES)
    return plain


def check_file(path: Path, most_bytes: int) -> None:
    """Refuse what is too long, or a container that its suffix does not announce.

    Raises:
        SourceError: an HDF5 file, which may point at other files, or an archive.
        TooLargeError: longer than ``most_bytes``, or an .npz that unpacks to ``UNPACKED`` times as much.
    """
    size = path.stat().st_size
    if size > most_bytes:
        raise too_large(size, most_bytes)
    with path.open("rb") as file:
        if file.read(len(HDF5)) == HDF5:
            raise SourceError("HDF5 files are not taken, they may point at other files", got=path.name)
    if path.suffix.lower() == ".npz":
        _check_npz(path, most_bytes)


def check_mapping(mapping: bytes) -> None:
    """Refuse a mapping that is no short YAML, or that holds a pattern for paths.

    Raises:
        MappingError: says which.
    """
    if len(mapping) > LONGEST_MAPPING:
        raise MappingError(
            "the mapping is too long", got=f"{len(mapping)} bytes", expected=f"at most {LONGEST_MAPPING}"
        )
    try:
        content = yaml.safe_load(mapping)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise MappingError("the mapping is not YAML", got=" ".join(str(error).split())) from error
    if isinstance(content, dict) and "path" in content:
        raise MappingError("a mapping that is sent has no `path`", expected="`subject` and `session` instead")


def too_large(size: int, most_bytes: int) -> TooLargeError:
    """The error for something of ``size`` bytes."""
    return TooLargeError(
        "this is too large", got=f"{size:,} bytes", expected=f"at most {most_bytes / MEBIBYTE:g} MiB"
    )


def _check_npz(path: Path, most_bytes: int) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError) as error:
        raise SourceError("the .npz cannot be read", got=str(error) or type(error).__name__) from error
    if unpacked > UNPACKED * most_bytes:
        raise too_large(unpacked, UNPACKED * most_bytes)
