"""LDA on features that do not depend on the device: one for all data sets, which can be used on others.

The features are those the encoder reads (``Session.features``), standardised per session. Every pair of
data set and action counts the same. Only the actions asked for are told apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myosem.baselines.features import Features, standardised
from myosem.baselines.lda import ROUNDS, Examples, WeightedLda, self_trained
from myosem.corpus import Session
from myosem.systems import Context, labelled_rows, to_columns
from myosem.trials import LogPosterior, TrialSession


@dataclass(frozen=True)
class HarmonicLda:
    """One LDA for all data sets.

    Attributes:
        title: what the tables call it.
        context: always ``session``, for it is standardised.
        rounds: of self-training.
        seeded: no chance plays a part.
    """

    title: str
    rounds: int = 0
    context: Context = "session"
    seeded: bool = False

    def fit(self, training: Sequence[TrialSession], seed: int) -> "FittedHarmonicLda":
        """Keep the labelled segments of all data sets."""
        values, labels = labelled_rows(training, _describe)
        sets = np.concatenate([np.repeat(one.dataset, np.sum(one.trial_of >= 0)) for one in training])
        pair = np.unique(np.stack([sets, labels]), axis=1, return_inverse=True)[1].ravel()
        weights = 1 / np.bincount(pair)[pair]
        return FittedHarmonicLda((values.astype(np.float64), labels, weights), self.rounds)


@dataclass(frozen=True)
class FittedHarmonicLda:
    """What the LDA learns from.

    Attributes:
        examples: labelled segments of all data sets.
        rounds: of self-training.
    """

    examples: Examples
    rounds: int

    def log_posterior(self, session: TrialSession, actions: Sequence[str]) -> LogPosterior:
        """``(N, A)``; an action nobody of the training sessions did is all but impossible."""
        values, labels, weights = self.examples
        asked: NDArray[np.bool_] = np.isin(labels, actions)
        examples = values[asked], labels[asked], weights[asked]
        rows = _describe(session)
        model = self_trained(WeightedLda().fit(*examples), examples, rows, self.rounds)
        return to_columns(model.log_posterior(rows), model.classes.tolist(), actions)


def _features(session: Session) -> Features:
    return session.features.astype(np.float64)


def _describe(session: TrialSession) -> Features:
    return standardised(_features)(session.session)


SYSTEMS = {
    "harmonic-lda": HarmonicLda("One LDA for all data sets"),
    "harmonic-lda-self-trained": HarmonicLda("One LDA for all data sets, self-trained", ROUNDS),
}
