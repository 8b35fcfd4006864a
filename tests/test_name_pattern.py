"""What the names of files say."""

import re

import pytest

from myosem.readers.name_pattern import find_pattern


def read(names: list[str], *, labelled: bool = False) -> list[dict[str, str]] | None:
    """What the pattern finds in each name, as a mapping would, below some folder."""
    pattern = find_pattern(names, labelled=labelled)
    if pattern is None:
        return None
    matches = [re.search(pattern.path, f"some/where/{name}") for name in names]
    found = [match.groupdict() if match else {} for match in matches]
    assert pattern.found == {role: tuple(one[role] for one in found) for role in found[0]}
    return found


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (
            ["p1_fist_1.csv", "p1_pinch_1.csv", "p12_fist_2.csv"],
            {"subject": "p12", "label": "fist", "repetition": "2"},
        ),
        (
            ["p1/day1/fist_4.csv", "p3/day2/point_5.csv"],
            {"subject": "p3", "session": "day2", "label": "point", "repetition": "5"},
        ),
        (
            ["sub-01_ses-1_emg.csv", "sub-02_ses-1_emg.csv"],
            {"subject": "02", "session": "1"},
        ),
        (["anna/morning/a.csv", "bert/evening/b.csv"], {"subject": "bert", "session": "evening"}),
        (["morning/p1.csv", "evening/p2.csv"], {"session": "evening", "subject": "p2"}),
        (["S1 trial3.csv", "S2 trial4.csv"], {"subject": "S2", "repetition": "trial4"}),
        (["p1_x_20240501.csv", "p2_y_20240502.csv"], {"subject": "p2"}),
        (["p1_walk.csv", "p1_odd.csv"], {"subject": "p1"}),
        (["AB01-fist-1.csv", "CD02-fist-2.csv"], {"subject": "CD02", "repetition": "2"}),
    ],
)
def test_parts_that_differ_are_read_by_what_they_look_like(
    names: list[str], expected: dict[str, str]
) -> None:
    found = read(names)
    assert found is not None and found[-1] == expected


def test_words_are_labels_where_they_come_again_and_nothing_else_says_them() -> None:
    names = [f"p{person}_{word}.csv" for person in (1, 2) for word in ("zig", "zag")]
    found = read(names)
    assert found is not None and [one["label"] for one in found] == ["zig", "zag"] * 2
    known = read(names, labelled=True)
    assert known is not None and set(known[0]) == {"subject"}


@pytest.mark.parametrize(
    "names", [["p1_a.csv"], ["p1_a.csv", "p2.csv"], ["x.csv", "y.csv"], ["a/p1.csv", "p2.csv"]]
)
def test_names_that_are_not_plain_have_no_pattern(names: list[str]) -> None:
    assert find_pattern(names) is None


def test_a_part_without_a_role_is_anything_and_marks_are_as_they_are() -> None:
    pattern = find_pattern(["p1 (x)-zebra.csv", "p2 (x)-quagga.csv"])
    assert pattern is not None
    assert re.search(pattern.path, "p9 (x)-gnu.csv") and not re.search(pattern.path, "p9 (y)-gnu.csv")
    assert not re.search(pattern.path, "shop9 (x)-gnu.csv")
