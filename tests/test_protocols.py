"""Whole protocols on toy people: every fold starts afresh, and the table holds what each system made."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from toys import ACTIONS, tower
from trial_toys import toy_trials

from myosem import protocols, retriever
from myosem.corpus import Session
from myosem.encoder import EncoderConfig
from myosem.errors import UsageError
from myosem.folds import Folds
from myosem.prompts import load_actions
from myosem.protocols import Plan, evaluate_retrieval, run_fold
from myosem.retriever import Remembering
from myosem.splits import PROTOCOLS, Material
from myosem.systems import load_system
from myosem.table import ALL, PersonResult
from myosem.train import TextBank, TrainConfig, Trainer

TINY = TrainConfig(
    encoder=EncoderConfig(dimension=16, width=32, layers=1, heads=2), steps=8, sessions=3, texts=8
)
FOLDS = Folds({"toy": {0: ("p1",), 1: ("p2",), 2: ("p1",)}}, actions={0: ("fist", "point")})
EVEN = ACTIONS * 4
LIBRARY: Any = SimpleNamespace(path=Path("nowhere"))


class Watched(Trainer):
    """Keeps what it was trained on."""

    made: list["Watched"]

    def __init__(self, sessions: Sequence[Session], bank: TextBank, config: TrainConfig) -> None:
        super().__init__(sessions, bank, config)
        self.watched = list(sessions)
        self.made.append(self)


Run = Callable[..., list[PersonResult]]


@pytest.fixture(autouse=True)
def _toys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Toy people; p1 also goes by another name, and simulated people train along."""
    sessions = [
        *(toy_trials(f"p{number}", EVEN, seed=number) for number in (1, 2, 3, 4)),
        toy_trials("p1", EVEN, subject="alias", seed=8),
        *(toy_trials(name, EVEN, dataset="simulated", simulated=True) for name in ("s1", "s2")),
    ]
    texts = {action: [load_actions()[action].names[0]] for action in ACTIONS}
    monkeypatch.setattr(
        protocols, "_material", lambda library, simulated, cut: Material(sessions, sessions[:1])
    )
    monkeypatch.setattr(protocols, "tower_without", lambda withheld, seed: Remembering(tower))
    monkeypatch.setattr(protocols, "exported_tower", lambda folder: Remembering(tower))
    monkeypatch.setattr(protocols, "public_tower", lambda: Remembering(tower))
    monkeypatch.setattr(
        protocols, "folds_to_run", lambda library, name, folds, wanted: list(wanted or [0, 1])
    )
    monkeypatch.setattr(
        retriever,
        "prompt_texts",
        lambda withheld=(): {action: own for action, own in texts.items() if action not in withheld},
    )
    monkeypatch.setattr(retriever, "Trainer", Watched)
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    Watched.made = []


@pytest.fixture
def run() -> Run:
    def one(number: int, protocol: str = "user", baselines: tuple[str, ...] = ()) -> list[PersonResult]:
        plan = Plan(Path("nowhere"), protocol, FOLDS, TINY, baselines=baselines)
        return run_fold(plan, number).results

    return one


def state(trainer: Trainer) -> list[bytes]:
    parts = [*trainer.encoder.state_dict().values(), *trainer.head.state_dict().values()]
    return [part.numpy().tobytes() for part in parts]


def test_nobody_tested_was_trained_on_under_any_name(run: Run) -> None:
    results = run(0)
    [trainer] = Watched.made
    assert {(one.person, one.pool) for one in results} == {("toy/p1", 32)}
    assert sorted(one.person for one in trainer.watched) == [
        "simulated/s1",
        "simulated/s2",
        "toy/p2",
        "toy/p3",
        "toy/p4",
    ]


def test_every_fold_starts_from_fresh_weights(run: Run) -> None:
    first, _, again = run(0), run(1), run(2)
    zero, one, two = Watched.made
    assert state(zero) == state(two) != state(one)
    assert [result.values for result in first if result.system != "chance"] == [
        result.values for result in again if result.system != "chance"
    ]


def test_model_plain_systems_and_chance_stand_in_this_order(run: Run) -> None:
    results = run(0, baselines=("covariance-lda", "harmonic-lda"))
    assert [one.system for one in results] == [
        "MyoSem",
        "TD + covariance LDA",
        "One LDA for all data sets",
        "chance",
    ]
    assert results[1].values["mAP"] == 1 > results[3].values["mAP"]


def test_a_held_out_action_is_neither_done_nor_described_in_training(run: Run) -> None:
    results = run(0, "class", ("covariance-lda",))
    [trainer] = Watched.made
    did = {action for session in trainer.watched for action in session.actions}
    assert did == set(trainer.bank.actions) == {"open-hand", "rest"}
    assert {one.among for one in results} == {"among the held-out only", "among all actions"}
    assert {(one.pool, one.candidates) for one in results} == {(16, 2), (32, 4)}


def test_a_table_has_all_folds_and_says_how_sure_one_may_be() -> None:
    told: list[tuple[int, int]] = []
    table = evaluate_retrieval(
        LIBRARY,
        "user",
        FOLDS,
        config=TINY,
        baselines=["covariance-lda"],
        variants=["myosem", "single-caption"],
        progress=lambda what, done, total: told.append((done, total)),
    )
    assert told == [(0, 2), (1, 2), (2, 2)]
    assert table.systems == (
        "MyoSem",
        "MyoSem, one caption an action",
        "TD + covariance LDA",
        "chance",
    )
    assert {one.person for one in table.results} == {"toy/p1", "toy/p2"}
    assert all(set(one.values) == set(ALL) for one in table.results)
    assert np.isfinite([list(one.values.values()) for one in table.results]).all()
    error = table.about["expected calibration error"]
    assert isinstance(error, float) and 0 <= error <= 1 and table.about["folds"] == "0 1"


@pytest.mark.parametrize("wrong", ["variants", "baselines"])
def test_a_wrong_name_is_refused_before_anything_is_trained(wrong: str) -> None:
    names: dict[str, Any] = {wrong: ["nothing"]}
    with pytest.raises(UsageError, match="nothing"):
        evaluate_retrieval(LIBRARY, "user", FOLDS, config=TINY, **names)
    assert Watched.made == []


def test_plain_systems_of_a_protocol_exist() -> None:
    for protocol in PROTOCOLS.values():
        for name in protocol.baselines:
            assert load_system(name).title
