"""A table says what its results say, with intervals over people and the margin between two systems."""

import json

import numpy as np
import pytest

from myosem.trial_table import Row, TrialResult, TrialTable


def result(system: str, person: str, accuracy: float, seed: int = 0, dataset: str = "toy") -> TrialResult:
    return TrialResult(system, dataset, person, 0, seed, 20, 2, 4, accuracy)


@pytest.fixture
def table() -> TrialTable:
    results = [result("LDA", f"p{i}", 0.1 * i) for i in range(5)]
    results += [
        result("net", f"p{i}", 0.1 * i + step, seed) for i in range(5) for seed, step in ((0, 0.1), (1, 0.3))
    ]
    results += [result(system, "q", value, dataset="other") for system, value in (("LDA", 0.5), ("net", 0.6))]
    rows = {"LDA": Row("none", 0.01), "net": Row("session", 2.5)}
    return TrialTable("A table", {"folds": "0 1"}, rows, results)


def test_seeds_are_averaged_before_people(table: TrialTable) -> None:
    assert list(table.people("net", "toy").values()) == pytest.approx([0.2, 0.3, 0.4, 0.5, 0.6])
    assert table.seeds("net") == 2 and table.seeds("LDA") == 1


def test_every_data_set_counts_the_same(table: TrialTable) -> None:
    assert table.mean("LDA") == pytest.approx((0.2 + 0.5) / 2)


def test_the_interval_of_the_mean_draws_people_within_data_sets(table: TrialTable) -> None:
    low, high = table.interval("LDA")
    spread = np.std([0, 0.1, 0.2, 0.3, 0.4]) / np.sqrt(5) / 2
    assert (low, high) == pytest.approx((0.35 - 1.96 * spread, 0.35 + 1.96 * spread), abs=0.01)


def test_a_margin_compares_the_same_people(table: TrialTable) -> None:
    value, (low, high) = table.margin("net", "LDA")
    assert value == pytest.approx(0.15)
    assert (low, high) == pytest.approx((0.15, 0.15))


def test_markdown_has_a_row_a_system_and_says_what_was_tested(table: TrialTable) -> None:
    lines = table.markdown().splitlines()
    assert lines[4] == "| system | context | other | toy | mean of 2 | seeds | minutes |"
    assert lines[6].startswith("| LDA | no | 0.500 | 0.200 [0.08, 0.32] | **0.350 [")
    assert lines[7].startswith("| net | yes | 0.600 | 0.400 [") and lines[7].endswith("| 2 | 2.50 |")
    assert lines[8:] == [
        "| *people* |  | 1 | 5 |  |  |  |",
        "| *actions* |  | 4 | 4 |  |  |  |",
        "| *trials* |  | 20 | 100 |  |  |  |",
        "| *trials without a segment* |  | 2 | 10 |  |  |  |",
    ]


def test_json_has_everything(table: TrialTable) -> None:
    found = json.loads(json.dumps(table.as_dict()))
    assert len(found["results"]) == 17
    assert [(row["system"], row["context"], row["seeds"]) for row in found["rows"]] == [
        ("LDA", "none", 1),
        ("net", "session", 2),
    ]
