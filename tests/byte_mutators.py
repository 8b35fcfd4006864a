"""Damage to bytes of any format, and to text."""

import re
from collections.abc import Callable
from pathlib import Path

from numpy.random import Generator

Bytes = Callable[[bytes, Generator], bytes]
HEAD = 600
HUGE = (0, 1, 255, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 40, (1 << 63) - 1, (1 << 64) - 1)
NUMBERS = (
    *("-1", "0", "1", "2", "nan", "inf", "-inf", "1e309", "1e-320", "99999999999999999999", "0x10", "1_0"),
    *("-0", "1,5", "", " ", "\N{ARABIC-INDIC DIGIT THREE}", "\N{SUPERSCRIPT TWO}", "1" * 400, "2147483648"),
)
DEEP = 100_000


# Bytes of any format.


def cut(data: bytes, random: Generator) -> bytes:
    """The first part of it."""
    return data[: random.integers(0, max(len(data), 1))]


def flip(data: bytes, random: Generator) -> bytes:
    """Some bytes are others, half of them near the start."""
    damaged = bytearray(data)
    for _ in range(random.integers(1, 9) if data else 0):
        damaged[place_in(data, random)] = random.integers(256)
    return bytes(damaged)


def blank(data: bytes, random: Generator) -> bytes:
    """A stretch of zeros, ones or noise."""
    at, length = place_in(data, random), int(random.integers(1, 200))
    filling = (bytes(length), b"\xff" * length, random.bytes(length))[random.integers(3)]
    return data[:at] + filling[: len(data) - at] + data[at + length :]


def huge(data: bytes, random: Generator) -> bytes:
    """A number of four or eight bytes that is small, large or negative, wherever a size may stand."""
    at, width = place_in(data, random), int(random.choice([2, 4, 8]))
    at -= at % 4 if random.random() < 0.7 else 0
    value = HUGE[random.integers(len(HUGE))] & ((1 << 8 * width) - 1)
    order = "little" if random.random() < 0.8 else "big"
    return data[:at] + value.to_bytes(width, order) + data[at + width :]  # type: ignore[arg-type]


def remove(data: bytes, random: Generator) -> bytes:
    """A stretch is missing."""
    at = place_in(data, random)
    return data[:at] + data[at + int(random.integers(1, 2000)) :]


def repeat(data: bytes, random: Generator) -> bytes:
    """A stretch stands there twice."""
    at, length = place_in(data, random), int(random.integers(1, 2000))
    return data[: at + length] + data[at:]


def insert(data: bytes, random: Generator) -> bytes:
    """Noise between what was there."""
    at = place_in(data, random)
    return data[:at] + random.bytes(int(random.integers(1, 50))) + data[at:]


def same_width_number(data: bytes, random: Generator) -> bytes:
    """Digits are others, as many as before: a field of a fixed width."""
    found = match_in(rb"\d+", data, random)
    if found is None:
        return flip(data, random)
    width = found.end() - found.start()
    text = (b"9" * width, b"0" * width, b"-1".ljust(width), b"1".rjust(width, b"0"))[random.integers(4)]
    return data[: found.start()] + text[:width] + data[found.end() :]


BYTES: tuple[Bytes, ...] = (cut, flip, flip, blank, huge, huge, remove, repeat, insert, same_width_number)


def place_in(data: bytes, random: Generator) -> int:
    end = min(len(data), HEAD) if random.random() < 0.5 else len(data)
    return int(random.integers(0, max(end, 1)))


def match_in(pattern: bytes, data: bytes, random: Generator) -> "re.Match[bytes] | None":
    found = re.compile(pattern).search(data, place_in(data, random))
    return found or re.search(pattern, data)


# Text.


def other_number(path: Path, random: Generator) -> None:
    """A number is one that may not be expected."""
    data = path.read_bytes()
    found = match_in(rb"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?", data, random)
    if found is not None:
        text = NUMBERS[random.integers(len(NUMBERS))].encode()
        path.write_bytes(data[: found.start()] + text + data[found.end() :])


def other_word(path: Path, random: Generator) -> None:
    """A word is another word of the file, or no word."""
    data = path.read_bytes()
    first, second = (match_in(rb"[A-Za-z_]+", data, random) for _ in range(2))
    if first is not None and second is not None:
        text = second[0] if random.random() < 0.7 else b""
        path.write_bytes(data[: first.start()] + text + data[first.end() :])


def other_lines(path: Path, random: Generator) -> None:
    """A line is missing, doubled, joined to the next, or longer than any."""
    lines = path.read_bytes().split(b"\n")
    at = int(random.integers(len(lines)))
    new: tuple[list[bytes], ...] = (
        [],
        [lines[at]] * 2,
        [lines[at] + b"".join(lines[at + 1 : at + 2])],
        [lines[at] * 2000],
    )
    path.write_bytes(b"\n".join([*lines[:at], *new[random.integers(4)], *lines[at + 1 :]]))


def other_delimiter(path: Path, random: Generator) -> None:
    """Commas, colons, quotes or brackets are others."""
    marks = [b",", b"\t", b":", b'"', b"[", b"{", b"\n", b";"]
    old, new = (marks[i] for i in random.integers(0, len(marks), 2))
    count = -1 if random.random() < 0.5 else int(random.integers(1, 20))
    path.write_bytes(path.read_bytes().replace(old, new, count))


def other_encoding(path: Path, random: Generator) -> None:
    """The same text in other bytes."""
    name = ("utf-16", "utf-32", "utf-8-sig", "cp037")[random.integers(4)]
    path.write_bytes(path.read_bytes().decode("latin-1").encode(name))


def deep(path: Path, random: Generator) -> None:
    """Brackets in brackets, deeper than any parser goes."""
    data, mark = path.read_bytes(), (b"[", b'{"a":', b"- ", b"(")[random.integers(4)]
    at = 0 if random.random() < 0.5 else place_in(data, random)
    path.write_bytes(data[:at] + mark * DEEP + data[at:])


def laughs(path: Path, random: Generator) -> None:
    """Nine names for nine times the name before: a few lines of YAML that stand for a billion."""
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    own = path.read_text().splitlines()
    at = int(random.integers(len(own) + 1))
    if at < len(own) and ":" in own[at]:
        own[at] = own[at].split(":")[0] + ": *a9"
    path.write_text("\n".join([*lines, *own]) + "\n")


TEXT: tuple[Callable[[Path, Generator], None], ...] = (
    *(other_number, other_number, other_number, other_word, other_lines, other_delimiter, other_encoding),
    deep,
)
