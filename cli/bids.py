"""``myosem bids``: a library as a data set in the Brain Imaging Data Structure."""

from pathlib import Path
from typing import Annotated

import typer

from myosem.cli import options
from myosem.cli.label import read_candidates
from myosem.cli.render import plural


def bids(
    out: Annotated[Path, typer.Argument(help="A new or empty folder for the data set.")],
    *,
    library: options.LibraryOption = None,
    where: options.WhereOption = None,
    candidates: Annotated[
        Path | None,
        typer.Option(
            "--candidates",
            metavar="FILE",
            help="Phrases, one a line, to label recordings with that have no labels.",
        ),
    ] = None,
    model: options.ModelOption = None,
) -> None:
    """Write a library as an EMG-BIDS data set (needs the extra [formats])."""
    from myosem.bids import export_bids
    from myosem.library import Library

    options.check_output(out, folder=True)
    phrases = [] if candidates is None else read_candidates(candidates)
    encoder = options.open_model(model) if phrases else None
    source = Library.open(options.library_path(library))
    report = export_bids(source, out, where=where, model=encoder, candidates=phrases)
    counts = f"{plural(report.recordings, 'recording')} of {plural(report.subjects, 'subject')}"
    typer.echo(f"{out}: {counts}; labels: {report.recorded:,} recorded, {report.zero_shot:,} zero-shot")
    typer.echo(f"check it: bids-validator {out}")
