"""Simulated sessions to train on: many forearms and subsets of all actions, on one kind of armband."""

from collections.abc import Iterator

import numpy as np

from myosem.corpus import Session, prepare_session
from myosem.prompts import load_actions
from myosem.records import Recording
from myosem.synth import ElectrodeLayout, ForearmSubject, SessionSettings, simulate_session

CHANNELS, RATE_HZ = 8, 200.0
FIRST_SEED = 50_000
SESSIONS_A_PERSON = 2


def practice_sessions(count: int, seed: int = 0) -> list[Session]:
    """Simulated sessions, all different, the same for the same seed.

    The people are none of those of the demo, whose seeds lie elsewhere.
    """
    return [
        prepare_session([recording], f"simulated/{number // SESSIONS_A_PERSON}")
        for number, recording in enumerate(practice_recordings(count, seed))
    ]


def practice_recordings(count: int, seed: int = 0) -> Iterator[Recording]:
    """The recordings of ``practice_sessions``, one a session."""
    actions = [action for action in load_actions() if action != "rest"]
    return (_recording(number, actions, FIRST_SEED + seed * count) for number in range(count))


def _recording(number: int, actions: list[str], first_seed: int) -> Recording:
    generator = np.random.default_rng(first_seed + number)
    layout = ElectrodeLayout.ring(CHANNELS, along_mm=float(generator.uniform(60, 80)))
    chosen = generator.choice(actions, int(generator.integers(8, 26)), replace=False).tolist()
    settings = SessionSettings(
        rate_hz=RATE_HZ,
        repetitions=int(generator.integers(2, 5)),
        hold_s=(1.0, 2.5),
        rest_s=(1.0, 2.5),
        seed=first_seed + number,
        anchored=bool(generator.random() < 0.8),
        int8=bool(generator.random() < 0.3),
    ).varied()
    person = number // SESSIONS_A_PERSON
    return simulate_session(
        chosen,
        subject=ForearmSubject.sample(first_seed + person),
        layout=layout,
        settings=settings,
        session=str(number),
    )
