"""AEMG learns from others and the unlabelled session, starts afresh each time, and uses labels it gets."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from toys import ACTIONS
from trial_toys import toy_trials

from myosem.aemg import Aemg, FittedAemg
from myosem.trials import TrialSession, balanced_accuracy, decide

CLOSED = Aemg("closed form", steps=0, simulated=0)
SMALL = Aemg("small", steps=4, simulated=0)


def people(count: int = 6) -> list[TrialSession]:
    return [toy_trials(f"p{number}", seed=number) for number in range(count)]


def accuracy(fitted: FittedAemg, session: TrialSession, actions: Sequence[str] = ACTIONS) -> float:
    decided = decide(session, fitted.log_posterior(session.unlabelled, actions), actions)
    return balanced_accuracy(session.trials, decided)


@pytest.mark.parametrize("system", [CLOSED, replace(CLOSED, context="none"), SMALL])
def test_it_is_right_where_actions_are_far_apart(system: Aemg) -> None:
    assert accuracy(system.fit(people(), 0), toy_trials("stranger", seed=50)) == 1


def test_every_training_starts_from_nothing() -> None:
    stranger = toy_trials("stranger", seed=50)
    first = SMALL.fit(people(), 0).log_posterior(stranger, ACTIONS)
    SMALL.fit(people(4), 1)
    np.testing.assert_array_equal(SMALL.fit(people(), 0).log_posterior(stranger, ACTIONS), first)
    assert not np.array_equal(SMALL.fit(people(), 3).log_posterior(stranger, ACTIONS), first)


def test_labels_of_the_session_make_no_difference() -> None:
    stranger, fitted = toy_trials("stranger", seed=50), CLOSED.fit(people(), 0)
    np.testing.assert_array_equal(
        fitted.log_posterior(stranger, ACTIONS), fitted.log_posterior(stranger.unlabelled, ACTIONS)
    )


def test_only_with_context_does_a_segment_depend_on_the_others() -> None:
    stranger = toy_trials("stranger", seed=50)
    half = stranger.session.features.copy()
    half[len(half) // 2 :] += 1
    changed = replace(stranger, session=replace(stranger.session, features=half))
    first = slice(0, len(half) // 2)
    for context, same in (("none", True), ("session", False)):
        system = Aemg("toy", context, steps=4, simulated=0)  # type: ignore[arg-type]
        fitted = system.fit(people(), 0)
        before = fitted.log_posterior(stranger, ACTIONS)[first]
        after = fitted.log_posterior(changed, ACTIONS)[first]
        assert np.allclose(before, after, atol=1e-4) == same


def test_labels_that_are_given_count() -> None:
    """A person who does one action where others do another: told so, it is known."""
    fitted = CLOSED.fit(people(), 0)
    swapped = {"fist": "point", "point": "fist"}
    odd = toy_trials("odd", seed=60)
    trials = tuple(swapped.get(action, action) for action in odd.trials)
    odd = replace(odd, trials=trials)
    told = fitted.adapted([odd])
    assert accuracy(fitted, odd) < 0.6
    assert accuracy(told, odd) > 0.9
    assert accuracy(fitted, odd) < 0.6


@pytest.mark.parametrize("system", [CLOSED, SMALL])
def test_a_data_set_never_seen_is_judged_by_those_it_resembles(system: Aemg) -> None:
    fitted = system.fit([*people(), *(toy_trials(f"q{n}", dataset="other", seed=n) for n in range(4))], 0)
    stranger = toy_trials("p", dataset="elsewhere", seed=50)
    assert accuracy(fitted, stranger) == 1
    assert accuracy(fitted, stranger, ("rest", "fist", "point", "open-hand", "unheard-of")) == 1
