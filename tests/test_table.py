"""A table of retrieval says what its results say."""

import json

import pytest

from myosem.table import ALL, AS_EMG, AS_TEXT, METRICS, PersonResult, Table


def result(system: str, person: str, value: float, dataset: str = "toy", among: str = "") -> PersonResult:
    return PersonResult(system, dataset, person, 0, 30, 4, dict.fromkeys(ALL, value), among)


RESULTS = [
    result("MyoSem", "p1", 0.2),
    result("MyoSem", "p2", 0.4),
    result("MyoSem", "q1", 0.9, "other"),
    result("chance", "p1", 0.1),
    result("chance", "p2", 0.1),
    result("chance", "q1", 0.1, "other"),
]


def test_names_of_metrics_are_those_of_one_direction() -> None:
    assert set(METRICS) <= set(ALL) == {*AS_EMG.values(), *AS_TEXT.values()}
    assert len(ALL) == len(AS_EMG) + len(AS_TEXT)


def test_every_data_set_counts_the_same() -> None:
    table = Table("A table", {}, RESULTS)
    assert table.mean("MyoSem", "mAP") == pytest.approx((0.3 + 0.9) / 2)
    low, high = table.interval("MyoSem", "mAP")
    assert (low, high) == pytest.approx((0.55, 0.65))


def test_markdown_has_a_row_for_each_data_set_and_system() -> None:
    lines = Table("A table", {"folds": "0", "seed": 1}, RESULTS).markdown().splitlines()
    assert lines[:5] == ["# A table", "", "folds 0, seed 1", "", lines[4]]
    assert lines[4].startswith("| data set | people | pool | actions | system | mAP | P@10 |")
    assert lines[6].startswith("| other | 1 | 30 | 4 | MyoSem | 0.900 |")
    assert lines[8].startswith("| toy | 2 | 30 | 4 | MyoSem | 0.300 [0.20, 0.40] |")
    assert lines[10].startswith("| **mean of 2** | | | | MyoSem | **0.600 [0.55, 0.65]** |")
    assert len(lines) == 12


def test_one_data_set_has_no_mean() -> None:
    only = [one for one in RESULTS if one.dataset == "toy"]
    assert "mean of" not in Table("A table", {}, only).markdown()


def test_each_set_of_candidates_has_a_table_of_its_own() -> None:
    results = [
        result("MyoSem", "p1", 0.9, among="among two"),
        result("MyoSem", "p1", 0.5, among="among all"),
        result("MyoSem", "q1", 0.1, "other", among="among all"),
    ]
    table = Table("A table", {}, results)
    lines = table.markdown().splitlines()
    assert [line for line in lines if line.startswith("## ")] == ["## among two", "## among all"]
    assert [part.datasets for part in table.parts] == [("toy",), ("other", "toy")]
    means = table.as_dict()["means"]
    assert means == {
        "MyoSem among two": dict.fromkeys(METRICS, 0.9),
        "MyoSem among all": pytest.approx(dict.fromkeys(METRICS, 0.3)),
    }


def test_json_has_everything_and_no_nan() -> None:
    said = json.loads(json.dumps(Table("A table", {}, RESULTS[:1]).as_dict(), allow_nan=False))
    assert said["details"]["MyoSem"] == dict.fromkeys(ALL, 0.2)
    assert said["intervals"]["MyoSem"]["mAP"] is None
    assert said["results"][0]["values"] == dict.fromkeys(ALL, 0.2)
