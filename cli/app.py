"""The Typer app: one function a command, in the order the help lists them."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Annotated, Any

import typer

from myosem import __version__
from myosem.cli.bids import bids
from myosem.cli.demo import demo
from myosem.cli.describe import describe
from myosem.cli.download import download
from myosem.cli.info import info
from myosem.cli.ingest import index, ingest
from myosem.cli.inspect import inspect
from myosem.cli.label import label
from myosem.cli.map import map as draw_map
from myosem.cli.mcp_server import mcp
from myosem.cli.queries import queries
from myosem.cli.report import report
from myosem.cli.search import search
from myosem.cli.serve import serve
from myosem.cli.similar import similar
from myosem.cli.stream import stream
from myosem.cli.timeline import timeline
from myosem.cli.tokens import tokens
from myosem.cli.upkeep import prune, verify

app = typer.Typer(
    name="myosem",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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


COMMANDS: list[Callable[..., Any]] = [
    search,
    demo,
    download,
    ingest,
    describe,
    similar,
    queries,
    label,
    timeline,
    draw_map,
    report,
    stream,
    serve,
    mcp,
    info,
    inspect,
    bids,
    tokens,
    index,
    verify,
    prune,
]
TRAINING = ["pretrain", "ground", "train", "evaluate", "benchmark", "export"]

for command in COMMANDS:
    app.command(command.__name__)(command)
for name in TRAINING:
    if find_spec(f"myosem.cli.{name}"):
        app.command(name)(getattr(import_module(f"myosem.cli.{name}"), name))
