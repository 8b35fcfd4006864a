"""The engine against an obvious slow search, over a small library of real files."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import FakeModel, unit, write_bursts

from myosem.errors import IndexMismatchError, LibraryError, SourceError, UsageError
from myosem.ingest import ingest
from myosem.library import Library
from myosem.search import Engine


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bench")
    files = folder / "files"
    for seed, (session, name) in enumerate([("a", "one"), ("a", "two"), ("b", "one")]):
        write_bursts(files, session, name, seed)
    ingest(folder / "lib", [files], model=FakeModel())
    return folder


@pytest.fixture
def engine(folder: Path) -> Engine:
    model: Any = FakeModel()
    return Engine(Library.open(folder / "lib"), model)


def source_of(folder: Path, name: str) -> str:
    return str(folder / "files" / f"{name}.npz")


def test_search_agrees_with_comparing_everything(engine: Engine) -> None:
    vectors = engine.library.vectors()
    scores = vectors @ engine.model.encode_text(["make a fist"])[0]
    order = np.argsort(-scores, kind="stable")
    result = engine.search("make a fist", k=5)
    assert [hit.segment for hit in result.hits] == [row.segment for row in engine.library.rows(order[:5])]
    assert [hit.score for hit in result.hits] == pytest.approx(scores[order[:5]].tolist(), abs=1e-5)
    assert [hit.rank for hit in result.hits] == [1, 2, 3, 4, 5]
    assert (result.query, result.version, result.model, result.exact) == ("make a fist", 1, "fake", True)


def test_words_that_mean_a_segment_find_it(engine: Engine) -> None:
    wanted = engine.library.rows([4])[0]
    texts: Any = engine.model
    texts.texts["this one"] = engine.library.vectors()[4]
    best = engine.search("  this one ", k=1).hits[0]
    assert best.score == pytest.approx(1, abs=1e-5)
    for name in ("segment", "recording", "source", "dataset", "subject", "session", "label", "simulated"):
        assert getattr(best, name) == getattr(wanted, name)
    assert (best.start_s, best.end_s) == pytest.approx((wanted.start_s, wanted.end_s))


def test_k_beyond_the_library_returns_all(engine: Engine) -> None:
    hits = engine.search("anything", k=10_000).hits
    assert len(hits) == engine.library.manifest.segments
    assert len({hit.segment for hit in hits}) == len(hits)


def test_where_keeps_what_the_condition_says(engine: Engine) -> None:
    hits = engine.search("anything", k=10_000, where="session = 'b' and label = 'fist'").hits
    assert hits
    assert {(hit.session, hit.label) for hit in hits} == {("b", "fist")}
    assert engine.search("anything", where="session = 'nowhere'").hits == []


@pytest.mark.parametrize("query", ["", "   ", "\n"])
def test_empty_query_is_refused(engine: Engine, query: str) -> None:
    with pytest.raises(UsageError, match="query is empty"):
        engine.search(query)


@pytest.mark.parametrize("k", [0, -3])
def test_k_below_one_is_refused(engine: Engine, k: int) -> None:
    with pytest.raises(UsageError, match="-k"):
        engine.search("fist", k=k)
    with pytest.raises(UsageError, match="-k"):
        engine.describe("whatever", k=k)


def test_bad_condition_is_refused(engine: Engine) -> None:
    with pytest.raises(UsageError, match="no column"):
        engine.search("fist", where="gesture = 'fist'")


def test_index_of_another_model_is_refused(folder: Path) -> None:
    model: Any = FakeModel()
    model.fingerprint = "0" * 64
    with pytest.raises(IndexMismatchError, match="myosem index"):
        Engine(folder / "lib", model).search("fist")


def test_missing_library_is_named(tmp_path: Path) -> None:
    model: Any = FakeModel()
    with pytest.raises(LibraryError, match="no library"):
        Engine(tmp_path / "none", model).search("fist")
    with pytest.raises(UsageError, match="--library"):
        Engine(None, model).search("fist")


def test_similar_of_a_stored_segment_ranks_by_its_own_vector(engine: Engine) -> None:
    row = engine.library.rows([2])[0]
    result = engine.similar(row.segment, k=10_000)
    own = {
        one.segment
        for one in engine.library.segments_of(row.key)
        if one.recording == row.recording and one.start_s < row.end_s and one.end_s > row.start_s
    }
    found = [hit.segment for hit in result.hits]
    assert row.segment in own
    assert not own & set(found)
    assert len(found) == engine.library.manifest.segments - len(own)
    vectors = engine.library.vectors()
    wanted = {
        one.segment: float(vectors[one.row] @ vectors[2])
        for one in engine.library.rows(np.arange(len(vectors)))
    }
    assert [hit.score for hit in result.hits] == pytest.approx(
        [wanted[segment] for segment in found], abs=1e-4
    )


def test_similar_by_source_and_by_file_agree(engine: Engine, folder: Path) -> None:
    """Session b is one recording, so the file alone is its whole session."""
    stored = engine.similar(source_of(folder, "b_one"), 2.0, 4.0, k=3)
    model: Any = engine.model
    copy = folder / "copies"
    write_bursts(copy, "b", "one", 2)
    read = Engine(engine.library, model).similar(str(copy / "b_one.npz"), 2.0, 4.0, k=10_000)
    assert stored.hits[0].segment in [hit.segment for hit in read.hits]
    by_segment = {hit.segment: hit.score for hit in read.hits}
    for hit in stored.hits:
        assert by_segment[hit.segment] == pytest.approx(hit.score, abs=1e-5)


def test_describe_ranks_all_actions_by_cosine(engine: Engine, folder: Path) -> None:
    result = engine.describe(source_of(folder, "b_one"), 2.0, 4.0, k=10)
    assert [one.rank for one in result.descriptions] == [1, 2, 3, 4]
    assert {one.action for one in result.descriptions} == set(engine.model.actions)
    scores = [one.score for one in result.descriptions]
    assert scores == sorted(scores, reverse=True)
    assert all(one.name and one.text for one in result.descriptions)
    assert (result.start_s, result.end_s) == (2.0, 4.0)


def test_describe_a_whole_recording_is_the_mean_of_its_contractions(engine: Engine, folder: Path) -> None:
    source = source_of(folder, "b_one")
    rows = engine.library.named(source)
    segments = [one for one in engine.library.segments_of(rows[0].key) if one.kind == "contraction"]
    mean = unit(engine.library.vectors()[[one.row for one in segments]].mean(axis=0))
    result = engine.describe(source, k=1)
    assert result.end_s == pytest.approx(16.0)
    assert result.descriptions[0].score == pytest.approx(
        float(max(engine.model.action_vectors @ mean)), abs=1e-4
    )


@pytest.mark.parametrize(("start_s", "end_s"), [(3.0, 2.0), (16.0, 17.0), (-1.0, 2.0), (float("nan"), 2.0)])
def test_stretch_that_does_not_exist_is_refused(
    engine: Engine, folder: Path, start_s: float, end_s: float
) -> None:
    with pytest.raises(UsageError, match="no such stretch"):
        engine.describe(source_of(folder, "b_one"), start_s, end_s)


def test_source_with_several_recordings_asks_for_one(folder: Path) -> None:
    model: Any = FakeModel()
    engine = Engine(None, model)
    files = str(folder / "files")
    with pytest.raises(UsageError, match="--recording"):
        engine.describe(files)
    assert engine.describe(files, recording="two").recording == "two"
    assert engine.describe(files, recording="p1/a/one").recording == "p1/a/one"
    with pytest.raises(UsageError, match="no recording 'four'"):
        engine.describe(files, recording="four")
    with pytest.raises(UsageError, match="several recordings 'one'; there is p1/a/one, p1/b/one"):
        engine.describe(files, recording="one")


def test_unknown_source_is_named(engine: Engine) -> None:
    with pytest.raises(SourceError, match="there is no 'nonsense'"):
        engine.describe("nonsense")


def test_label_names_what_fits_and_admits_what_does_not(engine: Engine, folder: Path) -> None:
    source = source_of(folder, "b_one")
    rows = engine.library.segments_of(engine.library.named(source)[0].key)
    model: Any = engine.model
    vectors = engine.library.vectors()
    own = vectors[[row.row for row in rows]]
    farthest = int((own @ own[0]).argmin())
    model.texts["the first"] = own[0]
    model.action_vectors = own[[farthest]]
    result = engine.label(source, ["the first"])
    assert [one.segment for one in result.segments] == [row.segment for row in rows]
    assert result.segments[0].label == "the first"
    assert result.segments[farthest].label is None
    assert all(0 <= one.score <= 1 for one in result.segments)


def test_label_of_a_file_needs_no_library(engine: Engine, folder: Path) -> None:
    model: Any = FakeModel()
    phrases = ["make a fist", "open the hand"]
    read = Engine(None, model).label(source_of(folder, "b_one"), phrases)
    stored = engine.label(source_of(folder, "b_one"), phrases)
    assert [one.label for one in read.segments] == [one.label for one in stored.segments]
    assert {one.segment for one in read.segments} == {None}
    assert [one.start_s for one in read.segments] == pytest.approx([one.start_s for one in stored.segments])


@pytest.mark.parametrize("phrases", [[], ["fist", " "]])
def test_candidates_without_words_are_refused(engine: Engine, phrases: list[str]) -> None:
    with pytest.raises(UsageError, match="nothing to choose from"):
        engine.label("whatever", phrases)


def test_answers_are_plain_values(engine: Engine, folder: Path) -> None:
    plain = (str, int, float, bool, type(None))
    for answer in (engine.search("fist"), engine.label(source_of(folder, "b_one"), ["fist"])):
        flat = asdict(answer)
        rows = flat.get("hits") or flat.get("segments")
        assert rows
        assert all(type(row.pop("segments", [])) is list for row in rows)
        assert all(type(value) in plain for row in rows for value in row.values())
