"""Electrodes round a limb as harmonics of the angle: the Fourier series of a function on a circle.

Rings of 4, 8 and 10 electrodes so share one space, and turning the band is a rotation within each
pair of harmonics. An electrode of unknown place beside others whose places are known, such as one on the
biceps beside eight round the forearm, is outside the ring: its angle is NaN and no harmonic is of it.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from myosem.records import Channel

HARMONICS = 9

_RIDGE = 0.001
_ORDER = (np.arange(HARMONICS) + 1) // 2

Array = NDArray[np.float64]


def channel_angles(channels: Sequence[Channel]) -> Array:
    """Angles of the channels in radians ``(C,)``; NaN is outside the ring.

    Where no angle is known at all, the channels are taken as equally spaced.
    """
    angles = np.array([channel.angle_deg for channel in channels], dtype=np.float64)  # None becomes NaN
    if not on_ring(angles).any():
        return np.arange(len(channels)) * 2 * np.pi / len(channels)
    return np.deg2rad(angles)


def on_ring(angles: Array) -> NDArray[np.bool_]:
    """Which of these channels lie on the ring: ``(C,)``."""
    return np.isfinite(angles)


def known_harmonics(angles: Array) -> NDArray[np.bool_]:
    """Which harmonics electrodes at these angles can tell apart: ``(HARMONICS,)``.

    At the limit of an even ring only the cosine is known: the sine is zero at every electrode.
    """
    angles = angles[on_ring(angles)]
    places = len(np.unique(np.round(np.mod(angles, 2 * np.pi), 3)))
    return np.asarray(places >= 2 * _ORDER) & (np.abs(ring_waves(angles)) > 1e-6).any(axis=1)


def ring_waves(angles: Array) -> Array:
    """Rows 1, 2 cos a, 2 sin a, ...: ``(HARMONICS, C)``; times harmonics, the function at C angles."""
    phase = np.where(np.arange(HARMONICS) % 2 == 0, -np.pi / 2, 0.0)
    waves = np.cos(_ORDER[:, None] * angles + (_ORDER > 0)[:, None] * phase[:, None])
    return np.asarray(np.where(_ORDER == 0, 1.0, 2.0)[:, None] * waves)


def ring_fit(angles: Array, alive: NDArray[np.bool_]) -> Array:
    """Least squares from living channels to harmonics 1, cos a, sin a, cos 2a, ...: ``(HARMONICS, alive)``.

    For electrodes equally spaced it is their Fourier series. A dead electrode counts as what its neighbours
    say lies between them. A slight preference for smooth maps decides what uneven electrodes leave open.
    Harmonics beyond what the ring can tell apart are zero, and so are channels outside the ring. What was
    asked before is remembered; it is read-only.
    """
    return _ring_fit(angles.astype(np.float64).tobytes(), alive.astype(np.bool_).tobytes())


@lru_cache(maxsize=256)
def _ring_fit(angle_bytes: bytes, alive_bytes: bytes) -> Array:
    """As ``ring_fit``, of arrays as bytes, by which they can be remembered."""
    angles, alive = np.frombuffer(angle_bytes), np.frombuffer(alive_bytes, dtype=np.bool_)
    ring = on_ring(angles)
    if not ring.all():
        outside = np.zeros((HARMONICS, len(angles)))
        outside[:, ring & alive] = ring_fit(angles[ring], alive[ring])
        return _read_only(outside[:, alive])
    known = known_harmonics(angles)
    waves = ring_waves(angles)[known]
    fit = np.zeros((HARMONICS, len(angles)))
    penalty = np.diag(_RIDGE * _ORDER[known] ** 2)
    fit[known] = np.linalg.solve(waves @ waves.T / len(angles) + penalty, waves / len(angles))
    return _read_only(fit @ ring_fill(angles, alive))


def _read_only(values: Array) -> Array:
    values.flags.writeable = False
    return values


def ring_turn(angle: float) -> Array:
    """``(HARMONICS, HARMONICS)`` that turns harmonics into those of the map turned by ``angle`` radians."""
    turn = np.eye(HARMONICS)
    for order in range(1, HARMONICS // 2 + 1):
        cosine, sine = np.cos(order * angle), np.sin(order * angle)
        pair = slice(2 * order - 1, 2 * order + 1)
        turn[pair, pair] = [[cosine, -sine], [sine, cosine]]
    return turn


def ring_fill(angles: Array, alive: NDArray[np.bool_]) -> Array:
    """``(C, alive)`` from living channels to all: a dead one lies between its living neighbours."""
    order = np.argsort(angles, kind="stable")
    fill = np.zeros((len(angles), len(angles)))
    fill[np.ix_(order, order)] = _between(alive[order])
    return fill[:, alive]


def fill_pairs(squares: NDArray[np.float32], angles: Array, alive: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Symmetric ``(N, C, C)`` with what dead channels would say of each pair, from pairs as far apart.

    Pairs with a channel outside the ring are zero.
    """
    inside = on_ring(angles)
    if not inside.all():
        filled, kept = np.zeros_like(squares), np.flatnonzero(inside)
        places = np.ix_(np.arange(len(squares)), kept, kept)
        filled[places] = fill_pairs(squares[places], angles[inside], alive[inside])
        return filled
    order = np.argsort(angles, kind="stable")
    ring = squares[:, order][:, :, order].copy()
    living, count = alive[order], len(angles)
    here = np.arange(count)
    for distance in range(count // 2 + 1):
        there = (here + distance) % count
        pairs = ring[:, here, there] @ _between(living & living[there]).T.astype(np.float32)
        ring[:, here, there] = ring[:, there, here] = pairs
    back = np.argsort(order)
    return np.asarray(ring[:, back][:, :, back])


def _between(known: NDArray[np.bool_]) -> Array:
    """``(C, C)`` that fills the unknown of C values on a ring from the known ones beside them, linearly."""
    count, places = len(known), np.flatnonzero(known)
    fill = np.zeros((count, count))
    for place in range(count) if len(places) else ():
        before = places[np.argmin((place - places) % count)]
        after = places[np.argmin((places - place) % count)]
        gap = (after - before) % count
        share = ((place - before) % count) / gap if gap else 0.0
        fill[place, before] += 1 - share
        fill[place, after] += share
    return fill
