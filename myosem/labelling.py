"""Zero-shot labels in an open world: candidates compete with every other action the model knows."""

import numpy as np
from numpy.typing import NDArray

# An action counts as a candidate phrase where their vectors are this close, or, for the action nearest to
# the phrase, at least NEAREST_ACTION close.
SAME_ACTION, NEAREST_ACTION = 0.9, 0.75

Vectors = NDArray[np.float32]


def action_owners(phrases: Vectors, actions: Vectors) -> NDArray[np.int64]:
    """For each of A actions the phrase that means the same ``(A,)``, -1 where none does.

    Args:
        phrases: unit vectors ``(n, D)``.
        actions: unit vectors ``(A, D)``.
    """
    closeness = actions @ phrases.T
    owners = closeness.argmax(axis=1)
    same = closeness.max(axis=1) >= SAME_ACTION
    for phrase, action in enumerate(closeness.argmax(axis=0)):
        same[action] |= owners[action] == phrase and closeness[action, phrase] >= NEAREST_ACTION
    return np.where(same, owners, -1)


def choose(
    candidate_scores: Vectors,
    action_scores: Vectors,
    owners: NDArray[np.int64],
    temperature: float,
    threshold: float,
) -> tuple[list[int], list[float]]:
    """The candidate of each segment, or -1 for none of them, with its probability.

    Args:
        candidate_scores: cosines of segments and candidates ``(N, n)``.
        action_scores: cosines of segments and the model's actions ``(N, A)``.
        owners: the candidate each action counts as, -1 for none ``(A,)``.
        temperature: divides cosines before the softmax.
        threshold: the cosine below which nothing fits.
    """
    scores = candidate_scores.astype(np.float64)
    for candidate in range(scores.shape[1]):
        own = action_scores[:, owners == candidate]
        scores[:, candidate] = np.maximum(scores[:, candidate], own.max(axis=1, initial=-np.inf))
    others = action_scores[:, owners < 0].astype(np.float64)
    logits = np.concatenate([scores, others], axis=1) / temperature
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    odds /= odds.sum(axis=1, keepdims=True)
    count = scores.shape[1]
    best = odds[:, :count].argmax(axis=1)
    won = (odds.argmax(axis=1) < count) & (scores.max(axis=1) >= threshold)
    probability = np.where(won, odds[:, :count].max(axis=1), 1 - odds[:, :count].sum(axis=1))
    return np.where(won, best, -1).tolist(), np.clip(probability, 0, 1).tolist()
