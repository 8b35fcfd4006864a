"""Training learns what a toy corpus holds, and the same seed learns the same."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from toys import ACTIONS, RING, tower, toy_session

from myosem import train
from myosem.corpus import Session
from myosem.encoder import EncoderConfig
from myosem.errors import LibraryError
from myosem.features import READ
from myosem.train import TextBank, TrainConfig, Trainer, embed, prompt_texts

TINY = TrainConfig(
    encoder=EncoderConfig(dimension=16, width=32, layers=1, heads=2),
    steps=40,
    sessions=4,
    segments=32,
    learning_rate=3e-3,
    texts=16,
)
TEXTS = {action: [f"{action} {number}" for number in range(3)] for action in ACTIONS}


BANK = TextBank.of(TEXTS, tower)


def people(count: int = 4) -> list[Session]:
    return [toy_session(f"p{number}", seed=number) for number in range(count)]


def weights(trainer: Trainer) -> dict[str, Tensor]:
    parts = {"encoder": trainer.encoder, "head": trainer.head}
    return {
        f"{name}.{key}": value for name, part in parts.items() for key, value in part.state_dict().items()
    }


def trained(
    sessions: Sequence[Session], config: TrainConfig = TINY, bank: TextBank = BANK
) -> tuple[Trainer, list[float]]:
    losses: list[float] = []
    trainer = Trainer(sessions, bank, config)
    trainer.run(lambda step, loss: losses.append(loss))
    return trainer, losses


def same(one: Trainer, other: Trainer) -> bool:
    first, second = weights(one), weights(other)
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def test_the_same_seed_gives_the_same_weights_and_another_does_not() -> None:
    short = replace(TINY, steps=5)
    one, losses = trained(people(), short)
    torch.rand(7)  # whatever happened before
    again, losses_again = trained(people(), short)
    other, _ = trained(people(), replace(short, seed=1))
    assert losses == losses_again and same(one, again)
    assert not same(one, other)


def test_the_loss_falls_and_people_never_seen_are_searched_without_a_mistake() -> None:
    trainer, losses = trained(people())
    assert len(losses) == TINY.steps
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])
    stranger = toy_session("stranger", seed=77)
    vectors = embed(trainer.encoder, stranger.features)
    with torch.no_grad():
        words = trainer.head(torch.from_numpy(tower(ACTIONS))).numpy()
    scores = vectors @ words.T
    assert [ACTIONS[best] for best in scores.argmax(axis=1)] == list(stranger.actions)
    for place, action in enumerate(ACTIONS):
        first = np.argsort(-scores[:, place])[:4]
        assert {stranger.actions[row] for row in first} == {action}


def test_the_adapter_knows_the_training_people_of_each_data_set() -> None:
    others = [toy_session(f"q{number}", ("fist", "rest", None) * 4, dataset="z") for number in range(2)]
    again = toy_session("p0", subject="alias", seed=9)
    strange = toy_session("x", ("shrug", "fist") * 3, dataset="one-action", places=("fist", "shrug"))
    sessions = [*people(3), again, *others, strange]
    trainer, _ = trained(sessions, replace(TINY, steps=2))
    one, two = trainer.adapter.statistics
    assert (one.dataset, one.people, one.actions) == ("toy", 3, ACTIONS)
    assert (two.dataset, two.people, two.actions) == ("z", 2, ("fist", "rest"))
    np.testing.assert_array_equal(one.angles, RING)
    memory = trainer.head.memory.numpy()
    np.testing.assert_allclose(trainer.adapter.anchors[0], memory, atol=1e-6)
    np.testing.assert_allclose(trainer.adapter.anchors[1], memory[[0, 3]], atol=1e-6)
    assert trainer.adapter.gate.bias.shape == (2,)


def test_vectors_moved_by_the_adapter_are_found_by_words() -> None:
    trainer, _ = trained(people(), replace(TINY, steps=5))
    stranger = toy_session("stranger", seed=77)
    moved = trainer.adapter.move(stranger.features, embed(trainer.encoder, stranger.features))
    best = (moved @ trainer.head.memory.numpy().T).argmax(axis=1)
    assert [ACTIONS[place] for place in best] == list(stranger.actions)


@pytest.mark.parametrize("context", [True, False])
def test_the_adapter_reads_sessions_as_the_encoder_does(context: bool) -> None:
    config = replace(TINY, steps=1, encoder=replace(TINY.encoder, context=context))
    trainer, _ = trained(people(2), config)
    assert [one.context for one in trainer.adapter.statistics] == [context]


def test_without_training_people_never_seen_are_not_found() -> None:
    trainer, _ = trained(people(), replace(TINY, steps=0))
    stranger = toy_session("stranger", seed=77)
    with torch.no_grad():
        words = trainer.head(torch.from_numpy(tower(ACTIONS))).numpy()
    best = (embed(trainer.encoder, stranger.features) @ words.T).argmax(axis=1)
    assert [ACTIONS[place] for place in best] != list(stranger.actions)


def test_after_training_nothing_is_left_to_chance() -> None:
    trainer, _ = trained(people(), replace(TINY, steps=2))
    assert not trainer.encoder.training and not trainer.head.training
    features = people()[0].features
    np.testing.assert_array_equal(embed(trainer.encoder, features), embed(trainer.encoder, features))


@pytest.mark.parametrize(("share", "wanted"), [(0.0, 0), (0.25, 2), (0.5, 4), (1.0, 8)])
def test_a_step_holds_its_share_of_simulated_sessions(share: float, wanted: int) -> None:
    simulated = [toy_session(f"s{i}", dataset="simulated", simulated=True) for i in range(20)]
    trainer = Trainer([*simulated, *people()], BANK, replace(TINY, sessions=8, simulated=share))
    simulation = sorted({"simulated", "toy"}).index("simulated")
    for _ in range(5):
        assert int((trainer._draw().dataset == simulation).sum()) == wanted


@pytest.mark.parametrize("simulated", [True, False])
def test_one_kind_of_session_fills_a_step_by_itself(simulated: bool) -> None:
    sessions = [replace(one, simulated=simulated) for one in people()]
    batch = Trainer(sessions, BANK, TINY)._draw()
    assert len(batch.features) == TINY.sessions and bool(batch.mask.any(dim=1).all())


def test_small_data_sets_are_drawn_more_often_than_their_size_would() -> None:
    sessions = [*people(16), toy_session("q", dataset="small")]
    for balance, wanted in ((1.0, 1 / 17), (0.5, 1 / 5), (0.0, 1 / 2)):
        trainer = Trainer(sessions, BANK, replace(TINY, sessions=50, balance=balance))
        drawn = Counter(int(one) for _ in range(20) for one in trainer._draw().dataset)
        assert drawn[0] / 1000 == pytest.approx(wanted, abs=0.06)


def test_a_batch_is_made_of_segments_of_its_sessions() -> None:
    sessions = people()
    known = {
        one.features[row, :READ].tobytes(): action
        for one in sessions
        for row, action in enumerate(one.actions)
    }
    trainer = Trainer(sessions, BANK, replace(TINY, segments=9))
    sizes = set()
    for _ in range(10):
        batch = trainer._draw()
        sizes.update(batch.mask.sum(dim=1).tolist())
        assert batch.mask.shape == batch.action.shape == batch.features.shape[:2]
        assert bool((batch.action[~batch.mask] == -1).all()) and not bool(batch.features[~batch.mask].any())
        for row, action in zip(batch.features[batch.mask], batch.action[batch.mask], strict=True):
            assert known[row.numpy().tobytes()] == ACTIONS[int(action)]
    assert max(sizes) <= 9 and min(sizes) >= 1 and len(sizes) > 1


def test_segments_of_unknown_action_are_context_and_nothing_else() -> None:
    strange = toy_session("x", (None, "shrug", "fist", "open-hand"), places=(*ACTIONS, "shrug"))
    whole = replace(TINY, keep=1.0, sessions=1, noise=0.0, gain=0.0, turn_deg=0.0)
    trainer = Trainer([strange], BANK, whole)
    batch = trainer._draw()
    assert int(batch.mask.sum()) == 4 and sorted(batch.action[0].tolist()) == [-1, -1, 0, 1]
    seen: list[tuple[Tensor, Tensor]] = []
    loss = trainer.loss.forward

    def spy(emg: Tensor, text: Tensor, emg_action: Tensor, *others: Tensor) -> Tensor:
        seen.append((emg, emg_action))
        out: Tensor = loss(emg, text, emg_action, *others)
        return out

    trainer.loss.forward = spy  # type: ignore[method-assign, assignment]
    trainer.step()
    assert sorted(seen[0][1].tolist()) == [0, 1] and len(seen[0][0]) == 2


def test_sessions_without_any_known_action_do_no_harm() -> None:
    silent = [toy_session(f"x{i}", (None,) * 6) for i in range(3)]
    trainer, losses = trained([*people(1), *silent], replace(TINY, steps=10))
    assert np.isfinite(losses).all()
    assert all(bool(torch.isfinite(value).all()) for value in weights(trainer).values())


def test_actions_of_other_data_sets_are_no_wrong_answers() -> None:
    two = [toy_session("p", ("fist", "point") * 4), toy_session("q", ("open-hand", "rest") * 4, dataset="z")]
    trainer = Trainer(two, BANK, TINY)
    named = [{BANK.actions[i] for i in np.flatnonzero(row)} for row in trainer.vocabulary.numpy()]
    assert named == [{"fist", "point"}, {"open-hand", "rest"}]


def test_the_learning_rate_warms_up_and_falls() -> None:
    rates: list[float] = []
    trainer = Trainer(people(), BANK, TINY)
    trainer.run(lambda step, loss: rates.append(trainer.optimizer.param_groups[0]["lr"]))
    peak = int(np.argmax(rates))
    assert peak <= 3 and rates[peak] == pytest.approx(TINY.learning_rate, rel=0.05)
    assert rates[peak:] == sorted(rates[peak:], reverse=True) and rates[-1] < 0.05 * TINY.learning_rate


def test_a_text_bank_knows_whose_each_text_is() -> None:
    bank = TextBank.of({"fist": ["a", "b c"], "rest": ["d"]}, tower)
    assert bank.actions == ("fist", "rest") and bank.owner.tolist() == [0, 0, 1]
    np.testing.assert_array_equal(bank.vectors, tower(["a", "b c", "d"]))


def test_every_action_has_texts_to_train_on() -> None:
    texts = prompt_texts()
    assert "fist" in texts and all(len(group) >= 24 for group in texts.values())


@pytest.mark.parametrize("action", [None, "shrug"])
def test_a_library_without_a_known_action_is_refused_before_anything_is_simulated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, action: str | None
) -> None:
    unknown = toy_session("p1", (action,) * 6, places=("shrug",))
    monkeypatch.setattr(train, "read_training", lambda library: [unknown])
    monkeypatch.setattr(train, "practice_sessions", lambda count: pytest.fail("simulated for nothing"))
    library: Any = SimpleNamespace(path=Path("lib"))
    with pytest.raises(LibraryError, match="lib has no labelled segments to learn from"):
        train.train_library(library, tmp_path / "run", TINY, simulated=2)
    assert not (tmp_path / "run").exists()
