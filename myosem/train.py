"""Training: sessions of EMG against the words for what was done.

Each step takes some sessions, hides part of each (segments, whole actions) so that the encoder never
relies on a complete or balanced session, turns the electrodes by a random angle, and pulls each
segment towards one text of its action, drawn from all views, and away from the texts of all others.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from myosem.corpus import Session
from myosem.encoder import EncoderConfig, SessionEncoder, TextHead, turn
from myosem.losses import MultiPositiveClipLoss

REST = "rest"


@dataclass(frozen=True)
class TrainConfig:
    """How to train.

    Attributes:
        encoder: size of the session encoder.
        steps: optimiser steps.
        sessions: sessions a step.
        segments: at most so many segments of a session a step.
        learning_rate: at its highest; warms up over a twentieth of the steps, then falls as a cosine.
        weight_decay: of AdamW.
        keep: least share of a session's segments, and of its actions, that a step keeps.
        noise: standard deviation of the noise on features, in units of their spread.
        gain: standard deviation of the session-wide change of each feature, likewise.
        turn_deg: standard deviation of the angle by which the electrodes are turned.
        simulated: share of simulated sessions in a step, where there are any.
        text_noise: standard deviation of the noise on text vectors, in units of their length.
        seed: of everything random.
    """

    encoder: EncoderConfig = EncoderConfig()
    steps: int = 1500
    sessions: int = 12
    segments: int = 96
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    keep: float = 0.4
    noise: float = 0.2
    gain: float = 0.2
    turn_deg: float = 25.0
    simulated: float = 0.2
    text_noise: float = 0.02
    seed: int = 0


@dataclass(frozen=True)
class TextBank:
    """Texts of all actions as vectors of a frozen tower.

    Attributes:
        actions: A ids.
        vectors: ``(n, tower_width)`` one a text.
        owner: ``(n,)`` position of each text's action in ``actions``.
    """

    actions: tuple[str, ...]
    vectors: NDArray[np.float32]
    owner: NDArray[np.int64]

    @classmethod
    def of(
        cls, texts: Mapping[str, Sequence[str]], encode: Callable[[list[str]], NDArray[np.float32]]
    ) -> "TextBank":
        """Encode the texts of each action."""
        flat = [text for group in texts.values() for text in group]
        owner = np.repeat(np.arange(len(texts)), [len(group) for group in texts.values()])
        return cls(tuple(texts), encode(flat), owner.astype(np.int64))


@dataclass(frozen=True)
class Batch:
    """B sessions of N segments: features ``(B, N, WIDTH)``, mask ``(B, N)``, action ``(B, N)`` or -1."""

    features: Tensor
    mask: Tensor
    action: Tensor


class Trainer:
    """One model and its training; everything random comes from the configuration's seed."""

    def __init__(self, sessions: Sequence[Session], bank: TextBank, config: TrainConfig) -> None:
        torch.manual_seed(config.seed)
        self.config, self.bank = config, bank
        self.generator = np.random.default_rng(config.seed)
        number = {action: position for position, action in enumerate(bank.actions)}
        self.known = [
            (torch.from_numpy(session.features), np.array([number.get(a or "", -1) for a in session.actions]))
            for session in sessions
        ]
        self.real = [i for i, session in enumerate(sessions) if not session.simulated]
        self.simulated = [i for i, session in enumerate(sessions) if session.simulated]
        self.encoder = SessionEncoder(config.encoder)
        self.encoder.set_scale(torch.cat([self.known[i][0] for i in self.real or self.simulated]))
        self.head = TextHead(bank.vectors.shape[1], config.encoder.dimension)
        self.log_scale = torch.nn.Parameter(torch.tensor(math.log(10.0)))
        self.loss = MultiPositiveClipLoss()
        parameters = [*self.encoder.parameters(), *self.head.parameters()]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": parameters, "weight_decay": config.weight_decay},
                {"params": [self.log_scale], "weight_decay": 0.0},
            ],
            lr=config.learning_rate,
        )
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, self._rate)

    def _rate(self, step: int) -> float:
        warm = max(self.config.steps // 20, 1)
        progress = min(max(step - warm, 0) / max(self.config.steps - warm, 1), 1)
        return min((step + 1) / warm, 1.0) * (0.02 + 0.98 * (1 + math.cos(math.pi * progress)) / 2)

    def step(self) -> float:
        """One optimiser step; the loss."""
        batch = self._augment(self._draw())
        emg = self.encoder(batch.features, batch.mask)
        labelled = batch.action >= 0
        text, owner = self._texts()
        scale = self.log_scale.exp().clamp(max=100)
        loss: Tensor = self.loss(emg[labelled], self.head(text), batch.action[labelled], owner, scale)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.encoder.parameters(), 1.0)
        self.optimizer.step()
        self.schedule.step()
        return float(loss.detach())

    def run(self, report: Callable[[int, float], None] | None = None) -> None:
        """All steps, then evaluation mode."""
        self.encoder.train()
        self.head.train()
        for step in range(self.config.steps):
            loss = self.step()
            if report is not None:
                report(step + 1, loss)
        self.encoder.eval()
        self.head.eval()

    def _draw(self) -> Batch:
        count = self.config.sessions
        unreal = (
            round(count * self.config.simulated)
            if self.real and self.simulated
            else (0 if self.real else count)
        )
        chosen = [int(i) for i in self.generator.choice(self.real, count - unreal)] if self.real else []
        chosen += [int(i) for i in self.generator.choice(self.simulated, unreal)] if unreal else []
        picked = [(self.known[i], self._subset(self.known[i][1])) for i in chosen]
        longest = max(len(rows) for _, rows in picked)
        width = self.known[0][0].shape[1]
        features = torch.zeros(count, longest, width)
        mask = torch.zeros(count, longest, dtype=torch.bool)
        action = torch.full((count, longest), -1)
        for place, ((values, actions), rows) in enumerate(picked):
            features[place, : len(rows)] = values[rows]
            mask[place, : len(rows)] = True
            action[place, : len(rows)] = torch.from_numpy(actions[rows])
        return Batch(features, mask, action)

    def _subset(self, actions: NDArray[np.int_]) -> NDArray[np.int_]:
        """Rows of a session to keep: some of its actions, some of their segments, in any order."""
        rng, config = self.generator, self.config
        present = np.unique(actions)
        kept = rng.permutation(present)[: math.ceil(len(present) * rng.uniform(config.keep, 1.3))]
        rows = rng.permutation(np.flatnonzero(np.isin(actions, kept)))
        rows = rows[: max(math.ceil(len(rows) * rng.uniform(config.keep, 1.0)), 1)]
        return rows[: config.segments]

    def _augment(self, batch: Batch) -> Batch:
        count, _, width = batch.features.shape
        angle = torch.from_numpy(self.generator.normal(0, math.radians(self.config.turn_deg), count)).float()
        features = turn(batch.features, angle)
        spread = self.encoder.scale
        features = features + torch.randn(features.shape) * spread * self.config.noise
        features = features + torch.randn(count, 1, width) * spread * self.config.gain
        return Batch(features, batch.mask, batch.action)

    def _texts(self) -> tuple[Tensor, Tensor]:
        """One text of every action, with some noise."""
        owner = self.bank.owner
        order = self.generator.permutation(len(owner))
        _, first = np.unique(owner[order], return_index=True)
        vectors = torch.from_numpy(self.bank.vectors[order[first]])
        vectors = vectors + torch.randn(vectors.shape) * self.config.text_noise
        return vectors, torch.arange(len(self.bank.actions))


@torch.no_grad()
def embed(encoder: SessionEncoder, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Unit vectors ``(N, D)`` of one session's ``(N, WIDTH)`` features."""
    values = torch.from_numpy(features)[None]
    vectors: NDArray[np.float32] = encoder(values, torch.ones(values.shape[:2], dtype=torch.bool))[0].numpy()
    return vectors
