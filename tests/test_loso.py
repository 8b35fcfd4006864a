"""One table over people never seen: nobody tested was trained on, and folds know nothing of each other."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from toys import ACTIONS
from trial_toys import Witness, toy_trials

from myosem import loso, trial_runs
from myosem.baselines.lda import SYSTEMS
from myosem.errors import UsageError
from myosem.folds import Folds
from myosem.loso import evaluate_loso
from myosem.systems import System
from myosem.trial_table import TrialTable

FOLDS = Folds({"toy": {0: ("p1",), 1: ("p2",), 2: ("p1",)}, "other": {0: ("q1",), 1: (), 2: ("q1",)}})
LIBRARY: Any = SimpleNamespace(path=Path("nowhere"))


@pytest.fixture
def witness(monkeypatch: pytest.MonkeyPatch) -> Witness:
    """A system under the name ``witness``, beside the LDA, and toy people instead of a library."""
    witness = Witness()
    systems: dict[str, System] = {"witness": witness, **SYSTEMS}
    sessions = [
        *(toy_trials(person, ACTIONS * 4, seed=seed) for seed, person in enumerate(("p1", "p2", "p3"))),
        toy_trials("p1", ("fist", None, "point"), subject="alias", missed=("rest",)),
        *(toy_trials(person, ("fist", "rest") * 4, dataset="other") for person in ("q1", "q2")),
    ]
    for module in (loso, trial_runs):
        monkeypatch.setattr(module, "load_system", systems.__getitem__)
    monkeypatch.setattr(trial_runs, "trials_in", lambda *asked: sessions)
    monkeypatch.setattr(loso, "check_folds", lambda library, folds, numbers: None)
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    return witness


def run(*names: str, numbers: tuple[int, ...] = (0, 1), **options: Any) -> TrialTable:
    return evaluate_loso(LIBRARY, FOLDS, names, numbers=numbers, **options)


def test_nobody_tested_was_trained_on_under_any_name(witness: Witness) -> None:
    table = run("witness")
    for fitted in witness.fitted:
        trained = {session.person for session in fitted.training}
        assert trained.isdisjoint({session.person for session in fitted.tested})
    assert [sorted({one.person for one in fitted.tested}) for fitted in witness.fitted] == [
        ["other/q1", "toy/p1"],
        ["toy/p2"],
    ]
    assert [(one.person, one.fold) for one in table.results] == [
        ("other/q1", 0),
        ("toy/p1", 0),
        ("toy/p2", 1),
    ]


def test_what_is_under_test_carries_no_labels(witness: Witness) -> None:
    run("witness")
    for session in (one for fitted in witness.fitted for one in fitted.tested):
        assert session.trials == () and set(session.session.spans) == {None} and set(session.labels) == {""}


def test_every_trial_of_a_person_counts_once_and_a_missed_one_is_wrong(witness: Witness) -> None:
    table = run("witness", numbers=(0,))
    [other, toy] = table.results
    assert (toy.trials, toy.missed, toy.actions) == (19, 1, 4)
    assert toy.accuracy == 0.25  # always the first action, fist
    assert (other.trials, other.missed, other.actions, other.accuracy) == (8, 0, 2, 0.5)
    perfect = {one.person: one for one in run("covariance-lda-raw", numbers=(0,)).results}["toy/p1"]
    assert perfect.accuracy == pytest.approx((3 + 4 / 5) / 4)


def test_every_fold_starts_from_nothing(witness: Witness) -> None:
    alone = run("self-trained-lda", "td-lda", numbers=(1,))
    later = run("self-trained-lda", "td-lda", numbers=(0, 2, 1))
    assert [one for one in later.results if one.fold == 1] == list(alone.results)
    again = [(one.system, one.person, one.accuracy) for one in later.results if one.fold == 2]
    assert again == [(one.system, one.person, one.accuracy) for one in later.results if one.fold == 0]
    run("witness", numbers=(0, 2))
    assert len(witness.fitted) == 2


def test_only_systems_with_chance_in_them_run_from_every_seed(witness: Witness) -> None:
    run("witness", seeds=(3, 4))
    assert [fitted.seed for fitted in witness.fitted] == [3, 3]
    witness.seeded = True
    table = run("witness", "td-lda", seeds=(3, 4), numbers=(0,))
    assert [fitted.seed for fitted in witness.fitted[2:]] == [3, 4]
    assert table.seeds("witness") == 2 and table.seeds("TD + LDA") == 1


def test_progress_is_told(witness: Witness) -> None:
    told: list[tuple[str, int, int]] = []
    run("witness", progress=lambda *words: told.append(words))
    assert told == [("trainings", done, 2) for done in range(3)]


def test_wrong_names_are_refused_before_anything_is_read() -> None:
    with pytest.raises(UsageError, match="no system has this name; got nonsense"):
        evaluate_loso(LIBRARY, FOLDS, ["nonsense"], numbers=[0])


def test_the_baselines_are_right_where_actions_are_far_apart(witness: Witness) -> None:
    table = run(*SYSTEMS)
    assert list(table.rows) == [system.title for system in SYSTEMS.values()]
    for system in table.rows:
        assert np.mean([one.accuracy for one in table.results if one.system == system]) > 0.9
