"""A bundle is judged again by its own recipe."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import pytest

from myosem.errors import ModelError
from myosem.model_config import BundleConfig
from myosem.reproduce import CLOSE, Recipe
from myosem.table import METRICS, PersonResult, Table

STATED = {"mAP": 0.7, "P@10": 0.6, "nDCG@10": 0.65, "R@1": 0.5, "R@5": 0.9}
BUNDLE = BundleConfig(
    name="toy",
    dimension=4,
    feature_version="3",
    feature_width=9,
    text_tower="tower",
    actions=("fist",),
    temperature=0.1,
    threshold=0.0,
    files={},
    provenance={"steps": 12, "seed": 3, "simulated": 7},
    metrics={
        "protocol": "user",
        "folds": "0 1",
        **{f"MyoSem {metric}": value for metric, value in STATED.items()},
    },
)


def table(changes: Mapping[str, float] = MappingProxyType({}), folds: str = "0 1") -> Table:
    values = {metric: STATED[metric] + changes.get(metric, 0.0) for metric in METRICS}
    return Table("toy", {"folds": folds}, [PersonResult("MyoSem", "set", "person", 0, 10, 2, values)])


def test_the_recipe_is_what_the_bundle_says() -> None:
    recipe = Recipe.of(BUNDLE)
    assert (recipe.config.steps, recipe.config.seed, recipe.simulated) == (12, 3, 7)
    assert recipe.stated == STATED


def test_the_comparison_tells_reproduced_from_different() -> None:
    lines = Recipe.of(BUNDLE).comparison(table({"mAP": 2 * CLOSE, "R@1": CLOSE / 2})).splitlines()
    verdicts = {line.split(" | ")[0].strip("| "): line for line in lines[2:]}
    assert "differs" in verdicts["mAP"] and "0.700" in verdicts["mAP"] and "0.710" in verdicts["mAP"]
    assert all("reproduced" in verdicts[metric] for metric in METRICS if metric != "mAP")


def test_other_folds_are_not_compared() -> None:
    said = Recipe.of(BUNDLE).comparison(table(folds="1"))
    assert "over folds 0 1, these over 1" in said and "|" not in said


@pytest.mark.parametrize("lacking", ["steps", "seed", "simulated"])
def test_a_bundle_that_does_not_say_how_it_was_made_is_refused(lacking: str) -> None:
    provenance = {key: value for key, value in BUNDLE.provenance.items() if key != lacking}
    with pytest.raises(ModelError, match=lacking):
        Recipe.of(replace(BUNDLE, provenance=provenance))


def test_a_bundle_without_numbers_is_refused() -> None:
    with pytest.raises(ModelError, match="MyoSem mAP"):
        Recipe.of(replace(BUNDLE, metrics={}))
