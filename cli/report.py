"""``myosem report``: a page about a recording, a session or a search that opens offline and prints."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from myosem.cli import options
from myosem.cli.label import read_candidates
from myosem.errors import UsageError

if TYPE_CHECKING:
    from myosem.search import Engine


def report(
    source: Annotated[
        str | None, typer.Argument(help="A file, or a recording or source of the library.")
    ] = None,
    *,
    search: Annotated[
        str | None, typer.Option("--search", metavar="QUERY", help="A report on a search instead.")
    ] = None,
    query: Annotated[
        list[str] | None,
        typer.Option("--query", "-q", metavar="QUERY", help="What to look for in SOURCE; may be repeated."),
    ] = None,
    candidates: Annotated[
        Path | None,
        typer.Option("--candidates", metavar="FILE", help="Labels to choose from, one phrase a line."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The page to write.")] = Path(
        "report.html"
    ),
    library: options.LibraryOption = None,
    recording: options.RecordingOption = None,
    mapping: options.MappingOption = None,
    k: Annotated[int, typer.Option("-k", metavar="N", help="How many hits of --search at most.")] = 10,
    where: options.WhereOption = None,
    model: options.ModelOption = None,
) -> None:
    """Write a page about a recording or session, or about a search."""
    if (source is None) == (search is None):
        raise UsageError("a report is about a SOURCE or about a --search", expected="one of them")
    if out.suffix.lower() not in {".html", ".htm"}:
        raise UsageError("the page's file name needs a known ending", got=out.name, expected=".html")
    options.check_output(out)
    phrases = read_candidates(candidates) if candidates is not None else []
    engine = options.open_engine(library, model, source)
    made = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    if search is not None:
        text = _of_search(engine, search, k, where, made)
    else:
        from myosem.report import session_report
        from myosem.report_page import session_page

        found = session_report(
            engine, source or "", query or [], phrases, recording=recording, mapping=mapping
        )
        text = session_page(found, made)
    from myosem.store import replace_text

    replace_text(out, text)
    typer.echo(str(out))


def _of_search(engine: "Engine", query: str, k: int, where: str | None, made: str) -> str:
    from myosem.report import ModelCard
    from myosem.report_page import search_page

    result = engine.search(query, k=k, where=where)
    return search_page(result, engine.recordings(result.hits), ModelCard.of(engine.model), made)
