"""What electrodes hear of the muscles: which electrode hears which muscle, and the muscles' signals."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myosem.synth.layout import ElectrodeLayout, electrode_distance, mixing
from myosem.synth.noise import (
    band_power,
    coloured_noise,
    device_band,
    emg_spectrum,
    firing_modulation,
    noise_frequencies,
)
from myosem.synth.settings import SessionSettings
from myosem.synth.subject import ForearmSubject
from myosem.synth.timing import CONTROL_HZ, Course

SOURCES = 2
"""Independent sources a muscle head; they lie side by side."""
SKIN_DEG = 12.0
"""How far full pronation drags the skin over the muscles."""
SLOWED, SWOLLEN = 0.65, 1.4
"""What full fatigue makes of the peak frequency and of the amplitude."""
BLOCK_SIZE = 16_000_000

Floats = NDArray[np.float32]
Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Pickup:
    """How the electrodes of one session hear the muscles; C channels, S sources, H heads.

    Attributes:
        still: ``(C, S)`` gain in mV with the forearm in the middle.
        turned: ``(C, S)`` what full pronation adds to it.
        depth_mm: ``(H,)`` of the heads below the skin.
    """

    still: Floats
    turned: Floats
    depth_mm: Array


def put_on(
    subject: ForearmSubject, layout: ElectrodeLayout, settings: SessionSettings, rng: np.random.Generator
) -> Pickup:
    """Put electrodes on a forearm, as far turned and shifted as the session has it."""
    donning = float(rng.normal(0, 12)) if settings.anchored else float(rng.uniform(0, 360))
    rotation = donning if settings.rotation_deg is None else settings.rotation_deg
    shift = float(rng.normal(0, 10))
    shift = shift if settings.shift_mm is None else settings.shift_mm
    contact = rng.lognormal(0, 0.12, len(layout.angles_deg)) * rng.lognormal(0, 0.1)
    strength = contact[:, None] * np.repeat(subject.strength_mv, SOURCES) / math.sqrt(SOURCES)
    radius = subject.radius_at(np.array(layout.along_mm) + shift)
    sources = _sources(subject)
    still, plus, minus = (
        mixing(
            electrode_distance(layout, sources, radius, rotation_deg=rotation + turn, shift_mm=shift),
            layout.pair_mm,
            subject.decay,
        )
        * strength
        for turn in (0.0, SKIN_DEG, -SKIN_DEG)
    )
    depth = subject.heads[:, 1] + subject.fat_mm
    return Pickup(still.astype(np.float32), ((plus - minus) / 2).astype(np.float32), depth)


def _sources(subject: ForearmSubject) -> Array:
    """``(H * SOURCES, 4)`` as ``electrode_distance`` takes them, spread over the width of each head."""
    angle, depth, middle, length, width = subject.heads.T
    depth = depth + subject.fat_mm
    inner = np.maximum(subject.radius_at(middle) - depth, 5.0)
    half_deg = np.rad2deg(np.minimum(0.6 * width / inner, 1.0))
    angles = angle[:, None] + half_deg[:, None] * np.linspace(-0.5, 0.5, SOURCES)
    rows = np.stack([depth, middle - length / 2, middle + length / 2], axis=1)
    return np.column_stack([angles.reshape(-1), np.repeat(rows, SOURCES, axis=0)])


def muscle_signals(
    subject: ForearmSubject,
    pickup: Pickup,
    course: Course,
    rng: np.random.Generator,
    *,
    count: int,
    rate_hz: float,
    fatigue: float,
) -> Floats:
    """EMG ``(count, C)`` in mV: each head's noise, coloured, modulated and mixed onto the electrodes."""
    work = np.cumsum(course.activation.mean(axis=1))
    tired = upsample(fatigue * work[None] / work[-1], count, rate_hz)
    pronation = upsample(course.pronation[None], count, rate_hz)
    peaks_hz = subject.peak_hz * np.maximum(1.15 - 0.015 * pickup.depth_mm, 0.4)
    generators = rng.spawn(len(peaks_hz))
    block = max(1, BLOCK_SIZE // (count * SOURCES))
    signal = np.zeros((len(pickup.still), count), dtype=np.float32)
    for first in range(0, len(peaks_hz), block):
        emitted = np.concatenate(
            [
                _emit(generators[head], course.activation[:, head], tired, peaks_hz[head], rate_hz)
                for head in range(first, min(first + block, len(peaks_hz)))
            ]
        )
        own = slice(first * SOURCES, first * SOURCES + len(emitted))
        signal += pickup.still[:, own] @ emitted
        signal += pronation * (pickup.turned[:, own] @ emitted)
    return np.ascontiguousarray(signal.T)


def _emit(
    rng: np.random.Generator, activation: Array, tired: Floats, peak_hz: float, rate_hz: float
) -> Floats:
    """Signals ``(SOURCES, count)`` of one head whose activation is ``(n,)`` at ``CONTROL_HZ``.

    A tired muscle is a mixture of the same noise in two colours, so the colour can change slowly.
    """
    count = tired.shape[1]
    frequencies = noise_frequencies(count, rate_hz)
    peaks = [peak_hz, SLOWED * peak_hz] if tired.any() else [peak_hz]
    densities = np.stack([emg_spectrum(frequencies, peak) for peak in peaks])
    densities *= band_power(frequencies, device_band(rate_hz))
    colours = coloured_noise(rng, count, rate_hz, densities, SOURCES)
    noise = colours[0]
    if len(colours) > 1:
        noise += tired * (SWOLLEN * colours[1] - noise)
    noise *= upsample(firing_modulation(rng, activation, SOURCES).T, count, rate_hz)
    return noise


def upsample(values: Array, count: int, rate_hz: float) -> Floats:
    """From ``(K, n)`` at ``CONTROL_HZ`` to ``(K, count)`` by straight lines."""
    place = np.arange(count) * (CONTROL_HZ / rate_hz)
    known = np.arange(values.shape[1])
    return np.array([np.interp(place, known, row) for row in values], dtype=np.float32)
