"""People are on one side of a split, under whatever names they are known."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toys import toy_session

from myosem.errors import UsageError
from myosem.folds import Folds, read_folds

FOLDS = Folds({"toy": {0: ("p1", "p2"), 1: ("p3",)}, "other": {1: ("p1",), 2: ("p4",)}})


def test_folds_are_counted_over_all_data_sets() -> None:
    assert FOLDS.numbers == (0, 1, 2)


def test_those_of_the_fold_are_tested_and_all_others_train() -> None:
    sessions = [toy_session(f"p{number}") for number in (1, 2, 3, 4)]
    train, test = FOLDS.split(sessions, 0)
    assert [one.subject for one in test] == ["p1", "p2"]
    assert [one.subject for one in train] == ["p3", "p4"]


def test_the_same_name_in_another_data_set_is_another_person() -> None:
    toy, other = toy_session("p1"), toy_session("p1", dataset="other")
    assert FOLDS.split([toy, other], 0) == ([other], [toy])
    assert FOLDS.split([toy, other], 1) == ([toy], [other])


def test_a_person_under_two_names_is_tested_under_both() -> None:
    known, alias = toy_session("p1"), toy_session("p1", subject="p9")
    stranger = toy_session("p4")
    assert FOLDS.split([alias, stranger, known], 0) == ([stranger], [alias, known])


def test_simulated_people_train_in_every_fold() -> None:
    simulated = toy_session("p1", dataset="simulated", simulated=True)
    for fold in FOLDS.numbers:
        assert FOLDS.split([simulated], fold) == ([simulated], [])


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), min_size=1, max_size=12),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), max_size=12),
)
def test_nobody_is_ever_on_both_sides(people: list[tuple[int, int]], placed: list[tuple[int, int]]) -> None:
    sessions = [toy_session(f"p{person}", ("rest",), subject=f"s{name}") for person, name in people]
    folds = Folds({"toy": {fold: tuple(f"s{n}" for f, n in placed if f == fold) for fold, _ in placed}})
    for fold in folds.numbers:
        train, test = folds.split(sessions, fold)
        assert not {one.person for one in train} & {one.person for one in test}
        assert {id(one) for one in train + test} == {id(one) for one in sessions}
        assert len(train) + len(test) == len(sessions)
        tested = folds.people["toy"][fold]
        assert not [one for one in train if one.subject in tested]


def test_folds_are_read_with_names_that_look_like_numbers(tmp_path: Path) -> None:
    path = tmp_path / "folds.yaml"
    path.write_text(
        'people:\n  toy:\n    0: [p1, 22]\n    "1": []\n  other: {0: [7]}\nactions: {0: [fist]}\n'
    )
    people: dict[str, dict[int, tuple[str, ...]]] = {"toy": {0: ("p1", "22"), 1: ()}, "other": {0: ("7",)}}
    assert read_folds(path) == Folds(people, actions={0: ("fist",)})


def test_a_label_means_what_the_file_says_else_itself(tmp_path: Path) -> None:
    path = tmp_path / "folds.yaml"
    path.write_text("people: {}\ncompositions: {1: [rd+fp]}\nmeaning: {toy: {power grip: fist}}\n")
    folds = read_folds(path)
    assert folds.meant("toy", "power grip") == "fist"
    assert folds.meant("other", "power grip") == "power grip" and folds.meant("toy", "rest") == "rest"
    assert folds.compositions == {1: ("rd+fp",)}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "actions: {}",
        "people: [p1]",
        "people: {toy: [p1]}",
        "people: {toy: {first: [p1]}}",
        "people: {toy: {0: p1}}",
        "people: {toy: {0: }}",
        "people: {toy: {0: {p1: p2}}}",
        "people: {toy: [",
        "people: {}\nactions: [fist]",
        "people: {}\nactions: {0: fist}",
        "people: {}\nmeaning: {toy: [fist]}",
    ],
)
def test_what_is_not_folds_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "folds.yaml"
    path.write_text(content)
    with pytest.raises(UsageError, match=r"cannot be read as folds.*expected YAML with people"):
        read_folds(path)


def test_missing_and_binary_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for name in ("missing.yaml", "binary"):
        with pytest.raises(UsageError, match="cannot be read as folds"):
            read_folds(tmp_path / name)


def test_the_published_folds_test_everybody_once(real_data: Path) -> None:
    folds = read_folds(real_data / "folds.yaml")
    assert folds.numbers == (0, 1, 2, 3, 4)
    for tested in folds.people.values():
        everybody = [subject for subjects in tested.values() for subject in subjects]
        assert len(everybody) == len(set(everybody))
