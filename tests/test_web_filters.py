"""Filters of the page become one condition, an address, and the choices that are left."""

from dataclasses import replace

import pytest
from fakes import FakeModel, write_bursts

from myosem.cli.web.filters import Choices, Filters, number
from myosem.errors import UsageError
from myosem.ingest import ingest
from myosem.library import Library

CHOICES = Choices(
    datasets=("3dc", "myo"),
    people=("3dc/s1", "3dc/s2", "myo/s1"),
    sessions=("3dc/s1/a", "3dc/s2/a", "myo/s1/a", "myo/s1/b"),
    labels={"3dc": ("fist",), "myo": ("fist", "pinch")},
)
ALL = Filters(
    datasets=("bench",),
    people=("bench/p1",),
    sessions=("bench/p1/a", "bench/p1/b"),
    labels=("fist", "open hand"),
    shortest_s=0.5,
    longest_s=60.0,
    least_score=0.2,
    condition="channels = 4 -- four",
)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    folder = tmp_path_factory.mktemp("filters")
    for seed, session in enumerate("ab"):
        write_bursts(folder / "files", session, "one", seed)
    ingest(folder / "lib", [folder / "files"], model=FakeModel())
    return Library.open(folder / "lib")


def test_no_filter_is_no_condition() -> None:
    assert Filters().where is None
    assert Filters().count == 0


def test_every_filter_selects_what_a_loop_would(library: Library) -> None:
    where = ALL.where
    assert where is not None
    found = library.rows(library.select(where))
    rows = library.rows(range(library.manifest.segments))
    wanted = [one for one in rows if one.label in ALL.labels and 0.5 <= one.duration_s <= 60]
    assert found == wanted
    assert 0 < len(wanted) < len(rows)
    assert ALL.count == 8


@pytest.mark.parametrize("session", ["a", "b"])
def test_one_session(library: Library, session: str) -> None:
    where = Filters(sessions=(f"bench/p1/{session}",)).where
    assert where is not None
    assert {one.session for one in library.rows(library.select(where))} == {session}


def test_a_quote_stays_text(library: Library) -> None:
    where = Filters(labels=("it's", "' or 'a' = 'a")).where
    assert where is not None
    assert len(library.select(where)) == 0


@pytest.mark.parametrize("condition", ["true) or (1 = 1", "1; drop table hits", "nothing = 2"])
def test_a_condition_is_still_checked(library: Library, condition: str) -> None:
    where = Filters(condition=condition).where
    assert where is not None
    if condition.startswith("true"):
        assert len(library.select(where)) == library.manifest.segments
    else:
        with pytest.raises(UsageError):
            library.select(where)


def test_an_address_holds_all_of_it() -> None:
    assert Filters.from_query([("q", "make a fist"), *ALL.to_query()]) == ALL


def test_a_wrong_number_is_refused() -> None:
    assert number(" ") is None
    assert number("1,5") == 1.5
    for text in ("much", "nan", "inf"):
        with pytest.raises(UsageError, match="no number"):
            number(text)
    with pytest.raises(UsageError, match="no number"):
        Filters.from_query([("least_score", "high")])


def test_filters_are_taken_away_one_by_one() -> None:
    assert ALL.without("labels", "fist").labels == ("open hand",)
    assert ALL.without("shortest_s").shortest_s is None
    assert ALL.without("condition") == replace(ALL, condition="")


def test_choices_of_a_library(library: Library) -> None:
    found = Choices.of(library)
    assert found.datasets == ("bench",)
    assert found.people == ("bench/p1",)
    assert found.sessions == ("bench/p1/a", "bench/p1/b")
    assert found.label_names == ("fist", "open hand", "pinch", "point")


def test_choices_follow_what_is_chosen() -> None:
    left = CHOICES.within(Filters(datasets=("3dc",)))
    assert left.people == ("3dc/s1", "3dc/s2")
    assert left.sessions == ("3dc/s1/a", "3dc/s2/a")
    assert left.label_names == ("fist",)
    assert CHOICES.within(Filters(people=("myo/s1",))).sessions == ("myo/s1/a", "myo/s1/b")
    assert CHOICES.within(Filters()) == CHOICES
