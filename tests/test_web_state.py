"""One request, one version: also while an ingest publishes the next ones."""

from dataclasses import asdict
from pathlib import Path
from threading import Event, Thread
from time import sleep
from typing import Any

import pytest
from fakes import FakeModel, write_bursts
from web_toys import open_engines, write_library

from myosem.cli.web.state import Engines
from myosem.errors import IndexMismatchError, LibraryError
from myosem.ingest import ingest, reindex
from myosem.library import CURRENT, Library
from myosem.search import Engine, SearchResult


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_library(tmp_path)


def add_session(path: Path, name: str, seed: int) -> None:
    write_bursts(path.parent / "files", name, "one", seed)
    ingest(path, [path.parent / "files"], model=FakeModel())


def is_open(engine: Engine) -> bool:
    try:
        engine.library.catalogue.counts()
    except LibraryError:
        return False
    return True


def test_a_new_version_is_used_from_the_next_request_on(path: Path) -> None:
    engines = open_engines(path)
    with engines.use() as old:
        add_session(path, "c", 7)
        assert old.library.version == 1
        with engines.use() as new:
            assert new.library.version == engines.version == 2
            assert new is not old
            assert new.model is old.model
        assert is_open(old), "a request still uses it"
        assert old.search("fist").version == 1
    assert not is_open(old), "nobody uses it any more"
    with engines.use() as same:
        assert same is new


def test_nothing_changes_while_nothing_is_published(path: Path) -> None:
    engines = open_engines(path)
    with engines.use() as first, engines.use() as second:
        assert first is second


def test_closing_waits_for_the_last_request(path: Path) -> None:
    engines = open_engines(path)
    with engines.use() as engine:
        engines.close()
        assert is_open(engine)
    assert not is_open(engine)


def test_a_version_of_another_model_leaves_the_old_one_in_use(path: Path) -> None:
    engines = open_engines(path)
    other: Any = FakeModel()
    other.fingerprint = "0" * 64
    reindex(path, other)
    for _ in range(2):
        with engines.use() as engine:
            assert engine.search("fist").version == 1
        assert engines.trouble is not None and "model" in engines.trouble
    reindex(path, FakeModel())
    with engines.use() as engine:
        assert (engine.library.version, engines.trouble) == (3, None)


def test_a_current_that_names_nothing_leaves_the_old_version_in_use(path: Path) -> None:
    engines = open_engines(path)
    before = (path / CURRENT).read_text()
    (path / CURRENT).write_text("nonsense\n")
    with engines.use() as engine:
        assert engine.library.version == 1
    assert engines.trouble is not None and "names no version" in engines.trouble
    (path / CURRENT).write_text(before)
    with engines.use():
        assert engines.trouble is None


def test_what_cannot_be_served_is_refused_at_the_start(path: Path, tmp_path: Path) -> None:
    model: Any = FakeModel()
    model.fingerprint = "0" * 64
    with pytest.raises(IndexMismatchError):
        Engines(path, model)
    with pytest.raises(LibraryError, match="no library"):
        open_engines(tmp_path / "nothing")


def test_answers_are_of_one_version_while_an_ingest_publishes(path: Path) -> None:
    """Every answer is what its version alone says, asked again in peace."""
    engines, over = open_engines(path), Event()
    answers: list[SearchResult] = []
    failures: list[Exception] = []

    def keep_asking() -> None:
        while not over.is_set():
            try:
                with engines.use() as engine:
                    answers.append(engine.search("make a fist", k=8, where="session <> 'b'"))
                sleep(0.01)
            except Exception as error:  # noqa: BLE001  (whatever it is, the test must see it)
                failures.append(error)

    askers = [Thread(target=keep_asking) for _ in range(2)]
    for one in askers:
        one.start()
    for seed in range(2):
        add_session(path, f"new{seed}", 10 + seed)
    over.set()
    for one in askers:
        one.join()
    with engines.use() as engine:
        answers.append(engine.search("make a fist", k=8, where="session <> 'b'"))
    assert not failures
    assert {one.version for one in answers} >= {1, 3}
    model: Any = FakeModel()
    alone = {
        version: asdict(Engine(Library(path, version), model).search("make a fist", 8, "session <> 'b'"))
        for version in {one.version for one in answers}
    }
    assert all(asdict(one) == alone[one.version] for one in answers)
