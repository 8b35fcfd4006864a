"""Shrinkage LDA on time-domain and covariance features, for segments and for trials.

Trained on each data set by itself, on its own channels.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import ledoit_wolf_shrinkage

from myosem.baselines.features import Describe, Features, standardised, time_domain, with_covariance
from myosem.systems import PerDataset, labelled_rows
from myosem.trials import LogPosterior, TrialSession

ROUNDS = 4
CONFIDENT = 0.7
"""Share of the segments of each predicted class that self-training takes in."""

Labels = NDArray[np.str_]
Examples = tuple[Features, Labels, Features]
"""Values ``(n, F)``, actions and weights."""


class WeightedLda:
    """Linear discriminant analysis of weighted examples; all classes equally likely.

    The covariance of each class is shrunk towards its diagonal (Ledoit and Wolf 2004) on the scale of its
    features, then averaged over classes.

    Attributes:
        classes: names, sorted.
    """

    def fit(self, values: Features, labels: Labels, weights: Features | None = None) -> "WeightedLda":
        """Learn from ``(n, F)`` values with n labels and n weights."""
        self.classes, number = np.unique(labels, return_inverse=True)
        weights = np.ones(len(values)) if weights is None else weights
        means, covariance = [], np.zeros((values.shape[1], values.shape[1]))
        for one in range(len(self.classes)):
            own = number == one
            mean, spread = _moments(values[own], weights[own])
            means.append(mean)
            covariance += spread / len(self.classes)
        self._weight = np.linalg.lstsq(covariance, np.array(means).T, rcond=None)[0]  # (F, A)
        self._bias = -0.5 * np.einsum("af,fa->a", np.array(means), self._weight)
        return self

    def log_posterior(self, values: Features) -> Features:
        """``(n, A)`` from ``(n, F)``."""
        scores = values @ self._weight + self._bias
        scores = scores - scores.max(axis=1, keepdims=True)
        return np.asarray(scores - np.log(np.exp(scores).sum(axis=1, keepdims=True)))


def _moments(values: Features, weights: Features) -> tuple[Features, Features]:
    """Weighted mean ``(F,)`` and shrunk covariance ``(F, F)`` of one class."""
    share = weights / weights.sum()
    mean = share @ values
    rows = (values - mean) * np.sqrt(share * len(values))[:, None]
    scale = np.sqrt((rows**2).mean(axis=0))
    scale[scale == 0] = 1
    rows = rows / scale
    shrinkage = ledoit_wolf_shrinkage(rows, assume_centered=True)
    covariance = (1 - shrinkage) * (rows.T @ rows / len(rows))
    covariance.flat[:: len(covariance) + 1] += shrinkage * (rows**2).mean()
    return mean, scale[:, None] * covariance * scale


class LdaClassifier:
    """LDA over the actions of one data set, optionally self-trained on the session it is used on.

    A person's own labelled segments (few-shot) have the weight of all others together.

    Args:
        describe: features of a session.
        rounds: of self-training.
    """

    actions: tuple[str, ...]

    def __init__(self, describe: Describe, rounds: int = 0) -> None:
        self._describe, self._rounds = describe, rounds

    def fit(self, training: Sequence[TrialSession], own: Sequence[TrialSession] = ()) -> None:
        """Learn from sessions of one data set, and of one person's own (few-shot), if there are any."""
        parts = [self._rows(sessions) for sessions in (training, own) if sessions]
        self._examples = parts[0] if len(parts) == 1 else _joined(*parts)
        self._model = WeightedLda().fit(*self._examples)
        self.actions = tuple(self._model.classes.tolist())

    def log_posterior(self, session: TrialSession) -> LogPosterior:
        """``(N, A)`` for the N segments of a session."""
        values = self._describe(session.session)
        model = self_trained(self._model, self._examples, values, self._rounds)
        return model.log_posterior(values)

    def _rows(self, sessions: Sequence[TrialSession]) -> Examples:
        values, labels = labelled_rows(sessions, lambda session: self._describe(session.session))
        return values.astype(np.float64), labels, np.ones(len(labels))


def _joined(first: Examples, second: Examples) -> Examples:
    """Both together; the second get the total weight of the first."""
    weights = second[2] * (first[2].sum() / second[2].sum())
    return (
        np.concatenate([first[0], second[0]]),
        np.concatenate([first[1], second[1]]),
        np.concatenate([first[2], weights]),
    )


def self_trained(model: WeightedLda, examples: Examples, values: Features, rounds: int) -> WeightedLda:
    """The model after some rounds in which segments of unknown action join its examples.

    In each round these are the most confident of each predicted class, as that round's model sees them,
    with the weight of all examples together.
    """
    for _ in range(rounds):
        posterior = model.log_posterior(values)
        sure = most_confident(posterior, CONFIDENT)
        guessed = model.classes[posterior[sure].argmax(axis=1)]
        model = WeightedLda().fit(*_joined(examples, (values[sure], guessed, np.ones(len(guessed)))))
    return model


def most_confident(log_posterior: LogPosterior, share: float) -> NDArray[np.int64]:
    """Rows of the surest segments of each predicted class, at least one of each: from ``(N, A)``."""
    guess, confidence = log_posterior.argmax(axis=1), log_posterior.max(axis=1)
    kept = []
    for one in np.unique(guess):
        own = np.flatnonzero(guess == one)
        count = max(round(share * len(own)), 1)
        kept.append(own[np.argsort(-confidence[own], kind="stable")[:count]])
    return np.sort(np.concatenate(kept))


SYSTEMS = {
    "td-lda": PerDataset("TD + LDA", "none", lambda seed: LdaClassifier(time_domain)),
    "td-lda-standardised": PerDataset(
        "TD + LDA, standardised per session", "session", lambda seed: LdaClassifier(standardised(time_domain))
    ),
    "covariance-lda-raw": PerDataset(
        "TD + covariance LDA, raw", "none", lambda seed: LdaClassifier(with_covariance)
    ),
    "covariance-lda": PerDataset(
        "TD + covariance LDA", "session", lambda seed: LdaClassifier(standardised(with_covariance))
    ),
    "self-trained-lda": PerDataset(
        "TD + covariance LDA, self-trained",
        "session",
        lambda seed: LdaClassifier(standardised(with_covariance), rounds=ROUNDS),
    ),
}
