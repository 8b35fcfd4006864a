"""Trials: labelled spans with the segments found in them, what balanced accuracy is counted over.

A trial is one span whose label is an action; rest is an action where a data set labels it. Its
segments are those that ``label_segments`` gives it, and their mean log posterior decides. A trial in
which no segment was found cannot be decided and counts as wrong.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from myosem.corpus import Session, prepare_session, sessions_of
from myosem.library import Library
from myosem.records import Recording
from myosem.segments import segments_of_frames
from myosem.signal import Frames, to_frames
from myosem.tokens import Tokens, session_tokens

RATE_HZ = 200

Array = NDArray[np.float32]
LogPosterior = NDArray[np.floating]


@dataclass(frozen=True)
class Signals:
    """The recordings of a session; they are filtered and cut only when someone asks for samples.

    Attributes:
        recordings: all of them.
        rows: numbers of the segments that the session still has; None where it has all.
    """

    recordings: tuple[Recording, ...] = ()
    rows: tuple[int, ...] | None = None

    @cached_property
    def samples(self) -> tuple[Array, ...]:
        """Samples of each segment without drift at 200 Hz, ``(T, C)`` in the unit of the recording."""
        found = tuple(segment_samples(self.recordings))
        return found if self.rows is None else tuple(found[row] for row in self.rows)

    @cached_property
    def tokens(self) -> Tokens:
        """The tokens of each segment."""
        frames = [to_frames(recording) for recording in self.recordings]
        segments = segments_of_frames(frames, self.recordings)
        kept = segments if self.rows is None else [segments[row] for row in self.rows]
        return session_tokens(self.recordings, kept, frames)

    def only(self, rows: NDArray[np.int64]) -> "Signals":
        """Those of some of the segments."""
        kept = rows if self.rows is None else np.array(self.rows, dtype=np.int64)[rows]
        return replace(self, rows=tuple(kept.tolist()))


@dataclass(frozen=True)
class TrialSession:
    """One session with its trials; N segments, K trials.

    Attributes:
        session: features, and the span of each segment.
        trials: the action of each trial, also of those in which no segment was found: K.
        trial_of: ``(N,)`` the trial of each segment, -1 where it belongs to none.
        signals: the samples of the segments.
    """

    session: Session
    trials: tuple[str, ...]
    trial_of: NDArray[np.int64]
    signals: Signals = Signals()

    def __len__(self) -> int:
        return len(self.trial_of)

    @property
    def dataset(self) -> str:
        """The data set."""
        return self.session.dataset

    @property
    def subject(self) -> str:
        """The data set's name for the person."""
        return self.session.subject

    @property
    def person(self) -> str:
        """The same for all subjects that are one person."""
        return self.session.person

    @property
    def missed(self) -> int:
        """How many trials have no segment."""
        return len(self.trials) - len(np.setdiff1d(self.trial_of, [-1]))

    @cached_property
    def labels(self) -> NDArray[np.str_]:
        """``(N,)`` the action of each segment, empty where it belongs to no trial."""
        return np.array(["", *self.trials])[self.trial_of + 1]

    @property
    def samples(self) -> tuple[Array, ...]:
        """Samples of each segment without drift at 200 Hz, ``(T, C)`` in the unit of the recording."""
        return self.signals.samples

    @property
    def unlabelled(self) -> "TrialSession":
        """The same session without a label: what a system under test may see."""
        return self.with_trials(())

    def with_trials(self, kept: Sequence[int] | NDArray[np.int64]) -> "TrialSession":
        """The same session, in which only some trials are labelled; all segments stay."""
        number = np.full(len(self.trials) + 1, -1)
        number[list(kept)] = np.arange(len(kept))
        trial_of = number[self.trial_of]
        spans = (
            span if trial >= 0 else None for span, trial in zip(self.session.spans, trial_of, strict=True)
        )
        return replace(
            self,
            session=replace(self.session, spans=tuple(spans)),
            trials=tuple(self.trials[trial] for trial in kept),
            trial_of=trial_of,
        )

    def without(self, actions: Collection[str]) -> "TrialSession":
        """The same session without the trials and segments of some actions.

        Where there were any, the segments without a label leave as well, for they may be parts of them.
        """
        if not set(actions) & set(self.trials):
            return self
        kept = [trial for trial, action in enumerate(self.trials) if action not in actions]
        labelled = self.with_trials(kept)
        rows = np.flatnonzero(labelled.trial_of >= 0)
        return replace(
            labelled,
            session=segments_of_session(labelled.session, rows),
            trial_of=labelled.trial_of[rows],
            signals=self.signals.only(rows),
        )


def segments_of_session(session: Session, rows: NDArray[np.int64]) -> Session:
    """A session that has only some of its segments."""
    parts = ("courses", "log_covariance", "log_covariance_of_steps", "scalars", "words")
    channels = replace(session.channels, **{name: getattr(session.channels, name)[rows] for name in parts})
    spans = tuple(session.spans[row] for row in rows)
    return replace(session, features=session.features[rows], channels=channels, spans=spans)


def as_trials(session: Session) -> TrialSession:
    """A session in which each labelled segment is a trial; its samples are not there."""
    labelled = np.array([action is not None for action in session.actions], dtype=bool)
    trial_of = np.where(labelled, np.cumsum(labelled) - 1, -1).astype(np.int64)
    return TrialSession(session, tuple(action for action in session.actions if action), trial_of)


def read_trials(library: Library) -> list[TrialSession]:
    """All sessions of a library that have trials, in its order."""
    sessions = (prepare_trials(recordings, person) for recordings, person in sessions_of(library))
    return [session for session in sessions if session.trials]


def prepare_trials(recordings: Sequence[Recording], person: str) -> TrialSession:
    """One session, described as for training, with its trials."""
    session = prepare_session(recordings, person)
    spans = [span for recording in recordings for span in recording.spans if span.action]
    number = {id(span): trial for trial, span in enumerate(spans)}
    trial_of = [-1 if span is None else number.get(id(span), -1) for span in session.spans]
    actions = tuple(span.action for span in spans if span.action)
    return TrialSession(session, actions, np.array(trial_of, dtype=np.int64), Signals(tuple(recordings)))


def segment_samples(recordings: Sequence[Recording], rate_hz: int = RATE_HZ) -> Iterator[Array]:
    """Samples of each segment of a session, without drift, at one rate: ``(T, C)`` with T of at least 1."""
    frames = [to_frames(recording) for recording in recordings]
    resampled = [_resampled(one, rate_hz) for one in frames]
    for segment in segments_of_frames(frames, recordings):
        samples = resampled[segment.recording]
        first = min(round(segment.start_s * rate_hz), len(samples) - 1)
        yield samples[first : max(round(segment.end_s * rate_hz), first + 1)]


def _resampled(frames: Frames, rate_hz: int) -> Array:
    ratio = Fraction(rate_hz / frames.rate_hz).limit_denominator(1000)
    return np.asarray(resample_poly(frames.filtered, ratio.numerator, ratio.denominator, axis=0), np.float32)


def decide(session: TrialSession, log_posterior: LogPosterior, actions: Sequence[str]) -> list[str | None]:
    """The action with the highest mean log posterior over each trial's segments.

    Args:
        session: N segments, K trials.
        log_posterior: ``(N, A)``.
        actions: the A candidates.

    Returns:
        One action a trial, None for a trial without segments.
    """
    total = np.zeros((len(session.trials), len(actions)))
    inside = session.trial_of >= 0
    np.add.at(total, session.trial_of[inside], log_posterior[inside])
    found = np.bincount(session.trial_of[inside], minlength=len(session.trials)) > 0
    best = total.argmax(axis=1)  # the sum orders as the mean does
    return [actions[action] if one else None for action, one in zip(best, found, strict=True)]


def balanced_accuracy(truth: Sequence[str], decided: Sequence[str | None]) -> float:
    """Mean, over the actions that occur, of the share of their trials that were decided right."""
    right = np.array([one == other for one, other in zip(truth, decided, strict=True)], dtype=float)
    labels = np.array(truth)
    return float(np.mean([right[labels == action].mean() for action in sorted(set(truth))]))


def people_of(sessions: Sequence[TrialSession]) -> dict[str, list[TrialSession]]:
    """Sessions by person, sorted by name."""
    people: dict[str, list[TrialSession]] = {}
    for session in sorted(sessions, key=lambda session: session.person):
        people.setdefault(session.person, []).append(session)
    return people


def actions_by_dataset(sessions: Sequence[TrialSession]) -> dict[str, tuple[str, ...]]:
    """The actions of each data set's trials, sorted."""
    actions: dict[str, set[str]] = {}
    for session in sessions:
        actions.setdefault(session.dataset, set()).update(session.trials)
    return {dataset: tuple(sorted(found)) for dataset, found in actions.items()}
