"""A library: a self-contained folder of recordings that can be searched while it grows.

    CURRENT                        names the published version
    versions/000001/               manifest.json, catalogue.duckdb, vectors.npy, maybe index.faiss
    signals/000001.bin             samples that version 1 brought; later versions refer to them too
    staging/                       work in progress, left by an interrupted ingest for the next one
    lock                           held by the one process that writes
    queries.yaml                   saved queries (``myosem.query_files``)

A version is prepared in ``staging``, moved to its place and published by replacing ``CURRENT`` in one
step. Readers take no lock: what they have opened never changes.
"""

import difflib
import shutil
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from myosem.catalogue import (
    Catalogue,
    LibrarySummary,
    RecordingRow,
    SegmentRow,
    SessionKey,
    location,
)
from myosem.errors import LibraryError
from myosem.index import Manifest, VectorIndex, backend_named, load_vectors
from myosem.records import Recording
from myosem.store import SignalReader, sha256_of, writer_lock

if TYPE_CHECKING:
    from myosem.segment_table import SegmentTable

CURRENT, LOCK, MANIFEST, CATALOGUE, VECTORS = (
    "CURRENT",
    "lock",
    "manifest.json",
    "catalogue.duckdb",
    "vectors.npy",
)
VERSIONS, SIGNALS, STAGING = "versions", "signals", "staging"
SAVED = {"queries.yaml", "queries.yaml.new", "queries.lock"}
PARTS = {CURRENT, CURRENT + ".new", LOCK, VERSIONS, SIGNALS, STAGING} | SAVED
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
        self._table: SegmentTable | None = None

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
        from myosem.library_writer import LibraryWriter

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
        """Recordings of this id, or of the path they were ingested from, without samples; maybe none."""
        found = self.catalogue.recordings("recording = ? OR source = ?", [id_or_source, id_or_source])
        if found:
            return found
        place = location(id_or_source)
        spelled = [source for source in self.catalogue.sources() if location(source) == place]
        return self.catalogue.recordings("list_contains(?::VARCHAR[], source)", [spelled])

    def recordings_by_id(self, ids: Iterable[str]) -> dict[str, Recording]:
        """The recordings of these ids; an id that does not exist is left out."""
        rows = self.catalogue.recordings("list_contains(?::VARCHAR[], recording)", [sorted(set(ids))])
        return {row.recording: self._recording(row) for row in rows}

    def segments_of(self, session: SessionKey) -> list[SegmentRow]:
        """Segments of a session, in order of recording and time."""
        return self.catalogue.segments_of(session)

    def segment(self, segment: str) -> SegmentRow:
        """A segment by its id. Raises LibraryError where there is none."""
        return self.catalogue.segment(segment)

    def rows(self, rows: Sequence[int] | NDArray[np.int64]) -> list[SegmentRow]:
        """Segments by row, in the order asked for. Raises LibraryError where there is none.

        Threads may share a library.
        """
        wanted = [int(row) for row in rows]
        return self.catalogue.rows(wanted) if self._table is None else self._table.rows(wanted)

    def hold_rows(self) -> None:
        """Read all segments into memory, so that ``rows`` takes microseconds; for many searches."""
        from myosem.segment_table import SegmentTable

        self._table = SegmentTable(self.catalogue)

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
            published = [version for version in _numbers(self.path / VERSIONS) if version <= current]
            old, kept = published[:-keep], published[-keep:]
            for version in old:
                shutil.rmtree(version_folder(self.path, version))
            manifests = [Manifest.read(version_folder(self.path, version) / MANIFEST) for version in kept]
            used = {name for manifest in manifests for name in manifest.signals}
            for number in _numbers(self.path / SIGNALS):
                file = self.path / SIGNALS / f"{number:06d}.bin"
                if number <= current and file.name not in used:
                    file.unlink()
            return old

    @cached_property
    def _index(self) -> VectorIndex:
        return backend_named(self.manifest.backend).load(self.vectors(), self.folder)

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


def _numbers(folder: Path) -> list[int]:
    """Numbers that name the files or folders in a folder, ascending."""
    return sorted(int(entry.stem) for entry in folder.iterdir() if entry.stem.isdecimal())


def _missing(what: str, name: str, exists: Iterable[str]) -> LibraryError:
    names = list(exists)
    close = [known for known in names if name in known] or difflib.get_close_matches(name, names, cutoff=0.3)
    close = close[:5] or names[:5]
    return LibraryError(f"there is no {what} {name!r} in the library", exists=close, hint="myosem info")
