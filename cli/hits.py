"""Hits of a search the way a person, a spreadsheet or a program wants them."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from myosem.cli.explained import explained_hits, meaning
from myosem.cli.render import (
    Column,
    as_csv,
    colour_wanted,
    plural,
    seconds,
    shorten,
    styled,
    table,
    terminal_width,
)
from myosem.errors import UsageError

if TYPE_CHECKING:
    from myosem.records import Recording
    from myosem.search import Engine, Hit, SearchResult

FIELDS = (
    *("rank", "score", "segment", "recording", "source", "dataset", "subject", "session"),
    *("start_s", "end_s", "label", "simulated", "fits", "segments"),
)
SPARK_WIDTH = 24
WIDE = 110


def check_formats(as_json: bool, csv: bool, plot: Path | None) -> None:
    """Refuse contradicting formats before anything is searched.

    Raises:
        UsageError: two formats at once, or a picture that cannot be written.
    """
    if as_json and csv:
        raise UsageError("--json and --csv cannot both be printed", expected="one of them")
    if plot is not None:
        from myosem.pictures import check_picture_path

        check_picture_path(plot)


def show(
    engine: "Engine",
    result: "SearchResult",
    *,
    as_json: bool,
    csv: bool = False,
    plot: Path | None = None,
    nearest: bool = True,
) -> None:
    """Print a result in the format asked for, and draw it where asked.

    Args:
        engine: the result is from.
        result: JSON and CSV hold all of it.
        as_json: print JSON.
        csv: print CSV.
        plot: where to draw.
        nearest: show and draw hits that do not fit as well.
    """
    shown = _shown(result, nearest)
    if as_json:
        typer.echo(json.dumps(asdict(result), ensure_ascii=False))
    elif csv:
        typer.echo(as_csv(map(_csv_row, result.hits), FIELDS), nl=False)
    else:
        typer.echo(_listing(engine, result, shown))
    if plot is not None:
        draw(engine, shown, plot)


def show_many(
    engine: "Engine", results: "Sequence[SearchResult]", *, as_json: bool, csv: bool, nearest: bool
) -> None:
    """Print several results: one JSON object a line, one CSV of all hits, or one table after another.

    Args:
        engine: the results are from.
        results: JSON and CSV hold all of them.
        as_json: print JSON.
        csv: print CSV, with the name and the text of the query before each hit.
        nearest: show hits that do not fit as well.
    """
    if as_json:
        for result in results:
            typer.echo(json.dumps(asdict(result), ensure_ascii=False))
    elif csv:
        fields = ("name", "query", *FIELDS)
        rows = (
            {"name": one.name, "query": one.query, **_csv_row(hit)} for one in results for hit in one.hits
        )
        typer.echo(as_csv(rows, fields), nl=False)
    else:
        typer.echo("\n\n".join(_listing(engine, one, _shown(one, nearest)) for one in results))


def _shown(result: "SearchResult", nearest: bool) -> "SearchResult":
    return result if nearest else replace(result, hits=[hit for hit in result.hits if hit.fits])


def _csv_row(hit: "Hit") -> dict[str, object]:
    return {name: getattr(hit, name) for name in FIELDS} | {"segments": " ".join(hit.segments)}


def _listing(engine: "Engine", result: "SearchResult", shown: "SearchResult") -> str:
    hidden = len(result.hits) - len(shown.hits)
    recordings = engine.recordings(shown.hits)
    return listing(shown, recordings, hidden=hidden, width=terminal_width(), colour=colour_wanted())


def draw(engine: "Engine", result: "SearchResult", path: Path) -> None:
    """Draw hits, with why they are some where that was asked for."""
    from myosem.pictures import plot_explained, plot_hits

    recordings = engine.recordings(result.hits)
    explained = any(hit.explanation for hit in result.hits)
    (plot_explained if explained else plot_hits)(result, recordings, path)
    typer.echo(f"wrote {path}", err=True)


def listing(
    result: "SearchResult", recordings: "list[Recording]", *, hidden: int = 0, width: int, colour: bool
) -> str:
    """Hits as a table, or as two lines each where the terminal is narrow; then why, where it is known.

    Args:
        result: what to show.
        recordings: the recording of each hit.
        hidden: how many more hits were found that do not fit.
        width: columns of the terminal.
        colour: whether to style.
    """
    nothing = f"nothing in {result.library} fits {result.asked}"
    if not result.hits:
        return f"{nothing}; --all shows the nearest" if hidden else "no hits"
    sparks = [spark(hit, one, colour) for hit, one in zip(result.hits, recordings, strict=True)]
    lines = [] if result.confident else [f"{nothing}; the nearest:"]
    lines.append(
        _table(result, sparks, width, colour) if width >= WIDE else _cards(result, sparks, width, colour)
    )
    if result.meaning is not None:
        lines.append(meaning(result.asked, result.meaning, width=width))
    lines += explained_hits(result.hits, width=width, colour=colour)
    return "\n".join([*lines, styled(_closing(result, hidden), "2", colour)])


def spark(hit: "Hit", recording: "Recording", colour: bool) -> str:
    """The hit's envelope between two bars, with half its length of context on either side."""
    import numpy as np

    from myosem.cli.sparkline import envelope, sparkline

    context_s = (hit.end_s - hit.start_s) / 2
    edges_s = np.linspace(hit.start_s - context_s, hit.end_s + context_s, SPARK_WIDTH + 1)
    blocks = sparkline(envelope(recording, edges_s))
    quarter = SPARK_WIDTH // 4
    before, inside, after = blocks[:quarter], blocks[quarter:-quarter], blocks[-quarter:]
    return f"{styled(before, '2', colour)}│{styled(inside, '36', colour)}│{styled(after, '2', colour)}"


def _table(result: "SearchResult", sparks: list[str], width: int, colour: bool) -> str:
    columns = [
        Column("#", "right"),
        Column("score", "right"),
        Column("dataset", minimum=8),
        Column("subject", minimum=7),
        Column("session", minimum=7),
        Column("start-end (s)", "right"),
        Column("label", minimum=10),
        Column(""),
    ]
    rows = [
        [
            *(hit.rank, f"{hit.score:.3f}", hit.dataset, hit.subject, hit.session, _times(hit), hit.label),
            " ".join(_remarks(hit)),
        ]
        for hit in result.hits
    ]
    lines = table(columns, rows, width=width - SPARK_WIDTH - 4).split("\n")
    longest = max(len(line) for line in lines)
    heading = styled(f"{lines[0]:{longest}}  signal", "2", colour)
    body = [f"{line:{longest}}  {mark}".rstrip() for line, mark in zip(lines[1:], sparks, strict=True)]
    return "\n".join([heading, *body])


def _cards(result: "SearchResult", sparks: list[str], width: int, colour: bool) -> str:
    lines = []
    for hit, mark in zip(result.hits, sparks, strict=True):
        label = shorten(hit.label or "-", max(width - SPARK_WIDTH - 16, 8))
        room = max(width - SPARK_WIDTH - 16, 8)
        lines.append(
            f"{hit.rank:3d}  {hit.score:6.3f}  {styled(f'{label:{room}}', '1', colour)} {mark}".rstrip()
        )
        place = [hit.dataset, hit.subject, hit.session, f"{_times(hit)} s"]
        place += _remarks(hit)
        lines.append(f"{'':13}{shorten(' · '.join(place), width - 13)}")
    return "\n".join(lines)


def _times(hit: "Hit") -> str:
    return f"{seconds(hit.start_s)}-{seconds(hit.end_s)}"


def _remarks(hit: "Hit") -> list[str]:
    parts = [plural(len(hit.segments), "segment")] * (len(hit.segments) > 1)
    return parts + ["simulated"] * hit.simulated + ["does not fit"] * (not hit.fits)


def _closing(result: "SearchResult", hidden: int) -> str:
    name = f"{result.name}: " if result.name else ""
    notes = [f"version {result.version}"]
    if result.how:
        notes.append(f"{'exact' if result.exact else 'approximate'}: {result.how}")
    if all(hit.simulated for hit in result.hits):
        notes.append("all simulated")
    if hidden:
        notes.append(f"{hidden} nearest that do not fit: --all")
    found = f"{plural(len(result.hits), 'hit')} for {result.asked} in {result.library}"
    return f"{name}{found}, {' · '.join(notes)}"
