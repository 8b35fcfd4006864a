"""``myosem info``: what is in a library."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from myosem.cli import options
from myosem.cli.render import Column, colour_wanted, plural, shorten, styled, table, terminal_width

if TYPE_CHECKING:
    from myosem.catalogue import DatasetSummary, SourceRow
    from myosem.library import Library

MOST_LEFT_OUT = 12


def info(*, library: options.LibraryOption = None, as_json: options.JsonOption = False) -> None:
    """Show what is in a library."""
    from myosem.library import Library

    opened = Library.open(options.library_path(library))
    if as_json:
        typer.echo(json.dumps(facts(opened), ensure_ascii=False))
        return
    typer.echo(listing(opened, width=terminal_width(), colour=colour_wanted()))


def facts(library: "Library") -> dict[str, Any]:
    """Everything ``info`` prints, as plain values."""
    manifest, summary = library.manifest, library.summary()
    return {
        "library": str(library.path),
        "version": library.version,
        "created": manifest.created,
        "model": manifest.model,
        "recordings": manifest.recordings,
        "segments": manifest.segments,
        "datasets": [asdict(one) for one in summary.datasets],
        "left_out": [
            {"source": one.source, "status": one.status, "reason": one.reason} for one in summary.left_out
        ],
    }


def listing(library: "Library", *, width: int, colour: bool) -> str:
    """The library as text: a table of data sets, and what was left out."""
    manifest, summary = library.manifest, library.summary()
    model = f"indexed by {manifest.model}" if manifest.indexed else "not indexed"
    heading = f"{library.path}, version {library.version} of {manifest.created}, {model}"
    parts = [styled(heading, "1", colour)]
    if summary.datasets:
        parts += ["", dataset_table(summary.datasets, width=width, colour=colour)]
    else:
        parts.append("nothing in it yet")
    parts += left_out(summary.left_out, width=width, colour=colour)
    return "\n".join(parts)


def dataset_table(datasets: "tuple[DatasetSummary, ...]", *, width: int, colour: bool) -> str:
    """One line a data set: what was understood of it."""
    columns = [
        Column("dataset", minimum=8),
        Column("recordings", "right"),
        Column("people", "right"),
        Column("sessions", "right"),
        Column("segments", "right"),
        Column("hours", "right"),
        Column("ch", "right"),
        Column("Hz", "right"),
        Column("labels", "right"),
        Column(""),
    ]
    rows = [
        [
            one.dataset,
            one.recordings,
            one.people,
            one.sessions,
            one.segments,
            f"{one.hours:.2f}",
            ", ".join(str(count) for count in one.channels),
            ", ".join(f"{rate:g}" for rate in one.rates_hz),
            len(one.labels),
            "simulated" if one.simulated else "",
        ]
        for one in datasets
    ]
    return table(columns, rows, width=width, colour=colour)


def left_out(sources: "tuple[SourceRow, ...]", *, width: int, colour: bool) -> list[str]:
    """Lines that say which sources are not in the library and why."""
    if not sources:
        return []
    lines = ["", styled(f"{plural(len(sources), 'source')} left out", "2", colour)]
    for one in sources[:MOST_LEFT_OUT]:
        lines.append(f"  {one.status:9}  {shorten(one.source, max(width // 2, 20))}: {one.reason or ''}")
    if len(sources) > MOST_LEFT_OUT:
        lines.append(f"  and {len(sources) - MOST_LEFT_OUT:,} more: myosem info --json")
    return lines
