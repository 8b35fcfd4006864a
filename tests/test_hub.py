"""Models go to a hub and come back the same; what a model has no use for is not even asked for."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from fakes import write_bursts
from hub_server import LocalHub, local_hub
from huggingface_hub import ModelCard, constants
from model_copies import another, packaged_copy

from myosem import Engine
from myosem.checkpoint import ABOUT, WEIGHTS, load_run, save_run
from myosem.encoder import EncoderConfig, SessionEncoder, TextHead
from myosem.errors import HubError, ModelError, UsageError
from myosem.hub import PretrainedModel
from myosem.ingest import ingest
from myosem.model import Model
from myosem.model_config import ADAPTER, CONFIG, PACKAGED, read_config

REPO = "a-lab/our-model"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LocalHub]:
    with local_hub() as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        template = f"{server.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
        yield server


def card_numbers(folder: Path) -> list[tuple[str, float]]:
    """Name and value of every metric of a card's ``model-index``."""
    (index,) = yaml.safe_load((folder / "README.md").read_text().split("---\n")[1])["model-index"]
    return [(one["name"], one["value"]) for result in index["results"] for one in result["metrics"]]


def test_pushed_and_fetched_it_finds_the_same(hub: LocalHub, tmp_path: Path) -> None:
    own = Model.load(another(tmp_path / "own"))
    address = PretrainedModel.of(own).push_to_hub(REPO)
    assert address == f"{hub.url}/{REPO}/commit/{hub.refs[REPO, 'main']}"
    assert set(hub.files(REPO)) == {file.name for file in own.folder.iterdir()} | {"README.md"}
    card = hub.files(REPO)["README.md"].decode()
    assert f"$ myosem model fetch {REPO}\n$ myosem model use our-model\n" in card
    back = PretrainedModel.from_pretrained(REPO)
    assert back.fingerprint == own.fingerprint != Model.load().fingerprint
    assert back.folder != own.folder
    write_bursts(tmp_path / "files", "a", "one", seed=0)
    ingest(tmp_path / "lib", [tmp_path / "files"], model=own)
    found = [Engine(tmp_path / "lib", model).search("make a fist", k=5) for model in (own, back)]
    assert found[0].hits and found[0] == found[1]
    features = np.random.default_rng(0).normal(size=(5, own.config.feature_width))
    np.testing.assert_array_equal(back.encode_session(features), own.encode_session(features))


def test_only_files_of_a_model_are_fetched(hub: LocalHub) -> None:
    files = {file.name: file.read_bytes() for file in PACKAGED.iterdir()}
    strange = {
        "pytorch_model.bin": b"\x80\x04.",
        "evil.pkl": b"\x80\x04.",
        "code/config.json": b"{}",
        "run.py": b"",
    }
    hub.put(REPO, files | strange | {"README.md": b"# mine\n"})
    model = PretrainedModel.from_pretrained(REPO)
    assert hub.fetched(REPO) == set(files)
    assert {file.name for file in model.folder.iterdir()} == set(files)


def test_a_revision_is_a_branch_a_tag_or_a_commit(hub: LocalHub, tmp_path: Path) -> None:
    files = {file.name: file.read_bytes() for file in another(tmp_path / "old").iterdir()}
    old = hub.put(REPO, files, "v1")
    hub.put(REPO, {file.name: file.read_bytes() for file in PACKAGED.iterdir()})
    expected = read_config(tmp_path / "old").fingerprint
    for revision in ("v1", old):
        assert PretrainedModel.from_pretrained(REPO, revision=revision).fingerprint == expected
    assert PretrainedModel.from_pretrained(REPO).fingerprint == Model.load().fingerprint


def test_what_is_damaged_on_the_hub_is_refused(hub: LocalHub) -> None:
    files = {file.name: file.read_bytes() for file in PACKAGED.iterdir()}
    hub.put(REPO, files | {ADAPTER: files[ADAPTER][:-1] + b"?"})
    with pytest.raises(ModelError, match=r"adapter\.npz is damaged"):
        PretrainedModel.from_pretrained(REPO)
    hub.put(REPO, {CONFIG: files[CONFIG]})
    with pytest.raises(ModelError, match="is incomplete"):
        PretrainedModel.from_pretrained(REPO)


def test_what_the_hub_has_not_is_said(hub: LocalHub) -> None:
    hub.put(REPO, {"README.md": b""})
    with pytest.raises(HubError, match="does not give a-lab/other"):
        PretrainedModel.from_pretrained("a-lab/other")
    with pytest.raises(HubError, match=f"{REPO} has no such revision; got v9"):
        PretrainedModel.from_pretrained(REPO, revision="v9")
    for name in ("./nothing", "a/b/c"):
        with pytest.raises(UsageError, match="neither a folder nor a repository"):
            PretrainedModel.from_pretrained(name)
    with pytest.raises(UsageError, match="takes no such argument; got map_location"):
        PretrainedModel.from_pretrained(REPO, map_location="cpu")


def test_without_a_network_it_is_what_was_fetched_before(
    hub: LocalHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.put(REPO, {file.name: file.read_bytes() for file in PACKAGED.iterdir()})
    PretrainedModel.from_pretrained(REPO)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    asked = len(hub.asked)
    assert PretrainedModel.from_pretrained(REPO).fingerprint == Model.load().fingerprint
    with pytest.raises(HubError, match=r"out of reach.*try: myosem model fetch DIR"):
        PretrainedModel.from_pretrained("a-lab/other")
    with pytest.raises(HubError):
        PretrainedModel.of(Model.load()).push_to_hub(REPO)
    assert len(hub.asked) == asked


def test_a_saved_folder_is_a_model_with_a_card(tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    PretrainedModel.of(Model.load()).save_pretrained(saved)
    assert {file.name for file in saved.iterdir()} == {file.name for file in PACKAGED.iterdir()} | {
        "README.md"
    }
    Model.load(saved).verify()
    assert (saved / CONFIG).read_bytes() == (PACKAGED / CONFIG).read_bytes()
    stated = read_config(PACKAGED).metrics
    numbers = card_numbers(saved)
    assert numbers[0] == ("MyoSem mAP", stated["MyoSem mAP"])
    assert dict(numbers[:5]) == {name: stated[name] for name, _ in numbers[:5]}
    for name, value in numbers:
        assert value in [own for key, own in stated.items() if key.rpartition(": ")[2] == name]
    card = ModelCard.load(saved / "README.md")
    assert (card.data.license, card.data.license_link) == ("other", "NOTICE")
    assert card.data.base_model == "sentence-transformers/all-MiniLM-L6-v2"
    assert f"| chance | {stated['chance mAP']} |" in card.text
    with pytest.raises(UsageError, match="is not empty"):
        PretrainedModel.of(Model.load()).save_pretrained(saved)


def test_a_model_without_numbers_states_none(tmp_path: Path) -> None:
    folder = packaged_copy(tmp_path / "own")
    values = {**json.loads((folder / CONFIG).read_text()), "metrics": {"loss": 1.0}, "provenance": {}}
    for name in (CONFIG, "NOTICE"):
        (folder / name).unlink()
    (folder / CONFIG).write_text(json.dumps(values))
    PretrainedModel.from_pretrained(folder).save_pretrained(tmp_path / "saved")
    card = (tmp_path / "saved" / "README.md").read_text()
    assert "model-index" not in card and "No retrieval was measured." in card
    assert "license: mit\n" in card and card.endswith("MIT.\n")


def test_weights_for_torch_go_along_as_safetensors(tmp_path: Path) -> None:
    run, torch_side = tmp_path / "run", SessionEncoder(EncoderConfig())
    model = Model.load()
    head = TextHead(model.tower.width, torch_side.config.dimension, 1)
    save_run(run, torch_side, head, model._adapter, {"seed": 0})
    with pytest.raises(ModelError, match="was not exported from"):
        shutil.copyfile(PACKAGED / "actions.npz", run / ADAPTER)
        PretrainedModel.of(model, run)
    shutil.copyfile(PACKAGED / ADAPTER, run / ADAPTER)
    PretrainedModel.of(model, run).save_pretrained(tmp_path / "saved")
    assert {WEIGHTS, ABOUT} <= {file.name for file in (tmp_path / "saved").iterdir()}
    back, *_ = load_run(PretrainedModel.from_pretrained(tmp_path / "saved").folder)
    for one, two in zip(back.state_dict().values(), torch_side.state_dict().values(), strict=True):
        assert torch.equal(one, two)
