"""``myosem serve``: the engine over HTTP, with a page for people."""

import os
import socket
from typing import TYPE_CHECKING, Annotated

import typer

from myosem.cli import options
from myosem.errors import UsageError
from myosem.extras import require_ui

if TYPE_CHECKING:
    from fastapi import FastAPI

    from myosem.cli.web.state import Engines

HOST, PORT = "127.0.0.1", 8000
ANYWHERE = ("0.0.0.0", "::")
TOKEN_BYTES = 24
SHORTEST_TOKEN = 16
GRACE_S = 10
UPLOAD_MB = 64


def serve(
    *,
    library: options.LibraryOption = None,
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="The address to listen at.")] = HOST,
    port: Annotated[
        int, typer.Option("--port", metavar="N", min=0, max=65535, help="The port; 0 takes a free one.")
    ] = PORT,
    token: Annotated[
        str | None,
        typer.Option(
            "--token",
            envvar="MYOSEM_TOKEN",
            metavar="TEXT",
            help="What a client must know; made up where others can reach the address.",
        ),
    ] = None,
    upload_mb: Annotated[
        int, typer.Option("--upload-mb", metavar="N", min=1, max=1024, help="How large a file may be sent.")
    ] = UPLOAD_MB,
    no_page: Annotated[bool, typer.Option("--no-page", help="Only the API, no page.")] = False,
    model: options.ModelOption = None,
) -> None:
    """Keep a library open for searches over HTTP, and show it in a browser."""
    require_ui()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    token = checked_token(token, host)
    listening = listen(host, port)
    from myosem.cli.web.state import Engines
    from myosem.model import Model
    from myosem.model_choice import chosen

    engines = Engines(options.library_path(library), Model.load(chosen(model), lasting=True))
    try:
        warm(engines)
        app = _app(engines, token, upload_mb, not no_page)
        typer.echo(_greeting(engines, listening, token, not no_page))
        _run(app, listening)
    finally:
        engines.close()


def checked_token(given: str | None, host: str) -> str | None:
    """The token that requests need, None where only this machine can ask and none is given.

    Raises:
        UsageError: a token that is easily guessed.
    """
    if given is not None:
        if len(given) < SHORTEST_TOKEN or not given.isascii() or not given.isprintable() or " " in given:
            raise UsageError(
                "the token cannot be used",
                got=f"{len(given)} characters",
                expected=f"at least {SHORTEST_TOKEN} letters and digits, no spaces",
                hint="leave --token away, and one is made",
            )
        return given
    import secrets

    from myosem.cli.web.guard import is_loopback

    return None if is_loopback(host) else secrets.token_urlsafe(TOKEN_BYTES)


def warm(engines: "Engines") -> None:
    """Have everything loaded that a search by words needs."""
    with engines.use() as engine:
        if engine.library.manifest.segments and engine.library.manifest.indexed:
            engine.search("rest", 1)


def listen(host: str, port: int) -> socket.socket:
    """A socket at the address.

    Raises:
        UsageError: the port is taken, or the address is not this machine's.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise UsageError(
            f"{host}:{port} cannot be listened at",
            got=error.strerror or error,
            hint=f"myosem serve --port {port + 1 if 0 < port < 65535 else 0}",
        ) from error


def _app(engines: "Engines", token: str | None, upload_mb: int, page: bool) -> "FastAPI":
    from myosem.cli.web.api import Settings, make_app
    from myosem.cli.web.parsing import Parsers
    from myosem.cli.web.uploads import MEBIBYTE

    parsers = Parsers(upload_mb * MEBIBYTE)
    app = make_app(engines, Settings(token=token, upload_bytes=upload_mb * MEBIBYTE), parsers)
    if page:
        from myosem.cli.web.page import attach_page

        attach_page(app, engines, parsers=parsers)
    return app


def _greeting(engines: "Engines", listening: socket.socket, token: str | None, page: bool) -> str:
    host, port = listening.getsockname()[:2]
    host = socket.gethostname() if host in ANYWHERE else host
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    lines = [f"{engines.path}, version {engines.version}, {engines.model.name}: {address}"]
    if page:
        lines.append(f"page  {address}/" + (f"?token={token}" if token else ""))
    lines.append(f"API   {address}/docs")
    if token:
        lines.append(f"token {token}")
    return "\n".join([*lines, "Ctrl+C ends it"])


def _run(app: "FastAPI", listening: socket.socket) -> None:
    import uvicorn

    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=GRACE_S
    )
    uvicorn.Server(config).run(sockets=[listening])
