"""The causal form finds what the offline form finds, told in time, however the stream is cut."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from toys import bursts, record

from myosem import live
from myosem.errors import UsageError
from myosem.live import LiveContractions, LiveEvent
from myosem.readers import read_recordings
from myosem.records import Recording, Signal
from myosem.segments import (
    EXCESS_DB_S,
    MERGE_FRAMES,
    MINIMUM_FRAMES,
    activity_db,
    contraction_events,
    draw_in,
    rest_of_power,
    span_of_frames,
)
from myosem.signal import HOP_S, to_frames

LONG = tuple((float(at), at + 2.0) for at in range(3, 60, 5))


def stream(recording: Recording, chunk_s: float = 0.05) -> tuple[list[LiveEvent], list[float]]:
    """What is told about a recording, and how many seconds of it had been heard by then."""
    source = LiveContractions(recording.rate_hz, len(recording.channels), recording.signal)
    step = max(round(chunk_s * recording.rate_hz), 1)
    told: list[LiveEvent] = []
    heard: list[float] = []
    for first in range(0, len(recording.samples), step):
        new = source.push(recording.samples[first : first + step])
        told += new
        heard += [min(first + step, len(recording.samples)) / recording.rate_hz] * len(new)
    last = source.finish()
    return told + last, heard + [recording.duration_s] * len(last)


def ended(events: Sequence[LiveEvent]) -> list[tuple[float, float]]:
    return [(one.start_s, one.end_s) for one in events if one.end_s is not None]


def f1(one: Sequence[tuple[float, float]], other: Sequence[tuple[float, float]]) -> float:
    """Of two lists of events; a pair that shares half of what it covers together is a match."""
    pairs = [
        (min(a[1], b[1]) - max(a[0], b[0]), max(a[1], b[1]) - min(a[0], b[0])) for a in one for b in other
    ]
    return 2 * sum(shared > union / 2 for shared, union in pairs) / (len(one) + len(other))


@pytest.mark.parametrize("rate_hz", [60.0, 173.5, 200.0, 2048.0])
@pytest.mark.parametrize("signal", ["raw", "envelope"])
@pytest.mark.parametrize("channels", [1, 8])
def test_planted_bursts_are_found_once_rest_and_contraction_were_seen(
    rate_hz: float, signal: Signal, channels: int
) -> None:
    samples = bursts(rate_hz, channels, at=LONG, duration_s=62.0) + np.float32(3)
    if signal == "envelope":
        samples = np.abs(samples - 3)
    told, _ = stream(record(samples, rate_hz, signal=signal))
    known = [one for one in ended(told) if one[0] > 7]
    np.testing.assert_allclose(known, LONG[1:], atol=0.151)


@given(cuts=st.lists(st.integers(0, 2400), max_size=12), rate_hz=st.sampled_from([200.0, 173.5]))
@settings(max_examples=15, deadline=None)
def test_the_size_of_chunks_changes_nothing(cuts: list[int], rate_hz: float) -> None:
    samples = bursts(rate_hz, 3, at=[(2.0, 4.0), (6.0, 7.0), (9.0, 14.0)], duration_s=2400 / rate_hz)
    whole = LiveContractions(rate_hz, 3)
    expected = [*whole.push(samples), *whole.finish()]
    assert expected
    cut = LiveContractions(rate_hz, 3)
    edges = [0, *sorted(min(cut, len(samples)) for cut in cuts), len(samples)]
    found = [event for first, last in pairwise(edges) for event in cut.push(samples[first:last])]
    assert [*found, *cut.finish()] == expected


def test_sample_by_sample_is_the_same_too() -> None:
    samples = bursts(200.0, 2, at=[(2.0, 4.0), (6.0, 7.0)], duration_s=9.0)
    whole, single = LiveContractions(200.0, 2), LiveContractions(200.0, 2)
    found = [event for row in samples for event in single.push(row[None])]
    assert [*found, *single.finish()] == [*whole.push(samples), *whole.finish()]


def test_what_follows_does_not_change_what_was_told() -> None:
    samples = bursts(at=LONG, duration_s=62.0)
    whole, part = LiveContractions(200.0, 8), LiveContractions(200.0, 8)
    told = part.push(samples[:6000])
    assert told and told == whole.push(samples)[: len(told)]


def test_an_event_is_told_within_the_promised_time() -> None:
    told, heard = stream(record(bursts(at=LONG, duration_s=62.0)))
    opened = [at - one.start_s for one, at in zip(told, heard, strict=True) if one.end_s is None]
    closed = [at - one.end_s for one, at in zip(told, heard, strict=True) if one.end_s is not None]
    assert len(opened) == len(closed) >= len(LONG) - 1
    assert min(opened) >= 0.4 and max(opened) < 0.6
    assert max(closed) <= 1.6


def early(samples: NDArray[np.float32], cuts: Sequence[int] = ()) -> list[LiveEvent]:
    source = LiveContractions(200.0, 8, early=True)
    edges = [0, *sorted(cuts), len(samples)]
    told = [event for first, last in pairwise(edges) for event in source.push(samples[first:last])]
    return [*told, *source.finish()]


def test_early_an_event_is_also_told_75_ms_after_it_fell_silent() -> None:
    source = LiveContractions(200.0, 8, early=True)
    samples = bursts(at=LONG, duration_s=62.0)
    heard = [(event, row + 1) for row in range(len(samples)) for event in source.push(samples[row : row + 1])]
    sure = ended([event for event, _ in heard if event.sure])
    unsure = [(event, row / 200) for event, row in heard if not event.sure]
    assert len(unsure) == len(sure) >= len(LONG) - 1
    for (event, at), (start_s, end_s) in zip(unsure, sure, strict=True):
        assert event.start_s == start_s and abs(float(event.end_s or 0) - end_s) < 0.051
        assert at - float(event.end_s or 0) == pytest.approx(0.075)


@given(cuts=st.lists(st.integers(0, 4000), max_size=8))
@settings(max_examples=10, deadline=None)
def test_early_changes_nothing_of_what_is_sure(cuts: list[int]) -> None:
    samples = bursts(at=LONG[:4], duration_s=20.0)
    told = early(samples, cuts)
    assert told == early(samples)
    plain = LiveContractions(200.0, 8)
    assert [event for event in told if event.sure] == [*plain.push(samples), *plain.finish()]


def test_it_is_warm_once_rest_and_contraction_were_heard() -> None:
    source = LiveContractions(200.0, 8)
    samples = bursts(at=LONG, duration_s=62.0)
    source.push(samples[:580])
    assert not source.warm
    source.push(samples[580:2000])
    assert source.warm
    assert (source.rest > 0.2).all() and (source.rest < 1).all()


def test_the_open_event_is_the_one_that_goes_on() -> None:
    source = LiveContractions(200.0, 8)
    samples = bursts(at=LONG, duration_s=62.0)
    source.push(samples[: 38 * 200])
    assert source.open_event is None
    [event] = source.push(samples[38 * 200 : 39 * 200])
    assert source.open_event == event and event.end_s is None
    [over] = source.push(samples[39 * 200 : 42 * 200])
    assert over.start_s == event.start_s and source.open_event is None


def test_the_end_of_a_recording_ends_its_event_and_keeps_what_was_learned() -> None:
    source = LiveContractions(200.0, 8)
    samples = bursts(at=LONG, duration_s=62.0)
    source.push(samples[: 39 * 200])
    [last] = source.finish()
    assert last.end_s == 39.0
    again = ended([*source.push(samples[36 * 200 : 42 * 200]), *source.finish()])
    np.testing.assert_allclose(again, [(2.0, 4.0)], atol=0.06)


@pytest.mark.parametrize("duration_s", [0.0, 0.05, 0.12, 20.0])
def test_silence_and_noise_have_no_events(duration_s: float) -> None:
    for samples in (np.full((round(duration_s * 200), 2), 5.0), bursts(200.0, 2, at=[], duration_s=20.0)):
        source = LiveContractions(200.0, 2)
        assert [*source.push(samples), *source.finish()] == []


def test_gains_and_a_dead_channel_do_not_matter() -> None:
    samples = bursts(at=LONG, duration_s=62.0)
    gains = np.array([1, 100, 1, 1e-3, 1, 1, 1, 1])
    other = np.insert(samples * gains, 3, 7.5, axis=1)
    np.testing.assert_allclose(ended(stream(record(other))[0]), ended(stream(record(samples))[0]), atol=1e-9)


def test_samples_that_do_not_fit_are_refused() -> None:
    source = LiveContractions(200.0, 4)
    with pytest.raises(UsageError, match=r"got shape \(10, 3\).*expected \(samples, 4\)"):
        source.push(np.zeros((10, 3)))
    with pytest.raises(UsageError, match="not finite"):
        source.push(np.full((10, 4), np.nan))


def test_memory_is_the_last_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MEMORY_FRAMES", 50)
    monkeypatch.setattr(live, "YOUNG_FRAMES", 200)
    monkeypatch.setattr(live, "LEARN_FRAMES", 40)
    memory = live._Memory(2)
    rows = np.random.default_rng(0).random((333, 2)) + 0.1
    for count, row in enumerate(rows, start=1):
        memory.append(row)
        np.testing.assert_array_equal(memory._power[memory._last(30)], rows[max(count - 30, 0) : count])
    np.testing.assert_array_equal(memory.rest, rest_of_power(rows[270:320]))
    np.testing.assert_allclose(memory._level[memory._last(30)], activity_db(rows[-30:], memory.rest))


def plain_events(
    loose: NDArray[np.bool_], excess: NDArray[np.float64], above: NDArray[np.bool_]
) -> list[tuple[float, float]]:
    """The rules of ``myosem.segments`` with the causal form's limit of patience, on whole lists."""
    merged: list[tuple[int, int]] = []
    edges = np.flatnonzero(np.diff([0, *loose.astype(int), 0]))
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        strong = np.flatnonzero(excess[first:last])
        if len(strong) == 0:
            continue
        near = merged and first - merged[-1][1] < MERGE_FRAMES and strong[0] < live.PATIENCE_FRAMES
        merged[-1:] = [(merged[-1][0], last)] if near else [*merged[-1:], (first, last)]
    found = [
        (draw_in(run, above), run)
        for run in merged
        if excess[slice(*run)].sum() * HOP_S >= EXCESS_DB_S - 1e-12
    ]
    return [
        span_of_frames(drawn, len(loose), len(loose) * HOP_S + 0.05)
        for drawn, _ in found
        if drawn[1] - drawn[0] >= MINIMUM_FRAMES
    ]


@given(
    lengths=st.lists(st.integers(1, 30), min_size=1, max_size=30),
    starts_loose=st.booleans(),
    seed=st.integers(0, 10_000),
)
@settings(max_examples=200, deadline=None)
def test_the_tracker_follows_the_plain_rules(lengths: list[int], starts_loose: bool, seed: int) -> None:
    generator = np.random.default_rng(seed)
    states = [(number + starts_loose) % 2 == 1 for number in range(len(lengths))]
    loose = np.repeat(states, lengths)
    rate = np.repeat(generator.choice([0.0, 0.05, 0.8], len(lengths)), lengths)
    excess = np.where(loose & (generator.random(len(loose)) < rate), 2.0, 0.0)
    above = generator.random(len(loose)) < 0.6
    tracker = live._Tracker()
    told = [
        event
        for row in zip(loose.tolist(), excess.tolist(), above.tolist(), strict=True)
        for event in tracker.step(*row)
    ]
    told += tracker.finish(len(loose) * HOP_S + 0.05)
    assert ended(told) == plain_events(loose, excess, above)
    opened = [one.start_s for one in told if one.end_s is None]
    assert set(opened) <= {start for start, _ in ended(told)} and len(set(opened)) == len(opened)
    assert [one.start_s for one in told] == sorted(one.start_s for one in told)


@pytest.mark.parametrize("source", ["myo_up/E1/s5e1.mat", "unibo_inail/user_2_day_1_posture_1.mat"])
def test_it_agrees_with_the_offline_form_on_real_recordings(real_data: Path, source: str) -> None:
    [recording] = read_recordings(real_data / source)
    offline = contraction_events([to_frames(recording)], [recording])[0]
    told, _ = stream(recording, 0.5)
    warm = [[one for one in events if one[0] > 15] for events in (offline, ended(told))]
    assert len(warm[0]) > 20
    assert f1(warm[0], warm[1]) >= 0.95
