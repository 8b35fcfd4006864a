"""The page and the picture of a map hold all of it, and no word in it becomes code."""

import base64
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import FakeModel
from library_builders import two_sessions
from numpy.typing import NDArray

from myosem.library_map import LibraryMap, library_map
from myosem.map_page import MOST_COLOURS, OTHERS, colourings, map_page
from myosem.map_pictures import plot_map
from myosem.search import Engine

NASTY = "</script><script>alert(1)</script>"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_sessions(tmp_path_factory.mktemp("map"))


@pytest.fixture(scope="module")
def found(library: Path) -> LibraryMap:
    model: Any = FakeModel()
    return library_map(Engine(library, model))


def packed(text: str, kind: str) -> NDArray[Any]:
    return np.frombuffer(base64.b64decode(text), dtype=kind)


def data_of(page: str) -> dict[str, Any]:
    text = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, flags=re.DOTALL)
    assert text
    held: dict[str, Any] = json.loads(text[1])
    return held


class Elements(HTMLParser):
    """All elements with their attributes, and whether each was closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in {"meta", "input", "br", "link", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_holds_all_and_refers_to_nothing(found: LibraryMap) -> None:
    page = map_page(found)
    elements = Elements(page)
    assert not elements.open
    for tag, attributes in elements.found:
        assert tag not in {"link", "img", "iframe"} and not {"src", "href"} & set(attributes)
    assert not re.search(r"https?://", page)
    assert "default-src &#x27;none&#x27;" in page
    held = data_of(page)
    assert held["count"] == found.count
    np.testing.assert_allclose(packed(held["x"], "<u2") / 65535 * 2 - 1, found.points[:, 0], atol=2e-5)
    np.testing.assert_allclose(packed(held["score"], "<f4"), found.scores)
    labels = [held["labels"][code] for code in packed(held["label"], "<u4")]
    assert labels == [one.label or "" for one in found.segments]
    for place, one in zip(packed(held["recording"], "<u4"), found.segments, strict=True):
        assert held["recordings"][place][0] == one.recording
    starts = packed(held["start"], "<f4")
    assert one.segment == f"{one.recording}@{starts[-1]:.3f}"
    assert len(packed(held["waves"], "<u1")) == 32 * len(packed(held["thumbnails"], "<u4"))


def test_words_cannot_become_code(found: LibraryMap) -> None:
    segments = [replace(one, label=NASTY, action=None, dataset=NASTY) for one in found.segments]
    page = map_page(replace(found, segments=segments, library=NASTY.replace("/", "")))
    scripts = [tag for tag, _ in Elements(page).found if tag == "script"]
    assert len(scripts) == 2
    assert data_of(page)["labels"] == [NASTY]
    assert data_of(page)["modes"][0]["names"] == [NASTY]


def test_colours_say_what_they_should(found: LibraryMap) -> None:
    done, near, dataset, person, effort = colourings(found)
    for row, one in enumerate(found.segments):
        assert near.names[near.codes[row]] == found.names[found.nearest[row]]
        assert dataset.names[dataset.codes[row]] == one.dataset
        assert person.names[person.codes[row]] == f"{one.dataset} {one.person}"
        assert (effort.names[effort.codes[row]] == "rest") == (one.kind == "rest")
        if one.label is None:
            assert done.names[done.codes[row]] == "not labelled"
    shared = set(done.names) & set(near.names)
    assert shared
    for name in shared:
        assert done.colours[done.names.index(name)] == near.colours[near.names.index(name)]


def test_very_many_names_share_the_last_colour(found: LibraryMap) -> None:
    many = [replace(found.segments[0], label=f"label {n}", action=None) for n in range(100)]
    grown = replace(found, segments=many, nearest=np.zeros(100, int), effort=np.zeros(100, np.float32))
    done = colourings(grown)[0]
    assert len(done.names) == MOST_COLOURS and done.names[-1] == OTHERS
    assert (done.codes == MOST_COLOURS - 1).sum() == 100 - (MOST_COLOURS - 1)


@pytest.mark.parametrize(("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_a_map_is_drawn(found: LibraryMap, tmp_path: Path, ending: str, start: bytes) -> None:
    content = plot_map(found, tmp_path / f"map.{ending}").read_bytes()
    assert content.startswith(start) and len(content) > 8000
