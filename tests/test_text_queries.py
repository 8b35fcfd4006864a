"""Scores of free text: against the obvious slow code, hand-made cases, and the file of queries itself."""

import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import yaml
from fakes import FakeModel, unit
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import text_queries as benchmark

from myosem.errors import UsageError
from myosem.prompts import Action, load_actions, load_unrelated, normal, texts_of
from myosem.text_queries import (
    KINDS,
    METRICS,
    Judgement,
    QuerySet,
    Scorer,
    chance,
    judge,
    query_values,
    read_queries,
)

ACTIONS = tuple(load_actions())
FILE = Path(__file__).parents[1] / "benchmarks" / "queries" / "test.yaml"
Scores = NDArray[np.float64]

SMALL = QuerySet.model_validate(
    {
        "about": "by hand",
        "queries": [
            {"text": "close it", "kind": "colloquial", "exact": ["fist"], "close": ["fixed-hook-grasp"]},
            {"text": "wave", "kind": "colloquial", "exact": ["open-hand", "finger-abduction"]},
            {"text": "Faust", "kind": "language", "language": "de", "exact": ["fist"]},
        ],
        "antonyms": [
            {"texts": ["up", "down"], "actions": ["wrist-extension", "wrist-flexion"]},
            {"texts": ["out", "in"], "actions": ["open-hand", "fist"]},
        ],
        "unrelated": ["a dog", "a cat"],
    }
)


def told(**answers: dict[str, float]) -> Scorer:
    """A scorer with these scores for these texts and actions, 0 elsewhere; a blank is written ``_``."""

    def score(texts: Sequence[str]) -> Scores:
        known = [answers.get(text.replace(" ", "_"), {}) for text in texts]
        return np.array([[own.get(action, 0.0) for action in ACTIONS] for own in known])

    return score


KNOWING = told(
    close_it={"fist": 0.9, "fixed-hook-grasp": 0.8},
    wave={"open-hand": 0.9, "finger-abduction": 0.8},
    Faust={"fist": 0.7},
    up={"wrist-extension": 0.6, "wrist-flexion": 0.5},
    down={"wrist-extension": 0.5, "wrist-flexion": 0.6},
    out={"open-hand": 0.6},
    **{"in": {"fist": 0.6}},
    a_dog={"fist": 0.1},
)


def test_who_knows_everything_is_right_everywhere() -> None:
    found = judge(SMALL, KNOWING)
    for metric in ("P@1", "nDCG@10", "MRR"):
        assert found.measure(metric).value == 1
    assert found.measure("P@10").value == pytest.approx((2 + 2 + 1) / 30)
    assert found.antonym_accuracy().value == 1
    assert (found.told_apart().value, found.told_apart().low, found.told_apart().high) == (1, 1, 1)


def test_a_close_action_before_the_exact_one_is_half_right() -> None:
    scorer = told(close_it={"fist": 0.8, "fixed-hook-grasp": 0.9})
    found = judge(SMALL, scorer)
    assert found.values["P@1"][0] == 0
    assert found.values["MRR"][0] == 0.5
    second = 1 / math.log2(3)
    assert found.values["nDCG@10"][0] == pytest.approx((1 + 2 * second) / (2 + second))


def test_kinds_are_counted_apart() -> None:
    found = judge(SMALL, told(Faust={"fist": 1.0}))
    assert found.measure("P@1", "language").value == 1
    assert found.measure("P@1", "colloquial").value == 0
    assert found.measure("P@1").value == pytest.approx(1 / 3)
    assert found.measure("P@1").count == 3
    assert math.isnan(found.measure("P@1", "negated").value)


def test_an_opposite_with_the_same_score_is_not_told_apart() -> None:
    scorer = told(up={"wrist-extension": 0.5, "wrist-flexion": 0.5}, down={"wrist-flexion": 0.5})
    assert judge(SMALL, scorer).antonyms.tolist() == [0.5, 0.0]


def test_a_scorer_may_say_itself_how_sure_it_is() -> None:
    def confidence(texts: Sequence[str]) -> Scores:
        return np.array([float(text in ("close it", "a dog")) for text in texts])

    found = judge(SMALL, KNOWING, confidence).told_apart()
    assert found.value == pytest.approx((1 * 0.5 + 1 * 1.0 + 2 * 0.0 + 2 * 0.5) / 6)
    assert found.low < found.value < found.high


def plain_auroc(related: Sequence[float], unrelated: Sequence[float]) -> float:
    wins = [(one > other) + (one == other) / 2 for one in related for other in unrelated]
    return sum(wins) / len(wins)


@given(st.lists(st.integers(0, 3), min_size=5, max_size=5))
def test_told_apart_is_the_share_of_pairs_in_the_right_order(sure: list[int]) -> None:
    def confidence(texts: Sequence[str]) -> Scores:
        return np.array([*sure[:3], 0, 0, 0, 0, *sure[3:]], dtype=np.float64)

    found = judge(SMALL, KNOWING, confidence).told_apart(rounds=200)
    assert found.value == pytest.approx(plain_auroc(sure[:3], sure[3:]))


def test_intervals_of_told_apart_cover_what_is_drawn_again_and_again() -> None:
    generator = np.random.default_rng(0)
    related, unrelated = generator.normal(1, 1, 80), generator.normal(0, 1, 60)
    found = Judgement((), {}, np.zeros(0), related, unrelated).told_apart()
    draws = [
        plain_auroc(generator.choice(related, 80).tolist(), generator.choice(unrelated, 60).tolist())
        for _ in range(300)
    ]
    np.testing.assert_allclose([found.low, found.high], np.quantile(draws, [0.025, 0.975]), atol=0.02)


def plain_values(scores: Sequence[float], gains: Sequence[int]) -> dict[str, float]:
    order = sorted(range(len(scores)), key=lambda place: (-scores[place], place))
    ranked = [gains[place] for place in order]

    def gain(values: Sequence[int]) -> float:
        return sum(value / math.log2(rank + 2) for rank, value in enumerate(values[:10]))

    return {
        "P@1": float(ranked[0] == 2),
        "nDCG@10": gain(ranked) / gain(sorted(gains, reverse=True)),
        "MRR": 1 / (ranked.index(2) + 1),
        "P@10": sum(value > 0 for value in ranked[:10]) / 10,
    }


@given(st.integers(0, 10_000), st.integers(10, 30))
def test_values_agree_with_the_slow_code(seed: int, width: int) -> None:
    generator = np.random.default_rng(seed)
    gains = generator.integers(0, 3, (3, width))
    gains[:, generator.integers(width)] = 2
    scores = generator.integers(0, 5, (3, width)).astype(np.float64)
    found = query_values(scores, gains)
    for row in range(3):
        expected = plain_values(scores[row].tolist(), gains[row].tolist())
        assert {metric: found[metric][row] for metric in METRICS} == pytest.approx(expected)


def test_chance_is_the_share_of_exact_actions() -> None:
    found = chance(SMALL, rounds=4000)
    np.testing.assert_allclose(found.values["P@1"], np.array([1, 2, 1]) / len(ACTIONS), atol=0.01)
    assert found.antonym_accuracy().value == found.told_apart().value == 0.5


@pytest.mark.parametrize(
    ("scores", "says"),
    [
        (np.zeros((1, len(ACTIONS))), "expected"),
        (np.full((len(SMALL.texts), len(ACTIONS)), np.nan), "NaN"),
    ],
)
def test_scores_that_do_not_fit_are_refused(scores: Scores, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        judge(SMALL, lambda texts: scores)


GOOD = {"text": "close it", "kind": "colloquial", "exact": ["fist"]}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"queries": []}, "queries"),
        ({"queries": [{**GOOD, "exact": ["fits"]}]}, r"queries\.0.*no such action: fits"),
        ({"queries": [{**GOOD, "exact": []}]}, r"queries\.0\.exact"),
        ({"queries": [{**GOOD, "close": ["fist"]}]}, "names an action twice"),
        ({"queries": [{**GOOD, "kind": "rude"}]}, r"queries\.0\.kind"),
        ({"queries": [{**GOOD, "kind": "language"}]}, "says its language"),
        ({"queries": [{**GOOD, "language": "de"}]}, "says its language"),
        ({"queries": [GOOD], "unrelated": ["Close  it!"]}, "stands there twice"),
        ({"queries": [GOOD], "antonyms": [{"texts": ["a", "b"], "actions": ["fist", "fist"]}]}, "one action"),
        ({"queries": [GOOD], "antonyms": [{"texts": ["a", "b"], "actions": ["fist", "up"]}]}, "no such"),
        ({"queries": [GOOD], "more": 1}, "more"),
        ([], "the whole file"),
    ],
)
def test_a_bad_file_is_refused_with_its_place(tmp_path: Path, content: object, says: str) -> None:
    file = tmp_path / "bad.yaml"
    full = {"about": "by hand", **content} if isinstance(content, dict) else content
    file.write_text(yaml.safe_dump(full))
    with pytest.raises(UsageError, match=says):
        read_queries(file)


@pytest.mark.parametrize("text", [None, "queries: [\n"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "bad.yaml"
    if text:
        file.write_text(text)
    with pytest.raises(UsageError, match="cannot be read"):
        read_queries(file)


def test_the_test_queries_are_many_and_of_every_kind() -> None:
    queries = read_queries(FILE)
    assert len(queries.queries) >= 300
    assert len(queries.antonyms) >= 60
    assert len(queries.unrelated) >= 80
    assert {query.kind for query in queries.queries} == set(KINDS)
    assert {action for query in queries.queries for action in query.exact} == set(ACTIONS)


def test_no_test_query_is_a_text_to_train_on() -> None:
    prompts = {normal(text) for action in load_actions().values() for _, text in texts_of(action)}
    prompts |= {normal(action) for action in ACTIONS} | {normal(text) for text in load_unrelated()}
    assert [text for text in read_queries(FILE).texts if normal(text) in prompts] == []


def opposed(first: Action, second: Action) -> bool:
    """Whether two actions move the wrist or the forearm in opposite directions, and nothing alike."""
    pairs = [
        (getattr(first.pose, joint), getattr(second.pose, joint))
        for joint in ("wrist_flexion", "ulnar_deviation", "pronation")
    ]
    products = [one * other for one, other in pairs if min(abs(one), abs(other)) > 0.7]
    return bool(products) and max(products) < 0


def test_no_opposite_is_close_to_a_single_right_answer() -> None:
    actions = load_actions()
    wrong = [
        (query.text, other)
        for query in read_queries(FILE).queries
        for other in query.close
        if len(query.exact) == 1 and opposed(actions[query.exact[0]], actions[other])
    ]
    assert wrong == []


class LetterTower:
    """Texts by how often each character occurs: the same words in another order are the same text."""

    name, width = "letters", 64

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        counts = np.zeros((len(texts), self.width))
        for row, text in enumerate(texts):
            np.add.at(counts[row], [ord(letter) % self.width for letter in text], 1)
        return unit(counts)


def test_names_and_views_find_their_own_action() -> None:
    actions = tuple(load_actions().values())
    first = [action.names[0] for action in actions]
    last = [action.names[-1] for action in actions]
    own = np.arange(len(actions))
    tower = LetterTower()
    assert benchmark.by_names(tower, actions, 1)(first)[own, own] == pytest.approx(1, abs=1e-6)
    assert benchmark.by_names(tower, actions)(last)[own, own] == pytest.approx(1, abs=1e-6)
    assert benchmark.by_names(tower, actions, 1)(last)[own, own].min() < 0.99
    views = benchmark.by_views(tower, actions)(["fist"])[0]
    texts = [text for _, text in texts_of(actions[3])]
    mean = tower.encode(texts).mean(axis=0)
    assert views[3] == pytest.approx(float(tower.encode(["fist"])[0] @ mean / np.linalg.norm(mean)), abs=1e-6)


def test_a_model_is_asked_in_the_order_of_the_actions_and_what_it_lacks_comes_last() -> None:
    model = FakeModel()
    model.texts["close it"] = model.action_vectors[1]  # fist
    scores = benchmark.by_model(model, tuple(load_actions().values()))(["close it"])  # type: ignore[arg-type]
    assert ACTIONS[int(scores.argmax())] == "fist"
    assert (scores == benchmark.NEVER).sum() == len(ACTIONS) - len(model.actions)


def test_the_page_has_a_row_a_model_and_a_column_a_kind() -> None:
    page = benchmark.markdown(
        SMALL, Path("small.yaml"), {"chance": chance(SMALL), "all": judge(SMALL, KNOWING)}
    )
    assert "small.yaml: 3 queries, 2 pairs of antonyms, 2 unrelated texts" in page
    assert "| model | colloquial (2) | language (1) |" in page
    assert page.count("| all | 1.000 [1.00, 1.00] |") == 3
