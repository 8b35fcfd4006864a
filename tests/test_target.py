"""What is searched for, against its formula written out."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import FakeModel, unit, write_bursts

from myosem.errors import UsageError
from myosem.ingest import ingest
from myosem.library import Library
from myosem.search import Engine
from myosem.target import LIKE, UNLIKE_EMG, UNLIKE_WORDS, Phrases, Query, aim, combine


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    folder = tmp_path_factory.mktemp("target")
    for seed, (session, name) in enumerate([("a", "one"), ("a", "two"), ("b", "one")]):
        write_bursts(folder / "files", session, name, seed)
    ingest(folder / "lib", [folder / "files"], model=FakeModel())
    return Library.open(folder / "lib")


@pytest.fixture
def engine(library: Library) -> Engine:
    model: Any = FakeModel()
    return Engine(library, model)


def vector_of(text: str) -> Any:
    return FakeModel().encode_text([text])[0].astype(np.float64)


def brute_force(engine: Engine, vector: Any, rows: Any, k: int) -> tuple[list[str], list[float]]:
    """Segments and scores by comparing a vector with each of the rows."""
    scores = {int(row): float(engine.library.vectors()[row] @ unit(vector)) for row in rows}
    best = sorted(scores, key=lambda row: (-scores[row], row))[:k]
    return [one.segment for one in engine.library.rows(best)], [scores[row] for row in best]


def test_likes_are_added_and_unlikes_taken_away(engine: Engine) -> None:
    first, second = engine.library.rows([3, 8])
    stored = engine.library.vectors()
    like = unit(unit(stored[3] + 0.0) / 2 + vector_of("pinch") / 2)
    unlike = UNLIKE_WORDS * vector_of("open hand") + UNLIKE_EMG * stored[8]
    result = engine.search(
        "make a fist", k=6, like=[first.segment, "pinch"], unlike=["open hand", second.segment]
    )
    others = [row for row in range(len(stored)) if row not in (3, 8)]
    wanted, scores = brute_force(engine, vector_of("make a fist") + LIKE * like - unlike, others, 6)
    assert [hit.segment for hit in result.hits] == wanted
    assert [hit.score for hit in result.hits] == pytest.approx(scores, abs=1e-5)
    assert (
        result.asked
        == f"“make a fist” like {first.segment} like “pinch” unlike “open hand” unlike {second.segment}"
    )


def test_what_is_liked_may_be_all_there_is(engine: Engine) -> None:
    (own,) = engine.library.rows([5])
    result = engine.search(like=own.segment, k=5)
    wanted, _ = brute_force(
        engine, engine.library.vectors()[5], [r for r in range(len(engine.library.vectors())) if r != 5], 5
    )
    assert [hit.segment for hit in result.hits] == wanted
    assert result.query == ""
    words = engine.search("", k=5, like=["make a fist"])
    assert [hit.segment for hit in words.hits] == [
        hit.segment for hit in engine.search("make a fist", k=5).hits
    ]


@pytest.mark.parametrize("name", ["recording", "source"])
def test_a_recording_is_the_mean_of_its_contractions(engine: Engine, name: str) -> None:
    (own,) = engine.library.rows([0])
    members = [one for one in engine.library.segments_of(own.key) if one.recording == own.recording]
    stored = engine.library.vectors()
    mean = unit(stored[[one.row for one in members if one.kind == "contraction"]].mean(axis=0))
    mine = {one.row for one in members}
    wanted, _ = brute_force(engine, mean, [row for row in range(len(stored)) if row not in mine], 4)
    assert [hit.segment for hit in engine.search(like=[getattr(own, name)], k=4).hits] == wanted


def test_fitting_is_a_matter_of_words(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeModel, "unrelated", ("a dog barking",))
    (own,) = engine.library.rows([5])
    assert not engine.search("a dog barking").confident
    assert not engine.search("make a fist", like=["a dog barking"]).confident
    assert engine.search("make a fist", unlike=["a dog barking"]).confidence == 1
    assert all(hit.fits for hit in engine.search("a dog barking", like=[own.segment]).hits)


def test_many_searches_are_each_as_if_alone(engine: Engine) -> None:
    (own,) = engine.library.rows([5])
    queries = [
        Query("make a fist"),
        Query("pinch", like=(own.segment,)),
        Query("open", unlike=("pinch",), name="o"),
    ]
    together = engine.search_many(queries, k=4, where="kind = 'contraction'", diverse=True)
    for query, result in zip(queries, together, strict=True):
        alone = engine.search(
            query.text, k=4, where="kind = 'contraction'", like=query.like, unlike=query.unlike, diverse=True
        )
        assert result.hits == alone.hits
        assert result.name == query.name
    assert engine.search_many([]) == []


def test_phrases_are_encoded_once() -> None:
    calls: list[list[str]] = []

    class Counting(FakeModel):
        def encode_text(self, texts: Any) -> Any:
            calls.append(list(texts))
            return super().encode_text(texts)

    model: Any = Counting()
    phrases = Phrases(model, ["a", "b", "a"])
    assert calls == [["a", "b"]]
    assert phrases.vector("b") == pytest.approx(vector_of("b"))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (Query.of("  "), "query is empty"),
        (Query.of("", unlike=["fist"]), "query is empty"),
        (Query.of("fist", like=[" "]), "cannot be empty"),
        (Query.of("", like=["fist"], unlike=["fist"]), "cancel each other"),
        (
            Query.of("fist", like=["0123456789abcdef@1.250"]),
            "no segment or recording '0123456789abcdef@1.250'",
        ),
        (Query.of("fist", unlike="0123456789abcdef"), "no segment or recording"),
    ],
)
def test_what_cannot_be_searched_for_is_refused(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, query: Query, said: str
) -> None:
    monkeypatch.setattr("myosem.target.UNLIKE_WORDS", 1.0)
    with pytest.raises(UsageError, match=said):
        engine.search_many([query])


def test_a_combination_is_the_direction_of_the_sum() -> None:
    east, north = np.eye(2, dtype=np.float32)
    assert combine([(1.0, None), (1.0, east)]) == pytest.approx(east)
    assert combine([(1.0, east), (0.7, north)]) == pytest.approx(unit(np.array([1, 0.7])))
    assert combine([(1.0, east), (-0.2, north), (-0.1, None)]) == pytest.approx(unit(np.array([1, -0.2])))


def test_only_the_library_is_asked(engine: Engine, tmp_path: Path) -> None:
    """A path is a phrase like any other: a search never reads a file that it names."""
    file = write_bursts(tmp_path, "a", "one", seed=0)
    model: Any = FakeModel()
    target = aim(Query.of("", like=[str(file)]), Phrases(model, [str(file)]), engine.library)
    assert target.without == ()
    assert target.vector[0] == pytest.approx(vector_of(str(file)), abs=1e-6)
