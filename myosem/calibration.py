"""From cosines to statements: how sharp a softmax over them may be, and when nothing fits.

Measured on people never seen, so that the model that is shipped, which has seen everyone, need not
be asked about people it knows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myosem.evaluate import Scorer, actions_of
from myosem.trials import TrialSession

TEMPERATURES = np.geomspace(0.01, 0.5, 40)
MISSED = 0.05
BINS = 15

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """What one fold says.

    Attributes:
        losses: sum of minus the log of the right action's probability, for each of ``TEMPERATURES``.
        right: cosine of every labelled segment with the name of its own action.
        bins: ``(temperatures, BINS, 3)``: of the segments whose first answer is as likely as the bin says
            how many there are, how many are right, and the sum of the probabilities.
    """

    losses: Numbers
    right: Numbers
    bins: Numbers


def calibrate(sessions: Sequence[TrialSession], score: Scorer) -> Calibration:
    """Scores of the right actions among those of each segment's data set."""
    losses, bins = np.zeros(len(TEMPERATURES)), np.zeros((len(TEMPERATURES), BINS, 3))
    right: list[Numbers] = []
    for session in sessions:
        actions = actions_of(sessions, session.dataset)
        known = np.flatnonzero(np.isin(session.labels, actions))
        place = np.array([actions.index(label) for label in session.labels[known]], dtype=np.int64)
        if not len(known):
            continue
        cosine = np.asarray(score(session, actions), dtype=np.float64)[known]
        hit = cosine[np.arange(len(known)), place]
        right.append(hit)
        logits = cosine[None] / TEMPERATURES[:, None, None]  # (temperatures, n, A)
        total = np.logaddexp.reduce(logits, axis=2)
        losses += (total - hit / TEMPERATURES[:, None]).sum(axis=1)
        sure = np.exp(logits.max(axis=2) - total)
        bins += _binned(sure, cosine.argmax(axis=1) == place)
    return Calibration(losses, np.concatenate(right), bins)


def _binned(sure: Numbers, correct: NDArray[np.bool_]) -> Numbers:
    """``(temperatures, BINS, 3)`` from ``(temperatures, n)`` and ``(n,)``."""
    number = np.clip(np.ceil(sure * BINS).astype(np.int64) - 1, 0, BINS - 1)
    inside = number[:, :, None] == np.arange(BINS)  # (temperatures, n, BINS)
    parts = (
        inside.sum(axis=1),
        (inside & correct[:, None]).sum(axis=1),
        (inside * sure[:, :, None]).sum(axis=1),
    )
    return np.stack(parts, axis=2).astype(np.float64)


def settle(calibrations: Sequence[Calibration]) -> tuple[float, float]:
    """Temperature with the least loss, and the cosine that all but 5 % of right answers reach."""
    right = np.concatenate([one.right for one in calibrations])
    temperature = TEMPERATURES[_sharpest(calibrations)]
    return float(round(temperature, 4)), float(round(np.quantile(right, MISSED), 4))


def expected_error(calibrations: Sequence[Calibration]) -> float:
    """Expected calibration error of the likeliest answer, 0 to 1, in ``BINS`` bins of one width (Guo 2017).

    The temperature of each fold is the one with the least loss on all others. NaN for a single fold.
    """
    if len(calibrations) < 2:
        return float("nan")
    bins = np.zeros((BINS, 3))
    for number, one in enumerate(calibrations):
        others = [other for place, other in enumerate(calibrations) if place != number]
        bins += one.bins[_sharpest(others)]
    return float(np.abs(bins[:, 1] - bins[:, 2]).sum() / bins[:, 0].sum())


def _sharpest(calibrations: Sequence[Calibration]) -> int:
    return int(np.argmin(np.sum([one.losses for one in calibrations], axis=0)))
