"""One person's means follow labels as far as people are known to differ."""

import numpy as np
import pytest
from numpy.typing import NDArray

from myosem.personal import People, personal_log_posterior

Wide = NDArray[np.float64]
ACTIONS, WIDTH = 3, 4
APART = np.array([9.0, 4.0, 0.0, 0.0])
"""Variance of people's means in each number; that of their segments is one."""


def segments(person: Wide, count: int, generator: np.random.Generator) -> tuple[Wide, NDArray[np.int_]]:
    """Count segments an action of a person with these means ``(K, W)``."""
    action = np.repeat(np.arange(ACTIONS), count)
    return person[action] + generator.normal(size=(len(action), WIDTH)), action


def crowd(people: int = 60, count: int = 8) -> tuple[People, Wide]:
    generator = np.random.default_rng(0)
    mean = generator.normal(scale=1.5, size=(ACTIONS, WIDTH))
    drawn = [segments(stranger(mean, n), count, generator) for n in range(people)]
    person = np.repeat(np.arange(people), ACTIONS * count)
    values, action = (np.concatenate(own) for own in zip(*drawn, strict=True))
    return People.of(values, action, person), mean


def stranger(mean: Wide, seed: int) -> Wide:
    return np.asarray(mean + np.random.default_rng(seed + 1).normal(size=mean.shape) * np.sqrt(APART))


def test_how_people_differ_is_found_in_axes_in_which_segments_have_variance_one() -> None:
    known, mean = crowd()
    np.testing.assert_allclose(np.diag(known.axes.T @ known.axes), 1, atol=0.2)
    assert known.spread[-1] > 1.5 * known.spread[0]
    np.testing.assert_allclose(known.mean @ np.linalg.inv(known.axes), mean, atol=1.5)


def test_likelihood_is_that_of_the_posterior_of_the_mean_in_matrices() -> None:
    known, _ = crowd()
    generator = np.random.default_rng(5)
    placed = generator.normal(size=(7, WIDTH)) @ known.axes
    weight = generator.random((7, ACTIONS))
    found, wanted = known.log_likelihood(placed, weight), np.zeros((7, ACTIONS))
    between, unit = np.diag(known.spread), np.eye(WIDTH)
    for k in range(ACTIONS):
        precision = np.linalg.inv(between) + weight[:, k].sum() * unit
        pull = np.linalg.inv(between) @ known.mean[k] + weight[:, k] @ placed
        centre, spread = np.linalg.solve(precision, pull), unit + np.linalg.inv(precision)
        for n, row in enumerate(placed - centre):
            wanted[n, k] = -0.5 * (row @ np.linalg.solve(spread, row) + np.linalg.slogdet(spread)[1])
    difference = found - wanted
    np.testing.assert_allclose(difference - difference[:, :1], 0, atol=1e-8)


@pytest.mark.parametrize("views", [1, 2])
def test_one_label_an_action_says_what_a_person_means(views: int) -> None:
    known, mean = crowd()
    right: dict[bool, list[float]] = {True: [], False: []}
    for seed in range(100, 120):
        values, action = segments(stranger(mean, seed), 6, np.random.default_rng(seed))
        first = np.arange(len(action)) % 6 == 0
        for labelled, accuracies in right.items():
            told = np.eye(ACTIONS)[action] * (first[:, None] & labelled)
            found = personal_log_posterior([known] * views, [values] * views, told)
            np.testing.assert_allclose(np.exp(found).sum(axis=1), 1)
            accuracies.append(float((found.argmax(axis=1) == action)[~first].mean()))
    assert np.mean(right[True]) > np.mean(right[False]) + 0.05, right


def test_somebody_unusual_is_followed_further() -> None:
    known, mean = crowd()
    odd = 5 * np.roll(mean, 1, axis=0)
    values, action = segments(odd, 6, np.random.default_rng(5))
    placed, told = values @ known.axes, np.eye(ACTIONS)[action]
    widened = known.for_one_like(placed, told)
    centre = told.T @ placed / told.sum(axis=0)[:, None]
    apart, usual = ((centre - known.mean) ** 2).sum(), (known.spread + 1 / 6).sum() * ACTIONS
    np.testing.assert_allclose(widened.spread, known.spread * apart / usual)
    assert apart > usual
    own, action = segments(stranger(mean, 7), 6, np.random.default_rng(6))
    ratio = known.for_one_like(own @ known.axes, np.eye(ACTIONS)[action]).spread.sum() / known.spread.sum()
    assert 1 <= ratio < 2.5
