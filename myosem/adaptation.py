"""What was done in an unlabelled session: discriminants of known people that learn from the session itself.

Each data set has a linear discriminant over its own actions. In a new session expectation and
maximisation take turns: what each segment probably was; then means and covariance anew, from the
training people and, at half their weight, from the session, in which every action counts alike.
Three views must agree on the first: every number of the electrodes on its own scale, each kind of
number on one scale for all electrodes, and the words. The learned encoder is a fourth, and counts
where many people of the data set were learned from. Nothing here reads a label of the session, and
the order of its segments does not matter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from myosem import tokens
from myosem.features import GROUPS, WORDS, turned
from myosem.ring import HARMONICS, known_harmonics, ring_waves

VIEWS = 3
VIEW_WEIGHTS = (1.0, 1.0, 1.0)
TIME_DOMAIN = 8
"""Groups of the features that are used: level, mobility and crossings, not the course in fifths."""

SQUARES = 2
"""The covariances among the features."""

ROUNDS = 15
SETTLED = 1e-10
"""Rounds end where no probability has changed by more; nothing a vector shows would change after that."""
FEW = 2.0
SHRINKAGE = 0.4
SOFTNESS = 2.0
SESSION_WEIGHT = 0.5
SCARCE = 1e-3
TINY = 1e-9
TURN_DOUBT, LEAST_DOUBT, MOST_DOUBT = 20.0, 0.05, 0.8
EVIDENCE = 20.0
ELECTRODE_VIEWS = 2
EVEN = 1e-6
TOLD_WEIGHT = 3.0
TOLD_GAIN = 3.0
ENCODER_SHARPNESS = 20.0
ENOUGH_PEOPLE = 15
ENOUGH_PEOPLE_ALONE = 5

Wide = NDArray[np.float64]
Views = tuple[Wide, ...]
"""``(N, W)`` each; W is not the same for all."""


@dataclass(frozen=True)
class Scale:
    """Where the numbers of a stretch of segments lie; W numbers.

    Attributes:
        mean: ``(W,)``.
        variance: ``(W,)``.
    """

    mean: Wide
    variance: Wide

    @classmethod
    def of(cls, numbers: Wide) -> "Scale":
        """Of ``(N, W)`` numbers."""
        return cls(numbers.mean(axis=0), numbers.var(axis=0))

    def of_session(self, numbers: Wide) -> "Scale":
        """That of a session's ``(N, W)`` numbers, drawn towards this one where the session is short."""
        if not len(numbers):
            return self
        count, own = len(numbers), Scale.of(numbers)
        share = count**2 / (count**2 + FEW**2)
        return Scale(
            share * own.mean + (1 - share) * self.mean, share * own.variance + (1 - share) * self.variance
        )

    def views(self, numbers: Wide) -> Views:
        """The views of ``(N, W)`` numbers, the last ``tokens.SUMMARY`` of which are words."""
        centred, spread = numbers - self.mean, np.sqrt(self.variance) + EVEN
        each = centred / spread
        electrodes = numbers.shape[1] - tokens.SUMMARY
        kind = _kinds(electrodes)
        common = np.bincount(kind, self.variance[:electrodes]) / np.bincount(kind)
        kindwise = centred[:, :electrodes] / (np.sqrt(common)[kind] + EVEN)
        return each[:, :electrodes], kindwise, each[:, electrodes:]


@dataclass(frozen=True)
class Statistics:
    """What is kept of the training people of one data set; K actions, C electrodes, W numbers a view.

    Attributes:
        dataset: its name.
        angles: ``(C,)`` radians; where the discriminant wants its electrodes.
        actions: K ids.
        people: how many there were.
        context: whether a session is read on its own scale and learned from.
        scale: of all training segments.
        mean: of each action in each view: ``(K, W)``.
        covariance: within actions, each of which counts alike, in each view: ``(W, W)``.
    """

    dataset: str
    angles: Wide
    actions: tuple[str, ...]
    people: int
    context: bool
    scale: Scale
    mean: Views
    covariance: Views

    @classmethod
    def of(
        cls,
        dataset: str,
        angles: Wide,
        sessions: Sequence[tuple[NDArray[np.float32], Sequence[str | None]]],
        people: int,
        context: bool = True,
    ) -> "Statistics":
        """From features ``(N, WIDTH)`` and actions of sessions of one data set."""
        numbers = [session_numbers(features, angles) for features, _ in sessions]
        scale = Scale.of(np.concatenate(numbers))
        views = _joined([_read(scale, own, context) for own in numbers])
        labels = np.array([action or "" for _, actions in sessions for action in actions])
        actions = np.unique(labels[labels != ""])
        member = (labels[:, None] == actions).astype(np.float64)
        member /= member.sum(axis=0)
        mean = tuple(member.T @ view for view in views)
        covariance = tuple(
            _within(view, member / len(actions), own) for view, own in zip(views, mean, strict=True)
        )
        return cls(dataset, angles, tuple(actions.tolist()), people, context, scale, mean, covariance)

    @property
    def trust(self) -> float:
        """How much the encoder counts beside the discriminants, from 0 to 1."""
        enough = ENOUGH_PEOPLE if self.context else ENOUGH_PEOPLE_ALONE
        return self.people**4 / (self.people**4 + enough**4)

    def views(self, features: NDArray[np.float32]) -> Views:
        """The views of a session's ``(N, WIDTH)``."""
        numbers = session_numbers(features, self.angles)
        return self._session_scale(numbers).views(numbers)

    def _session_scale(self, numbers: Wide) -> Scale:
        return self.scale.of_session(numbers) if self.context else self.scale

    def log_posterior(
        self,
        features: NDArray[np.float32],
        vectors: NDArray[np.floating] | None = None,
        anchors: Wide | None = None,
        told: "Told | None" = None,
    ) -> Wide:
        """What each of the N segments of a session probably is: ``(N, K)``, natural logarithms.

        Args:
            features: ``(N, WIDTH)``.
            vectors: ``(N, D)`` of the encoder, unit length.
            anchors: ``(K, D)`` where the words of the actions lie, unit length.
            told: segments of the same person that somebody has labelled.
        """
        return self.learned(features, vectors, anchors, told).log_posterior(features, vectors)

    def learned(
        self,
        features: NDArray[np.float32],
        vectors: NDArray[np.floating] | None = None,
        anchors: Wide | None = None,
        told: "Told | None" = None,
    ) -> "Learned":
        """What the discriminants become in a session; arguments as ``log_posterior``."""
        numbers = session_numbers(features, self.angles)
        scale = self._session_scale(numbers)
        views = scale.views(numbers)
        scores = self._scores
        encoder = None
        if vectors is not None and anchors is not None:
            encoder = _Encoder(vectors.astype(np.float64), anchors, self.trust)
        likely: Wide = np.full(1, np.inf)
        for _ in range(ROUNDS if self.context or told else 0):
            before = likely
            likely = np.exp(self.agree(views, scores, encoder)) if self.context else np.zeros(1)
            if np.abs(likely - before).max(initial=0) < SETTLED:
                break
            scores = self._learned(views, likely, told)
            if encoder is not None and self.context:
                encoder.update(likely)
        return Learned(self, scale, scores, encoder.means if encoder else None)

    def straightened(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Features turned back by ``turn_of`` them."""
        turn = self.turn_of(features)
        return turned(features, turn) if turn else features

    def turn_of(self, features: NDArray[np.float32]) -> float:
        """Radians by which features are to be turned: not at all, or an electrode back or on.

        That is where the band probably sits one electrode further round than on others. Only rings of
        equally spaced electrodes can be told to be turned, and the fewer people are known, the more it takes:
        with few, how one person differs from them looks like a turn, and a dead electrode always does a
        little.
        """
        pitch = _pitch(self.angles)
        if not self.context or pitch is None or len(features) == 0:
            return 0.0
        doubt = min(max(TURN_DOUBT / self.people**2, LEAST_DOUBT), MOST_DOUBT)
        turns = (0.0, -pitch, pitch)
        gains = [
            self._evidence(turned(features, one) if one else features) - doubt * (one != 0) for one in turns
        ]
        return turns[int(np.argmax(gains))]

    def _evidence(self, features: NDArray[np.float32]) -> float:
        """How well the electrodes' numbers fit what is known of any action; higher is better."""
        total = 0.0
        for view, mean, precision in zip(self.views(features), self.mean, self._precisions, strict=False):
            near = (view * (view @ precision)).sum(axis=1)[:, None]
            weight = precision @ mean.T
            distance = near - 2 * view @ weight + (mean.T * weight).sum(axis=0)
            fit = -0.5 * EVIDENCE * distance / view.shape[1]
            best = fit.max(axis=1)
            total += float((best + np.log(np.exp(fit - best[:, None]).mean(axis=1))).mean())
        return total

    @cached_property
    def _precisions(self) -> Views:
        """Inverse of the covariance in each view of the electrodes: ``(W, W)``."""
        known = self.covariance[:ELECTRODE_VIEWS]
        return tuple(np.asarray(np.linalg.inv(_shrunk(one)), np.float64) for one in known)

    def _learned(self, views: Views, likely: Wide, told: "Told | None") -> list[tuple[Wide, Wide]]:
        """Discriminants of training people and session, whose segments probably are ``likely (N, K)``."""
        if told is not None:
            views = _joined([views, told.views]) if self.context else told.views
            surely = TOLD_WEIGHT * told.member
            likely = np.concatenate([likely, surely]) if self.context else surely
        shares = likely / (likely.sum(axis=0) + SCARCE)
        weight = SESSION_WEIGHT * shares / max(float(shares.sum()), SCARCE)
        if told is not None:
            weight = weight * (1 + TOLD_GAIN * (told.member.sum(axis=0) > 0))
        return [
            _updated(view, weight, mean, moment)
            for view, mean, moment in zip(views, self.mean, self._moments, strict=True)
        ]

    @cached_property
    def _scores(self) -> list[tuple[Wide, Wide]]:
        """The discriminants of the training people."""
        return [_discriminant(*known) for known in zip(self.mean, self.covariance, strict=True)]

    @cached_property
    def _moments(self) -> Views:
        """Second moment of the training people, each action counting alike, in each view: ``(W, W)``."""
        known = zip(self.mean, self.covariance, strict=True)
        return tuple(covariance + mean.T @ mean / len(mean) for mean, covariance in known)

    def agree(self, views: Views, scores: Sequence[tuple[Wide, Wide]], encoder: "_Encoder | None") -> Wide:
        """What views and encoder say together: ``(N, K)``, natural logarithms."""
        each = [view @ weight + bias for view, (weight, bias) in zip(views, scores, strict=True)]
        total = np.tensordot(VIEW_WEIGHTS, each, axes=1) / (sum(VIEW_WEIGHTS) * SOFTNESS)
        if encoder is not None:
            total = total + encoder.scores()
        total -= total.max(axis=1, keepdims=True)
        return np.asarray(total - np.log(np.exp(total).sum(axis=1, keepdims=True)))


@dataclass(frozen=True)
class Learned:
    """The discriminants of a data set as a session has made them; they read other segments of it too.

    Attributes:
        known: what they started from.
        scale: of the session.
        scores: weight ``(W, K)`` and bias ``(K,)`` of each view.
        means: ``(K, D)`` what the encoder's words became; None without an encoder.
    """

    known: Statistics
    scale: Scale
    scores: Sequence[tuple[Wide, Wide]]
    means: Wide | None

    def log_posterior(
        self, features: NDArray[np.float32], vectors: NDArray[np.floating] | None = None
    ) -> Wide:
        """What each of N segments of the session probably is: ``(N, K)``; the others change nothing."""
        views = self.scale.views(session_numbers(features, self.known.angles))
        encoder = None
        if vectors is not None and self.means is not None:
            encoder = _Encoder(vectors.astype(np.float64), self.means, self.known.trust)
        return self.known.agree(views, self.scores, encoder)


@dataclass(frozen=True)
class Told:
    """Segments of a person that somebody has labelled.

    Attributes:
        views: of the n segments, as ``Statistics.views`` gives them.
        member: ``(n, K)`` one where it is the action.
    """

    views: Views
    member: Wide


class _Encoder:
    """The encoder's vectors as a view: nearness to the words of each action, and to what they became."""

    def __init__(self, vectors: Wide, anchors: Wide, trust: float) -> None:
        self.vectors, self.anchors, self.trust = vectors, anchors, trust
        self.means = anchors

    def scores(self) -> Wide:
        return np.asarray(self.trust * ENCODER_SHARPNESS * self.vectors @ self.means.T)

    def update(self, likely: Wide) -> None:
        self.means = unit(self.anchors + unit(likely.T @ self.vectors))


def session_numbers(features: NDArray[np.float32], angles: Wide) -> Wide:
    """Features ``(N, WIDTH)`` as electrodes at ``angles`` would have them, then the words: ``(N, W)``."""
    count = len(features)
    known = known_harmonics(angles)
    waves = ring_waves(angles)[known].T  # (C, known)
    wide = features.astype(np.float64)
    end = GROUPS * HARMONICS
    courses = wide[:, :end].reshape(count, GROUPS, HARMONICS)[:, :TIME_DOMAIN, known] @ waves.T
    squares = wide[:, end : end + SQUARES * HARMONICS**2].reshape(count, SQUARES, HARMONICS, HARMONICS)
    squares = waves @ squares[:, :, known][:, :, :, known] @ waves.T / len(angles)
    rows, columns = np.triu_indices(len(angles))
    upper = squares[:, :, rows, columns] * np.where(rows == columns, 1.0, np.sqrt(2))
    flat = [part.reshape(count, np.prod(part.shape[1:], dtype=int)) for part in (courses, upper)]
    return np.concatenate([*flat, wide[:, WORDS]], axis=1)


def _kinds(width: int) -> NDArray[np.int_]:
    """Which of the groups and covariances each number is of: ``(W,)`` = 8 C + C (C + 1)."""
    electrodes = round((np.sqrt((TIME_DOMAIN + 1) ** 2 + 4 * width) - TIME_DOMAIN - 1) / 2)
    pairs = electrodes * (electrodes + 1) // 2
    return np.repeat(np.arange(TIME_DOMAIN + SQUARES), [electrodes] * TIME_DOMAIN + [pairs] * SQUARES)


def _read(scale: Scale, numbers: Wide, context: bool) -> Views:
    return (scale.of_session(numbers) if context else scale).views(numbers)


def _joined(parts: Sequence[Views]) -> Views:
    """Views of several stretches of segments, one after the other."""
    return tuple(np.concatenate(own) for own in zip(*parts, strict=True))


def _within(values: Wide, weight: Wide, mean: Wide) -> Wide:
    """Covariance ``(W, W)`` around class means ``(K, W)`` of ``(N, W)`` values with weights ``(N, K)``."""
    moment = (values * weight.sum(axis=1, keepdims=True)).T @ values
    cross = (weight.T @ values).T @ mean
    between = (mean * weight.sum(axis=0)[:, None]).T @ mean
    return np.asarray(moment - cross - cross.T + between)


def _updated(values: Wide, weight: Wide, mean: Wide, moment: Wide) -> tuple[Wide, Wide]:
    """The discriminant of training people, who weigh 1 in all, and of ``(N, W)`` with weights ``(N, K)``."""
    known = 1 / len(mean)
    total = known + weight.sum(axis=0)[:, None]
    moved = (known * mean + weight.T @ values) / total
    rows = np.concatenate([values, moved])
    counts = np.concatenate([weight.sum(axis=1, keepdims=True), -total])
    scatter = moment + (rows * counts).T @ rows  # second moments around zero, less those of the means
    return _discriminant(moved, scatter / total.sum())


def _discriminant(mean: Wide, covariance: Wide) -> tuple[Wide, Wide]:
    """Weight ``(W, K)`` and bias ``(K,)`` of linear scores, the covariance drawn towards a ball."""
    weight = np.asarray(np.linalg.solve(_shrunk(covariance), mean.T), dtype=np.float64)
    return weight, -0.5 * (mean.T * weight).sum(axis=0)


def _shrunk(covariance: Wide) -> Wide:
    shrunk = (1 - SHRINKAGE) * covariance
    shrunk.flat[:: len(covariance) + 1] += SHRINKAGE * np.trace(covariance) / len(covariance) + TINY
    return shrunk


def _pitch(angles: Wide) -> float | None:
    """The angle from one electrode to the next, where all lie equally far apart round the limb."""
    gaps = np.diff(np.sort(np.mod(angles, 2 * np.pi)))
    pitch = 2 * np.pi / len(angles)
    return pitch if len(angles) > 2 and np.allclose(gaps, pitch, atol=1e-3) else None


def unit(rows: Wide) -> Wide:
    """Rows ``(n, D)`` at length one; zeros stay zeros."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))
