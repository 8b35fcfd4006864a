"""MiniRocket (Dempster 2021): many fixed convolutions of the samples, and a ridge classifier.

With context the channels are scaled by the session, and the outputs of the convolutions standardised on it.
"""

from collections.abc import Sequence

import numpy as np
from aeon.transformations.collection.convolution_based import MiniRocket
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.linear_model import RidgeClassifier

from myosem.baselines.windows import session_spread, windows
from myosem.systems import PerDataset, labelled_rows
from myosem.trials import LogPosterior, TrialSession

KERNELS = 2000
RIDGE, RIDGE_CONTEXT = 10.0, 1000.0
"""Chosen on fold 0, as the length of the windows (1 or 1.5 s)."""
FITTED_ON = 500
"""Segments that the thresholds of the convolutions are drawn from."""

Array = NDArray[np.float32]


class RocketClassifier:
    """MiniRocket and ridge over the actions of one data set.

    Args:
        context: whether sessions are standardised.
        seed: of the convolutions.
    """

    actions: tuple[str, ...]

    def __init__(self, context: bool, seed: int) -> None:
        self._context, self._seed = context, seed
        self._rocket = MiniRocket(n_kernels=KERNELS, random_state=seed, n_jobs=1)
        self._model = RidgeClassifier(alpha=RIDGE_CONTEXT if context else RIDGE, class_weight="balanced")

    def fit(self, training: Sequence[TrialSession], own: Sequence[TrialSession] = ()) -> None:
        """Learn from sessions of one data set, and of one person's own (few-shot), if there are any."""
        sessions = [*training, *own]
        found, _ = labelled_rows(sessions, self._windows)
        chosen = np.random.default_rng(self._seed).permutation(len(found))[:FITTED_ON]
        self._rocket.fit(found[chosen])
        self._model.fit(*labelled_rows(sessions, self._describe))
        self.actions = tuple(self._model.classes_.tolist())

    def log_posterior(self, session: TrialSession) -> LogPosterior:
        """``(N, A)`` for the N segments of a session; the classifier's scores stand for logits."""
        scores = self._model.decision_function(self._describe(session))
        if scores.ndim == 1:  # two actions
            scores = np.stack([-scores, scores], axis=1) / 2
        return np.asarray(log_softmax(scores, axis=1))

    def _windows(self, session: TrialSession) -> Array:
        found = windows(session)
        return found / session_spread(session)[:, None] if self._context else found

    def _describe(self, session: TrialSession) -> NDArray[np.float64]:
        values = np.asarray(self._rocket.transform(self._windows(session)), dtype=np.float64)
        if not self._context:
            return values
        return np.asarray((values - values.mean(axis=0)) / (values.std(axis=0) + 1e-3))


SYSTEMS = {
    "minirocket": PerDataset(
        "MiniRocket + ridge", "none", lambda seed: RocketClassifier(False, seed), seeded=True
    ),
    "minirocket-session": PerDataset(
        "MiniRocket + ridge, standardised per session",
        "session",
        lambda seed: RocketClassifier(True, seed),
        seeded=True,
    ),
}
