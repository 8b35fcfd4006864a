"""A served library of a few bursts, for the tests of the server."""

from pathlib import Path
from typing import Any

from fakes import FakeModel, write_bursts
from fastapi.testclient import TestClient

from myosem.cli.web.api import Settings, make_app
from myosem.cli.web.parsing import Parsers
from myosem.cli.web.state import Engines
from myosem.ingest import ingest

LOCAL = "http://127.0.0.1"


def write_library(folder: Path) -> Path:
    """A library of two sessions, three recordings."""
    files = folder / "files"
    for seed, (session, name) in enumerate([("a", "one"), ("a", "two"), ("b", "one")]):
        write_bursts(files, session, name, seed)
    ingest(folder / "lib", [files], model=FakeModel())
    return folder / "lib"


def open_engines(path: Path) -> Engines:
    """Engines with the fake model."""
    model: Any = FakeModel()
    return Engines(path, model)


def client_of(engines: Engines, parsers: Parsers | None = None, **settings: Any) -> TestClient:
    """A client of the app; a 500 is an answer, not an exception."""
    app = make_app(engines, Settings(**settings), parsers)
    return TestClient(app, base_url=LOCAL, raise_server_exceptions=False)
