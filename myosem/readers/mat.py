"""Variables of MATLAB files; those of MATLAB 5 are decoded here.

SciPy's reader looks types up in a table without checking that they are in it: one damaged byte can end
the process. Here damage is always an error, and only what is asked for is decoded.
"""

import itertools
import math
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from myosem.errors import SourceError
from myosem.readers.base import SourceFile, most_unpacked, reason
from myosem.readers.mat73 import is_mat73, mat73_shapes, mat73_variables

HEADER_BYTES = 128
MATRIX, COMPRESSED = 14, 15  # kinds of elements
NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
TEXTS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16"}
CELL, STRUCT, TEXT = 1, 2, 4  # classes of matrices
NUMERIC = range(6, 16)
COMPLEX = 0x800
ORDERS = {b"\x00\x01IM": "<", b"\x01\x00MI": ">"}
DAMAGE = (ValueError, struct.error, zlib.error, OSError)
DEEPEST = 8
PEEK_BYTES = 1024  # class, shape and name of a variable lie within
PIECE_BYTES = 1 << 20


def load_mat(file: SourceFile, names: Sequence[str], optional: Sequence[str] = ()) -> dict[str, Any]:
    """The named variables; ``session.rate`` is the field ``rate`` of the struct ``session``.

    Numbers are arrays in the type they are stored in, texts are strings, cells are lists. What is
    ``optional`` may be missing.

    Raises:
        SourceError: the file is damaged, of another version, or lacks one of the variables.
        MissingExtraError: the file is of version 7.3 and h5py is not installed.
    """
    if is_mat73(file):
        found = mat73_variables(file, (*names, *optional))
    else:
        with _opened(file) as contents:
            found = dict(contents.variables((*names, *optional)))
    missing = [name for name in names if name not in found]
    if missing:
        raise SourceError(
            f"{file.source}: variables are missing", got=f"no {', '.join(missing)}", expected=", ".join(names)
        )
    return found


def mat_shapes(file: SourceFile) -> dict[str, tuple[int, ...]]:
    """Shape of each variable by name; no values are read.

    Raises:
        SourceError, MissingExtraError: as ``load_mat``.
    """
    if is_mat73(file):
        return mat73_shapes(file)
    with _opened(file) as contents:
        return {element.name: element.shape for element in contents.elements()}


class _Element(NamedTuple):
    """A variable as it lies in the file."""

    name: str
    shape: tuple[int, ...]
    packed: bool
    start: int
    size: int


@contextmanager
def _opened(file: SourceFile) -> "Iterator[_Contents]":
    try:
        with file.path.open("rb") if file.member is None else file.open() as stream:
            yield _Contents(stream, file.size)
    except DAMAGE as error:
        raise SourceError(
            f"{file.source}: cannot be read as a MATLAB 5 file",
            got=reason(error),
            expected="an undamaged .mat file, saved with -v6, -v7 or -v7.3",
        ) from error


class _Contents:
    """The variables of an open file of ``size`` bytes, each read when it is asked for.

    Raises:
        ValueError, struct.error, zlib.error, OSError: the file is damaged.
    """

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream, self._size = stream, size
        mark = self._read(HEADER_BYTES - 4, 4)
        if mark not in ORDERS:
            raise ValueError("no MATLAB 5 header")
        self._decoder = _Decoder(ORDERS[mark])
        self._head = f"{ORDERS[mark]}II"

    def elements(self) -> Iterator[_Element]:
        """All variables in the order of the file."""
        at = HEADER_BYTES
        while at < self._size:
            kind, size = struct.unpack(self._head, self._read(at, 8))
            start, packed = at + 8, kind == COMPRESSED
            if start + size > self._size:
                raise ValueError("the file ends in the middle of a variable")
            peek = self._read(start, min(size, PEEK_BYTES))
            if packed:
                peek = zlib.decompressobj().decompress(peek, PEEK_BYTES)
                kind, _ = struct.unpack_from(self._head, peek)
                peek = peek[8:]
            if kind != MATRIX:
                raise ValueError(f"an element of kind {kind} where a variable should be")
            _, shape, name, _ = self._decoder.head(memoryview(peek))
            yield _Element(name, shape, packed, start, size)
            at = start + (size if packed else -size // 8 * -8)

    def variables(self, names: Sequence[str]) -> Iterator[tuple[str, Any]]:
        """Those of the named variables and fields that are there."""
        wanted = {name.split(".")[0] for name in names}
        for element in self.elements():
            if element.name in wanted:
                body = self._unpacked(element) if element.packed else self._read(element.start, element.size)
                yield from self._decoder.wanted(memoryview(body), names)

    def _read(self, at: int, size: int) -> bytes:
        self._stream.seek(at)
        data = self._stream.read(size)
        if len(data) < size:
            raise ValueError("the file ends in the middle of a variable")
        return data

    def _unpacked(self, element: _Element) -> bytearray:
        """Contents of a compressed variable: in memory once, and never more than it declares."""
        pieces = self._pieces(element)
        first = next(pieces, b"")
        _, size = struct.unpack_from(self._head, first)
        if size > most_unpacked(self._size):
            raise ValueError(f"a compressed variable that declares {size:,} bytes")
        data, at = bytearray(size), 0
        for piece in itertools.chain([first[8:]], pieces):
            if at + len(piece) > size:
                raise ValueError("a compressed variable that unpacks to more than it declares")
            data[at : at + len(piece)] = piece
            at += len(piece)
        if at < size:
            raise ValueError("a compressed variable that ends early")
        return data

    def _pieces(self, element: _Element) -> Iterator[bytes]:
        unpacker, at, end = zlib.decompressobj(), element.start, element.start + element.size
        while at < end and not unpacker.eof:
            packed = self._read(at, min(end - at, PIECE_BYTES))
            at += len(packed)
            while packed:
                yield unpacker.decompress(packed, PIECE_BYTES)
                packed = unpacker.unconsumed_tail
        yield unpacker.flush()
        if not unpacker.eof:
            raise ValueError("a compressed variable that ends early")


class _Decoder:
    """Decodes elements of one byte order. Raises ValueError or struct.error for whatever does not fit."""

    def __init__(self, order: str) -> None:
        self.order = order

    def element(self, data: memoryview, at: int) -> tuple[int, memoryview, int]:
        """Kind and contents of the element at a position, and the position of the next."""
        kind, size = struct.unpack_from(f"{self.order}II", data, at)
        if kind >> 16:  # a small element: its size and up to four bytes share the first eight
            kind, size, start, end = kind & 0xFFFF, kind >> 16, at + 4, at + 8
        else:
            start = at + 8
            end = start + (size if kind == COMPRESSED else -size // 8 * -8)
        if start + size > min(end, len(data)):
            raise ValueError("the file ends in the middle of a variable")
        return kind, data[start : start + size], end

    def wanted(self, body: memoryview, names: Sequence[str]) -> Iterator[tuple[str, Any]]:
        """The variable, or the fields of the struct, that are among the names."""
        matrix, _, name, at = self.head(body)
        if name in names:
            yield name, self.value(body)
        fields = {other for other in names if other.startswith(f"{name}.")}
        if matrix == STRUCT and fields:
            _, width, at = self.element(body, at)
            _, packed, at = self.element(body, at)
            (length,) = struct.unpack(f"{self.order}i", width)
            if length <= 0:
                raise ValueError("a struct without names")
            for start in range(0, len(packed), length):
                field = bytes(packed[start : start + length]).split(b"\0")[0].decode("latin-1")
                _, content, at = self.element(body, at)
                if f"{name}.{field}" in fields:
                    yield f"{name}.{field}", self.value(content)

    def head(self, body: memoryview) -> tuple[int, tuple[int, ...], str, int]:
        """Class (and complex flag), shape and name of a matrix, and where its contents start."""
        _, flags, at = self.element(body, 0)
        _, shape, at = self.element(body, at)
        _, name, at = self.element(body, at)
        (bits,) = struct.unpack(f"{self.order}I", flags[:4])
        sizes = tuple(np.frombuffer(shape, f"{self.order}i4").tolist())
        if min(sizes, default=-1) < 0:
            raise ValueError(f"a variable of shape {sizes}")
        return bits & (COMPLEX | 0xFF), sizes, bytes(name).decode("latin-1"), at

    def value(self, body: memoryview, depth: int = 0) -> Any:
        """Contents of a matrix: an array, a string or a list."""
        if not body:
            return np.empty((0, 0))
        matrix, shape, name, at = self.head(body)
        if matrix in NUMERIC:
            return self.numbers(body, at, shape)
        if matrix == TEXT:
            kind, text, _ = self.element(body, at)
            return bytes(text).decode(self.codec(kind))
        if matrix == CELL and depth < DEEPEST:
            values = []
            for _ in range(math.prod(shape)):
                _, content, at = self.element(body, at)
                values.append(self.value(content, depth + 1))
            return values
        raise ValueError(f"{name or 'a value'} is neither numbers, text nor a list")

    def numbers(self, body: memoryview, at: int, shape: tuple[int, ...]) -> NDArray[Any]:
        """An array in the type it is stored in."""
        kind, data, _ = self.element(body, at)
        if kind not in NUMBERS:
            raise ValueError(f"numbers of an unknown kind {kind}")
        values = np.frombuffer(data, self.order + NUMBERS[kind]).reshape(shape, order="F")
        return values.astype(values.dtype.newbyteorder("="), copy=False)

    def codec(self, kind: int) -> str:
        """Name of the encoding of a text."""
        if kind not in TEXTS:
            raise ValueError(f"text of an unknown kind {kind}")
        endian = "-le" if self.order == "<" else "-be"
        return TEXTS[kind] + (endian if TEXTS[kind] == "utf-16" else "")
