"""``myosem timeline``: how near a recording comes to some words as time goes on."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from myosem.cli import options
from myosem.cli.hits import check_formats
from myosem.cli.render import as_csv, colour_wanted, terminal_width
from myosem.errors import UsageError


def timeline(
    source: Annotated[str, typer.Argument(help="A file, or a segment, recording or source of the library.")],
    queries: Annotated[list[str], typer.Argument(metavar="QUERY...", help="What to look for, one or more.")],
    *,
    library: options.LibraryOption = None,
    recording: options.RecordingOption = None,
    mapping: options.MappingOption = None,
    k: Annotated[int, typer.Option("-k", metavar="N", help="How many moments of each query to print.")] = 3,
    step: Annotated[
        float | None,
        typer.Option("--step", metavar="S", help="Also slide a window of 1 s along, every S seconds; slow."),
    ] = None,
    as_json: options.JsonOption = False,
    csv: options.CsvOption = False,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="Also draw it as a .png, .svg or .pdf."),
    ] = None,
    model: options.ModelOption = None,
) -> None:
    """Show how near a recording comes to some words as time goes on."""
    check_formats(as_json, csv, plot)
    if k < 0:
        raise UsageError("-k says how many moments to print", got=k, expected="0 or more")
    engine = options.open_engine(library, model, source)
    from myosem.cli.strip import FIELDS, listing, rows
    from myosem.timeline import timeline as score

    found = score(engine, source, queries, recording=recording, mapping=mapping, step_s=step)
    if plot is not None:
        from myosem.timeline_pictures import plot_timeline

        plot_timeline(found, plot)
    if as_json:
        typer.echo(json.dumps(asdict(found), ensure_ascii=False))
    elif csv:
        typer.echo(as_csv(rows(found), FIELDS), nl=False)
    else:
        typer.echo(listing(found, k=k, width=terminal_width(), colour=colour_wanted()))
