"""Papers' benchmarks: the published rows are those of the papers, and every entry can be run."""

import pytest

from myosem.download import data_sets
from myosem.errors import UsageError
from myosem.papers import benchmarks, find_benchmark
from myosem.prompts import load_actions
from myosem.readers import READERS
from myosem.splits import PROTOCOLS


def test_every_data_set_has_a_reader_and_a_place_to_get_it() -> None:
    for one in benchmarks().values():
        assert set(one.corpora) <= set(READERS) & set(data_sets())


def test_every_split_says_how_it_differs_from_the_paper() -> None:
    plans = [plan for one in benchmarks().values() for plan in one.splits.values()]
    assert all(plan.differs for plan in plans)
    assert {plan.protocol for plan in plans} <= {*PROTOCOLS, "loso", "few-shot"}
    assert all(plan.folds for plan in plans if plan.protocol in {"user", "class"})


def test_rows_are_those_of_the_papers() -> None:
    recall = {name: plan.published[0].value for name, plan in benchmarks()["ninapro-db2"].splits.items()}
    assert recall == {"rand": 92.99, "user": 67.08, "class": 68.04}
    recall = {name: plan.published[0].value for name, plan in benchmarks()["emg2pose"].splits.items()}
    assert recall == {"rand": 90.88, "user": 91.76, "class": 77.39}
    plan = benchmarks()["ninapro-db4"].splits["few-shot"]
    assert [one.value for one in plan.published] == [85.18, 86.15, 87.30, 88.05, 90.50]
    assert plan.shares == benchmarks()["epn612"].splits["few-shot"].shares == (0.05, 0.2, 0.4, 0.8)
    for name, large in (("ninapro-db4", 88.10), ("epn612", 88.32)):
        rows = {one.system: one.value for one in benchmarks()[name].splits["loso"].published}
        assert rows["AEMG-Large"] == large and len(rows) == 8
    assert benchmarks()["ninapro-db3"].splits["amputee"].published == ()


def test_ten_gestures_of_db4_have_an_entry() -> None:
    actions = benchmarks()["ninapro-db4"].actions
    assert len(set(actions)) == 10 and set(actions) <= set(load_actions())


def test_a_hundred_people_of_one_half_take_part_in_epn612() -> None:
    named = benchmarks()["epn612"].named
    assert len(named) == 100 and {"training-user1", "training-user100"} <= named
    assert benchmarks()["ninapro-db2"].named == frozenset()


def test_a_split_is_chosen_by_name_or_is_the_usual_one() -> None:
    assert find_benchmark("ninapro-db3").split(None)[0] == "amputee"
    assert find_benchmark("ninapro-db4").split(None)[0] == "loso"
    for wrong in (None, "loso"):
        with pytest.raises(UsageError, match="rand, user, class"):
            find_benchmark("ninapro-db2").split(wrong)
    with pytest.raises(UsageError, match="there is ninapro-db2"):
        find_benchmark("anything")
