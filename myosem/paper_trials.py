"""What a paper takes for a trial: its people, its actions, and how long a trial lasts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from myosem.corpus import sessions_of
from myosem.library import Library
from myosem.papers import Benchmark
from myosem.records import Recording, Span
from myosem.repetitions import REST
from myosem.trials import TrialSession, prepare_trials


@dataclass(frozen=True)
class PaperTrials:
    """Reads the trials of a benchmark out of a library, and nothing else of it.

    Attributes:
        subjects: who takes part, everybody where empty.
        actions: those that are tried, all where empty; no segment of another one stays.
        trial_s: how long a trial lasts from the start of a movement; as labelled where None.
    """

    subjects: frozenset[str] = frozenset()
    actions: tuple[str, ...] = ()
    trial_s: float | None = None

    @classmethod
    def of(cls, benchmark: Benchmark) -> "PaperTrials":
        """Those of a benchmark."""
        return cls(benchmark.named, benchmark.actions, benchmark.trial_s)

    def __call__(self, library: Library) -> list[TrialSession]:
        """Sessions with at least one trial, in the order of the library."""
        read = [
            prepare_trials(self._with_windows(recordings), person)
            for recordings, person in sessions_of(library)
            if not self.subjects or recordings[0].subject in self.subjects
        ]
        chosen = [self._chosen(session) for session in read]
        return [session for session in chosen if session.trials]

    def _chosen(self, session: TrialSession) -> TrialSession:
        others = set(session.trials) - set(self.actions)
        return session.without(others) if self.actions else session

    def _with_windows(self, recordings: Sequence[Recording]) -> Sequence[Recording]:
        if self.trial_s is None:
            return recordings
        return [replace(one, spans=windows(one.spans, self.trial_s, one.duration_s)) for one in recordings]


def windows(spans: Sequence[Span], seconds: float, duration_s: float) -> tuple[Span, ...]:
    """Movements that last so long, but end where the next one starts; rest has what they leave.

    Args:
        spans: labelled stretches of one recording.
        seconds: from the start of each movement.
        duration_s: length of the recording.
    """
    moves = sorted((one for one in spans if one.action != REST), key=lambda one: one.start_s)
    ends = [after.start_s for _, after in pairwise(moves)] + [duration_s]
    moves = [
        replace(one, end_s=min(one.start_s + seconds, end)) for one, end in zip(moves, ends, strict=False)
    ]
    found = [*moves]
    for rest in (one for one in spans if one.action == REST):
        before = [one.end_s for one in moves if one.start_s <= rest.start_s]
        start_s = max([rest.start_s, *before[-1:]])
        if start_s < rest.end_s:
            found.append(replace(rest, start_s=start_s))
    return tuple(sorted(found, key=lambda one: one.start_s))
