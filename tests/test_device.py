"""A data set never seen: nothing of it is trained on, and only shared actions are tested."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from toys import ACTIONS
from trial_toys import Witness, toy_trials

from myosem import device, trial_runs
from myosem.baselines.harmonic import SYSTEMS
from myosem.device import evaluate_device, shared_actions
from myosem.errors import UsageError
from myosem.systems import System
from myosem.trials import TrialSession

LIBRARY: Any = SimpleNamespace(path=Path("nowhere"))


@pytest.fixture
def sessions() -> list[TrialSession]:
    return [
        toy_trials("p1", ACTIONS * 6, dataset="a", seed=1),
        toy_trials(
            "p2", ("fist", "rest", None, "shrug") * 6, dataset="a", places=(*ACTIONS, "shrug"), seed=2
        ),
        toy_trials("p3", ("fist", "rest", "point") * 6, dataset="b", seed=3),
        toy_trials("p4", ("rest",) * 6, dataset="c", seed=4),
    ]


@pytest.fixture
def witness(monkeypatch: pytest.MonkeyPatch, sessions: list[TrialSession]) -> Witness:
    witness = Witness()
    systems: dict[str, System] = {"witness": witness, **SYSTEMS}
    for module in (device, trial_runs):
        monkeypatch.setattr(module, "load_system", systems.__getitem__)
        monkeypatch.setattr(module, "trials_in", lambda *asked: sessions)
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    return witness


def test_shared_actions_are_those_another_data_set_has(sessions: list[TrialSession]) -> None:
    assert shared_actions(sessions) == {
        "a": ("fist", "point", "rest"),
        "b": ("fist", "point", "rest"),
        "c": ("rest",),
    }


def test_nothing_of_the_data_set_is_trained_on_and_only_shared_actions_are_tested(witness: Witness) -> None:
    table = evaluate_device(LIBRARY, ["witness"])
    assert [sorted({one.dataset for one in fitted.training}) for fitted in witness.fitted] == [
        ["b", "c"],
        ["a", "c"],
    ]
    assert [sorted({one.dataset for one in fitted.tested}) for fitted in witness.fitted] == [["a"], ["b"]]
    assert [(one.person, one.trials, one.actions) for one in table.results] == [
        ("a/p1", 18, 3),
        ("a/p2", 12, 3),
        ("b/p3", 18, 3),
    ]
    for fitted in witness.fitted:
        assert all(len(one) == 24 or one.dataset == "b" for one in fitted.tested)
        assert all(not one.trials for one in fitted.tested)


def test_one_lda_carries_over_where_features_mean_the_same(witness: Witness) -> None:
    table = evaluate_device(LIBRARY, list(SYSTEMS))
    for title in table.rows:
        assert table.mean(title) > 0.9


def test_the_lda_tells_apart_only_what_it_is_asked_for(sessions: list[TrialSession]) -> None:
    fitted = SYSTEMS["harmonic-lda"].fit(sessions[:2], 0)
    found = fitted.log_posterior(sessions[2], ("rest", "fist", "wave"))
    np.testing.assert_allclose(np.exp(found[:, :2]).sum(axis=1), 1)
    assert (found[:, 2] < -100).all()


def test_every_pair_of_data_set_and_action_has_the_same_weight(sessions: list[TrialSession]) -> None:
    fitted = SYSTEMS["harmonic-lda"].fit(sessions, 0)
    _, labels, weights = fitted.examples
    totals = {action: weights[labels == action].sum() for action in (*ACTIONS, "shrug")}
    assert totals == pytest.approx({"fist": 2, "open-hand": 1, "point": 2, "rest": 3, "shrug": 1})


def test_data_sets_that_share_nothing_are_refused(monkeypatch: pytest.MonkeyPatch, witness: Witness) -> None:
    monkeypatch.setattr(device, "trials_in", lambda path: [toy_trials("p1")])
    with pytest.raises(UsageError, match=r"no data set of nowhere shares two actions.*there is toy"):
        evaluate_device(LIBRARY, ["witness"])
