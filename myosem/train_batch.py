"""What a step of the training sees: sessions with parts hidden and electrodes turned, and texts."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from myosem.corpus import Session
from myosem.encoder import turn
from myosem.train_config import TextBank, TrainConfig


@dataclass(frozen=True)
class Material:
    """Sessions of S data sets as tensors, their actions as positions among the A of a text bank.

    Attributes:
        known: of each session features ``(N, WIDTH)`` and action ``(N,)``, -1 for one that no text is of.
        real: which sessions are real.
        simulated: which are not.
        names: S names of the data sets.
        dataset: position of each session's data set among them.
        vocabulary: ``(S, A)`` the actions that each data set names.
    """

    known: list[tuple[Tensor, Tensor]]
    real: list[int]
    simulated: list[int]
    names: list[str]
    dataset: list[int]
    vocabulary: Tensor

    @classmethod
    def of(cls, sessions: Sequence[Session], actions: Sequence[str]) -> "Material":
        """From sessions and the A actions that there are texts of."""
        number = {action: position for position, action in enumerate(actions)}
        known = [
            (
                torch.from_numpy(session.features),
                torch.tensor([number.get(a or "", -1) for a in session.actions]),
            )
            for session in sessions
        ]
        names = sorted({session.dataset for session in sessions})
        dataset = [names.index(session.dataset) for session in sessions]
        vocabulary = torch.zeros(len(names), len(actions), dtype=torch.bool)
        for own, (_, done) in zip(dataset, known, strict=True):
            vocabulary[own, done[done >= 0]] = True
        real = [i for i, session in enumerate(sessions) if not session.simulated]
        simulated = [i for i, session in enumerate(sessions) if session.simulated]
        return cls(known, real, simulated, names, dataset, vocabulary)

    def classes(self) -> list[tuple[Tensor, Tensor]]:
        """Real sessions, or simulated ones where there are none, with a class for each action of each set."""
        classes = []
        for i in self.real or self.simulated:
            features, actions = self.known[i]
            offset = self.dataset[i] * self.vocabulary.shape[1]
            classes.append((features, torch.where(actions < 0, -1, actions + offset)))
        return classes


@dataclass(frozen=True)
class Batch:
    """B sessions of N segments.

    Features ``(B, N, WIDTH)``, mask ``(B, N)``, action ``(B, N)`` or -1, dataset ``(B,)``, scores
    ``(B, N, E)``.
    """

    features: Tensor
    mask: Tensor
    action: Tensor
    dataset: Tensor
    scores: Tensor

    def to(self, device: torch.device) -> "Batch":
        """The same on a device."""
        return Batch(*(getattr(self, name).to(device) for name in self.__dataclass_fields__))


class Sampler:
    """Draws what each step sees; every process with the same seed draws the same.

    Args:
        material: sessions.
        scores: of each session ``(N, E)``, what the discriminants of the data sets say.
        spread: ``(WIDTH,)`` of each feature; 0 for one that noise leaves alone.
        bank: texts.
        config: how much of what.
    """

    def __init__(
        self,
        material: Material,
        scores: Sequence[Tensor],
        spread: Tensor,
        bank: TextBank,
        config: TrainConfig,
    ) -> None:
        self.material, self.scores, self.spread = material, scores, spread
        self.bank, self.config = bank, config
        self.generator = np.random.default_rng(config.seed)
        datasets = [material.dataset[i] for i in material.real]
        self.weight = _weights(datasets, config.balance)

    def draw(self) -> Batch:
        """Some sessions, and some segments of each, as they were recorded."""
        chosen = self._sessions()
        picked = [self._subset(self.material.known[i][1].numpy()) for i in chosen]
        count, longest = len(chosen), max(len(rows) for rows in picked)
        features = torch.zeros(count, longest, self.material.known[0][0].shape[1])
        mask = torch.zeros(count, longest, dtype=torch.bool)
        action = torch.full((count, longest), -1)
        scores = torch.zeros(count, longest, self.scores[0].shape[1])
        for place, (number, rows) in enumerate(zip(chosen, picked, strict=True)):
            values, actions = self.material.known[number]
            features[place, : len(rows)] = values[rows]
            scores[place, : len(rows)] = self.scores[number][rows]
            mask[place, : len(rows)] = True
            action[place, : len(rows)] = actions[rows]
        dataset = torch.tensor([self.material.dataset[i] for i in chosen])
        return Batch(features, mask, action, dataset, scores)

    def vary(self, batch: Batch) -> Batch:
        """The batch with the electrodes turned, and with noise on the features."""
        count, _, width = batch.features.shape
        angle = torch.from_numpy(self.generator.normal(0, math.radians(self.config.turn_deg), count)).float()
        features = turn(batch.features, angle)
        features = features + torch.randn(features.shape) * self.spread * self.config.noise
        features = features + torch.randn(count, 1, width) * self.spread * self.config.gain
        return replace(batch, features=features)

    def texts(self) -> tuple[Tensor, Tensor]:
        """Some texts ``(n, tower_width)`` of any actions, with some noise, and the actions ``(n,)``."""
        rows = self.generator.choice(len(self.bank.owner), self.config.texts)
        vectors = torch.from_numpy(self.bank.vectors[rows])
        vectors = vectors + torch.randn(vectors.shape) * self.config.text_noise
        return vectors, torch.from_numpy(self.bank.owner[rows])

    def _sessions(self) -> list[int]:
        count, real, simulated = self.config.sessions, self.material.real, self.material.simulated
        if not real:
            return [int(i) for i in self.generator.choice(simulated, count)]
        unreal = round(count * self.config.simulated) if simulated else 0
        chosen = [int(i) for i in self.generator.choice(real, count - unreal, p=self.weight)]
        return chosen + ([int(i) for i in self.generator.choice(simulated, unreal)] if unreal else [])

    def _subset(self, actions: NDArray[np.int_]) -> NDArray[np.int_]:
        """Rows of a session to keep: some of its actions, some of their segments, in any order."""
        rng, config = self.generator, self.config
        present = np.unique(actions)
        kept = rng.permutation(present)[: math.ceil(len(present) * rng.uniform(config.keep, 1.3))]
        rows = rng.permutation(np.flatnonzero(np.isin(actions, kept)))
        rows = rows[: max(math.ceil(len(rows) * rng.uniform(config.keep, 1.0)), 1)]
        return rows[: config.segments]


def _weights(datasets: Sequence[int], balance: float) -> NDArray[np.float64]:
    """Probability of drawing each session, given the data set each belongs to."""
    size = Counter(datasets)
    weight = np.array([size[dataset] ** (balance - 1) for dataset in datasets])
    return np.asarray(weight / weight.sum())
