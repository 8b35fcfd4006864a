"""AEMG as the trial-level protocols judge it: the encoder and what adapts it to a session.

Each fold trains everything from nothing on the sessions of its other people and on simulated ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from myosem.adaptation import Statistics, Told, Wide
from myosem.corpus import Session, slower_sessions
from myosem.encoder import SessionEncoder
from myosem.onnx_tower import OnnxTextTower
from myosem.personal import People, personal_log_posterior
from myosem.practice import practice_sessions
from myosem.session_adapter import SessionAdapter
from myosem.systems import Context, to_columns
from myosem.train import TextBank, TrainConfig, Trainer, embed, prompt_texts
from myosem.trials import LogPosterior, TrialSession

SIMULATED = 240
NEVER = 1e-9
LEAST_PEOPLE = 3
"""Two people are too few to say how people differ."""


@dataclass(frozen=True)
class Aemg:
    """Encoder and adapted discriminants, trained on all data sets at once.

    Attributes:
        title: what the tables call it.
        context: whether a segment is read among the others of its session.
        steps: of the encoder's training; without any the discriminants decide alone.
        simulated: simulated sessions to train on as well.
    """

    title: str
    context: Context = "session"
    steps: int = TrainConfig.steps
    simulated: int = SIMULATED

    @property
    def seeded(self) -> bool:
        """Training an encoder depends on chance."""
        return self.steps > 0

    def fit(self, training: Sequence[TrialSession], seed: int) -> "FittedAemg":
        """Train from nothing."""
        sessions = [one.session for one in training] + _practice(self.simulated)
        if self.steps:
            sessions += [slow for one in training for slow in _slower(one)]
        config = TrainConfig(steps=self.steps, seed=seed)
        config = replace(config, encoder=replace(config.encoder, context=self.context == "session"))
        trainer = Trainer(sessions, _bank(), config)
        trainer.run()
        return FittedAemg(trainer.adapter, trainer.encoder if self.steps else None, Crowd(training))


class Crowd:
    """How the training people of each data set differ, found when it is first asked for."""

    def __init__(self, training: Sequence[TrialSession] = ()) -> None:
        self._training = tuple(training)
        self._people: dict[str, tuple[People, ...]] = {}

    def people(self, known: Statistics) -> tuple[People, ...]:
        """One a view of these statistics."""
        if known.dataset not in self._people:
            sessions = [one for one in self._training if one.dataset == known.dataset]
            labels = np.concatenate([one.labels for one in sessions])
            persons = np.concatenate([np.full(len(one), one.person) for one in sessions])
            rows = np.isin(labels, known.actions)
            action = np.searchsorted(known.actions, labels[rows])
            person = np.unique(persons[rows], return_inverse=True)[1]
            views = _straight_views(known, sessions)
            self._people[known.dataset] = tuple(People.of(view[rows], action, person) for view in views)
        return self._people[known.dataset]


@dataclass(frozen=True)
class FittedAemg:
    """A trained AEMG.

    Attributes:
        adapter: discriminants of every data set.
        encoder: its vectors count as well, where there is one.
        crowd: the people it was trained on.
        person: sessions in which somebody has labelled a few trials, all of one person.
    """

    adapter: SessionAdapter
    encoder: SessionEncoder | None
    crowd: Crowd = field(default_factory=Crowd)
    person: tuple[TrialSession, ...] = ()

    def log_posterior(self, session: TrialSession, actions: Sequence[str]) -> LogPosterior:
        """``(N, A)`` for the N segments of a session; of a data set never seen by those it resembles."""
        names = [known.dataset for known in self.adapter.statistics]
        if session.dataset not in names:
            return self._elsewhere(session.session.features, actions)
        number = names.index(session.dataset)
        known, anchors = self.adapter.statistics[number], self.adapter.anchors[number]
        features = known.straightened(session.session.features)
        vectors = embed(self.encoder, features) if self.encoder is not None else None
        told = self._told(number) if self.person else None
        found = known.log_posterior(features, vectors, anchors, told)
        if told is not None and known.context and known.people >= LEAST_PEOPLE:
            found = found + self._personal(known, session)
        return to_columns(found, known.actions, actions)

    def _elsewhere(self, features: NDArray[np.float32], actions: Sequence[str]) -> LogPosterior:
        straight = self.adapter.straightened(features)
        vectors = embed(self.encoder, straight) if self.encoder is not None else None
        return np.log(self.adapter.probabilities(features, vectors, list(actions)) + NEVER)

    def adapted(self, sessions: Sequence[TrialSession]) -> "FittedAemg":
        """One that also learns from the labelled trials of one person."""
        return replace(self, person=tuple(sessions))

    def _personal(self, known: Statistics, session: TrialSession) -> Wide:
        """``(N, K)`` from all segments of the person, of all sessions."""
        features = session.session.features
        same = [np.array_equal(one.session.features, features) for one in self.person]
        here = [one for one, own in zip(self.person, same, strict=True) if own] or [session.unlabelled]
        others = [one for one, own in zip(self.person, same, strict=True) if not own]
        pooled = [here[0], *others]
        labels = np.concatenate([one.labels for one in pooled])
        told = (labels[:, None] == np.array(known.actions)).astype(np.float64)
        views = _straight_views(known, pooled)
        return personal_log_posterior(self.crowd.people(known), views, told)[: len(session)]

    def _told(self, number: int) -> Told:
        known = self.adapter.statistics[number]
        labelled = [session.trial_of >= 0 for session in self.person]
        parts = [
            tuple(view[rows] for view in known.views(known.straightened(session.session.features)))
            for session, rows in zip(self.person, labelled, strict=True)
        ]
        views = tuple(np.concatenate(own) for own in zip(*parts, strict=True))
        labels = np.concatenate(
            [session.labels[rows] for session, rows in zip(self.person, labelled, strict=True)]
        )
        member = (labels[:, None] == np.array(known.actions)).astype(np.float64)
        return Told(views, member)


def _straight_views(known: Statistics, sessions: Sequence[TrialSession]) -> list[Wide]:
    """The views of sessions, one after the other, each straightened and on its own scale."""
    parts = [known.views(known.straightened(one.session.features)) for one in sessions]
    return [np.concatenate(own) for own in zip(*parts, strict=True)]


def _slower(session: TrialSession) -> list[Session]:
    recordings = session.signals.recordings
    return slower_sessions(recordings, session.person) if recordings else []


@cache
def _practice(count: int) -> list[Session]:
    return practice_sessions(count)


@cache
def _bank() -> TextBank:
    return TextBank.of(prompt_texts(), OnnxTextTower().encode)


SYSTEMS = {
    "aemg-alone": Aemg("AEMG, fine-tuned, no context", context="none"),
    "aemg-adaptation": Aemg("AEMG without its encoder", steps=0, simulated=0),
    "aemg-real": Aemg("AEMG, fine-tuned without simulated forearms", simulated=0),
    "aemg": Aemg("AEMG, fine-tuned"),
}
