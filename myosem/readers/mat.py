"""Variables of MATLAB files; those of MATLAB 5 are decoded here.

SciPy's reader looks types up in a table without checking that they are in it: one damaged byte can end
the process. Here damage is always an error, and only what is asked for is decoded.
"""

import math
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myosem.errors import SourceError
from myosem.readers.base import MAX_MEMBER_BYTES, SourceFile, reason
from myosem.readers.mat73 import is_mat73, mat73_shapes, mat73_variables

HEADER_BYTES = 128
MATRIX, COMPRESSED = 14, 15  # kinds of elements
NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
TEXTS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16"}
CELL, STRUCT, TEXT = 1, 2, 4  # classes of matrices
NUMERIC = range(6, 16)
COMPLEX = 0x800
DAMAGE = (ValueError, struct.error, zlib.error)
DEEPEST = 8
PEEK_BYTES = 512  # class, shape and name of a variable lie within


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
        try:
            found = dict(_variables(memoryview(file.read_bytes()), (*names, *optional)))
        except DAMAGE as error:
            raise _damaged(file, error) from error
    missing = [name for name in names if name not in found]
    if missing:
        raise SourceError(
            f"{file.source}: variables are missing", got=f"no {', '.join(missing)}", expected=", ".join(names)
        )
    return found


def mat_shapes(file: SourceFile) -> dict[str, tuple[int, ...]]:
    """Shape of each variable by name; no values are unpacked.

    Raises:
        SourceError, MissingExtraError: as ``load_mat``.
    """
    if is_mat73(file):
        return mat73_shapes(file)
    try:
        data = memoryview(file.read_bytes())
        decoder = _Decoder(_byte_order(data))
        return {name: shape for name, shape, _, _ in _elements(decoder, data)}
    except DAMAGE as error:
        raise _damaged(file, error) from error


def _damaged(file: SourceFile, error: Exception) -> SourceError:
    return SourceError(
        f"{file.source}: cannot be read as a MATLAB 5 file",
        got=reason(error),
        expected="an undamaged .mat file, saved with -v6, -v7 or -v7.3",
    )


def _variables(data: memoryview, names: Sequence[str]) -> Iterator[tuple[str, Any]]:
    decoder = _Decoder(_byte_order(data))
    wanted = {name.split(".")[0] for name in names}
    for name, _, kind, packed in _elements(decoder, data):
        if name in wanted:
            body = decoder.element(_inflate(packed), 0)[1] if kind == COMPRESSED else packed
            yield from decoder.wanted(body, names)


def _elements(
    decoder: "_Decoder", data: memoryview
) -> Iterator[tuple[str, tuple[int, ...], int, memoryview]]:
    """Name, shape, kind and still packed contents of each variable."""
    at = HEADER_BYTES
    while at < len(data):
        kind, body, at = decoder.element(data, at)
        start, inner = body, kind
        if kind == COMPRESSED:
            start = memoryview(zlib.decompressobj().decompress(body, PEEK_BYTES))
            (inner,) = struct.unpack_from(f"{decoder.order}I", start)
            start = start[8:]
        if inner != MATRIX:
            raise ValueError(f"an element of kind {inner} where a variable should be")
        _, shape, name, _ = decoder.head(start)
        yield name, shape, kind, body


def _byte_order(data: memoryview) -> str:
    mark = bytes(data[HEADER_BYTES - 4 : HEADER_BYTES])
    orders = {b"\x00\x01IM": "<", b"\x01\x00MI": ">"}
    if mark not in orders:
        raise ValueError("no MATLAB 5 header")
    return orders[mark]


def _inflate(body: memoryview) -> memoryview:
    stream = zlib.decompressobj()
    data = stream.decompress(body, MAX_MEMBER_BYTES)
    if not stream.eof:
        raise ValueError("a compressed variable that ends early or unpacks to more than 1 GiB")
    return memoryview(data)


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
