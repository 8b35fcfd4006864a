"""Training: sessions of EMG against the words for what was done.

Each step takes some sessions, hides part of each (segments, whole actions) so that the encoder never
relies on a complete or balanced session, turns the electrodes by a random angle, and pulls each
segment towards the words of its action (the mean text over all views) and away from those of the
other actions of its data set. At the same time each single text is pulled towards the words of its
action, so that one phrase is enough to find them.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from myosem import features
from myosem.adaptation import Statistics
from myosem.checkpoint import save_run
from myosem.corpus import Session, read_training
from myosem.discriminants import Example, fit_discriminants, fit_gate
from myosem.encoder import EncoderConfig, SessionEncoder, TextHead, turn
from myosem.errors import LibraryError
from myosem.features import READ
from myosem.library import Library
from myosem.losses import MultiPositiveClipLoss
from myosem.model import OnnxTextTower
from myosem.practice import practice_sessions
from myosem.prompts import load_actions, texts_of
from myosem.session_adapter import SessionAdapter


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
        balance: a data set of n sessions is drawn in proportion to n to this power.
        simulated: share of simulated sessions in a step, where there are any.
        texts: texts a step.
        text_noise: standard deviation of the noise on text vectors, in units of their length.
        seed: of everything random.
    """

    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    steps: int = 1000
    sessions: int = 12
    segments: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    keep: float = 0.4
    noise: float = 0.03
    gain: float = 0.1
    turn_deg: float = 10.0
    balance: float = 0.6
    simulated: float = 0.2
    texts: int = 256
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


def prompt_texts() -> dict[str, list[str]]:
    """All texts of all actions: names and views."""
    return {action: [text for _, text in texts_of(entry)] for action, entry in load_actions().items()}


@dataclass(frozen=True)
class Batch:
    """B sessions of N segments.

    Features ``(B, N, READ)``, mask ``(B, N)``, action ``(B, N)`` or -1, dataset ``(B,)``, scores
    ``(B, N, E)``.
    """

    features: Tensor
    mask: Tensor
    action: Tensor
    dataset: Tensor
    scores: Tensor


class Trainer:
    """One model and its training; everything random comes from the configuration's seed."""

    def __init__(self, sessions: Sequence[Session], bank: TextBank, config: TrainConfig) -> None:
        torch.manual_seed(config.seed)
        self.config, self.bank, self.sessions = config, bank, list(sessions)
        self.generator = np.random.default_rng(config.seed)
        number = {action: position for position, action in enumerate(bank.actions)}
        self.known = [
            (
                torch.from_numpy(session.features[:, :READ]),
                torch.tensor([number.get(a or "", -1) for a in session.actions]),
            )
            for session in sessions
        ]
        self.real = [i for i, session in enumerate(sessions) if not session.simulated]
        self.simulated = [i for i, session in enumerate(sessions) if session.simulated]
        self.names = sorted({session.dataset for session in sessions})
        self.dataset = [self.names.index(session.dataset) for session in sessions]
        self.vocabulary = torch.zeros(len(self.names), len(bank.actions), dtype=torch.bool)
        for dataset, (_, actions) in zip(self.dataset, self.known, strict=True):
            self.vocabulary[dataset, actions[actions >= 0]] = True
        self.encoder, self.scores = self._encoder([session.person for session in sessions])
        self.weight = _weights([sessions[i].dataset for i in self.real], config.balance)
        self.head = TextHead(bank.vectors.shape[1], config.encoder.dimension, len(bank.actions))
        self.log_scale = torch.nn.Parameter(torch.tensor(math.log(15.0)))
        means = [bank.vectors[bank.owner == action].mean(axis=0) for action in range(len(bank.actions))]
        self.anchors = functional.normalize(torch.from_numpy(np.stack(means)), dim=-1)
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

    def _encoder(self, people: Sequence[str]) -> tuple[SessionEncoder, list[Tensor]]:
        """An encoder that knows scale and discriminants, and their scores of each training session."""
        scale = SessionEncoder(self.config.encoder)
        scale.fit_scale(self._classes())
        examples = []
        for dataset, person, (values, actions) in zip(self.dataset, people, self.known, strict=True):
            fixed, own = (view.numpy() for view in scale.alone(values))
            examples.append(Example(dataset, person, fixed, own, actions.numpy()))
        discriminants, scores = fit_discriminants(examples)
        encoder = SessionEncoder(replace(self.config.encoder, scores=len(discriminants.bias)))
        for name in ("center", "scale", "whiten"):
            getattr(encoder, name).copy_(getattr(scale, name))
        spread = torch.from_numpy(np.concatenate(scores).std(axis=0)).clamp(min=1e-3)
        encoder.fit_scores(discriminants, spread)
        return encoder, [torch.from_numpy(score) for score in scores]

    def _adapter(self, anchors: NDArray[np.float32]) -> SessionAdapter:
        """What the training people of each data set say, and where the words for it lie ``(A, D)``."""
        number = {action: position for position, action in enumerate(self.bank.actions)}
        names = [name for name, known in zip(self.names, self.vocabulary, strict=True) if known.sum() > 1]
        statistics = tuple(self._statistics(name) for name in names)
        members = [session for session in self.sessions if session.dataset in names]
        gate = fit_gate(
            [session.features for session in members],
            [names.index(session.dataset) for session in members],
            self.encoder.center.numpy(),
            self.encoder.scale.numpy(),
            self.config.seed,
        )
        rows = [[number[action] for action in one.actions] for one in statistics]
        return SessionAdapter(gate, statistics, tuple(anchors[own].astype(np.float64) for own in rows))

    def _statistics(self, dataset: str) -> Statistics:
        own = [one for one in self.sessions if one.dataset == dataset and not one.slower]
        [(angles, _)] = Counter(tuple(session.channels.angles.tolist()) for session in own).most_common(1)
        labelled = [
            (session.features, [a if a in self.bank.actions else None for a in session.actions])
            for session in own
        ]
        people = len({session.person for session in own})
        return Statistics.of(dataset, np.array(angles), labelled, people, self.config.encoder.context)

    def _classes(self) -> list[tuple[Tensor, Tensor]]:
        """Real sessions, or simulated ones where there are none, with a class for each action of each set."""
        classes = []
        for i in self.real or self.simulated:
            features, actions = self.known[i]
            offset = self.dataset[i] * len(self.bank.actions)
            classes.append((features, torch.where(actions < 0, -1, actions + offset)))
        return classes

    def _rate(self, step: int) -> float:
        warm = max(self.config.steps // 20, 1)
        progress = min(max(step - warm, 0) / max(self.config.steps - warm, 1), 1)
        return min((step + 1) / warm, 1.0) * (0.02 + 0.98 * (1 + math.cos(math.pi * progress)) / 2)

    def step(self) -> float:
        """One optimiser step; the loss."""
        batch = self._augment(self._draw())
        emg = self.encoder(batch.features, batch.mask, batch.scores)
        labelled = batch.action >= 0
        dataset = batch.dataset[:, None].expand_as(labelled)[labelled]
        anchors, owner = self.head(self.anchors), torch.arange(len(self.bank.actions))
        text, text_action = self._texts()
        scale = self.log_scale.exp().clamp(max=100)
        loss: Tensor = self.loss(
            emg[labelled], anchors, batch.action[labelled], owner, scale, self.vocabulary[dataset]
        )
        everything = torch.ones(len(text), len(anchors), dtype=torch.bool)
        loss = loss + self.loss(self.head(text), anchors, text_action, owner, scale, everything)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
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
        with torch.no_grad():
            anchors = self.head(self.anchors)
            self.head.remember(anchors)
        self.adapter = self._adapter(anchors.numpy())

    def _draw(self) -> Batch:
        count = self.config.sessions
        unreal = (
            round(count * self.config.simulated)
            if self.real and self.simulated
            else (0 if self.real else count)
        )
        chosen = (
            [int(i) for i in self.generator.choice(self.real, count - unreal, p=self.weight)]
            if self.real
            else []
        )
        chosen += [int(i) for i in self.generator.choice(self.simulated, unreal)] if unreal else []
        picked = [self._subset(self.known[i][1].numpy()) for i in chosen]
        longest = max(len(rows) for rows in picked)
        width = self.known[0][0].shape[1]
        features = torch.zeros(count, longest, width)
        mask = torch.zeros(count, longest, dtype=torch.bool)
        action = torch.full((count, longest), -1)
        scores = torch.zeros(count, longest, self.scores[0].shape[1])
        for place, (number, rows) in enumerate(zip(chosen, picked, strict=True)):
            values, actions = self.known[number]
            features[place, : len(rows)] = values[rows]
            scores[place, : len(rows)] = self.scores[number][rows]
            mask[place, : len(rows)] = True
            action[place, : len(rows)] = actions[rows]
        return Batch(features, mask, action, torch.tensor([self.dataset[i] for i in chosen]), scores)

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
        return replace(batch, features=features)

    def _texts(self) -> tuple[Tensor, Tensor]:
        """Some texts of any actions, with some noise, and the actions."""
        rows = self.generator.choice(len(self.bank.owner), self.config.texts)
        vectors = torch.from_numpy(self.bank.vectors[rows])
        vectors = vectors + torch.randn(vectors.shape) * self.config.text_noise
        return vectors, torch.from_numpy(self.bank.owner[rows])


@torch.no_grad()
def embed(encoder: SessionEncoder, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Unit vectors ``(N, D)`` of one session's ``(N, WIDTH)`` features."""
    values = torch.from_numpy(features[:, :READ])[None]
    vectors: NDArray[np.float32] = encoder(values, torch.ones(values.shape[:2], dtype=torch.bool))[0].numpy()
    return vectors


def _weights(datasets: Sequence[str], balance: float) -> NDArray[np.float64]:
    """Probability of drawing each session, given the data set each belongs to."""
    sizes = {dataset: datasets.count(dataset) for dataset in datasets}
    weight = np.array([sizes[dataset] ** (balance - 1) for dataset in datasets])
    return np.asarray(weight / weight.sum())


def train_library(
    library: Library,
    out: Path,
    config: TrainConfig,
    *,
    simulated: int = 0,
    progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, Any]:
    """Train on all labelled sessions of a library and write the run to a folder.

    Args:
        library: where the sessions are.
        out: folder for weights and ``run.json``.
        config: how to train.
        simulated: simulated sessions to train on as well.
        progress: told how many steps are done.

    Returns:
        What ``run.json`` says.

    Raises:
        LibraryError: nothing in the library is labelled with an action that ``prompts`` knows.
    """
    begun = time.monotonic()
    sessions = read_training(library)
    if load_actions().keys().isdisjoint(action for session in sessions for action in session.actions):
        raise LibraryError(
            f"{library.path} has no labelled segments to learn from",
            expected="recordings whose labels have an action",
            hint="myosem info --library " + str(library.path),
        )
    sessions += practice_sessions(simulated)
    tower = OnnxTextTower()
    trainer = Trainer(sessions, TextBank.of(prompt_texts(), tower.encode), config)
    trainer.run(lambda step, loss: progress("training", step, config.steps) if progress else None)
    about = {
        "config": asdict(config),
        "steps": config.steps,
        "seed": config.seed,
        "sessions": sum(not session.slower for session in sessions),
        "simulated": simulated,
        "people": len({session.person for session in sessions if not session.simulated}),
        "datasets": sorted({session.dataset for session in sessions}),
        "features": features.VERSION,
        "temperature": float(1 / trainer.log_scale.detach().exp()),
        "minutes": round((time.monotonic() - begun) / 60, 1),
    }
    save_run(out, trainer.encoder, trainer.head, trainer.adapter, about)
    return about
