"""The model that is shipped: whole, of this code, and right about the plainest things."""

from pathlib import Path

import numpy as np
import pytest

from myosem import Engine, features
from myosem.bundle import MAX_BYTES
from myosem.ingest import ingest
from myosem.model import Model
from myosem.model_config import PACKAGED
from myosem.prompts import load_actions


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.load()


def test_it_is_whole_and_small_enough(model: Model) -> None:
    model.verify()
    assert sum(file.stat().st_size for file in PACKAGED.iterdir()) <= MAX_BYTES


def test_it_belongs_to_this_code(model: Model) -> None:
    assert (model.feature_version, model.config.feature_width) == (features.VERSION, features.WIDTH)
    assert set(model.actions) == set(load_actions())


def test_the_card_says_what_it_was_measured_against(model: Model) -> None:
    card = (PACKAGED / "CARD.md").read_text()
    for system in ("MyoSem", "TD + covariance LDA", "chance"):
        for metric in ("mAP", "R@1"):
            assert f"{system} {metric}: {model.config.metrics[f'{system} {metric}']}" in card


def test_the_name_of_an_action_finds_the_action(model: Model) -> None:
    actions = load_actions()
    names = model.encode_text([actions[action].names[0] for action in model.actions])
    nearest = (names @ model.action_vectors.T).argmax(axis=1)
    assert np.mean(nearest == np.arange(len(nearest))) > 0.9


@pytest.mark.parametrize("query", ["make a fist", "keep the arm still and relaxed"])
def test_words_find_real_emg(model: Model, real_data: Path, tmp_path: Path, query: str) -> None:
    ingest(tmp_path / "lib", [real_data / "myo_up" / "E2" / "s1e2.mat"], model=model)
    hits = Engine(tmp_path / "lib", model).search(query, k=5, where="label is not null").hits
    assert [hit.label for hit in hits] == ["fist" if "fist" in query else "rest"] * 5
