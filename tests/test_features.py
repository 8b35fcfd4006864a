"""Features mean the same for any number of channels, any gain and any order of the channels."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import expm
from toys import bursts, contraction, record, resting

from myosem import tokens
from myosem.features import (
    COURSE,
    GROUPS,
    READ,
    SCALARS,
    TOKENS,
    WIDTH,
    WORDS,
    ChannelFeatures,
    channel_features,
    segment_session,
    session_features,
    to_harmonics,
)
from myosem.readers import read_recordings
from myosem.records import Channel, Signal, dead_channels
from myosem.ring import HARMONICS
from myosem.segments import find_segments, rest_power
from myosem.sentence import SENTENCE, sentences
from myosem.signal import to_frames

SEGMENTS = [contraction(2.0, 3.5), resting(4.0, 4.8), contraction(5.0, 5.6), contraction(8.0, 11.0)]
MEAN, SPREAD, TREND = 0, 1, 2
FIFTHS = slice(GROUPS - COURSE, GROUPS)


def uneven(channels: int = 8, rate_hz: float = 200.0, seed: int = 0) -> NDArray[np.float32]:
    """Bursts in which channels overlap and some take part less than others."""
    generator = np.random.default_rng(seed)
    rest = bursts(rate_hz, channels, at=[], seed=seed)
    active = bursts(rate_hz, channels, seed=seed) - rest
    mixing = np.eye(channels) + 0.4 * generator.normal(size=(channels, channels)) / np.sqrt(channels)
    return np.asarray((rest + active * generator.uniform(0.1, 1, size=channels)) @ mixing, dtype=np.float32)


def described(samples: NDArray[np.float32], angles: list[float] | None = None) -> NDArray[np.float32]:
    return session_features([record(samples, angles=angles)], SEGMENTS)


def covariances(features: ChannelFeatures) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return features.log_covariance, features.log_covariance_of_steps


@pytest.mark.parametrize("channels", [1, 2, 3, 8, 10, 128])
@pytest.mark.parametrize("rate_hz", [100.0, 1000.0])
def test_the_width_is_the_same_for_any_number_of_channels(channels: int, rate_hz: float) -> None:
    recording = record(uneven(channels, rate_hz), rate_hz)
    found = session_features([recording], SEGMENTS)
    assert found.shape == (len(SEGMENTS), WIDTH) and found.dtype == np.float32
    assert np.isfinite(found).all()
    assert READ == GROUPS * HARMONICS + 2 * HARMONICS**2 + SCALARS
    assert WIDTH == READ + tokens.SUMMARY + SENTENCE


def test_no_segments_have_no_features() -> None:
    assert session_features([record(uneven())], []).shape == (0, WIDTH)


@pytest.mark.parametrize("gain", [1e-6, 0.1, 10, 1e4])
def test_gain_does_not_matter(gain: float) -> None:
    np.testing.assert_allclose(described(uneven() * np.float32(gain)), described(uneven()), atol=2e-4)


def test_channels_may_come_in_any_order_if_their_angles_come_along() -> None:
    order = np.random.default_rng(1).permutation(8)
    angles = np.arange(8) * 45.0
    np.testing.assert_allclose(
        described(uneven()[:, order], angles[order].tolist()), described(uneven(), angles.tolist()), atol=1e-4
    )


@pytest.mark.parametrize("constant", [0.0, 0.1, 1234.567])
@pytest.mark.parametrize("signal", ["raw", "envelope"])
def test_a_dead_channel_reads_as_rest_and_leaves_the_others_alone(constant: float, signal: Signal) -> None:
    samples = np.abs(uneven()) if signal == "envelope" else uneven()
    broken = samples.copy()
    broken[:, 3] = constant
    living = [0, 1, 2, 4, 5, 6, 7]
    found = channel_features([record(broken, signal=signal)], SEGMENTS)
    alone = channel_features([record(samples[:, living], signal=signal)], SEGMENTS)
    assert not found.courses[:, :, 3].any()
    np.testing.assert_allclose(found.courses[:, :, living], alone.courses, atol=1e-5)
    for broken_square, square in zip(covariances(found), covariances(alone), strict=True):
        assert not broken_square[:, 3].any() and not broken_square[:, :, 3].any()
        np.testing.assert_allclose(broken_square[:, living][:, :, living], square, atol=1e-5)
    np.testing.assert_allclose(found.scalars, alone.scalars, atol=1e-5)
    assert np.flatnonzero(found.alive).tolist() == living and alone.alive.all()


@pytest.mark.parametrize("dead", [[], [3]])
def test_channels_outside_the_ring_say_how_strong_a_segment_is_and_nothing_else(dead: list[int]) -> None:
    samples, places = uneven(8), [45.0 * i for i in range(6)]
    samples[:, dead] = 0
    mixed = tuple(Channel(str(i), angle) for i, angle in enumerate([*places, None, None]))
    whole = replace(record(samples), channels=mixed)
    alone = replace(record(samples[:, :6].copy()), channels=mixed[:6])
    found, ring_only = session_features([whole], SEGMENTS), session_features([alone], SEGMENTS)
    scalars = slice(READ - SCALARS, READ)
    np.testing.assert_allclose(np.delete(found, scalars, 1), np.delete(ring_only, scalars, 1), atol=1e-5)
    assert np.abs(found[:, scalars] - ring_only[:, scalars]).max() > 0.01
    evenly = session_features([record(samples)], SEGMENTS)
    assert np.abs(found - evenly)[:, :READ].max() > 0.1


def test_a_dead_channel_is_left_out_of_the_ring() -> None:
    samples = np.repeat(bursts(channels=1), 8, axis=1)  # the same everywhere: one number and no waves
    broken = samples.copy()
    broken[:, 3] = 0
    whole, found = described(samples), described(broken)
    courses = slice(0, GROUPS * HARMONICS)
    np.testing.assert_allclose(found[:, courses], whole[:, courses], atol=1e-5)
    np.testing.assert_allclose(found[:, READ - SCALARS :], whole[:, READ - SCALARS :], atol=1e-4)
    assert np.abs(whole[:, 0]).max() > 1


@pytest.mark.parametrize("kept", [slice(None), slice(3)])
def test_harmonics_are_kept_in_single_precision(kept: slice) -> None:
    channels = channel_features([record(uneven())], SEGMENTS[kept])
    assert to_harmonics(channels).dtype == np.float32
    np.testing.assert_allclose(channels.angles, np.arange(8) * np.pi / 4)


def test_a_session_in_which_nothing_ever_changes_is_finite() -> None:
    recording = record(np.full((2600, 3), 5.0, dtype=np.float32))
    assert len(dead_channels(recording.samples)) == 3
    assert np.isfinite(session_features([recording], SEGMENTS)).all()


def test_a_rest_without_any_noise_is_finite() -> None:
    samples = bursts()
    samples[np.abs(samples).max(axis=1) < 5] = 0
    recordings = [record(np.round(samples).astype(np.int8))]
    assert np.isfinite(session_features(recordings, SEGMENTS)).all()
    assert np.isfinite(session_features(recordings, find_segments(recordings))).all()


def test_a_channel_that_dies_between_recordings_is_finite() -> None:
    first, second = uneven(), uneven(seed=1)
    second[:, 2] = 0
    segments = [*SEGMENTS, contraction(2.0, 3.5, recording=1)]
    assert np.isfinite(session_features([record(first), record(second)], segments)).all()


@pytest.mark.parametrize("steps", [False, True])
def test_the_log_covariance_is_the_logarithm_of_the_covariance(steps: bool) -> None:
    recording = record(uneven(5))
    [frames] = [to_frames(recording)]
    found = covariances(channel_features([recording], SEGMENTS))[int(steps)]
    unit = np.exp(np.mean(np.log(rest_power([frames]))))
    for matrix, segment in zip(found, SEGMENTS, strict=True):
        part = frames.filtered[round(segment.start_s * 200) : round(segment.end_s * 200)].astype(np.float64)
        if steps:
            part = np.concatenate([np.zeros((1, 5)), part[1:] - part[:-1]])
        covariance = sum(np.outer(row, row) for row in part) / len(part) / unit
        shrunk = covariance + 0.01 * (np.trace(covariance) / 5 + 1e-6) * np.eye(5)
        loudest = np.abs(shrunk).max()
        np.testing.assert_allclose(expm(matrix.astype(np.float64)) / loudest, shrunk / loudest, atol=1e-5)


def test_strength_spread_trend_and_course_say_what_they_should() -> None:
    rate_hz = 2000.0
    time_s = np.arange(26000) / rate_hz
    decibels = np.interp(time_s, [0, 2, 2, 12, 12, 13], [0, 0, 10, 30, 0, 0])
    samples = bursts(rate_hz, 2, at=[]) * np.float32(10) ** (decibels / 20)[:, None]
    found = channel_features([record(samples.astype(np.float32), rate_hz)], [contraction(2.0, 12.0)])
    [courses], scale = found.courses, np.log(10) / 10
    low = found.courses[0, MEAN] - 20 * scale  # how far the 2 % quantile lies below the mean of rest
    assert np.all(np.abs(low) < 0.3)
    np.testing.assert_allclose(courses[SPREAD], 20 / np.sqrt(12) * scale, atol=0.05)
    np.testing.assert_allclose(courses[TREND], 10 / 3 * scale, atol=0.05)
    np.testing.assert_allclose(courses[FIFTHS].mean(axis=1), np.array([-8, -4, 0, 4, 8]) * scale, atol=0.1)
    seconds, loudness, spread, kind = found.scalars[0]
    assert seconds == pytest.approx(np.log(10)) and kind == 1
    assert loudness == pytest.approx(courses[MEAN].mean(), abs=1e-5)
    assert spread == pytest.approx(courses[SPREAD].mean(), abs=0.05)


def test_words_are_what_the_tokens_of_a_segment_say() -> None:
    recording = record(uneven())
    words = tokens.session_tokens([recording], SEGMENTS)
    found = session_features([recording], SEGMENTS)[:, WORDS]
    for row, segment in enumerate(found):
        own = words.values[row][words.mask[row]].astype(np.float64)
        level, shape = own[:, tokens.LEVEL], own[:, tokens.SHAPE]
        wanted = np.concatenate([level.mean(axis=0), level.std(axis=0), shape.mean(axis=0)])
        np.testing.assert_allclose(segment, wanted, atol=1e-4)


def test_the_last_numbers_are_the_tokens_one_by_one() -> None:
    recording = record(uneven())
    said = sentences(tokens.session_tokens([recording], SEGMENTS))
    np.testing.assert_array_equal(session_features([recording], SEGMENTS)[:, TOKENS], said)


def test_both_ways_to_the_features_of_a_session_agree() -> None:
    recordings = [record(uneven()), record(uneven(seed=1))]
    segments, found = segment_session(recordings)
    assert segments == find_segments(recordings)
    np.testing.assert_array_equal(found, session_features(recordings, segments))


def test_the_features_of_a_segment_do_not_depend_on_the_other_segments() -> None:
    whole = session_features([record(uneven())], SEGMENTS)
    for position, segment in enumerate(SEGMENTS):
        alone = session_features([record(uneven())], [segment])[0]
        np.testing.assert_allclose(alone, whole[position], atol=1e-5)


@pytest.mark.parametrize("file", ["myo_up/E1/s1e1.mat", "unibo_inail/user_1_day_1_posture_1.mat"])
def test_real_recordings_have_finite_features_of_both_kinds(real_data: Path, file: str) -> None:
    recordings = read_recordings(real_data / file)
    segments, found = segment_session(recordings)
    assert len(segments) > 10 and np.isfinite(found).all()
    assert {segment.kind for segment in segments} == {"contraction", "rest"}
