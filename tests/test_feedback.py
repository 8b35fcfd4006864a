"""What somebody says of a few segments, where the right answer is obvious, and against slow code."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import MAPPING, FakeModel, unit, write_bursts
from numpy.typing import NDArray

from myosem.cli.label import read_told
from myosem.errors import UsageError
from myosem.feedback import DOUBT, REACH, RIGHT, WRONG, Judged, correction, lacking, search_judged
from myosem.index import FlatIndex
from myosem.ingest import ingest
from myosem.library import Library
from myosem.search import Engine

QUERY = "make a fist"
FILES = [("a", "one"), ("b", "one")]

Vectors = NDArray[np.float32]


def clusters() -> Vectors:
    """Twelve vectors: rows 0-5 of one person and 6-11 of another, alternating between two directions."""
    ways = np.array([[1.0, 0.2, 0.0], [0.2, 1.0, 0.0]])
    noise = np.random.default_rng(0).normal(0, 0.02, (12, 3))
    return unit(ways[np.arange(12) % 2] + noise)


def judged(relevant: dict[int, bool]) -> Judged:
    """What was said of rows of the first person."""
    return Judged(np.arange(6), np.array(list(relevant)), np.array(list(relevant.values())))


def towards(direction: int) -> Vectors:
    return np.eye(3, dtype=np.float32)[[direction]]


def test_one_right_and_one_wrong_segment_turn_a_person_round_and_nobody_else() -> None:
    index = FlatIndex.build(clusters())
    (before,) = index.search(towards(0), 12)[1]
    scores, rows, plan = search_judged(index, [judged({1: True, 0: False})], towards(0), 12)
    assert [row for row in before if row < 6 and row % 2] == before[6:][before[6:] < 6].tolist()
    assert [row % 2 for row in rows if row < 6] == [1, 1, 1, 0, 0]
    assert [row for row in rows if row >= 6] == [row for row in before if row >= 6]
    assert plan.exact
    others = rows >= 6
    np.testing.assert_allclose(scores[others], (index.vectors[rows[others]] @ towards(0).T)[:, 0], atol=1e-6)


def test_what_is_like_a_right_segment_comes_first_and_a_wrong_one_is_no_hit() -> None:
    index = FlatIndex.build(clusters())
    scores, rows, _ = search_judged(index, [judged({1: True, 0: False})], towards(2), 12)
    assert set(rows[:3]) == {1, 3, 5}
    assert scores[2] > scores[3] + 0.3
    assert 0 not in rows
    assert len(rows) == 11


def test_a_person_as_a_whole_neither_passes_nor_falls_behind() -> None:
    index = FlatIndex.build(clusters())
    own = judged({1: True, 3: False, 2: False})
    moved = own.scores(index.vectors, towards(0))
    assert moved.mean() == pytest.approx(float((index.vectors[:6] @ towards(0).T).mean()), abs=1e-5)


def test_filtered_rows_stay_filtered_and_k_holds() -> None:
    index = FlatIndex.build(clusters())
    kept = np.array([1, 2, 6, 7])
    _, rows, _ = search_judged(index, [judged({0: True})], towards(0), 3, kept)
    assert len(rows) == 3
    assert set(rows) <= set(kept.tolist())
    nothing = search_judged(index, [judged({0: True})], towards(0), 3, np.empty(0, dtype=np.int64))
    assert len(nothing[1]) == 0


def test_people_that_fill_the_first_places_do_not_hide_the_others() -> None:
    near, far = np.full((40, 2), [1.0, 0.01]), np.full((5, 2), [0.3, 1.0])
    index = FlatIndex.build(unit(np.concatenate([near, far])))
    own = Judged(np.arange(40), np.arange(40), np.zeros(40, dtype=bool))
    _, rows, _ = search_judged(index, [own], np.eye(2, dtype=np.float32)[:1], 3)
    assert rows.tolist() == [40, 41, 42]


def test_correction_is_the_mean_of_a_gaussian_process() -> None:
    random = np.random.default_rng(1)
    vectors, known = unit(random.normal(size=(7, 5))), unit(random.normal(size=(4, 5)))
    lack = random.normal(size=(4, 3))

    def kernel(one: Vectors, other: Vectors) -> float:
        return 1 / (1 + float(((one - other) ** 2).sum()) / (2 * REACH**2))

    covariance = np.array([[kernel(one, other) for other in known] for one in known]) + DOUBT * np.eye(4)
    slow = [
        np.array([kernel(one, other) for other in known]) @ np.linalg.inv(covariance) @ lack
        for one in vectors
    ]
    np.testing.assert_allclose(correction(vectors, known, lack), slow, atol=1e-5)


def test_what_is_right_never_falls_and_what_is_wrong_never_rises() -> None:
    scores = np.array([[-0.5, WRONG, 0.9, 1.2]])
    np.testing.assert_allclose(lacking(scores, np.array([[True]])), [[1.5, RIGHT - WRONG, 0.1, 0]])
    np.testing.assert_allclose(lacking(scores, np.array([[False]])), [[0, 0, WRONG - 0.9, WRONG - 1.2]])


def test_a_segment_far_from_all_that_was_judged_hardly_moves() -> None:
    near, far = unit(np.array([[1.0, 0.05], [-1.0, 0.0]]))
    moved = correction(np.stack([near, far]), unit(np.array([[1.0, 0.0]])), np.array([[0.5]]))
    assert moved[0, 0] > 0.4
    assert moved[1, 0] < 0.1


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("feedback")
    for seed, (subject, (session, name)) in enumerate((s, f) for s in ("p1", "o'hara") for f in FILES):
        path = write_bursts(folder / "files" / subject, session, name, seed)
        (path.parent / "myosem.yaml").write_text(MAPPING.replace("subject: p1", f'subject: "{subject}"'))
    ingest(folder / "lib", [folder / "files"], model=FakeModel())
    return folder


@pytest.fixture
def engine(folder: Path) -> Engine:
    model: Any = FakeModel()
    return Engine(Library.open(folder / "lib"), model)


def scores_of(engine: Engine, **judged: list[str]) -> dict[str, float]:
    return {hit.segment: hit.score for hit in engine.search(QUERY, k=1000, **judged).hits}  # type: ignore[arg-type]


@pytest.mark.parametrize("person", ["p1", "o'hara"])
def test_all_sessions_of_the_person_move_and_those_of_others_stay(engine: Engine, person: str) -> None:
    before = scores_of(engine)
    hits = engine.search(QUERY, k=1000).hits
    first = next(hit for hit in hits if hit.subject == person and hit.session == "a")
    after = scores_of(engine, more=[first.segment])
    assert set(after) == set(before)
    assert after[first.segment] > before[first.segment]
    moved = {(hit.subject, hit.session) for hit in hits if after[hit.segment] != before[hit.segment]}
    assert moved == {(person, "a"), (person, "b")}


def test_search_agrees_with_comparing_everything(engine: Engine) -> None:
    hits = engine.search(QUERY, k=1000).hits
    rows = {row.segment: row for row in engine.library.rows(range(len(hits)))}
    own = [hit for hit in hits if hit.subject == "p1"]
    right, wrong = own[-1].segment, own[0].segment
    vectors = np.asarray(engine.library.vectors())
    told = vectors[[rows[right].row, rows[wrong].row]]
    mine = vectors[[rows[hit.segment].row for hit in own]]
    query = engine.model.encode_text([QUERY])
    lack = np.array([[RIGHT], [WRONG]]) - told @ query.T
    assert lack[0] > 0 > lack[1]
    wanted = {hit.segment: hit.score for hit in hits}
    gained = correction(mine, told, lack)
    moved = (mine @ query.T + gained - gained.mean())[:, 0]
    wanted |= dict(zip([hit.segment for hit in own], moved.clip(-1, 1).tolist(), strict=True))
    del wanted[wrong]
    assert scores_of(engine, more=[right], less=[wrong]) == pytest.approx(wanted, abs=1e-5)


def test_what_was_judged_stands_in_the_answer(engine: Engine) -> None:
    first, second = (hit.segment for hit in engine.search(QUERY, k=2).hits)
    result = engine.search(QUERY, more=[first], less=[second])
    assert (list(result.more), list(result.less)) == ([first], [second])


def test_wrong_ids_are_refused(engine: Engine) -> None:
    first = engine.search(QUERY, k=1).hits[0].segment
    with pytest.raises(UsageError, match="no segment 'nothing'"):
        engine.search(QUERY, more=["nothing"])
    with pytest.raises(UsageError, match="both more and less"):
        engine.search(QUERY, more=[first], less=[first])


def labels_of(engine: Engine, source: str, told: dict[str, str] | None = None) -> dict[str, str | None]:
    result = engine.label(source, ["one way", "another way"], told=told)
    return {one.segment or "": one.label for one in result.segments}


def test_what_was_told_is_kept_and_moves_the_person_only(engine: Engine) -> None:
    hits = {hit.segment: hit for hit in engine.search(QUERY, k=1000).hits}
    mine, other = (next(hit for hit in hits.values() if hit.subject == name) for name in ("p1", "o'hara"))
    vectors = np.asarray(engine.library.vectors())
    row = next(one.row for one in engine.library.rows(range(len(vectors))) if one.segment == mine.segment)
    texts: Any = engine.model
    texts.texts |= {"one way": -vectors[row], "another way": vectors[row]}
    assert labels_of(engine, mine.source)[mine.segment] == "another way"
    result = engine.label(mine.source, ["one way", "another way"], told={mine.segment: "one way"})
    own = next(one for one in result.segments if one.segment == mine.segment)
    assert (own.label, own.score) == ("one way", 1)
    both = {mine.segment: "one way", other.segment: "one way"}
    assert labels_of(engine, mine.source, both) == {one.segment: one.label for one in result.segments}


def test_telling_what_cannot_be_is_refused(engine: Engine) -> None:
    hits = engine.search(QUERY, k=1000).hits
    mine = next(hit for hit in hits if hit.subject == "p1")
    other = next(hit for hit in hits if hit.subject == "o'hara")
    with pytest.raises(UsageError, match="cannot be 'a third way'"):
        labels_of(engine, mine.source, {mine.segment: "a third way"})
    with pytest.raises(UsageError, match="no segment 'nothing'"):
        labels_of(engine, mine.source, {"nothing": "one way"})
    with pytest.raises(UsageError, match="nothing was told of anybody"):
        labels_of(engine, mine.source, {other.segment: "one way"})


def test_what_the_command_line_is_told() -> None:
    assert read_told(["a@1.000=make a fist", "b@2.000 = a = b"]) == {
        "a@1.000": "make a fist",
        "b@2.000": "a = b",
    }
    for wrong in ("a@1.000", "=fist", "a@1.000="):
        with pytest.raises(UsageError, match="told cannot be read"):
            read_told([wrong])


def test_a_name_counts_in_every_search(engine: Engine) -> None:
    first, second, third = (row.segment for row in engine.library.rows(engine.library.select("true"))[:3])
    named = engine.search(QUERY, told={first: QUERY, second: "something else", third: QUERY}, less=[third])
    assert (named.more, named.less) == ([first], [third, second])
    assert named == engine.search(QUERY, more=[first], less=[third, second])
    with pytest.raises(UsageError, match="no segment"):
        engine.search(QUERY, told={"nothing": QUERY})
