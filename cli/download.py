"""``myosem download``: public data sets, their licence shown and accepted first."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from myosem.cli.progress import progress_bar
from myosem.cli.render import Column, colour_wanted, plural, table, terminal_width
from myosem.errors import UsageError

if TYPE_CHECKING:
    from myosem.download import DataSet, Entry

AcceptOption = Annotated[
    bool, typer.Option("--accept-licence", help="Accept the terms that are shown, without being asked.")
]


def download(
    name: Annotated[str | None, typer.Argument(help="The data set, as its reader is called.")] = None,
    *,
    subset: Annotated[str, typer.Option("--subset", help="all, or small: enough to try things.")] = "all",
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="Where to; ./NAME by default.")
    ] = None,
    accept_licence: AcceptOption = False,
    as_list: Annotated[bool, typer.Option("--list", help="Print what there is.")] = False,
) -> None:
    """Fetch a public data set; each file is checked, and a cut is gone on from."""
    from myosem.download import download as fetch
    from myosem.download import files_of, find_data_set

    if as_list or name is None:
        typer.echo(listing())
        return
    known, entries, folder = find_data_set(name), files_of(name, subset), to or Path(name)
    typer.echo(terms(name, known, entries, subset))
    check_accepted(accept_licence)
    with progress_bar() as progress:
        fetch(str(known.address), entries, folder, progress, f"fetching {name}")
    typer.echo(
        f"{plural(len(entries), 'file')} in {folder}; try: myosem ingest {folder} --library {name}-lib"
    )


def listing() -> str:
    """A line for each data set."""
    from myosem.download import data_sets, files_of

    rows = []
    for name, known in data_sets().items():
        entries = files_of(name) if known.address else []
        where = f"{len(entries)} files, {megabytes(entries)}: {known.about}" if entries else str(known.page)
        rows.append([name, where, known.licence])
    columns = [
        Column("name"),
        Column("what is fetched, or where to go", minimum=20),
        Column("licence", minimum=12),
    ]
    return table(columns, rows, width=terminal_width(), colour=colour_wanted())


def terms(name: str, known: "DataSet", entries: "list[Entry]", subset: str) -> str:
    """What is shown before anything is fetched."""
    lines = [
        f"{known.title}",
        f"from     https://github.com/{known.repository}, commit {known.commit}",
        f"files    {len(entries)}, {megabytes(entries)}" + (" (small subset)" if subset == "small" else ""),
        f"licence  {known.licence}",
        f"cite     {known.cite}",
    ]
    if known.licence == "none stated":
        lines.append("Without a licence it is not free to share: ask its authors before you do.")
    return "\n".join(lines)


def check_accepted(accepted: bool) -> None:
    """Ask for the licence on a terminal. Raises UsageError where it is not accepted."""
    if accepted:
        return
    if not sys.stdin.isatty():
        raise UsageError("the licence is not accepted: nothing was fetched", hint="--accept-licence")
    if not typer.confirm("Do you accept these terms?"):
        raise UsageError("the licence is not accepted: nothing was fetched")


def megabytes(entries: "list[Entry]") -> str:
    """Their size for people."""
    return f"{sum(entry.size for entry in entries) / 1e6:.1f} MB"
