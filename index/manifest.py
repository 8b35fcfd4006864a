"""The note beside an index version: what it holds and which model made it."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from myosem.errors import IndexMismatchError, LibraryError

FORMAT = 1


@dataclass(frozen=True)
class FileEntry:
    """Size and SHA-256 of one file of a version."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """One published version of a library.

    Attributes:
        version: of the library, counted from 1.
        created: when it was published, ISO 8601, UTC.
        recordings: how many recordings it holds.
        segments: how many segments, which is also the number of vectors where there are any.
        model: name of the model that made the vectors, None where segments are not indexed.
        fingerprint: of that model.
        feature_version: of the features the vectors were made from.
        dimension: of the vectors.
        backend: of the index, a name in ``BACKENDS``.
        backend_reason: why that one.
        backend_asked: whether somebody asked for it; otherwise the next version chooses anew.
        files: files of the version folder by name.
        signals: bytes of each signal file it refers to, by name.
        format: of this note.
    """

    version: int
    created: str
    recordings: int
    segments: int
    model: str | None = None
    fingerprint: str | None = None
    feature_version: str | None = None
    dimension: int | None = None
    backend: str = "flat"
    backend_reason: str = ""
    backend_asked: bool = False
    files: dict[str, FileEntry] = field(default_factory=dict)
    signals: dict[str, int] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def indexed(self) -> bool:
        """Whether segments have vectors."""
        return self.fingerprint is not None

    def write(self, path: Path) -> None:
        """Write as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2, sort_keys=True) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what ``write`` wrote.

        Raises:
            LibraryError: missing, damaged, or of a newer format.
        """
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if content["format"] != FORMAT:
                raise LibraryError(
                    f"{path} is of another format",
                    got=content["format"],
                    expected=FORMAT,
                    hint="update myosem, or ingest the sources into a new library",
                )
            files = {name: FileEntry(**entry) for name, entry in content.pop("files").items()}
            return cls(**content, files=files)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise LibraryError(
                f"the manifest {path} is missing or damaged",
                got=f"{type(error).__name__}: {error}",
                hint="restore the folder from a copy, or ingest the sources into a new library",
            ) from error

    def check_model(self, fingerprint: str, library: Path) -> None:
        """Refuse a model that did not make the vectors.

        Raises:
            IndexMismatchError: there are no vectors, or they are of another model.
        """
        if self.fingerprint == fingerprint:
            return
        made_by = f"an index of {self.model} ({self.fingerprint})" if self.indexed else "no index yet"
        raise IndexMismatchError(
            f"the library {library} does not fit this model",
            got=made_by,
            expected=f"an index of the model {fingerprint}",
            hint=f"myosem index --library {library}",
        )
