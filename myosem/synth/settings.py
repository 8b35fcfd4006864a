"""How a simulated session runs."""

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from myosem.errors import UsageError
from myosem.records import Signal


@dataclass(frozen=True)
class SessionSettings:
    """How a session runs and what the recording suffers.

    Attributes:
        rate_hz: samples per second; at least 100 for raw EMG, 20 for an envelope.
        repetitions: of each action.
        hold_s: shortest and longest time an action is held; dynamic actions take half of it.
        rest_s: shortest and longest rest between two actions.
        order: ``blocks`` does all repetitions of an action in a row, ``shuffled`` mixes everything.
        effort: 0 to 1 for every action, None for each action's own.
        seed: of everything that is drawn for this session.
        signal: ``raw`` EMG, or its rectified ``envelope``.
        int8: whole numbers from -128 to 127, as a Myo armband gives them, in place of mV.
        rotation_deg: how far the electrodes are turned from their layout, None draws it.
        shift_mm: how far they are shifted towards the hand, None draws it.
        anchored: whether the layout's angles are kept but for some degrees; otherwise the rotation is
            drawn from the whole circle and the recording says that its angles are not anatomical.
        noise_mv: root mean square of the amplifier's and the skin's noise.
        mains_db: mains hum over that noise, None for none.
        mains_hz: frequency of the mains.
        artefact_mv: size of motion artefacts, 0 for none.
        fatigue: 0 to 1, how tired the muscles are at the end: slower and larger signals.
        dead: channels, counted from 0, that give a constant.
    """

    rate_hz: float = 200.0
    repetitions: int = 3
    hold_s: tuple[float, float] = (1.5, 3.0)
    rest_s: tuple[float, float] = (1.5, 3.0)
    order: Literal["blocks", "shuffled"] = "blocks"
    effort: float | None = None
    seed: int = 0
    signal: Signal = "raw"
    int8: bool = False
    rotation_deg: float | None = None
    shift_mm: float | None = None
    anchored: bool = True
    noise_mv: float = 0.006
    mains_db: float | None = None
    mains_hz: float = 50.0
    artefact_mv: float = 0.0
    fatigue: float = 0.0
    dead: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name, (low, high) in _LIMITS.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise UsageError(
                    f"{name} of a simulated session is not usable", got=value, expected=f"{low} to {high}"
                )
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise UsageError(
                    f"{name} of a simulated session is not known", got=getattr(self, name), exists=allowed
                )
        for name in ("hold_s", "rest_s"):
            shortest, longest = getattr(self, name)
            if not 0.1 <= shortest <= longest <= 600:
                raise UsageError(
                    f"{name} of a simulated session is not usable",
                    got=f"{shortest} to {longest}",
                    expected="two times in seconds from 0.1 to 600, the shorter first",
                )
        if self.signal == "raw" and self.rate_hz < 100:
            raise UsageError(
                "raw EMG cannot be simulated at this rate",
                got=f"{self.rate_hz} Hz",
                expected="at least 100 Hz",
                hint="signal: envelope",
            )

    def varied(self) -> "SessionSettings":
        """The same session under conditions drawn from its seed: noise, hum, artefacts, fatigue."""
        rng = np.random.default_rng([self.seed, 2])
        return replace(
            self,
            noise_mv=float(self.noise_mv * rng.lognormal(0, 0.5)),
            mains_db=float(rng.uniform(-6, 15)) if rng.random() < 0.4 else None,
            mains_hz=float(rng.choice([50.0, 60.0])),
            artefact_mv=float(rng.lognormal(math.log(0.03), 0.8)) if rng.random() < 0.5 else 0.0,
            fatigue=float(rng.uniform(0, 0.8)),
        )


_CHOICES = {"order": ("blocks", "shuffled"), "signal": ("raw", "envelope")}
_LIMITS = {
    "rate_hz": (20, 20_000), "repetitions": (1, 10_000), "effort": (0, 1), "seed": (0, 2**63),
    "noise_mv": (0, 10), "mains_db": (-100, 100), "mains_hz": (1, 1000), "artefact_mv": (0, 1000),
    "fatigue": (0, 1), "rotation_deg": (-3600, 3600), "shift_mm": (-500, 500),
}  # fmt: skip
