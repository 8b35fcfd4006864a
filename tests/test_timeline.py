"""A timeline gives every segment the score that a search gives it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import FakeModel, write_bursts
from toys import bursts, record

from myosem.errors import IndexMismatchError, SourceError, UsageError
from myosem.ingest import ingest
from myosem.search import Engine
from myosem.signal import HOP_S, to_frames
from myosem.timeline import activity, timeline, timelines

FIST, DOG = "make a fist", "a dog barking"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("timeline")
    for session, name, seed in (("a", "one", 0), ("a", "two", 1), ("b", "one", 2)):
        write_bursts(made / "files", session, name, seed)
    ingest(made / "lib", [made / "files"], model=FakeModel())
    return made


def engine(library: Path | None) -> Engine:
    model: Any = FakeModel()
    model.unrelated = (DOG,)
    return Engine(library, model)


def test_scores_are_those_of_a_search(folder: Path) -> None:
    own = engine(folder / "lib")
    found = timeline(own, str(folder / "files" / "a_one.npz"), [FIST, DOG])
    for number, query in enumerate((FIST, DOG)):
        searched = {hit.segment: hit for hit in own.search(query, k=1000).hits}
        assert found.segments
        for one in found.segments:
            assert one.segment is not None
            hit = searched[one.segment]
            assert one.scores[number] == pytest.approx(hit.score, abs=2e-6)
            assert (one.start_s, one.end_s, one.label) == (hit.start_s, hit.end_s, hit.label)
            assert one.fits[number] == hit.fits


def test_a_file_alone_gives_the_same_where_no_segment_sees_another(folder: Path) -> None:
    source = str(folder / "files" / "a_one.npz")
    stored, alone = (timeline(engine(place), source, [FIST]) for place in (folder / "lib", None))
    assert len(stored.segments) == len(alone.segments)
    for one, other in zip(stored.segments, alone.segments, strict=True):
        assert (one.start_s, one.label, one.kind) == (other.start_s, other.label, other.kind)
        assert other.segment is None
    assert {one.label for one in alone.segments} >= {"fist", "open hand", "pinch", "point"}


def test_a_session_is_a_timeline_a_recording(folder: Path) -> None:
    found = timelines(engine(None), str(folder / "files"), [])
    assert [(one.session, one.name) for one in found] == [("a", "one"), ("a", "two"), ("b", "one")]
    assert all(moment.scores == [] for one in found for moment in one.segments)
    together = timelines(engine(folder / "lib"), str(folder / "files" / "b_one.npz"), [FIST])
    assert [one.session for one in together] == ["b"]


def test_the_best_come_first_and_it_prints_as_json(folder: Path) -> None:
    found = timeline(engine(folder / "lib"), str(folder / "files" / "a_two.npz"), [DOG, FIST], step_s=2.0)
    best = found.best(1, 3)
    assert [one.scores[1] for one in best] == sorted((one.scores[1] for one in found.segments), reverse=True)[
        :3
    ]
    assert json.loads(json.dumps(asdict(found)))["queries"][0] == {"text": DOG, "confidence": 0.001}
    assert not any(one.fits[0] for one in found.segments)
    assert found.curve is not None
    assert found.curve.times_s == [0.5 + 2 * number for number in range(8)]
    assert np.shape(found.curve.scores) == (2, 8)
    assert [one.label for one in found.labels] == ["fist", "open hand", "pinch", "point"]


def test_activity_is_the_power_over_rest_column_by_column() -> None:
    recording = record(bursts(duration_s=13.0))
    found = activity(recording, columns=50)
    power = to_frames(recording).power.astype(np.float64)
    rest = np.quantile(power, 0.02, axis=0)
    together = -(-len(power) // 50)
    slow = [
        [
            10 * np.log10(power[at : at + together, channel].mean() / rest[channel])
            for at in range(0, len(power), together)
        ]
        for channel in range(8)
    ]
    assert found.step_s == pytest.approx(together * HOP_S)
    np.testing.assert_allclose(found.over_rest_db, slow, atol=0.051)
    assert found.channels == [f"ch{number}" for number in range(1, 9)]


def test_a_dead_channel_is_as_at_rest() -> None:
    samples = bursts()
    samples[:, 3] = 0
    assert set(activity(record(samples)).over_rest_db[3]) == {0.0}


def test_what_cannot_be_asked_is_said(folder: Path) -> None:
    with pytest.raises(UsageError, match="empty"):
        timeline(engine(folder / "lib"), str(folder / "files" / "a_one.npz"), [" "])
    with pytest.raises(UsageError, match="step"):
        timeline(engine(None), str(folder / "files" / "a_one.npz"), [FIST], step_s=0.0)
    with pytest.raises(UsageError, match="3 recordings"):
        timeline(engine(None), str(folder / "files"), [FIST])
    with pytest.raises(SourceError, match="no 'nothing'"):
        timeline(engine(None), "nothing", [FIST])
    other: Any = FakeModel()
    other.fingerprint = "0" * 64
    with pytest.raises(IndexMismatchError):
        timeline(Engine(folder / "lib", other), str(folder / "files" / "a_one.npz"), [FIST])
