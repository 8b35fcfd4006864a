import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn
from toys import toy_adapter, toy_session

from myosem.bundle import export_bundle
from myosem.errors import ModelError
from myosem.features import WIDTH
from myosem.model import Model
from myosem.model_config import (
    ADAPTER,
    CONFIG,
    FILES,
    PACKAGED,
    TEXT_TOWER,
    TOKENIZER,
    VECTOR_FILES,
    fingerprint_of,
    read_config,
)
from myosem.onnx_export import pack_int8, to_onnx
from myosem.onnx_tower import OnnxTextTower
from myosem.session_adapter import Gate, SessionAdapter
from myosem.space import BEYOND
from myosem.words import TOKENIZER_EMG

FEATURES, DIMENSION = 12, 16
STILL = SessionAdapter(Gate(np.zeros(1), np.ones(1), np.zeros((2, 0)), np.zeros(0)), (), ())
"""Moves nothing."""
ACTIONS = {"fist": ("make a fist", "close the hand"), "rest": ("do nothing",)}


class StandInEncoder(nn.Module):
    """A small set transformer: standardise over the session, attend over its segments, norm."""

    def __init__(self, features: int = FEATURES) -> None:
        super().__init__()
        self.first = nn.Linear(2 * features, DIMENSION)
        self.attention = nn.MultiheadAttention(DIMENSION, 2, batch_first=True)
        self.last = nn.Linear(DIMENSION, DIMENSION)

    def forward(self, features: Tensor) -> Tensor:
        standard = (features - features.mean(0)) / (features.std(0, unbiased=False) + 1e-3)
        hidden = self.first(torch.cat([features, standard], dim=1))[None]  # ND -> 1ND
        hidden = hidden + self.attention(hidden, hidden, hidden, need_weights=False)[0]
        return nn.functional.normalize(self.last(hidden[0]), dim=-1)


class Head(nn.Module):
    def __init__(self, width: int = DIMENSION + BEYOND) -> None:
        super().__init__()
        self.layer = nn.Linear(384, width)

    def forward(self, text: Tensor) -> Tensor:
        return nn.functional.normalize(self.layer(text), dim=-1)


class Unlike(nn.Module):
    """Behaves otherwise when it is traced."""

    def forward(self, features: Tensor) -> Tensor:
        sign = 1.0 if torch.compiler.is_compiling() else -1.0
        return nn.functional.normalize(sign * features[:, :DIMENSION], dim=-1)


class Long(nn.Module):
    def forward(self, features: Tensor) -> Tensor:
        return 3.0 * features


def write(folder: Path, **changes: object) -> Model:
    torch.manual_seed(0)
    fields: dict[str, object] = {
        "name": "tiny",
        "encoder": StandInEncoder(),
        "adapter": STILL,
        "text_head": Head(),
        "feature_version": "test-1",
        "feature_width": FEATURES,
        "action_texts": ACTIONS,
        "temperature": 0.07,
        "threshold": 0.2,
        "provenance": {"seed": 0},
        "metrics": {"mAP": 0.5},
    }
    return export_bundle(folder, **{**fields, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with the packaged text tower and a small encoder. Read only."""
    return write(tmp_path_factory.mktemp("bundles") / "tiny").folder


@pytest.fixture
def own(folder: Path, tmp_path: Path) -> Path:
    """A copy to damage, with links in place of the files that are not touched."""
    target = tmp_path / "own"
    target.mkdir()
    for file in folder.iterdir():
        (target / file.name).symlink_to(file)
    return target


def change(folder: Path, file: str, content: bytes) -> None:
    (folder / file).unlink()
    (folder / file).write_bytes(content)


def change_config(folder: Path, **changes: object) -> None:
    values = json.loads((folder / CONFIG).read_text())
    kept = {key: value for key, value in {**values, **changes}.items() if value is not None}
    change(folder, CONFIG, json.dumps(kept).encode())


def features_of(count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.random.default_rng(count).standard_normal((count, FEATURES)).astype(np.float32)


def test_a_bundle_says_what_it_was_written_with(folder: Path) -> None:
    model = Model.load(folder)
    assert (model.name, model.dimension, model.feature_version) == ("tiny", DIMENSION + BEYOND, "test-1")
    assert (model.temperature, model.threshold) == (0.07, 0.2)
    assert model.actions == ("fist", "rest")
    assert model.config.provenance == {"seed": 0}
    assert "tiny" in (folder / "CARD.md").read_text()
    assert "mAP: 0.5" in (folder / "CARD.md").read_text()


def test_a_very_long_session_is_encoded_in_parts_from_all_of_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, features = Model.load(folder), features_of(25)
    whole = model.encode_session(features)
    monkeypatch.setattr("myosem.model._CONTEXT", 10)
    parts = model.encode_session(features)
    for part in range(3):
        np.testing.assert_allclose(parts[part::3], model.encode_session(features[part::3]), atol=1e-6)
    assert not np.allclose(parts, whole, atol=1e-3)


@pytest.mark.parametrize("count", [1, 2, 3, 77])
def test_sessions_of_any_length_match_torch(folder: Path, count: int) -> None:
    torch.manual_seed(0)
    encoder = StandInEncoder().eval()
    features = features_of(count)
    with torch.no_grad():
        expected = encoder(torch.from_numpy(features)).numpy()
    vectors = Model.load(folder).encode_session(features)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, STILL.vectors(features, expected), atol=1e-5)


def test_the_adapter_moves_the_vectors_of_a_session(tmp_path: Path) -> None:
    encoder, adapter = StandInEncoder(WIDTH), toy_adapter(DIMENSION)
    shape = {"encoder": encoder, "feature_width": WIDTH}
    features = adapter.straightened(toy_session("stranger").features)
    with torch.no_grad():
        plain = encoder.eval()(torch.from_numpy(features)).numpy()
    model = write(tmp_path / "moved", **shape, adapter=adapter)
    moved = model.encode_session(features)
    assert moved.dtype == np.float32
    np.testing.assert_allclose(moved, adapter.vectors(features, plain), atol=1e-3)
    assert not np.allclose(moved[:, :DIMENSION], plain, atol=1e-2)
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), 1, atol=1e-5)
    assert model.encode_session(features[:0]).shape == (0, DIMENSION + BEYOND)


def test_text_vectors_match_the_torch_head_on_the_same_tower(folder: Path) -> None:
    torch.manual_seed(0)
    StandInEncoder()
    head = Head().eval()
    texts = ["make a fist", "", "сжать кулак", "wrist " * 400]
    with torch.no_grad():
        expected = head(torch.from_numpy(OnnxTextTower(folder).encode(texts))).numpy()
    np.testing.assert_allclose(Model.load(folder).encode_text(texts), expected, atol=1e-5)


def test_a_text_has_one_vector_whatever_stands_beside_it(folder: Path) -> None:
    model = Model.load(folder)
    texts = [f"{'very ' * (row % 7)}slow movement {row}" for row in range(70)]
    alone = np.concatenate([model.encode_text([text]) for text in texts[::9]])
    np.testing.assert_allclose(model.encode_text(texts)[::9], alone, atol=1e-5)


def test_the_order_of_texts_is_kept(folder: Path) -> None:
    model = Model.load(folder)
    texts = ["a long description of a hand that closes", "fist", "open the hand"]
    np.testing.assert_allclose(model.encode_text(texts[::-1]), model.encode_text(texts)[::-1], atol=1e-5)


def test_action_vectors_are_the_unit_means_of_their_texts(folder: Path) -> None:
    model = Model.load(folder)
    mean = model.encode_text(ACTIONS["fist"]).mean(axis=0)
    np.testing.assert_allclose(model.action_vectors[0], mean / np.linalg.norm(mean), atol=1e-5)
    np.testing.assert_allclose(model.action_vectors[1], model.encode_text(ACTIONS["rest"])[0], atol=1e-5)


def test_nothing_in_gives_nothing_out(folder: Path) -> None:
    model = Model.load(folder)
    assert model.encode_text([]).shape == (0, DIMENSION + BEYOND)
    assert model.encode_session(features_of(0)).shape == (0, DIMENSION + BEYOND)
    assert OnnxTextTower(folder).encode([]).shape == (0, 384)


def test_words_need_no_emg_encoder_and_sessions_no_text_tower(own: Path) -> None:
    change(own, "emg_encoder.onnx", b"damaged")
    assert Model.load(own).encode_text(["fist"]).shape == (1, DIMENSION + BEYOND)
    with pytest.raises(ModelError, match=r"emg_encoder\.onnx cannot be loaded"):
        Model.load(own).encode_session(features_of(2))


def test_only_a_text_loads_the_tower(own: Path) -> None:
    change(own, TEXT_TOWER, b"damaged")
    model = Model.load(own)
    assert model.encode_session(features_of(2)).shape == (2, DIMENSION + BEYOND)
    with pytest.raises(ModelError, match=r"text_tower\.onnx cannot be loaded"):
        model.encode_text(["fist"])


def test_features_that_do_not_fit_are_refused(folder: Path) -> None:
    model = Model.load(folder)
    with pytest.raises(ModelError, match=r"got shape \(3, 11\); expected \(segments, 12\), features test-1"):
        model.encode_session(features_of(3)[:, 1:])
    bad = features_of(3)
    bad[1, 4] = np.nan
    with pytest.raises(ModelError, match="not finite; got segment 1"):
        model.encode_session(bad)


def test_a_folder_without_a_model_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"holds no model; expected a file config\.json; try: myosem export"):
        Model.load(tmp_path)


@pytest.mark.parametrize("file", FILES)
def test_a_missing_file_is_named(own: Path, file: str) -> None:
    (own / file).unlink()
    with pytest.raises(ModelError, match=f"is incomplete; got no {file}"):
        Model.load(own)


@pytest.mark.parametrize("file", FILES)
def test_verify_finds_a_changed_file(own: Path, file: str) -> None:
    Model.load(own).verify()
    change(own, file, (own / file).read_bytes() + b"\0")
    with pytest.raises(ModelError, match=f"{file} is damaged"):
        Model.load(own).verify()


@pytest.mark.parametrize("file", ["actions.npz", ADAPTER, TOKENIZER])
def test_damaged_files_are_named(own: Path, file: str) -> None:
    change(own, file, (own / file).read_bytes()[:60])
    model = Model.load(own)
    with pytest.raises(ModelError, match=f"{file} cannot be loaded"):
        assert [model.action_vectors, model.encode_text(["fist"]), model.encode_session(features_of(2))] == []


def test_actions_of_another_shape_are_refused(own: Path) -> None:
    change_config(own, actions=["fist"])
    with pytest.raises(ModelError, match=r"got \(2, 19\); expected \(1, 19\)"):
        assert Model.load(own).action_vectors is None


def test_actions_are_never_unpickled(own: Path) -> None:
    (own / "actions.npz").unlink()
    np.savez(own / "actions.npz", vectors=np.array([{"a": 1}, None], dtype=object))
    with pytest.raises(ModelError, match="cannot be loaded"):
        assert Model.load(own).action_vectors is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 1}, "another version; got 1; expected 3"),
        ({"format": None}, "another version; got none; expected 3"),
        ({"name": None}, "missing, unknown or of the wrong type: name"),
        ({"dimension": "16"}, "wrong type: dimension"),
        ({"colour": "red"}, "missing, unknown or of the wrong type: colour"),
        ({"files": {}}, "files: actions.npz"),
    ],
)
def test_a_config_that_does_not_fit_is_refused(own: Path, changes: dict[str, object], message: str) -> None:
    change_config(own, **changes)
    with pytest.raises(ModelError, match=message):
        Model.load(own)


def test_a_config_that_is_no_json_is_refused(own: Path) -> None:
    change(own, CONFIG, b"{")
    with pytest.raises(ModelError, match="cannot be read"):
        Model.load(own)


def test_the_fingerprint_follows_what_determines_vectors_and_nothing_else(own: Path) -> None:
    config = read_config(own)
    assert fingerprint_of(config) == config.fingerprint
    change_config(own, name="other", temperature=1.0, metrics={}, provenance={})
    assert fingerprint_of(read_config(own)) == config.fingerprint
    prints = {config.fingerprint}
    for changes in ({"feature_version": "2"}, {"feature_width": 1}, {"dimension": 8}):
        change_config(
            own, **{"feature_version": "test-1", "feature_width": FEATURES, "dimension": DIMENSION + BEYOND}
        )
        change_config(own, **changes)
        prints.add(fingerprint_of(read_config(own)))
    for file in VECTOR_FILES:
        change_config(own, files={**config.files, file: "0" * 64})
        prints.add(fingerprint_of(read_config(own)))
    assert len(prints) == 4 + len(VECTOR_FILES)


def test_a_stale_fingerprint_is_found(own: Path) -> None:
    change_config(own, feature_version="test-2")
    with pytest.raises(ModelError, match="does not fit its files"):
        Model.load(own).verify()


def test_the_same_model_gives_the_same_fingerprint(folder: Path, tmp_path: Path) -> None:
    assert write(tmp_path / "again").fingerprint == Model.load(folder).fingerprint


def test_a_new_bundle_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    first = write(tmp_path / "model").fingerprint
    torch.manual_seed(1)
    assert write(tmp_path / "model", text_head=Head()).fingerprint != first
    Model.load(tmp_path / "model").verify()
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ModelError, match="holds something else than a model"):
        write(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoder": Unlike(), "feature_width": 20}, "differs from torch"),
        ({"encoder": Long()}, "does not give unit vectors"),
        ({"text_head": Head(8)}, "do not meet in one space; got widths 19 and 8"),
        ({"action_texts": {"fist": ()}}, "actions without texts; got fist"),
        ({"action_texts": {}}, "actions without texts; got no actions"),
        ({"sessions": [np.full((3, FEATURES), np.nan, dtype=np.float32)]}, "differs from torch|unit vectors"),
    ],
)
def test_what_cannot_be_right_is_not_written(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        write(tmp_path / "model", **changes)
    assert not list(tmp_path.iterdir())


def test_the_trained_modules_stay_as_they_were(tmp_path: Path) -> None:
    encoder = StandInEncoder().train()
    write(tmp_path / "model", encoder=encoder)
    assert encoder.training


class Lookup(nn.Module):
    """A table, a matrix with loud rows, a matrix whose size is no multiple of a block."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(300, 64)
        self.wide = nn.Linear(64, 300)
        self.odd = nn.Linear(300, 101, bias=False)
        with torch.no_grad():
            self.wide.weight[:, ::7] *= 20

    def forward(self, ids: Tensor) -> Tensor:
        vectors: Tensor = self.odd(torch.tanh(self.wide(self.table(ids))))
        return vectors


def test_packed_weights_unpack_to_within_half_a_step() -> None:
    torch.manual_seed(0)
    module = Lookup().eval()
    graph = pack_int8(to_onnx(module, {"ids": torch.zeros(2, 3, dtype=torch.int64)}, ("n", "tokens")))
    arrays = {item.name: numpy_helper.to_array(item) for item in graph.graph.initializer}
    stem = next(name for name in arrays if name.endswith(".levels")).removesuffix(".levels")
    scales = arrays[f"{stem}.float16"].astype(np.float32)
    levels = arrays[f"{stem}.levels"][:, None]
    unpacked = (arrays[f"{stem}.int8"] * scales).reshape(arrays[f"{stem}.shape"]) * levels
    step = np.broadcast_to(scales, arrays[f"{stem}.int8"].shape).reshape(unpacked.shape) * levels
    error = np.abs(unpacked - module.wide.weight.detach().numpy().T)
    assert (error <= 0.5 * step * 1.1).all()  # float16 scales may clip the largest number by a little
    assert sum(array.dtype == np.int8 for array in arrays.values()) == 2


def test_a_packed_graph_gives_nearly_the_same_numbers() -> None:
    import onnxruntime

    torch.manual_seed(0)
    module = Lookup().eval()
    graph = pack_int8(to_onnx(module, {"ids": torch.zeros(2, 3, dtype=torch.int64)}, ("n", "tokens")))
    ids = np.random.default_rng(0).integers(0, 300, (4, 5))
    got = onnxruntime.InferenceSession(graph.SerializeToString()).run(None, {"ids": ids})[0]
    with torch.no_grad():
        want = module(torch.from_numpy(ids)).numpy()
    assert got.shape == (4, 5, 101)
    assert np.corrcoef(got.ravel(), want.ravel())[0, 1] > 0.999


def test_an_exported_graph_tells_nothing_of_the_machine() -> None:
    graph = to_onnx(StandInEncoder(), {"features": torch.zeros(4, FEATURES)}, ("segments",))
    assert str(Path(__file__).parent).encode() not in graph.SerializeToString()
    assert b".py" not in graph.SerializeToString()
    assert helper.printable_type(graph.graph.input[0].type) == "FLOAT, segmentsx12"


def test_a_search_by_words_imports_no_torch() -> None:
    code = (
        "import sys; from myosem.model import OnnxTextTower; OnnxTextTower().encode(['fist']);"
        "print(sorted({'torch', 'transformers', 'onnx', 'scipy', 'faiss'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_the_packaged_tower_carries_its_licence() -> None:
    assert "Apache License" in (PACKAGED / "LICENSE-MiniLM").read_text()
    assert "all-MiniLM-L6-v2" in (PACKAGED / "NOTICE").read_text()


def test_the_packaged_files_fit_into_their_budget() -> None:
    assert sum(file.stat().st_size for file in PACKAGED.iterdir()) <= 40_000_000


def test_an_emg_tokenizer_goes_along_and_changes_no_vector(folder: Path, tmp_path: Path) -> None:
    words = tmp_path / TOKENIZER_EMG
    words.write_bytes(b"codes")
    model = write(tmp_path / "with", words=words)
    assert (model.folder / TOKENIZER_EMG).read_bytes() == b"codes"
    model.verify()
    assert model.fingerprint == Model.load(folder).fingerprint
    (model.folder / TOKENIZER_EMG).write_bytes(b"other")
    with pytest.raises(ModelError, match="damaged"):
        model.verify()


def test_a_tower_for_many_queries_says_the_same() -> None:
    texts = ["make a fist", "rest", "make a fist"]
    tower, lasting = OnnxTextTower(), OnnxTextTower(lasting=True)
    np.testing.assert_allclose(lasting.encode(texts), tower.encode(texts), atol=1e-5)


def test_what_a_tower_remembers_cannot_be_changed() -> None:
    tower = OnnxTextTower()
    first = tower.encode(["make a fist"])
    kept = first.copy()
    first[:] = 0
    np.testing.assert_array_equal(tower.encode(["make a fist"]), kept)
