"""Pre-training is the same however it is cut up, and learns what toy sessions hold."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from toy_tokens import toy_tokens

from myosem.errors import ModelError, UsageError
from myosem.pretrain import Pretrainer, pretrain
from myosem.pretrain_config import PretrainConfig, QuantizerConfig, SentenceConfig, StageConfig
from myosem.token_model import pooled
from myosem.token_run import load_pretraining, load_token_model, save_pretraining

TINY = PretrainConfig(
    quantizer=QuantizerConfig(codes=16, code_width=8, hidden=32),
    sentence=SentenceConfig(width=16, layers=1, heads=2, hidden=32),
    stage1=StageConfig(20, 64, 1e-2),
    stage2=StageConfig(20, 4, 1e-2),
)
SESSIONS = [toy_tokens(seed) for seed in range(4)]


def state(trainer: Pretrainer) -> dict[str, torch.Tensor]:
    return dict(trainer.model.state_dict())


def same(one: Pretrainer, other: Pretrainer) -> bool:
    return one.losses == other.losses and all(
        torch.equal(value, state(other)[key]) for key, value in state(one).items()
    )


def trained(seed: int = 0, until: int | None = None, config: PretrainConfig = TINY) -> Pretrainer:
    trainer = Pretrainer(SESSIONS, config, seed)
    trainer.run(until)
    return trainer


def test_the_same_seed_gives_the_same_model_and_another_does_not() -> None:
    one = trained()
    torch.rand(5)
    assert same(one, trained()) and not same(one, trained(seed=1))


def test_training_leaves_the_random_numbers_of_others_alone() -> None:
    torch.manual_seed(3)
    wanted = torch.rand(2)
    torch.manual_seed(3)
    trained(until=3)
    assert torch.equal(torch.rand(2), wanted)


@pytest.mark.parametrize("cut", [1, 10, 20, 33])
def test_interrupted_and_gone_on_is_the_same_as_never_interrupted(cut: int, tmp_path: Path) -> None:
    save_pretraining(tmp_path, trained(until=cut))
    resumed = Pretrainer(SESSIONS, TINY)
    load_pretraining(tmp_path, resumed)
    assert resumed.step == cut
    resumed.run()
    assert same(resumed, trained())


def test_both_stages_learn() -> None:
    config = replace(
        TINY,
        quantizer=replace(TINY.quantizer, codes=4),
        stage1=StageConfig(80, 128, 1e-2),
        stage2=StageConfig(80, 4, 1e-2),
    )
    losses = trained(config=config).losses
    assert np.mean(losses[70:80]) < 0.8 * np.mean(losses[:5])
    assert np.mean(losses[-10:]) < 0.7 * losses[80]


def test_stage_2_leaves_the_codes_alone() -> None:
    halfway, whole = trained(until=20), trained()
    first, last = state(halfway), state(whole)
    assert all(torch.equal(first[key], last[key]) for key in first if key.startswith("quantizer."))
    assert not torch.equal(first["encoder.front.weight"], last["encoder.front.weight"])


def test_hidden_tokens_are_about_half_and_never_padding(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    trainer = Pretrainer(SESSIONS, replace(TINY, stage1=StageConfig(0, 64, 1e-2)))
    forward = trainer.model.encoder.forward

    def spy(sentences, hide, *, context):  # type: ignore[no-untyped-def]
        seen.append((sentences.mask, hide))
        return forward(sentences, hide, context=context)

    monkeypatch.setattr(trainer.model.encoder, "forward", spy)
    trainer.run()
    assert any(bool((~mask).any()) for mask, _ in seen)
    assert not any(bool((hide & ~mask).any()) for mask, hide in seen)
    hidden, tokens = sum(int(hide.sum()) for _, hide in seen), sum(int(mask.sum()) for mask, _ in seen)
    assert hidden / tokens == pytest.approx(0.5, abs=0.05)


def test_padding_is_not_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    scored: list[int] = []
    entropy = torch.nn.functional.cross_entropy

    def spy(guess, target, reduction):  # type: ignore[no-untyped-def]
        scored.append(len(guess))
        return entropy(guess, target, reduction=reduction)

    monkeypatch.setattr("myosem.pretrain.functional.cross_entropy", spy)
    trainer = Pretrainer(SESSIONS, replace(TINY, ratio=1.0, stage1=StageConfig(0, 64, 1e-2)))
    drawn: list[int] = []
    draw = trainer._draw

    def count(generator):  # type: ignore[no-untyped-def]
        sentences, context = draw(generator)
        drawn.append(int(sentences.mask.sum()))
        return sentences, context

    monkeypatch.setattr(trainer, "_draw", count)
    trainer.run()
    assert scored == drawn


def test_a_saved_model_is_the_model(tmp_path: Path) -> None:
    trainer = trained()
    save_pretraining(tmp_path, trainer)
    model = load_token_model(tmp_path)
    one = SESSIONS[0]
    np.testing.assert_array_equal(
        pooled(model, one.values, one.mask), pooled(trainer.model, one.values, one.mask)
    )


def test_another_training_cannot_be_gone_on_with(tmp_path: Path) -> None:
    save_pretraining(tmp_path, trained(until=1))
    for other in (
        Pretrainer(SESSIONS, TINY, seed=1),
        Pretrainer(SESSIONS, replace(TINY, ratio=0.4)),
        Pretrainer(SESSIONS[:2], TINY),
    ):
        with pytest.raises(UsageError, match="cannot be gone on with"):
            load_pretraining(tmp_path, other)


def test_what_is_no_training_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no pre-training"):
        load_token_model(tmp_path)
    save_pretraining(tmp_path, trained(until=1))
    file = tmp_path / "tokens.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ModelError, match="holds no pre-training"):
        load_token_model(tmp_path)


def test_nothing_to_learn_from_is_said() -> None:
    with pytest.raises(UsageError, match="nothing to learn from"):
        pretrain([], TINY)


SCRIPT = """
import json, sys, torch, torch.distributed as dist
from test_pretrain import SESSIONS, TINY
from myosem.pretrain import Pretrainer
torch.set_num_threads(1)
dist.init_process_group("gloo")
trainer = Pretrainer(SESSIONS, TINY)
trainer.run()
if dist.get_rank() == 0:
    json.dump(trainer.losses, open(sys.argv[1], "w"))
dist.destroy_process_group()
"""


@pytest.mark.slow
def test_two_processes_have_the_loss_curve_of_one(tmp_path: Path) -> None:
    script, out = tmp_path / "two.py", tmp_path / "losses.json"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "OMP_NUM_THREADS": "1"}
    subprocess.run([*command, str(script), str(out)], check=True, env=environment, capture_output=True)
    alone = trained().losses  # sums come in another order, and near a tie that can change a token's code
    np.testing.assert_allclose(json.loads(out.read_text()), alone, rtol=1e-2)
