"""A step is made of segments of some sessions, drawn as the configuration says."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from toys import ACTIONS, tower, toy_session

from myosem.corpus import Session
from myosem.features import WIDTH
from myosem.train_batch import Material, Sampler
from myosem.train_config import TextBank, TrainConfig

TINY = TrainConfig(sessions=4, segments=32, texts=16)
BANK = TextBank.of({action: [f"{action} {number}" for number in range(3)] for action in ACTIONS}, tower)


def people(count: int = 4) -> list[Session]:
    return [toy_session(f"p{number}", seed=number) for number in range(count)]


def sampler(sessions: list[Session], config: TrainConfig = TINY) -> Sampler:
    material = Material.of(sessions, BANK.actions)
    scores = [torch.zeros(len(actions), 2) for _, actions in material.known]
    return Sampler(material, scores, torch.ones(WIDTH), BANK, config)


@pytest.mark.parametrize(("share", "wanted"), [(0.0, 0), (0.25, 2), (0.5, 4), (1.0, 8)])
def test_a_step_holds_its_share_of_simulated_sessions(share: float, wanted: int) -> None:
    simulated = [toy_session(f"s{i}", dataset="simulated", simulated=True) for i in range(20)]
    one = sampler([*simulated, *people()], replace(TINY, sessions=8, simulated=share))
    simulation = sorted({"simulated", "toy"}).index("simulated")
    for _ in range(5):
        assert int((one.draw().dataset == simulation).sum()) == wanted


@pytest.mark.parametrize("simulated", [True, False])
def test_one_kind_of_session_fills_a_step_by_itself(simulated: bool) -> None:
    sessions = [replace(one, simulated=simulated) for one in people()]
    batch = sampler(sessions).draw()
    assert len(batch.features) == TINY.sessions and bool(batch.mask.any(dim=1).all())


def test_small_data_sets_are_drawn_more_often_than_their_size_would() -> None:
    sessions = [*people(16), toy_session("q", dataset="small")]
    for balance, wanted in ((1.0, 1 / 17), (0.5, 1 / 5), (0.0, 1 / 2)):
        one = sampler(sessions, replace(TINY, sessions=50, balance=balance))
        drawn = Counter(int(number) for _ in range(20) for number in one.draw().dataset)
        assert drawn[0] / 1000 == pytest.approx(wanted, abs=0.06)


def test_a_batch_is_made_of_segments_of_its_sessions() -> None:
    sessions = people()
    known = {
        one.features[row].tobytes(): action for one in sessions for row, action in enumerate(one.actions)
    }
    one = sampler(sessions, replace(TINY, segments=9))
    sizes = set()
    for _ in range(10):
        batch = one.draw()
        sizes.update(batch.mask.sum(dim=1).tolist())
        assert batch.mask.shape == batch.action.shape == batch.features.shape[:2]
        assert bool((batch.action[~batch.mask] == -1).all()) and not bool(batch.features[~batch.mask].any())
        for row, action in zip(batch.features[batch.mask], batch.action[batch.mask], strict=True):
            assert known[row.numpy().tobytes()] == ACTIONS[int(action)]
    assert max(sizes) <= 9 and min(sizes) >= 1 and len(sizes) > 1


def test_actions_of_other_data_sets_are_no_wrong_answers() -> None:
    two = [toy_session("p", ("fist", "point") * 4), toy_session("q", ("open-hand", "rest") * 4, dataset="z")]
    material = Material.of(two, BANK.actions)
    named = [{BANK.actions[i] for i in np.flatnonzero(row)} for row in material.vocabulary.numpy()]
    assert named == [{"fist", "point"}, {"open-hand", "rest"}]
