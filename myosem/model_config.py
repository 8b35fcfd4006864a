"""What a model's folder must hold: the names of its files and ``config.json``."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from myosem.errors import ModelError
from myosem.readings import READINGS
from myosem.store import sha256_of

FORMAT = 3
CONFIG = "config.json"
TOKENIZER = "tokenizer.json"
TEXT_TOWER = "text_tower.onnx"
TEXT_HEAD = "text_head.onnx"
EMG_ENCODER = "emg_encoder.onnx"
ACTIONS = "actions.npz"
ADAPTER = "adapter.npz"
VECTOR_FILES = (ADAPTER, EMG_ENCODER, TEXT_HEAD, TEXT_TOWER, TOKENIZER)
FILES = (ACTIONS, READINGS, *VECTOR_FILES)
PACKAGED = Path(__file__).parent / "bundle"


@dataclass(frozen=True)
class BundleConfig:
    """What ``config.json`` holds.

    Attributes:
        name: the model's name.
        dimension: D, the width of its vectors.
        feature_version: the features its EMG encoder was trained on.
        feature_width: F, how many numbers a segment has.
        text_tower: name of the text tower.
        actions: ids of the actions in ``actions.npz``, in its order.
        temperature: divides scores before a softmax over descriptions.
        threshold: the score below which nothing fits.
        files: SHA-256 of every other file that the model needs.
        provenance: commit, seeds, date, data and whatever else tells how it was made.
        metrics: what was measured on held-out people.
        fingerprint: identifies everything that determines vectors; see ``fingerprint_of``.
        format: version of this layout.
    """

    name: str
    dimension: int
    feature_version: str
    feature_width: int
    text_tower: str
    actions: tuple[str, ...]
    temperature: float
    threshold: float
    files: Mapping[str, str]
    provenance: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    fingerprint: str = ""
    format: int = FORMAT

    def write(self, folder: Path) -> None:
        """Write ``config.json`` into ``folder``."""
        text = json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"
        (folder / CONFIG).write_text(text, encoding="utf-8")


def fingerprint_of(config: BundleConfig) -> str:
    """64 hexadecimal digits over all that determines vectors: layout, features and ``VECTOR_FILES``."""
    parts = {
        "format": config.format,
        "dimension": config.dimension,
        "feature_version": config.feature_version,
        "feature_width": config.feature_width,
        "files": {file: config.files[file] for file in VECTOR_FILES},
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def read_config(folder: Path) -> BundleConfig:
    """Read and check ``config.json``.

    Raises:
        ModelError: it is missing, no JSON, of another version, or a field is missing or of the wrong type.
    """
    path = folder / CONFIG
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(
            f"{folder} holds no model", expected=f"a file {CONFIG}", hint=repair(folder)
        ) from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read", got=error, hint=repair(folder)) from error
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        version = values.get("format", "none") if isinstance(values, dict) else "none"
        raise ModelError(
            f"{folder} is a model of another version", got=version, expected=FORMAT, hint=repair(folder)
        )
    _check_fields(path, values)
    return BundleConfig(**{**values, "actions": tuple(values["actions"])})


def _check_fields(path: Path, values: Mapping[str, object]) -> None:
    kinds: dict[str, type | tuple[type, ...]] = {
        "dimension": int,
        "feature_width": int,
        "temperature": (int, float),
        "threshold": (int, float),
        "actions": list,
        "files": dict,
        "provenance": dict,
        "metrics": dict,
        "format": int,
    }
    names = {item.name for item in fields(BundleConfig)}
    wrong = sorted(names ^ set(values))
    wrong += [
        name for name in sorted(names & set(values)) if not isinstance(values[name], kinds.get(name, str))
    ]
    if not wrong:
        files = values["files"]
        wrong = [f"files: {name}" for name in FILES if not isinstance(files, dict) or name not in files]
    if wrong:
        raise ModelError(
            f"{path} does not describe a model",
            got=f"missing, unknown or of the wrong type: {', '.join(wrong)}",
            hint=repair(path.parent),
        )


def repair(folder: Path) -> str:
    """The command that mends a model's folder."""
    if folder == PACKAGED:
        return "pip install --force-reinstall myosem"
    return f"myosem export {folder}"


def verify(folder: Path, config: BundleConfig) -> None:
    """Compare every file with its checksum, and the fingerprint with the files.

    Raises:
        ModelError: something is damaged or was changed.
    """
    for file, expected in config.files.items():
        got = sha256_of(folder / file)
        if got != expected:
            raise ModelError(
                f"{folder / file} is damaged", got=f"SHA-256 {got}", expected=expected, hint=repair(folder)
            )
    if (got := fingerprint_of(config)) != config.fingerprint:
        raise ModelError(
            f"{folder / CONFIG} does not fit its files",
            got=f"fingerprint {config.fingerprint}",
            expected=got,
            hint=repair(folder),
        )
