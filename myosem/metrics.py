"""Retrieval metrics from scores and relevance; all of them between 0 and 1.

A row is a query, a column a candidate. Ties are broken by position, so a constant score earns no
luck. Rows without a relevant candidate have no value (NaN).
"""

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.floating]
Relevance = NDArray[np.bool_]
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


def ndcg_at(k: int, scores: Scores, relevant: Relevance) -> Values:
    """Discounted gain of the first k over that of the best order: ``(Q,)``."""
    hits = ranked_relevance(scores, relevant)[:, :k]
    discount = 1 / np.log2(np.arange(2, hits.shape[1] + 2))
    ideal = np.cumsum(discount)[np.clip(relevant.sum(axis=1), 1, hits.shape[1]) - 1]
    return np.where(relevant.any(axis=1), (hits * discount).sum(axis=1) / ideal, np.nan)


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


def _per_row(total: Values, count: Values) -> Values:
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
