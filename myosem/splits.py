"""The protocols: who and what is trained on, who and what is tested, and what is asked of them.

| protocol      | tested                                         | never seen in training             |
|---------------|------------------------------------------------|------------------------------------|
| `rand`        | every third repetition of everybody            | these repetitions                  |
| `user`        | the people of a fold                           | these people                       |
| `class`       | held-out actions of the people of a fold       | these people, actions, their texts |
| `device`      | a whole data set                               | this data set                      |
| `effort`      | actions with their effort, people of a fold    | these people                       |
| `composition` | held-out combinations of the people of a fold  | these people, combinations, texts  |
| `day`         | later days of the people of a fold             | these days; or these people        |
| `amputee`     | people after an amputation                     | anybody after an amputation        |

Simulated people train along, without what is held out. The slower copies of a session that training
makes belong to its person, and are never tested.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from myosem.evaluate import Question, actions_of
from myosem.folds import Folds, sharing
from myosem.prompts import load_actions
from myosem.prompts.load import action_for_name
from myosem.records import Span
from myosem.relevance import grade_effort
from myosem.retriever import words_of
from myosem.trials import TrialSession, as_trials

DAYS = COMPOSITIONS = "long_term_30day"
EFFORTS = "contraction_intensity"
FIRST_DAY = 1
HELD_OUT, ALL_ACTIONS = "among the held-out only", "among all actions"
AMPUTEES: dict[int, range | None] = {
    3: None,
    7: range(21, 23),
    8: range(11, 13),
    10: range(101, 116),
}
"""NinaPro database -> numbers of the subjects after an amputation; None for all of them."""
NINAPRO = re.compile(r"^(?:ninapro[ _-]*)?db[ _-]*0*(\d+)$", re.IGNORECASE)


@dataclass(frozen=True)
class Material:
    """What a protocol divides.

    Attributes:
        sessions: real, slower and simulated ones.
        repetitions: real ones that hold nothing but test repetitions; none of ``sessions`` has any of them.
    """

    sessions: Sequence[TrialSession]
    repetitions: Sequence[TrialSession] = ()


@dataclass(frozen=True)
class Split:
    """One training and its test.

    Attributes:
        training: what a model may learn from.
        tested: what it is asked about.
        questions: what it is asked.
        withheld: actions whose texts may not be seen in training.
        plain: what the plain systems learn from; the real sessions of ``training`` where None.
        note: stands behind the names of the systems, where a fold has several trainings.
    """

    training: Sequence[TrialSession]
    tested: Sequence[TrialSession]
    questions: Sequence[Question]
    withheld: frozenset[str] = frozenset()
    plain: Sequence[TrialSession] | None = None
    note: str = ""

    @property
    def recorded(self) -> list[TrialSession]:
        """What the plain systems learn from."""
        return recorded(self.training) if self.plain is None else list(self.plain)


@dataclass(frozen=True)
class Protocol:
    """How material is divided.

    Attributes:
        title: heading of its table.
        split: the trainings of one fold.
        numbers: its folds.
        baselines: the plain systems it is compared with, unless others are asked for.
        folds: whether it needs a file of folds.
        cut: whether recordings are cut between repetitions.
        only: the one data set that is tested, None for all.
    """

    title: str
    split: Callable[[Material, Folds, int], list[Split]]
    numbers: Callable[[Sequence[str], Folds], tuple[int, ...]] = lambda datasets, folds: folds.numbers
    baselines: tuple[str, ...] = ("covariance-lda", "self-trained-lda")
    folds: bool = True
    cut: bool = False
    only: str | None = None


def recorded(sessions: Sequence[TrialSession]) -> list[TrialSession]:
    """The real sessions as they were recorded."""
    return [one for one in sessions if not (one.session.simulated or one.session.slower)]


def datasets_of(sessions: Sequence[TrialSession]) -> list[str]:
    """The data sets of real sessions with labels, sorted."""
    return sorted({one.dataset for one in recorded(sessions) if one.trials})


def rand(material: Material, folds: Folds, number: int) -> list[Split]:
    """Test repetitions of the people who are trained on."""
    return [Split(material.sessions, material.repetitions, _every_action(material.sessions))]


def user(material: Material, folds: Folds, number: int) -> list[Split]:
    """People never seen."""
    training, tested = _people(material, folds, number)
    return [Split(training, tested, _every_action(training))]


def held_out_classes(material: Material, folds: Folds, number: int) -> list[Split]:
    """Actions never seen, neither done nor described, on people never seen."""
    held = meant_by(folds.actions.get(number, ()), material.sessions, folds)
    built = {one.id for one in load_actions().values() if held & set(one.parts)}
    return [_without(_people(material, folds, number), _vocabulary(material), held, held | built)]


def composition(material: Material, folds: Folds, number: int) -> list[Split]:
    """Combinations never seen whose parts have been, on people never seen."""
    held = meant_by(folds.compositions.get(number, ()), material.sessions, folds)
    people = _people(material, folds, number, only=COMPOSITIONS)
    return [_without(people, _vocabulary(material), held, held)]


def device(material: Material, folds: Folds, number: int) -> list[Split]:
    """A data set never seen, all of its actions by their names; nor is one that may have people of it."""
    dataset = datasets_of(material.sessions)[number]
    unseen = {dataset, *sharing({dataset})}
    training = [one for one in material.sessions if one.dataset not in unseen]
    tested = [one for one in recorded(material.sessions) if one.dataset == dataset]
    return [Split(training, tested, _every_action(tested))]


def effort(material: Material, folds: Folds, number: int) -> list[Split]:
    """Actions with their effort, as ``light wrist flexion``, on people never seen."""
    training, tested = _people(material, folds, number, only=EFFORTS)
    plain = [_with_efforts(one) for one in recorded(training) if one.dataset == EFFORTS]
    phrases = actions_of(plain, EFFORTS)
    by_action: dict[str, list[str]] = {}
    for phrase in phrases:
        by_action.setdefault(phrase.partition(" ")[2], []).append(phrase)
    question = Question(
        EFFORTS, phrases, among="among all actions and efforts", label=with_effort, grade=grade_effort
    )
    questions = [question] + [
        replace(question, candidates=tuple(group), among="among the efforts of one action")
        for group in by_action.values()
    ]
    return [Split(training, tested, questions, plain=plain)]


def day(material: Material, folds: Folds, number: int) -> list[Split]:
    """Later days of people of whom the first day is trained on, beside people never seen."""
    training, tested = _people(material, folds, number, only=DAYS)
    people = {one.person for one in tested}
    first = [one for one in material.sessions if one.person in people and day_of(one) == FIRST_DAY]
    later = [one for one in tested if (day_of(one) or 0) > FIRST_DAY]
    actions = actions_of(training, DAYS)
    names = {day_of(one): one.session.name for one in later}
    questions = [Question(DAYS, actions, among="all later days")] + [
        Question(DAYS, actions, among=f"day {one}", session=names[one]) for one in sorted(names, key=_number)
    ]
    return [
        Split([*training, *first], later, questions, note=f"day {FIRST_DAY} known"),
        Split(training, later, questions, note="person unseen"),
    ]


def amputee(material: Material, folds: Folds, number: int) -> list[Split]:
    """People after an amputation, by what the others have taught."""
    training = [one for one in material.sessions if not is_amputee(one.dataset, one.subject)]
    tested = [one for one in recorded(material.sessions) if is_amputee(one.dataset, one.subject)]
    return [Split(training, tested, _every_action(tested))]


ACROSS = ("harmonic-lda", "harmonic-lda-self-trained")
"""Plain systems that need not know the data set."""
PROTOCOLS: dict[str, Protocol] = {
    "user": Protocol("People never seen (protocol user)", user),
    "rand": Protocol(
        "Repetitions never seen (protocol rand)",
        rand,
        lambda datasets, folds: (0,),
        folds=False,
        cut=True,
    ),
    "class": Protocol("Actions and people never seen (protocol class)", held_out_classes),
    "device": Protocol(
        "Data sets never seen (protocol device)",
        device,
        lambda datasets, folds: tuple(range(len(datasets))),
        ACROSS,
        folds=False,
    ),
    "effort": Protocol("Light, medium and hard, people never seen (protocol effort)", effort, only=EFFORTS),
    "composition": Protocol(
        "Combinations and people never seen (protocol composition)", composition, only=COMPOSITIONS
    ),
    "day": Protocol("Days and weeks later (protocol day)", day, only=DAYS),
    "amputee": Protocol(
        "People after an amputation, trained on all others (protocol amputee)",
        amputee,
        lambda datasets, folds: (0,),
        ACROSS,
        folds=False,
    ),
}
"""By name."""


def meant_by(meanings: Sequence[str], sessions: Sequence[TrialSession], folds: Folds) -> frozenset[str]:
    """Ids of the actions with some meanings, whatever each data set calls them."""
    wanted = set(meanings)
    spans = [(one.dataset, span) for one in sessions for span in one.session.spans if span]
    found = {span.action for dataset, span in spans if folds.meant(dataset, span.label) in wanted}
    named = {action_for_name(meaning) for meaning in meanings}
    return frozenset(action for action in found | named if action)


def is_amputee(dataset: str, subject: str) -> bool:
    """Whether NinaPro says that this subject has lost a hand."""
    database, numbers = NINAPRO.match(dataset), re.findall(r"\d+", subject)
    if database is None or int(database[1]) not in AMPUTEES or not numbers:
        return False
    known = AMPUTEES[int(database[1])]
    return known is None or int(numbers[-1]) in known


def day_of(session: TrialSession) -> int | None:
    """The day of a session that is named after one."""
    found = re.fullmatch(r"day[ _-]?(\d+)", session.session.name)
    return int(found[1]) if found else None


def with_effort(span: Span) -> str | None:
    """An action with its effort, as one would search for it; None where it has none."""
    return f"{span.effort.lower()} {words_of(span.action)}" if span.effort and span.action else None


def _every_action(sessions: Sequence[TrialSession]) -> list[Question]:
    real = recorded(sessions)
    return [Question(dataset, actions_of(real, dataset)) for dataset in datasets_of(real)]


def _people(
    material: Material, folds: Folds, number: int, only: str | None = None
) -> tuple[list[TrialSession], list[TrialSession]]:
    """Training and test people of a fold, the latter of one data set where ``only`` names it."""
    training, tested = folds.split(material.sessions, number)
    return training, [one for one in recorded(tested) if only in (None, one.dataset)]


def _vocabulary(material: Material) -> Callable[[str], tuple[str, ...]]:
    """The actions of each data set, whoever did them."""
    return partial(actions_of, recorded(material.sessions))


def _without(
    people: tuple[list[TrialSession], list[TrialSession]],
    actions: Callable[[str], tuple[str, ...]],
    held: frozenset[str],
    withheld: frozenset[str],
) -> Split:
    """Questions about ``held`` among the ``actions`` of a data set; training lacks ``withheld``."""
    training, tested = people
    kept = [one for session in training if len(one := session.without(withheld))]
    questions = []
    for dataset in datasets_of(tested):
        every = actions(dataset)
        asked = tuple(action for action in every if action in held)
        if len(asked) > 1:
            questions.append(Question(dataset, asked, among=HELD_OUT))
        if asked:
            questions.append(Question(dataset, every, asked, among=ALL_ACTIONS))
    return Split(kept, tested, questions, withheld)


def _with_efforts(session: TrialSession) -> TrialSession:
    """The same session with an action and its effort as the label of each segment."""
    named = ((span, with_effort(span) if span else None) for span in session.session.spans)
    spans = tuple(replace(span, action=name) if span and name else None for span, name in named)
    return replace(as_trials(replace(session.session, spans=spans)), signals=session.signals)


def _number(value: int | None) -> int:
    return value or 0
