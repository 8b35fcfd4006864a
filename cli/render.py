"""Text for people: tables that fit the terminal, CSV. Plain strings in, plain strings out.

Written by hand because a search must answer at once: importing a table library takes longer than the
search itself.
"""

import csv
import io
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

PIPE_WIDTH = 160
GAP = "  "


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        title: its heading.
        align: ``left`` or ``right``.
        minimum: how narrow it may get before the table gives up fitting; None keeps it whole.
    """

    title: str
    align: Literal["left", "right"] = "left"
    minimum: int | None = None


def terminal_width() -> int:
    """Columns to print in: those of the terminal, or plenty where the output is no terminal."""
    fallback = 80 if sys.stdout.isatty() else PIPE_WIDTH
    return shutil.get_terminal_size((fallback, 24)).columns


def colour_wanted() -> bool:
    """Whether to style the output: a terminal that can, and no ``NO_COLOR`` (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def styled(text: str, code: str, colour: bool) -> str:
    """The text in an ANSI style such as ``1`` (bold) or ``2`` (dim), or as it is."""
    return f"\x1b[{code}m{text}\x1b[0m" if colour and text else text


def shorten(text: str, width: int) -> str:
    """At most ``width`` characters; what is cut out of the middle becomes one ``…``."""
    if len(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    head = width // 2
    tail = width - head - 1
    return f"{text[:head]}…{text[-tail:] if tail else ''}"


def table(
    columns: Sequence[Column], rows: Sequence[Sequence[object]], *, width: int, colour: bool = False
) -> str:
    """A table of at most ``width`` columns; those that may are shortened, the widest first.

    Columns that are empty in all rows are left out.
    """
    cells = [[_cell(value) for value in row] for row in rows]
    kept = [i for i in range(len(columns)) if not rows or any(row[i] for row in cells)]
    columns, cells = [columns[i] for i in kept], [[row[i] for i in kept] for row in cells]
    widths = _fit(columns, cells, width)
    heading = _line(columns, [column.title for column in columns], widths)
    return "\n".join([styled(heading, "2", colour), *(_line(columns, row, widths) for row in cells)])


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _fit(columns: Sequence[Column], cells: Sequence[Sequence[str]], width: int) -> list[int]:
    widths = [max(len(column.title), *(len(row[i]) for row in cells), 0) for i, column in enumerate(columns)]
    floors = [w if c.minimum is None else min(w, c.minimum) for c, w in zip(columns, widths, strict=True)]
    while sum(widths) + len(GAP) * (len(widths) - 1) > width:
        spare = [w - floor for w, floor in zip(widths, floors, strict=True)]
        loosest = max(range(len(widths)), key=lambda i: (spare[i] > 0, widths[i]))
        if spare[loosest] <= 0:
            break
        widths[loosest] -= 1
    return widths


def _line(columns: Sequence[Column], row: Sequence[str], widths: Sequence[int]) -> str:
    parts = [
        shorten(text, width).rjust(width) if column.align == "right" else shorten(text, width).ljust(width)
        for column, text, width in zip(columns, row, widths, strict=True)
    ]
    return GAP.join(parts).rstrip()


def as_csv(rows: Iterable[Mapping[str, Any]], fields: Sequence[str]) -> str:
    """Rows as CSV (RFC 4180) with a heading line."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fields, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def seconds(value: float) -> str:
    """Seconds with two decimals."""
    return f"{value:.2f}"


def duration(value_s: float) -> str:
    """A length of time the way people say it: ``12 s``, ``4.5 min``, ``1.3 h``."""
    if value_s < 100:
        return f"{value_s:.3g} s"
    return f"{value_s / 60:.1f} min" if value_s < 5400 else f"{value_s / 3600:.1f} h"


def plural(count: int, noun: str) -> str:
    """``1 hit``, ``12 hits``, ``3 categories``."""
    if count != 1:
        noun = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{count:,} {noun}"
