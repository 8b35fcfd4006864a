"""The one rule by which a command chooses a model, quick enough to stand before every search."""

import os
from pathlib import Path

from myosem.errors import ModelError

VARIABLE = "MYOSEM_MODELS"
"""Names another folder for the models of this user."""
PACKAGED_NAME = "packaged"
IN_USE = "in-use"
"""The file that names the model in use."""
LIST = "myosem model list"
LONGEST_NAME = 64


def models_folder() -> Path:
    """Where this user's models are (XDG base directories, or ``MYOSEM_MODELS``)."""
    if own := os.environ.get(VARIABLE):
        return Path(own)
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "myosem" / "models"


def chosen(given: Path | None = None) -> Path | None:
    """The folder of the model to load, None for the packaged one.

    A folder that is named comes first, then the name of a kept model, then the model in use.

    Raises:
        ModelError: what is named is neither, or the model in use is gone.
    """
    if given is not None and given.is_dir():
        return given
    name = in_use() if given is None else str(given)
    if name == PACKAGED_NAME:
        return None
    folder = models_folder() / name
    if is_name(name) and folder.is_dir():
        return folder
    if given is not None:
        raise ModelError(f"there is no model {given}", exists=[PACKAGED_NAME, *kept_names()], hint=LIST)
    raise ModelError(f"the model in use, {name}, is gone", hint=f"myosem model use {PACKAGED_NAME}")


def in_use() -> str:
    """Name of the model that commands use where none is named."""
    try:
        return (models_folder() / IN_USE).read_text(encoding="utf-8").strip() or PACKAGED_NAME
    except OSError:
        return PACKAGED_NAME


def kept_names() -> list[str]:
    """Names of the models of this user."""
    folder = models_folder()
    if not folder.is_dir():
        return []
    return sorted(one.name for one in folder.iterdir() if one.is_dir() and is_name(one.name))


def is_name(text: str) -> bool:
    """Whether a kept model can be called so: letters, digits, dots and dashes, the first no dot or dash."""
    plain = text.replace(".", "").replace("-", "").replace("_", "")
    return text[:1].isalnum() and plain.isalnum() and text.isascii() and len(text) <= LONGEST_NAME
