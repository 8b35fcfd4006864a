"""``myosem search``: words in, moments out; one search, a saved one, or a file of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from myosem.cli import options
from myosem.cli.hits import check_formats, show, show_many
from myosem.errors import UsageError

if TYPE_CHECKING:
    from myosem.query_files import SavedQuery
    from myosem.search import Engine, Query, SearchResult

QueryArgument = Annotated[
    str, typer.Argument(metavar="[QUERY]", help="What to look for, in plain words; @NAME for a saved query.")
]
CountOption = Annotated[
    int | None, typer.Option("-k", metavar="N", help="How many to print at most; 10 by default.")
]
QueriesOption = Annotated[
    Path | None, typer.Option("--queries", metavar="FILE", help="Search for each query of this file.")
]
SaveOption = Annotated[
    str | None, typer.Option("--save", metavar="NAME", help="Keep this query in the library as @NAME.")
]


def search(
    query: QueryArgument = "",
    *,
    library: options.LibraryOption = None,
    k: CountOption = None,
    where: options.WhereOption = None,
    like: options.LikeOption = None,
    unlike: options.UnlikeOption = None,
    more: options.MoreOption = None,
    less: options.LessOption = None,
    diverse: options.DiverseOption = False,
    merge: options.MergeOption = None,
    queries: QueriesOption = None,
    save: SaveOption = None,
    as_json: options.JsonOption = False,
    csv: options.CsvOption = False,
    plot: options.PlotOption = None,
    explain: options.ExplainOption = False,
    nearest: Annotated[bool, typer.Option("--all", help="Show also what is near but does not fit.")] = False,
    model: options.ModelOption = None,
) -> None:
    """Find the moments that match a description."""
    check_formats(as_json, csv, plot)
    from myosem.query_files import SavedQuery, check_name, read_queries, save_query, saved_query

    wanted = SavedQuery(query, tuple(like or ()), tuple(unlike or ()), where, k, diverse, merge)
    if queries is not None:
        _refuse_beside({"QUERY": query, "--like": like, "--unlike": unlike, "--more": more, "--less": less})
        _refuse_beside({"--save": save, "--plot": plot})
        listed = read_queries(queries)
        engine = options.open_engine(library, model)
        show_many(engine, _search(listed, engine, wanted, explain), as_json=as_json, csv=csv, nearest=nearest)
        return
    name = query[1:] if query.startswith("@") else None
    if save is not None:
        check_name(save)
    if name is not None:
        wanted = saved_query(options.library_path(library), name).changed(wanted)
    looked_for = wanted.named(name).judged(more or (), less or ())
    looked_for.check()
    engine = options.open_engine(library, model)
    (result,) = _search([looked_for], engine, wanted, explain)
    if save is not None:
        save_query(options.library_path(library), save, wanted)
        typer.echo(f"saved: myosem search @{save}", err=True)
    show(engine, result, as_json=as_json, csv=csv, plot=plot, nearest=nearest)


def _search(
    queries: "Sequence[Query]", engine: "Engine", how: "SavedQuery", explain: bool
) -> "list[SearchResult]":
    """All the queries, with the filter, the number and the choice of hits of one."""
    return engine.search_many(
        queries,
        10 if how.k is None else how.k,
        how.where,
        diverse=how.diverse,
        merge=how.merge is not False,
        explain=explain,
    )


def _refuse_beside(given: "dict[str, object]") -> None:
    """Raise UsageError where --queries stands beside what belongs to a single query."""
    wrong = [name for name, value in given.items() if value]
    if wrong:
        raise UsageError(f"--queries and {wrong[0]} cannot be used together", expected="one of them")
