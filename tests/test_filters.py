"""Whatever ``--where`` keeps, a search finds what comparing each of its rows finds."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fakes import MAPPING, FakeModel, write_bursts
from library_builders import write_trial

from myosem.catalogue import SegmentRow
from myosem.condition import COLUMNS
from myosem.ingest import ingest, reindex
from myosem.library import Library
from myosem.search import Engine

Keeps = Callable[[SegmentRow], bool]

CONDITIONS: dict[str, Keeps] = {
    "subject = 'p1'": lambda one: one.subject == "p1",
    "person <> 'p1'": lambda one: one.person != "p1",
    "session in ('b', 'c')": lambda one: one.session in {"b", "c"},
    "dataset = 'fast' or dataset like 'long%'": lambda one: one.dataset != "bench",
    "name = 'one' and not simulated": lambda one: one.name == "one" and not one.simulated,
    "label = 'fist'": lambda one: one.label == "fist",
    "label is null": lambda one: one.label is None,
    "action = 'fist' or label ilike '%OPEN%'": lambda one: (
        one.action == "fist" or "open" in (one.label or "")
    ),
    "effort is null": lambda one: one.effort is None,
    "kind = 'contraction'": lambda one: one.kind == "contraction",
    "start_s between 2 and 9.5": lambda one: 2 <= one.start_s <= 9.5,
    "end_s < 5": lambda one: one.end_s < 5,
    "duration_s >= 1.5": lambda one: one.duration_s >= 1.5,
    "over_rest_db > 10": lambda one: (one.over_rest_db or 0) > 10,
    "rate_hz > 200": lambda one: one.rate_hz > 200,
    "channels = 8": lambda one: one.channels == 8,
    "segment like '%@2.%'": lambda one: "@2." in one.segment,
    "recording >= '8'": lambda one: one.recording >= "8",
    "contains(source, 'fast')": lambda one: "fast" in one.source,
    "true": lambda one: True,
    "start_s > 1000": lambda one: False,
}


@pytest.fixture(scope="module", params=["flat", "hnsw", "ivf", "ivfpq"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Recordings of 4 channels at 200 and at 400 Hz and of 8 channels."""
    folder, model = tmp_path_factory.mktemp("filters"), FakeModel()
    for seed, (session, name) in enumerate([("a", "one"), ("a", "two"), ("b", "one")]):
        write_bursts(folder / "bench", session, name, seed)
    write_bursts(folder / "fast", "c", "one", 3)
    mapping = MAPPING.replace("rate_hz: 200", "rate_hz: 400").replace("dataset: bench", "dataset: fast")
    (folder / "fast" / "myosem.yaml").write_text(mapping.replace("subject: p1", "subject: p2"))
    for movement in (1, 2):
        write_trial(folder / "trials", movement=movement)
    ingest(folder / "lib", [folder / name for name in ("bench", "fast", "trials")], model=model)
    if request.param != "flat":
        reindex(folder / "lib", model, backend=request.param)
    anything: Any = model
    return Engine(Library.open(folder / "lib"), anything)


def brute_force(engine: Engine, query: str, keeps: Keeps, k: int) -> list[tuple[str, float]]:
    """Segments and scores: every row of the library, one by one."""
    vectors, (words,) = engine.library.vectors(), engine.model.encode_text([query])
    kept = [one for one in engine.library.rows(np.arange(len(vectors))) if keeps(one)]
    scored = [(float(vectors[one.row] @ words), one) for one in kept]
    scored.sort(key=lambda pair: (-pair[0], pair[1].row))
    return [(one.segment, score) for score, one in scored[:k]]


def test_every_column_is_filtered_by() -> None:
    words = " ".join(CONDITIONS).split()
    named = {column for column in COLUMNS if any(column in word for word in words)}
    assert named == set(COLUMNS)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_filtered_search_is_a_full_comparison_of_what_is_kept(engine: Engine, condition: str) -> None:
    for query, k in (("make a fist", 3), ("open the hand", 1000)):
        result = engine.search(query, k=k, where=condition)
        wanted = brute_force(engine, query, CONDITIONS[condition], k)
        assert [hit.segment for hit in result.hits] == [segment for segment, _ in wanted]
        assert [hit.score for hit in result.hits] == pytest.approx([score for _, score in wanted], abs=1e-5)
        assert result.exact
        assert "filter keeps" in result.how


@pytest.mark.parametrize("condition", ["kind = 'contraction'", "rate_hz > 200", "over_rest_db > 10"])
def test_other_ways_to_choose_stay_within_the_filter(engine: Engine, condition: str) -> None:
    inside = {one for one, _ in brute_force(engine, "fist", CONDITIONS[condition], 1000)}
    for diverse, merge in ((True, False), (False, True), (True, True)):
        hits = engine.search("fist", k=50, where=condition, unlike="pinch", diverse=diverse, merge=merge).hits
        assert hits
        assert {one for hit in hits for one in hit.segments} <= inside
    merged = engine.search("fist", k=1000, where=condition, merge=True).hits
    assert {one for hit in merged for one in hit.segments} == inside


def test_how_strong_a_segment_is_is_kept(engine: Engine) -> None:
    """Bursts are 14 to 34 dB over the noise between them in each channel."""
    rows = engine.library.rows(engine.library.select("dataset <> 'long_term_30day'"))
    loud = [one.over_rest_db for one in rows if one.kind == "contraction" and one.over_rest_db is not None]
    quiet = [one.over_rest_db for one in rows if one.kind == "rest" and one.over_rest_db is not None]
    assert len(loud) + len(quiet) == len(rows)
    assert min(loud) > 10 > 3 > max(map(abs, quiet))
