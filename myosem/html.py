"""Whole HTML documents that stand on their own: style, data and script inside, and no word to the network."""

import json
from collections.abc import Iterable, Sequence
from html import escape
from string import Template
from typing import Any

POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
"""What a browser may do with the document: nothing that leaves it."""

_DOCUMENT = Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="$policy">
<title>$title</title>
<style>$style</style>
</head>
<body>
$body
$data
</body>
</html>
""")


def page(
    title: str, body: str, *, style: str, data: dict[str, Any] | None = None, script: str | None = None
) -> str:
    """A document.

    Args:
        title: plain text.
        body: HTML, escaped already.
        style: CSS.
        data: for the script, in a JSON element called ``data``.
        script: runs when all the rest is there.
    """
    parts = []
    if data is not None:
        parts.append(f'<script type="application/json" id="data">{inline_json(data)}</script>')
    if script is not None:
        parts.append(f"<script>{script}</script>")
    return _DOCUMENT.substitute(
        title=escape(title), policy=escape(POLICY), style=style, body=body, data="\n".join(parts)
    )


def inline_json(data: Any) -> str:
    """JSON that ends no script element, whatever words are in it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], numbers: Sequence[int] = ()) -> str:
    """A table of plain text.

    Args:
        headings: of the columns.
        rows: of cells; None is an empty one, ``Markup`` is HTML already.
        numbers: columns that hold numbers.
    """
    head = "".join(f"<th{_kind(place, numbers)}>{escape(one)}</th>" for place, one in enumerate(headings))
    body = "".join(
        "<tr>"
        + "".join(f"<td{_kind(place, numbers)}>{text(one)}</td>" for place, one in enumerate(row))
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


class Markup(str):
    """HTML, escaped already."""

    __slots__ = ()


def text(value: object) -> str:
    """A value as HTML: ``Markup`` as it is, all else escaped."""
    if isinstance(value, Markup):
        return value
    return "" if value is None else escape(str(value))


def _kind(place: int, numbers: Sequence[int]) -> str:
    return ' class="number"' if place in numbers else ""
