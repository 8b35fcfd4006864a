"""Few-shot learning: what is labelled, what is tested, and that the two never meet."""

from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from toys import ACTIONS
from trial_toys import Witness, WitnessFitted, toy_trials

from myosem import few_shot, trial_runs
from myosem.baselines.lda import SYSTEMS
from myosem.errors import UsageError
from myosem.few_shot import PARTS, ROUNDS, SHARES, by_oneself, draw, evaluate_few_shot
from myosem.folds import Folds
from myosem.systems import PerDataset, System
from myosem.trial_runs import Task
from myosem.trials import TrialSession

FOLDS = Folds({"toy": {0: ("p1",)}})
LIBRARY: Any = SimpleNamespace(path=Path("nowhere"))


def labels(sessions: list[TrialSession], kept: list[Any]) -> list[str]:
    return [session.trials[trial] for session, own in zip(sessions, kept, strict=True) for trial in own]


@pytest.fixture
def person() -> list[TrialSession]:
    """40 fists and 10 rests in one session, 20 fists in the next, and one point that is never labelled."""
    return [
        toy_trials("p1", ("fist",) * 40 + ("rest",) * 10 + ("point",)),
        toy_trials("p1", ("fist",) * 20, missed=("rest",) * 2),
    ]


@pytest.mark.parametrize(
    ("share", "fists", "rests"), [(0.0, 0, 0), (0.01, 1, 1), (0.05, 3, 1), (0.1, 6, 1), (0.2, 12, 2)]
)
def test_a_share_of_each_action_is_labelled_at_least_one_and_never_all(
    person: list[TrialSession], share: float, fists: int, rests: int
) -> None:
    told, rest = draw(person, share, np.random.default_rng(0))
    assert sorted(labels(person, told)) == ["fist"] * fists + ["rest"] * rests
    for session, first, second in zip(person, told, rest, strict=True):
        assert sorted([*first, *second]) == list(range(len(session.trials)))


def test_only_trials_with_a_segment_are_labelled(person: list[TrialSession]) -> None:
    for seed in range(20):
        told, _ = draw(person, 0.2, np.random.default_rng(seed))
        assert all(trial < 20 for trial in told[1])


def test_a_larger_share_holds_the_smaller_one_and_rounds_differ(person: list[TrialSession]) -> None:
    drawn = {
        (share, seed): {
            (n, t) for n, own in enumerate(draw(person, share, np.random.default_rng(seed))[0]) for t in own
        }
        for share in SHARES
        for seed in (0, 1)
    }
    for smaller, larger in pairwise(SHARES):
        assert drawn[smaller, 0] <= drawn[larger, 0]
    assert drawn[0.2, 0] != drawn[0.2, 1]


class Learner(WitnessFitted):
    """Remembers the labelled sessions of the person it was adapted to."""

    def adapted(self, sessions: list[TrialSession]) -> "Learner":
        learner = Learner(self.training, self.seed)
        learner.own = list(sessions)
        MADE.append(learner)
        return learner

    own: list[TrialSession]


MADE: list[Learner] = []


class LearningWitness(Witness):
    def fit(self, training: Any, seed: int) -> Learner:
        self.fitted.append(Learner(list(training), seed))
        return self.fitted[-1]  # type: ignore[return-value]


@pytest.fixture
def systems(monkeypatch: pytest.MonkeyPatch) -> dict[str, System]:
    """Systems by name, and toy people instead of a library."""
    MADE.clear()
    systems: dict[str, System] = {"witness": LearningWitness(), "deaf": Witness(), **SYSTEMS}
    sessions = [toy_trials(f"p{seed}", ACTIONS * 10, seed=seed, noise=1.5) for seed in range(1, 5)]
    for module in (few_shot, trial_runs):
        monkeypatch.setattr(module, "load_system", systems.__getitem__)
    monkeypatch.setattr(trial_runs, "trials_in", lambda *asked: sessions)
    monkeypatch.setattr(few_shot, "check_folds", lambda library, folds, numbers: None)
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    return systems


def test_what_was_labelled_is_not_tested_and_all_else_is(systems: dict[str, System]) -> None:
    table = evaluate_few_shot(LIBRARY, FOLDS, ["witness"], numbers=[0])
    assert len(MADE) == ROUNDS * (len(SHARES) - 1)
    told = [len(learner.own[0].trials) for learner in MADE]
    assert told == [4] * 3 * ROUNDS + [8] * ROUNDS
    shown = [one.trials for one in table.results]
    assert shown == [40, *(40 - count for count in told)]
    for learner in MADE:
        assert {one.person for one in learner.own} == {"toy/p1"}
        assert {one.person for one in learner.training} == {"toy/p2", "toy/p3", "toy/p4"}
        assert all(not session.trials for session in learner.tested)


def test_the_table_has_a_row_a_share_and_the_reference(systems: dict[str, System]) -> None:
    table = evaluate_few_shot(LIBRARY, FOLDS, ["covariance-lda-raw"], numbers=[0])
    title = SYSTEMS["covariance-lda-raw"].title
    assert list(table.rows) == [
        *(f"{title}; {share} % labelled" for share in (0, 1, 5, 10, 20)),
        f"{title}; intra-subject",
    ]
    assert [table.seeds(row) for row in table.rows] == [1, *[ROUNDS] * 4, 1]
    assert table.mean(f"{title}; intra-subject") > 0.8


def test_a_system_that_cannot_learn_from_a_person_is_refused(systems: dict[str, System]) -> None:
    with pytest.raises(UsageError, match="witness cannot learn from a person's own trials"):
        evaluate_few_shot(LIBRARY, FOLDS, ["deaf"], numbers=[0])


class Rote:
    """Calls every segment by the action it has most examples of, and remembers what it learned."""

    actions: tuple[str, ...] = ("fist", "rest")
    seen: list[tuple[str, ...]]

    def fit(self, training: Any, own: Any = ()) -> None:
        self.seen.append(tuple(action for session in training for action in session.trials))

    def log_posterior(self, session: TrialSession) -> Any:
        return np.tile([0.0, -1.0], (len(session), 1))


def test_the_reference_learns_from_all_parts_but_the_one_it_decides() -> None:
    Rote.seen = []
    sessions = [toy_trials("p1", ("fist",) * 10), toy_trials("p1", ("fist",) * 5 + ("rest",) * 10)]
    result = by_oneself(PerDataset("rote", "none", lambda seed: Rote()), sessions, Task("rote", 3, 0))
    assert [(one.count("fist"), one.count("rest")) for one in Rote.seen] == [(12, 8)] * PARTS
    assert (result.trials, result.fold, result.accuracy) == (25, 3, 0.5)
