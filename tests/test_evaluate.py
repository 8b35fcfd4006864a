"""Tables say what they should: perfect is 1, guessing is chance, and nobody tested was trained on."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from toys import ACTIONS, tower, toy_session

from myosem import protocols
from myosem.baselines.lda import LdaRetriever
from myosem.catalogue import SessionKey
from myosem.corpus import Session
from myosem.encoder import EncoderConfig
from myosem.errors import UsageError
from myosem.evaluate import actions_of, evaluate_fold, judge, judge_people
from myosem.folds import Folds
from myosem.prompts import load_actions
from myosem.table import METRICS, PersonResult
from myosem.train import TextBank, TrainConfig, Trainer

Scores = NDArray[np.floating]
EVEN = ACTIONS * 12
PERFECT = pytest.approx(dict.fromkeys(METRICS, 1.0))


def perfect(session: Session, actions: Sequence[str]) -> Scores:
    return np.array([[float(own == one) for one in actions] for own in session.actions])


def constant(session: Session, actions: Sequence[str]) -> Scores:
    return np.zeros((len(session.actions), len(actions)))


def people(*names: str, **changes: object) -> list[Session]:
    return [toy_session(name, seed=seed, **changes) for seed, name in enumerate(names)]  # type: ignore[arg-type]


def of_system(results: Sequence[PersonResult], system: str) -> list[PersonResult]:
    return [one for one in results if one.system == system]


def test_perfect_scores_are_worth_one_everywhere() -> None:
    labels = list(EVEN)
    scores = np.array([[float(own == one) for one in ACTIONS] for own in labels])
    assert judge(scores, labels, ACTIONS) == PERFECT
    assert judge(-scores, labels, ACTIONS)["R@1"] == 0


def test_the_same_for_everything_is_chance() -> None:
    values = judge(np.zeros((48, 4)), list(EVEN), ACTIONS)
    assert values["R@1"] == 1 / 4 and values["R@5"] == 1
    for metric in ("mAP", "P@10", "nDCG@10"):
        assert values[metric] == pytest.approx(1 / 4, abs=0.06)


def test_a_common_action_counts_no_more_than_a_rare_one() -> None:
    labels = ["rest"] * 9 + ["fist"]
    always_rest = np.tile([0.0, 1.0], (10, 1))
    assert judge(always_rest, labels, ("fist", "rest"))["R@1"] == 0.5


def test_actions_nobody_did_are_candidates_and_no_queries() -> None:
    labels = ["fist", "rest"]
    scores = np.array([[0.9, 0.1, 0.0], [0.1, 0.2, 0.9]])
    values = judge(scores, labels, ("fist", "rest", "point"))
    assert values["mAP"] == 1.0 and values["R@1"] == 0.5


def test_all_sessions_of_a_person_are_one_pool() -> None:
    first, second = people("p1", "p2", actions=EVEN)
    again = toy_session("p1", ("fist", None, "shrug"), places=("fist", "shrug"), subject="p9")
    seen: list[Session] = []

    def scorer(session: Session) -> Scores:
        seen.append(session)
        return perfect(session, ACTIONS)

    results = judge_people("it", 3, [first, second, again], ACTIONS, scorer)
    assert [(one.person, one.pool, one.candidates, one.fold) for one in results] == [
        ("toy/p1", 49, 4, 3),
        ("toy/p2", 48, 4, 3),
    ]
    assert len(seen) == 3 and all(one.values == PERFECT for one in results)


def test_actions_are_those_that_occur() -> None:
    assert actions_of([toy_session("p", ("rest", None, "fist", "rest"))]) == ("fist", "rest")


def test_a_fold_compares_model_baseline_and_chance_on_every_person() -> None:
    training = [*people("p1", "p2", "p3"), *people("q1", "q2", dataset="other")]
    tested = [*people("p4", "p5", actions=EVEN), *people("q3", actions=EVEN, dataset="other")]
    results = evaluate_fold(training, tested, 2, perfect)
    names = ["MyoSem", LdaRetriever.name, "chance"]
    everybody = [("other", "other/q3"), ("toy", "toy/p4"), ("toy", "toy/p5")]
    for name in names:
        assert [(one.dataset, one.person) for one in of_system(results, name)] == everybody
    assert {one.system for one in results} == set(names) and {one.fold for one in results} == {2}
    assert all(one.values == PERFECT for one in of_system(results, "MyoSem"))


def test_chance_is_the_share_of_what_is_asked_for_and_repeats_itself() -> None:
    training = people("p1", "p2")
    tested = [toy_session(f"t{i}", EVEN, seed=i) for i in range(4)]
    results = of_system(evaluate_fold(training, tested, 0, constant), "chance")
    assert results == of_system(evaluate_fold(training, tested, 0, perfect), "chance")
    for metric, wanted in (("R@1", 0.25), ("R@5", 1.0), ("P@10", 0.25), ("nDCG@10", 0.25), ("mAP", 0.29)):
        assert np.mean([one.values[metric] for one in results]) == pytest.approx(wanted, abs=0.03)


def test_the_baseline_is_right_where_actions_are_far_apart() -> None:
    baseline = LdaRetriever(people("p1", "p2", "p3"))
    scores = baseline.scores(toy_session("stranger", EVEN, seed=9))
    assert baseline.actions == ACTIONS and scores.shape == (48, 4)
    assert judge(scores, EVEN, ACTIONS) == PERFECT


def test_the_baseline_does_not_learn_from_segments_without_a_label() -> None:
    sessions = people("p1", "p2")
    extended = [toy_session("p1", (*ACTIONS * 4, None, None)), sessions[1]]
    assert LdaRetriever(extended).actions == ACTIONS


def test_the_baseline_stands_on_the_scale_of_each_session() -> None:
    baseline = LdaRetriever(people("p1", "p2", "p3"))
    plain = toy_session("stranger", seed=9)
    other = toy_session("stranger", seed=9)
    other.channels.courses[:] = other.channels.courses * 5 + 3
    np.testing.assert_allclose(baseline.scores(other), baseline.scores(plain), atol=1e-2)


TINY = TrainConfig(
    encoder=EncoderConfig(dimension=16, width=32, layers=1, heads=2), steps=8, sessions=3, texts=8
)
FOLDS = Folds({"toy": {0: ("p1",), 1: ("p2",), 2: ("p1",)}})


class Watched(Trainer):
    """Keeps what it was trained on."""

    made: list["Watched"]

    def __init__(self, sessions: Sequence[Session], bank: TextBank, config: TrainConfig) -> None:
        super().__init__(sessions, bank, config)
        self.made.append(self)


RunFold = Callable[[int], list[PersonResult]]


@pytest.fixture
def run_fold(monkeypatch: pytest.MonkeyPatch) -> RunFold:
    """Runs a fold of toy people; p1 also goes by another name, and simulated people train along."""
    sessions = [
        *people("p1", "p2", "p3", "p4"),
        toy_session("p1", subject="alias", seed=8),
        *people("s1", "s2", dataset="simulated", simulated=True),
    ]
    words = {action: [load_actions()[action].names[0]] for action in ACTIONS}
    bank = TextBank.of(words, tower)
    monkeypatch.setattr(protocols, "_material", lambda library, simulated: (sessions, bank))
    monkeypatch.setattr(protocols, "OnnxTextTower", lambda: SimpleNamespace(encode=tower))
    monkeypatch.setattr(protocols, "Trainer", Watched)
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    Watched.made = []
    plan = protocols.Plan(Path("nowhere"), FOLDS, TINY, 0)
    return lambda number: protocols.run_fold(plan, number)[0]


def state(trainer: Trainer) -> list[bytes]:
    parts = [*trainer.encoder.state_dict().values(), *trainer.head.state_dict().values()]
    return [part.numpy().tobytes() for part in parts]


def test_nobody_tested_was_trained_on_under_any_name(run_fold: RunFold) -> None:
    results = run_fold(0)
    [trainer] = Watched.made
    assert {one.person for one in results} == {"toy/p1"}
    assert {one.pool for one in results} == {32}
    names = [(one.person, one.subject) for one in trainer.sessions]
    assert sorted(names) == [
        ("simulated/s1", "s1"),
        ("simulated/s2", "s2"),
        ("toy/p2", "p2"),
        ("toy/p3", "p3"),
        ("toy/p4", "p4"),
    ]


def test_every_fold_starts_from_fresh_weights(run_fold: RunFold) -> None:
    first = run_fold(0)
    run_fold(1)
    again = run_fold(2)
    zero, one, two = Watched.made
    assert state(zero) == state(two) != state(one)
    assert [result.values for result in first if result.system != "chance"] == [
        result.values for result in again if result.system != "chance"
    ]


def test_a_trained_model_finds_people_never_seen(run_fold: RunFold) -> None:
    results = run_fold(1)
    [model], [chance] = of_system(results, "MyoSem"), of_system(results, "chance")
    assert model.values["mAP"] > chance.values["mAP"] + 0.2


def test_people_who_did_nothing_known_are_left_out() -> None:
    training = people("p1", "p2")
    strangers = [
        toy_session("t1", (None,) * 6),
        toy_session("t2", ("shrug",) * 6, places=("shrug",)),
        toy_session("t3", (None,) * 6, dataset="unlabelled"),
    ]
    results = evaluate_fold(training, [*strangers, toy_session("t4", EVEN)], 0, perfect)
    assert {one.person for one in results} == {"toy/t4"}
    assert np.isfinite([list(one.values.values()) for one in results]).all()


def test_an_action_without_a_prompt_is_scored_by_its_id_in_words() -> None:
    asked: list[str] = []

    def encode(names: list[str]) -> NDArray[np.float32]:
        asked.extend(names)
        return tower(names)

    words = {action: [load_actions()[action].names[0]] for action in ACTIONS}
    trainer = Trainer(people("p1", "p2"), TextBank.of(words, tower), TINY)
    trainer.run()
    scorer = protocols.CosineScorer(trainer, SimpleNamespace(encode=encode))  # type: ignore[arg-type]
    assert scorer(toy_session("p3"), ("shrug-of-both-shoulders", "fist")).shape == (16, 2)
    assert asked == ["shrug of both shoulders", load_actions()["fist"].names[0]]


class FakeLibrary:
    """Sessions of a library: data set, subject, and what they did."""

    path = Path("lib")

    def __init__(self, *sessions: tuple[str, str, tuple[str | None, ...]]) -> None:
        self._actions = {SessionKey(dataset, subject, "1"): did for dataset, subject, did in sessions}

    def sessions(self) -> list[SessionKey]:
        return list(self._actions)

    def person_of(self, dataset: str, subject: str) -> str:
        return {"alias": "p1"}.get(subject, subject)

    def segments_of(self, session: SessionKey) -> list[SimpleNamespace]:
        return [SimpleNamespace(action=action) for action in self._actions[session]]


BOTH = ("fist", "rest", None)


@pytest.mark.parametrize(
    ("sessions", "said"),
    [
        ([("toy", "p2", BOTH), ("toy", "p3", BOTH)], "nobody of the fold.*there is fold 1; try: --fold 1"),
        ([("toy", "p1", (None,)), ("toy", "p3", BOTH)], "nobody of the fold.*there is nothing; try: myosem"),
        (
            [("toy", "p1", BOTH), ("toy", "alias", BOTH)],
            "other people of toy who did nothing;.*there is nothing",
        ),
        ([("toy", "p1", BOTH), ("toy", "p2", ("fist",))], "other people of toy who did fist;"),
        (
            [("toy", "p1", ("point",)), ("toy", "p2", BOTH), ("toy", "p3", BOTH)],
            "nobody of toy who did fist, rest",
        ),
    ],
)
def test_a_fold_without_people_is_refused_before_anything_is_trained(
    monkeypatch: pytest.MonkeyPatch, sessions: list[tuple[str, str, tuple[str | None, ...]]], said: str
) -> None:
    trained: list[int] = []
    monkeypatch.setattr(protocols, "run_fold", lambda plan, number: trained.append(number))
    library: Any = FakeLibrary(*sessions)
    with pytest.raises(UsageError, match=f"fold 0 cannot be run on lib; got .*{said}"):
        protocols.evaluate_user(library, FOLDS, numbers=[1, 0] if "fold 1" in said else [0], config=TINY)
    assert trained == []


def test_folds_whose_people_are_there_can_be_run() -> None:
    library: Any = FakeLibrary(("toy", "p1", BOTH), ("toy", "p2", BOTH), ("mute", "p1", (None,)))
    protocols.check_folds(library, FOLDS, FOLDS.numbers)
