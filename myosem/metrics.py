"""Retrieval metrics from scores and relevance, as trec_eval has them; all but ranks between 0 and 1.

A row is a query, a column a candidate. Ties are broken by position, so a constant score earns no
luck. Rows without a relevant candidate have no value (NaN).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.floating]
Relevance = NDArray[np.bool_]
Gains = NDArray[np.integer] | NDArray[np.floating] | NDArray[np.bool_]
Values = NDArray[np.float64]


def ranked_relevance(scores: Scores, relevant: Relevance) -> Relevance:
    """Relevance ``(Q, P)`` of the candidates in the order of falling score."""
    order = np.argsort(-scores, axis=1, kind="stable")
    return np.take_along_axis(relevant, order, axis=1)


def average_precision(scores: Scores, relevant: Relevance) -> Values:
    """Mean, over the relevant candidates, of the precision at each one's rank: ``(Q,)``."""
    hits = ranked_relevance(scores, relevant)
    precision = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    return _per_row((precision * hits).sum(axis=1), hits.sum(axis=1))


def precision_at(k: int, scores: Scores, relevant: Relevance) -> Values:
    """Share of relevant candidates among the first k, or among all where there are fewer: ``(Q,)``."""
    hits = ranked_relevance(scores, relevant)
    return _per_row(hits[:, :k].mean(axis=1), hits.any(axis=1).astype(float))


def recall_at(k: int, scores: Scores, relevant: Relevance) -> Values:
    """Whether any of the first k candidates is relevant: ``(Q,)``."""
    hits = ranked_relevance(scores, relevant)
    return _per_row(hits[:, :k].any(axis=1).astype(float), hits.any(axis=1).astype(float))


def ndcg_at(k: int, scores: Scores, gains: Gains) -> Values:
    """Discounted gain of the first k over that of the best order, from gains ``(Q, P)``: ``(Q,)``."""
    wide = np.asarray(gains, dtype=np.float64)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    best = -np.sort(-wide, axis=1)[:, :k]
    discount = 1 / np.log2(np.arange(2, order.shape[1] + 2))
    gained = (np.take_along_axis(wide, order, axis=1) * discount).sum(axis=1)
    ideal = (best * discount).sum(axis=1)
    return np.where(ideal > 0, gained / np.where(ideal > 0, ideal, 1), np.nan)


def first_rank(scores: Scores, relevant: Relevance) -> Values:
    """Rank of the first relevant candidate, counted from 1: ``(Q,)``."""
    hits = ranked_relevance(scores, relevant)
    return np.where(hits.any(axis=1), hits.argmax(axis=1) + 1.0, np.nan)


def bootstrap_interval(
    values: Values, seed: int = 0, rounds: int = 2000, level: float = 0.95
) -> tuple[float, float]:
    """Interval of the mean of one value a person, people drawn with replacement."""
    values = values[~np.isnan(values)]
    if len(values) < 2:
        return float("nan"), float("nan")
    draws = np.random.default_rng(seed).choice(values, (rounds, len(values)))
    low, high = np.quantile(draws.mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def mean_interval(
    groups: Sequence[Values], seed: int = 0, rounds: int = 2000, level: float = 0.95
) -> tuple[float, float]:
    """Interval of the mean of the groups' means, the people of each group drawn with replacement.

    NaN where no group has two people. A group of one is taken as it is.
    """
    if max(len(own) for own in groups) < 2:
        return float("nan"), float("nan")
    generator = np.random.default_rng(seed)
    draws = [generator.choice(own, (rounds, len(own))).mean(axis=1) for own in groups]
    low, high = np.quantile(np.mean(draws, axis=0), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _per_row(total: Values, count: Values) -> Values:
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
