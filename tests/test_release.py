"""The numbers on a model's card are those of the evaluations, whatever protocol they are of."""

import json
from pathlib import Path

import pytest

from myosem.errors import UsageError
from myosem.release import card_numbers

USER = {
    "title": "People never seen (protocol user)",
    "about": {"folds": "0 1", "calibrated temperature": 0.1},
    "means": {"MyoSem": {"mAP": 0.77234, "R@1": 0.7}, "chance": {"mAP": 0.14, "R@1": 0.1}},
}
CLASS = {
    "title": "Actions and people never seen (protocol class)",
    "about": {"folds": "0"},
    "means": {"MyoSem among the held-out only": {"R@1": 0.6, "P@10": 0.5}},
}
LOSO = {
    "title": "Trials of people never seen (protocol loso): balanced accuracy",
    "about": {"folds": "0"},
    "rows": [{"system": "AEMG", "mean": 0.76, "interval": None}],
    "results": [],
}


def written(folder: Path, *contents: object) -> list[Path]:
    files = [folder / f"{number}.json" for number in range(len(contents))]
    for file, content in zip(files, contents, strict=True):
        file.write_text(json.dumps(content), encoding="utf-8")
    return files


def test_the_first_says_how_it_was_made_and_the_others_their_protocol(tmp_path: Path) -> None:
    assert card_numbers(written(tmp_path, USER, CLASS, LOSO)) == {
        "protocol": USER["title"],
        "folds": "0 1",
        "calibrated temperature": 0.1,
        "MyoSem mAP": 0.7723,
        "MyoSem R@1": 0.7,
        "chance mAP": 0.14,
        "chance R@1": 0.1,
        "class: MyoSem among the held-out only R@1": 0.6,
        "loso: AEMG balanced accuracy": 0.76,
    }


def test_without_results_the_card_states_none() -> None:
    assert card_numbers(()) == {}


@pytest.mark.parametrize(
    "content", [[], {"title": "x"}, {"title": "x", "about": {}, "means": {"a": {"b": "c"}}}]
)
def test_something_else_is_named(tmp_path: Path, content: object) -> None:
    [file] = written(tmp_path, content)
    with pytest.raises(UsageError, match=r"0\.json cannot be read"):
        card_numbers([file])
