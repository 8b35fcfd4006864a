"""Queries in files: batches, and those saved in a library."""

from pathlib import Path

import pytest
import yaml

from myosem.errors import LibraryError, UsageError
from myosem.library import Library
from myosem.library_writer import refuse_foreign_folder
from myosem.query_files import (
    QUERIES,
    QUERIES_LOCK,
    SavedQuery,
    read_queries,
    remove_query,
    save_query,
    saved_queries,
    saved_query,
)
from myosem.store import writer_lock
from myosem.target import Query

FULL = SavedQuery("make a fist", ("pinch", "abc@1.000"), ("öffnen",), "subject = 's3'", 5, True, False)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    Library.create(tmp_path / "lib").close()
    return tmp_path / "lib"


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("a.txt", "\ufeffmake a fist\n\n# not this\n  pinch  \n", [Query("make a fist"), Query("pinch")]),
        ("a", "@fist", [Query("@fist")]),
        ("a.yaml", "- make a fist\n- query: pinch\n", [Query("make a fist"), Query("pinch")]),
        (
            "a.YML",
            "one: make a fist\n2:\n  query: pinch\n  like: open\n  unlike: [rest, x]\n",
            [Query("make a fist", name="one"), Query("pinch", ("open",), ("rest", "x"), "2")],
        ),
        (
            "a.csv",
            'name,query\nfist,"close, hard"\n,pinch\n',
            [Query("close, hard", name="fist"), Query("pinch")],
        ),
        ("a.csv", "query\nmake a fist\n", [Query("make a fist")]),
    ],
)
def test_a_batch_is_read_as_it_is_written(tmp_path: Path, name: str, text: str, wanted: list[Query]) -> None:
    assert read_queries(written(tmp_path, name, text)) == wanted


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.txt", "\n# nothing\n", "no query in"),
        ("a.yaml", "", "not understood; got NoneType"),
        ("a.yaml", "just words", "not understood; got str"),
        ("a.yaml", "a: [b", "cannot be read"),
        ("a.yaml", "a: 3", "an entry of"),
        ("a.yaml", "a: {query: b, where: c}", "an entry of"),
        ("a.yaml", "a: {query: b, like: 3}", "an entry of"),
        ("a.yaml", "a: {query: b, like: [3]}", "an entry of"),
        ("a.yaml", "a: {query: ' '}", "query 1 of .* is empty"),
        ("a.yaml", "[]", "no query in"),
        ("a.csv", "", "not understood"),
        ("a.csv", "name,text\na,b\n", "got columns name, text"),
        ("a.csv", 'query\n"open\n', "cannot be read"),
        ("a.csv", "name,query\na,\n", "query 1 of .* is empty"),
        ("a.csv", "name,query\na,b,c\n", "too many columns"),
    ],
)
def test_a_batch_that_is_none_is_refused(tmp_path: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_queries(written(tmp_path, name, text))


def test_a_batch_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_queries(tmp_path / "none.txt")
    (tmp_path / "latin.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="cannot be read"):
        read_queries(tmp_path / "latin.txt")


def test_what_is_saved_comes_back_and_is_readable(library: Path) -> None:
    assert saved_queries(library) == {}
    save_query(library, "full", FULL)
    save_query(library, "plain", SavedQuery("pinch"))
    assert saved_queries(library) == {"full": FULL, "plain": SavedQuery("pinch")}
    assert saved_query(library, "full") == FULL
    plain = yaml.safe_load((library / QUERIES).read_text(encoding="utf-8"))
    assert plain["plain"] == {"query": "pinch"}
    assert plain["full"]["unlike"] == ["öffnen"]
    assert "öffnen" in (library / QUERIES).read_text(encoding="utf-8")
    save_query(library, "full", SavedQuery("point"))
    remove_query(library, "plain")
    assert saved_queries(library) == {"full": SavedQuery("point")}
    with pytest.raises(UsageError, match=r"no query is saved as 'plain'.*there is @full"):
        remove_query(library, "plain")


def test_a_library_with_saved_queries_is_still_one(library: Path) -> None:
    before = Library.open(library)
    save_query(library, "full", FULL)
    refuse_foreign_folder(library)
    before.verify()
    assert Library.open(library).version == before.version


def test_two_do_not_save_at_once(library: Path) -> None:
    save_query(library, "full", FULL)
    with writer_lock(library / QUERIES_LOCK), pytest.raises(LibraryError, match="being written"):
        save_query(library, "other", FULL)
    assert list(saved_queries(library)) == ["full"]


@pytest.mark.parametrize("name", ["", "@a", "a/b", "../a", "a b", "-a", "a\n"])
def test_a_name_is_one_plain_word(library: Path, name: str) -> None:
    with pytest.raises(UsageError, match="under this name"):
        save_query(library, name, FULL)


@pytest.mark.parametrize(
    "text",
    ["a: [b", "- a", "a: b", "a: {query: 3}", "a: {query: b, colour: red}", "a: {k: many}", "a: {like: b}"],
)
def test_a_file_that_was_spoilt_is_named(library: Path, text: str) -> None:
    written(library, QUERIES, text)
    with pytest.raises(LibraryError, match=r"queries\.yaml cannot be read"):
        saved_queries(library)
    with pytest.raises(LibraryError, match=r"queries\.yaml cannot be read"):
        save_query(library, "full", FULL)
    assert (library / QUERIES).read_text() == text


def test_without_a_library_nothing_is_saved(tmp_path: Path) -> None:
    for act in (
        saved_queries,
        lambda path: save_query(path, "a", FULL),
        lambda path: remove_query(path, "a"),
    ):
        with pytest.raises(LibraryError, match="no library in"):
            act(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_is_given_comes_on_top_of_what_is_saved() -> None:
    assert FULL.changed(SavedQuery()) == FULL
    changed = FULL.changed(SavedQuery("", ("a",), ("b",), "true", 7, False, True))
    assert changed == SavedQuery(
        "make a fist", ("pinch", "abc@1.000", "a"), ("öffnen", "b"), "true", 7, True, True
    )
