"""What a linear discriminant of each data set says of a segment: closed-form evidence for the encoder.

Every data set has its own covariance, for electrodes, rates and protocols differ; a shrinkage LDA
of each one is hard to beat with few people. Their scores are inputs to the encoder, which learns
from the session which of them to believe. So that it does not learn to trust scores that have seen
the answer, the scores of a training session come from a discriminant that never saw its person.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from myosem.features import READ
from myosem.session_adapter import Gate

PARTS = 4
GATE_PARTS = (32, 8, 2)
GATE_SHRINKAGE = 0.2

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Example:
    """One session as discriminants see it; N segments.

    Attributes:
        dataset: number of the data set.
        person: who it is.
        fixed: ``(N, READ)`` on the scale of all people.
        own: ``(N, READ)`` standardised on the session.
        action: ``(N,)`` numbers, -1 for none.
    """

    dataset: int
    person: str
    fixed: Array
    own: Array
    action: NDArray[np.int64]


@dataclass(frozen=True)
class Discriminants:
    """Linear scores: ``own @ weight + bias`` gives ``(N, E)``, one for each action of each data set.

    Attributes:
        weight: ``(READ, E)``.
        bias: ``(E,)``.
        dataset: ``(E,)`` the data set of each score.
        action: ``(E,)`` the action of each score.
    """

    weight: Array
    bias: Array
    dataset: NDArray[np.int64]
    action: NDArray[np.int64]


def fit_discriminants(examples: Sequence[Example]) -> tuple[Discriminants, list[Array]]:
    """Discriminants of all data sets, and each example's scores by ones that never saw its person."""
    fitted, columns = [], []
    for dataset in sorted({example.dataset for example in examples}):
        own = [example for example in examples if example.dataset == dataset]
        classes = np.unique(np.concatenate([example.action for example in own]))
        fitted.append(_fit(own, classes[classes >= 0], dataset))
        columns.append(_unseen_scores(examples, fitted[-1], dataset))
    discriminants = Discriminants(
        weight=np.concatenate([one.weight for one in fitted], axis=1),
        bias=np.concatenate([one.bias for one in fitted]),
        dataset=np.concatenate([one.dataset for one in fitted]),
        action=np.concatenate([one.action for one in fitted]),
    )
    return discriminants, [np.concatenate(parts, axis=1) for parts in zip(*columns, strict=True)]


def fit_gate(
    sessions: Sequence[NDArray[np.float32]],
    datasets: Sequence[int],
    center: Array,
    scale: Array,
    seed: int = 0,
) -> Gate:
    """LDA of the data sets, all equally likely, from sessions ``(N, READ)`` and small parts of them."""
    generator = np.random.default_rng(seed)
    count = max(datasets, default=-1) + 1
    gate = Gate(
        center.astype(np.float64), scale.astype(np.float64), np.zeros((2 * READ, count)), np.zeros(count)
    )
    rows, owner = [], []
    for features, dataset in zip(sessions, datasets, strict=True):
        for size in (len(features), *GATE_PARTS) if len(features) else ():
            rows.append(gate.statistics(features[generator.permutation(len(features))[:size]]))
            owner.append(dataset)
    present = np.unique(owner)
    if len(present) > 2:
        equal = np.full(len(present), 1 / len(present))
        model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=GATE_SHRINKAGE, priors=equal)
        model.fit(np.array(rows), owner)
        gate.weight[:, present], gate.bias[present] = model.coef_.T, model.intercept_
    return gate


def _unseen_scores(examples: Sequence[Example], full: Discriminants, dataset: int) -> list[Array]:
    """Scores of one data set's discriminant for all examples; its own people by one fitted without them."""
    people = sorted({example.person for example in examples if example.dataset == dataset})
    part_of = {person: number % PARTS for number, person in enumerate(people)}
    fitted = {}
    for part in set(part_of.values()):
        rest = [e for e in examples if e.dataset == dataset and part_of[e.person] != part]
        fitted[part] = _fit(rest, full.action, dataset)
    return [_scores(fitted[part_of[e.person]] if e.dataset == dataset else full, e.own) for e in examples]


def _scores(discriminants: Discriminants, own: Array) -> Array:
    return own @ discriminants.weight + discriminants.bias


def _fit(examples: Sequence[Example], classes: NDArray[np.int64], dataset: int) -> Discriminants:
    """Shrinkage LDA (Ledoit-Wolf); zero for actions without examples, and for fewer than three actions."""
    weight, bias = np.zeros((len(classes), READ), np.float32), np.zeros(len(classes), np.float32)
    owner = np.full(len(classes), dataset)
    if not examples:
        return Discriminants(weight.T, bias, owner, classes)
    values = np.concatenate([example.own for example in examples])
    action = np.concatenate([example.action for example in examples])
    known = action >= 0
    present = np.unique(action[known])
    if len(present) > 2:
        model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(values[known], action[known])
        rows = np.searchsorted(classes, present)
        centered = model.coef_ - model.coef_.mean(axis=0)
        weight[rows] = centered
        bias[rows] = model.intercept_ - model.intercept_.mean()
    return Discriminants(weight.T, bias, owner, classes)
