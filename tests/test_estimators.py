"""The estimators do what scikit-learn expects of them, and say where a session makes that impossible."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import FakeModel, unit
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from myosem import estimators
from myosem.errors import ModelError
from myosem.estimators import MyoSemClassifier, MyoSemTransformer
from myosem.features import session_features
from myosem.model import Model
from myosem.records import Channel, Recording
from myosem.segments import find_segments
from myosem.stretches import segments_in

RATE_HZ = 200.0
SESSION = "the segments of a call are one session: what one becomes depends on which others are there"
EXPECTED = {
    "check_methods_subset_invariance": SESSION,
    "check_methods_sample_order_invariance": "sums over a session in another order round differently (1e-7)",
}


class OneElectrodeModel(FakeModel):
    """One electrode has no direction round the limb, so all numbers of a segment count."""

    def encode_session(self, numbers: NDArray[np.float32]) -> NDArray[np.float32]:
        projection = np.random.default_rng(7).normal(size=(numbers.shape[1], self.dimension))
        return unit(np.tanh(numbers) @ projection + 1)


ONE_ELECTRODE = OneElectrodeModel()


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeModel]:
    model = FakeModel()
    monkeypatch.setattr(estimators, "_load", lambda folder: model)
    yield model


@parametrize_with_checks(  # type: ignore[untyped-decorator]
    [
        MyoSemTransformer(rate_hz=50.0, channels=1),
        MyoSemClassifier(rate_hz=50.0, channels=1),
    ],
    expected_failed_checks=lambda estimator: EXPECTED,
)
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_finds_nothing_else(estimator: Any, check: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimators, "_load", lambda folder: ONE_ELECTRODE)
    check(estimator)


def bursts(count: int = 8, length: int = 160) -> NDArray[np.float32]:
    """Segments ``(N, T, 4)`` of noise, each strong on one electrode in turn."""
    random = np.random.default_rng(0)
    gains = 0.1 + 5 * np.eye(4)[np.arange(count) % 4]
    return np.asarray(random.normal(size=(count, length, 4)) * gains[:, None], dtype=np.float32)


def test_segments_are_encoded_together_as_one_session(fake: FakeModel) -> None:
    segments = bursts()
    channels = tuple(Channel(f"ch{number}") for number in range(4))
    recordings = [
        Recording(one.copy(), RATE_HZ, channels, "d", "s", "1", str(place), "x")
        for place, one in enumerate(segments)
    ]
    found = find_segments(recordings)
    wanted = [
        part for place in range(len(segments)) for part in segments_in(found, place, 0.0, 160 / RATE_HZ)
    ]
    expected = fake.encode_session(session_features(recordings, wanted))
    vectors = MyoSemTransformer(RATE_HZ).transform(segments)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, expected, atol=1e-6)


def test_three_ways_of_writing_segments_are_one() -> None:
    segments = bursts()
    transformer = MyoSemTransformer(RATE_HZ, channels=4)
    expected = transformer.transform(segments)
    np.testing.assert_array_equal(transformer.transform(list(segments)), expected)
    np.testing.assert_array_equal(transformer.transform(segments.reshape(8, -1)), expected)


def test_a_long_segment_is_the_mean_of_its_contractions() -> None:
    long = np.random.default_rng(1).normal(size=(1600, 4)).astype(np.float32)
    long[:600] *= 0.01
    long[900:1200] *= 0.01
    vectors = MyoSemTransformer(RATE_HZ).transform([*bursts(), long])
    assert vectors.shape == (9, FakeModel.dimension)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_the_classifier_gives_the_nearest_phrase(fake: FakeModel) -> None:
    segments = bursts()
    vectors = MyoSemTransformer(RATE_HZ).transform(segments)
    phrases = ["press left", "press up", "press right", "press down"]
    for place, phrase in enumerate(phrases):
        fake.texts[phrase] = vectors[place]
    classifier = MyoSemClassifier(phrases, rate_hz=RATE_HZ).fit(segments)
    assert classifier.predict(segments).tolist() == phrases * 2
    odds = classifier.predict_proba(segments)
    np.testing.assert_allclose(odds.sum(axis=1), 1)
    assert classifier.classes_[odds.argmax(axis=1)].tolist() == phrases * 2
    nearness = classifier.decision_function(segments)
    np.testing.assert_allclose(nearness[0, classifier.classes_.tolist().index("press left")], 1, atol=1e-6)
    learned = MyoSemClassifier(rate_hz=RATE_HZ).fit(segments, phrases * 2)
    assert learned.score(segments, phrases * 2) == 1.0


def test_an_action_of_the_same_meaning_counts(fake: FakeModel) -> None:
    segments = bursts()
    fist = MyoSemTransformer(RATE_HZ).transform(segments)[0]
    fake.action_vectors[fake.actions.index("fist")] = fist
    fake.texts["close the hand"] = fist + 0.02 * np.ones(16, dtype=np.float32)
    fake.texts["close the hand"] /= np.linalg.norm(fake.texts["close the hand"])
    classifier = MyoSemClassifier(["close the hand", "tap", "wave"], rate_hz=RATE_HZ).fit(segments)
    np.testing.assert_allclose(classifier.decision_function(segments)[0, 0], 1, atol=1e-6)


def test_the_transformer_stands_in_a_pipeline_and_is_cloned() -> None:
    segments, labels = bursts(), np.arange(8) % 4
    pipeline = make_pipeline(MyoSemTransformer(RATE_HZ), LogisticRegression(C=100))
    assert clone(pipeline).fit(segments, labels).score(segments, labels) == 1.0
    assert clone(MyoSemTransformer(50.0, model="here")).get_params()["model"] == "here"


def test_what_does_not_fit_is_refused() -> None:
    segments = bursts()
    with pytest.raises(ValueError, match=r"expected \(segments, samples, channels\)"):
        MyoSemTransformer(RATE_HZ).fit(segments[:, :, 0])
    with pytest.raises(ValueError, match="has \\[3\\] channels, but MyoSemTransformer is expecting 4"):
        MyoSemTransformer(RATE_HZ).fit(segments).transform(segments[:, :, :3])
    with pytest.raises(ValueError, match="channels"):
        MyoSemTransformer(RATE_HZ).fit([segments[0], segments[1, :, :2]])
    with pytest.raises(ValueError, match="no candidates"):
        MyoSemClassifier(rate_hz=RATE_HZ).fit(segments)
    with pytest.raises(ValueError, match="8 segments, 3 labels"):
        MyoSemClassifier(rate_hz=RATE_HZ).fit(segments, ["a", "b", "c"])
    segments[2, 5, 1] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        MyoSemTransformer(RATE_HZ).transform(segments)


def test_the_packaged_model_and_others_are_loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.undo()
    vectors = MyoSemTransformer(RATE_HZ).transform(bursts(6))
    assert vectors.shape == (6, Model.load().dimension)
    with pytest.raises(ModelError, match="holds no model"):
        MyoSemTransformer(RATE_HZ, model=tmp_path).transform(bursts(6))


def test_angles_reach_the_features(fake: FakeModel) -> None:
    windows = np.random.default_rng(3).normal(size=(5, 300, 4)).astype(np.float32)
    windows[::2, :, 0] *= 9
    order, angles = [2, 0, 3, 1], [0.0, 90.0, 180.0, 270.0]
    straight = MyoSemTransformer(RATE_HZ, angles_deg=angles).transform(windows)
    turned = MyoSemTransformer(RATE_HZ, angles_deg=[angles[place] for place in order])
    np.testing.assert_allclose(turned.transform(windows[:, :, order]), straight, atol=1e-4)
    in_order = MyoSemTransformer(RATE_HZ).transform(windows[:, :, order])  # taken as equally spaced
    assert np.abs(in_order - straight).max() > 1e-3
