"""``myosem map``: the library as a picture to zoom into."""

from pathlib import Path
from typing import Annotated

import typer

from myosem.cli import options
from myosem.errors import UsageError


def map(  # noqa: A001  (the command's name)
    *,
    library: options.LibraryOption = None,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The page to write.")] = Path(
        "map.html"
    ),
    where: options.WhereOption = None,
    most: Annotated[
        int, typer.Option("--most", metavar="N", help="How many segments at most; of more, some at random.")
    ] = 100_000,
    thumbnails: Annotated[
        bool, typer.Option("--thumbnails/--no-thumbnails", help="Whether a point shows its signal.")
    ] = True,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="Also draw it as a .png, .svg or .pdf."),
    ] = None,
    model: options.ModelOption = None,
) -> None:
    """Draw the library as a page to zoom into: near is alike."""
    if out.suffix.lower() not in {".html", ".htm"}:
        raise UsageError("the page's file name needs a known ending", got=out.name, expected=".html")
    options.check_output(out)
    if plot is not None:
        from myosem.pictures import check_picture_path

        check_picture_path(plot)
    engine = options.open_engine(options.library_path(library), model)
    from myosem.library_map import library_map
    from myosem.map_page import map_page, note
    from myosem.store import replace_text

    found = library_map(engine, where, most=most, thumbnails=thumbnails)
    replace_text(out, map_page(found))
    if plot is not None:
        from myosem.map_pictures import plot_map

        plot_map(found, plot)
    typer.echo(f"{out}: {note(found)}")
