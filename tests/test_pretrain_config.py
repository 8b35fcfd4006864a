"""Presets are checked, and as large as they are said to be."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from myosem.errors import UsageError
from myosem.pretrain_config import PretrainConfig, config_content, parse_config, preset_names, read_preset
from myosem.token_model import TokenModel


@pytest.mark.parametrize(("name", "millions"), [("small", 0.8), ("base", 6.3), ("large", 48)])
def test_presets_are_as_large_as_they_are_said_to_be(name: str, millions: float) -> None:
    config = read_preset(name)
    import torch

    with torch.device("meta"):
        model = TokenModel(config.quantizer, config.sentence)
    assert sum(value.numel() for value in model.parameters()) / 1e6 == pytest.approx(millions, rel=0.05)


def test_base_and_large_have_the_published_shape() -> None:
    shapes = {
        name: (one.width, one.layers, one.heads, one.hidden)
        for name in preset_names()
        for one in [read_preset(name).sentence]
    }
    assert shapes["base"] == (256, 6, 8, 1024) and shapes["large"] == (512, 12, 16, 2048)
    assert read_preset("large").quantizer.codes == 8192


def test_small_is_the_default() -> None:
    assert read_preset("small") == PretrainConfig()


def test_a_configuration_survives_being_written() -> None:
    config = read_preset("base")
    assert parse_config(config_content(config)) == config


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stage1: {steps: 1, batch: 8}", "learning_rate"),
        ("rate: 3", "rate"),
        ("quantizer: {codes: many}", "quantizer.codes"),
        ("ratio: 1.5", "ratio"),
        ("quantizer: {codes: -1}", "quantizer.codes"),
        ("- 3", "preset"),
    ],
)
def test_what_does_not_fit_is_refused(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match="does not fit") as error:
        read_preset(str(path))
    assert said in str(error.value)


def test_unknown_presets_are_named_beside_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="small"):
        read_preset("huge")
    (tmp_path / "bad.yaml").write_text("a: [")
    with pytest.raises(UsageError):
        read_preset(str(tmp_path / "bad.yaml"))
    with pytest.raises(ValidationError):
        parse_config({"ratio": "half"})
