"""``myosem verify`` and ``myosem prune``: is a library whole, and what of it is old."""

from typing import Annotated

import typer

from myosem.cli import options
from myosem.cli.render import plural


def verify(*, library: options.LibraryOption = None) -> None:
    """Compare all files of a library with their checksums."""
    from myosem.library import Library

    opened = Library.open(options.library_path(library))
    opened.verify()
    count = plural(opened.manifest.recordings, "recording")
    typer.echo(f"{opened.path}, version {opened.version}: {count}, every checksum holds")


def prune(
    *,
    library: options.LibraryOption = None,
    keep: Annotated[int, typer.Option("--keep", metavar="N", help="How many versions stay.")] = 1,
) -> None:
    """Remove old versions of a library."""
    from myosem.library import Library

    opened = Library.open(options.library_path(library))
    removed = opened.prune(keep)
    typer.echo(f"{opened.path}: removed {plural(len(removed), 'old version')}")
