"""Retrieval metrics against the obvious slow code and against scikit-learn."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, ndcg_score

from myosem.metrics import (
    average_precision,
    bootstrap_interval,
    first_rank,
    mean_interval,
    ndcg_at,
    precision_at,
    ranked_relevance,
    recall_at,
)

Row = Sequence[bool]


def plain_average_precision(hits: Row) -> float:
    precisions = [sum(hits[: rank + 1]) / (rank + 1) for rank, hit in enumerate(hits) if hit]
    return sum(precisions) / len(precisions)


def plain_precision(k: int, hits: Row) -> float:
    first = hits[:k]
    return sum(first) / len(first)


def plain_recall(k: int, hits: Row) -> float:
    return float(any(hits[:k]))


def plain_ndcg(k: int, hits: Row) -> float:
    def gain(order: Row) -> float:
        return sum(1 / math.log2(rank + 2) for rank, hit in enumerate(order[:k]) if hit)

    return gain(hits) / gain(sorted(hits, reverse=True))


def plain_order(scores: Sequence[float], relevant: Row) -> Row:
    """Falling score; of equal ones the earlier candidate first."""
    places = sorted(range(len(scores)), key=lambda place: (-scores[place], place))
    return [relevant[place] for place in places]


@st.composite
def pools(draw: st.DrawFn) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    queries, candidates = draw(st.integers(1, 4)), draw(st.integers(1, 12))
    score, flag = st.integers(0, 4), st.booleans()  # few values, so that ties are common
    cells = queries * candidates
    scores = draw(st.lists(score, min_size=cells, max_size=cells))
    relevant = draw(st.lists(flag, min_size=cells, max_size=cells))
    shape = (queries, candidates)
    return np.array(scores, dtype=np.float64).reshape(shape), np.array(relevant).reshape(shape)


def agree(found: NDArray[np.float64], hits: Sequence[Row], plain: Callable[[Row], float]) -> None:
    wanted = [plain(row) if any(row) else math.nan for row in hits]
    np.testing.assert_allclose(found, wanted)


@given(pools(), st.integers(1, 15))
def test_metrics_are_those_of_plain_python(
    pool: tuple[NDArray[np.float64], NDArray[np.bool_]], k: int
) -> None:
    scores, relevant = pool
    hits = [plain_order(s, r) for s, r in zip(scores.tolist(), relevant.tolist(), strict=True)]
    assert ranked_relevance(scores, relevant).tolist() == hits
    agree(average_precision(scores, relevant), hits, plain_average_precision)
    agree(precision_at(k, scores, relevant), hits, lambda row: plain_precision(k, row))
    agree(recall_at(k, scores, relevant), hits, lambda row: plain_recall(k, row))
    agree(ndcg_at(k, scores, relevant), hits, lambda row: plain_ndcg(k, row))


@pytest.mark.parametrize("seed", range(5))
def test_metrics_without_ties_are_those_of_scikit_learn(seed: int) -> None:
    generator = np.random.default_rng(seed)
    scores = generator.permuted(np.tile(np.arange(40.0), (6, 1)), axis=1)
    relevant = generator.random((6, 40)) < 0.2
    relevant[:, 0] = True
    rows = list(zip(relevant, scores, strict=True))
    np.testing.assert_allclose(
        average_precision(scores, relevant), [average_precision_score(r, s) for r, s in rows]
    )
    np.testing.assert_allclose(
        ndcg_at(10, scores, relevant), [ndcg_score([r.astype(float)], [s], k=10) for r, s in rows]
    )


@given(
    st.integers(11, 30).flatmap(
        lambda count: st.tuples(
            st.lists(st.integers(0, 4), min_size=count, max_size=count),
            st.lists(st.integers(0, 2), min_size=count, max_size=count),
        )
    )
)
def test_metrics_are_those_of_trec_eval_with_ties_and_grades(case: tuple[list[int], list[int]]) -> None:
    scores, grades = np.array([case[0]], dtype=np.float64), np.array([case[1]])
    exact = grades == 2
    if not exact.any():
        return
    # of equal scores trec_eval takes the last name first
    names = [f"{len(case[0]) - place:03d}" for place in range(len(case[0]))]
    run = {"q": dict(zip(names, scores[0].tolist(), strict=True))}

    def judged(measures: set[str], gains: NDArray[np.int_]) -> dict[str, float]:
        said = {"q": dict(zip(names, map(int, gains), strict=True))}
        found: dict[str, float] = pytrec_eval.RelevanceEvaluator(said, measures).evaluate(run)["q"]
        return found

    plain = judged({"map", "P_10", "recip_rank", "success_1,5,10"}, exact[0].astype(int))
    ours = {
        "map": average_precision(scores, exact),
        "P_10": precision_at(10, scores, exact),
        "recip_rank": 1 / first_rank(scores, exact),
        **{f"success_{k}": recall_at(k, scores, exact) for k in (1, 5, 10)},
    }
    assert {name: value[0] for name, value in ours.items()} == pytest.approx(plain)
    graded = judged({"ndcg_cut_10"}, grades[0])["ndcg_cut_10"]
    assert ndcg_at(10, scores, grades)[0] == pytest.approx(graded)


def test_close_answers_are_worth_half_an_exact_one() -> None:
    grades = np.array([[2, 1, 0]])
    assert ndcg_at(1, np.array([[1.0, 3.0, 2.0]]), grades)[0] == 0.5
    assert ndcg_at(10, np.array([[3.0, 2.0, 1.0]]), grades)[0] == 1


def test_the_first_rank_counts_from_one() -> None:
    relevant = np.array([[False, True, True], [False, False, False]])
    np.testing.assert_array_equal(first_rank(np.array([[3.0, 1.0, 2.0]] * 2), relevant), [2, np.nan])


def test_the_interval_of_a_mean_of_means_draws_within_groups() -> None:
    low, high = mean_interval([np.array([0.0, 1.0] * 50), np.array([0.5])])
    half = 1.96 * 0.5 / math.sqrt(100) / 2
    assert (low, high) == pytest.approx((0.5 - half, 0.5 + half), abs=0.01)
    assert np.isnan(mean_interval([np.array([0.3]), np.array([0.4])])).all()


def test_the_best_order_is_worth_one_and_the_worst_least() -> None:
    relevant = np.array([[True, True, False, False]])
    best, worst = np.array([[4.0, 3.0, 2.0, 1.0]]), np.array([[1.0, 2.0, 3.0, 4.0]])
    assert (
        average_precision(best, relevant)
        == ndcg_at(10, best, relevant)
        == precision_at(2, best, relevant)
        == 1
    )
    assert average_precision(worst, relevant) == pytest.approx((1 / 3 + 2 / 4) / 2)
    assert precision_at(2, worst, relevant) == recall_at(2, worst, relevant) == 0
    assert recall_at(3, worst, relevant) == 1


def test_ties_are_broken_by_position_whatever_is_relevant() -> None:
    scores = np.zeros((4, 4))
    np.testing.assert_array_equal(recall_at(1, scores, np.eye(4, dtype=bool)), [1, 0, 0, 0])
    np.testing.assert_allclose(average_precision(scores, np.eye(4, dtype=bool)), [1, 1 / 2, 1 / 3, 1 / 4])


def test_a_row_without_a_relevant_candidate_has_no_value() -> None:
    scores, relevant = np.ones((2, 3)), np.array([[False, False, False], [True, False, False]])
    for values in (
        average_precision(scores, relevant),
        precision_at(2, scores, relevant),
        recall_at(2, scores, relevant),
        ndcg_at(2, scores, relevant),
    ):
        assert np.isnan(values[0]) and values[1] > 0


def test_precision_looks_at_no_more_candidates_than_there_are() -> None:
    scores, relevant = np.array([[3.0, 2.0, 1.0]]), np.array([[True, True, False]])
    assert precision_at(10, scores, relevant) == pytest.approx(2 / 3)


def test_the_interval_holds_the_mean_and_narrows_with_more_people() -> None:
    values = np.random.default_rng(0).normal(0.5, 0.1, 400)
    few, many = bootstrap_interval(values[:10]), bootstrap_interval(values)
    for values_of, (low, high) in ((values[:10], few), (values, many)):
        assert low < values_of.mean() < high
    assert many[1] - many[0] < (few[1] - few[0]) / 3
    half = 1.96 * values.std() / math.sqrt(400)
    assert many[0] == pytest.approx(values.mean() - half, abs=0.002)
    assert many[1] == pytest.approx(values.mean() + half, abs=0.002)


def test_the_interval_passes_over_people_without_a_value_and_repeats_itself() -> None:
    values = np.array([0.1, 0.5, 0.4, 0.9])
    gaps = np.array([0.1, np.nan, 0.5, 0.4, 0.9, np.nan])
    assert bootstrap_interval(gaps) == bootstrap_interval(values) == bootstrap_interval(values)
    assert bootstrap_interval(values, seed=1) != bootstrap_interval(values)


@pytest.mark.parametrize("values", [[], [0.5], [np.nan, 0.5]])
def test_one_person_has_no_interval(values: list[float]) -> None:
    assert np.isnan(bootstrap_interval(np.array(values))).all()
