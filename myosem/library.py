"""A library: a self-contained folder of recordings that can be searched while it grows.

    CURRENT                        names the published version
    versions/000001/               manifest.json, catalogue.duckdb, vectors.npy (also the exact index)
    signals/000001.bin             samples that version 1 brought; later versions refer to them too
    staging/                       work in progress, left by an interrupted ingest for the next one
    lock                           held by the one process that writes

A version is prepared in ``staging``, moved to its place and published by replacing ``CURRENT`` in one
step. Readers take no lock: what they have opened never changes.
"""

import difflib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myosem.catalogue import (
    Catalogue,
    LibrarySummary,
    RecordingRow,
    SegmentRow,
    SessionKey,
)
from myosem.catalogue_writer import CatalogueWriter
from myosem.errors import LibraryError
from myosem.index import FileEntry, FlatIndex, Manifest, VectorIndex, load_vectors
from myosem.records import Recording
from myosem.store import SignalReader, replace_text, sha256_of, sync, writer_lock

CURRENT, LOCK, MANIFEST, CATALOGUE, VECTORS = (
    "CURRENT",
    "lock",
    "manifest.json",
    "catalogue.duckdb",
    "vectors.npy",
)
VERSIONS, SIGNALS, STAGING = "versions", "signals", "staging"
PARTS = {CURRENT, CURRENT + ".new", LOCK, VERSIONS, SIGNALS, STAGING}
REPAIR = "restore the folder from a copy, or ingest the sources into a new library"


class Library:
    """One published version of a library, read-only.

    Attributes:
        path: of the folder.
        manifest: what the version holds and which model its vectors are of.
    """

    def __init__(self, path: Path, version: int) -> None:
        self.path = path
        self.folder = version_folder(path, version)
        self.manifest = Manifest.read(self.folder / MANIFEST)
        self._check_files()
        self.catalogue = Catalogue.open(self.folder / CATALOGUE)
        self._signals = SignalReader(path / SIGNALS)

    @classmethod
    def open(cls, path: str | Path) -> "Library":
        """The version that is published now.

        Raises:
            LibraryError: there is no library, or it is damaged.
        """
        path = Path(path)
        version = published_version(path)
        if version is None:
            raise LibraryError(
                f"there is no library in {path}",
                expected="a folder made by myosem ingest",
                hint=f"myosem ingest RECORDINGS --library {path}",
            )
        try:
            return cls(path, version)
        except LibraryError:
            newer = published_version(path)
            if newer is None or newer == version:
                raise
            return cls(path, newer)

    @classmethod
    def create(cls, path: str | Path) -> "Library":
        """A new library with nothing in it.

        Raises:
            LibraryError: there is one already, or the folder holds other things.
        """
        with LibraryWriter.lock(Path(path)) as writer:
            if writer.base is not None:
                raise LibraryError(
                    f"there is a library in {path} already", got=f"version {writer.base.version}"
                )
            catalogue = writer.catalogue()
            catalogue.write_recordings([], [], [])
            catalogue.write_segments([], [])
            catalogue.close()
            return writer.publish()

    def close(self) -> None:
        """Let go of the catalogue; memory-mapped samples stay valid."""
        self.catalogue.close()

    @property
    def version(self) -> int:
        """Number of the version, counted from 1."""
        return self.manifest.version

    def sessions(self) -> list[SessionKey]:
        """All sessions in natural order of data set, subject and session."""
        return list(self.catalogue.members())

    def recordings(self, session: SessionKey) -> list[Recording]:
        """Recordings of a session in natural order of their names, samples memory-mapped.

        Raises:
            LibraryError: there is no such session.
        """
        rows = self.catalogue.recordings_of(session)
        if not rows:
            raise _missing("session", str(SessionKey(*session)), map(str, self.sessions()))
        return [self._recording(row) for row in rows]

    def recording(self, id_or_source: str) -> Recording:
        """A recording by its id, or by the path it was ingested from.

        Raises:
            LibraryError: there is none, or the path holds several.
        """
        rows = self.named(id_or_source)
        if not rows:
            raise _missing("recording", id_or_source, self.catalogue.sources())
        if len(rows) > 1:
            ids = [row.recording for row in rows]
            raise LibraryError(f"{id_or_source} holds several recordings", expected="one of them", exists=ids)
        return self._recording(rows[0])

    def named(self, id_or_source: str) -> list[RecordingRow]:
        """Recordings of this id, or of the path they were ingested from, without their samples; maybe none."""
        return self.catalogue.recordings("recording = ? OR source = ?", [id_or_source, id_or_source])

    def segments_of(self, session: SessionKey) -> list[SegmentRow]:
        """Segments of a session, in order of recording and time."""
        return self.catalogue.segments_of(session)

    def segment(self, segment: str) -> SegmentRow:
        """A segment by its id. Raises LibraryError where there is none."""
        return self.catalogue.segment(segment)

    def rows(self, rows: Sequence[int] | NDArray[np.int64]) -> list[SegmentRow]:
        """Segments by row, in the order asked for. Raises LibraryError where there is none."""
        return self.catalogue.rows(rows)

    def select(self, where: str) -> NDArray[np.int64]:
        """Rows of the segments for which a condition holds, ascending.

        Raises:
            UsageError: it is not one plain condition over the columns of a hit.
        """
        return self.catalogue.select(where)

    def person_of(self, dataset: str, subject: str) -> str:
        """The person behind a subject. Raises LibraryError where there is no such subject."""
        return self.catalogue.person_of(dataset, subject)

    def summary(self) -> LibrarySummary:
        """What there is, by data set, and what was left out."""
        return self.catalogue.summary()

    def vectors(self) -> NDArray[np.float32]:
        """``(N, D)`` unit vectors, memory-mapped; row i is the segment of row i.

        Raises:
            LibraryError: the library is not indexed, or the file is damaged.
        """
        return load_vectors(self._vectors_path())

    def index(self) -> VectorIndex:
        """The index over the vectors. Raises LibraryError as ``vectors`` does."""
        return self._index

    def verify(self) -> None:
        """Compare every file and every recording with its checksum.

        Raises:
            LibraryError: names the first that differs.
        """
        for name, entry in self.manifest.files.items():
            found = sha256_of(self.folder / name)
            if found != entry.sha256:
                raise LibraryError(
                    f"{self.folder / name} is damaged", got=found, expected=entry.sha256, hint=REPAIR
                )
        for row in self.catalogue.recordings():
            if self._recording(row).content_hash != row.hash:
                place = self.path / SIGNALS / row.place.file
                raise LibraryError(
                    f"the samples of {row.source} in {place} are damaged", expected=row.hash, hint=REPAIR
                )

    def prune(self, keep: int = 1) -> list[int]:
        """Remove versions older than the newest ``keep``, and samples that only they refer to.

        Returns:
            The versions removed.

        Raises:
            LibraryError: another process is writing, or ``keep`` is below 1.
        """
        if keep < 1:
            raise LibraryError("the published version stays", got=f"keep = {keep}", expected="at least 1")
        with writer_lock(self.path / LOCK):
            current = published_version(self.path) or self.version
            published = sorted(
                int(folder.name) for folder in (self.path / VERSIONS).iterdir() if int(folder.name) <= current
            )
            old, kept = published[:-keep], published[-keep:]
            for version in old:
                shutil.rmtree(version_folder(self.path, version))
            used = {
                name
                for version in kept
                for name in Manifest.read(version_folder(self.path, version) / MANIFEST).signals
            }
            for file in (self.path / SIGNALS).iterdir():
                if file.name not in used and int(file.stem) <= current:
                    file.unlink()
            return old

    @cached_property
    def _index(self) -> FlatIndex:
        return FlatIndex.load(self._vectors_path())

    def _vectors_path(self) -> Path:
        if not self.manifest.indexed:
            raise LibraryError(
                f"the library {self.path} is not indexed yet", hint=f"myosem index --library {self.path}"
            )
        return self.folder / VECTORS

    def _recording(self, row: RecordingRow) -> Recording:
        return row.with_samples(self._signals.read(row.place))

    def _check_files(self) -> None:
        expected = {self.folder / name: entry.bytes for name, entry in self.manifest.files.items()}
        expected |= {self.path / SIGNALS / name: size for name, size in self.manifest.signals.items()}
        for path, size in expected.items():
            found = path.stat().st_size if path.is_file() else None
            if found != size:
                got = "nothing" if found is None else f"{found} bytes"
                raise LibraryError(
                    f"{path} is missing or damaged", got=got, expected=f"{size} bytes", hint=REPAIR
                )


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
        _refuse_foreign_folder(path)
        made_folder = not path.exists()
        for part in (STAGING, SIGNALS, VERSIONS):
            (path / part).mkdir(parents=True, exist_ok=True)
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
        self, model: str | None = None, fingerprint: str | None = None, feature_version: str | None = None
    ) -> Library:
        """Make the prepared version the published one, in one step.

        Args:
            model: name of the model that made ``vectors.npy``; None where there are no vectors.
            fingerprint: of that model.
            feature_version: of the features it read.
        """
        manifest = replace(
            self._manifest(), model=model, fingerprint=fingerprint, feature_version=feature_version
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


def version_folder(path: Path, version: int) -> Path:
    """Folder of one version of the library in ``path``."""
    return path / VERSIONS / f"{version:06d}"


def published_version(path: Path) -> int | None:
    """Number of the published version, None where there is none.

    Raises:
        LibraryError: ``CURRENT`` does not name one.
    """
    try:
        text = (path / CURRENT).read_text(encoding="ascii").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise LibraryError(f"{path / CURRENT} cannot be read", got=error, hint=REPAIR) from error
    if not text.isdecimal():
        raise LibraryError(
            f"{path / CURRENT} names no version", got=repr(text), expected="a number", hint=REPAIR
        )
    return int(text)


def _refuse_foreign_folder(path: Path) -> None:
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


def _missing(what: str, name: str, exists: Iterator[str] | dict[str, object]) -> LibraryError:
    close = difflib.get_close_matches(name, list(exists), n=5, cutoff=0.3)
    return LibraryError(f"there is no {what} {name!r} in the library", exists=close, hint="myosem info")
