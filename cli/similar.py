"""``myosem similar``: a stretch of EMG in, moments like it out."""

from typing import Annotated

import typer

from myosem.cli import options
from myosem.cli.hits import check_formats, show


def similar(
    source: Annotated[str, typer.Argument(help="A segment, recording or source of the library, or a file.")],
    *,
    start: options.StartOption = None,
    end: options.EndOption = None,
    library: options.LibraryOption = None,
    k: options.CountOption = 10,
    where: options.WhereOption = None,
    diverse: options.DiverseOption = False,
    merge: options.MergeOption = None,
    as_json: options.JsonOption = False,
    csv: options.CsvOption = False,
    plot: options.PlotOption = None,
    explain: options.ExplainOption = False,
    recording: options.RecordingOption = None,
    mapping: options.MappingOption = None,
    model: options.ModelOption = None,
) -> None:
    """Find moments that look like a stretch of EMG.

    The stretch itself, and whatever overlaps it, is left out.
    """
    check_formats(as_json, csv, plot)
    engine = options.open_engine(library, model)
    result = engine.similar(
        source,
        start,
        end,
        k,
        where,
        recording=recording,
        mapping=mapping,
        diverse=diverse,
        merge=merge is not False,
        explain=explain,
    )
    show(engine, result, as_json=as_json, csv=csv, plot=plot)
