"""A temporal convolutional network on the samples: dilated convolutions with residuals (Bai 2018).

Trained from random weights on windows of 1.5 s at 200 Hz, cut at random places of the segments.
Every fifth person of the training people is kept out of the training to choose the step to stop at.
With context the channels are scaled by the session, otherwise by all training sessions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from myosem.baselines.windows import LENGTH, session_spread, windows
from myosem.systems import PerDataset, labelled_rows
from myosem.trials import LogPosterior, TrialSession, people_of

Array = NDArray[np.float32]


@dataclass(frozen=True)
class TcnConfig:
    """Chosen on fold 0.

    Attributes:
        width: channels of the convolutions.
        dilations: one block each.
        dropout: share of values dropped in each block.
        steps: of training at most.
        batch: windows a step.
        rate: highest learning rate.
        decay: of the weights.
        check: steps between two looks at the people kept out.
    """

    width: int = 32
    dilations: tuple[int, ...] = (1, 2, 4, 8)
    dropout: float = 0.2
    steps: int = 300
    batch: int = 64
    rate: float = 3e-3
    decay: float = 1e-2
    check: int = 50


class Block(nn.Module):
    """Two dilated convolutions beside a residual connection, ``(B, W, T)`` to the same."""

    def __init__(self, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(2):
            layers += [
                nn.Conv1d(width, width, 5, padding=2 * dilation, dilation=dilation, bias=False),
                nn.BatchNorm1d(width),
                nn.ReLU(),
                nn.Dropout(dropout),
            ]
        self.layers = nn.Sequential(*layers)

    def forward(self, values: Tensor) -> Tensor:
        """See the class."""
        mixed: Tensor = values + self.layers(values)
        return mixed


class Tcn(nn.Module):
    """Logits ``(B, A)`` of windows ``(B, C, T)``."""

    def __init__(self, channels: int, actions: int, config: TcnConfig) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv1d(channels, config.width, 16, stride=4, padding=6, bias=False),
            nn.BatchNorm1d(config.width),
            nn.ReLU(),
        )
        self.blocks = nn.Sequential(
            *(Block(config.width, dilation, config.dropout) for dilation in config.dilations)
        )
        self.head = nn.Sequential(nn.Dropout(config.dropout), nn.Linear(config.width, actions))

    def forward(self, samples: Tensor) -> Tensor:
        """See the class."""
        logits: Tensor = self.head(self.blocks(self.stem(samples)).mean(dim=2))
        return logits


class TcnClassifier:
    """The network over the actions of one data set.

    Args:
        context: whether channels are scaled by the session.
        seed: of weights, windows and dropout.
        config: sizes and training.
    """

    actions: tuple[str, ...]

    def __init__(self, context: bool, seed: int, config: TcnConfig | None = None) -> None:
        self._context, self._seed, self._config = context, seed, config or TcnConfig()

    def fit(self, training: Sequence[TrialSession], own: Sequence[TrialSession] = ()) -> None:
        """Learn from sessions of one data set, and of one person's own (few-shot), if there are any."""
        sessions = [*training, *own]
        self._spread = np.mean([session_spread(session) for session in sessions], axis=0)
        self.actions = tuple(sorted({action for session in sessions for action in session.trials}))
        learned, kept = split_people(sessions)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._seed)
            self._network = self._train(learned, kept)

    @torch.no_grad()
    def log_posterior(self, session: TrialSession) -> LogPosterior:
        """``(N, A)`` for the N segments of a session."""
        return self._answer(self._network, self._windows(session))

    def _answer(self, network: Tcn, samples: Array) -> LogPosterior:
        network.eval()
        parts = [torch.from_numpy(part) for part in np.array_split(samples, len(samples) // 256 + 1)]
        return np.concatenate([functional.log_softmax(network(part), dim=1).numpy() for part in parts])

    def _windows(self, session: TrialSession) -> Array:
        return compressed(windows(session), self._spread_of(session))

    def _spread_of(self, session: TrialSession) -> Array:
        return session_spread(session) if self._context else self._spread

    def _examples(self, sessions: Sequence[TrialSession]) -> tuple[list[Array], Tensor]:
        """Samples ``(C, T)`` of each labelled segment, and the numbers of their actions."""
        samples: list[Array] = []
        for session in sessions:
            spread = self._spread_of(session)
            rows = np.flatnonzero(session.trial_of >= 0)
            samples += [compressed(session.samples[row].T, spread) for row in rows]
        labels = np.concatenate([session.labels[session.trial_of >= 0] for session in sessions])
        return samples, torch.from_numpy(np.searchsorted(self.actions, labels))

    def _train(self, learned: Sequence[TrialSession], kept: Sequence[TrialSession]) -> Tcn:
        """The network at the step that did best on the people kept out, else at the last."""
        config = self._config
        samples, labels = self._examples(learned)
        network = Tcn(samples[0].shape[0], len(self.actions), config)
        optimiser = torch.optim.AdamW(network.parameters(), config.rate, weight_decay=config.decay)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.rate, total_steps=config.steps)
        share = 1 / torch.bincount(labels, minlength=len(self.actions)).clamp(min=1)[labels]
        generator = np.random.default_rng(self._seed)
        looked_at = labelled_rows(kept, self._windows) if kept else None
        best, state = -1.0, network.state_dict()
        for step in range(1, config.steps + 1):
            network.train()
            rows = torch.multinomial(share, config.batch, replacement=True)
            batch = torch.from_numpy(np.stack([random_window(samples[row], generator) for row in rows]))
            loss = functional.cross_entropy(network(batch), labels[rows])
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            schedule.step()
            if looked_at and step % config.check == 0 and (score := self._score(network, *looked_at)) > best:
                best, state = score, {name: value.clone() for name, value in network.state_dict().items()}
        if looked_at:
            network.load_state_dict(state)
        return network

    @torch.no_grad()
    def _score(self, network: Tcn, samples: Array, labels: NDArray[np.str_]) -> float:
        """Share of windows named right, mean over actions."""
        right = np.array(self.actions)[self._answer(network, samples).argmax(axis=1)] == labels
        return float(np.mean([right[labels == action].mean() for action in np.unique(labels)]))


def compressed(samples: Array, spread: Array) -> Array:
    """Samples ``(..., C, T)`` in units of the spread ``(C,)``, the large ones drawn in."""
    return np.asarray(np.arcsinh(samples / spread[:, None]), dtype=np.float32)


def split_people(sessions: Sequence[TrialSession]) -> tuple[list[TrialSession], list[TrialSession]]:
    """Sessions to learn from, and those of every fifth person, none of fewer than four people."""
    people = list(people_of(sessions).values())
    kept = people[::5] if len(people) >= 4 else []
    learned = [own for own in people if own not in kept]
    return [one for own in learned for one in own], [one for own in kept for one in own]


def random_window(samples: Array, generator: np.random.Generator, length: int = LENGTH) -> Array:
    """``(C, length)`` from a random place of ``(C, T)``; a short one is repeated."""
    count = samples.shape[1]
    start = int(generator.integers(max(count - length, 0) + 1))
    return np.asarray(samples[:, np.arange(start, start + length) % count])


SYSTEMS = {
    "tcn": PerDataset("TCN", "none", lambda seed: TcnClassifier(False, seed), seeded=True),
    "tcn-session": PerDataset(
        "TCN, scaled per session", "session", lambda seed: TcnClassifier(True, seed), seeded=True
    ),
}
