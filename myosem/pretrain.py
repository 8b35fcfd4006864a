"""Pre-training without labels: first the codes, then the sentences.

Everything random is drawn from the seed and the number of the step, so a training that was interrupted goes
on exactly as it would have, and several processes draw the same batch and take their parts of it.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn import functional

from myosem.compute import autocast, best_device, gather_rows, own_part, processes, total
from myosem.errors import UsageError
from myosem.pretrain_config import PretrainConfig
from myosem.quantizer import turn_tokens
from myosem.ring import HARMONICS
from myosem.token_model import SENTENCE, Sentences, TokenModel
from myosem.tokens import COVARIANCE, LEVEL, Tokens

WARM = 0.15
"""Share of stage 1 before the codes come in, so that they start among what the encoder has learned to say."""
KMEANS = 4
"""Tokens a code that the codes' first places are found from."""


class Pretrainer:
    """One model and its training on the tokens of some sessions."""

    def __init__(self, sessions: Sequence[Tokens], config: PretrainConfig, seed: int = 0) -> None:
        self.sessions = [one for one in sessions if one.mask.any()]
        if not self.sessions:
            raise UsageError(
                "there is nothing to learn from", got="no tokens", expected="sessions with segments"
            )
        self.config, self.seed, self.step = config, seed, 0
        self.losses: list[float] = []
        self.device = best_device()
        self.values = np.concatenate([one.values[one.mask] for one in self.sessions])
        counts = np.array([one.mask.sum() for one in self.sessions], dtype=np.float64)
        self.weight = counts / counts.sum()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.model = TokenModel(config.quantizer, config.sentence)
        self.model.fit_scale(self.values)
        self.model.to(self.device).train()
        self.optimizers = (
            self._optimizer(self.model.quantizer),
            self._optimizer(self.model.encoder, self.model.guess),
        )

    @property
    def steps(self) -> int:
        """Of both stages."""
        return self.config.stage1.steps + self.config.stage2.steps

    def run(self, until: int | None = None, report: Callable[[int, float], None] | None = None) -> TokenModel:
        """Go on to step ``until``, to the end by default; the model in evaluation mode once it is reached."""
        while self.step < min(until or self.steps, self.steps):
            generator = np.random.default_rng([self.seed, self.step])
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(int(generator.integers(2**31)))
                first = self.step < self.config.stage1.steps
                loss = self._learn_codes(generator) if first else self._learn_sentences(generator)
            self.losses.append(loss)
            self.step += 1
            if report is not None:
                report(self.step, loss)
        return self.model.eval() if self.step == self.steps else self.model

    def _optimizer(self, *modules: torch.nn.Module) -> torch.optim.Optimizer:
        parameters = [value for module in modules for value in module.parameters()]
        return torch.optim.AdamW(parameters, lr=1.0, weight_decay=self.config.weight_decay)

    def _learn_codes(self, generator: np.random.Generator) -> float:
        stage, codes = self.config.stage1, self.config.quantizer.codes
        begin = math.ceil(WARM * stage.steps)
        count = max(stage.batch, KMEANS * codes) if self.step == begin else stage.batch
        batch = torch.from_numpy(self.values[generator.integers(len(self.values), size=count)])
        batch = self._vary(batch, generator, count).to(self.device)
        quantizer = self.model.quantizer.train()
        own = own_part(count)
        with autocast(self.device):
            said = quantizer.encode(batch[own])
        everything = gather_rows(said.float())
        commitment = torch.zeros((), device=self.device)
        if self.step >= begin:
            quantised, _, commitment = quantizer.quantise(
                everything, self.config.quantizer.dead * count / codes
            )
            everything = quantised
        with autocast(self.device):
            rebuilt = quantizer.decoder(everything[own])
        error = quantizer.errors(batch[own], rebuilt.float()).sum() / count
        self._update(0, error + commitment)
        return total(error) + float(commitment.detach())

    def _learn_sentences(self, generator: np.random.Generator) -> float:
        sentences, context = self._draw(generator)
        mask = sentences.mask
        hide = torch.from_numpy(generator.random(tuple(mask.shape))) < self.config.ratio
        hide = (hide & mask).to(self.device)
        own = own_part(len(mask))
        hidden_tokens = hide.sum().clamp(min=1)
        mine, hide = sentences.rows(own).to(self.device), hide[own]
        self.model.quantizer.eval()
        target = self.model.quantizer.codes(mine.values)
        with autocast(self.device):
            guess = self.model.guess(self.model.encoder.train()(mine, hide, context=context)[hide])
        loss = functional.cross_entropy(guess.float(), target[hide], reduction="sum") / hidden_tokens
        self._update(1, loss)
        return total(loss)

    def _draw(self, generator: np.random.Generator) -> tuple[Sentences, bool]:
        """Sentences of random segments of random sessions, and whether they are read with context."""
        groups = []
        for number in generator.choice(len(self.sessions), self.config.stage2.batch, p=self.weight):
            one = self.sessions[number]
            order = generator.permutation(len(one))
            kept = order[np.cumsum(one.mask[order].sum(axis=1)) <= SENTENCE]
            groups.append((one.values[kept], one.mask[kept]))
        sentences = Sentences.of(groups)
        values = self._vary(sentences.values, generator, len(groups))
        context = bool(generator.random() >= self.config.alone)
        return Sentences(values, sentences.segment, sentences.front, sentences.back), context

    def _vary(self, values: Tensor, generator: np.random.Generator, count: int) -> Tensor:
        """Tokens as they would be with the electrodes turned and the rest louder or softer."""
        angle = torch.from_numpy(generator.normal(0, math.radians(self.config.turn_deg), count)).float()
        gain = torch.from_numpy(generator.normal(0, self.config.gain, count)).float()
        values = turn_tokens(values, angle)
        gain = gain.reshape(-1, *[1] * (values.ndim - 1))
        values[..., LEVEL.start : LEVEL.stop : HARMONICS] += gain
        values[..., COVARIANCE.start : COVARIANCE.start + 1] += gain
        return values

    def _update(self, stage: int, loss: Tensor) -> None:
        optimizer = self.optimizers[stage]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        parameters = [value for group in optimizer.param_groups for value in group["params"]]
        for value in parameters:
            if value.grad is None:
                value.grad = torch.zeros_like(value)
            if processes() > 1:
                dist.all_reduce(value.grad)
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        for group in optimizer.param_groups:
            group["lr"] = self._rate(stage)
        optimizer.step()

    def _rate(self, stage: int) -> float:
        plan = (self.config.stage1, self.config.stage2)[stage]
        step = self.step - stage * self.config.stage1.steps
        warm = max(plan.steps // 20, 1)
        progress = max(step - warm, 0) / max(plan.steps - warm, 1)
        return (
            plan.learning_rate
            * min((step + 1) / warm, 1.0)
            * (0.02 + 0.49 * (1 + math.cos(math.pi * progress)))
        )


def pretrain(
    sessions: Sequence[Tokens],
    config: PretrainConfig,
    seed: int = 0,
    report: Callable[[int, float], None] | None = None,
) -> TokenModel:
    """Both stages from fresh weights.

    Args:
        sessions: tokens of each session; no labels.
        config: how.
        seed: of everything random.
        report: told step and loss.

    Raises:
        UsageError: there are no tokens.
    """
    return Pretrainer(sessions, config, seed).run(report=report)
