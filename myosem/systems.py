"""What the trial-level protocols judge: systems that are fitted on some people and tested on others.

A system is a recipe without state. ``fit`` gets the training sessions of all data sets of a fold at
once and returns a new object that shares nothing with earlier ones, so every fold starts afresh. A
model that is trained once a fold for all data sets is a system as it stands; a baseline that has a
classifier of its own for each data set becomes one through ``PerDataset``.

Whatever is under test gets a session without labels and answers with the log posterior of each of its
segments. A system whose ``context`` is ``none`` looks at each segment by itself, and at the level of
rest that the segmentation has found; one whose ``context`` is ``session`` may look at all segments of
that session at once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from myosem.errors import UsageError
from myosem.extras import require_baselines
from myosem.trials import LogPosterior, TrialSession

Context = Literal["none", "session"]
MODULES: dict[str, tuple[str, ...]] = {
    "myosem.baselines.lda": (
        "td-lda",
        "td-lda-standardised",
        "covariance-lda-raw",
        "covariance-lda",
        "self-trained-lda",
    ),
    "myosem.baselines.riemann": ("riemann", "riemann-recentred"),
    "myosem.baselines.adaptation": ("coral", "linear-transport"),
    "myosem.baselines.rocket": ("minirocket", "minirocket-session"),
    "myosem.baselines.tcn": ("tcn", "tcn-session"),
    "myosem.baselines.harmonic": ("harmonic-lda", "harmonic-lda-self-trained"),
    "myosem.aemg_probe": ("aemg-probe-alone", "aemg-probe", "aemg-probe-content", "aemg-random"),
    "myosem.aemg": ("aemg-alone", "aemg-adaptation", "aemg-real", "aemg"),
}
"""Where the systems are: each of these modules has them by name in its ``SYSTEMS``."""
FEW_SHOT = ("covariance-lda", "self-trained-lda", "aemg-adaptation")
DEVICE = ("harmonic-lda", "harmonic-lda-self-trained", "aemg-adaptation", "aemg")
"""What these protocols judge unless told otherwise."""
PACKAGES = {
    "myosem.baselines.riemann": "pyriemann",
    "myosem.baselines.adaptation": "skada",
    "myosem.baselines.rocket": "aeon",
}
"""What some of them need beyond ``[train]``; all of it is in ``[baselines]``."""
IMPOSSIBLE = -1e9
"""Log posterior of an action that a classifier has never seen."""


class Fitted(Protocol):
    """A system after training."""

    def log_posterior(self, session: TrialSession, actions: Sequence[str]) -> LogPosterior:
        """``(N, A)`` for the N segments of a session and A actions of its data set; need not sum to one."""


@runtime_checkable
class Adaptable(Fitted, Protocol):
    """A trained system that can learn from a few labelled trials of the person it is used on."""

    def adapted(self, sessions: Sequence[TrialSession]) -> Fitted:
        """A new one that has also learned from the labelled segments of one person's sessions."""


class System(Protocol):
    """A recipe for training.

    Attributes:
        title: what the tables call it.
        context: what of an unlabelled session it sees beside the segment in question.
        seeded: whether chance plays a part in its training.
    """

    @property
    def title(self) -> str: ...  # noqa: D102

    @property
    def context(self) -> Context: ...  # noqa: D102

    @property
    def seeded(self) -> bool: ...  # noqa: D102

    def fit(self, training: Sequence[TrialSession], seed: int) -> Fitted:
        """Train from nothing on labelled sessions of all data sets."""


def system_names() -> tuple[str, ...]:
    """Names of all systems, in the order of the tables."""
    return tuple(name for names in MODULES.values() for name in names)


def load_system(name: str) -> System:
    """A system by its name.

    Raises:
        UsageError: none has this name.
        MissingExtraError: it needs packages that are not installed.
    """
    for module, names in MODULES.items():
        if name in names:
            if module in PACKAGES:
                require_baselines(PACKAGES[module])
            system: System = import_module(module).SYSTEMS[name]
            return system
    raise UsageError("no system has this name", got=name, exists=system_names())


class Classifier(Protocol):
    """A classifier of one data set's actions; fitted once.

    Attributes:
        actions: the columns of ``log_posterior``, once it is fitted.
    """

    actions: tuple[str, ...]

    def fit(self, training: Sequence[TrialSession], own: Sequence[TrialSession] = ()) -> None:
        """Learn from sessions of one data set, and of one person's own (few-shot), if there are any."""

    def log_posterior(self, session: TrialSession) -> LogPosterior:
        """``(N, A)`` for the N segments of a session."""


@dataclass(frozen=True)
class PerDataset:
    """A system that gives each data set a new classifier of its own.

    Attributes:
        title: what the tables call it.
        context: what its classifiers see of an unlabelled session.
        make: a new classifier from a seed.
        seeded: whether the seed matters.
    """

    title: str
    context: Context
    make: Callable[[int], Classifier]
    seeded: bool = False

    def fit(self, training: Sequence[TrialSession], seed: int) -> "FittedPerDataset":
        """A new classifier for each data set.

        Raises:
            UsageError: sessions of one data set differ in their channels.
        """
        parts: dict[str, list[TrialSession]] = {}
        for session in training:
            parts.setdefault(session.dataset, []).append(session)
        return FittedPerDataset(
            self, seed, parts, {name: self.one(part, seed) for name, part in parts.items()}
        )

    def one(
        self, training: Sequence[TrialSession], seed: int, own: Sequence[TrialSession] = ()
    ) -> Classifier:
        """A new classifier, fitted on one data set."""
        check_channels([*training, *own])
        classifier = self.make(seed)
        classifier.fit(training, own)
        return classifier


@dataclass(frozen=True)
class FittedPerDataset:
    """Classifiers by data set.

    Attributes:
        system: how to make another.
        seed: of all of them.
        training: what each data set's was fitted on.
        classifiers: one a data set.
    """

    system: PerDataset
    seed: int
    training: Mapping[str, Sequence[TrialSession]]
    classifiers: Mapping[str, Classifier]

    def log_posterior(self, session: TrialSession, actions: Sequence[str]) -> LogPosterior:
        """``(N, A)``; an action nobody of the training sessions did is all but impossible.

        Raises:
            UsageError: nobody of the session's data set was trained on, or their channels differ from these.
        """
        check_channels([session, *self.training.get(session.dataset, ())[:1]])
        classifier = self.classifiers.get(session.dataset)
        if classifier is None:
            raise UsageError(
                f"{self.system.title} knows nothing of {session.dataset}",
                expected="training sessions of the same data set",
                exists=sorted(self.classifiers),
            )
        return to_columns(classifier.log_posterior(session), classifier.actions, actions)

    def adapted(self, sessions: Sequence[TrialSession]) -> "FittedPerDataset":
        """One whose classifier for the data set of these sessions has learned from them as well."""
        name = sessions[0].dataset
        training = self.training.get(name, ())
        classifier = self.system.one(training, self.seed, sessions)
        return FittedPerDataset(self.system, self.seed, {name: training}, {name: classifier})


def to_columns(values: LogPosterior, known: Sequence[str], wanted: Sequence[str]) -> LogPosterior:
    """The columns of the wanted actions ``(N, A)``; one that is not known is all but impossible."""
    column = {action: number for number, action in enumerate(known)}
    extended = np.concatenate([values, np.full((len(values), 1), IMPOSSIBLE)], axis=1)
    return np.asarray(extended[:, [column.get(action, -1) for action in wanted]])


def check_channels(sessions: Sequence[TrialSession]) -> None:
    """Refuse sessions of one data set that differ in their channels.

    Raises:
        UsageError: names the counts.
    """
    counts = sorted({session.session.channels.courses.shape[2] for session in sessions})
    if len(counts) > 1:
        raise UsageError(
            f"the sessions of {sessions[0].dataset} differ in their channels",
            got=f"{' and '.join(map(str, counts))} channels",
            expected="one number of channels in a data set, for a baseline that stands on them",
            hint="put recordings of another layout into a data set of their own (dataset: in the mapping)",
        )


def labelled_rows(
    sessions: Sequence[TrialSession], describe: Callable[[TrialSession], NDArray[np.floating]]
) -> tuple[NDArray[np.floating], NDArray[np.str_]]:
    """Features ``(n, ...)`` and actions ``(n,)`` of the labelled segments of all sessions."""
    rows = [describe(session)[session.trial_of >= 0] for session in sessions]
    labels = [session.labels[session.trial_of >= 0] for session in sessions]
    return np.concatenate(rows), np.concatenate(labels)
