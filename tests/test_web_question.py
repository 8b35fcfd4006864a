"""What a visitor says of hits stays, counts where it should, and survives in an address."""

from dataclasses import replace
from urllib.parse import parse_qsl

import pytest

from myosem.cli.web.filters import Filters
from myosem.cli.web.question import MOST_MARKS, MOST_PARTS, Mark, Question, Wishes
from myosem.errors import UsageError

ONE, TWO, THREE = (f"0123456789abcdef@{n}.250" for n in (1, 12, 345))


def marked(*marks: Mark) -> Wishes:
    wishes = Wishes()
    for one in marks:
        wishes = wishes.marked(one)
    return wishes


def test_a_mark_is_turned_round_and_taken_back() -> None:
    more, less = Mark("more", (ONE, TWO), "fist"), Mark("less", (TWO,), "fist")
    assert marked(more).judged("more", "fist") == [ONE, TWO]
    turned = marked(more, less)
    assert (turned.judged("more", "fist"), turned.judged("less", "fist")) == ([], [TWO])
    assert marked(less, replace(less, segments=(TWO, THREE))).marks == ()


def test_marks_of_another_search_wait_for_it() -> None:
    wishes = marked(Mark("more", (ONE,), "fist"), Mark("less", (TWO,), "fist"), Mark("less", (ONE,), "pinch"))
    assert wishes.judged("more", "pinch") == []
    assert wishes.judged("more", "fist") == [ONE]
    assert wishes.aside("pinch") == {"fist": 2}
    taken = wishes.taken("fist", "pinch")
    assert (taken.judged("more", "pinch"), taken.judged("less", "pinch")) == ([ONE], [TWO])
    assert taken.aside("pinch") == {}
    assert wishes.taken("fist", None).aside("pinch") == {}
    assert wishes.taken("fist", None).judged("less", "pinch") == [ONE]


def test_a_name_counts_in_every_search_and_beside_marks() -> None:
    wishes = marked(Mark("more", (ONE,), "fist"), Mark("told", (ONE, TWO), "point"))
    assert wishes.told == {ONE: "point", TWO: "point"}
    assert wishes.judged("more", "fist") == [ONE]
    assert wishes.aside("pinch") == {"fist": 1}
    assert wishes.marked(Mark("told", (TWO,), "rest")).told == {TWO: "rest"}
    assert wishes.marked(Mark("told", (ONE,), "")).told == {}


def test_parts_are_added_once_on_one_side() -> None:
    wishes = Wishes().with_part("plus", " hold a cup ").with_part("plus", "hold a cup").with_part("plus", " ")
    assert wishes.plus == ("hold a cup",)
    assert wishes.with_part("minus", "hold a cup") == Wishes(minus=("hold a cup",))


def test_chips_take_away_what_they_name() -> None:
    mark = Mark("more", (ONE,), "a=b")
    wishes = replace(marked(mark), plus=("x", "y"), diverse=True, merge=False)
    assert wishes.without("plus", "x").plus == ("y",)
    assert wishes.without("more", mark.text).marks == ()
    assert not wishes.without("diverse", "").diverse
    assert wishes.without("merge", "").merge
    assert wishes.without("nonsense", "") == wishes


def test_there_is_enough_at_some_point() -> None:
    wishes = Wishes(marks=tuple(Mark("more", (f"{n}",), "fist") for n in range(MOST_MARKS)))
    with pytest.raises(UsageError, match="many marks"):
        wishes.marked(Mark("more", (ONE,), "fist"))
    with pytest.raises(UsageError, match="many parts"):
        Wishes(plus=tuple(map(str, range(MOST_PARTS)))).with_part("plus", "x")


def test_an_address_holds_all_of_it() -> None:
    wishes = Wishes(
        plus=("hold a cup", ONE),
        minus=("a=b&c",),
        diverse=True,
        merge=False,
        marks=(Mark("more", (ONE, TWO), "a fist = ?"), Mark("told", (THREE,), "ö, &")),
    )
    asked = Question("make a fist", filters=Filters(labels=("a",)), wishes=wishes)
    pairs = parse_qsl(asked.address[1:])
    assert Wishes.from_query(pairs) == wishes
    assert Filters.from_query(pairs) == asked.filters
    assert wishes.segments == (ONE, THREE)
    assert Question("make a fist").address == "?q=make+a+fist"


@pytest.mark.parametrize(
    "pair",
    [
        ("more", "../../etc=x"),
        ("more", ""),
        ("told", f"{ONE},x=y"),
        ("merge", "1"),
        ("plus", " "),
        ("q", "x"),
    ],
)
def test_an_address_that_means_nothing_is_left_alone(pair: tuple[str, str]) -> None:
    assert Wishes.from_query([pair]) == Wishes()


def test_what_the_library_does_not_hold_cannot_be_judged() -> None:
    assert Question("fist").markable
    assert not Question().asked
    assert Question(wishes=Wishes(plus=("fist",))).asked
