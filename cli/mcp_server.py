"""``myosem mcp``: the engine as tools for language-model clients, over standard input and output."""

import os
from typing import Annotated

import typer

from myosem.cli import options
from myosem.extras import require_mcp


def mcp(
    *,
    library: options.LibraryOption = None,
    allow_files: Annotated[
        bool, typer.Option("--allow-files", help="Let the client also name files of this computer.")
    ] = False,
    model: options.ModelOption = None,
) -> None:
    """Offer one library to a language-model client as MCP tools (needs the extra [mcp])."""
    require_mcp()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from myosem.cli.mcp_tools import make_server
    from myosem.cli.web.state import Engines

    engines = Engines(options.library_path(library), options.open_model(model))
    try:
        make_server(engines, allow_files=allow_files).run("stdio")
    finally:
        engines.close()
