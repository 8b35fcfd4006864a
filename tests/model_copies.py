"""The packaged model in other folders, as it is and changed."""

from dataclasses import replace
from pathlib import Path

from myosem.model_config import CONFIG, PACKAGED, TOKENIZER, fingerprint_of, read_config
from myosem.store import sha256_of


def packaged_copy(folder: Path) -> Path:
    """The packaged model in another folder, as links."""
    folder.mkdir(parents=True)
    for file in PACKAGED.iterdir():
        (folder / file.name).symlink_to(file)
    return folder


def rewritten(folder: Path, file: str, content: bytes) -> Path:
    """The model with another file that its config agrees with, and so another fingerprint."""
    (folder / file).unlink()
    (folder / file).write_bytes(content)
    config = read_config(folder)
    config = replace(config, files={**config.files, file: sha256_of(folder / file)})
    (folder / CONFIG).unlink()
    replace(config, fingerprint=fingerprint_of(config)).write(folder)
    return folder


def another(folder: Path) -> Path:
    """A model with the vectors of the packaged one and another fingerprint."""
    return rewritten(packaged_copy(folder), TOKENIZER, (PACKAGED / TOKENIZER).read_bytes() + b"\n")
