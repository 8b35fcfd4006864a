"""Where electrodes sit, and how strongly each hears each muscle."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myosem.errors import UsageError
from myosem.records import Channel

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ElectrodeLayout:
    """Electrode pairs on the skin of a forearm, each pair lying along the limb; C channels.

    Attributes:
        angles_deg: C angles round the limb: 0 palm side, 90 ulnar, 180 back, 270 radial.
        along_mm: C distances from the elbow towards the hand.
        pair_mm: distance within a pair, None for single electrodes against a far reference.
    """

    angles_deg: tuple[float, ...]
    along_mm: tuple[float, ...]
    pair_mm: float | None = 20.0

    def __post_init__(self) -> None:
        if not self.angles_deg or len(self.angles_deg) != len(self.along_mm):
            raise UsageError(
                "the electrode layout is not usable",
                got=f"{len(self.angles_deg)} angles and {len(self.along_mm)} distances",
                expected="one angle and one distance for each of at least one channel",
            )
        if not np.isfinite([*self.angles_deg, *self.along_mm]).all():
            raise UsageError("the electrode layout is not usable", got=self, expected="finite numbers")
        if self.pair_mm is not None and not self.pair_mm > 0:
            raise UsageError("the electrode pairs are not usable", got=self.pair_mm, expected="above 0 mm")

    @classmethod
    def ring(cls, count: int, along_mm: float = 70.0, start_deg: float = 0.0) -> "ElectrodeLayout":
        """``count`` pairs equally spaced round the limb; channel 1 lies at ``start_deg``."""
        _need_positive(count=count)
        angles = [(start_deg + 360.0 * i / count) % 360.0 for i in range(count)]
        return cls(tuple(angles), (float(along_mm),) * count)

    @classmethod
    def grid(
        cls,
        rows: int,
        columns: int,
        *,
        angle_deg: float = 0.0,
        along_mm: float = 70.0,
        row_mm: float = 10.0,
        column_deg: float = 14.0,
        pair_mm: float | None = 10.0,
    ) -> "ElectrodeLayout":
        """A patch whose middle lies at ``angle_deg`` and ``along_mm``; row by row from the elbow."""
        _need_positive(rows=rows, columns=columns)
        along = along_mm + row_mm * (np.arange(rows) - (rows - 1) / 2)
        angles = (angle_deg + column_deg * (np.arange(columns) - (columns - 1) / 2)) % 360.0
        return cls(tuple(np.tile(angles, rows).tolist()), tuple(np.repeat(along, columns).tolist()), pair_mm)

    @classmethod
    def at(cls, places: Iterable[tuple[float, float]], pair_mm: float | None = 20.0) -> "ElectrodeLayout":
        """Any places, each ``(angle_deg, along_mm)``."""
        places = list(places)
        return cls(tuple(float(a) for a, _ in places), tuple(float(z) for _, z in places), pair_mm)

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The channels as a recording names them."""
        places = zip(self.angles_deg, self.along_mm, strict=True)
        return tuple(Channel(f"ch{i + 1}", angle, along) for i, (angle, along) in enumerate(places))


def electrode_distance(
    layout: ElectrodeLayout,
    sources: Array,
    radius_mm: Array,
    rotation_deg: float = 0.0,
    shift_mm: float = 0.0,
) -> Array:
    """Distance from each electrode to each source in mm ``(C, S)``.

    Args:
        layout: the nominal layout.
        sources: ``(S, 4)``: angle in degrees, depth below the skin in mm, and the two ends of the
            belly along the limb in mm. Within its belly's length a source is as near as it gets.
        radius_mm: ``(C,)`` radius of the limb under each electrode.
        rotation_deg: how far the layout is turned.
        shift_mm: how far it is shifted towards the hand.
    """
    turn = np.deg2rad(np.array(layout.angles_deg)[:, None] + rotation_deg - sources[:, 0])
    along = np.array(layout.along_mm)[:, None] + shift_mm
    outer, inner = radius_mm[:, None], np.maximum(radius_mm[:, None] - sources[:, 1], 0.0)
    gap = np.maximum(np.maximum(sources[:, 2] - along, along - sources[:, 3]), 0.0)
    return np.asarray(np.sqrt(outer**2 + inner**2 - 2 * outer * inner * np.cos(turn) + gap**2))


def mixing(distance_mm: Array, pair_mm: float | None, decay: float, near_mm: float = 10.0) -> Array:
    """Gain from each source to each channel ``(C, S)``: a power of the distance, 1 at ``near_mm``.

    A pair hears the difference of two places ``pair_mm`` apart, which a far source hardly makes.
    """
    distance = np.maximum(distance_mm, 0.3 * near_mm)
    gain = (near_mm / distance) ** decay
    if pair_mm is None:
        return np.asarray(gain)
    return np.asarray(gain * (1 - np.exp(-pair_mm / distance)) / (1 - np.exp(-pair_mm / near_mm)))


def _need_positive(**counts: int) -> None:
    for name, count in counts.items():
        if count < 1:
            raise UsageError(
                "the electrode layout is not usable", got=f"{name} {count}", expected="at least 1"
            )
