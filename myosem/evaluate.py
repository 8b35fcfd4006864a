"""Retrieval in both directions: what one system makes of one person's recordings.

Every candidate, an action or a phrase, is searched for among a person's segments (text to EMG), and
each of these segments asks for what was done in it (EMG to text). One value a person and metric; a
data set's value is their mean, its interval comes from drawing people.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from myosem import metrics, relevance
from myosem.records import Span
from myosem.table import ALL, AS_EMG, AS_TEXT, PersonResult
from myosem.trials import TrialSession, people_of

CHANCE_DRAWS = 20

Scores = NDArray[np.floating]
Scorer = Callable[[TrialSession, Sequence[str]], Scores]
"""``(N, A)`` scores of a session's segments for A actions or phrases; it may not look at labels."""


def action_of(span: Span) -> str | None:
    """What was done, without regard to effort."""
    return span.action


@dataclass(frozen=True)
class Question:
    """What is asked of the sessions of one data set.

    Attributes:
        dataset: the data set.
        candidates: what there is to choose from; segments of nothing else are in the pool.
        asked: those that are searched for, and whose segments ask; all candidates where empty.
        among: what the candidates are, where a protocol asks more than one question.
        session: only sessions of this name; all where empty.
        label: what a labelled span counts as.
        grade: how right one candidate is where another was meant: 2 exact, 1 close, 0 wrong.
    """

    dataset: str
    candidates: tuple[str, ...]
    asked: tuple[str, ...] = ()
    among: str = ""
    session: str = ""
    label: Callable[[Span], str | None] = action_of
    grade: Callable[[str, str], int] = relevance.grade

    def labels(self, session: TrialSession) -> list[str]:
        """What each segment counts as, empty where it has no label: N."""
        return [(self.label(span) if span else None) or "" for span in session.session.spans]


def judge(
    scores: Scores,
    labels: Sequence[str],
    candidates: Sequence[str],
    asked: Sequence[str] = (),
    grade: Callable[[str, str], int] = relevance.grade,
) -> dict[str, float]:
    """Metrics of one pool, all of ``myosem.table.ALL``.

    Args:
        scores: ``(N, A)`` of each segment for each candidate.
        labels: which candidate is right for each of the N segments.
        candidates: A of them.
        asked: those searched for, and whose segments ask; all where empty.
        grade: how right one candidate is where another was meant.
    """
    own, place = np.unique(labels, return_inverse=True)
    gains = np.array([[grade(str(one), other) for other in candidates] for one in own])[place]  # (N, A)
    exact = own[place][:, None] == np.array(candidates)[None, :]
    searched = np.isin(candidates, asked or candidates) & exact.any(axis=0)
    to_emg = _measures(scores.T[searched], exact.T[searched], gains.T[searched])
    to_text = _measures(scores, exact, gains)
    values = {AS_EMG[name]: float(found.mean()) for name, found in to_emg.items() if name in AS_EMG}
    for name, found in to_text.items():
        if name in AS_TEXT:
            middle = np.median if name == "median rank" else np.mean
            values[AS_TEXT[name]] = float(np.mean([middle(found[rows]) for rows in exact.T[searched]]))
    values[AS_EMG["median rank"]] = float(np.median(to_emg["median rank"]))
    return values


def _measures(scores: Scores, exact: NDArray[np.bool_], gains: NDArray[np.integer]) -> dict[str, Scores]:
    """Each metric ``(Q,)`` of Q queries."""
    rank = metrics.first_rank(scores, exact)
    return {
        "mAP": metrics.average_precision(scores, exact),
        "P@10": metrics.precision_at(10, scores, exact),
        "nDCG@10": metrics.ndcg_at(10, scores, gains),
        "MRR": 1 / rank,
        "median rank": rank,
        **{f"R@{k}": metrics.recall_at(k, scores, exact) for k in (1, 5, 10)},
    }


def judge_people(
    system: str, fold: int, sessions: Sequence[TrialSession], questions: Sequence[Question], scorer: Scorer
) -> list[PersonResult]:
    """One result for each person, data set and set of candidates, where the person did any of what is asked.

    Several questions about the same (``among``) are one result: the mean of their values.
    """
    results = []
    for own in people_of(sessions).values():
        asked = [one for one in questions if one.dataset == own[0].dataset]
        everything = list(dict.fromkeys(name for one in asked for name in one.candidates))
        if not everything:
            continue
        scores = [scorer(session, everything) for session in own]
        for among in dict.fromkeys(one.among for one in asked):
            same = [one for one in asked if one.among == among]
            parts = [_answer(one, own, scores, everything) for one in same]
            found = [part for part in parts if part is not None]
            if found:
                values = _mean_of([part[1] for part in found])
                pool = sum(part[0] for part in found)
                count = len(same[0].candidates)
                results.append(
                    PersonResult(system, own[0].dataset, own[0].person, fold, pool, count, values, among)
                )
    return results


def _answer(
    question: Question, sessions: Sequence[TrialSession], scores: Sequence[Scores], columns: Sequence[str]
) -> tuple[int, dict[str, float]] | None:
    """Size of the pool and metrics; None where nothing that is asked was done."""
    chosen = [n for n, one in enumerate(sessions) if question.session in ("", one.session.name)]
    if not chosen:
        return None
    labels = np.array([label for n in chosen for label in question.labels(sessions[n])])
    pool = np.isin(labels, question.candidates)
    if not np.isin(labels, question.asked or question.candidates).any():
        return None
    wanted = [columns.index(name) for name in question.candidates]
    values = np.concatenate([scores[n] for n in chosen])[pool][:, wanted]
    known = labels[pool].tolist()
    return len(known), judge(values, known, question.candidates, question.asked, question.grade)


def chance(fold: int, sessions: Sequence[TrialSession], questions: Sequence[Question]) -> list[PersonResult]:
    """The mean of ``CHANCE_DRAWS`` systems that guess."""
    generator = np.random.default_rng(fold)

    def guess(session: TrialSession, candidates: Sequence[str]) -> Scores:
        return generator.random((len(session), len(candidates)))

    draws = [judge_people("chance", fold, sessions, questions, guess) for _ in range(CHANCE_DRAWS)]
    return [
        replace(same[0], values=_mean_of([one.values for one in same])) for same in zip(*draws, strict=True)
    ]


def _mean_of(values: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([one[name] for one in values])) for name in ALL}


def actions_of(sessions: Iterable[TrialSession], dataset: str) -> tuple[str, ...]:
    """All actions that occur in the sessions of a data set, sorted."""
    return tuple(
        sorted(
            {
                action
                for session in sessions
                if session.dataset == dataset
                for action in session.session.actions
                if action
            }
        )
    )
