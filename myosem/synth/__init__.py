"""A simulated forearm: recordings of people who do not exist, from what actions mean.

    subject = ForearmSubject.sample(seed=7)
    recording = simulate_session(["fist", "wrist-flexion"], subject=subject, layout=ElectrodeLayout.ring(8))

Every recording made here says ``simulated``. See ``docs/simulator.md`` for what is modelled.
"""

from myosem.synth.anatomy import HEADS, Head
from myosem.synth.demo import demo_spec
from myosem.synth.layout import ElectrodeLayout
from myosem.synth.session import simulate_session
from myosem.synth.settings import SessionSettings
from myosem.synth.subject import ForearmSubject, pose_vector

__all__ = [
    "HEADS",
    "ElectrodeLayout",
    "ForearmSubject",
    "Head",
    "SessionSettings",
    "demo_spec",
    "pose_vector",
    "simulate_session",
]
