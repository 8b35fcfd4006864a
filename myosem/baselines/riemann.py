"""Riemannian baseline: covariance matrices in a tangent space, logistic regression (Barachant 2012).

With context each session's matrices are seen from their own mean, where the same action of two sessions
lies in much the same place (Zanini 2018), and at unit spread (Rodrigues 2019).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pyriemann.tangentspace import TangentSpace
from sklearn.linear_model import LogisticRegression

from myosem.corpus import Session
from myosem.systems import PerDataset, labelled_rows
from myosem.trials import LogPosterior, TrialSession

STRENGTH, STRENGTH_RECENTRED = 0.1, 1.0
"""Inverse regularisation, chosen on fold 0."""

Matrices = NDArray[np.float64]


class TangentClassifier:
    """Logistic regression in a tangent space, over the actions of one data set.

    Args:
        recentre: whether the space touches at the mean of each session, not at that of all training
            segments.
    """

    actions: tuple[str, ...]

    def __init__(self, recentre: bool) -> None:
        self._recentre = recentre
        self._space = TangentSpace(metric="riemann")
        strength = STRENGTH_RECENTRED if recentre else STRENGTH
        self._model = LogisticRegression(C=strength, class_weight="balanced", max_iter=1000)

    def fit(self, training: Sequence[TrialSession], own: Sequence[TrialSession] = ()) -> None:
        """Learn from sessions of one data set, and of one person's own (few-shot), if there are any."""
        sessions = [*training, *own]
        if not self._recentre:
            self._space.fit(labelled_rows(sessions, lambda one: covariances(one.session))[0])
        self._model.fit(*labelled_rows(sessions, self._describe))
        self.actions = tuple(self._model.classes_.tolist())

    def log_posterior(self, session: TrialSession) -> LogPosterior:
        """``(N, A)`` for the N segments of a session."""
        return np.asarray(self._model.predict_log_proba(self._describe(session)))

    def _describe(self, session: TrialSession) -> Matrices:
        """Tangent vectors ``(N, C (C + 1) / 2)``."""
        matrices = covariances(session.session)
        if not self._recentre:
            return np.asarray(self._space.transform(matrices))
        vectors = TangentSpace(metric="riemann").fit_transform(matrices)
        spread = np.sqrt((vectors**2).sum(axis=1).mean() / matrices.shape[1])
        return np.asarray(vectors / max(spread, 1e-6))


def covariances(session: Session) -> Matrices:
    """Covariance between the channels of each segment, in units of rest: ``(N, C, C)``."""
    values, vectors = np.linalg.eigh(session.channels.log_covariance.astype(np.float64))
    return np.asarray((vectors * np.exp(values)[:, None, :]) @ vectors.transpose(0, 2, 1))


SYSTEMS = {
    "riemann": PerDataset("Riemannian tangent space", "none", lambda seed: TangentClassifier(False)),
    "riemann-recentred": PerDataset(
        "Riemannian tangent space, re-centred", "session", lambda seed: TangentClassifier(True)
    ),
}
