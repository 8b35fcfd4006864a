"""What was done in an unlabelled session: discriminants of known people that learn from the session itself.

Each data set has a linear discriminant over its own actions. In a new session expectation and
maximisation take turns: what each segment probably was; then means and covariance anew, from the
training people and, at half their weight, from the session, in which every action counts alike. Two
views must agree on the first: every number on its own scale, and each kind of number on one scale
for all electrodes. The learned encoder is a third view, and counts for more the more people of the
data set it was trained on. A gate guesses from the session which data sets it resembles. What was
probably done then moves each vector towards the words for it. Nothing here reads a label of the
session, and the order of its segments does not matter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myosem.errors import ModelError
from myosem.features import GROUPS, WIDTH
from myosem.ring import HARMONICS, known_harmonics, ring_waves

VIEWS = 2
TIME_DOMAIN = 8
"""Groups of the features that are used: level, mobility and crossings, not the course in fifths."""

ROUNDS = 15
SHRINKAGE = 0.4
SOFTNESS = 2.0
SESSION_WEIGHT = 0.5
SCARCE = 1e-3
ENCODER_SHARPNESS = 20.0
ENOUGH_PEOPLE = 15

GATE_SOFTNESS = 5.0
NEGLIGIBLE = 0.02
RECALL = 0.5

Wide = NDArray[np.float64]


@dataclass(frozen=True)
class Statistics:
    """What is kept of the training people of one data set; K actions, C electrodes, W numbers a view.

    Attributes:
        dataset: its name.
        angles: ``(C,)`` radians; where the discriminant wants its electrodes.
        actions: K ids.
        people: how many there were.
        mean: ``(VIEWS, K, W)`` of each action.
        covariance: ``(VIEWS, W, W)`` within actions, each of which counts alike.
    """

    dataset: str
    angles: Wide
    actions: tuple[str, ...]
    people: int
    mean: Wide
    covariance: Wide

    @classmethod
    def of(
        cls,
        dataset: str,
        angles: Wide,
        sessions: Sequence[tuple[NDArray[np.float32], Sequence[str | None]]],
        people: int,
    ) -> "Statistics":
        """From features ``(N, WIDTH)`` and actions of sessions of one data set."""
        views = np.concatenate([session_views(features, angles) for features, _ in sessions], axis=1)
        labels = np.array([action or "" for _, actions in sessions for action in actions])
        actions = np.unique(labels[labels != ""])
        member = (labels[:, None] == actions).astype(np.float64)
        member /= member.sum(axis=0)
        mean = np.stack([member.T @ view for view in views])
        covariance = np.stack(
            [_within(view, member / len(actions), own) for view, own in zip(views, mean, strict=True)]
        )
        return cls(dataset, angles, tuple(actions.tolist()), people, mean, covariance)

    @property
    def trust(self) -> float:
        """How much the encoder counts beside the discriminants, from 0 to 1."""
        return self.people**2 / (self.people**2 + ENOUGH_PEOPLE**2)

    def log_posterior(
        self, features: NDArray[np.float32], vectors: Wide | None = None, anchors: Wide | None = None
    ) -> Wide:
        """What each of the N segments of a session probably is: ``(N, K)``, natural logarithms.

        Args:
            features: ``(N, WIDTH)``.
            vectors: ``(N, D)`` of the encoder, unit length.
            anchors: ``(K, D)`` where the words of the actions lie, unit length.
        """
        views = session_views(features, self.angles)
        scores = [_discriminant(*known) for known in zip(self.mean, self.covariance, strict=True)]
        encoder = (
            _Encoder(vectors, anchors, self.trust) if vectors is not None and anchors is not None else None
        )
        known = 1 / len(self.actions)
        for _ in range(ROUNDS):
            likely = np.exp(self._agree(views, scores, encoder))
            likely /= likely.sum(axis=0) + SCARCE
            weight = SESSION_WEIGHT * likely / likely.sum()
            scores = [
                _updated(view, weight, mean, covariance, known)
                for view, mean, covariance in zip(views, self.mean, self.covariance, strict=True)
            ]
            if encoder is not None:
                encoder.update(likely)
        return self._agree(views, scores, encoder)

    def _agree(self, views: Wide, scores: Sequence[tuple[Wide, Wide]], encoder: "_Encoder | None") -> Wide:
        each = [view @ weight + bias for view, (weight, bias) in zip(views, scores, strict=True)]
        total = np.mean(each, axis=0) / SOFTNESS
        if encoder is not None:
            total = total + encoder.scores()
        total -= total.max(axis=1, keepdims=True)
        return np.asarray(total - np.log(np.exp(total).sum(axis=1, keepdims=True)))


@dataclass(frozen=True)
class Gate:
    """Which of S data sets a session resembles, from mean and spread of its features.

    Attributes:
        center: ``(WIDTH,)`` of all training segments.
        scale: ``(WIDTH,)`` of all training segments.
        weight: ``(2 * WIDTH, S)``.
        bias: ``(S,)``.
    """

    center: Wide
    scale: Wide
    weight: Wide
    bias: Wide

    def __call__(self, features: NDArray[np.float32]) -> Wide:
        """Shares of the data sets ``(S,)``, in all 1, for the ``(N, WIDTH)`` of a session."""
        logits = (self.statistics(features) @ self.weight + self.bias) / GATE_SOFTNESS
        shares = np.exp(logits - logits.max())
        return np.asarray(shares / shares.sum())

    def statistics(self, features: NDArray[np.float32]) -> Wide:
        """Mean and spread of each number on the scale of all people: ``(2 * WIDTH,)``."""
        fixed = ((features - self.center) / self.scale).clip(-8, 8)
        return np.concatenate([fixed.mean(axis=0), fixed.std(axis=0)])


@dataclass(frozen=True)
class SessionAdapter:
    """Moves the vectors of a session towards the words for what was probably done in it.

    Attributes:
        gate: shares of the S data sets.
        statistics: of the training people of each.
        anchors: for each data set ``(K, D)``, where the words of its actions lie.
    """

    gate: Gate
    statistics: tuple[Statistics, ...]
    anchors: tuple[Wide, ...]

    def move(self, features: NDArray[np.float32], vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Unit vectors ``(N, D)`` of a session's segments from those of the encoder.

        Args:
            features: ``(N, WIDTH)``.
            vectors: ``(N, D)`` of unit length.
        """
        if not len(features):
            return vectors
        shares = self.gate(features)
        shares = np.where(shares < NEGLIGIBLE, 0, shares)
        moved = vectors.astype(np.float64)
        for share, known, anchors in zip(shares / shares.sum(), self.statistics, self.anchors, strict=True):
            if share > 0:
                likely = np.exp(known.log_posterior(features, vectors, anchors))
                moved += RECALL * share * likely @ anchors
        return _unit(moved).astype(np.float32)

    def save(self, file: Path) -> None:
        """Write all numbers to an .npz file."""
        arrays: dict[str, NDArray[np.generic]] = {
            f"gate.{name}": getattr(self.gate, name).astype(np.float32) for name in _GATE
        }
        for number, (known, anchors) in enumerate(zip(self.statistics, self.anchors, strict=True)):
            arrays |= {
                f"{number}.dataset": np.array(known.dataset),
                f"{number}.actions": np.array(known.actions),
                f"{number}.people": np.array(known.people),
                f"{number}.angles": known.angles,
                f"{number}.mean": known.mean.astype(np.float32),
                f"{number}.covariance": known.covariance.astype(np.float32),
                f"{number}.anchors": anchors.astype(np.float32),
            }
        with file.open("wb") as stream:
            np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]

    @classmethod
    def load(cls, file: Path) -> "SessionAdapter":
        """Read what ``save`` wrote.

        Raises:
            ModelError: the file is missing, damaged or something else.
        """
        try:
            with np.load(file, allow_pickle=False) as stored:
                arrays = dict(stored)
            gate = Gate(**{name: arrays[f"gate.{name}"].astype(np.float64) for name in _GATE})
            statistics = tuple(_stored(arrays, number) for number in range(len(gate.bias)))
            anchors = tuple(arrays[f"{n}.anchors"].astype(np.float64) for n in range(len(gate.bias)))
        except Exception as error:  # zipfile, zlib and numpy each have their own
            raise ModelError(
                f"{file} cannot be loaded", got=error, expected="what myosem export writes"
            ) from error
        return cls(gate, statistics, anchors)


_GATE = ("center", "scale", "weight", "bias")


def _stored(arrays: dict[str, NDArray[np.generic]], number: int) -> Statistics:
    return Statistics(
        dataset=str(arrays[f"{number}.dataset"]),
        angles=arrays[f"{number}.angles"].astype(np.float64),
        actions=tuple(str(action) for action in arrays[f"{number}.actions"]),
        people=int(arrays[f"{number}.people"]),
        mean=arrays[f"{number}.mean"].astype(np.float64),
        covariance=arrays[f"{number}.covariance"].astype(np.float64),
    )


class _Encoder:
    """The encoder's vectors as a view: nearness to the words of each action, and to what they became."""

    def __init__(self, vectors: Wide, anchors: Wide, trust: float) -> None:
        self.vectors, self.anchors, self.trust = vectors, anchors, trust
        self.means = anchors

    def scores(self) -> Wide:
        return np.asarray(self.trust * ENCODER_SHARPNESS * self.vectors @ self.means.T)

    def update(self, likely: Wide) -> None:
        self.means = _unit(self.anchors + _unit(likely.T @ self.vectors))


def session_views(features: NDArray[np.float32], angles: Wide) -> Wide:
    """Features of one session ``(N, WIDTH)`` as electrodes at ``angles`` would have them: ``(VIEWS, N, W)``.

    Relative to the mean of the session and to its spread: of each number, and of each kind of number.
    """
    count = len(features)
    known = known_harmonics(angles)
    waves = ring_waves(angles)[known].T  # (C, known)
    wide = features.astype(np.float64)
    end = GROUPS * HARMONICS
    courses = wide[:, :end].reshape(count, GROUPS, HARMONICS)[:, :TIME_DOMAIN, known] @ waves.T
    squares = wide[:, end : WIDTH - (WIDTH - end) % HARMONICS**2].reshape(count, 2, HARMONICS, HARMONICS)
    squares = waves @ squares[:, :, known][:, :, :, known] @ waves.T / len(angles)
    rows, columns = np.triu_indices(len(angles))
    upper = squares[:, :, rows, columns] * np.where(rows == columns, 1.0, np.sqrt(2))
    kinds = [*np.moveaxis(courses, 1, 0), *np.moveaxis(upper, 1, 0)]
    centred = [kind - kind.mean(axis=0) for kind in kinds]
    each = [kind / (kind.std(axis=0) + 1e-6) for kind in centred]
    group = [kind / (np.sqrt((kind**2).mean()) + 1e-6) for kind in centred]
    return np.stack([np.concatenate(each, axis=1), np.concatenate(group, axis=1)])


def _within(values: Wide, weight: Wide, mean: Wide) -> Wide:
    """Covariance ``(W, W)`` around class means ``(K, W)`` of ``(N, W)`` values with weights ``(N, K)``."""
    moment = (values * weight.sum(axis=1, keepdims=True)).T @ values
    cross = (weight.T @ values).T @ mean
    between = (mean * weight.sum(axis=0)[:, None]).T @ mean
    return np.asarray(moment - cross - cross.T + between)


def _updated(values: Wide, weight: Wide, mean: Wide, covariance: Wide, known: float) -> tuple[Wide, Wide]:
    """The discriminant of training people and session together; each action of theirs weighs ``known``."""
    total = known + weight.sum(axis=0)[:, None]
    moved = (known * mean + weight.T @ values) / total
    shift = moved - mean
    scatter = covariance + known * shift.T @ shift + _within(values, weight, moved)
    return _discriminant(moved, scatter / total.sum())


def _discriminant(mean: Wide, covariance: Wide) -> tuple[Wide, Wide]:
    """Weight ``(W, K)`` and bias ``(K,)`` of linear scores, the covariance drawn towards a ball."""
    level = np.trace(covariance) / len(covariance)
    shrunk = (1 - SHRINKAGE) * covariance + SHRINKAGE * level * np.eye(len(covariance))
    weight = np.linalg.solve(shrunk, mean.T)
    return weight, -0.5 * (mean.T * weight).sum(axis=0)


def _unit(rows: Wide) -> Wide:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))
