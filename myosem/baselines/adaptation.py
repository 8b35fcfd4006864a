"""Unsupervised domain adaptation: the training segments are moved to where the unlabelled session is.

CORAL matches mean and covariance (Sun 2016); linear optimal transport is the map between two Gaussians
that moves the least (Flamary 2019). An LDA is then trained anew for every session.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from skada import CORALAdapter, LinearOTMappingAdapter

from myosem.baselines.features import Describe, Features, standardised, with_covariance
from myosem.baselines.lda import WeightedLda
from myosem.systems import PerDataset, labelled_rows
from myosem.trials import LogPosterior, TrialSession

SOURCE, TARGET = 1, -2
OT_SHRINKAGE = 0.1
"""Chosen on fold 0, from 1e-6, 0.1 and 0.5."""


class Adapter(Protocol):
    """What moves source and target onto each other."""

    def fit_transform(self, X: Features, *, sample_domain: Features) -> Features:
        """Both ``(n, F)``; the source has positive domains, the target negative ones."""


class AdaptedLda:
    """An LDA over the actions of one data set, trained on segments that were moved to the session.

    Args:
        describe: features of a session.
        adapter: a new adapter.
    """

    actions: tuple[str, ...]

    def __init__(self, describe: Describe, adapter: Callable[[], Adapter]) -> None:
        self._describe, self._adapter = describe, adapter

    def fit(self, training: Sequence[TrialSession], own: Sequence[TrialSession] = ()) -> None:
        """Keep sessions of one data set, and of one person's own (few-shot), if there are any."""
        rows = labelled_rows([*training, *own], lambda session: self._describe(session.session))
        self._values, self._labels = rows
        self.actions = tuple(np.unique(self._labels).tolist())

    def log_posterior(self, session: TrialSession) -> LogPosterior:
        """``(N, A)`` for the N segments of a session."""
        own = self._describe(session.session)
        count = len(self._values)
        domain = np.repeat([SOURCE, TARGET], [count, len(own)])
        moved = self._adapter().fit_transform(np.concatenate([self._values, own]), sample_domain=domain)
        return WeightedLda().fit(moved[:count], self._labels).log_posterior(moved[count:])


SYSTEMS = {
    "coral": PerDataset(
        "TD + covariance LDA, CORAL", "session", lambda seed: AdaptedLda(with_covariance, CORALAdapter)
    ),
    "linear-transport": PerDataset(
        "TD + covariance LDA, linear optimal transport",
        "session",
        lambda seed: AdaptedLda(
            standardised(with_covariance), lambda: LinearOTMappingAdapter(reg=OT_SHRINKAGE)
        ),
    ),
}
