"""Prepares the next version of a library and publishes it in one step."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from myosem.catalogue import Catalogue
from myosem.catalogue_writer import CatalogueWriter
from myosem.errors import LibraryError
from myosem.index import Choice, FileEntry, Manifest, load_vectors
from myosem.library import (
    CATALOGUE,
    CURRENT,
    LOCK,
    MANIFEST,
    PARTS,
    SIGNALS,
    STAGING,
    VECTORS,
    VERSIONS,
    Library,
    published_version,
    version_folder,
)
from myosem.store import replace_text, sha256_of, sync, writer_lock

Progress = Callable[[str, int, int], None]
"""Called with what is being done ("reading" or "encoding"), how many are done, and how many there are."""


class LibraryWriter:
    """The one process that may change a library; see ``lock``.

    Attributes:
        path: of the library.
        base: the published version, None where there is none yet.
        version: number of the next version.
        staging: folder for work in progress; what is in it survives until something is published.
        signals: the signal file of the next version.
    """

    def __init__(self, path: Path, made_folder: bool = False) -> None:
        self.path = path
        self._made_folder = made_folder
        self.base = None if published_version(path) is None else Library.open(path)
        self.version = 1 if self.base is None else self.base.version + 1
        self.staging = path / STAGING
        self.signals = path / SIGNALS / f"{self.version:06d}.bin"
        self.prepared = self.staging / "version"

    @classmethod
    @contextmanager
    def lock(cls, path: Path) -> Iterator["LibraryWriter"]:
        """Hold the right to write to a library; its folder is made where missing.

        Raises:
            LibraryError: another process writes to it, it is damaged, or the folder holds other things.
        """
        refuse_foreign_folder(path)
        made_folder = not path.exists()
        try:
            for part in (STAGING, SIGNALS, VERSIONS):
                (path / part).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LibraryError(f"the library {path} cannot be written", got=error) from error
        with writer_lock(path / LOCK):
            writer = cls(path, made_folder)
            try:
                yield writer
            finally:
                if writer.base is not None:
                    writer.base.close()

    def catalogue(self) -> CatalogueWriter:
        """Start the catalogue of the next version."""
        if self.prepared.exists():
            shutil.rmtree(self.prepared)
        self.prepared.mkdir()
        base = None if self.base is None else self.base.folder / CATALOGUE
        return CatalogueWriter(self.prepared / CATALOGUE, base)

    def publish(
        self,
        model: str | None = None,
        fingerprint: str | None = None,
        feature_version: str | None = None,
        index: Choice | None = None,
    ) -> Library:
        """Make the prepared version the published one, in one step.

        Args:
            model: name of the model that made ``vectors.npy``; None where there are no vectors.
            fingerprint: of that model.
            feature_version: of the features it read.
            index: over the vectors, and why.
        """
        manifest = replace(
            self._manifest(), model=model, fingerprint=fingerprint, feature_version=feature_version
        )
        if index is not None:
            manifest = replace(
                manifest,
                backend=index.backend,
                backend_reason=index.reason,
                backend_asked=index.asked,
            )
        manifest.write(self.prepared / MANIFEST)
        sync(self.prepared / MANIFEST)
        sync(self.prepared)
        target = version_folder(self.path, self.version)
        if target.exists():  # moved here by a process that died before it could publish
            shutil.rmtree(target)
        self.prepared.rename(target)
        sync(target.parent)
        sync(self.signals.parent)
        replace_text(self.path / CURRENT, f"{target.name}\n")
        self.clear()
        return Library(self.path, self.version)

    def clear(self) -> None:
        """Forget work in progress."""
        shutil.rmtree(self.staging)
        self.staging.mkdir()

    def abandon(self) -> None:
        """Forget work in progress and its samples; where nothing was ever published, the folder too."""
        self.clear()
        self.signals.unlink(missing_ok=True)
        if self.base is None:
            for part in (STAGING, SIGNALS, VERSIONS):
                shutil.rmtree(self.path / part)
            (self.path / LOCK).unlink()
            if self._made_folder:
                self.path.rmdir()

    def _manifest(self) -> Manifest:
        files = {}
        for path in sorted(self.prepared.iterdir()):
            sync(path)
            files[path.name] = FileEntry(path.stat().st_size, sha256_of(path))
        catalogue = Catalogue.open(self.prepared / CATALOGUE)
        recordings, segments = catalogue.counts()
        signals = {name: (self.path / SIGNALS / name).stat().st_size for name in catalogue.signal_files()}
        catalogue.close()
        dimension = None
        if VECTORS in files:
            dimension = int(load_vectors(self.prepared / VECTORS).shape[1])
        created = datetime.now(UTC).isoformat(timespec="seconds")
        return Manifest(
            version=self.version,
            created=created,
            recordings=recordings,
            segments=segments,
            dimension=dimension,
            files=files,
            signals=signals,
        )


def refuse_foreign_folder(path: Path) -> None:
    """Raise LibraryError where a library cannot be: a file, or a folder that holds other things."""
    if path.exists() and not path.is_dir():
        raise LibraryError(f"{path} is a file", expected="a folder for the library, new or made by myosem")
    if path.is_dir() and not (path / CURRENT).exists():
        others = sorted(entry.name for entry in path.iterdir() if entry.name not in PARTS)
        if others:
            raise LibraryError(
                f"the folder {path} holds other things",
                got=", ".join(others[:5]),
                expected="an empty or new folder, or a library",
            )
