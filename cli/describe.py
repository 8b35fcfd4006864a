"""``myosem describe``: a stretch of EMG in, words out."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from myosem.cli import options
from myosem.cli.explained import explained, meaning
from myosem.cli.render import Column, colour_wanted, seconds, styled, table, terminal_width

if TYPE_CHECKING:
    from myosem.search import DescribeResult


def describe(
    source: Annotated[str, typer.Argument(help="A file, or a segment, recording or source of the library.")],
    *,
    start: options.StartOption = None,
    end: options.EndOption = None,
    library: options.LibraryOption = None,
    recording: options.RecordingOption = None,
    mapping: options.MappingOption = None,
    model: options.ModelOption = None,
    k: options.CountOption = 5,
    as_json: options.JsonOption = False,
    explain: options.ExplainOption = False,
) -> None:
    """Say in words what a stretch of EMG looks like."""
    engine = options.open_engine(library, model, source)
    result = engine.describe(source, start, end, k, recording=recording, mapping=mapping, explain=explain)
    if as_json:
        typer.echo(json.dumps(asdict(result), ensure_ascii=False))
        return
    typer.echo(listing(result, width=terminal_width(), colour=colour_wanted()))


def listing(result: "DescribeResult", *, width: int, colour: bool) -> str:
    """Ranked descriptions as a table."""
    columns = [
        Column("#", "right"),
        Column("score", "right"),
        Column("action"),
        Column("in words", minimum=16),
    ]
    rows = [[one.rank, f"{one.score:.3f}", one.name, one.text] for one in result.descriptions]
    where = f"{result.recording}, {seconds(result.start_s)}-{seconds(result.end_s)} s"
    lines = [table(columns, rows, width=width, colour=colour)]
    if result.meaning is not None:
        lines.append(meaning("the stretch", result.meaning, width=width))
    if result.explanation is not None:
        lines += [f"  {line}" for line in explained(result.explanation, width=width - 2, colour=colour)]
    return "\n".join([*lines, styled(where, "2", colour)])
