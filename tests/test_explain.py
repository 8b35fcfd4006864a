"""Explanations against models of which it is known what they look at."""

import json
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import FakeModel, unit, write_bursts
from numpy.typing import NDArray
from toys import bursts, contraction, record, resting

from myosem.errors import UsageError
from myosem.explain import MOST_SLICES, Occlusion, frame_slices, word_views
from myosem.features import (
    GROUPS,
    READ,
    SCALARS,
    SHRINKAGE,
    channel_features,
    session_features,
    to_harmonics,
)
from myosem.ingest import ingest
from myosem.library import Library
from myosem.model import Model
from myosem.prompts import VIEWS, load_actions, texts_of
from myosem.records import Recording, Segment
from myosem.ring import HARMONICS, ring_waves
from myosem.search import Engine
from myosem.segments import rest_power
from myosem.signal import HOP_S, to_frames

THIRD = 2
SEGMENTS = [contraction(2.0, 4.0), contraction(5.0, 5.6), contraction(8.0, 11.0), resting(6.0, 7.5)]
TARGET = np.array([0, 1], dtype=np.float32)


class OneElectrode:
    """Looks at nothing but the mean level of the third of eight electrodes; the louder, the nearer to TARGET.

    Attributes:
        seen: the features of every session.
    """

    def __init__(self) -> None:
        self.seen: list[NDArray[np.float32]] = []

    def encode_session(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        self.seen.append(features.copy())
        levels = features[:, :HARMONICS] @ ring_waves(np.arange(8) * np.pi / 4)
        angle = np.clip(levels[:, THIRD], 0, 12) / 12 * np.pi / 2
        return np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)


def one_loud_half() -> Recording:
    """Three contractions; in the first the third of eight electrodes is loud in the first half only."""
    samples = bursts(at=[(2.0, 4.0), (5.0, 5.6), (8.0, 11.0)], loudness=3.0)
    samples[400:600, THIRD] *= 10
    return record(samples)


def test_the_only_electrode_and_the_half_that_matter_are_named() -> None:
    why = Occlusion(OneElectrode(), [one_loud_half()], SEGMENTS).explain(0, TARGET)
    drops = np.array([one.drop for one in why.channels])
    assert drops.argmax() == THIRD
    assert drops[THIRD] > 0.2
    assert np.abs(np.delete(drops, THIRD)).max() < 0.01
    edges = [why.moments[0].start_s, *(one.end_s for one in why.moments)]
    assert edges == pytest.approx(np.linspace(2, 4, 9), abs=0.051)
    assert all(one.drop > 0.01 for one in why.moments[:4])
    assert all(one.drop < -0.01 for one in why.moments[4:])


def test_only_the_segment_in_question_changes() -> None:
    model = OneElectrode()
    session = Occlusion(model, [one_loud_half()], SEGMENTS)
    why = session.explain(2, TARGET)
    whole, *variants = model.seen
    assert len(variants) == len(why.channels) + len(why.moments)
    for variant in variants:
        assert np.array_equal(np.delete(variant, 2, axis=0), np.delete(whole, 2, axis=0))
        assert not np.array_equal(variant[2], whole[2])
    assert why.score == pytest.approx(float(session.vectors[2] @ TARGET), abs=1e-6)


@pytest.mark.parametrize("channel", [0, 5])
def test_without_a_channel_is_as_if_it_had_been_dead(channel: int) -> None:
    samples = bursts(seed=3) * np.geomspace(0.5, 20, 8).astype(np.float32)
    recording = record(samples)
    dead = record(np.where(np.arange(8) == channel, 0, samples))
    found = Occlusion(OneElectrode(), [recording], SEGMENTS).without_channel(0, channel)
    wanted = session_features([dead], SEGMENTS[:1])[0]
    squares = slice(GROUPS * HARMONICS, READ - SCALARS)
    assert np.delete(found, squares) == pytest.approx(np.delete(wanted, squares), abs=1e-5)


def test_a_dead_channel_leaves_the_unit_of_the_others_alone() -> None:
    """The logarithm of the covariance of the living, in units of the rest of the whole band."""
    recording = record(bursts(seed=3) * np.geomspace(0.5, 20, 8).astype(np.float32))
    session = Occlusion(OneElectrode(), [recording], SEGMENTS)
    frames, living = to_frames(recording), np.arange(1, 8)
    samples = frames.filtered[400:800, living].astype(np.float64)
    covariance = samples.T @ samples / len(samples) / np.exp(np.log(rest_power([frames])).mean())
    covariance += SHRINKAGE * np.trace(covariance) / 7 * np.eye(7)
    values, axes = np.linalg.eigh(covariance)
    dead = record(np.where(np.arange(8) == 0, 0, recording.samples))
    features = channel_features([dead], SEGMENTS[:1])
    features.log_covariance[0][np.ix_(living, living)] = axes * np.log(values) @ axes.T
    first = slice(GROUPS * HARMONICS, GROUPS * HARMONICS + HARMONICS**2)
    assert session.without_channel(0, 0)[first] == pytest.approx(to_harmonics(features)[0, first], abs=1e-3)


def test_without_a_slice_is_what_the_other_frames_say() -> None:
    recording = one_loud_half()
    session = Occlusion(OneElectrode(), [recording], SEGMENTS)
    frames = session.frames[0]
    inside = frames.between(2.0, 4.0)
    part = frame_slices(frames, SEGMENTS[0])[3]
    others = [
        frame for frame in range(inside.start, inside.stop) if frame not in range(part.start, part.stop)
    ]
    level = np.log(frames.power[others] / session.rest)
    found = session.without_slice(0, part)
    waves = ring_waves(np.arange(8) * np.pi / 4)
    assert found[:HARMONICS] @ waves == pytest.approx(level.mean(axis=0), abs=0.02)
    assert found[HARMONICS : 2 * HARMONICS] @ waves == pytest.approx(level.std(axis=0), abs=0.02)
    duration, loudness = READ - SCALARS, READ - SCALARS + 1
    assert found[loudness] == pytest.approx(level.mean(), abs=1e-4)
    assert found[duration] == session.features[0, duration]


def test_a_dead_channel_is_worth_nothing() -> None:
    samples = one_loud_half().samples.copy()
    samples[:, 5] = 7
    why = Occlusion(OneElectrode(), [record(samples)], SEGMENTS).explain(0, TARGET)
    assert why.channels[5].drop == 0
    assert np.argmax([one.drop for one in why.channels]) == THIRD


def test_the_only_channel_can_be_taken_away() -> None:
    why = Occlusion(OneElectrode(), [record(bursts(channels=1))], SEGMENTS).explain(0, TARGET)
    drops = [one.drop for one in why.channels] + [one.drop for one in why.moments]
    assert np.isfinite(drops).all()


@pytest.mark.parametrize(
    ("end_s", "count"), [(2.04, 0), (2.1, 2), (2.2, 2), (2.5, 2), (3.0, 4), (4.9, MOST_SLICES), (7.0, 12)]
)
def test_slices_are_the_segment(end_s: float, count: int) -> None:
    frames, segment = to_frames(one_loud_half()), Segment(0, 2.0, end_s, "contraction")
    slices = frame_slices(frames, segment)
    assert len(slices) == count
    if slices:
        assert slice(slices[0].start, slices[-1].stop) == frames.between(2.0, end_s)
        assert all(one.stop == after.start for one, after in pairwise(slices))
        lengths = [(one.stop - one.start) * HOP_S for one in slices]
        assert max(lengths) - min(lengths) <= HOP_S + 1e-9 and max(lengths) < 0.5


def test_effort_is_told_relative_to_the_session() -> None:
    samples = bursts(loudness=10.0)
    samples[1600:2200] *= 3
    session = Occlusion(OneElectrode(), [record(samples)], SEGMENTS)
    short, loud, rest = (session.explain(row, TARGET).effort for row in (1, 2, 3))
    assert loud.over_rest_db - short.over_rest_db == pytest.approx(20 * np.log10(3), abs=1)
    assert 0 < rest.over_rest_db < 5, "the rest level is that of the quietest frames"
    assert (loud.stronger_than, rest.stronger_than) == (1, 0)
    alone = Occlusion(OneElectrode(), [record(samples)], SEGMENTS[:1])
    assert alone.explain(0, TARGET).effort.stronger_than is None


def test_views_are_the_means_of_their_texts() -> None:
    model: Any = FakeModel()
    fist = load_actions()["fist"]
    query = unit(np.array([[0.2, 0.9, *[0] * 14]]))[0]
    model.texts[fist.views["functional"][1]] = query
    words = word_views(model, query)
    said = asdict(words.meaning)
    text = fist.views["functional"][1]
    assert said == {
        "action": "fist",
        "name": fist.names[0],
        "view": "functional",
        "text": text,
        "closeness": pytest.approx(1, abs=1e-6),
    }
    segment = unit(np.random.default_rng(0).normal(size=(1, 16)))[0]
    for view, score in zip(VIEWS, words.scores(segment), strict=True):
        texts = [own for kind, own in texts_of(fist) if kind == view]
        mean = unit(model.encode_text(texts).mean(axis=0))
        assert score.view == view
        assert score.score == pytest.approx(float(mean @ segment), abs=1e-5)
    assert word_views(model, query, "open-hand").meaning.action == "open-hand"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("explained")
    for seed, (session, name) in enumerate([("a", "one"), ("a", "two"), ("b", "one")]):
        write_bursts(folder / "files", session, name, seed)
    ingest(folder / "lib", [folder / "files"], model=FakeModel())
    return folder / "lib"


def test_every_hit_of_a_library_is_explained_from_its_own_score(library: Path) -> None:
    model: Any = FakeModel()
    model.threshold = -1.0
    result = Engine(library, model).search("make a fist", k=9, explain=True)
    assert len({(hit.session, hit.recording) for hit in result.hits}) == 3
    assert result.meaning is not None
    for hit in result.hits:
        why = hit.explanation
        assert why is not None
        assert why.score == pytest.approx(hit.score, abs=1e-5)
        assert [one.view for one in why.views] == list(VIEWS)
        assert len(why.channels) == 4
        assert (why.moments[0].start_s, why.moments[-1].end_s) == (hit.start_s, hit.end_s)
    plain = Engine(library, model).search("make a fist", k=9)
    assert plain.meaning is None
    assert [hit.explanation for hit in plain.hits] == [None] * 9


def test_what_does_not_fit_is_not_explained(library: Path) -> None:
    model: Any = FakeModel()
    best, *_ = Engine(library, model).search("make a fist").hits
    model.threshold = best.score - 1e-4
    result = Engine(library, model).search("make a fist", explain=True)
    assert [hit.fits for hit in result.hits] == [True] + [False] * 9
    assert [hit.explanation is not None for hit in result.hits] == [True] + [False] * 9
    model.unrelated = ("make a fist",)
    result = Engine(library, model).search("make a fist", explain=True)
    assert not result.confident
    assert result.confidence == pytest.approx(0.001)
    assert not any(hit.fits or hit.explanation for hit in result.hits)


def test_similar_is_explained_without_words(library: Path) -> None:
    model: Any = FakeModel()
    model.threshold = 2.0
    engine = Engine(library, model)
    row = engine.library.rows([2])[0]
    result = engine.similar(row.segment, k=2, explain=True)
    assert (result.meaning, result.confident, result.confidence) == (None, True, 1.0)
    for hit in result.hits:
        assert hit.explanation is not None
        assert hit.explanation.views == []
        assert hit.explanation.score == pytest.approx(hit.score, abs=1e-5)


def test_a_stretch_and_the_segment_it_is_are_explained_alike(library: Path) -> None:
    model: Any = FakeModel()
    engine = Engine(library, model)
    row = next(one for one in engine.library.rows(np.arange(9)) if one.kind == "contraction")
    stored = engine.describe(row.segment, explain=True)
    cut = engine.describe(row.recording, row.start_s, row.end_s, explain=True)
    assert stored.explanation is not None and cut.explanation is not None and stored.meaning is not None
    assert stored.meaning.action == stored.descriptions[0].action
    assert stored.explanation.score == pytest.approx(stored.descriptions[0].score, abs=1e-5)
    mine, other = ([one.drop for one in why.channels] for why in (stored.explanation, cut.explanation))
    assert mine == pytest.approx(other, abs=1e-5)


def test_one_contraction_is_explained_at_a_time(library: Path) -> None:
    model: Any = FakeModel()
    with pytest.raises(UsageError, match=r"one contraction can be explained at a time.*--start"):
        Engine(library, model).describe(Library.open(library).rows([0])[0].recording, explain=True)


SPEC = """\
subjects: 1
sessions: 1
actions: [fist, open-hand, wrist-flexion, wrist-extension]
repetitions: 2
layout: {ring: 8, along_mm: 70}
rate_hz: 200
seed: 7
hold_s: [1.0, 1.5]
rest_s: [1.0, 1.5]
"""


def test_the_packaged_model_explains_a_simulated_person(tmp_path: Path) -> None:
    (tmp_path / "one.synth.yaml").write_text(SPEC)
    model = Model.load()
    ingest(tmp_path / "lib", [tmp_path / "one.synth.yaml"], model=model)
    first, again = (
        asdict(Engine(tmp_path / "lib", model).search("make a fist", k=1, explain=True)) for _ in range(2)
    )
    assert first == again
    assert json.loads(json.dumps(first)) == first
    assert first["meaning"]["action"] == "fist"
    for hit in first["hits"]:
        why = hit["explanation"]
        assert list(why) == ["score", "views", "channels", "moments", "effort"]
        assert why["score"] == pytest.approx(hit["score"], abs=1e-5)
        assert [list(one) for one in why["channels"]] == [["name", "angle_deg", "drop"]] * 8
        assert {tuple(one) for one in why["moments"]} == {("start_s", "end_s", "drop")}
        drops = [one["drop"] for one in why["channels"] + why["moments"]]
        assert np.isfinite(drops).all() and any(drops)
        assert 0 < why["effort"]["over_rest_db"] < 60
