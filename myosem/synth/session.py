"""A session of a simulated person: from actions to a recording."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from myosem.errors import UsageError
from myosem.prompts import Action, load_actions
from myosem.records import Recording
from myosem.synth.emg import muscle_signals, put_on
from myosem.synth.layout import ElectrodeLayout
from myosem.synth.noise import (
    baseline_noise,
    device_band,
    mains_hum,
    motion_artefacts,
)
from myosem.synth.settings import SessionSettings
from myosem.synth.subject import ForearmSubject
from myosem.synth.timing import Course, activation_course, plan_trials, spans_of

DATASET = "simulated"
ENVELOPE_HZ = 6.0
COUNTS_PER_MV = 256
SIZE_LIMIT = 200_000_000

Floats = NDArray[np.float32]


def simulate_session(
    actions: Sequence[str | Action],
    *,
    subject: ForearmSubject,
    layout: ElectrodeLayout,
    settings: SessionSettings | None = None,
    session: str = "1",
    source: str = "simulated",
) -> Recording:
    """Record a simulated person doing actions, with rest between them.

    Args:
        actions: ids of ``load_actions()``, or actions.
        subject: who does them.
        layout: C electrodes.
        settings: how, and under which conditions.
        session: the session's name.
        source: what the recording names as its source.

    Returns:
        One continuous recording, ``(T, C)`` float32 in mV or int8, with a span for every repetition
        and every rest. The same arguments give the same recording.

    Raises:
        UsageError: no action, an unknown one, a dead channel that is not there, a session too long.
    """
    settings = settings or SessionSettings()
    wearing, moving, sounding, disturbing = np.random.default_rng([settings.seed, 1]).spawn(4)
    trials, duration_s = plan_trials(_resolve(actions), settings, moving)
    _check_size(duration_s, settings, layout)
    factor = math.ceil(1000 / settings.rate_hz) if settings.signal == "envelope" else 1
    rate_hz = settings.rate_hz * factor
    length = int(duration_s * settings.rate_hz)
    count, duration_s = length * factor, length / settings.rate_hz
    course = activation_course(subject, trials, duration_s, settings.effort, moving)
    pickup = put_on(subject, layout, settings, wearing)
    voltage = muscle_signals(
        subject, pickup, course, sounding, count=count, rate_hz=rate_hz, fatigue=settings.fatigue
    )
    voltage += _disturbances(settings, course, voltage.shape, rate_hz, disturbing)
    samples = _device(voltage, settings, rate_hz, factor)
    return Recording(
        samples=samples,
        rate_hz=settings.rate_hz,
        channels=layout.channels,
        dataset=DATASET,
        subject=subject.name,
        session=session,
        name=f"{subject.name}-{session}",
        source=source,
        unit="adc" if settings.int8 else "mV",
        signal=settings.signal,
        band_hz=device_band(rate_hz) if settings.signal == "raw" else (0.0, ENVELOPE_HZ),
        anchored=settings.anchored,
        spans=spans_of(trials, duration_s, settings.effort),
        simulated=True,
    )


def _resolve(actions: Sequence[str | Action]) -> list[Action]:
    catalogue = load_actions() if any(isinstance(action, str) for action in actions) else {}
    if not actions:
        raise UsageError(
            "a simulated session needs something to do", got="no action", expected="at least one"
        )
    unknown = [action for action in actions if isinstance(action, str) and action not in catalogue]
    if unknown:
        raise UsageError("this action cannot be simulated", got=unknown[0], exists=sorted(catalogue))
    return [catalogue[action] if isinstance(action, str) else action for action in actions]


def _check_size(duration_s: float, settings: SessionSettings, layout: ElectrodeLayout) -> None:
    channels = len(layout.angles_deg)
    missing = [channel for channel in settings.dead if not 0 <= channel < channels]
    if missing:
        raise UsageError(
            "there is no such channel to be dead", got=missing[0], expected=f"0 to {channels - 1}"
        )
    size = duration_s * settings.rate_hz * channels
    if size > SIZE_LIMIT:
        raise UsageError(
            "the simulated session is too long",
            got=f"{duration_s:.0f} s of {channels} channels at {settings.rate_hz:g} Hz",
            expected=f"at most {SIZE_LIMIT:,} numbers",
            hint="fewer repetitions, or several sessions",
        )


def _disturbances(
    settings: SessionSettings,
    course: Course,
    shape: tuple[int, ...],
    rate_hz: float,
    rng: np.random.Generator,
) -> Floats:
    """What electrodes pick up beside EMG ``(count, C)``, in mV."""
    count, channels = shape
    noise_rng, hum_rng, artefact_rng = rng.spawn(3)
    total = settings.noise_mv * baseline_noise(noise_rng, count, rate_hz, channels)
    if settings.mains_db is not None:
        hum_mv = settings.noise_mv * 10 ** (settings.mains_db / 20)
        total += hum_mv * mains_hum(hum_rng, settings.mains_hz, count, rate_hz, channels)
    if settings.artefact_mv:
        swings = motion_artefacts(artefact_rng, course.edges_s, count, rate_hz, channels)
        total += settings.artefact_mv * swings
    return total


def _device(samples: Floats, settings: SessionSettings, rate_hz: float, factor: int) -> NDArray[np.generic]:
    """What the device makes of the voltages: envelope, dead channels, whole numbers."""
    if settings.signal == "envelope":
        sos = butter(2, ENVELOPE_HZ, fs=rate_hz, output="sos")
        samples = np.maximum(sosfiltfilt(sos, np.abs(samples), axis=0), 0)[::factor].astype(np.float32)
    samples[:, list(settings.dead)] = 0.0
    if settings.int8:
        return np.clip(np.round(samples * COUNTS_PER_MV), -128, 127).astype(np.int8)
    return np.ascontiguousarray(samples)
