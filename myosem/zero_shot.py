"""Reading actions that nobody in the training people did, from what they share with those somebody did.

An action's signature (``myosem.prompts.signature``) says which joints and muscles it takes. A Gaussian
process over signatures predicts from the training people's mean of each action in each data set where the
mean of any other action lies: near those of similar actions, above all of the same data set. Fisher's
discriminant towards that mean is a product of two parts, one read from a segment and one from a signature,
and neither needs to know the other. Nothing here reads a label of the session.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myosem.adaptation import TINY, Wide, unit
from myosem.errors import ModelError
from myosem.features import GROUPS, READ
from myosem.ring import HARMONICS

PARTS = 64
"""The most numbers that a part may have."""

LENGTH_SCALE = 2.0
"""How far apart two signatures are whose actions say little of each other."""

OWN = 0.02
"""Variance of a mean that its signature does not explain; what it explains has 1."""

COMMON = 0.3
"""Correlation of the means of one action in two data sets."""

LEVEL_GROUPS = 3
"""Groups of the features that are used: mean, spread and trend of the level; after them the covariance."""

USED = np.r_[: LEVEL_GROUPS * HARMONICS, GROUPS * HARMONICS : GROUPS * HARMONICS + HARMONICS**2]
CONTRACTION = READ - 1
"""Which number of a segment says whether it is a contraction."""

LEAST_CONTRACTIONS = 8
FLOOR = 1.0
"""Spread of all training segments that a session's own is added to."""

SHRINKAGE = 0.25
FURTHEST = 6.0

Training = tuple[str, NDArray[np.float32], Sequence[str | None]]
"""A session: its data set, features ``(N, WIDTH)``, the action of each segment or None."""


@dataclass(frozen=True)
class PoseReader:
    """What segments and signatures have in common; S data sets, A actions, W numbers used, P parts.

    Attributes:
        datasets: S names, in the order of the shares that ``read`` takes.
        spread: ``(W,)`` of each number over all training segments.
        signatures: ``(A, SIGNATURE)`` of the training actions.
        from_words: ``(A + 1, P)``, from likeness to each training action, and a one, to parts.
        from_numbers: ``(S, W, P)``, from a session's numbers to parts, one for each data set.
    """

    datasets: tuple[str, ...]
    spread: Wide
    signatures: Wide
    from_words: Wide
    from_numbers: Wide

    @classmethod
    def fit(
        cls,
        sessions: Sequence[Training],
        signatures: Mapping[str, NDArray[np.floating]],
        datasets: Sequence[str] | None = None,
    ) -> "PoseReader":
        """Learn from sessions of training people.

        Args:
            sessions: of any data sets, in any order.
            signatures: ``(SIGNATURE,)`` of the actions to learn from; segments of others are left out.
            datasets: the order of the shares that ``read`` will be given, sorted by name where None.

        Raises:
            ModelError: the sessions are not of ``datasets``, or one of these has no segment of an action
                with a signature.
        """
        names = tuple(sorted({one[0] for one in sessions}) if datasets is None else datasets)
        _check(sessions, signatures, names)
        spread = np.concatenate([one[1][:, USED] for one in sessions]).std(axis=0, dtype=np.float64)
        groups = _groups(sessions, signatures, spread)
        whitener = _whitener(list(groups.values()))
        actions = sorted({action for _, action in groups})
        known = np.stack([np.asarray(signatures[action], dtype=np.float64) for action in actions])
        means = {key: own.mean(axis=0) @ whitener for key, own in groups.items()}
        expected = _expected(means, actions, known, names)  # (S, A + 1, W)
        from_words, from_whitened = _factors(expected)
        lengths = [
            np.linalg.norm(own @ whitener @ from_whitened[names.index(dataset)], axis=1)
            for (dataset, _), own in groups.items()
        ]
        from_numbers = whitener @ from_whitened / (np.median(np.concatenate(lengths)) + TINY)
        return cls(names, spread, known, from_words, from_numbers)

    @property
    def parts(self) -> int:
        """P."""
        return int(self.from_words.shape[1])

    def read(self, features: NDArray[np.float32], shares: Wide) -> NDArray[np.float32]:
        """Parts ``(N, P)`` of a session's segments, of length 1 as a rule and longer the clearer one is.

        Args:
            features: ``(N, WIDTH)`` of all segments of the session.
            shares: ``(S,)`` how much the session resembles each data set, in all 1.
        """
        reader = np.tensordot(shares, self.from_numbers, axes=1)
        return np.asarray(_standard(features, self.spread) @ reader, dtype=np.float32)

    def words(self, signatures: NDArray[np.floating]) -> NDArray[np.float32]:
        """Parts ``(n, P)`` of ``(n, SIGNATURE)``, of length 1; times those of a segment, how well it fits."""
        return unit(_likeness(signatures, self.signatures) @ self.from_words).astype(np.float32)

    def novelty(self, signatures: NDArray[np.floating]) -> Wide:
        """How far ``(n, SIGNATURE)`` are from what anybody did: ``(n,)``, 0 did it, 1 did nothing like it.

        Means are predicted nearer to each other than they are, so an action somebody did fits its segments
        better than one that nobody did fits its own. What compares both has to add some of this.
        """
        return np.asarray(1 - _likeness(signatures, self.signatures)[:, :-1].max(axis=1))

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """All of it for an .npz file that needs no pickle."""
        numbers = {name: getattr(self, name).astype(np.float32) for name in _NUMBERS}
        return {"datasets": np.array(self.datasets, dtype=np.str_), **numbers}

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[np.generic]]) -> "PoseReader":
        """What ``arrays`` gave.

        Raises:
            KeyError: an array is missing.
        """
        datasets = tuple(str(name) for name in arrays["datasets"])
        return cls(datasets, *(arrays[name].astype(np.float64) for name in _NUMBERS))


_NUMBERS = ("spread", "signatures", "from_words", "from_numbers")


def _check(sessions: Sequence[Training], signatures: Mapping[str, object], names: Sequence[str]) -> None:
    learned = {name for name, _, actions in sessions if any(action in signatures for action in actions)}
    if not names or {one[0] for one in sessions} - set(names) or set(names) - learned:
        raise ModelError(
            "actions nobody did cannot be learned",
            got=f"segments of known actions in {sorted(learned)}",
            expected=f"some in each of {sorted(names)} and in no other data set",
        )


def _standard(features: NDArray[np.float32], spread: Wide) -> Wide:
    """A session's ``(N, W)`` about the mean of its contractions, in units of its own spread."""
    numbers = features[:, USED].astype(np.float64)
    if not len(numbers):
        return numbers
    contraction = features[:, CONTRACTION] > 0.5
    center = numbers[contraction] if contraction.sum() >= LEAST_CONTRACTIONS else numbers
    scale = numbers.std(axis=0) + FLOOR * spread + TINY
    return np.asarray(((numbers - center.mean(axis=0)) / scale).clip(-FURTHEST, FURTHEST))


def _groups(
    sessions: Sequence[Training], signatures: Mapping[str, object], spread: Wide
) -> dict[tuple[str, str], Wide]:
    """Standardised numbers ``(n, W)`` of each action in each data set."""
    found: dict[tuple[str, str], list[Wide]] = {}
    for dataset, features, actions in sessions:
        numbers, labels = _standard(features, spread), np.array([action or "" for action in actions])
        for action in set(labels.tolist()) & set(signatures):
            found.setdefault((dataset, action), []).append(numbers[labels == action])
    return {key: np.concatenate(found[key]) for key in sorted(found)}


def _whitener(groups: Sequence[Wide]) -> Wide:
    """``(W, W)`` that makes the shrunk covariance within groups, each of which counts alike, a ball."""
    covariance = np.mean([np.cov(own.T, bias=True) for own in groups], axis=0)
    level = np.trace(covariance) / len(covariance)
    values, directions = np.linalg.eigh((1 - SHRINKAGE) * covariance)
    stretch = 1 / np.sqrt(values.clip(0) + SHRINKAGE * level + TINY)
    return np.asarray((directions * stretch) @ directions.T)


def _expected(
    means: Mapping[tuple[str, str], Wide], actions: Sequence[str], known: Wide, names: Sequence[str]
) -> Wide:
    """Weights ``(S, A + 1, W)`` that make of likeness the mean of an action in each data set."""
    dataset = np.array([names.index(key[0]) for key in means])
    action = np.array([actions.index(key[1]) for key in means])
    values = np.stack(list(means.values()))
    base = np.stack([values[dataset == number].mean(axis=0) for number in range(len(names))])
    same = COMMON + (1 - COMMON) * (dataset[:, None] == np.arange(len(names)))  # (M, S)
    likeness = _likeness(known, known)[:, :-1][np.ix_(action, action)]
    kernel = likeness * same[:, dataset] + OWN * np.eye(len(values))
    weights = np.linalg.solve(kernel, values - base[dataset])
    member = (action[:, None] == np.arange(len(actions))).astype(np.float64)  # (M, A)
    by_action = np.einsum("ms,ma,mw->saw", same, member, weights, optimize=True)
    return np.concatenate([by_action, base[:, None]], axis=1)


def _likeness(signatures: NDArray[np.floating], known: Wide) -> Wide:
    """``(n, A + 1)`` of ``(n, SIGNATURE)`` to each of the A known, 1 where they are equal, then a one."""
    wide = np.asarray(signatures, dtype=np.float64)
    distance = ((wide[:, None] - known) ** 2).sum(axis=2)
    likeness = np.exp(-distance / (2 * LENGTH_SCALE**2))
    return np.concatenate([likeness, np.ones((len(wide), 1))], axis=1)


def _factors(expected: Wide) -> tuple[Wide, Wide]:
    """``(S, A + 1, W)`` as the product of ``(A + 1, P)`` and of ``(S, P, W)``, given as ``(S, W, P)``.

    The length of a signature's parts is that of its mean in the data sets, so that unit parts compare
    directions.
    """
    count, rows, width = expected.shape
    wide = expected.transpose(1, 0, 2).reshape(rows, count * width)  # (A + 1, S * W)
    left, strength, right = np.linalg.svd(wide, full_matrices=False)
    from_words = (left * strength)[:, :PARTS]
    return from_words, right[:PARTS].reshape(-1, count, width).transpose(1, 2, 0)
