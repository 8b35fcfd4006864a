"""Filtering and frames against a plain loop."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt_zi, sosfiltfilt
from toys import bursts, record

from myosem import signal
from myosem.signal import FRAME_S, HOP_S, remove_drift, to_frames

RATES = (100.0, 173.5, 200.0, 999.0, 2048.0, 4000.0)


def plain_frames(filtered: NDArray[np.float32], rate_hz: float) -> NDArray[np.float64]:
    """Power, mobility and crossings ``(3, n, C)``, one sample at a time."""
    length, hop = round(FRAME_S * rate_hz), HOP_S * rate_hz
    rows: list[list[tuple[float, float, float]]] = []
    while len(rows) * hop + length <= len(filtered):
        start = round(len(rows) * hop)
        row = []
        for channel in filtered.astype(np.float64).T:
            energy = size = steps = crossings = 0.0
            for i in range(start, start + length):
                energy += channel[i] ** 2
                size += abs(channel[i])
                before = channel[max(i - 1, 0)]
                steps += abs(channel[i] - before)
                crossings += (channel[i] < 0) != (before < 0)
            row.append((energy / length, steps / size * rate_hz, crossings / length * rate_hz))
        rows.append(row)
    return np.array(rows).transpose(2, 0, 1)


@pytest.mark.parametrize("channels_at_once", [1, 2, 3])
@pytest.mark.parametrize("kind", [np.float32, np.int16])
def test_large_recordings_are_filtered_a_few_channels_at_a_time_with_the_same_numbers(
    channels_at_once: int, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = record((1000 * bursts(2000.0, 8)).astype(kind), 2000.0)
    whole = to_frames(recording)
    monkeypatch.setattr(signal, "AT_ONCE_BYTES", 8 * len(recording.samples) * channels_at_once)
    parts = to_frames(recording)
    for name in ("filtered", "power", "mobility", "crossings"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))


@pytest.mark.parametrize("rows", [1, 2, 26, 27, 1000])
@pytest.mark.parametrize("padding", [0, 1, 25])
def test_filtering_in_blocks_gives_the_very_numbers_of_scipy(
    rows: int, padding: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = np.random.default_rng(rows).normal(0, 1, (max(rows, padding + 1), 3)).astype(np.float32)
    sos = butter(2, 20, "highpass", fs=1000, output="sos")
    expected = sosfiltfilt(sos, samples, axis=0, padlen=padding).astype(np.float32)
    monkeypatch.setattr(signal, "AT_ONCE_BYTES", 64 * 3 * 10)
    signal.filter_both_ways(sos, sosfilt_zi(sos), samples, padding)
    np.testing.assert_array_equal(samples, expected)


@pytest.mark.parametrize("rate_hz", RATES)
def test_frames_are_those_of_a_plain_loop(rate_hz: float) -> None:
    recording = record(bursts(rate_hz, 2, at=[(0.2, 0.4)], duration_s=0.7), rate_hz)
    frames = to_frames(recording)
    power, mobility, crossings = plain_frames(remove_drift(recording), rate_hz)
    np.testing.assert_allclose(frames.power, power, rtol=1e-5)
    np.testing.assert_allclose(frames.mobility, mobility, rtol=1e-5)
    np.testing.assert_allclose(frames.crossings, crossings, rtol=1e-5)
    assert len(frames) == len(power) == len(frames.times_s)


@given(rate_hz=st.floats(20, 5000), duration_s=st.floats(0.01, 3))
def test_frames_lie_inside_the_recording_and_leave_less_than_a_hop(rate_hz: float, duration_s: float) -> None:
    count = max(round(rate_hz * duration_s), 2)
    recording = record(np.random.default_rng(0).normal(size=(count, 1)).astype(np.float32), rate_hz)
    frames = to_frames(recording)
    assert len(frames) >= 1
    assert np.isfinite(frames.power).all() and np.isfinite(frames.mobility).all()
    tick = 1 / rate_hz
    if recording.duration_s > FRAME_S + tick:
        end = frames.times_s[-1] + FRAME_S / 2
        assert recording.duration_s - HOP_S - 2 * tick <= end <= recording.duration_s + tick


def test_what_is_shorter_than_a_frame_is_one_frame() -> None:
    samples = bursts(200, 3, at=[], duration_s=0.04)
    frames = to_frames(record(samples, signal="envelope"))
    assert frames.power.shape == frames.mobility.shape == frames.crossings.shape == (1, 3)
    np.testing.assert_allclose(frames.power[0], (samples.astype(np.float64) ** 2).mean(axis=0), rtol=1e-6)


def test_one_sample_is_one_frame() -> None:
    frames = to_frames(record(np.ones((1, 2), dtype=np.float32), signal="envelope"))
    np.testing.assert_array_equal(frames.power, [[1, 1]])
    np.testing.assert_array_equal(frames.crossings, [[0, 0]])


def test_times_are_the_middles_of_the_frames() -> None:
    rate_hz = 1000.0
    samples = np.zeros((2000, 1), dtype=np.float32)
    samples[730] = 1.0  # at 0.73 s
    frames = to_frames(record(samples, rate_hz, signal="envelope"))
    seen = frames.times_s[frames.power[:, 0] > 0]
    np.testing.assert_allclose(seen, [0.70, 0.75])


def test_between_gives_the_frames_whose_middle_lies_inside() -> None:
    frames = to_frames(record(bursts()))
    inside = frames.times_s[frames.between(2.0, 3.5)]
    wanted = frames.times_s[(frames.times_s >= 2.0) & (frames.times_s < 3.5)]
    np.testing.assert_array_equal(inside, wanted)
    for start, end in ((1.001, 1.002), (12.99, 13.0), (0.0, 0.01), (13.0, 13.0)):
        part = frames.times_s[frames.between(start, end)]
        assert len(part) == 1 and abs(part[0] - (start + end) / 2) <= FRAME_S


@pytest.mark.parametrize("rate_hz", RATES)
def test_drift_goes_and_emg_stays(rate_hz: float) -> None:
    time_s = np.arange(round(8 * rate_hz)) / rate_hz
    drift = 50 * np.sin(2 * np.pi * 0.7 * time_s) + 300
    emg = np.sin(2 * np.pi * 0.4 * rate_hz * time_s)
    inner = slice(round(rate_hz), -round(rate_hz))
    only_drift = remove_drift(record(drift[:, None].astype(np.float32), rate_hz))[inner]
    both = remove_drift(record((drift + emg)[:, None].astype(np.float32), rate_hz))[inner]
    assert np.abs(only_drift).max() < 0.02
    assert both.std() == pytest.approx(emg.std(), rel=0.02)


def test_an_envelope_is_left_alone() -> None:
    samples = np.abs(bursts()) + 5
    np.testing.assert_array_equal(remove_drift(record(samples.copy(), signal="envelope")), samples)


def test_a_rate_without_room_above_the_drift_loses_its_mean_only() -> None:
    samples = bursts(50.0) + 7
    np.testing.assert_allclose(
        remove_drift(record(samples.copy(), 50.0)), samples - samples.mean(axis=0), atol=1e-5
    )


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.float64])
def test_the_type_of_the_samples_does_not_matter(dtype: type) -> None:
    samples = np.round(bursts()).astype(np.float32)
    np.testing.assert_array_equal(
        remove_drift(record(samples.astype(dtype))), remove_drift(record(samples.copy()))
    )


@pytest.mark.parametrize("constant", [0.0, 0.1, -128.0, 1234.567, 1e-5])
def test_a_constant_channel_is_silent(constant: float) -> None:
    samples = bursts(200, 3)
    samples[:, 1] = constant
    filtered = remove_drift(record(samples))
    assert not filtered[:, 1].any()
    np.testing.assert_array_equal(filtered[:, [0, 2]], remove_drift(record(bursts(200, 3)))[:, [0, 2]])
