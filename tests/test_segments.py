"""Contractions are found where they were planted, and nowhere else, without labels."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from toys import BURSTS, bursts, contraction, record, resting, span

from myosem.records import Recording, Segment, Span
from myosem.segments import (
    EXCESS_DB_S,
    HYSTERESIS_DB,
    MAXIMUM_S,
    MERGE_FRAMES,
    MERGE_S,
    MINIMUM_FRAMES,
    MINIMUM_S,
    REST_LENGTH_S,
    SEPARATION_DB,
    SMOOTH_FRAMES,
    contraction_events,
    events_of_level,
    find_segments,
    label_segments,
    rest_power,
    thresholds_db,
    two_means,
)
from myosem.signal import HOP_S, to_frames


def contractions(*recordings: Recording) -> list[tuple[float, float]]:
    return [(one.start_s, one.end_s) for one in find_segments(recordings) if one.kind == "contraction"]


def events(recording: Recording) -> list[tuple[float, float]]:
    return contraction_events([to_frames(recording)], [recording])[0]


def rests(*recordings: Recording) -> list[tuple[float, float]]:
    return [(one.start_s, one.end_s) for one in find_segments(recordings) if one.kind == "rest"]


@pytest.mark.parametrize("rate_hz", [100.0, 173.5, 200.0, 1000.0, 2048.0, 4000.0])
@pytest.mark.parametrize("channels", [1, 2, 8, 128])
def test_planted_bursts_are_found_within_a_tenth_of_a_second(rate_hz: float, channels: int) -> None:
    found = contractions(record(bursts(rate_hz, channels), rate_hz))
    np.testing.assert_allclose(found, BURSTS, atol=0.101)


@pytest.mark.parametrize("gain", [1e-6, 0.1, 10, 1e4])
def test_gain_does_not_matter(gain: float) -> None:
    assert find_segments([record(bursts() * np.float32(gain))]) == find_segments([record(bursts())])


def test_gain_of_one_channel_does_not_matter() -> None:
    gains = np.array([1, 100, 1, 1, 0.01, 1, 1, 1], dtype=np.float32)
    assert find_segments([record(bursts() * gains)]) == find_segments([record(bursts())])


@pytest.mark.parametrize("rate_hz", [200.0, 1000.0])
@pytest.mark.parametrize("seed", range(3))
def test_noise_of_one_level_is_one_kind_of_segment(rate_hz: float, seed: int) -> None:
    found = find_segments([record(bursts(rate_hz, at=[], seed=seed), rate_hz)])
    assert len({one.kind for one in found}) == 1
    assert sum(one.end_s - one.start_s for one in found) == pytest.approx(13.0, abs=0.1)


def test_it_does_not_matter_that_a_recording_starts_and_ends_in_a_contraction() -> None:
    found = contractions(record(bursts(at=[(0.0, 2.0), (5.0, 6.0), (11.0, 13.0)])))
    np.testing.assert_allclose(found, [(0.0, 2.0), (5.0, 6.0), (11.0, 13.0)], atol=0.101)


def test_the_level_of_rest_is_found_although_most_of_the_session_is_contraction() -> None:
    mostly = to_frames(record(bursts(1000.0, at=[(1.0, 13.0)]), 1000.0))
    assert np.all(np.abs(10 * np.log10(rest_power([mostly]))) < 2)


def test_the_rest_of_one_recording_serves_the_others_of_the_session() -> None:
    loud = record(bursts(at=[(0.0, 3.0)], duration_s=3.0, seed=1))
    quiet = record(bursts(at=[], duration_s=3.0, seed=2))
    found = find_segments([loud, quiet])
    assert [(one.recording, one.kind) for one in found] == [(0, "contraction"), (1, "rest")]


def test_labels_are_never_used() -> None:
    bare = record(bursts())
    labelled = replace(bare, spans=(span(0.0, 4.0), span(6.0, 9.0, "rest"), span(9.0, 13.0, "point")))
    assert find_segments([labelled]) == find_segments([bare])


@pytest.mark.parametrize("constant", [0.0, 1234.567])
def test_a_dead_channel_does_not_matter(constant: float) -> None:
    samples = bursts()
    dead = np.full((len(samples), 1), constant, dtype=np.float32)
    with_dead = record(np.concatenate([samples[:, :3], dead, samples[:, 3:]], axis=1))
    assert find_segments([with_dead]) == find_segments([record(samples)])


def test_a_short_pause_does_not_cut_a_contraction_and_a_longer_one_does() -> None:
    one = contractions(record(bursts(at=[(2.0, 3.0), (3.2, 4.0), (8.0, 9.0)])))
    np.testing.assert_allclose(one, [(2.0, 4.0), (8.0, 9.0)], atol=0.101)
    two = contractions(record(bursts(at=[(2.0, 3.0), (3.6, 4.5), (8.0, 9.0)])))
    np.testing.assert_allclose(two, [(2.0, 3.0), (3.6, 4.5), (8.0, 9.0)], atol=0.101)


def test_a_contraction_goes_on_below_the_threshold_that_starts_one() -> None:
    rate_hz, slope_db_s = 1000.0, 5.0
    time_s = np.arange(13 * 1000) / rate_hz
    level_db = np.interp(time_s, [0, 2, 2, 6, 10, 13], [0, 0, 20, 20, 0, 0])
    samples = bursts(rate_hz, at=[]) * 10 ** (level_db / 20)[:, None]
    [(start, end)] = events(record(samples.astype(np.float32), rate_hz))
    assert start == pytest.approx(2.0, abs=0.06)
    drawn_in_s = SMOOTH_FRAMES // 2 * HOP_S
    assert end == pytest.approx(10 - (10 - HYSTERESIS_DB) / slope_db_s - drawn_in_s, abs=0.1)


@pytest.mark.parametrize("loudness", [3.0, 10.0, 100.0])
def test_edges_are_found_within_a_frame(loudness: float) -> None:
    np.testing.assert_allclose(
        events(record(bursts(2000.0, 4, loudness=loudness), 2000.0)), BURSTS, atol=HOP_S + 1e-9
    )


def test_a_weak_contraction_is_found_beside_strong_ones() -> None:
    strong = [(float(at), at + 2.0) for at in range(4, 60, 4)]
    weak = [(float(at), at + 2.0) for at in range(64, 100, 4)]
    samples = bursts(at=strong, duration_s=102.0, loudness=100.0)
    scale = np.ones(len(samples))
    for start, end in weak:
        scale[round(start * 200) : round(end * 200)] = 2.5
    found = events(record(samples * scale[:, None].astype(np.float32)))
    np.testing.assert_allclose(found, strong + weak, atol=0.151)


def test_a_contraction_is_found_where_the_muscles_do_not_come_back_to_rest() -> None:
    at = [(float(start), start + 2.0) for start in range(4, 100, 4)]
    samples = bursts(at=at, duration_s=102.0)
    tense = np.where(np.arange(len(samples)) < 50 * 200, 1, 20)[:, None].astype(np.float32)
    found = events(record(samples * tense))
    away = [one for one in at if abs(one[0] - 50) > 8]
    near = [min(abs(start - one[0]) + abs(end - one[1]) for start, end in found) for one in away]
    assert max(near) < 0.2


def test_events_are_not_cut_and_segments_are_their_pieces() -> None:
    recording = record(bursts(at=[(3.0, 15.0)], duration_s=18.0))
    [(start, end)] = events(recording)
    pieces = contractions(recording)
    assert (pieces[0][0], pieces[-1][1]) == (start, end)
    assert len(pieces) == 3


def plain_level(at: list[tuple[int, int]], count: int = 120) -> NDArray[np.float64]:
    """20 dB in some ranges of frames, 0 elsewhere, seen before smoothing."""
    level = np.zeros(count)
    for first, last in at:
        level[first:last] = 20
    return level


@pytest.mark.parametrize("first", range(3, 100, 7))
def test_the_length_limit_is_the_same_at_any_place(first: int) -> None:
    for length in range(1, MINIMUM_FRAMES + 2):
        found = events_of_level(plain_level([(first, first + length)]), 10.0)
        assert found == ([(first, first + length)] if length >= MINIMUM_FRAMES else [])


@pytest.mark.parametrize("first", range(3, 90, 7))
def test_the_limit_of_a_pause_is_the_same_at_any_place(first: int) -> None:
    widened = 2 * (SMOOTH_FRAMES // 2)
    for pause in range(widened + 1, MERGE_FRAMES + widened + 2):
        at = [(first, first + 6), (first + 6 + pause, first + 12 + pause)]
        found = events_of_level(plain_level(at), 10.0)
        assert found == (at if pause - widened >= MERGE_FRAMES else [(first, first + 12 + pause)])


def test_what_hardly_passes_the_threshold_is_no_contraction() -> None:
    level = plain_level([(200, 210), (500, 520)], 720) / 2
    excess = EXCESS_DB_S / (15 * HOP_S)
    [(first, last)] = events_of_level(level, 10 - excess)
    assert 500 <= first < last <= 520


@given(swing=st.floats(0, 40), low=st.floats(-5, 60), session_db=st.floats(0, 40) | st.just(-np.inf))
def test_a_contraction_is_never_left_above_where_it_is_entered(
    swing: float, low: float, session_db: float
) -> None:
    [enter], [leave] = thresholds_db(np.array([low]), np.array([low + swing]), session_db)
    if swing < SEPARATION_DB:
        assert enter == session_db
    if swing > 2 * SEPARATION_DB:
        assert low < leave < enter < low + swing
    assert leave < enter or session_db == enter == -np.inf
    assert not np.isnan([enter, leave]).any()


def test_a_twitch_is_no_contraction_and_a_long_hold_is_cut_evenly() -> None:
    found = contractions(record(bursts(at=[(1.0, 1.02), (3.0, 15.0)], duration_s=18.0)))
    np.testing.assert_allclose(found, [(3, 7), (7, 11), (11, 15)], atol=0.101)


def test_rest_is_sparse() -> None:
    found = rests(record(bursts(at=[(1.0, 2.0), (4.0, 5.0), (30.0, 31.0)], duration_s=32.0)))
    assert all(end - start <= REST_LENGTH_S + 1e-9 for start, end in found)
    middles = [(start + end) / 2 for start, end in found]
    np.testing.assert_allclose(middles, [3.0, 5 + 25 / 6, 5 + 25 / 2, 5 + 25 * 5 / 6], atol=0.3)


@given(
    lengths=st.lists(st.tuples(st.floats(0.02, 6), st.floats(0.02, 6)), min_size=1, max_size=6),
    recordings=st.integers(1, 3),
    seed=st.integers(0, 99),
)
@settings(max_examples=40, deadline=None)
def test_segments_are_in_order_apart_and_inside(
    lengths: list[tuple[float, float]], recordings: int, seed: int
) -> None:
    edges = np.cumsum(np.array(lengths).ravel())
    at = [(float(start), float(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]
    session = [
        record(bursts(channels=3, at=at, duration_s=float(edges[-1]) * (i + 1) / recordings, seed=seed + i))
        for i in range(recordings)
    ]
    found = find_segments(session)
    assert {one.recording for one in found} == set(range(recordings))
    assert found == sorted(found, key=lambda one: (one.recording, one.start_s))
    for before, after in pairwise(found):
        if before.recording == after.recording:
            gap_s = after.start_s - before.end_s
            touching = before.kind == after.kind == "contraction" and gap_s < MERGE_S - 1e-9
            assert abs(gap_s) < 1e-9 if touching else gap_s > -1e-9
    for one in found:
        assert 0 <= one.start_s < one.end_s <= session[one.recording].duration_s + 1e-9
        longest = MAXIMUM_S if one.kind == "contraction" else REST_LENGTH_S
        assert one.end_s - one.start_s <= longest + 1e-6
        if one.kind == "contraction":
            assert one.end_s - one.start_s >= MINIMUM_S - 1e-9


def test_what_is_too_short_to_tell_is_one_segment_as_a_whole() -> None:
    assert find_segments([record(bursts(at=[], duration_s=0.15))]) == [Segment(0, 0.0, 0.15, "rest")]


def test_no_recordings_have_no_segments() -> None:
    assert find_segments([]) == []
    assert contraction_events([], []) == []


@pytest.mark.parametrize("constant", [0.0, -7.3])
@pytest.mark.parametrize("duration_s", [0.02, 0.1, 3.0, 40.0])
def test_a_signal_that_never_changes_has_no_contraction(constant: float, duration_s: float) -> None:
    silent = record(np.full((round(duration_s * 200), 2), constant, dtype=np.float32))
    assert events(silent) == []
    assert {one.kind for one in find_segments([silent])} == {"rest"}


def plain_split(values: list[float]) -> float:
    """Least variance within two halves of the sorted values, over all splits."""
    ordered = sorted(values)
    best = np.inf
    for cut in range(1, len(ordered)):
        halves = (np.array(ordered[:cut]), np.array(ordered[cut:]))
        best = min(best, sum(float(((half - half.mean()) ** 2).sum()) for half in halves))
    return best


@given(st.lists(st.integers(-100, 100), min_size=2, max_size=30))
def test_two_means_find_the_best_split(values: list[int]) -> None:
    low, high, boundary = two_means(np.array(values, dtype=np.float64))
    halves: list[NDArray[np.float64]] = []
    numbers = np.array(values, dtype=np.float64)
    if low < high:
        halves = [numbers[numbers <= boundary], numbers[numbers > boundary]]
        assert low == pytest.approx(halves[0].mean()) and high == pytest.approx(halves[1].mean())
        within = sum(float(((half - half.mean()) ** 2).sum()) for half in halves)
        assert within == pytest.approx(plain_split([float(value) for value in values]), abs=1e-6)
    else:
        assert len(set(values)) == 1


def test_one_value_is_both_means() -> None:
    assert two_means(np.array([3.0])) == (3.0, 3.0, 3.0)


def labelled(spans: list[Span], segments: list[Segment]) -> list[Span | None]:
    return label_segments([replace(record(bursts()), spans=tuple(spans))], segments)


FIST, POINT = span(2.0, 4.0), span(6.0, 8.0, "point")


def test_a_contraction_belongs_to_the_span_that_covers_half_of_it() -> None:
    inside, half, less, nowhere = (contraction(*at) for at in ((2.5, 3), (3, 5), (3.5, 5), (9, 10)))
    assert labelled([FIST], [inside, half, less, nowhere]) == [FIST, FIST, None, None]


def test_of_two_spans_the_one_that_covers_more_counts() -> None:
    first, second = span(2.0, 3.0), span(3.0, 5.0, "point")
    assert labelled([first, second], [contraction(2.5, 4.0)]) == [second]


def test_several_contractions_of_one_span_all_belong_to_it() -> None:
    assert labelled([FIST], [contraction(2, 2.5), contraction(3, 3.5)]) == [FIST, FIST]


def test_silence_beside_a_movement_is_not_that_movement() -> None:
    assert labelled([FIST], [resting(2.0, 2.9), contraction(3.0, 4.0)]) == [None, FIST]


def test_rest_belongs_to_spans_of_rest() -> None:
    still = span(0.0, 10.0, "rest")
    assert labelled([still], [resting(1, 2), contraction(3, 4), resting(5, 6)]) == [still, still, still]


def test_a_span_without_a_contraction_claims_the_rest_it_covers_most() -> None:
    segments = [resting(1.8, 2.8), resting(2.8, 4.0), contraction(6, 8), resting(7, 8)]
    assert labelled([FIST, POINT], segments) == [None, FIST, POINT, None]


def test_a_span_shorter_than_half_of_what_it_meets_is_nobodys() -> None:
    assert labelled([span(2.0, 2.4)], [resting(1.5, 3.0), contraction(3.2, 5.0)]) == [None, None]


def test_spans_label_their_own_recording_only() -> None:
    recordings = [replace(record(bursts()), spans=(one,)) for one in (FIST, POINT)]
    segments = [contraction(2, 4, 0), contraction(6, 8, 0), contraction(2, 4, 1), contraction(6, 8, 1)]
    assert label_segments(recordings, segments) == [FIST, None, None, POINT]


def test_without_spans_nothing_is_labelled() -> None:
    assert labelled([], [contraction(2, 4), resting(5, 6)]) == [None, None]
