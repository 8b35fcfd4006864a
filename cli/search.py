"""``myosem search``: words in, moments out."""

from typing import Annotated

import typer

from myosem.cli import options
from myosem.cli.hits import check_formats, show


def search(
    query: Annotated[str, typer.Argument(help="What to look for, in plain words.")],
    *,
    library: options.LibraryOption = None,
    k: options.CountOption = 10,
    where: options.WhereOption = None,
    as_json: options.JsonOption = False,
    csv: options.CsvOption = False,
    plot: options.PlotOption = None,
    explain: options.ExplainOption = False,
    nearest: Annotated[bool, typer.Option("--all", help="Show also what is near but does not fit.")] = False,
    model: options.ModelOption = None,
) -> None:
    """Find the moments that match a description."""
    check_formats(as_json, csv, plot)
    engine = options.open_engine(library, model)
    result = engine.search(query, k=k, where=where, explain=explain)
    show(engine, result, as_json=as_json, csv=csv, plot=plot, nearest=nearest)
