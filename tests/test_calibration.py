"""Temperature and threshold say what was measured."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import log_softmax
from toys import ACTIONS
from trial_toys import toy_trials

from myosem.calibration import BINS, TEMPERATURES, Calibration, calibrate, expected_error, settle
from myosem.trials import TrialSession

NO_BINS = np.zeros((len(TEMPERATURES), BINS, 3))


def cosines(session: TrialSession, actions: Sequence[str]) -> NDArray[np.floating]:
    """Of made-up vectors: 0.8 for the right action, 0.1 for each other, and some noise."""
    generator = np.random.default_rng([*session.person.encode()])
    right = np.array([[own == one for one in actions] for own in session.session.actions])
    return np.where(right, 0.8, 0.1) + 0.02 * generator.normal(size=right.shape)


def test_losses_are_those_of_a_softmax_over_the_actions_of_the_data_set() -> None:
    sessions = [
        toy_trials("p1"),
        toy_trials("p2", ("fist", None, "rest")),
        toy_trials("q", ("fist", "point"), dataset="z"),
    ]
    found = calibrate(sessions, cosines)
    wanted = np.zeros(len(TEMPERATURES))
    for session, actions in zip(sessions, (ACTIONS, ACTIONS, ("fist", "point")), strict=True):
        scores = cosines(session, actions)
        for row, action in enumerate(session.session.actions):
            if action:
                for place, temperature in enumerate(TEMPERATURES):
                    wanted[place] -= log_softmax(scores[row] / temperature)[actions.index(action)]
    np.testing.assert_allclose(found.losses, wanted, rtol=1e-6, atol=1e-9)
    assert len(found.right) == 16 + 2 + 2 and found.right.min() > 0.7


def test_the_temperature_that_made_the_labels_is_found() -> None:
    generator = np.random.default_rng(0)
    scores = generator.uniform(-1, 1, size=(3000, len(ACTIONS)))
    chances = np.exp(log_softmax(scores / 0.2, axis=1))
    labels = [ACTIONS[generator.choice(len(ACTIONS), p=row)] for row in chances]
    session = toy_trials("p", labels)
    temperature, _ = settle([calibrate([session], lambda session, actions: scores)])
    assert temperature == pytest.approx(0.2, rel=0.12)


def test_all_but_a_twentieth_of_right_answers_reach_the_threshold() -> None:
    right = np.linspace(0, 1, 1001)
    parts = [Calibration(np.zeros(len(TEMPERATURES)), part, NO_BINS) for part in (right[:300], right[300:])]
    assert settle(parts)[1] == pytest.approx(0.05, abs=1e-3)


def drawn(temperature: float, seed: int) -> Calibration:
    """A fold whose labels are drawn from a softmax at this temperature."""
    generator = np.random.default_rng(seed)
    scores = generator.uniform(-1, 1, size=(3000, len(ACTIONS)))
    chances = np.exp(log_softmax(scores / temperature, axis=1))
    labels = [ACTIONS[generator.choice(len(ACTIONS), p=row)] for row in chances]
    return calibrate([toy_trials(f"p{seed}", labels)], lambda session, actions: scores)


def plain_error(sure: NDArray[np.floating], right: NDArray[np.bool_]) -> float:
    total = 0.0
    for number in range(BINS):
        inside = (sure > number / BINS) & (sure <= (number + 1) / BINS)
        if inside.any():
            total += inside.mean() * abs(sure[inside].mean() - right[inside].mean())
    return total


def test_the_error_is_that_of_plain_python_at_the_temperature_of_the_others() -> None:
    sharp, soft = drawn(0.05, 0), drawn(0.3, 1)
    generator = np.random.default_rng(0)
    scores = generator.uniform(-1, 1, size=(3000, len(ACTIONS)))
    chances = np.exp(log_softmax(scores / 0.05, axis=1))
    labels = np.array([generator.choice(len(ACTIONS), p=row) for row in chances])
    other, _ = settle([soft])
    near = TEMPERATURES[np.abs(TEMPERATURES - other).argmin()]
    sure = np.exp(log_softmax(scores / near, axis=1)).max(axis=1)
    wanted = plain_error(sure, scores.argmax(axis=1) == labels)
    silent = Calibration(soft.losses, soft.right, NO_BINS)
    assert expected_error([sharp, silent]) == pytest.approx(wanted)


def test_the_error_is_small_where_folds_agree_and_large_where_they_do_not() -> None:
    alike = [drawn(0.2, seed) for seed in (0, 1, 2)]
    assert expected_error(alike) < 0.03
    assert expected_error([drawn(0.02, 0), drawn(0.5, 1)]) > 0.1


def test_one_fold_has_no_others() -> None:
    assert np.isnan(expected_error([drawn(0.2, 0)]))
