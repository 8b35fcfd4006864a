"""A system trains from nothing each time, a classifier a data set, and says plainly what it cannot do."""

from collections.abc import Sequence
from importlib import import_module

import numpy as np
import pytest
from toys import ACTIONS
from trial_toys import noisy_trials, toy_trials

from myosem.errors import UsageError
from myosem.systems import (
    IMPOSSIBLE,
    MODULES,
    PACKAGES,
    Adaptable,
    PerDataset,
    labelled_rows,
    load_system,
    system_names,
    to_columns,
)
from myosem.trials import LogPosterior, TrialSession


class Counter:
    """Counts what it has learned from."""

    actions: tuple[str, ...] = ("fist", "rest")

    def __init__(self) -> None:
        self.seen: list[str] = []

    def fit(self, training: Sequence[TrialSession], own: Sequence[TrialSession] = ()) -> None:
        self.seen += [session.person for session in training] + [f"own {session.person}" for session in own]

    def log_posterior(self, session: TrialSession) -> LogPosterior:
        return np.full((len(session), 2), float(len(self.seen)))


SYSTEM = PerDataset("counter", "none", lambda seed: Counter())


def test_each_data_set_has_a_new_classifier_of_its_own() -> None:
    training = [toy_trials("p1"), toy_trials("p2", dataset="other"), toy_trials("p3")]
    first, second = SYSTEM.fit(training, 0), SYSTEM.fit(training, 0)
    for fitted in (first, second):
        seen = {name: one.seen for name, one in fitted.classifiers.items()}  # type: ignore[attr-defined]
        assert seen == {"toy": ["toy/p1", "toy/p3"], "other": ["other/p2"]}


def test_adapting_makes_a_new_one_and_leaves_the_old() -> None:
    fitted = SYSTEM.fit([toy_trials("p1")], 0)
    assert isinstance(fitted, Adaptable)
    stranger = toy_trials("p9")
    assert fitted.adapted([stranger]).log_posterior(stranger, ["fist"])[0, 0] == 2
    assert fitted.log_posterior(stranger, ["fist"])[0, 0] == 1


def test_columns_follow_the_actions_asked_for() -> None:
    values = np.array([[1.0, 2.0], [3.0, 4.0]])
    found = to_columns(values, ("fist", "rest"), ("rest", "point", "fist"))
    assert found.tolist() == [[2, IMPOSSIBLE, 1], [4, IMPOSSIBLE, 3]]


def test_rows_are_the_labelled_segments() -> None:
    sessions = [toy_trials("p1", ("fist", None, "rest")), toy_trials("p2", (None, "point"))]
    rows, labels = labelled_rows(sessions, lambda session: session.session.features)
    assert labels.tolist() == ["fist", "rest", "point"]
    wanted = [sessions[0].session.features[[0, 2]], sessions[1].session.features[[1]]]
    np.testing.assert_array_equal(rows, np.concatenate(wanted))


def test_sessions_that_differ_in_their_channels_are_refused() -> None:
    four, eight = noisy_trials("p1"), noisy_trials("p2", channels=8)
    with pytest.raises(UsageError, match=r"sessions of toy differ in their channels; got 4 and 8 channels"):
        SYSTEM.fit([four, eight], 0)
    with pytest.raises(UsageError, match=r"got 4 and 8 channels.*try: "):
        SYSTEM.fit([four], 0).log_posterior(eight, ["fist"])


def test_a_data_set_nobody_trained_on_is_refused() -> None:
    with pytest.raises(UsageError, match=r"counter knows nothing of other;.*there is toy"):
        SYSTEM.fit([toy_trials("p1")], 0).log_posterior(toy_trials("p2", dataset="other"), ACTIONS)


def test_a_wrong_name_lists_the_right_ones() -> None:
    with pytest.raises(UsageError, match=r"got lda2; there is .*self-trained-lda"):
        load_system("lda2")


@pytest.mark.parametrize("module", list(MODULES))
def test_the_registry_names_what_the_modules_have(module: str) -> None:
    if module in PACKAGES:
        pytest.importorskip(PACKAGES[module])
    assert tuple(import_module(module).SYSTEMS) == MODULES[module]


def test_titles_are_told_apart() -> None:
    for package in PACKAGES.values():
        pytest.importorskip(package)
    titles = [load_system(name).title for name in system_names()]
    assert len(set(titles)) == len(titles)
