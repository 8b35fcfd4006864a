"""A person: one forearm and one way of using it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myosem.errors import UsageError
from myosem.prompts import POSE_FIELDS, Pose
from myosem.synth.anatomy import HEADS, LENGTH_MM

Array = NDArray[np.float64]

WRIST = tuple(POSE_FIELDS.index(name) for name in ("wrist_flexion", "ulnar_deviation"))
PALMARIS_ABSENT = 0.14


@dataclass(frozen=True, eq=False)
class ForearmSubject:
    """A forearm and how it is driven; H muscle heads, P pose fields.

    Attributes:
        name: of the person.
        radius_mm: of the limb at the elbow end.
        length_mm: of the forearm.
        fat_mm: thickness of skin and fat.
        heads: ``(H, 5)``: angle in degrees, depth below the fat, middle along the limb, length of the
            belly, width across, the last four in mm.
        strength_mv: ``(H,)`` what a full contraction gives in a pair 10 mm away.
        drive: ``(H, P)`` signed recruitment of each head by each pose field.
        style: ``(P, P)`` the pose this person takes when asked for one.
        co_contraction: share of an agonist's drive that its antagonist gets.
        stabilisation: share of the wrist's pull by finger muscles that the wrist muscles balance.
        tone: ``(H,)`` activation at rest.
        decay: power with which signals fall with distance.
        peak_hz: peak of the spectrum of a muscle 10 mm away.
        delay_s: ``(H,)`` when each head joins a movement.
        tremor: depth of the tremor.
        tremor_hz: frequency of the tremor.
        steadiness: spread of pose and logarithm of effort between repetitions.
    """

    name: str
    radius_mm: float
    length_mm: float
    fat_mm: float
    heads: Array
    strength_mv: Array
    drive: Array
    style: Array
    co_contraction: float
    stabilisation: float
    tone: Array
    decay: float
    peak_hz: float
    delay_s: Array
    tremor: float
    tremor_hz: float
    steadiness: float

    @classmethod
    def typical(cls) -> "ForearmSubject":
        """The forearm of the anatomy table, without any deviation from it."""
        return cls(
            name="typical",
            radius_mm=43.0,
            length_mm=LENGTH_MM,
            fat_mm=3.0,
            heads=_head_table(),
            strength_mv=0.4 * np.sqrt([head.size_cm2 for head in HEADS]),
            drive=_drive_table(),
            style=np.eye(len(POSE_FIELDS)),
            co_contraction=0.12,
            stabilisation=0.35,
            tone=np.full(len(HEADS), 0.012, dtype=np.float64),
            decay=1.6,
            peak_hz=95.0,
            delay_s=np.zeros(len(HEADS)),
            tremor=0.06,
            tremor_hz=10.0,
            steadiness=0.06,
        )

    @classmethod
    def sample(cls, seed: int) -> "ForearmSubject":
        """A person drawn at random; the same seed gives the same person.

        Raises:
            UsageError: a seed below 0.
        """
        if seed < 0:
            raise UsageError("no simulated subject has this seed", got=seed, expected="0 or more")
        rng = np.random.default_rng([seed, 0])
        mean = cls.typical()
        count, fields = mean.drive.shape
        length_mm = float(rng.normal(LENGTH_MM, 14))
        strength = mean.strength_mv * rng.lognormal(0, 0.5, count) * rng.lognormal(0, 0.3)
        if rng.random() < PALMARIS_ABSENT:
            strength[[head.muscle == "palmaris longus" for head in HEADS]] = 0.0
        gains = mean.drive * rng.lognormal(0, 0.5, mean.drive.shape)
        return cls(
            name=f"s{seed}",
            radius_mm=float(np.clip(rng.normal(43, 4), 32, 54)),
            length_mm=length_mm,
            fat_mm=float(np.clip(rng.lognormal(np.log(3.0), 0.5), 1.0, 12.0)),
            heads=_vary_heads(mean.heads, length_mm / LENGTH_MM, rng),
            strength_mv=strength,
            drive=gains + 0.08 * rng.standard_normal((count, fields)),
            style=mean.style * rng.uniform(0.6, 1.1, fields) + 0.12 * rng.standard_normal((fields, fields)),
            co_contraction=float(rng.uniform(0.04, 0.4)),
            stabilisation=float(rng.uniform(0.15, 0.5)),
            tone=mean.tone * rng.lognormal(0, 0.6) * rng.lognormal(0, 0.6, count),
            decay=float(rng.uniform(1.2, 2.0)),
            peak_hz=float(rng.normal(95, 8)),
            delay_s=np.abs(0.03 * rng.standard_normal(count)),
            tremor=float(rng.uniform(0.02, 0.12)),
            tremor_hz=float(rng.uniform(8, 12)),
            steadiness=float(rng.uniform(0.05, 0.22)),
        )

    def recruit(self, pose: Array) -> tuple[Array, Array]:
        """What a pose asks of each head, before effort.

        Finger muscles cross the wrist: what they would do to it is balanced by asking the wrist
        for the opposite, so that a fist recruits wrist extensors.

        Args:
            pose: ``(P,)`` or ``(n, P)`` in the order of ``POSE_FIELDS``.

        Returns:
            Drive as agonist and as antagonist, each ``(..., H)`` and not negative.
        """
        pose = np.asarray(pose) @ self.style.T
        wrist = list(WRIST)
        asked = pose[..., wrist]
        free = pose.copy()
        free[..., wrist] = 0.0
        pull = np.maximum(free @ self.drive.T, 0.0) @ self.drive[:, wrist]
        balanced = free
        balanced[..., wrist] = asked - self.stabilisation * pull
        drive = balanced @ self.drive.T
        return np.maximum(drive, 0.0), self.co_contraction * np.maximum(-drive, 0.0)

    def activate(self, pose: Array, effort: float | Array) -> Array:
        """Activation of each head ``(..., H)`` from 0 to 1 for a pose held with an effort from 0 to 1."""
        agonist, antagonist = self.recruit(pose)
        return saturate(agonist + antagonist, np.asarray(effort, dtype=np.float64)[..., None])

    def radius_at(self, along_mm: Array) -> Array:
        """Radius of the limb in mm, which tapers towards the wrist."""
        place = np.clip(np.asarray(along_mm) / self.length_mm, 0.0, 1.0)
        return np.asarray(self.radius_mm * (1.05 - 0.42 * place))


def saturate(drive: Array, effort: Array) -> Array:
    """Activation from drive and effort: proportional to both at first, never above 1."""
    return np.asarray(1 - np.exp(-2.0 * effort * drive))


def pose_vector(pose: Pose) -> Array:
    """A pose as ``(P,)`` numbers in the order of ``POSE_FIELDS``."""
    return np.array([float(getattr(pose, name)) for name in POSE_FIELDS])


def _drive_table() -> Array:
    return np.array([[head.gains.get(name, 0.0) for name in POSE_FIELDS] for head in HEADS])


def _head_table() -> Array:
    rows: Sequence[tuple[float, ...]] = [
        (head.angle_deg, head.depth_mm, head.along_mm, head.length_mm, 10 * np.sqrt(head.size_cm2))
        for head in HEADS
    ]
    return np.array(rows)


def _vary_heads(heads: Array, stretch: float, rng: np.random.Generator) -> Array:
    """Move each head, and all together, about their places."""
    count = len(heads)
    varied = heads.copy()
    varied[:, 0] = (heads[:, 0] + rng.normal(0, 9, count) + rng.normal(0, 6)) % 360.0
    varied[:, 1] = heads[:, 1] * rng.lognormal(0, 0.2, count)
    varied[:, 2] = (heads[:, 2] + rng.normal(0, 12, count)) * stretch
    varied[:, 3] = heads[:, 3] * stretch * rng.lognormal(0, 0.1, count)
    varied[:, 4] = heads[:, 4] * rng.lognormal(0, 0.1, count)
    return varied
