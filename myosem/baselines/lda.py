"""Plain baseline: time-domain and covariance features, standardised per session, shrinkage LDA.

Trained on each data set by itself, on its own channels. As a retriever it ranks segments by the
posterior of the action asked for, and actions by their posterior for a segment.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from myosem.corpus import Session

TIME_DOMAIN = 8


class LdaRetriever:
    """Shrinkage LDA (Ledoit-Wolf) over the actions of one data set.

    Attributes:
        actions: ids, in the order of the columns of ``scores``.
    """

    name = "TD + covariance LDA"

    def __init__(self, sessions: Sequence[Session]) -> None:
        rows = [_standardised(session) for session in sessions]
        actions = [session.actions for session in sessions]
        values = np.concatenate(rows)
        labels = np.array([action or "" for group in actions for action in group])
        known = labels != ""
        self._model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
        self._model.fit(values[known], labels[known])
        self.actions: tuple[str, ...] = tuple(self._model.classes_.tolist())

    def scores(self, session: Session) -> NDArray[np.float64]:
        """Log posterior of each action for each segment: ``(N, A)``."""
        return np.asarray(self._model.predict_log_proba(_standardised(session)), dtype=np.float64)


def _standardised(session: Session) -> NDArray[np.float64]:
    """Mean, spread and trend of each channel and the upper triangle of the log covariance, ``(N, F)``."""
    channels = session.channels
    count = len(channels.scalars)
    upper = np.triu_indices(channels.log_covariance.shape[1])
    time_domain = channels.courses[:, :TIME_DOMAIN].reshape(count, -1)  # N G C -> N (G C)
    values = np.concatenate([time_domain, channels.log_covariance[:, *upper]], axis=1).astype(np.float64)
    return np.asarray((values - values.mean(axis=0)) / (values.std(axis=0) + 1e-6))
