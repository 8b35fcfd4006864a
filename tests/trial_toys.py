"""Sessions whose trials are plain, and a system that remembers what it was shown."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from toys import ACTIONS, bursts, record, span, toy_session

from myosem.systems import Context
from myosem.trials import LogPosterior, TrialSession, prepare_trials


def toy_trials(
    person: str, actions: Sequence[str | None] = ACTIONS * 4, *, missed: Sequence[str] = (), **changes: object
) -> TrialSession:
    """A toy session with one trial a labelled segment, and trials in which no segment was found."""
    session = toy_session(person, actions, **changes)  # type: ignore[arg-type]
    labelled = np.array([action is not None for action in actions])
    trial_of = np.where(labelled, np.cumsum(labelled) - 1, -1)
    return TrialSession(session, (*(action for action in actions if action), *missed), trial_of)


def noisy_trials(person: str, seed: int = 0, channels: int = 4) -> TrialSession:
    """A session of samples: one action is loud on the first half of the channels, one on the second."""
    at = [(2.0 + 3 * trial, 3.5 + 3 * trial) for trial in range(8)]
    samples = bursts(200.0, channels, at=at, duration_s=27.0, loudness=8.0, seed=seed)
    for number, (start, end) in enumerate(at):
        quiet = slice(channels // 2, None) if number % 2 else slice(0, channels // 2)
        samples[round(start * 200) : round(end * 200), quiet] /= 4
    spans = [
        span(start - 0.1, end + 0.1, "fist" if number % 2 else "open-hand")
        for number, (start, end) in enumerate(at)
    ]
    return prepare_trials([record(samples, 200.0, spans=tuple(spans))], f"toy/{person}")


@dataclass
class Witness:
    """A system that keeps what each training was given, and what each trained one was tested on.

    Its answer is the action whose number is that of trainings its fitted object has seen, less one: a
    fitted object that outlives its fold gives itself away.
    """

    title: str = "witness"
    context: Context = "none"
    seeded: bool = False
    fitted: list["WitnessFitted"] = field(default_factory=list)

    def fit(self, training: Sequence[TrialSession], seed: int) -> "WitnessFitted":
        self.fitted.append(WitnessFitted(list(training), seed))
        return self.fitted[-1]


@dataclass
class WitnessFitted:
    training: list[TrialSession]
    seed: int
    tested: list[TrialSession] = field(default_factory=list)

    def log_posterior(self, session: TrialSession, actions: Sequence[str]) -> LogPosterior:
        self.tested.append(session)
        return np.tile(-np.arange(len(actions), dtype=np.float64), (len(session), 1))
