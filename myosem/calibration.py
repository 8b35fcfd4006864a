"""From cosines to statements: how sharp a softmax over them may be, and when nothing fits.

Measured on people never seen, so that the model that is shipped, which has seen everyone, need not
be asked about people it knows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from myosem.corpus import Session

TEMPERATURES = np.geomspace(0.01, 0.5, 40)
MISSED = 0.05


class Scorer(Protocol):
    """A model that scores a session's segments for some actions: ``(N, A)`` cosines."""

    def __call__(self, session: Session, actions: Sequence[str]) -> NDArray[np.floating]:
        """Score."""


@dataclass(frozen=True)
class Calibration:
    """What one fold says.

    Attributes:
        losses: sum of minus the log of the right action's probability, for each of ``TEMPERATURES``.
        right: cosine of every labelled segment with the name of its own action.
    """

    losses: NDArray[np.float64]
    right: NDArray[np.float64]


def calibrate(sessions: Sequence[Session], score: Scorer) -> Calibration:
    """Scores of the right actions among those of each segment's data set."""
    losses = np.zeros(len(TEMPERATURES))
    right: list[NDArray[np.float64]] = []
    for dataset in sorted({session.dataset for session in sessions if any(session.actions)}):
        own = [session for session in sessions if session.dataset == dataset]
        actions = sorted({action for session in own for action in session.actions if action})
        for session in own:
            place = np.array([actions.index(action) if action else -1 for action in session.actions])
            known = np.flatnonzero(place >= 0)
            cosine = np.asarray(score(session, actions), dtype=np.float64)[known]
            hit = cosine[np.arange(len(known)), place[known]]
            right.append(hit)
            logits = cosine[None] / TEMPERATURES[:, None, None]  # (temperatures, n, A)
            total = np.logaddexp.reduce(logits, axis=2)
            losses += (total - hit / TEMPERATURES[:, None]).sum(axis=1)
    return Calibration(losses, np.concatenate(right))


def settle(calibrations: Sequence[Calibration]) -> tuple[float, float]:
    """Temperature with the least loss, and the cosine that all but 5 % of right answers reach."""
    losses = np.sum([one.losses for one in calibrations], axis=0)
    right = np.concatenate([one.right for one in calibrations])
    return float(round(TEMPERATURES[int(np.argmin(losses))], 4)), float(round(np.quantile(right, MISSED), 4))
