"""A text tower taught what hands do.

A public sentence encoder puts opposites side by side: "bend the wrist back" lies nearer to wrist flexion
than to anything else. Here its upper layers learn from the prompts which action a text means, which pose,
muscles and effort that is, and which texts mean no action at all. So texts of like poses come to lie
together, and antonyms apart.
"""

import copy
import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from myosem.compute import OwnRandom, autocast_cpu
from myosem.readings import NAMES, Readings
from myosem.text import SentenceTower
from myosem.text_material import TextMaterial

READ_OUT = 8.0
"""Unit vectors are lengthened by this before anything is read from them."""
ENCODE_TEXTS = 64

Array = NDArray[np.float32]


@dataclass(frozen=True)
class GroundConfig:
    """How to ground a tower.

    Attributes:
        steps: optimiser steps.
        texts: texts a step.
        frozen: lowest layers that stay as they are.
        learning_rate: of the layers, at its highest; warms up over a fifteenth of the steps, then falls as
            a cosine.
        readout_rate: of everything else.
        balance: an action of n texts is drawn in proportion to n to this power.
        unrelated: share of texts that mean no action.
        efforts: share of texts that say how hard.
        smoothing: share of each target spread over all actions.
        signature: weight of the loss on the signature.
        effort: weight of the loss on effort.
        chunks: a step's texts are computed in so many parts of like length.
        seed: of everything random.
    """

    steps: int = 2000
    texts: int = 128
    frozen: int = 2
    learning_rate: float = 2e-4
    readout_rate: float = 2e-3
    balance: float = 0.5
    unrelated: float = 0.15
    efforts: float = 0.12
    smoothing: float = 0.05
    signature: float = 0.3
    effort: float = 1.0
    chunks: int = 4
    seed: int = 0


class Readout(nn.Module):
    """What is read from a tower's unit vectors ``(n, width)``; only for A actions while it learns.

    Attributes:
        meant: scores of the actions, cosines times a learned scale.
        signature: ``(n, S)``.
        related: ``(n, 1)`` log odds that the text means an action.
        effort: ``(n, 2)``, see ``text_material.MEANT``.
    """

    def __init__(self, width: int, actions: int, numbers: int) -> None:
        super().__init__()
        self.meant = nn.Linear(width, actions, bias=False)
        self.signature = nn.Linear(width, numbers)
        self.related = nn.Linear(width, 1)
        self.effort = nn.Linear(width, 2)
        self.log_scale = nn.Parameter(torch.tensor(math.log(15.0)))

    def scores(self, vectors: Tensor) -> Tensor:
        """``(n, A)``."""
        scores: Tensor = vectors @ functional.normalize(self.meant.weight, dim=-1).T
        return scores * self.log_scale.exp().clamp(max=60)


@dataclass(frozen=True)
class GroundedTower:
    """A tower and what is read from its vectors.

    Attributes:
        name: what it is called.
        base: the public tower it was made of.
        bert: its layers, grounded, in evaluation mode.
        readout: of its vectors.
        mean: ``(S,)`` and
        spread: ``(S,)`` of the signatures; the readout gives them centred and scaled.
    """

    name: str
    base: SentenceTower
    bert: nn.Module
    readout: Readout
    mean: Array
    spread: Array

    @property
    def width(self) -> int:
        """Width of its vectors."""
        return self.base.width

    @property
    def folder(self) -> Path:
        """Where the tokenizer is."""
        return self.base.folder

    @property
    def max_tokens(self) -> int:
        """Tokens it reads of a text."""
        return self.base.max_tokens

    @property
    def weights_sha256(self) -> str:
        """SHA-256 over its weights."""
        digest = hashlib.sha256()
        for key, value in sorted(self.bert.state_dict().items()):
            digest.update(key.encode() + value.numpy().tobytes())
        return digest.hexdigest()

    def graph(self) -> nn.Module:
        """As ``SentenceTower.graph``."""
        return self.base.with_layers(self.bert).graph()

    def encode(self, texts: Sequence[str]) -> Array:
        """Unit vectors ``(n, width)`` of ``texts``."""
        return self.base.with_layers(self.bert).encode(texts)

    def readings(self) -> Readings:
        """The readouts that a search uses, of unit vectors."""
        layers = {name: getattr(self.readout, name) for name in NAMES}
        weights = {name: READ_OUT * layer.weight.detach().numpy().T for name, layer in layers.items()}
        biases = {name: layer.bias.detach().numpy() for name, layer in layers.items()}
        weights["signature"] = weights["signature"] * self.spread
        biases["signature"] = biases["signature"] * self.spread + self.mean
        return Readings(weights, biases)


@torch.no_grad()
def lower_states(bert: Any, ids: Sequence[Sequence[int]], layers: int) -> list[Tensor]:
    """What the lowest layers make of each text: ``(tokens, width)`` in half precision."""
    bert.eval()
    order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
    states: list[Tensor] = [torch.zeros(0)] * len(ids)
    for first in range(0, len(order), ENCODE_TEXTS):
        rows = order[first : first + ENCODE_TEXTS]
        tokens, mask = _padded([torch.tensor(ids[row])[:, None] for row in rows])
        hidden = bert.embeddings(input_ids=tokens[..., 0].long())
        for layer in bert.encoder.layer[:layers]:
            hidden = _through(layer, hidden, mask)
        for row, state in zip(rows, hidden, strict=True):
            states[row] = state[: len(ids[row])].half()
    return states


class _Upper(nn.Module):
    """Layers over states of texts: ``(n, T, width)``, mask ``(n, T)`` to unit vectors ``(n, width)``."""

    def __init__(self, layers: nn.ModuleList) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        for layer in self.layers:
            hidden = _through(layer, hidden, mask)
        keep = mask[:, :, None]
        mean = (hidden.float() * keep).sum(1) / keep.sum(1)
        return functional.normalize(mean, dim=-1)


class Grounder:
    """Teaches a copy of a tower, which itself stays as it is; everything random comes from the seed.

    Args:
        tower: the public tower.
        material: texts of A actions and of none.
        signatures: ``(A, S)`` of each action, see ``prompts.signature``.
        config: how.
    """

    def __init__(
        self, tower: SentenceTower, material: TextMaterial, signatures: Array, config: GroundConfig
    ) -> None:
        self.tower, self.material, self.config = tower, material, config
        self.step_number = 0
        self.bert = copy.deepcopy(tower.model[0].auto_model)
        self.random = OwnRandom(config.seed, torch.device("cpu"))
        self.generator = np.random.default_rng(config.seed)
        self.states = lower_states(self.bert, tower.token_ids(material.texts), config.frozen)
        self.mean, self.spread = signatures.mean(axis=0), signatures.std(axis=0).clip(0.05)
        self._signatures = torch.from_numpy((signatures - self.mean) / self.spread).float()
        self._owner, self._effort = torch.from_numpy(material.owner), torch.from_numpy(material.effort)
        self._share = _shares(material, config)
        with self.random():
            self.readout = Readout(tower.width, len(material.actions), signatures.shape[1])
        self.upper = _Upper(self.bert.encoder.layer[config.frozen :]).train()
        self.optimizer = torch.optim.AdamW(
            [
                {"params": self.upper.parameters(), "lr": config.learning_rate, "weight_decay": 0.01},
                {"params": self.readout.parameters(), "lr": config.readout_rate, "weight_decay": 0.0},
            ]
        )
        self._rates = [group["lr"] for group in self.optimizer.param_groups]

    def run(self, until: int | None = None, report: Callable[[int, float], None] | None = None) -> None:
        """Go on to step ``until``, to the end by default."""
        last = min(self.config.steps if until is None else until, self.config.steps)
        while self.step_number < last:
            loss = self.step()
            if report is not None:
                report(self.step_number, loss)

    def step(self) -> float:
        """One optimiser step; the loss."""
        rows = self.generator.choice(len(self._share), self.config.texts, p=self._share)
        with self.random():
            loss = self._loss(self._vectors(rows), torch.from_numpy(rows))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.upper.parameters(), 1.0)
        for group, rate in zip(self.optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * self._rate(self.step_number)
        self.optimizer.step()
        self.step_number += 1
        return float(loss.detach())

    def result(self) -> GroundedTower:
        """The tower as it is now."""
        bert, readout = copy.deepcopy(self.bert).eval(), copy.deepcopy(self.readout).eval()
        name = f"{self.tower.name}, grounded"
        return GroundedTower(name, self.tower, bert, readout, self.mean, self.spread)

    def _rate(self, step: int) -> float:
        warm = max(self.config.steps // 15, 1)
        fall = 0.02 + 0.98 * (1 + math.cos(math.pi * min(step / self.config.steps, 1))) / 2
        return min((step + 1) / warm, 1.0) * fall

    def _vectors(self, rows: NDArray[np.int64]) -> Tensor:
        """Unit vectors of some texts, those of like length together, so that little is padded."""
        order = np.argsort([len(self.states[row]) for row in rows], kind="stable")
        parts = [part for part in np.array_split(order, self.config.chunks) if len(part)]
        with autocast_cpu():
            vectors = [self.upper(*_padded([self.states[row] for row in rows[part]])) for part in parts]
        return torch.cat(vectors)[torch.from_numpy(np.argsort(order, kind="stable"))]

    def _loss(self, vectors: Tensor, rows: Tensor) -> Tensor:
        owner, config, readout = self._owner[rows], self.config, self.readout
        related = owner >= 0
        known, long = owner[related], READ_OUT * vectors
        loss = functional.binary_cross_entropy_with_logits(readout.related(long)[:, 0], related.float())
        if bool(related.any()):
            meant = readout.scores(vectors[related])
            loss = loss + functional.cross_entropy(meant, known, label_smoothing=config.smoothing)
            numbers = readout.signature(long[related])
            loss = loss + config.signature * functional.smooth_l1_loss(numbers, self._signatures[known])
        said = readout.effort(long)
        return loss + config.effort * functional.smooth_l1_loss(said, self._effort[rows])


def _through(layer: Any, hidden: Tensor, mask: Tensor) -> Tensor:
    out = layer(hidden, ((1 - mask) * -1e4)[:, None, None, :])  # NT -> N11T, added to the attention scores
    states: Tensor = out[0] if isinstance(out, tuple) else out
    return states


def _padded(states: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """``(n, T, ...)`` with zeros behind the shorter ones, and ``(n, T)`` ones where there is any."""
    values = nn.utils.rnn.pad_sequence([state.float() for state in states], batch_first=True)
    lengths = torch.tensor([len(state) for state in states])
    return values, (torch.arange(values.shape[1]) < lengths[:, None]).float()


def _shares(material: TextMaterial, config: GroundConfig) -> NDArray[np.float64]:
    """How probably each text is drawn: alike within an action, within those of none, within efforts."""
    none, effort = material.owner < 0, material.effort.any(axis=1)
    plain = ~none & ~effort
    counts = np.bincount(material.owner[plain], minlength=len(material.actions)).clip(1)
    by_action = counts[np.maximum(material.owner, 0)] ** (config.balance - 1.0)
    share = np.where(plain, by_action, 0.0) / by_action[plain].sum()
    for own, part in ((none, config.unrelated), (effort & ~none, config.efforts)):
        if own.any():
            share = (1 - part) * share + part * own / own.sum()
    return np.asarray(share / share.sum())
