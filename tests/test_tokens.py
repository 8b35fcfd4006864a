"""Tokens mean the same on any device, and keep what tells an effort from a lighter one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import resample_poly
from toys import bursts, contraction, record, resting

from myosem import tokens
from myosem.readers import read_recordings
from myosem.records import Channel, Recording, Segment
from myosem.ring import HARMONICS, known_harmonics, ring_fit
from myosem.segments import find_segments
from myosem.synth import ElectrodeLayout, ForearmSubject, SessionSettings, simulate_session
from myosem.tokens import (
    BAND_FLAGS,
    CONTENT,
    COVARIANCE,
    LEVEL,
    LONGEST,
    ORDER_FLAGS,
    SHAPE,
    WIDTH,
    device_bands,
    session_tokens,
    support,
    token_times,
)

SEGMENTS = [contraction(2.0, 3.5), resting(4.0, 4.8), contraction(5.0, 5.6), contraction(8.0, 11.0)]
Array = NDArray[np.float32]


@pytest.fixture(scope="module")
def forearm() -> Recording:
    """A simulated session on a ring of eight at 2 kHz."""
    return simulate_session(
        ["fist", "wrist-flexion", "point"],
        subject=ForearmSubject.sample(3),
        layout=ElectrodeLayout.ring(8),
        settings=SessionSettings(rate_hz=2000.0, repetitions=2, hold_s=(1.0, 1.5), rest_s=(1.0, 1.5), seed=3),
        session="1",
    )


def content(recording: Recording, segments: list[Segment] | None = None) -> Array:
    """The content of all tokens ``(n, CONTENT)``."""
    found = session_tokens([recording], segments or find_segments([recording]))
    return found.values[found.mask][:, CONTENT]


def cosines(one: Array, other: Array) -> NDArray[np.float32]:
    """Of each token in two versions of a recording, seen from the middle of the first."""
    middle = one.mean(axis=0)
    one, other = one - middle, other - middle
    return np.asarray((one * other).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1))


def changed(recording: Recording, samples: NDArray[Any], **fields: Any) -> Recording:
    return replace(recording, samples=samples.astype(np.float32), **fields)


@pytest.mark.parametrize(
    ("end_s", "wanted"),
    [
        (1.75, [(1.0, 1.25), (1.25, 1.5), (1.5, 1.75)]),
        (1.6, [(1.0, 1.25), (1.25, 1.5), (1.35, 1.6)]),
        (1.25, [(1.0, 1.25)]),
        (1.2, [(1.0, 1.2)]),
    ],
)
def test_tokens_follow_one_another_and_the_last_ends_with_the_segment(
    end_s: float, wanted: list[tuple[float, float]]
) -> None:
    np.testing.assert_allclose(token_times(contraction(1.0, end_s)), wanted)


@pytest.mark.parametrize("length_s", [0.01, 0.2, 0.9, 4.999, 5.0, 5.1, 30.0])
def test_no_segment_has_too_many_tokens_and_all_lie_inside(length_s: float) -> None:
    times = token_times(contraction(2.0, 2.0 + length_s))
    assert len(times) == min(max(int(np.ceil(length_s / 0.25 - 1e-6)), 1), LONGEST)
    assert times[0, 0] == 2.0 and times[-1, 1] == pytest.approx(2.0 + length_s)
    assert np.all(np.diff(times[:, 0]) > 0) and np.all(times[:, 1] - times[:, 0] <= 0.25 + 1e-9)


@pytest.mark.parametrize("channels", [1, 2, 3, 8, 128])
@pytest.mark.parametrize("rate_hz", [100.0, 1000.0])
def test_tokens_are_equally_wide_on_any_device(channels: int, rate_hz: float) -> None:
    found = session_tokens([record(bursts(rate_hz, channels), rate_hz)], SEGMENTS)
    assert found.values.shape == (len(SEGMENTS), 12, WIDTH) and found.values.dtype == np.float32
    assert found.mask.sum(axis=1).tolist() == [6, 4, 3, 12]
    assert np.isfinite(found.values).all() and not found.values[~found.mask].any()
    assert not found.values[found.mask][:, CONTENT][~support(found.values[found.mask])].any()


def test_envelopes_have_tokens_without_a_spectrum() -> None:
    raw = np.abs(bursts())
    found = session_tokens([record(raw, signal="envelope")], SEGMENTS).values
    assert found[..., LEVEL].any() and not found[..., SHAPE].any() and not found[..., BAND_FLAGS].any()
    assert not support(found)[..., SHAPE].any()


def test_nothing_to_read_gives_no_tokens() -> None:
    empty = session_tokens([record(bursts())], [])
    assert len(empty) == 0 and empty.values.shape == (0, 0, WIDTH)


def test_dead_short_and_silent_recordings_have_finite_tokens() -> None:
    silent = bursts()
    silent[np.abs(silent).max(axis=1) < 5] = 0
    for samples in (np.full((2600, 3), 5.0), silent, bursts()[:3]):
        segments = [contraction(0.0, len(samples) / 200)]
        assert np.isfinite(session_tokens([record(samples.astype(np.float32))], segments).values).all()


def test_each_recording_gives_the_tokens_of_its_own_segments() -> None:
    first, second = record(bursts()), record(bursts(seed=1))
    mixed = [contraction(2.0, 3.5, 1), contraction(2.0, 3.5, 0), resting(4.0, 4.8, 1)]
    found = session_tokens([first, second], mixed).values
    for row, segment in enumerate(mixed):
        np.testing.assert_array_equal(
            session_tokens([first, second], [segment]).values[0], found[row, : len(token_times(segment))]
        )
    assert not np.allclose(found[0], found[1])


def slow_level(recording: Recording, start_s: float) -> list[float]:
    """Log of the mean square of 100 ms round each fifth of a token, of the first channel."""
    samples = recording.samples[:, 0].astype(np.float64)
    middles = [start_s + 0.05 * step for step in range(1, 5)]
    return [
        float(np.log(np.mean(samples[round((m - 0.05) * 2000) : round((m + 0.05) * 2000)] ** 2)))
        for m in middles
    ]


def test_level_is_the_log_power_over_rest_at_four_moments() -> None:
    loudness = np.exp(np.linspace(0, 4, 26000))[:, None]
    recording = record(bursts(2000.0, 1, at=[]) * loudness.astype(np.float32), 2000.0)
    found = session_tokens([recording], [contraction(6.0, 6.25), contraction(9.0, 9.25)]).values[:, 0, LEVEL]
    level = found.reshape(2, tokens.STEPS, HARMONICS)[:, :, 0]
    wanted = np.array([slow_level(recording, start) for start in (6.0, 9.0)])
    np.testing.assert_allclose(np.diff(level, axis=1), np.diff(wanted, axis=1), atol=0.1)
    np.testing.assert_allclose(level[1] - level[0], wanted[1] - wanted[0], atol=0.1)


def test_shape_says_in_which_band_the_power_lies() -> None:
    time_s = np.arange(26000) / 2000
    for band, (low, high) in enumerate(tokens.BANDS_HZ):
        wave = np.sin(2 * np.pi * (low + high) / 2 * time_s)[:, None] + 0.01 * bursts(2000.0, 1, at=[])
        found = session_tokens([record(wave.astype(np.float32), 2000.0)], [contraction(3.0, 4.0)])
        shape = found.values[0, :, SHAPE].reshape(4, len(tokens.BANDS_HZ), HARMONICS)[..., 0]
        assert set(shape.argmax(axis=1)) == {band}


def test_channels_that_go_together_have_another_covariance() -> None:
    apart = bursts(channels=4)
    together = np.repeat(apart[:, :1], 4, axis=1)
    one, other = (content(record(samples), SEGMENTS) for samples in (apart, together))
    assert np.abs(one[:, COVARIANCE] - other[:, COVARIANCE]).max() > 1
    assert np.abs(one[:, LEVEL][:, 0].mean() - other[:, LEVEL][:, 0].mean()) < 0.5


def test_a_stronger_contraction_stays_stronger() -> None:
    strong, weak = contraction(2.0, 3.0), contraction(5.0, 6.0)
    samples = bursts(at=[(2.0, 3.0)], loudness=20) + bursts(at=[(5.0, 6.0)], loudness=5) - bursts(at=[])
    found = session_tokens([record(samples)], [strong, weak]).values[..., LEVEL].reshape(2, 4, 4, HARMONICS)
    difference = found[0, ..., 0].mean() - found[1, ..., 0].mean()
    assert difference == pytest.approx(2 * np.log(20 / 5), abs=0.3)


@pytest.mark.parametrize("gain", [1e-6, 10, 1e4])
def test_gain_does_not_matter(forearm: Recording, gain: float) -> None:
    one, other = (
        content(forearm),
        content(changed(forearm, np.asarray(forearm.samples, dtype=np.float32) * gain)),
    )
    np.testing.assert_allclose(one, other, atol=2e-3)


def test_channels_may_come_in_any_order_with_their_places(forearm: Recording) -> None:
    order = np.random.default_rng(0).permutation(8)
    channels = tuple(forearm.channels[place] for place in order)
    turned = changed(forearm, forearm.samples[:, order], channels=channels)
    np.testing.assert_allclose(content(forearm), content(turned), atol=1e-3)


@pytest.mark.parametrize(("factor", "least"), [(2, 0.999), (4, 0.99)])
def test_a_slower_device_says_nearly_the_same(forearm: Recording, factor: int, least: float) -> None:
    segments = find_segments([forearm])
    samples = resample_poly(forearm.samples, 1, factor, axis=0)
    slower = changed(forearm, samples, rate_hz=forearm.rate_hz / factor)
    one, other = (session_tokens([recording], segments) for recording in (forearm, slower))
    both = support(one.values[one.mask]) & support(other.values[other.mask])
    assert both[:, SHAPE].any()
    first, second = (np.where(both, each.values[each.mask][:, CONTENT], 0) for each in (one, other))
    assert np.median(cosines(first, second)) >= least


def test_a_shift_of_20_ms_hardly_matters(forearm: Recording) -> None:
    segments = find_segments([forearm])
    shifted = [replace(one, start_s=one.start_s + 0.02, end_s=one.end_s + 0.02) for one in segments]
    assert np.median(cosines(content(forearm, segments), content(forearm, shifted))) >= 0.95


def test_a_dead_channel_is_left_out_and_not_read_as_silence(forearm: Recording) -> None:
    segments = find_segments([forearm])
    broken = np.array(forearm.samples, dtype=np.float32)
    broken[:, 2] = 0
    noisy = np.array(forearm.samples, dtype=np.float32)
    noisy[:, 2] = np.random.default_rng(0).normal(size=len(noisy)) * noisy[:100, 2].std()
    whole, dead, silent = (
        content(changed(forearm, one), segments) for one in (forearm.samples, broken, noisy)
    )
    level = np.s_[:, LEVEL]
    assert np.mean(cosines(whole[level], dead[level])) >= 0.9
    assert np.abs(whole[level] - dead[level]).mean() < 0.5 * np.abs(whole[level] - silent[level]).mean()


def test_a_channel_that_dies_between_recordings_is_left_out_of_the_second() -> None:
    first, second = bursts(), bursts(seed=1)
    second[:, 2] = 0
    recordings = [record(first), record(second)]
    found = session_tokens(recordings, [contraction(2.0, 3.5, 1)]).values[0, :, LEVEL]
    alive = session_tokens([record(first), record(bursts(seed=1))], [contraction(2.0, 3.5, 1)]).values[
        0, :, LEVEL
    ]
    assert np.abs(found.reshape(6, 4, HARMONICS)[..., 0] - alive.reshape(6, 4, HARMONICS)[..., 0]).max() < 0.5


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 9, 10, 16])
def test_equally_spaced_electrodes_have_their_fourier_series(count: int) -> None:
    angles = np.arange(count) * 2 * np.pi / count
    order = (np.arange(HARMONICS) + 1) // 2
    plain = 2 * order < count
    fit = ring_fit(angles, np.ones(count, dtype=bool))
    sine = np.arange(HARMONICS) % 2 == 0
    phase = order[:, None] * angles
    series = np.where((sine & (order > 0))[:, None], np.sin(phase), np.cos(phase)) / count
    wanted = series / (1 + 0.0005 * order**2)[:, None]
    np.testing.assert_allclose(fit[plain], wanted[plain], atol=1e-9)
    assert not fit[~known_harmonics(angles)].any()


@pytest.mark.parametrize("dead", range(8))
def test_a_smooth_map_is_seen_with_an_electrode_missing(dead: int) -> None:
    angles = np.arange(8) * np.pi / 4
    smooth = 3 + np.cos(angles - 1) + 0.3 * np.sin(2 * angles)
    alive = np.arange(8) != dead
    whole = ring_fit(angles, np.ones(8, dtype=bool)) @ smooth
    np.testing.assert_allclose(ring_fit(angles, alive) @ smooth[alive], whole, atol=0.08)
    silent = ring_fit(angles, np.ones(8, dtype=bool)) @ (smooth * alive)
    assert np.abs(silent - whole).max() > 0.2


def test_support_follows_the_flags() -> None:
    values = np.zeros((1, WIDTH), dtype=np.float32)
    values[:, BAND_FLAGS.start : BAND_FLAGS.start + 2] = 1
    values[:, ORDER_FLAGS.start] = 1
    known = support(values)[0]
    assert known[LEVEL].reshape(tokens.STEPS, HARMONICS).tolist() == [[True] * 3 + [False] * 6] * tokens.STEPS
    shape = known[SHAPE].reshape(-1, HARMONICS)
    assert shape[:2, :3].all() and not shape[2:].any() and not shape[:, 3:].any()
    assert known[COVARIANCE].sum() == 3 * 4 / 2


@pytest.mark.parametrize(
    ("rate_hz", "band", "wanted"),
    [(100.0, None, 1), (200.0, None, 3), (500.0, None, 5), (2000.0, None, 6), (2000.0, (20.0, 200.0), 4)],
)
def test_a_device_supports_the_bands_below_half_its_rate(
    rate_hz: float, band: tuple[float, float] | None, wanted: int
) -> None:
    recording = replace(record(bursts(), rate_hz), band_hz=band)
    assert device_bands(recording).tolist() == [True] * wanted + [False] * (6 - wanted)


def test_rows_can_be_taken() -> None:
    found = session_tokens([record(bursts())], SEGMENTS)
    part = found.take(np.array([2, 0]))
    np.testing.assert_array_equal(part.values, found.values[[2, 0]])
    np.testing.assert_array_equal(part.mask, found.mask[[2, 0]])


def test_unknown_places_are_taken_as_equally_spaced() -> None:
    known = record(bursts())
    unknown = replace(known, channels=tuple(Channel(f"c{i}") for i in range(8)))
    np.testing.assert_array_equal(content(known, SEGMENTS), content(unknown, SEGMENTS))


@pytest.mark.parametrize("file", ["myo_up/E1/s1e1.mat", "unibo_inail/user_1_day_1_posture_1.mat"])
def test_real_recordings_have_finite_tokens(real_data: Path, file: str) -> None:
    recordings = read_recordings(real_data / file)
    segments = find_segments(recordings)
    found = session_tokens(recordings, segments)
    assert len(found) == len(segments) and np.isfinite(found.values).all() and found.mask.any(axis=1).all()
