"""A map of a library holds what its segments are."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import FakeModel
from library_builders import two_sessions
from toys import bursts, record

from myosem.errors import IndexMismatchError, UsageError
from myosem.library import Library
from myosem.library_map import CELLS, LibraryMap, library_map, places_of, read_effort, thumbnail
from myosem.map_page import note
from myosem.search import Engine
from myosem.space import join_emg


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_sessions(tmp_path_factory.mktemp("map"))


@pytest.fixture(scope="module")
def found(library: Path) -> LibraryMap:
    model: Any = FakeModel()
    return library_map(Engine(library, model))


def test_every_segment_is_there_with_what_it_is_nearest_to(library: Path, found: LibraryMap) -> None:
    opened, model = Library.open(library), FakeModel()
    assert [one.row for one in found.segments] == list(range(len(opened.vectors())))
    for row, vector in enumerate(opened.vectors()):
        scores = [float(vector @ words) for words in model.action_vectors]
        assert found.scores[row] == pytest.approx(max(scores))
        assert found.nearest[row] == int(np.argmax(scores))
    assert found.count == found.laid_out == len(found.points)
    assert sorted(found.thumbnails) == list(range(found.count))


def test_a_condition_and_a_limit_choose(library: Path) -> None:
    model: Any = FakeModel()
    only = library_map(Engine(library, model), "session = 'a'", thumbnails=False)
    assert {one.session for one in only.segments} == {"a"} and not only.thumbnails
    few = library_map(Engine(library, model), most=5)
    assert len(few.segments) == len(few.points) == 5 and few.count > 5
    assert f"5 of {few.count} segments, at random" in note(few)


def test_what_cannot_be_drawn_is_said(library: Path) -> None:
    model: Any = FakeModel()
    with pytest.raises(UsageError, match="no segment meets"):
        library_map(Engine(library, model), "session = 'z'")
    with pytest.raises(UsageError, match="room"):
        library_map(Engine(library, model), most=0)
    model.fingerprint = "0" * 64
    with pytest.raises(IndexMismatchError):
        library_map(Engine(library, model))


def test_an_action_stands_where_its_segments_lie_densest() -> None:
    random = np.random.default_rng(0)
    dense, sparse = random.uniform(0.501, 0.502, (30, 2)), random.uniform(-0.9, 0.1, (40, 2))
    other = np.array([[-0.5, 0.9], [0.9, 0.9]])
    points = np.concatenate([dense, sparse, other])
    chosen = np.array([3] * 70 + [1] * 2)
    fits = np.array([True] * 71 + [False])
    places = places_of(chosen, fits, points)
    assert list(places) == [3, 1]
    assert places[3] == pytest.approx(tuple(dense.mean(axis=0)), abs=2 / CELLS)
    assert places[1] == (-0.5, 0.9)


def test_effort_is_read_as_it_was_joined() -> None:
    random = np.random.default_rng(0)
    done, effort = random.normal(size=(9, 6)), np.linspace(-1, 1, 9)
    done /= np.linalg.norm(done, axis=1, keepdims=True)
    joined = join_emg(done, 0.1 * random.normal(size=(9, 4)), effort)
    np.testing.assert_allclose(read_effort(joined), effort, atol=1e-5)


def test_a_thumbnail_shows_where_it_is_loud() -> None:
    course = thumbnail(record(bursts(at=((2.0, 3.0),))), 1.0, 4.2)
    assert course.shape == (32,) and course.max() == 255
    assert course[11:19].min() > 150 > 60 > course[:9].max()


def test_a_thumbnail_of_few_samples_or_none() -> None:
    level = np.array([[1.0], [3.0], [2.0], [4.0]], np.float32)
    slow = record(level, rate_hz=4.0, signal="envelope")
    assert thumbnail(slow, 0.0, 1.0, 4).tolist() == [64, 191, 128, 255]
    assert thumbnail(slow, 0.0, 1.0, 8).tolist() == [64, 64, 191, 191, 128, 128, 255, 255]
    assert thumbnail(slow, 5.0, 6.0).tolist() == [0] * 32
