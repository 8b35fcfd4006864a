"""``myosem queries``: what was saved with ``myosem search --save``."""

import json
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from myosem.cli import options
from myosem.cli.render import Column, colour_wanted, table, terminal_width
from myosem.errors import UsageError

if TYPE_CHECKING:
    from myosem.query_files import SavedQuery


def queries(
    action: Annotated[Literal["list", "remove"], typer.Argument(help="What to do.")] = "list",
    name: Annotated[str | None, typer.Argument(help="Which one to remove.")] = None,
    *,
    library: options.LibraryOption = None,
    as_json: options.JsonOption = False,
) -> None:
    """List the queries saved in a library, or remove one."""
    from myosem.query_files import remove_query, saved_queries

    path = options.library_path(library)
    if action == "list":
        if name is not None:
            raise UsageError("all saved queries are listed", got=name, hint=f"myosem search @{name}")
        found = saved_queries(path)
        listed = {one: saved.to_plain() for one, saved in found.items()}
        typer.echo(json.dumps(listed, ensure_ascii=False) if as_json else _listing(found))
        return
    if name is None:
        raise UsageError("there is nothing to remove", expected="a name", hint="myosem queries list")
    remove_query(path, name.removeprefix("@"))
    typer.echo(f"removed @{name.removeprefix('@')}", err=True)


def _listing(found: "dict[str, SavedQuery]") -> str:
    if not found:
        return "no saved queries; myosem search QUERY --save NAME"
    columns = [
        *(
            Column("name"),
            Column("query", minimum=12),
            Column("like", minimum=8),
            Column("unlike", minimum=8),
        ),
        *(Column("where", minimum=10), Column("-k", "right"), Column("")),
    ]
    rows = [
        [
            *(f"@{name}", one.query, ", ".join(one.like), ", ".join(one.unlike), one.where, one.k),
            " ".join(["diverse"] * one.diverse + ["not merged"] * (one.merge is False)),
        ]
        for name, one in found.items()
    ]
    return table(columns, rows, width=terminal_width(), colour=colour_wanted())
