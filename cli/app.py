"""The Typer app: one function a command, in the order the help lists them.

A command's module is loaded when that command is wanted: all of them together take a tenth of a search.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from myosem import __version__

CONTEXT = {"help_option_names": ["-h", "--help"]}
MODULES = {
    "search": "search",
    "demo": "demo",
    "download": "download",
    "ingest": "ingest",
    "describe": "describe",
    "similar": "similar",
    "queries": "queries",
    "label": "label",
    "timeline": "timeline",
    "map": "map",
    "report": "report",
    "stream": "stream",
    "serve": "serve",
    "mcp": "mcp_server",
    "info": "info",
    "inspect": "inspect",
    "bids": "bids",
    "tokens": "tokens",
    "index": "ingest",
    "verify": "upkeep",
    "prune": "upkeep",
    "model": "model",
    "pretrain": "pretrain",
    "ground": "ground",
    "train": "train",
    "evaluate": "evaluate",
    "benchmark": "benchmark",
    "export": "export",
}
"""Command -> the module of ``myosem.cli`` that has a function, or an app of several, of its name."""
TRAINING = ("pretrain", "ground", "train", "evaluate", "benchmark", "export")
"""What needs the extra [train]."""


class _Commands(Mapping[str, Any]):
    """Commands by name, each made when it is asked for."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            found = getattr(import_module(f"myosem.cli.{MODULES[name]}"), name)
            if not isinstance(found, typer.Typer):
                single = make_app(name)
                single.command(name)(found)
                found = single
            self._made[name] = typer.main.get_command(found)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(MODULES)

    def __len__(self) -> int:
        return len(MODULES)


class _Group(TyperGroup):
    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = _Commands()  # type: ignore[assignment]


def make_app(name: str, **more: Any) -> typer.Typer:
    """An app that looks as all of MyoSem does."""
    return typer.Typer(
        name=name,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings=CONTEXT,
        **more,
    )


app = make_app("myosem", cls=_Group, no_args_is_help=True)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"myosem {__version__}")
        raise typer.Exit


@app.callback()
def myosem(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """The search engine for muscle activity: find moments in EMG recordings with plain words."""
