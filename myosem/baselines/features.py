"""Features of each segment on its own electrodes, for classifiers of one data set."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from myosem.corpus import Session

TIME_DOMAIN = 8

Features = NDArray[np.float64]
Describe = Callable[[Session], Features]


def time_domain(session: Session) -> Features:
    """Each channel's level and mobility (mean, spread, trend) and crossings (mean, spread): ``(N, F)``."""
    courses = session.channels.courses[:, :TIME_DOMAIN]
    return np.asarray(courses.reshape(len(courses), -1), dtype=np.float64)  # N G C -> N (G C)


def with_covariance(session: Session) -> Features:
    """The same, and the upper triangle of the log covariance between channels: ``(N, F)``."""
    square = session.channels.log_covariance
    upper = square[:, *np.triu_indices(square.shape[1])]
    return np.concatenate([time_domain(session), upper], axis=1, dtype=np.float64)


def standardised(describe: Describe) -> Describe:
    """Each feature with mean 0 and spread 1 over all segments of the session."""

    def described(session: Session) -> Features:
        values = describe(session)
        return np.asarray((values - values.mean(axis=0)) / (values.std(axis=0) + 1e-6))

    return described
