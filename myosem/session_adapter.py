"""A session's vectors, moved towards the words for what was probably done in it.

A gate guesses from the unlabelled session which data sets it resembles. Their discriminants
(``myosem.adaptation``) say what each segment probably was, and that moves its vector. Its pose and its
effort stand beside (``myosem.space``). Whatever this needs is kept in one file beside the weights.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myosem.adaptation import TINY, VIEWS, Learned, Scale, Statistics, Wide, unit
from myosem.errors import ModelError
from myosem.features import READ, SCALARS, turned
from myosem.space import join_emg, session_effort
from myosem.zero_shot import CONTRACTION, PoseReader

GATE_SOFTNESS = 5.0
NEGLIGIBLE = 0.02
RECALL = 0.5
LEVEL = READ - SCALARS + 1
"""Which number of a segment is its log power over rest."""


@dataclass(frozen=True)
class Gate:
    """Which of S data sets a session resembles, from mean and spread of its features.

    Attributes:
        center: ``(READ,)`` of all training segments.
        scale: ``(READ,)`` of all training segments.
        weight: ``(2 * READ, S)``.
        bias: ``(S,)``.
    """

    center: Wide
    scale: Wide
    weight: Wide
    bias: Wide

    def __call__(self, features: NDArray[np.float32]) -> Wide:
        """Shares of the data sets ``(S,)``, in all 1, for the ``(N, WIDTH)`` of a session."""
        logits = (self.statistics(features) @ self.weight + self.bias) / GATE_SOFTNESS
        shares = np.exp(logits - logits.max())
        return np.asarray(shares / shares.sum())

    def statistics(self, features: NDArray[np.float32]) -> Wide:
        """Mean and spread of each number on the scale of all people: ``(2 * READ,)``."""
        fixed = ((features[:, :READ] - self.center) / self.scale).clip(-8, 8)
        return np.concatenate([fixed.mean(axis=0), fixed.std(axis=0)])


@dataclass(frozen=True)
class Adapted:
    """What a session made of the adapter, to read further segments of it at once.

    Attributes:
        turn: radians by which the band is turned back.
        shares: of the S data sets, in all 1.
        learned: one for each data set that has a share.
    """

    turn: float
    shares: Wide
    learned: Mapping[int, Learned]


@dataclass(frozen=True)
class SessionAdapter:
    """Moves the vectors of a session towards the words for what was probably done in it.

    Attributes:
        gate: shares of the S data sets.
        statistics: of the training people of each.
        anchors: for each data set ``(K, D)``, where the words of its actions lie.
        pose: reads poses, of the same data sets; None where there are none.
    """

    gate: Gate
    statistics: tuple[Statistics, ...]
    anchors: tuple[Wide, ...]
    pose: PoseReader | None = None

    @property
    def parts(self) -> int:
        """How many numbers the pose has in a vector."""
        return self.pose.parts if self.pose else 0

    def straightened(self, features: NDArray[np.float32], turn: float | None = None) -> NDArray[np.float32]:
        """A session's ``(N, WIDTH)`` turned back by ``turn`` radians, by default by ``turn_of`` them."""
        turn = self.turn_of(features) if turn is None else turn
        return turned(features, turn) if turn else features

    def turn_of(self, features: NDArray[np.float32]) -> float:
        """Radians by which a session's ``(N, WIDTH)`` are to be turned, as the people it resembles say."""
        if not len(features) or not self.statistics:
            return 0.0
        return self.statistics[int(self.gate(features).argmax())].turn_of(features)

    def adapted(
        self, features: NDArray[np.float32], encoded: NDArray[np.float32], turn: float = 0.0
    ) -> Adapted:
        """Learn from a session.

        Args:
            features: ``(N, WIDTH)``, straightened.
            encoded: ``(N, D)`` by the encoder, of unit length.
            turn: by which they were turned.
        """
        shares = self.gate(features)
        shares = np.where(shares < NEGLIGIBLE, 0, shares)
        shares = shares / shares.sum()
        learned = {
            number: self.statistics[number].learned(features, encoded, self.anchors[number])
            for number in np.flatnonzero(shares).tolist()
        }
        return Adapted(turn, shares, learned)

    def vectors(
        self, features: NDArray[np.float32], encoded: NDArray[np.float32], adapted: Adapted | None = None
    ) -> NDArray[np.float32]:
        """Vectors of a session's segments in the space that words share, of unit length.

        Args:
            features: ``(N, WIDTH)``, straightened.
            encoded: ``(N, D)`` by the encoder, of unit length.
            adapted: what earlier segments of the session taught; by default these segments teach.

        Returns:
            ``(N, D + P + BEYOND)``.
        """
        if not len(features) or not self.statistics:
            return join_emg(encoded, np.zeros((len(features), self.parts)), np.zeros(len(features)))
        adapted = adapted or self.adapted(features, encoded)
        level = features[:, LEVEL].astype(np.float64)
        none = np.zeros((len(features), 0))
        pose = self.pose.read(features, self.gate(features)) if self.pose else none
        done, expected = encoded.astype(np.float64), np.zeros(len(features))
        for number, learned in adapted.learned.items():
            share, anchors = adapted.shares[number], self.anchors[number]
            likely = np.exp(learned.log_posterior(features, encoded))
            done += RECALL * share * likely @ anchors
            expected += share * likely @ (likely.T @ level / (likely.sum(axis=0) + TINY))
        contraction = features[:, CONTRACTION] > 0.5
        return join_emg(unit(done), pose, session_effort(level, expected, contraction))

    def probabilities(
        self, features: NDArray[np.float32], vectors: NDArray[np.floating] | None, actions: Sequence[str]
    ) -> Wide:
        """What the segments of a session of an unknown data set probably are: ``(N, A)``.

        Each known data set says so for its own actions among these, weighed by how the session resembles it.
        """
        total, weight = np.zeros((len(features), len(actions))), np.zeros(len(actions))
        for share, known, anchors in zip(self.gate(features), self.statistics, self.anchors, strict=True):
            columns = [actions.index(action) for action in known.actions if action in actions]
            rows = [number for number, action in enumerate(known.actions) if action in actions]
            if len(rows) < 2:
                continue
            logs = known.log_posterior(known.straightened(features), vectors, anchors)[:, rows]
            likely = np.exp(logs - logs.max(axis=1, keepdims=True))
            total[:, columns] += share * likely / likely.sum(axis=1, keepdims=True)
            weight[columns] += share
        return np.asarray(total / np.maximum(weight, TINY))

    def save(self, file: Path) -> None:
        """Write all numbers to an .npz file."""
        arrays: dict[str, NDArray[np.generic]] = {
            f"gate.{name}": getattr(self.gate, name).astype(np.float32) for name in _GATE
        }
        for number, (known, anchors) in enumerate(zip(self.statistics, self.anchors, strict=True)):
            arrays |= {
                f"{number}.dataset": np.array(known.dataset),
                f"{number}.actions": np.array(known.actions),
                f"{number}.people": np.array(known.people),
                f"{number}.angles": known.angles,
                f"{number}.context": np.array(known.context),
                f"{number}.scale": np.stack([known.scale.mean, known.scale.variance]).astype(np.float32),
                f"{number}.anchors": anchors.astype(np.float32),
            }
            for view, (mean, covariance) in enumerate(zip(known.mean, known.covariance, strict=True)):
                arrays[f"{number}.mean.{view}"] = mean.astype(np.float32)
                arrays[f"{number}.covariance.{view}"] = covariance.astype(np.float32)
        if self.pose:
            arrays |= {f"pose.{name}": own for name, own in self.pose.arrays().items()}
        with file.open("wb") as stream:
            np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]

    @classmethod
    def load(cls, file: Path) -> "SessionAdapter":
        """Read what ``save`` wrote.

        Raises:
            ModelError: the file is missing, damaged or something else.
        """
        try:
            with file.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
                arrays = dict(stored)
            gate = Gate(**{name: arrays[f"gate.{name}"].astype(np.float64) for name in _GATE})
            statistics = tuple(_stored(arrays, number) for number in range(len(gate.bias)))
            anchors = tuple(arrays[f"{n}.anchors"].astype(np.float64) for n in range(len(gate.bias)))
            poses = {key.removeprefix("pose."): own for key, own in arrays.items() if key.startswith("pose.")}
            pose = PoseReader.of(poses) if poses else None
        except Exception as error:  # zipfile, zlib and numpy each have their own
            raise ModelError(
                f"{file} cannot be loaded", got=error, expected="what myosem export writes"
            ) from error
        return cls(gate, statistics, anchors, pose)


_GATE = ("center", "scale", "weight", "bias")


def _stored(arrays: dict[str, NDArray[np.generic]], number: int) -> Statistics:
    return Statistics(
        dataset=str(arrays[f"{number}.dataset"]),
        angles=arrays[f"{number}.angles"].astype(np.float64),
        actions=tuple(str(action) for action in arrays[f"{number}.actions"]),
        people=int(arrays[f"{number}.people"]),
        context=bool(arrays[f"{number}.context"]),
        scale=Scale(*arrays[f"{number}.scale"].astype(np.float64)),
        mean=tuple(arrays[f"{number}.mean.{view}"].astype(np.float64) for view in range(VIEWS)),
        covariance=tuple(arrays[f"{number}.covariance.{view}"].astype(np.float64) for view in range(VIEWS)),
    )
