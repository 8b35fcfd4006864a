"""A stream whose right answers are plain: what a contraction is depends on where round the arm it is."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from fakes import FakeModel, unit
from numpy.typing import NDArray
from toys import bursts, record

from myosem.records import Recording

NAMES = ("fist", "open hand", "pointing index finger", "rest")
"""What a burst at 0, 90, 180 and 270 degrees is."""
STARTS = tuple(float(at) for at in range(3, 39, 5))
DURATION_S = 41.0


class ArmModel(FakeModel):
    """Puts a segment where round the arm it is strongest; counts what it is given."""

    name = "arm"
    dimension = 2
    threshold = 0.5
    actions = ("fist", "open-hand", "point", "rest")

    def __init__(self) -> None:
        super().__init__()
        self.action_vectors = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]], dtype=np.float32)
        self.texts = dict(zip(("front", "side", "back"), self.action_vectors, strict=False))
        self.read: list[int] = []
        self.learned: list[int] = []

    def encode_session(self, numbers: NDArray[np.float32], adapted: object = None) -> NDArray[np.float32]:
        self.read.append(len(numbers))
        return unit(numbers[:, 1:3] + 1e-6)

    def adapt(self, numbers: NDArray[np.float32]) -> Any:
        self.learned.append(len(numbers))
        return "adapted"


def arm(rate_hz: float = 200.0, starts: tuple[float, ...] = STARTS, length_s: float = 2.0) -> Recording:
    """Bursts at 0, 90, 180, 270, 0, ... degrees on a ring of 8 electrodes in noise."""
    duration_s = starts[-1] + length_s + 1
    samples = bursts(rate_hz, 8, at=[], duration_s=duration_s)
    time_s = np.arange(len(samples)) / rate_hz
    angles = np.arange(8) * np.pi / 4
    for number, start in enumerate(starts):
        part = (time_s >= start) & (time_s < start + length_s)
        samples[part] *= (8 + 6 * np.cos(angles - number * np.pi / 2)).astype(np.float32)
    return record(samples, rate_hz)


@dataclass
class FakeTime:
    """A clock that only moves when somebody waits or works."""

    now: float = 100.0
    waits: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds
