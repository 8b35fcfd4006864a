"""Retrieval on people never seen, in both directions, beside chance and a plain baseline.

For each fold the model is trained from fresh weights on the other people of all data sets. Then every
tested person's recordings are searched with the name of each action (text to EMG), and each of their
segments asks for its action among the actions of its data set (EMG to text). One value a person and
metric; a data set's value is their mean, its interval comes from drawing people.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from myosem import metrics
from myosem.baselines.lda import LdaRetriever
from myosem.corpus import Session
from myosem.table import METRICS, PersonResult

CHANCE_DRAWS = 20

Scores = NDArray[np.floating]
Scorer = Callable[[Session], Scores]


class Trained(Protocol):
    """A trained model as evaluation sees it."""

    def __call__(self, session: Session, actions: Sequence[str]) -> Scores:
        """``(N, A)`` scores of a session's segments for some actions."""


def actions_of(sessions: Iterable[Session]) -> tuple[str, ...]:
    """All actions that occur in sessions, sorted."""
    return tuple(sorted({action for session in sessions for action in session.actions if action}))


def judge(scores: Scores, labels: Sequence[str], actions: Sequence[str]) -> dict[str, float]:
    """Metrics of one pool.

    Args:
        scores: ``(N, A)`` of each segment for each action.
        labels: the action of each of the N segments.
        actions: the A candidates.
    """
    relevant = np.array(labels)[:, None] == np.array(actions)[None, :]
    present = relevant.any(axis=0)
    queries, found = scores.T[present], relevant.T[present]
    top, five = metrics.recall_at(1, scores, relevant), metrics.recall_at(5, scores, relevant)
    return {
        "mAP": float(metrics.average_precision(queries, found).mean()),
        "P@10": float(metrics.precision_at(10, queries, found).mean()),
        "nDCG@10": float(metrics.ndcg_at(10, queries, found).mean()),
        "R@1": float(np.mean([top[row].mean() for row in found])),
        "R@5": float(np.mean([five[row].mean() for row in found])),
    }


def judge_people(
    system: str, fold: int, sessions: Sequence[Session], actions: Sequence[str], scorer: Scorer
) -> list[PersonResult]:
    """One result a person who did any of ``actions``.

    ``scorer`` gives ``(N, A)`` scores of a session for ``actions``.
    """
    ordered = sorted(sessions, key=lambda session: session.person)
    results = []
    for person, group in groupby(ordered, key=lambda session: session.person):
        own = list(group)
        scores = np.concatenate([scorer(session) for session in own])
        labels = np.array([action or "" for session in own for action in session.actions])
        known = np.isin(labels, actions)
        if not known.any():
            continue
        values = judge(scores[known], labels[known].tolist(), actions)
        results.append(
            PersonResult(system, own[0].dataset, person, fold, int(known.sum()), len(actions), values)
        )
    return results


def evaluate_fold(
    training: Sequence[Session], tested: Sequence[Session], fold: int, model: Trained
) -> list[PersonResult]:
    """Model, baseline and chance on the people of one fold.

    Args:
        training: sessions that ``model`` was trained on; the baseline is trained on them here.
        tested: sessions of other people.
        fold: its number.
        model: scores a session's segments for some actions.
    """
    results: list[PersonResult] = []
    for dataset in sorted({session.dataset for session in tested if any(session.actions)}):
        own = [session for session in tested if session.dataset == dataset]
        known = [one for one in training if one.dataset == dataset and not one.slower]
        baseline = LdaRetriever(known)
        actions = baseline.actions
        results += judge_people("MyoSem", fold, own, actions, partial(model, actions=actions))
        results += judge_people(baseline.name, fold, own, actions, baseline.scores)
        guess = partial(_guess, np.random.default_rng(fold), len(actions))
        chance = [judge_people("chance", fold, own, actions, guess) for _ in range(CHANCE_DRAWS)]
        results += [_mean(draws) for draws in zip(*chance, strict=True)]
    return results


def _guess(generator: np.random.Generator, actions: int, session: Session) -> Scores:
    return generator.random((len(session.actions), actions))


def _mean(draws: Sequence[PersonResult]) -> PersonResult:
    values = {name: float(np.mean([draw.values[name] for draw in draws])) for name in METRICS}
    return replace(draws[0], values=values)
