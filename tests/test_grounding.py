"""A text tower that learns what texts mean."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from small_tower import small_tower

from myosem.bundle import export_text_tower
from myosem.errors import ModelError, UsageError
from myosem.grounding import READ_OUT, GroundConfig, Grounder
from myosem.grounding_run import load_grounding, make_grounder, save_grounding
from myosem.onnx_tower import OnnxTextTower
from myosem.prompts import load_actions
from myosem.readings import Readings
from myosem.text import SentenceTower, load_minilm
from myosem.text_material import UNSAID, TextMaterial

QUICK = GroundConfig(steps=250, texts=32, frozen=1, learning_rate=2e-3, unrelated=0.25)
WORDS = {"up": "raise lift high upwards", "down": "lower drop low downwards", "": "moon dog sales piano"}
SIGNATURES = np.array([[1.0, 0.2, 5.0], [-1.0, 0.4, 5.0]], dtype=np.float32)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SentenceTower:
    return small_tower(load_minilm(), tmp_path_factory.mktemp("towers") / "small")


def material() -> TextMaterial:
    """Two opposite actions and nothing at all, each in four words of its own among others."""
    owners = {"up": 0, "down": 1, "": -1}
    rows = [
        (f"{word} {other}", owners[action], (1.0, 0.5) if other == "hard" else UNSAID)
        for action, words in WORDS.items()
        for word in words.split()
        for other in ("it", "the thing", "now", "hard")
    ]
    return TextMaterial(
        ("up", "down"),
        tuple(text for text, _, _ in rows),
        np.array([owner for _, owner, _ in rows]),
        np.array([effort for _, _, effort in rows], dtype=np.float32),
        len(rows),
    )


@pytest.fixture(scope="module")
def taught(small: SentenceTower) -> Grounder:
    grounder = Grounder(small, material(), SIGNATURES, QUICK)
    grounder.run()
    return grounder


def test_nothing_changes_before_the_first_step(small: SentenceTower) -> None:
    tower = Grounder(small, material(), SIGNATURES, QUICK).result()
    texts = ["raise it", "drop the thing"]
    assert np.allclose(tower.encode(texts), small.encode(texts), atol=2e-3)


def test_new_phrases_of_known_words_are_read_right(taught: Grounder) -> None:
    tower = taught.result()
    readings = tower.readings()
    vectors = tower.encode(["lift please", "drop please", "piano please"])
    assert readings.signature(vectors)[0, 0] > 0.3
    assert readings.signature(vectors)[1, 0] < -0.3
    assert np.allclose(readings.signature(vectors)[:2, 2], 5, atol=0.5)
    assert (readings.related(vectors) > 0.5).tolist() == [True, True, False]


def test_opposites_come_to_lie_apart_and_words_for_the_same_together(
    small: SentenceTower, taught: Grounder
) -> None:
    owner, texts = material().owner, material().texts
    up, down = np.flatnonzero(owner == 0), np.flatnonzero(owner == 1)

    def gap(vectors: NDArray[np.float32]) -> float:
        return float((vectors[up] @ vectors[up].T).mean() - (vectors[up] @ vectors[down].T).mean())

    assert gap(taught.result().encode(texts)) > 2 * gap(small.encode(texts)) > 0


def test_effort_is_read_only_where_it_is_said(taught: Grounder) -> None:
    tower = taught.result()
    hard, plain = tower.readings().effort(tower.encode(["high hard", "high now"]))
    assert hard[0] > 0.4
    assert plain.tolist() == [0, 0]


def test_the_tower_it_was_made_of_stays(small: SentenceTower, taught: Grounder) -> None:
    fresh = SentenceTower.load(small.folder)
    assert np.array_equal(small.encode(["raise it"]), fresh.encode(["raise it"]))
    assert (
        taught.result().weights_sha256
        != Grounder(small, material(), SIGNATURES, QUICK).result().weights_sha256
    )


def test_readings_are_what_the_readout_says(taught: Grounder) -> None:
    tower = taught.result()
    vectors = tower.encode(["raise it", "moon hard"])
    with torch.no_grad():
        said = tower.readout.signature(READ_OUT * torch.from_numpy(vectors)).numpy()
    assert np.allclose(tower.readings().signature(vectors), said * tower.spread + tower.mean, atol=1e-4)


def test_it_goes_on_as_if_nothing_had_happened(small: SentenceTower, tmp_path: Path) -> None:
    config = GroundConfig(steps=6, texts=8, frozen=1)
    whole = Grounder(small, material(), SIGNATURES, config)
    whole.run()
    first = Grounder(small, material(), SIGNATURES, config)
    first.run(3)
    save_grounding(tmp_path, first)
    second = Grounder(small, material(), SIGNATURES, config)
    load_grounding(tmp_path, second)
    second.run()
    assert second.result().weights_sha256 == whole.result().weights_sha256


def test_another_grounding_is_not_gone_on_with(small: SentenceTower, tmp_path: Path) -> None:
    save_grounding(tmp_path, Grounder(small, material(), SIGNATURES, QUICK))
    other = Grounder(small, material(), SIGNATURES, GroundConfig(steps=41))
    with pytest.raises(UsageError, match="configuration"):
        load_grounding(tmp_path, other)


def test_onnx_gives_the_same_vectors(taught: Grounder, tmp_path: Path) -> None:
    tower = taught.result()
    exported = export_text_tower(tmp_path / "tower", tower)
    cosines = (exported.encode(material().texts) * tower.encode(material().texts)).sum(axis=1)
    assert cosines.min() > 1 - 1e-3
    assert OnnxTextTower(tmp_path / "tower").name == "small, grounded"


def test_readings_survive_their_file(taught: Grounder, tmp_path: Path) -> None:
    readings, vectors = taught.result().readings(), taught.result().encode(["raise it"])
    readings.save(tmp_path / "readings.npz")
    again = Readings.load(tmp_path / "readings.npz")
    assert np.allclose(again.signature(vectors), readings.signature(vectors), atol=1e-5)


def test_a_damaged_file_of_readings_is_refused(tmp_path: Path) -> None:
    (tmp_path / "readings.npz").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="cannot be loaded"):
        Readings.load(tmp_path / "readings.npz")


@pytest.mark.slow
def test_no_text_of_a_withheld_action_is_read() -> None:
    texts = make_grounder(GroundConfig(), ["fist"]).material.texts
    assert not any(name in texts for name in load_actions()["fist"].names)
