"""Published detectors of muscle activity, and how they are given a session of many channels.

Each sees what NCT sees: the same filtered frames of 100 ms every 50 ms, at rest level 1 in every channel,
as one signal of 20 Hz, the mean over channels of the envelope. All recordings of a session come as one
signal, so that each can learn from the whole session. Merging and the minimum length are NCT's.
"""

import contextlib
import io
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from myosem.records import Recording
from myosem.segments import (
    MERGE_FRAMES,
    MINIMUM_FRAMES,
    SMOOTH_FRAMES,
    activity_db,
    rest_power,
    span_of_frames,
)
from myosem.signal import HOP_S, Frames

Stretch = tuple[float, float]
Events = list[list[Stretch]]
Signal = NDArray[np.float64]
Mask = NDArray[np.bool_]
Input = Literal["envelope", "dB"]

RATE_HZ = 1 / HOP_S
REST_FRAMES, LONG_FRAMES = 40, 200


@dataclass(frozen=True)
class Detector:
    """One detector.

    Attributes:
        name: as the table shows it.
        find: active samples of a signal at 20 Hz, for a value of the main parameter, None for its default.
        parameter: what the main parameter is.
        values: what is tried when it is tuned.
    """

    name: str
    find: Callable[[Signal, float | None], Mask]
    parameter: str
    values: tuple[float, ...]


def session_signal(frames: Sequence[Frames], kind: Input) -> list[Signal]:
    """Activity of each recording ``(n,)``, not negative."""
    rest = rest_power(frames)
    alive = np.isfinite(rest)
    if kind == "envelope":
        return [np.sqrt(one.power[:, alive] / rest[alive]).mean(axis=1) for one in frames]
    levels = [activity_db(one.power, rest) for one in frames]
    lowest = min(level.min() for level in levels)
    return [level - lowest for level in levels]


def detect(
    detector: Detector,
    value: float | None,
    kind: Input,
    frames: Sequence[Frames],
    recordings: Sequence[Recording],
) -> Events:
    """Events of each recording of a session; none where the detector gives up with an error of its own."""
    parts = session_signal(frames, kind)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            mask = detector.find(np.concatenate(parts), value)
        except (ValueError, IndexError, TypeError, ZeroDivisionError):
            mask = np.zeros(sum(len(part) for part in parts), dtype=bool)
    edges = np.cumsum([0, *(len(part) for part in parts)])
    return [
        events_of_mask(mask[first : first + len(part)], recording.duration_s)
        for first, part, recording in zip(edges, parts, recordings, strict=False)
    ]


def events_of_mask(mask: Mask, duration_s: float) -> list[Stretch]:
    """Runs of active frames, merged over short pauses, without the short ones."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    merged: list[tuple[int, int]] = []
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if merged and first - merged[-1][1] < MERGE_FRAMES:
            merged[-1] = merged[-1][0], last
        else:
            merged.append((first, last))
    return [span_of_frames(run, len(mask), duration_s) for run in merged if run[1] - run[0] >= MINIMUM_FRAMES]


def first_tenth(signal: Signal, factor: float | None) -> Mask:
    """AEMG's published rule: mean and half a standard deviation of the energies of the first tenth."""
    energy = signal**2
    start = energy[: max(len(energy) // 10, 2)]
    return np.asarray(energy > start.mean() + (0.5 if factor is None else factor) * start.std())


def neurokit_threshold(signal: Signal, factor: float | None) -> Mask:
    """``factor`` times the standard deviation; by default a tenth."""
    threshold = (0.1 if factor is None else factor) * float(signal.std())
    return _neurokit(signal, "threshold", threshold)


def neurokit_mixture(signal: Signal, probability: float | None) -> Mask:
    """Two Gaussians; by default active from a probability of a third."""
    return _neurokit(signal, "mixture", 0.33 if probability is None else probability)


def _neurokit(signal: Signal, method: str, threshold: float) -> Mask:
    """What ``emg_activation`` does before it lists the samples one by one, which takes most of its time."""
    neurokit: Any = import_module("neurokit2")
    return np.asarray(neurokit.signal_binarize(signal, method=method, threshold=threshold)) > 0.5


def biosppy_onsets(signal: Signal, factor: float | None) -> Mask:
    """``factor`` times the default threshold, which is 1.2 means and 2 standard deviations."""
    threshold = (1.0 if factor is None else factor) * float(1.2 * signal.mean() + 2 * signal.std(ddof=1))
    found = _biosppy().find_onsets(
        signal,
        sampling_rate=RATE_HZ,
        size=SMOOTH_FRAMES * HOP_S,
        threshold=None if factor is None else threshold,
    )["onsets"]
    edges = [0, *np.unique(np.asarray(found, dtype=int)).tolist(), len(signal)]
    mask = np.zeros(len(signal), dtype=bool)
    for first, last in pairwise(edges):  # the detector does not say which changes are onsets
        mask[first:last] = last > first and signal[first:last].mean() > threshold
    return mask


def biosppy_hodges_bui(signal: Signal, threshold: float | None) -> Mask:
    """Standard deviations over rest; three where none is said (Hodges and Bui 1996)."""
    limit = 3.0 if threshold is None else threshold
    wave = alternating(signal)
    test = _biosppy().hodges_bui_onset_detector(
        wave, rest=quietest(wave), sampling_rate=RATE_HZ, size=SMOOTH_FRAMES, threshold=limit
    )["processed"]
    mask = np.zeros(len(signal), dtype=bool)
    mask[SMOOTH_FRAMES // 2 : SMOOTH_FRAMES // 2 + len(test)] = test >= limit
    return mask


def biosppy_silva(signal: Signal, factor: float | None) -> Mask:
    """A short mean above a long one and ``factor`` means; one where none is said (Silva et al. 2012)."""
    threshold = float(signal.mean()) * (1.0 if factor is None else factor)
    found = _biosppy().silva_onset_detector(
        alternating(signal),
        sampling_rate=RATE_HZ,
        size=SMOOTH_FRAMES,
        threshold_size=LONG_FRAMES,
        threshold=threshold,
    )["onsets"]
    flips = np.zeros(len(signal), dtype=int)
    flips[np.clip(np.asarray(found, dtype=int), 0, len(signal) - 1)] = 1
    return np.asarray(np.cumsum(flips) % 2 == 1)


def _biosppy() -> Any:
    return import_module("biosppy.signals.emg")


def alternating(signal: Signal) -> Signal:
    """A wave whose rectification is the signal, for detectors that rectify."""
    return np.where(np.arange(len(signal)) % 2, -signal, signal)


def quietest(wave: Signal) -> Signal:
    """The quietest two seconds, which a user would point out as rest; found without labels."""
    sums = np.convolve(np.abs(wave), np.ones(REST_FRAMES), mode="valid")
    first = int(np.argmin(sums))
    return wave[first : first + REST_FRAMES]


DETECTORS = (
    Detector(
        "AEMG's rule, first tenth", first_tenth, "standard deviations", (-1.0, 0, 1, 2, 4, 8, 16, 32, 64)
    ),
    Detector(
        "NeuroKit2 threshold",
        neurokit_threshold,
        "standard deviations",
        (0.2, 0.4, 0.6, 0.8, 1.0, 1.3, 1.6, 2.0),
    ),
    Detector("NeuroKit2 mixture", neurokit_mixture, "probability", (0.02, 0.1, 0.2, 0.5, 0.7, 0.9, 0.98)),
    Detector(
        "BioSPPy find_onsets",
        biosppy_onsets,
        "share of the default threshold",
        (0.2, 0.3, 0.4, 0.5, 0.65, 0.8),
    ),
    Detector(
        "BioSPPy Hodges and Bui",
        biosppy_hodges_bui,
        "standard deviations",
        (1.0, 2, 4, 5, 6, 8, 12, 20, 30, 50),
    ),
    Detector("BioSPPy Silva", biosppy_silva, "share of the mean", (0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.25)),
)
