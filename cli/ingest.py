"""``myosem ingest`` and ``myosem index``: recordings into a library, and their vectors anew."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from myosem.cli import options
from myosem.cli.info import MOST_LEFT_OUT, dataset_table
from myosem.cli.progress import progress_bar
from myosem.cli.render import colour_wanted, plural, terminal_width

if TYPE_CHECKING:
    from myosem.ingest import IngestReport

UNREAD = 2


def ingest(
    sources: Annotated[list[str], typer.Argument(help="Files, folders and .zip archives.")],
    *,
    library: options.LibraryOption = None,
    reader: options.ReaderOption = None,
    mapping: options.MappingOption = None,
    no_index: Annotated[
        bool, typer.Option("--no-index", help="Store only; myosem index makes it searchable later.")
    ] = False,
    model: options.ModelOption = None,
) -> None:
    """Put recordings into a library and make them searchable."""
    from myosem.ingest import ingest as run

    encoder = None if no_index else options.open_model(model)
    target = library or options.DEFAULT_LIBRARY
    with progress_bar() as progress:
        report = run(target, sources, model=encoder, reader=reader, mapping=mapping, progress=progress)
    summarise(report, target)


def index(
    *,
    library: options.LibraryOption = None,
    backend: Annotated[
        str | None,
        typer.Option(
            "--backend", metavar="NAME", help="The index from now on: flat, hnsw, ivf, ivfpq, or auto."
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Only say which index it is to be and why; change nothing.")
    ] = False,
    model: options.ModelOption = None,
) -> None:
    """Embed a library again with the model in use, or give it another index."""
    target = options.library_path(library)
    if explain:
        typer.echo(_explained(target, backend, model))
        return
    from myosem.ingest import reindex
    from myosem.library import Library

    encoder = options.open_model(model)
    with progress_bar() as progress:
        report = reindex(target, encoder, backend=backend, progress=progress)
    segments = sum(one.segments for one in report.summary.datasets)
    manifest = Library.open(target).manifest
    typer.echo(f"{target}, version {report.version}: {plural(segments, 'segment')} indexed by {encoder.name}")
    typer.echo(f"{manifest.backend}: {manifest.backend_reason}")


def _explained(path: Path, backend: str | None, model: Path | None) -> str:
    """The index a library has, and the one that ``index`` would make."""
    from myosem.index import AUTO, backend_named, choose
    from myosem.library import Library

    if backend not in {None, AUTO}:
        backend_named(str(backend))
    manifest = Library.open(path).manifest
    dimension = manifest.dimension or options.open_model(model).dimension
    asked = backend or (manifest.backend if manifest.backend_asked else AUTO)
    choice = choose(manifest.segments, dimension, asked)
    now = manifest.backend if manifest.indexed else "none"
    return (
        f"{path}, version {manifest.version}: {plural(manifest.segments, 'segment')}, index {now}\n"
        f"{choice.backend}: {choice.reason}"
    )


def summarise(report: "IngestReport", library: Path) -> None:
    """Print what was understood on stdout and what went wrong on stderr; exit with 2 where something did."""
    typer.echo(dataset_table(report.summary.datasets, width=terminal_width(), colour=colour_wanted()))
    typer.echo(f"{library}, version {report.version}: {', '.join(_counts(report))}")
    left_out = [*report.failed, *report.skipped]
    for one in left_out[:MOST_LEFT_OUT]:
        reason = (one.reason or "").removeprefix(f"{one.source}: ")
        typer.echo(f"{one.status}: {one.source}: {reason}", err=True)
    if len(left_out) > MOST_LEFT_OUT:
        more = len(left_out) - MOST_LEFT_OUT
        typer.echo(f"and {more:,} more: myosem info --library {library} --json", err=True)
    if report.failed:
        count = plural(len(report.failed), "source")
        typer.echo(f"myosem: error: {count} could not be read; everything else is published", err=True)
        raise typer.Exit(UNREAD)


def _counts(report: "IngestReport") -> list[str]:
    counts = [plural(report.stored, "new recording")]
    if report.unchanged:
        counts.append(f"{plural(report.unchanged, 'source')} unchanged")
    if report.duplicates:
        counts.append(f"{plural(len(report.duplicates), 'duplicate')} stored once")
    if report.skipped:
        counts.append(f"{len(report.skipped):,} skipped")
    if report.failed:
        counts.append(f"{len(report.failed):,} failed")
    return counts
