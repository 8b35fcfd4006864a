"""When a person does what: the trials of a session and the course of each muscle head's activation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from myosem.prompts import Action
from myosem.records import Span
from myosem.synth.settings import SessionSettings
from myosem.synth.subject import ForearmSubject, pose_vector, saturate

CONTROL_HZ = 100.0
"""Rate at which activation is described; it has no content above 50 Hz."""
BRAKE_S = 0.08
"""How much later antagonists come in a quick movement."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Trial:
    """One repetition of one action, from ``start_s`` to ``end_s`` of the session."""

    action: Action
    repetition: int
    start_s: float
    end_s: float


@dataclass(frozen=True, eq=False)
class Course:
    """What the muscles do over a session at ``CONTROL_HZ``; n steps, H heads.

    Attributes:
        activation: ``(n, H)`` from 0 to about 1.
        pronation: ``(n,)`` rotation of the forearm, -1 to 1, which drags the skin over the muscles.
        edges_s: times at which movements start or end.
    """

    activation: Array
    pronation: Array
    edges_s: Array


def plan_trials(
    actions: Sequence[Action], settings: SessionSettings, rng: np.random.Generator
) -> tuple[list[Trial], float]:
    """Trials in order with rest before, between and after them, and the length of the session in seconds."""
    order = [(action, repetition) for action in actions for repetition in range(settings.repetitions)]
    if settings.order == "shuffled":
        order = [order[i] for i in rng.permutation(len(order))]
    trials: list[Trial] = []
    now = float(rng.uniform(*settings.rest_s))
    for action, repetition in order:
        hold = float(rng.uniform(*settings.hold_s)) * (0.5 if action.dynamic else 1.0)
        trials.append(Trial(action, repetition, now, now + hold))
        now += hold + float(rng.uniform(*settings.rest_s))
    return trials, now


def spans_of(trials: Sequence[Trial], duration_s: float, effort: float | None) -> tuple[Span, ...]:
    """Labelled spans of the trials and of the rest around them, without gaps."""
    level = None if effort is None else f"{effort:g}"
    spans: list[Span] = []
    now = 0.0
    for trial in trials:
        name = trial.action.id
        spans.append(Span(now, trial.start_s, "rest", "rest"))
        spans.append(Span(trial.start_s, trial.end_s, name, name, level, trial.repetition))
        now = trial.end_s
    return (*spans, Span(now, duration_s, "rest", "rest"))


def activation_course(
    subject: ForearmSubject,
    trials: Sequence[Trial],
    duration_s: float,
    effort: float | None,
    rng: np.random.Generator,
) -> Course:
    """How active each head is at each moment, from the poses of the trials.

    Args:
        subject: who moves.
        trials: what, when.
        duration_s: length of the session.
        effort: 0 to 1 in place of the actions' own, None to keep them.
        rng: source of everything that differs between repetitions.
    """
    steps = int(np.ceil(duration_s * CONTROL_HZ)) + 2
    time = np.arange(steps) / CONTROL_HZ
    activation = np.tile(subject.tone, (steps, 1))
    pronation = np.zeros(steps)
    for trial in trials:
        pose = pose_vector(trial.action.pose)
        strength = trial.action.effort if effort is None else effort
        if trial.action.id == "rest":
            continue
        pose = pose + subject.steadiness * rng.standard_normal(len(pose)) * (0.3 + np.abs(pose))
        strength = strength * float(rng.lognormal(0, subject.steadiness))
        part = slice(int(trial.start_s * CONTROL_HZ), int((trial.end_s + 0.5) * CONTROL_HZ))
        move = _bursts if trial.action.dynamic else _held
        shape, drive = move(subject, trial, pose, time[part], rng)
        activation[part] += shape * saturate(drive, np.asarray(strength))
        pronation[part] += shape.mean(axis=1) * pose[-1]
    unsteady = _slow_noise(rng, steps, 1.0) * 0.08 + _slow_noise(rng, steps, 0.1) * 0.05
    phases = 2 * np.pi * (subject.tremor_hz * time[:, None] + 0.1 * rng.random(activation.shape[1]))
    activation *= np.exp(unsteady)[:, None] * (1 + subject.tremor * np.sin(phases))
    edges = np.array([edge for trial in trials for edge in (trial.start_s, trial.end_s)])
    return Course(activation, np.clip(pronation, -1, 1), edges)


def _held(
    subject: ForearmSubject, trial: Trial, pose: Array, time: Array, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Course ``(n, H)`` and drive ``(H,)`` of an action that ramps up, holds and ramps down."""
    agonist, antagonist = subject.recruit(pose)
    rise, fall = rng.uniform(0.12, 0.45, 2)
    time = time[:, None] - subject.delay_s
    course = _ramp((time - trial.start_s) / rise) - _ramp((time - trial.end_s + fall) / fall)
    return course, agonist + antagonist


def _bursts(
    subject: ForearmSubject, trial: Trial, pose: Array, time: Array, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Course ``(n, H)`` and drive ``(H,)`` of a quick action: one to three bursts, braked by antagonists."""
    agonist, antagonist = subject.recruit(pose)
    count = int(rng.integers(1, 4))
    slot = (trial.end_s - trial.start_s) / count
    width = min(float(rng.uniform(0.2, 0.45)), slot)
    centres = trial.start_s + slot * (np.arange(count) + 0.5)
    time = time[:, None] - subject.delay_s - BRAKE_S * (antagonist > agonist)
    away = np.abs(time[..., None] - centres).min(axis=-1) / width
    return np.where(away < 0.5, np.cos(np.pi * away) ** 2, 0.0), agonist + 3 * antagonist


def _ramp(place: Array) -> Array:
    """From 0 at 0 to 1 at 1 without corners."""
    place = np.clip(place, 0.0, 1.0)
    return place * place * (3 - 2 * place)


def _slow_noise(rng: np.random.Generator, steps: int, cut_hz: float) -> Array:
    """Noise ``(steps,)`` of unit variance below about ``cut_hz``."""
    keep = float(np.exp(-2 * np.pi * cut_hz / CONTROL_HZ))
    start = rng.standard_normal(1) * keep
    noise, _ = lfilter([np.sqrt(1 - keep**2)], [1, -keep], rng.standard_normal(steps), zi=start)
    return np.asarray(noise)
