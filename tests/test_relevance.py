"""Close is what shares a part, a movement or a family of grips, and nothing else."""

import pytest

from myosem.prompts import load_actions
from myosem.relevance import CLOSE, EXACT, WRONG, grade, grade_effort


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        ("fist", "fist", EXACT),
        ("shrug", "shrug", EXACT),
        ("wrist-flexion", "wrist-flexion-pronation", CLOSE),
        ("wrist-flexion-fist", "wrist-flexion-pronation", CLOSE),
        ("wrist-extension-pronation", "radial-deviation-pronation", CLOSE),
        ("wrist-extension-supination", "radial-deviation-pronation", WRONG),
        ("wrist-flexion", "wrist-extension-pronation", WRONG),
        ("index-flexion", "index-press", CLOSE),
        ("index-flexion", "middle-flexion", WRONG),
        ("wrist-flexion", "wrist-flexion-neutral-forearm", CLOSE),
        ("wrist-flexion", "wrist-extension", WRONG),
        ("pronation", "supination", WRONG),
        ("two-finger-pinch", "three-finger-pinch", CLOSE),
        ("medium-wrap", "large-diameter-grasp", CLOSE),
        ("two-finger-pinch", "medium-wrap", WRONG),
        ("two-finger-pinch", "lateral-grasp", WRONG),
        ("stick-grasp", "lateral-grasp", CLOSE),
        ("fist", "open-hand", WRONG),
        ("rest", "fist", WRONG),
        ("shrug", "fist", WRONG),
    ],
)
def test_what_is_close(first: str, second: str, wanted: int) -> None:
    assert grade(first, second) == grade(second, first) == wanted


def test_rest_is_close_to_nothing() -> None:
    assert {grade("rest", other) for other in load_actions() if other != "rest"} == {WRONG}


def test_another_effort_is_close_and_another_action_is_not() -> None:
    assert grade_effort("light wrist flexion", "light wrist flexion") == EXACT
    assert grade_effort("light wrist flexion", "hard wrist flexion") == CLOSE
    assert grade_effort("light wrist flexion", "light wrist extension") == WRONG
