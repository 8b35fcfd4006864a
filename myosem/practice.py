"""Simulated sessions to train on: many forearms, devices and subsets of all actions."""

import numpy as np

from myosem.corpus import Session, prepare_session
from myosem.prompts import load_actions
from myosem.synth import ElectrodeLayout, ForearmSubject, SessionSettings, simulate_session

DEVICES = ((8, 200.0), (8, 200.0), (8, 200.0), (10, 1000.0), (4, 1000.0), (6, 500.0), (12, 1000.0))
FIRST_SEED = 50_000
SESSIONS_A_PERSON = 2


def practice_sessions(count: int, seed: int = 0) -> list[Session]:
    """Simulated sessions, all different, the same for the same seed.

    The people are none of those of the demo, whose seeds lie elsewhere.
    """
    actions = [action for action in load_actions() if action != "rest"]
    return [_session(number, actions, FIRST_SEED + seed * count) for number in range(count)]


def _session(number: int, actions: list[str], first_seed: int) -> Session:
    generator = np.random.default_rng(first_seed + number)
    channels, rate_hz = DEVICES[generator.integers(len(DEVICES))]
    layout = ElectrodeLayout.ring(
        channels, along_mm=float(generator.uniform(50, 90)), start_deg=float(generator.uniform(0, 360))
    )
    chosen = generator.choice(actions, int(generator.integers(8, 26)), replace=False).tolist()
    settings = SessionSettings(
        rate_hz=rate_hz,
        repetitions=int(generator.integers(2, 5)),
        hold_s=(1.0, 2.5),
        rest_s=(0.8, 2.0),
        seed=first_seed + number,
        anchored=bool(generator.random() < 0.2),
        int8=bool(rate_hz == DEVICES[0][1] and generator.random() < 0.7),
    ).varied()
    person = number // SESSIONS_A_PERSON
    recording = simulate_session(
        chosen,
        subject=ForearmSubject.sample(first_seed + person),
        layout=layout,
        settings=settings,
        session=str(number),
    )
    return prepare_session([recording], f"simulated/{person}")[0]
