"""A run comes back from its folder as it was, and what is no run is refused."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from toys import toy_adapter, toy_session

from myosem.checkpoint import ABOUT, ADAPTER, WEIGHTS, load_run, save_run
from myosem.encoder import EncoderConfig, SessionEncoder, TextHead
from myosem.errors import ModelError
from myosem.features import WIDTH

TINY = EncoderConfig(dimension=8, width=16, layers=1, heads=2, scores=4)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    encoder, head = SessionEncoder(TINY), TextHead(12, 8, 3)
    encoder.center.fill_(3.0)
    encoder.whiten.mul_(2.0)
    encoder.score_weight.fill_(0.5)
    encoder.score_bias.fill_(0.5)
    head.remember(torch.eye(3, 8))
    save_run(tmp_path / "deep" / "run", encoder, head, toy_adapter(8), {"steps": 7, "seed": 1})
    return tmp_path / "deep" / "run"


def test_a_run_comes_back_as_it_was(run: Path) -> None:
    torch.manual_seed(0)
    encoder, head = SessionEncoder(TINY).eval(), TextHead(12, 8, 3).eval()
    encoder.center.fill_(3.0)
    encoder.whiten.mul_(2.0)
    encoder.score_weight.fill_(0.5)
    encoder.score_bias.fill_(0.5)
    head.remember(torch.eye(3, 8))
    again, again_head, adapter, about = load_run(run)
    assert again.config == TINY and again_head.tower_width == 12
    assert not again.training and not again_head.training
    features, mask, words = torch.randn(2, 5, WIDTH), torch.ones(2, 5, dtype=torch.bool), torch.randn(3, 12)
    assert torch.equal(again(features, mask), encoder(features, mask))
    assert torch.equal(again_head(words), head(words))
    stranger = toy_session("stranger")
    vectors = again(torch.from_numpy(stranger.features)[None], torch.ones(1, 16, dtype=torch.bool))[0]
    moved, wanted = (
        one.vectors(stranger.features, vectors.detach().numpy()) for one in (adapter, toy_adapter(8))
    )
    np.testing.assert_allclose(moved, wanted, atol=1e-4)
    assert about == {"steps": 7, "seed": 1, "encoder": asdict(TINY), "tower_width": 12}


def test_what_is_told_of_a_run_cannot_change_its_configuration(tmp_path: Path) -> None:
    told = {"encoder": "mine", "tower_width": 1, "note": "best"}
    save_run(tmp_path, SessionEncoder(TINY), TextHead(12, 8, 3), toy_adapter(8), told)
    encoder, head, _, about = load_run(tmp_path)
    assert encoder.config == TINY and head.tower_width == 12 and about["note"] == "best"


def test_saving_again_replaces_the_run(run: Path) -> None:
    save_run(run, SessionEncoder(TINY), TextHead(20, 8, 5), toy_adapter(8), {"steps": 8})
    _, head, _, about = load_run(run)
    assert head.tower_width == 20 and about["steps"] == 8 and "seed" not in about


def refused(folder: Path) -> None:
    with pytest.raises(ModelError, match=r"holds no trained model.*try: myosem train"):
        load_run(folder)


@pytest.mark.parametrize("name", [WEIGHTS, ADAPTER, ABOUT])
def test_a_missing_file_is_refused(run: Path, name: str) -> None:
    (run / name).unlink()
    refused(run)


@pytest.mark.parametrize("name", [WEIGHTS, ADAPTER, ABOUT])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe nothing", b"[]"])
def test_a_damaged_file_is_refused(run: Path, name: str, content: bytes) -> None:
    (run / name).write_bytes(content)
    refused(run)


@pytest.mark.parametrize("name", [WEIGHTS, ADAPTER])
def test_a_truncated_file_is_refused(run: Path, name: str) -> None:
    content = (run / name).read_bytes()
    (run / name).write_bytes(content[: len(content) // 2])
    refused(run)


@pytest.mark.parametrize(
    "change",
    [{"width": 32}, {"layers": 2}, {"wings": 2}, {"dimension": "wide"}, {"heads": None, "width": None}],
)
def test_weights_and_configuration_must_fit(run: Path, change: dict[str, object]) -> None:
    about = json.loads((run / ABOUT).read_text())
    (run / ABOUT).write_text(json.dumps(about | {"encoder": about["encoder"] | change}))
    refused(run)


def test_missing_weights_are_refused(run: Path) -> None:
    weights = load_file(run / WEIGHTS)
    del weights["encoder.whiten"]
    save_file(weights, run / WEIGHTS)
    refused(run)
