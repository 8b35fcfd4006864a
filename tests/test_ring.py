"""A map round the limb has the same harmonics whichever electrodes see it."""

from pathlib import Path

import numpy as np
import pytest
from builders import BUILDERS
from numpy.typing import NDArray

from myosem.readers import READERS, read_recordings
from myosem.records import Channel
from myosem.ring import (
    HARMONICS,
    channel_angles,
    fill_pairs,
    known_harmonics,
    ring_fill,
    ring_fit,
    ring_turn,
    ring_waves,
)

ORDERS = [(place + 1) // 2 for place in range(HARMONICS)]


def ring(count: int, start: float = 0.0) -> NDArray[np.float64]:
    return start + np.arange(count) * 2 * np.pi / count


def fit_all(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    return ring_fit(angles, np.ones(len(angles), dtype=bool))


def smooth(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(2 + np.cos(angles - 1) + 0.5 * np.sin(2 * angles))


def test_channels_keep_the_angles_that_are_known() -> None:
    channels = [Channel("a", 10.0), Channel("b"), Channel("c", 20.0), Channel("d")]
    np.testing.assert_allclose(np.rad2deg(channel_angles(channels)), [10, np.nan, 20, np.nan])
    np.testing.assert_allclose(np.rad2deg(channel_angles(channels[::2])), [10, 20])


def test_where_no_angle_is_known_all_are_equally_spaced() -> None:
    channels = [Channel(name) for name in "abcd"]
    np.testing.assert_array_equal(channel_angles(channels), np.arange(4) * 2 * np.pi / 4)


@pytest.mark.parametrize("reader", sorted(name for name, one in READERS.items() if not one.generic))
def test_recordings_whose_places_are_all_known_or_all_unknown_keep_their_angles(
    reader: str, tmp_path: Path
) -> None:
    for recording in read_recordings(tmp_path) if BUILDERS[reader](tmp_path) else []:
        angles = [channel.angle_deg for channel in recording.channels]
        known = [angle for angle in angles if angle is not None]
        before = np.deg2rad(np.array(known)) if len(known) == len(angles) else ring(len(angles))
        if len(known) in (0, len(angles)):
            np.testing.assert_array_equal(channel_angles(recording.channels), before)
        else:
            assert reader in ("ninapro_db1", "ninapro_db2", "ninapro_db3", "ninapro_db6")


OUTSIDE = np.array([0.0, np.nan, 1.0, 2.5, np.nan, 3.0, 5.0])
INSIDE = np.isfinite(OUTSIDE)


@pytest.mark.parametrize("dead", [[], [2], [1, 3]])
def test_electrodes_outside_the_ring_change_nothing_on_it(dead: list[int]) -> None:
    alive = ~np.isin(np.arange(7), dead)
    fit, alone = ring_fit(OUTSIDE, alive), ring_fit(OUTSIDE[INSIDE], alive[INSIDE])
    np.testing.assert_array_equal(fit[:, INSIDE[alive]], alone)
    assert not fit[:, ~INSIDE[alive]].any()
    np.testing.assert_array_equal(known_harmonics(OUTSIDE), known_harmonics(OUTSIDE[INSIDE]))
    square = np.random.default_rng(0).normal(size=(2, 7, 7)).astype(np.float32)
    square += square.transpose(0, 2, 1)
    filled = fill_pairs(square, OUTSIDE, alive)
    inner, inner_filled = (one[:, INSIDE][:, :, INSIDE] for one in (square, filled))
    np.testing.assert_array_equal(inner_filled, fill_pairs(inner, OUTSIDE[INSIDE], alive[INSIDE]))
    assert not filled[:, ~INSIDE].any() and not filled[:, :, ~INSIDE].any()


def test_waves_are_those_of_a_fourier_series() -> None:
    angles = np.array([0.3, 1.7, 4.0])
    rows = [np.ones(3)]
    for order in range(1, HARMONICS // 2 + 1):
        rows += [2 * np.cos(order * angles), 2 * np.sin(order * angles)]
    np.testing.assert_allclose(ring_waves(angles), rows, atol=1e-12)


@pytest.mark.parametrize(
    ("angles", "known"),
    [
        (ring(1), [0]),
        (ring(2), [0, 1]),
        (ring(2, np.pi / 2), [0, 2]),
        (ring(3), [0, 1, 2]),
        (ring(4), [0, 1, 2, 3]),
        (ring(8), [0, 1, 2, 3, 4, 5, 6, 7]),
        (ring(9), list(range(9))),
        (ring(16), list(range(9))),
        (np.tile(ring(4), 3) + np.repeat([0, 2 * np.pi, -2 * np.pi], 4), [0, 1, 2, 3]),
    ],
)
def test_electrodes_tell_apart_as_many_waves_as_they_have_places(
    angles: NDArray[np.float64], known: list[int]
) -> None:
    assert np.flatnonzero(known_harmonics(angles)).tolist() == known
    fit = fit_all(angles)
    assert fit.shape == (HARMONICS, len(angles))
    assert not np.delete(fit, known, axis=0).any() and fit[known].any(axis=1).all()


@pytest.mark.parametrize("count", [1, 2, 3, 4, 8, 9, 10, 16])
def test_a_wave_round_the_limb_is_its_own_harmonic(count: int) -> None:
    angles = ring(count)
    fit = fit_all(angles)
    np.testing.assert_allclose(fit @ np.full(count, 3.0), np.eye(HARMONICS)[0] * 3, atol=1e-12)
    for place in range(1, HARMONICS):
        order = ORDERS[place]
        wave = (np.cos if place % 2 else np.sin)(order * angles)
        if 2 * order < count:
            np.testing.assert_allclose(fit @ wave, np.eye(HARMONICS)[place] / 2, atol=0.005)
        elif 2 * order > count:
            assert not fit[place].any()


@pytest.mark.parametrize("start", [0.0, 0.4])
def test_the_fit_is_that_of_a_penalised_least_squares_problem(start: float) -> None:
    angles = start + np.array([0.0, 0.5, 1.1, 2.0, 2.2, 3.9, 4.5, 5.1, 6.0, 6.1])
    values = np.random.default_rng(0).normal(size=10)
    rows = ring_waves(angles).T / np.sqrt(10)
    penalty = np.diag(np.sqrt(0.001) * np.array(ORDERS))
    system = np.concatenate([rows, penalty])
    target = np.concatenate([values / np.sqrt(10), np.zeros(HARMONICS)])
    np.testing.assert_allclose(fit_all(angles) @ values, np.linalg.lstsq(system, target)[0], atol=1e-9)


@pytest.mark.parametrize("count", [3, 4, 5, 8, 9])
def test_harmonics_times_waves_are_the_map_again(count: int) -> None:
    angles = ring(count)
    values = np.random.default_rng(count).normal(size=count)
    np.testing.assert_allclose(fit_all(angles) @ values @ ring_waves(angles), values, atol=0.02)


def test_rings_of_eight_and_of_sixteen_see_the_same_map() -> None:
    eight, sixteen = (fit_all(angles) @ smooth(angles) for angles in (ring(8), ring(16)))
    np.testing.assert_allclose(eight, sixteen, atol=1e-12)


@pytest.mark.parametrize("dead", range(8))
def test_a_dead_electrode_is_left_out_and_not_read_as_silence(dead: int) -> None:
    angles, alive = ring(8), np.arange(8) != dead
    whole = fit_all(angles) @ smooth(angles)
    left_out = ring_fit(angles, alive) @ smooth(angles)[alive]
    silent = fit_all(angles) @ np.where(alive, smooth(angles), 0)
    assert np.abs(left_out - whole).max() < 0.5 * np.abs(silent - whole).max()


def test_a_ring_without_a_living_electrode_says_nothing() -> None:
    assert ring_fit(ring(4), np.zeros(4, dtype=bool)).shape == (HARMONICS, 0)


def test_dead_electrodes_lie_on_a_line_between_living_ones() -> None:
    alive = np.array([True, False, True, True, False, False, True, False])
    values = np.array([1.0, 0, 3, 4, 0, 0, 10, 0])
    filled = ring_fill(ring(8), alive) @ values[alive]
    np.testing.assert_allclose(filled, [1, 2, 3, 4, 6, 8, 10, 5.5])
    order = np.array([5, 2, 7, 0, 1, 4, 6, 3])
    again = ring_fill(ring(8)[order], alive[order]) @ values[order][alive[order]]
    np.testing.assert_allclose(again, filled[order])


@pytest.mark.parametrize("dead", [[], [0], [2, 3], [0, 4, 7]])
def test_pairs_of_dead_electrodes_are_what_pairs_as_far_apart_say(dead: list[int]) -> None:
    apart = np.abs(np.arange(8)[:, None] - np.arange(8))
    ring_like = np.stack([np.cos(np.minimum(apart, 8 - apart)), 1.0 + np.minimum(apart, 8 - apart)])
    ring_like = ring_like.astype(np.float32)
    alive = ~np.isin(np.arange(8), dead)
    broken = ring_like * alive * alive[:, None]
    np.testing.assert_allclose(fill_pairs(broken, ring(8), alive), ring_like, atol=1e-6)
    order = np.array([5, 2, 7, 0, 1, 4, 6, 3])
    again = fill_pairs(broken[:, order][:, :, order], ring(8)[order], alive[order])
    np.testing.assert_allclose(again, ring_like[:, order][:, :, order], atol=1e-6)


def test_pairs_of_living_electrodes_stay_as_they_are() -> None:
    square = np.random.default_rng(0).normal(size=(3, 7, 7)).astype(np.float32)
    square += square.transpose(0, 2, 1)
    alive = np.arange(7) != 2
    filled = fill_pairs(square, ring(7), alive)
    np.testing.assert_allclose(filled[:, alive][:, :, alive], square[:, alive][:, :, alive], atol=1e-6)
    np.testing.assert_array_equal(filled, filled.transpose(0, 2, 1))
    np.testing.assert_allclose(filled[:, 2, 2], (square[:, 1, 1] + square[:, 3, 3]) / 2, atol=1e-6)


@pytest.mark.parametrize("angle", [0.3, -2.0, np.pi / 4])
def test_turned_harmonics_are_those_of_the_turned_map(angle: float) -> None:
    turned_map = fit_all(ring(16)) @ smooth(ring(16) - angle)
    np.testing.assert_allclose(
        ring_turn(angle) @ fit_all(ring(16)) @ smooth(ring(16)), turned_map, atol=1e-12
    )


def test_order_of_the_electrodes_does_not_matter() -> None:
    angles = np.array([0.0, 1.0, 2.5, 3.0, 5.0])
    order = np.array([3, 1, 0, 4, 2])
    np.testing.assert_allclose(fit_all(angles[order]), fit_all(angles)[:, order], atol=1e-12)
