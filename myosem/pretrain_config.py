"""How to pre-train on tokens, and the presets: ``presets/*.yaml``, each checked against these classes."""

import json
from dataclasses import asdict, field
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from myosem.errors import UsageError

PRESETS = Path(__file__).parent / "presets"

_STRICT = ConfigDict(extra="forbid", strict=True)

Count = Annotated[int, Field(gt=0)]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, config=_STRICT)
class QuantizerConfig:
    """Size of the quantiser and how its codes follow the data.

    Attributes:
        codes: how many there are.
        code_width: width of a code.
        hidden: width of the networks on either side.
        decay: of the moving averages that the codes are.
        commitment: weight of the distance between a token and its code.
        dead: a code that is used less than this share of its fair share is given a new start.
    """

    codes: Count = 512
    code_width: Count = 32
    hidden: Count = 256
    decay: Share = 0.99
    commitment: Positive = 0.25
    dead: Share = 0.3


@dataclass(frozen=True, config=_STRICT)
class SentenceConfig:
    """Size of the sentence encoder.

    Attributes:
        width: d.
        layers: of attention.
        heads: a layer.
        hidden: inner width of the networks between.
    """

    width: Count = 128
    layers: Count = 3
    heads: Count = 4
    hidden: Count = 256


@dataclass(frozen=True, config=_STRICT)
class StageConfig:
    """How long and how fast a stage learns.

    Attributes:
        steps: optimiser steps.
        batch: tokens a step in stage 1, sentences in stage 2.
        learning_rate: at its highest; warms up over a twentieth of the steps, then falls as a cosine.
    """

    steps: Annotated[int, Field(ge=0)]
    batch: Count
    learning_rate: Positive


@dataclass(frozen=True, config=_STRICT)
class PretrainConfig:
    """A whole pre-training; a preset is one of these.

    Attributes:
        quantizer: size of stage 1.
        sentence: size of stage 2.
        stage1: its length.
        stage2: its length.
        ratio: share of the tokens that stage 2 hides.
        alone: share of the steps of stage 2 that read segments without context.
        weight_decay: of AdamW.
        turn_deg: standard deviation of the angle by which the electrodes are turned.
        gain: standard deviation of the change of the level over rest, in units of its natural logarithm.
    """

    quantizer: QuantizerConfig = field(default_factory=QuantizerConfig)
    sentence: SentenceConfig = field(default_factory=SentenceConfig)
    stage1: StageConfig = field(
        default_factory=lambda: StageConfig(steps=600, batch=1024, learning_rate=2e-3)
    )
    stage2: StageConfig = field(default_factory=lambda: StageConfig(600, 8, 1e-3))
    ratio: Share = 0.5
    alone: Share = 0.25
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    turn_deg: Annotated[float, Field(ge=0)] = 10.0
    gain: Annotated[float, Field(ge=0)] = 0.2


def preset_names() -> list[str]:
    """Names of the presets."""
    return sorted(file.stem for file in PRESETS.glob("*.yaml"))


def read_preset(name: str) -> PretrainConfig:
    """A preset by its name, or any YAML file of the same form by its path.

    Raises:
        UsageError: there is none, or it does not fit the form.
    """
    path = PRESETS / f"{name}.yaml" if name in preset_names() else Path(name)
    try:
        return parse_config(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(
            "there is no such preset", got=name, expected="a name or a YAML file", exists=preset_names()
        ) from error
    except ValidationError as error:
        raise UsageError(f"the preset {name} does not fit", got=_first(error)) from error


def parse_config(content: object) -> PretrainConfig:
    """A configuration from what YAML or JSON holds.

    Raises:
        ValidationError: something is missing, unknown or of the wrong kind.
    """
    return TypeAdapter(PretrainConfig).validate_json(json.dumps(content, default=str))


def config_content(config: PretrainConfig) -> dict[str, object]:
    """What ``parse_config`` reads."""
    return asdict(config)


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
