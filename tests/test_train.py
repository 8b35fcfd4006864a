"""Training learns what a toy corpus holds, and the same seed learns the same."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor
from toys import ACTIONS, RING, tower, toy_session

from myosem.corpus import Session
from myosem.encoder import EncoderConfig
from myosem.errors import UsageError
from myosem.train import TextBank, TrainConfig, Trainer, embed

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
    trainer.run(report=lambda step, loss: losses.append(loss))
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
    vectors = trainer.adapter.vectors(stranger.features, embed(trainer.encoder, stranger.features))
    done = vectors[:, : trainer.head.memory.shape[1]]
    best = (done @ trainer.head.memory.numpy().T).argmax(axis=1)
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


def test_segments_of_unknown_action_are_context_and_nothing_else() -> None:
    strange = toy_session("x", (None, "shrug", "fist", "open-hand"), places=(*ACTIONS, "shrug"))
    whole = replace(TINY, keep=1.0, sessions=1, noise=0.0, gain=0.0, turn_deg=0.0)
    trainer = Trainer([strange], BANK, whole)
    batch = trainer.sampler.draw()
    assert int(batch.mask.sum()) == 4 and sorted(batch.action[0].tolist()) == [-1, -1, 0, 1]
    seen: list[tuple[Tensor, Tensor]] = []
    loss = trainer.loss.forward

    def spy(emg: Tensor, text: Tensor, emg_action: Tensor, *others: Tensor) -> Tensor:
        seen.append((emg, emg_action))
        out: Tensor = loss(emg, text, emg_action, *others)
        return out

    trainer.loss.forward = spy
    trainer.step()
    assert sorted(seen[0][1].tolist()) == [0, 1] and len(seen[0][0]) == 2


def test_sessions_without_any_known_action_do_no_harm() -> None:
    silent = [toy_session(f"x{i}", (None,) * 6) for i in range(3)]
    trainer, losses = trained([*people(1), *silent], replace(TINY, steps=10))
    assert np.isfinite(losses).all()
    assert all(bool(torch.isfinite(value).all()) for value in weights(trainer).values())


def test_the_learning_rate_warms_up_and_falls() -> None:
    rates: list[float] = []
    trainer = Trainer(people(), BANK, TINY)
    trainer.run(report=lambda step, loss: rates.append(trainer.optimizer.param_groups[0]["lr"]))
    peak = int(np.argmax(rates))
    assert peak <= 3 and rates[peak] == pytest.approx(TINY.learning_rate, rel=0.05)
    assert rates[peak:] == sorted(rates[peak:], reverse=True) and rates[-1] < 0.05 * TINY.learning_rate


CALM = replace(TINY, encoder=replace(TINY.encoder, dropout=0.0, noise=0.0), text_noise=0.0)
"""Once a batch is drawn nothing is left to chance, so it does not matter how the step is divided."""


Step = tuple[dict[str, Tensor], float]


def stepped(config: TrainConfig) -> Step:
    """Gradients of a first step by name, and its loss."""
    trainer = Trainer(people(), BANK, config)
    if config.encoder.dropout == 0:
        for module in trainer.head.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
    loss = trainer.step()
    named = [
        (f"{name}.{key}", value)
        for name, part in trainer.modules().items()
        for key, value in part.named_parameters()
    ]
    named.append(("log_scale", trainer.log_scale))
    return {key: value.grad for key, value in named if value.grad is not None}, loss


def close(one: Step, other: Step) -> None:
    assert one[1] == pytest.approx(other[1], rel=1e-5) and one[0].keys() == other[0].keys()
    for key, value in one[0].items():
        torch.testing.assert_close(value, other[0][key], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("loss", ["infonce", "sigmoid"])
@pytest.mark.parametrize("chunks", [2, 4])
def test_the_negatives_are_those_of_the_whole_step_in_however_many_chunks(
    chunks: int, loss: Literal["infonce", "sigmoid"]
) -> None:
    config = replace(CALM, loss=loss)
    whole = stepped(config)
    assert any(bool((value != 0).any()) for value in whole[0].values())
    close(stepped(replace(config, chunks=chunks)), whole)


def test_chunks_are_computed_again_with_the_same_dropout_and_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    config = replace(TINY, encoder=replace(TINY.encoder, dropout=0.5, noise=1.0), chunks=4)
    cached = stepped(config)
    monkeypatch.setattr("myosem.compute.checkpoint", lambda module, *rows, use_reentrant: module(*rows))
    close(stepped(config), cached)
    other = stepped(replace(config, seed=1))
    assert other[1] != pytest.approx(cached[1], rel=1e-4)


def test_a_step_that_cannot_be_divided_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot be divided evenly"):
        Trainer(people(), BANK, replace(TINY, chunks=3))


def test_the_sigmoid_loss_learns_too_and_its_bias_with_it() -> None:
    trainer, losses = trained(people(), replace(TINY, loss="sigmoid"))
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])
    bias = trainer.modules()["loss"].get_parameter("bias")
    assert bias.item() != pytest.approx(-np.log(3), abs=1e-4)


def test_soft_targets_bring_similar_actions_together() -> None:
    similar = np.eye(4)
    similar[0, 1] = similar[1, 0] = 1
    cosines = []
    for soft in (0.0, 0.5):
        trainer = Trainer(people(), BANK, replace(TINY, soft=soft), similar)
        trainer.run()
        memory = trainer.head.memory
        cosines.append(float(memory[0] @ memory[1] - memory[0] @ memory[2]))
    assert cosines[1] > cosines[0] + 0.1


def test_soft_targets_need_similarities_of_these_actions() -> None:
    for similarity in (None, np.eye(3)):
        with pytest.raises(UsageError, match="similarities"):
            Trainer(people(), BANK, replace(TINY, soft=0.1), similarity)


def test_training_leaves_the_random_numbers_of_others_alone() -> None:
    torch.manual_seed(3)
    wanted = torch.rand(2)
    torch.manual_seed(3)
    Trainer(people(), BANK, replace(TINY, steps=1)).run()
    assert torch.equal(torch.rand(2), wanted)


SCRIPT = """
import json, sys, torch
from pathlib import Path
from test_train import BANK, DIVIDED, people, stepped
from myosem.compute import parallel
from myosem.train import Trainer
torch.set_num_threads(1)
with parallel() as first:
    losses = []
    for config in DIVIDED:
        trainer = Trainer(people(), BANK, config)
        trainer.run()
        losses.append(trainer.losses)
    torch.nn.utils.clip_grad_norm_ = lambda parameters, norm: None
    gradients = {key: value.flatten().tolist() for key, value in stepped(DIVIDED[1])[0].items()}
    if first:
        Path(sys.argv[1]).write_text(json.dumps([losses, gradients]))
"""
DIVIDED = [replace(TINY, steps=15, chunks=2), replace(TINY, steps=15, chunks=4, loss="sigmoid")]
"""Two processes take one and two parts each of such steps."""


@pytest.mark.slow
def test_two_processes_have_the_loss_curve_and_the_gradients_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script, out = tmp_path / "two.py", tmp_path / "losses.json"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "OMP_NUM_THREADS": "1"}
    subprocess.run([*command, str(script), str(out)], check=True, env=environment, capture_output=True)
    losses, gradients = json.loads(out.read_text())
    for shared, config in zip(losses, DIVIDED, strict=True):
        _, alone = trained(people(), config)  # the same draws; only sums come in another order
        assert len(set(alone)) == 15
        np.testing.assert_allclose(shared, alone, rtol=1e-4)
    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", lambda parameters, norm: None)
    wanted, _ = stepped(DIVIDED[1])
    assert wanted.keys() == gradients.keys()
    for key, value in wanted.items():
        np.testing.assert_allclose(gradients[key], value.flatten().numpy(), rtol=1e-3, atol=1e-5)
