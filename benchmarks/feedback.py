"""What relevance feedback brings on people never seen, when a person is simulated who knows every label.

    python benchmarks/feedback.py LIBRARY --folds FILE [--fold N ...] [--steps N] [--vectors DIR]

Trains a model a fold, on all others' recordings, and judges the people of the fold. With --vectors the
vectors of a fold are kept in that folder, and read from it where they are there already. Needs the extra
[train]. Writes benchmarks/results/feedback.md.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myosem import metrics
from myosem.feedback import correction, lacking
from myosem.folds import Folds, read_folds

RESULT = Path(__file__).parent / "results" / "feedback.md"
ARRAYS = ("about", "name", "vectors", "labels", "trials", "actions", "words")
DRAWS = 3
ROCCHIO = 0.75, 0.25
EXPLAINED = f"""\
**The user is simulated**: labels of the data sets stand for what a person would say of a hit. What feedback
does was chosen on folds 0 and 1. A trial of which a segment was judged is left out, before and after alike,
so both rank the same segments.

mAP and P@10: each action searched for among one person's remaining segments (pool). R@1: the likeliest action
of each of them, a mean over actions, where labels were given. Brackets: 95 % intervals, people of each data
set drawn with replacement; gains are paired by person. One value a person, the mean of {DRAWS} draws of what
is labelled. Rocchio: query + {ROCCHIO[0]} mean of the right - {ROCCHIO[1]} mean of the wrong."""

Array = NDArray[np.float32]
Rows = NDArray[np.int64]
Names = NDArray[np.str_]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Session:
    """Vectors of one session of somebody never seen; N segments, A actions.

    Attributes:
        about: how the model was trained.
        name: data set and person.
        vectors: ``(N, D)``.
        labels: ``(N,)``, empty where there is none.
        trials: ``(N,)`` -1 where there is none.
        actions: ``(A,)`` what the data set knows.
        words: ``(A, D)``.
    """

    about: Names
    name: Names
    vectors: Array
    labels: Names
    trials: Rows
    actions: Names
    words: Array


class Person:
    """All sessions of one person, one after the other; or those of all people of a data set and fold.

    Args:
        sessions: of one data set.
    """

    def __init__(self, sessions: Sequence[Session]) -> None:
        self.dataset, self.name = sessions[0].name.tolist()
        self.actions, self.words = sessions[0].actions, sessions[0].words
        self.vectors = np.concatenate([one.vectors for one in sessions])
        self.labels = np.concatenate([one.labels for one in sessions])
        names = [one.name[1] for one in sessions]
        self.owner = np.repeat(names, [len(one.labels) for one in sessions])
        self.session = np.repeat(np.arange(len(sessions)), [len(one.labels) for one in sessions])
        starts = np.cumsum([0, *(one.trials.max(initial=-1) + 1 for one in sessions[:-1])])
        parts = zip(sessions, starts, strict=True)
        self.trials = np.concatenate([np.where(s.trials < 0, -1, s.trials + start) for s, start in parts])

    @cached_property
    def scores(self) -> Array:
        """Of each segment for each action, without feedback: ``(N, A)``."""
        return self.vectors @ self.words.T

    @cached_property
    def pool(self) -> Rows:
        """The segments of known actions."""
        return np.flatnonzero(np.isin(self.labels, self.actions))


@dataclass(frozen=True)
class Said:
    """What the simulated person says after a search for one action.

    Attributes:
        action: its position.
        judged: J segments.
        relevant: ``(J,)``.
        rest: what is ranked then: the pool without any trial that was judged.
    """

    action: int
    judged: Rows
    relevant: Flags
    rest: Rows


Saying = Callable[[Person, int], Iterator[Said]]
Way = Callable[[Person, Said], NDArray[np.floating]]
Values = dict[str, float]


def first_hits(count: int) -> Saying:
    """The first hits of each action's page are judged, and nothing is known from the search before."""

    def say(person: Person, seed: int) -> Iterator[Said]:
        for action, name in enumerate(person.actions):
            order = np.argsort(-person.scores[person.pool, action], kind="stable")
            judged = person.pool[order[:count]]
            yield Said(action, judged, person.labels[judged] == name, _rest(person, judged))

    return say


def one_trial(person: Person, seed: int) -> Iterator[Said]:
    """One segment of one trial of each action is labelled, if there is another trial of it."""
    judged = _labelled(person, person.pool, seed)
    yield from _to_all(person, judged, _rest(person, judged))


def one_trial_elsewhere(person: Person, seed: int) -> Iterator[Said]:
    """The same in the first session; the other sessions are ranked."""
    judged = _labelled(person, person.pool[person.session[person.pool] == 0], seed)
    yield from _to_all(person, judged, person.pool[person.session[person.pool] > 0])


def _labelled(person: Person, among: Rows, seed: int) -> Rows:
    generator = np.random.default_rng(seed)
    judged = []
    for action in person.actions:
        own = among[person.labels[among] == action]
        trials = np.unique(person.trials[own])
        if len(trials) > 1:
            judged.append(generator.choice(own[person.trials[own] == generator.choice(trials)]))
    return np.array(judged, dtype=np.int64)


def _to_all(person: Person, judged: Rows, rest: Rows) -> Iterator[Said]:
    for action, name in enumerate(person.actions):
        yield Said(action, judged, person.labels[judged] == name, rest)


def _rest(person: Person, judged: Rows) -> Rows:
    gone = np.isin(person.trials[person.pool], person.trials[judged])
    return person.pool[~gone]


SAYINGS: dict[str, Saying] = {
    "the first hit judged": first_hits(1),
    "the first 3 hits judged": first_hits(3),
    "the first 5 hits judged": first_hits(5),
    "one trial an action labelled": one_trial,
    "... in one session; the other sessions ranked": one_trial_elsewhere,
}
JUDGED, LABELLED = tuple(SAYINGS)[:3], tuple(SAYINGS)[3:]


def without(person: Person, said: Said) -> NDArray[np.floating]:
    """The search alone."""
    return person.scores[:, said.action]


def rocchio(person: Person, said: Said) -> NDArray[np.floating]:
    """The query moved towards the mean of the right ones and away from that of the wrong ones."""
    query = person.words[said.action].copy()
    for weight, chosen in zip((ROCCHIO[0], -ROCCHIO[1]), (said.relevant, ~said.relevant), strict=True):
        if chosen.any():
            query += weight * person.vectors[said.judged[chosen]].mean(axis=0)
    return np.asarray(person.vectors @ query)


def feedback(person: Person, said: Said) -> NDArray[np.floating]:
    """What ``Engine.search(more=..., less=...)`` does."""
    moved = person.scores[:, said.action].copy()
    lack = lacking(moved[said.judged], said.relevant)[:, None]
    owners = np.unique(person.owner)
    for owner in owners:
        own, told = person.owner == owner, person.owner[said.judged] == owner
        if told.any():
            judged = person.vectors[said.judged[told]]
            gained = correction(person.vectors[own], judged, lack[told])[:, 0]
            moved[own] += gained - gained.mean() * (len(owners) > 1)  # of one person the order is the same
    return moved


def chance(person: Person, said: Said) -> NDArray[np.floating]:
    """Any order."""
    return np.random.default_rng(said.action).random(len(person.labels))


WAYS: dict[str, Way] = {
    "no feedback": without,
    "Rocchio": rocchio,
    "MyoSem's feedback": feedback,
    "chance": chance,
}


def measure(person: Person, saying: Saying, way: Way) -> Values | None:
    """Means over draws of means over actions; None where nothing is left to be found."""
    drawn = [_measure(person, list(saying(person, seed)), way) for seed in range(DRAWS)]
    found = [one for one in drawn if one]
    return {key: float(np.mean([one[key] for one in found])) for key in found[0]} if found else None


def _measure(person: Person, sayings: Sequence[Said], way: Way) -> Values | None:
    scores = np.stack([way(person, said) for said in sayings])  # (A, N)
    found = []
    for own, said in zip(scores, sayings, strict=True):
        right = (person.labels[said.rest] == person.actions[said.action])[None]
        if right.any():
            ranked = own[said.rest][None]
            best = metrics.average_precision(ranked, right)[0], metrics.precision_at(10, ranked, right)[0]
            named = scores[:, said.rest[right[0]]].argmax(axis=0) == said.action
            found.append((*best, named.mean(), len(said.rest)))
    if not found:
        return None
    return dict(zip(("mAP", "P@10", "R@1", "pool"), np.mean(found, axis=0).tolist(), strict=True))


Results = dict[tuple[str, str], dict[str, list[Values]]]
"""By what was said and by way: data set -> one a person, in one order for all ways."""


def run(people: Sequence[Person], sayings: Sequence[str] = tuple(SAYINGS)) -> Results:
    """Everything that is said, in every way."""
    results: Results = {(saying, way): {} for saying in sayings for way in WAYS}
    for person in people:
        for saying, say in ((one, SAYINGS[one]) for one in sayings):
            for way, rank in WAYS.items():
                values = measure(person, say, rank)
                if values is not None:
                    results[saying, way].setdefault(person.dataset, []).append(values)
    return results


def column(results: Results, saying: str, way: str, metric: str) -> list[NDArray[np.float64]]:
    """Values of each data set's people."""
    own = results[saying, way]
    return [np.array([one[metric] for one in own[dataset]]) for dataset in sorted(own)]


def cell(groups: Sequence[NDArray[np.float64]], sign: str = "") -> str:
    """Mean of means, with the interval over people."""
    low, high = metrics.mean_interval(groups)
    middle = f"{np.mean([own.mean() for own in groups]):{sign}.3f}"
    return middle if np.isnan(low) else f"{middle} [{low:{sign}.2f}, {high:{sign}.2f}]"


def markdown(results: Results, crowds: Results, about: str) -> str:
    """Means over data sets, of one person's segments and of several people's, then each data set."""
    lines = [
        "# Relevance feedback on people never seen",
        "",
        f"{about}. {EXPLAINED}",
        "",
        "## Mean over data sets",
        "",
        *_head("what is said", "data sets", "people", "pool", "way", "mAP", "gain", "P@10", "R@1"),
    ]
    lines += [_mean_row(results, *one) for one in results if results[one]]
    lines += ["", "## Several people searched at once", ""]
    lines += [
        "All people of a data set and fold are one pool; only segments of those who were judged move. No "
        "intervals, for a pool is one value.",
        "",
        *_head("what is said", "data sets", "pools", "pool", "way", "mAP", "P@10"),
    ]
    lines += [_crowd_row(crowds, *one) for one in crowds if crowds[one]]
    lines += ["", "## Each data set", ""]
    lines += _head("data set", "people", "what is said", "pool", "mAP without", "with", "R@1 without", "with")
    datasets = sorted({dataset for own in results.values() for dataset in own})
    lines += [
        _dataset_row(results, saying, dataset)
        for dataset in datasets
        for saying in SAYINGS
        if dataset in results[saying, "no feedback"]
    ]
    return "\n".join(lines) + "\n"


def _mean_row(results: Results, saying: str, way: str) -> str:
    found = column(results, saying, way, "mAP")
    plain = column(results, saying, "no feedback", "mAP")
    gain = (
        ""
        if way in ("no feedback", "chance")
        else cell([a - b for a, b in zip(found, plain, strict=True)], "+")
    )
    named = cell(column(results, saying, way, "R@1")) if saying in LABELLED else ""
    pool = np.mean([own.mean() for own in column(results, saying, way, "pool")])
    people = sum(len(own) for own in found)
    cells = (cell(found), gain, cell(column(results, saying, way, "P@10")), named)
    return f"| {saying} | {len(found)} | {people} | {pool:.0f} | {way} | {' | '.join(cells)} |"


def _crowd_row(results: Results, saying: str, way: str) -> str:
    found = {metric: column(results, saying, way, metric) for metric in ("mAP", "P@10", "pool")}
    means = {metric: np.mean([own.mean() for own in groups]) for metric, groups in found.items()}
    counts = f"{len(found['mAP'])} | {sum(map(len, found['mAP']))} | {means['pool']:.0f}"
    return f"| {saying} | {counts} | {way} | {means['mAP']:.3f} | {means['P@10']:.3f} |"


def _dataset_row(results: Results, saying: str, dataset: str) -> str:
    values = [results[saying, way][dataset] for way in ("no feedback", "MyoSem's feedback")]
    cells = [cell([np.array([one["mAP"] for one in own])]) for own in values]
    named = [cell([np.array([one["R@1"] for one in own])]) if saying in LABELLED else "" for own in values]
    pool = np.mean([one["pool"] for one in values[0]])
    return f"| {dataset} | {len(values[0])} | {saying} | {pool:.0f} | {' | '.join((*cells, *named))} |"


def _head(*titles: str) -> list[str]:
    return [f"| {' | '.join(titles)} |", "|" + "---|" * len(titles)]


def sessions_of_fold(library: Path, folds: Folds, fold: int, steps: int) -> list[Session]:
    """Train on everybody else, and embed the people of a fold."""
    from myosem.evaluate import actions_of
    from myosem.library import Library
    from myosem.retriever import Retriever, exported_tower
    from myosem.splits import PROTOCOLS, Material
    from myosem.train import TrainConfig
    from myosem.trials import read_trials

    (split,) = PROTOCOLS["user"].split(Material(read_trials(Library.open(library))), folds, fold)
    config = TrainConfig(steps=steps)
    retriever = Retriever.train([one.session for one in split.training], config, exported_tower())
    found = []
    for session in split.tested:
        actions = actions_of(split.training, session.dataset)
        found.append(
            Session(
                about=np.array(f"models of {steps} steps"),
                name=np.array([session.dataset, session.person]),
                vectors=retriever.segments(session),
                labels=session.labels,
                trials=session.trial_of,
                actions=np.array(actions),
                words=retriever.words(actions),
            )
        )
    return found


def save(sessions: Sequence[Session], file: Path) -> None:
    """Write them to an .npz file."""
    arrays = {f"{n}.{name}": getattr(one, name) for n, one in enumerate(sessions) for name in ARRAYS}
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(file, **arrays)


def load(file: Path) -> list[Session]:
    """What ``save`` wrote."""
    with np.load(file, allow_pickle=False) as stored:
        count = len(stored.files) // len(ARRAYS)
        return [Session(**{name: stored[f"{n}.{name}"] for name in ARRAYS}) for n in range(count)]


def people_of(sessions: Sequence[Session]) -> list[Person]:
    """Their sessions together."""
    names = dict.fromkeys(tuple(one.name.tolist()) for one in sessions)
    return [Person([one for one in sessions if tuple(one.name.tolist()) == name]) for name in names]


def crowds_of(sessions: Sequence[Session]) -> list[Person]:
    """All people of each data set of a fold together, where there are several."""
    together = [
        [one for one in sessions if one.name[0] == name] for name in {one.name[0] for one in sessions}
    ]
    return [Person(own) for own in together if len({one.name[1] for one in own}) > 1]


def main() -> None:
    """Run and write the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("library", type=Path)
    parser.add_argument("--folds", type=Path, required=True)
    parser.add_argument("--fold", type=int, action="append", help="all by default")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--vectors", type=Path, help="folder to keep vectors in")
    options = parser.parse_args()
    folds = read_folds(options.folds)
    people, crowds, about = [], [], set()
    for fold in options.fold or folds.numbers:
        file = options.vectors / f"fold{fold}.npz" if options.vectors else None
        if file and file.is_file():
            sessions = load(file)
        else:
            sessions = sessions_of_fold(options.library, folds, fold, options.steps)
            if file:
                save(sessions, file)
        people += people_of(sessions)
        crowds += crowds_of(sessions)
        about |= {str(one.about) for one in sessions}
    numbers = " ".join(str(number) for number in options.fold or folds.numbers)
    text = markdown(run(people), run(crowds, JUDGED), f"Folds {numbers}, {', '.join(sorted(about))}")
    RESULT.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
