"""The models of this user beside the packaged one.

A kept model is a folder below ``models_folder()``, named once and never changed; beside its files stands
``source.json``, which says where it came from.
"""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from myosem.errors import ModelError, UsageError
from myosem.model_choice import IN_USE, LIST, PACKAGED_NAME, in_use, is_name, kept_names, models_folder
from myosem.model_config import CONFIG, FILES, PACKAGED, BundleConfig, read_config, verify

if TYPE_CHECKING:
    from myosem.model import Model

MAIN_NUMBERS = ("MyoSem mAP", "MyoSem R@1")
"""What of a model's card a list shows."""
CARD = "CARD.md"
NOTICES = ("NOTICE", "LICENSE-MiniLM")
RUN_FILES = ("weights.safetensors", "run.json")
"""A training run that may go along: its weights for PyTorch, and what made them."""

_SOURCE = "source.json"


def bundle_files() -> tuple[str, ...]:
    """Every file that may be part of a model; nothing else is copied or fetched, and none holds a pickle."""
    from myosem.words import TOKENIZER_EMG

    return (CONFIG, *FILES, TOKENIZER_EMG, CARD, *NOTICES, *RUN_FILES)


def use(name: str) -> None:
    """Make a model the one that commands use where none is named; ``packaged`` goes back.

    Raises:
        ModelError: there is no model of this name, or it cannot be used.
    """
    known = {one.name: one for one in kept_models()}
    if name not in known:
        raise ModelError(f"there is no model {name}", exists=known, hint="myosem model fetch REPO_ID")
    if problem := known[name].problem:
        raise ModelError(f"the model {name} cannot be used: {problem}", hint=LIST)
    file = models_folder() / IN_USE
    if name == PACKAGED_NAME:
        file.unlink(missing_ok=True)
        return
    new = file.with_name(f".{IN_USE}.{os.getpid()}")
    new.write_text(f"{name}\n", encoding="utf-8")
    new.replace(file)


@dataclass(frozen=True)
class KeptModel:
    """A model there is to choose from.

    Attributes:
        name: what it is called here.
        folder: where its files are.
        source: a repository of the model hub or a folder, None for the packaged model.
        commit: of the repository.
    """

    name: str
    folder: Path
    source: str | None = None
    commit: str | None = None

    @cached_property
    def config(self) -> BundleConfig | ModelError:
        """What its ``config.json`` says, or why that cannot be read."""
        try:
            return read_config(self.folder)
        except ModelError as error:
            return error

    @property
    def problem(self) -> str | None:
        """Why it cannot be used."""
        if isinstance(self.config, ModelError):
            return self.config.sentence
        return None if self.name == PACKAGED_NAME else _other_features(self.config)

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(file.stat().st_size for file in self.folder.iterdir() if file.is_file())

    def facts(self) -> dict[str, Any]:
        """All that a list says of it, as plain values; ``numbers`` are those its card states."""
        config = None if isinstance(self.config, ModelError) else self.config
        metrics = config.metrics if config else {}
        return {
            "name": self.name,
            "model": config and config.name,
            "fingerprint": config and config.fingerprint,
            "bytes": self.size,
            "numbers": {name: metrics[name] for name in MAIN_NUMBERS if name in metrics},
            "source": self.source,
            "commit": self.commit,
            "folder": str(self.folder),
            "in_use": self.name == in_use(),
            "problem": self.problem,
        }


def _other_features(config: BundleConfig) -> str | None:
    from myosem.features import VERSION

    made_for = config.feature_version
    return None if made_for == VERSION else f"it is made for features {made_for}, this MyoSem has {VERSION}"


def kept_models() -> list[KeptModel]:
    """The packaged model, then those of this user by name."""
    found = [KeptModel(PACKAGED_NAME, PACKAGED)]
    for name in kept_names():
        about = _source_of(models_folder() / name)
        found.append(KeptModel(name, models_folder() / name, about.get("source"), about.get("commit")))
    return found


def _source_of(folder: Path) -> Mapping[str, str | None]:
    try:
        about = json.loads((folder / _SOURCE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return about if isinstance(about, dict) else {}


def keep(folder: Path, name: str, *, source: str, commit: str | None = None) -> KeptModel:
    """Copy a model into the models of this user, in one step: it is there as a whole or not at all.

    Args:
        folder: the model.
        name: what to call it.
        source: where it comes from.
        commit: of the repository it comes from.

    Raises:
        ModelError: the folder holds no model, or one that is damaged or of another version.
        UsageError: the name cannot be used, or belongs to another model.
    """
    check_name(name)
    checked(folder)
    target = models_folder() / name
    if target.exists():
        return _same(target, folder)
    models_folder().mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".", dir=models_folder()) as staging:
        new = Path(staging) / name
        copy_model(folder, new)
        about = json.dumps({"source": source, "commit": commit}, ensure_ascii=False)
        (new / _SOURCE).write_text(about + "\n", encoding="utf-8")
        verify(new, read_config(new))
        new.rename(target)
    return KeptModel(name, target, source, commit)


def check_name(name: str) -> None:
    """Raise UsageError where a model cannot be called so."""
    if not is_name(name) or name in {PACKAGED_NAME, IN_USE}:
        raise UsageError(
            "no model can have this name",
            got=name,
            expected="at most 64 letters, digits, dots and dashes",
            hint="--name NAME",
        )


def _same(target: Path, folder: Path) -> KeptModel:
    """The model that is there, which must be the one in ``folder``."""
    there, own = target / CONFIG, folder / CONFIG
    if there.is_file() and there.read_bytes() == own.read_bytes():
        about = _source_of(target)
        return KeptModel(target.name, target, about.get("source"), about.get("commit"))
    raise UsageError(
        f"another model is called {target.name} already", expected="a name of its own", hint="--name NAME"
    )


def copy_model(folder: Path, target: Path) -> None:
    """Copy the files of a model, and only those, into a new folder."""
    target.mkdir(parents=True, exist_ok=True)
    for name in bundle_files():
        if (folder / name).is_file():
            shutil.copyfile(folder / name, target / name)


def checked(folder: Path) -> "Model":
    """Open a model that came from somewhere else, after every check there is.

    Raises:
        ModelError: a file is missing, damaged, of another version, or none that a model has.
    """
    import numpy as np

    from myosem.model import Model

    model = Model.load(folder)
    strange = sorted(set(model.config.files) - set(bundle_files()))
    missing = sorted(file for file in model.config.files if not (folder / file).is_file())
    if strange or missing:
        raise ModelError(
            f"{folder} is no whole model",
            got=f"it names {', '.join(strange or missing)}",
            expected="files of a model, all of them there",
        )
    model.verify()
    if problem := _other_features(model.config):
        raise ModelError(f"{folder} cannot be used: {problem}", hint="pip install --upgrade myosem")
    model.query_confidence(["rest"])
    model.encode_text(["rest"])
    model.encode_session(np.zeros((2, model.config.feature_width)))
    _ = model.action_vectors
    return model
