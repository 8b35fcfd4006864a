"""How one person does each action: from a few labelled segments and how much people differ.

Two covariances are known of the training people: that of one person's segments of an action, and that
of people's means of an action (probabilistic linear discriminant analysis, Ioffe 2006). In axes in which
both are diagonal the mean of a new person has a posterior in closed form for every action: where people
differ much it follows the labelled segments, where they agree it stays. Who is further from the others
than people usually are is taken to differ by that much more. The person's other segments
count too, by what they probably are, and every round of that starts from the last.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Wide = NDArray[np.float64]

ROUNDS = 6
WITHIN_SHRINKAGE = 0.4
BETWEEN_SHRINKAGE = 0.5
UNTOLD = 0.5
MOST_UNTOLD = 4.0
TINY = 1e-9


@dataclass(frozen=True)
class People:
    """What is known of people in one view of W numbers and K actions.

    Attributes:
        axes: ``(W, W)``; in ``values @ axes`` a person's segments of an action have variance 1.
        spread: ``(W,)`` variance of people's means there.
        mean: ``(K, W)`` mean over people there.
    """

    axes: Wide
    spread: Wide
    mean: Wide

    @classmethod
    def of(cls, values: Wide, action: NDArray[np.int_], person: NDArray[np.int_]) -> "People":
        """From ``(N, W)`` segments with numbers of actions, all of 0 to K - 1, and of people."""
        count = int(action.max()) + 1
        cell = np.unique(np.stack([person, action]), axis=1, return_inverse=True)
        done, of_cell = cell[0][1], np.ravel(cell[1])
        own = _group_means(values, of_cell, len(done))
        mean = _group_means(own, done, count)
        within = _scatter(values - own[of_cell], len(values) - len(done))
        within = _towards_ball(within, WITHIN_SHRINKAGE)
        between = _scatter(own - mean[done], len(done) - count)
        whitening = np.linalg.inv(np.linalg.cholesky(within)).T  # values @ whitening has covariance 1
        between = _towards_ball(whitening.T @ between @ whitening, BETWEEN_SHRINKAGE)
        spread, turn = np.linalg.eigh(between)
        axes = whitening @ turn
        return cls(axes, np.maximum(spread, 0), mean @ axes)

    def for_one_like(self, placed: Wide, told: Wide) -> "People":
        """People who differ as this one does, if that is more; arguments as ``log_likelihood``."""
        seen = told.sum(axis=0)
        done = seen > 0
        centre = told.T[done] @ placed / seen[done, None]
        apart = ((centre - self.mean[done]) ** 2).sum()
        usual = (self.spread + 1 / seen[done, None]).sum()
        return replace(self, spread=self.spread * max(apart / max(usual, TINY), 1))

    def log_likelihood(self, placed: Wide, weight: Wide) -> Wide:
        """``(N, K)`` less a constant a segment, for ``(N, W)`` in these axes, weights ``(N, K)`` known."""
        seen = weight.sum(axis=0)[:, None]
        centre = weight.T @ placed / np.maximum(seen, TINY)
        follow = seen * self.spread / (1 + seen * self.spread)
        mean = self.mean + follow * (centre - self.mean)
        variance = 1 + self.spread / (1 + seen * self.spread)
        squares = placed**2 @ (1 / variance).T - 2 * placed @ (mean / variance).T
        return np.asarray(-0.5 * (squares + (mean**2 / variance + np.log(variance)).sum(axis=1)))


def personal_log_posterior(people: Sequence[People], views: Sequence[Wide], told: Wide) -> Wide:
    """What each of a person's N segments probably is: ``(N, K)``, natural logarithms.

    Args:
        people: one a view.
        views: ``(N, W)`` each; W is not the same for all.
        told: ``(N, K)`` one where a segment is labelled, all zeros where it is not.
    """
    placed = [view @ one.axes for one, view in zip(people, views, strict=True)]
    people = [one.for_one_like(own, told) for one, own in zip(people, placed, strict=True)]
    untold = told.sum(axis=1, keepdims=True) == 0
    weight = told
    for _ in range(ROUNDS):
        soft = np.exp(_agree(people, placed, weight)) * untold * UNTOLD
        weight = told + soft * np.minimum(1, MOST_UNTOLD / np.maximum(soft.sum(axis=0), TINY))
    return _agree(people, placed, weight)


def _agree(people: Sequence[People], placed: Sequence[Wide], weight: Wide) -> Wide:
    each = [one.log_likelihood(own, weight) for one, own in zip(people, placed, strict=True)]
    total = np.mean(each, axis=0)
    total -= total.max(axis=1, keepdims=True)
    return np.asarray(total - np.log(np.exp(total).sum(axis=1, keepdims=True)))


def _group_means(values: Wide, group: NDArray[np.int_], count: int) -> Wide:
    member = (group[:, None] == np.arange(count)).astype(np.float64)
    return np.asarray(member.T @ values / member.sum(axis=0)[:, None])


def _scatter(offsets: Wide, freedom: int) -> Wide:
    return np.asarray(offsets.T @ offsets / max(freedom, 1))


def _towards_ball(covariance: Wide, share: float) -> Wide:
    level = np.trace(covariance) / len(covariance)
    return np.asarray((1 - share) * covariance + (share * level + TINY) * np.eye(len(covariance)))
