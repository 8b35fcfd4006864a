"""Temperature and threshold say what was measured."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import log_softmax
from toys import ACTIONS, toy_session

from myosem.calibration import TEMPERATURES, Calibration, calibrate, settle
from myosem.corpus import Session


def cosines(session: Session, actions: Sequence[str]) -> NDArray[np.floating]:
    """Of made-up vectors: 0.8 for the right action, 0.1 for each other, and some noise."""
    generator = np.random.default_rng([*session.person.encode()])
    right = np.array([[own == one for one in actions] for own in session.actions])
    return np.where(right, 0.8, 0.1) + 0.02 * generator.normal(size=right.shape)


def test_losses_are_those_of_a_softmax_over_the_actions_of_the_data_set() -> None:
    sessions = [
        toy_session("p1"),
        toy_session("p2", ("fist", None, "rest")),
        toy_session("q", ("fist", "point"), dataset="z"),
    ]
    found = calibrate(sessions, cosines)
    wanted = np.zeros(len(TEMPERATURES))
    for session, actions in zip(sessions, (ACTIONS, ACTIONS, ("fist", "point")), strict=True):
        scores = cosines(session, actions)
        for row, action in enumerate(session.actions):
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
    session = toy_session("p", labels)
    temperature, _ = settle([calibrate([session], lambda session, actions: scores)])
    assert temperature == pytest.approx(0.2, rel=0.12)


def test_all_but_a_twentieth_of_right_answers_reach_the_threshold() -> None:
    right = np.linspace(0, 1, 1001)
    parts = [Calibration(np.zeros(len(TEMPERATURES)), part) for part in (right[:300], right[300:])]
    assert settle(parts)[1] == pytest.approx(0.05, abs=1e-3)
