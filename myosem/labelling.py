"""Zero-shot labels in an open world: candidates compete with every other action the model knows."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from myosem.feedback import Told, correction, lacking
from myosem.space import NEW

if TYPE_CHECKING:
    from myosem.model import Model

# An action counts as a candidate phrase where their vectors are this close, or, for the action nearest to
# the phrase, at least NEAREST_ACTION close.
SAME_ACTION, NEAREST_ACTION = 0.9, 0.75
RELATED = 0.5
"""The confidence below which a text is about no action."""
ALIKE, UNLIKE = 0.75, 0.4
"""Phrases whose vectors are at least ``ALIKE`` close mean the same, below ``UNLIKE`` something else."""

Vectors = NDArray[np.float32]


class Candidates:
    """Phrases to choose from, beside everything else that the model knows.

    Args:
        model: encodes them.
        phrases: n phrases.
    """

    def __init__(self, model: "Model", phrases: Sequence[str]) -> None:
        self._model = model
        self.phrases = [phrase.strip() for phrase in phrases]

    @cached_property
    def related(self) -> NDArray[np.bool_]:
        """Which of them are about an action ``(n,)``; no segment gets one of the others."""
        return self._model.query_confidence(self.phrases) >= RELATED

    @cached_property
    def _words(self) -> Vectors:
        return self._model.encode_text(self.phrases)

    def choose(self, vectors: Vectors, told: Told | None = None) -> tuple[list[int], list[float]]:
        """For each of ``(N, D)`` vectors the position of its phrase, -1 for none, with its probability.

        Args:
            vectors: of segments.
            told: which phrases some segments of the same person were told to be; those are about an action.
        """
        model = self._model
        related = self.related.copy()
        if told is not None:
            related[told.phrases] = True
        owners = action_owners(self._words, model.action_vectors)
        owners = np.where(np.isin(owners, np.flatnonzero(related)), owners, -1)
        scores = self._scores(vectors)
        if told is not None:
            means = np.concatenate([np.arange(len(self.phrases)), owners])  # (n + A,)
            lack = lacking(self._scores(told.vectors), told.phrases[:, None] == means)
            scores = (scores + correction(vectors, told.vectors, lack)).astype(np.float32)
        candidates, actions = scores[:, : len(self.phrases)], scores[:, len(self.phrases) :]
        candidates = np.where(related, candidates, -np.inf)
        return choose(candidates, actions, owners, model.temperature, model.threshold)

    def nearness(self, vectors: Vectors) -> NDArray[np.float64]:
        """How near ``(N, D)`` vectors lie to each phrase or, where nearer, to an action of its meaning.

        Returns:
            ``(N, n)`` cosines.
        """
        owners = action_owners(self._words, self._model.action_vectors)
        scores = self._scores(vectors)
        return _with_owned(scores[:, : len(self.phrases)], scores[:, len(self.phrases) :], owners)

    def _scores(self, vectors: Vectors) -> Vectors:
        """Of ``(N, D)`` vectors for the n phrases, then for the model's A actions: ``(N, n + A)``."""
        model = self._model
        nearest = (self._words @ model.action_vectors.T).argmax(axis=1)
        raised = NEW * ~model.known_actions[nearest]
        parts = [vectors @ self._words.T + raised, vectors @ model.action_vectors.T]
        return np.asarray(np.concatenate(parts, axis=1), dtype=np.float32)


def judged_by_name(model: "Model", query: str, told: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """What the names of segments say of a search: which are looked for, and which are not.

    A name that means nearly the same as the words, or is a part of it, says neither.

    Args:
        model: encodes the words.
        query: what is looked for; where it is about no action, only its own name says something.
        told: segment id -> what somebody said it is.
    """
    if not told or not query.strip():
        return [], []
    names = list(dict.fromkeys(told.values()))
    words, *named = model.encode_text([query.strip(), *(name.strip() for name in names)])
    closeness = dict(zip(names, (float(words @ one) for one in named), strict=True))
    about = bool(model.query_confidence([query.strip()])[0] >= RELATED)
    more = [segment for segment, name in told.items() if closeness[name] >= ALIKE]
    less = [segment for segment, name in told.items() if about and closeness[name] < UNLIKE]
    return more, less


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
    scores = _with_owned(candidate_scores, action_scores, owners)
    others = action_scores[:, owners < 0].astype(np.float64)
    logits = np.concatenate([scores, others], axis=1) / temperature
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    odds /= odds.sum(axis=1, keepdims=True)
    count = scores.shape[1]
    best = odds[:, :count].argmax(axis=1)
    won = (odds.argmax(axis=1) < count) & (scores.max(axis=1) >= threshold)
    probability = np.where(won, odds[:, :count].max(axis=1), 1 - odds[:, :count].sum(axis=1))
    return np.where(won, best, -1).tolist(), np.clip(probability, 0, 1).tolist()


def _with_owned(
    candidate_scores: Vectors, action_scores: Vectors, owners: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Scores ``(N, n)`` of candidates, each at least those of the actions that count as it."""
    scores = candidate_scores.astype(np.float64)
    for candidate in range(scores.shape[1]):
        own = action_scores[:, owners == candidate]
        scores[:, candidate] = np.maximum(scores[:, candidate], own.max(axis=1, initial=-np.inf))
    return scores
