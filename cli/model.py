"""``myosem model``: which models there are, which one is used, and how to get another."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from myosem.cli import options
from myosem.cli.app import make_app
from myosem.cli.render import Column, colour_wanted, table, terminal_width
from myosem.extras import require_hub

model = make_app("model", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(help="A name of the list; packaged is the one that came along.")]
SourceArgument = Annotated[
    str, typer.Argument(metavar="SOURCE", help="OWNER/NAME on the hub, or the folder of a model.")
]
RevisionOption = Annotated[
    str | None, typer.Option("--revision", metavar="REV", help="A branch, tag or commit; main by default.")
]
NameOption = Annotated[
    str | None, typer.Option("--name", metavar="NAME", help="What to call it here; by default as the source.")
]


@model.callback()
def about() -> None:
    """List, choose and fetch models."""


@model.command("list")
def list_models(*, as_json: options.JsonOption = False) -> None:
    """List the packaged model and those of yours, with the numbers their cards state."""
    from myosem.model_choice import models_folder
    from myosem.model_store import MAIN_NUMBERS, kept_models

    found = [one.facts() for one in kept_models()]
    if as_json:
        content = {"folder": str(models_folder()), "in_use": _in_use(), "models": found}
        typer.echo(json.dumps(content, ensure_ascii=False))
        return
    typer.echo(_listing(found, MAIN_NUMBERS))
    _say_what_is_set()


@model.command("use")
def use_model(name: NameArgument) -> None:
    """Make a model the one that commands use where none is named."""
    from myosem.model_store import use

    use(name)
    typer.echo(f"commands use the model {name} now; a library of another one needs: myosem index")
    _say_what_is_set()


@model.command("fetch")
def fetch_model(
    source: SourceArgument,
    *,
    revision: RevisionOption = None,
    name: NameOption = None,
    as_json: options.JsonOption = False,
) -> None:
    """Get a model from the model hub or a folder, check it, and keep it."""
    from myosem.errors import UsageError
    from myosem.model_store import check_name, keep

    folder, commit = Path(source), None
    called = name or Path(source).resolve().name
    check_name(called)
    if folder.is_dir():
        if revision is not None:
            raise UsageError("a folder has no revisions", got=f"--revision {revision}")
    else:
        require_hub()
        if not sys.stderr.isatty():
            os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
        from myosem.hub import fetched

        folder = fetched(source, revision=revision)
        commit = folder.name
    kept = keep(folder, called, source=source if commit else str(folder.resolve()), commit=commit)
    if as_json:
        typer.echo(json.dumps(kept.facts(), ensure_ascii=False))
        return
    typer.echo(f"{kept.name} is in {kept.folder}; try: myosem model use {kept.name}")


def _listing(found: list[dict[str, Any]], numbers: tuple[str, ...]) -> str:
    columns = [
        *(
            Column(""),
            Column("name"),
            Column("model", minimum=8),
            Column("fingerprint"),
            Column("MB", "right"),
        ),
        *(Column(name, "right") for name in numbers),
        *(Column("from", minimum=12), Column("problem", minimum=20)),
    ]
    rows = [
        [
            *("*" if one["in_use"] else "", one["name"], one["model"], (one["fingerprint"] or "")[:12]),
            f"{one['bytes'] / 1e6:.1f}",
            *(one["numbers"].get(name) for name in numbers),
            *(_origin(one), one["problem"]),
        ]
        for one in found
    ]
    return table(columns, rows, width=terminal_width(), colour=colour_wanted())


def _origin(one: dict[str, Any]) -> str:
    source, commit = one["source"], one["commit"]
    return f"{source} at {commit[:12]}" if commit else source or ""


def _in_use() -> str:
    from myosem.model_choice import in_use

    return os.environ.get(options.MODEL_VARIABLE) or in_use()


def _say_what_is_set() -> None:
    """A word where an environment variable says something else."""
    if named := os.environ.get(options.MODEL_VARIABLE):
        typer.echo(f"{options.MODEL_VARIABLE} is set, so commands use {named}", err=True)
