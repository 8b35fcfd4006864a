"""Signals: what muscle heads emit, and what else electrodes pick up."""

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.signal import lfilter

from myosem.synth.timing import CONTROL_HZ

BAND_HZ = (20.0, 450.0)
FIRING_HZ = 9.0
"""Above this the modulation by the firing of motor units fades."""

Array = NDArray[np.float64]
Floats = NDArray[np.float32]


def emg_spectrum(frequency_hz: Array, peak_hz: float | Array) -> Array:
    """Power spectral density of surface EMG (Shwedyk 1977), limited to 20-450 Hz; its integral is 1.

    Args:
        frequency_hz: ``(F,)``.
        peak_hz: peak of the density before the band limits; a number or ``(K, 1)``.

    Returns:
        Density in 1/Hz, ``(F,)`` or ``(K, F)``.
    """
    grid = np.arange(0.5, 1000.0, dtype=np.float64)
    total = _emg_power(grid, peak_hz).sum(axis=-1, keepdims=True)
    return np.asarray(_emg_power(frequency_hz, peak_hz) / total)


def _emg_power(frequency_hz: Array, peak_hz: float | Array) -> Array:
    u = (np.asarray(frequency_hz) / peak_hz) ** 2
    low, high = 0.5625, (2 + 0.5625) / 0.5625  # squares of the two corners that put the peak at 1
    return np.asarray(u / ((u + low) * (u + high) ** 2) * band_power(frequency_hz, BAND_HZ))


def band_power(frequency_hz: Array, band_hz: tuple[float, float]) -> Array:
    """Share of the power that passes a band, with Butterworth flanks of 4th order."""
    frequency = np.maximum(np.asarray(frequency_hz, dtype=np.float64), 1e-3)
    return np.asarray(1 / (1 + (band_hz[0] / frequency) ** 8) / (1 + (frequency / band_hz[1]) ** 8))


def device_band(rate_hz: float) -> tuple[float, float]:
    """What a device of this rate passes without aliases."""
    return BAND_HZ[0], min(BAND_HZ[1], 0.42 * rate_hz)


def coloured_noise(
    rng: np.random.Generator, count: int, rate_hz: float, densities: Array, sources: int
) -> list[Floats]:
    """The same white noise of K sources, once in each of the colours given.

    Args:
        rng: source of the noise.
        count: samples.
        rate_hz: samples per second.
        densities: ``(colours, F)`` power densities on ``noise_frequencies``.
        sources: K.

    Returns:
        One ``(K, count)`` array a colour; variance is the integral of the density.
    """
    size = noise_length(count)
    white = rng.standard_normal((sources, size // 2 + 1, 2), dtype=np.float32).view(np.complex64)[..., 0]
    gains = np.sqrt(densities * (rate_hz / 2) * (size / 2)).astype(np.float32)
    return [np.asarray(scipy.fft.irfft(white * gain, n=size, axis=-1)[:, :count]) for gain in gains]


def noise_length(count: int) -> int:
    """Length of the transform used for ``count`` samples."""
    return int(scipy.fft.next_fast_len(count + count % 2, real=True)) if count else 2


def noise_frequencies(count: int, rate_hz: float) -> Array:
    """Frequencies of the densities that ``coloured_noise`` takes ``(F,)``."""
    return np.asarray(scipy.fft.rfftfreq(noise_length(count), 1 / rate_hz))


def firing_modulation(rng: np.random.Generator, activation: Array, sources: int) -> Array:
    """Amplitude ``(n, K)`` about the activation ``(n,)`` of one head, at ``CONTROL_HZ``.

    Few motor units fire in a weak contraction, so its amplitude varies most.
    """
    keep = float(np.exp(-2 * np.pi * FIRING_HZ / CONTROL_HZ))
    noise = lfilter(
        [np.sqrt(1 - keep**2)], [1, -keep], rng.standard_normal((len(activation), sources)), axis=0
    )
    depth = 0.5 / (1 + 4 * activation[:, None])
    return np.asarray(activation[:, None] * np.exp(depth * noise - depth**2))


def baseline_noise(rng: np.random.Generator, count: int, rate_hz: float, channels: int) -> Floats:
    """Noise of amplifier and skin ``(count, channels)``, flat over the device's band, of variance 1."""
    low, high = band = device_band(rate_hz)
    density = band_power(noise_frequencies(count, rate_hz), band) / (high - low)
    return coloured_noise(rng, count, rate_hz, density[None], channels)[0].T


def mains_hum(rng: np.random.Generator, mains_hz: float, count: int, rate_hz: float, channels: int) -> Floats:
    """Mains hum and its third harmonic where the band allows it ``(count, channels)``, of power about 1."""
    level = np.sqrt(2) * rng.lognormal(0, 0.3, channels)
    hum = np.zeros((count, channels))
    for order, share in ((1, 1.0), (3, 0.3)):
        phase = 2 * np.pi * order * mains_hz * np.arange(count)[:, None] / rate_hz
        wave = share * level * np.sin(phase + rng.normal(0, 0.3, channels))
        hum += wave if order * mains_hz < device_band(rate_hz)[1] else 0.0
    return hum.astype(np.float32)


def motion_artefacts(
    rng: np.random.Generator, edges_s: Array, count: int, rate_hz: float, channels: int
) -> Floats:
    """Swings of the skin about the starts and ends of movements ``(count, channels)``, of size about 1."""
    artefact = np.zeros((count, channels), dtype=np.float32)
    time = np.arange(round(0.8 * rate_hz)) / rate_hz
    for edge in edges_s:
        frequency, decay = rng.uniform(1.5, 8.0), rng.uniform(0.08, 0.25)
        swing = np.sin(2 * np.pi * frequency * time) * np.exp(-time / decay)
        gains = rng.lognormal(-0.5, 0.7) * rng.standard_normal(channels)
        start = round(max(edge - 0.1, 0.0) * rate_hz)
        part = artefact[start : start + len(time)]
        part += (swing[:, None] * gains)[: len(part)].astype(np.float32)
    return artefact
