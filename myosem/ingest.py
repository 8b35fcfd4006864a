"""From sources to a published version: read, store, find segments, encode, publish.

An ingest that is interrupted loses nothing it has read: the journal keeps what became of every source and
``staging/sessions`` the segments and vectors of every finished session. Running it again goes on from
there and ends with the same catalogue.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from myosem import features
from myosem.catalogue import LibrarySummary, RecordingRow, SessionKey, SourceRow
from myosem.catalogue_writer import NewSegment
from myosem.errors import LibraryError, SourceError, UsageError
from myosem.index import AUTO, Choice, backend_named, choose, load_vectors
from myosem.intake import check_reader, read_sources
from myosem.journal import Outcome
from myosem.library import VECTORS, Library
from myosem.library_writer import LibraryWriter, Progress, refuse_foreign_folder
from myosem.readers import Reader, Skipped, SourceFile, find_sources
from myosem.records import Layout, Recording
from myosem.segments import find_segments, label_segments
from myosem.store import SignalReader

BLOCK = 65_536
LOUDNESS = features.READ - features.SCALARS + 1
"""Which number of a segment is its log power over rest."""
DB = 10 / math.log(10)


class SessionEncoder(Protocol):
    """What an ingest needs of a model; ``myosem.model.Model`` is one."""

    @property
    def name(self) -> str:
        """For people."""

    @property
    def fingerprint(self) -> str:
        """Differs where vectors differ."""

    @property
    def dimension(self) -> int:
        """D."""

    def encode_session(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """``(N, D)`` unit vectors of the ``(N, F)`` features of one session."""


@dataclass(frozen=True)
class IngestReport:
    """What an ingest did.

    Attributes:
        version: of the library now.
        published: whether this ingest made it; False where there was nothing new.
        stored: recordings that are new.
        unchanged: sources that were there already.
        duplicates: sources whose recordings were there already.
        skipped: sources that were never meant to be read.
        failed: sources that could not be read.
        summary: of the whole library.
    """

    version: int
    published: bool
    stored: int
    unchanged: int
    duplicates: tuple[SourceRow, ...]
    skipped: tuple[SourceRow, ...]
    failed: tuple[SourceRow, ...]
    summary: LibrarySummary


def ingest(
    library_path: str | Path,
    sources: Iterable[str | Path],
    *,
    model: SessionEncoder | None,
    reader: str | Reader | None = None,
    mapping: Path | None = None,
    progress: Progress | None = None,
) -> IngestReport:
    """Put recordings into a library, which is made where missing, and publish the result.

    Args:
        library_path: folder of the library.
        sources: files, folders and archives.
        model: encodes the segments; None stores them without vectors, in a library that has none.
        reader: the reader to use, or its name, whatever the files look like.
        mapping: describes generic files.
        progress: is told how far things are.

    Raises:
        SourceError: a path does not exist, or nothing at all could be read; nothing is published.
        LibraryError: the library is damaged, or another process writes to it.
        UsageError, MappingError: no such reader, the mapping cannot be used, or the library has an index
            and there is no model to go on with.
    """
    refuse_foreign_folder(Path(library_path))
    found = _outside(Path(library_path), find_sources(sources))
    check_reader(found, reader, mapping)
    with LibraryWriter.lock(Path(library_path)) as writer:
        _check_model(writer.base, model)
        outcomes, unchanged = read_sources(writer, found, reader, mapping, progress or _silent)
        if not unchanged and not any(outcome.usable for outcome in outcomes):
            writer.abandon()
            raise _nothing_usable(outcomes)
        library = _publish_if_new(writer, outcomes, model, progress or _silent)
        report = _report(library, library.version == writer.version, outcomes, unchanged)
        library.close()
        return report


def reindex(
    library_path: str | Path,
    model: SessionEncoder,
    *,
    backend: str | None = None,
    progress: Progress | None = None,
) -> IngestReport:
    """Encode every session anew with a model, index the vectors anew, and publish the result.

    Args:
        library_path: folder of the library.
        model: encodes the segments.
        backend: of the index, from now on; ``AUTO`` for the one that fits best. Vectors that are this model's
            stay as they are then. None keeps what was asked for last.
        progress: is told how far things are.

    Raises:
        UsageError: there is no such backend.
        LibraryError: there is no library, nothing in it, or another process writes to it.
    """
    if backend not in {None, AUTO}:
        backend_named(str(backend))
    Library.open(library_path).close()
    with LibraryWriter.lock(Path(library_path)) as writer:
        if writer.base is None or not writer.base.manifest.recordings:
            raise LibraryError(
                f"the library {library_path} holds no recordings",
                hint=f"myosem ingest RECORDINGS --library {library_path}",
            )
        writer.abandon()
        keep = _asked(writer.base)
        stale = backend is None or not _fits(writer.base, model)
        library = _publish(
            writer, [], model, progress or _silent, everything=stale, backend=backend or keep or AUTO
        )
        report = _report(library, True, [], 0)
        library.close()
        return report


def _check_model(base: Library | None, model: SessionEncoder | None) -> None:
    """Refuse to lose an index. Raises UsageError where there is one and no model."""
    if model is None and base is not None and base.manifest.indexed:
        raise UsageError(
            f"the library {base.path} has an index, which new segments without vectors would end",
            got="no model",
            expected=f"a model such as {base.manifest.model}, which made it",
            hint="the same without --no-index, or another library",
        )


def _outside(library: Path, items: Iterable[SourceFile | Skipped]) -> list[SourceFile | Skipped]:
    """Sources that are no part of the library itself.

    Raises:
        SourceError: there is none.
    """
    folder = library.absolute()
    found = [item for item in items if not Path(item.source).absolute().is_relative_to(folder)]
    if not found:
        raise SourceError(f"there is nothing to read outside the library {library}")
    return found


def _silent(what: str, done: int, total: int) -> None:
    """Progress nobody wants to see."""


def _nothing_usable(outcomes: Sequence[Outcome]) -> SourceError:
    """Says why the first source was not stored, preferring one that failed."""
    rows = sorted((outcome.source for outcome in outcomes), key=lambda row: row.status != "failed")
    more = f", {len(rows)} sources in all" if len(rows) > 1 else ""
    reason = (rows[0].reason or "").removeprefix(f"{rows[0].source}: ")
    return SourceError(f"nothing could be read{more}; the first: {rows[0].source}: {reason}")


def _publish_if_new(
    writer: LibraryWriter, outcomes: Sequence[Outcome], model: SessionEncoder | None, progress: Progress
) -> Library:
    base = writer.base
    known = {} if base is None else base.catalogue.sources()
    news = [outcome for outcome in outcomes if known.get(outcome.source.source) != outcome.source]
    stale = base is not None and model is not None and not _fits(base, model)
    if base is None or news or stale:
        return _publish(writer, news, model, progress, everything=stale)
    writer.abandon()
    return Library.open(writer.path)


def _fits(base: Library, model: SessionEncoder) -> bool:
    """Whether the vectors of a version are what the model would make today."""
    manifest = base.manifest
    return manifest.fingerprint == model.fingerprint and manifest.feature_version == features.VERSION


def _publish(
    writer: LibraryWriter,
    news: Sequence[Outcome],
    model: SessionEncoder | None,
    progress: Progress,
    *,
    everything: bool,
    backend: str | None = None,
) -> Library:
    """Write and publish the next version.

    Args:
        writer: of the library.
        news: what became of sources.
        model: encodes the segments.
        progress: is told how far things are.
        everything: whether sessions that did not change are encoded anew too.
        backend: makes an index anew; None goes on with the last version's.
    """
    recordings = [row for outcome in news for row in outcome.recordings]
    duplicates = [duplicate for outcome in news for duplicate in outcome.duplicates]
    catalogue = writer.catalogue()
    catalogue.write_recordings(recordings, [outcome.source for outcome in news], duplicates)
    members = catalogue.tables.members()
    unchanged = set() if everything else _unchanged_sessions(writer, members, recordings)
    kept = [recording for key in unchanged for recording in members[key]]
    stale = [recording for key in members if key not in unchanged for recording in members[key]]
    encoded = _encode_sessions(writer, catalogue.tables.recordings_named(stale), model, progress)
    origins = catalogue.write_segments(kept, [segment for one in encoded for segment in one.segments])
    catalogue.close()
    if model is None:
        return writer.publish()
    _write_vectors(writer, origins, [one.vectors for one in encoded], model.dimension)
    choice = _write_index(writer, origins[:, 0], None if everything else writer.base, backend)
    return writer.publish(model.name, model.fingerprint, features.VERSION, choice)


def _unchanged_sessions(
    writer: LibraryWriter, members: dict[SessionKey, tuple[str, ...]], news: Sequence[RecordingRow]
) -> set[SessionKey]:
    if writer.base is None:
        return set()
    before = writer.base.catalogue.members()
    new = {row.recording for row in news}
    return {key for key, ids in members.items() if before.get(key) == ids and new.isdisjoint(ids)}


@dataclass(frozen=True)
class _Encoded:
    """Segments of a session and their vectors, ``(N, D)``, or ``(N, 0)`` without a model."""

    segments: list[NewSegment]
    vectors: NDArray[np.float32]


def _encode_sessions(
    writer: LibraryWriter, rows: Sequence[RecordingRow], model: SessionEncoder | None, progress: Progress
) -> list[_Encoded]:
    sessions: dict[SessionKey, dict[Layout, list[RecordingRow]]] = {}
    for row in rows:
        sessions.setdefault(row.key, {}).setdefault(Layout.of(row), []).append(row)
    samples = SignalReader(writer.signals.parent)
    folder = writer.staging / "sessions"
    folder.mkdir(exist_ok=True)
    encoded = []
    for number, groups in enumerate(sessions.values()):
        progress("encoding", number, len(sessions))
        encoded += [_encode_staged(group, samples, model, folder) for group in groups.values()]
    progress("encoding", len(sessions), len(sessions))
    return encoded


def _encode_staged(
    rows: Sequence[RecordingRow], samples: SignalReader, model: SessionEncoder | None, folder: Path
) -> _Encoded:
    """As ``_encode``, but taken over from an interrupted ingest where it got that far."""
    maker = "none" if model is None else f"{model.fingerprint} {features.VERSION} with levels"
    digest = hashlib.sha256("\n".join([maker, *map(repr, rows)]).encode()).hexdigest()
    path = folder / f"{digest[:32]}.npz"
    if path.is_file():
        with np.load(path, allow_pickle=False) as saved:
            segments = [NewSegment(*values) for values in json.loads(str(saved["segments"]))]
            return _Encoded(segments, saved["vectors"])
    encoded = _encode(rows, [row.with_samples(samples.read(row.place)) for row in rows], model)
    temporary = path.with_suffix(".new.npz")
    listed = json.dumps([list(vars(segment).values()) for segment in encoded.segments])
    np.savez(temporary, segments=np.array(listed), vectors=encoded.vectors)
    temporary.replace(path)
    return encoded


def _encode(
    rows: Sequence[RecordingRow], recordings: Sequence[Recording], model: SessionEncoder | None
) -> _Encoded:
    """Find, label and encode the segments of one session."""
    levels: list[float | None]
    if model is None:
        found = find_segments(recordings)
        vectors = np.zeros((len(found), 0), dtype=np.float32)
        levels = [None] * len(found)
    else:
        found, numbers = features.segment_session(recordings)
        vectors = np.asarray(model.encode_session(numbers), dtype=np.float32)
        levels = [DB * float(level) for level in numbers[:, LOUDNESS]]
    labels: list[tuple[str | None, str | None, str | None]] = [
        (None, None, None) if span is None else (span.label, span.action, span.effort)
        for span in label_segments(recordings, found)
    ]
    segments = [
        NewSegment(rows[one.recording].recording, one.start_s, one.end_s, one.kind, *said, level)
        for one, said, level in zip(found, labels, levels, strict=True)
    ]
    return _Encoded(segments, vectors)


def _write_vectors(
    writer: LibraryWriter, origins: NDArray[np.int64], new: Sequence[NDArray[np.float32]], dimension: int
) -> None:
    """``vectors.npy`` in the order of the catalogue, from the last version's vectors and new ones."""
    path = writer.prepared / VECTORS
    create: Callable[..., np.memmap[Any, np.dtype[np.float32]]] = np.lib.format.open_memmap
    vectors = create(path, "w+", np.float32, (len(origins), dimension))
    old_rows = np.flatnonzero(origins[:, 0] >= 0)
    for first in range(0, len(old_rows), BLOCK):
        rows = old_rows[first : first + BLOCK]
        if writer.base is not None:
            vectors[rows] = writer.base.vectors()[origins[rows, 0]]
    new_rows = np.flatnonzero(origins[:, 1] >= 0)
    targets = new_rows[np.argsort(origins[new_rows, 1])]
    first = 0
    for block in new:
        vectors[targets[first : first + len(block)]] = block
        first += len(block)
    vectors.flush()


def _write_index(
    writer: LibraryWriter, origins: NDArray[np.int64], base: Library | None, backend: str | None
) -> Choice:
    """The index over the vectors.

    Args:
        writer: of the library.
        origins: ``(N,)``: row of each vector in the last version, or -1.
        base: the last version, where its index may be gone on with.
        backend: makes an index anew; None for the last version's.
    """
    vectors = load_vectors(writer.prepared / VECTORS)
    count, dimension = vectors.shape
    choice = choose(count, dimension, backend or _asked(writer.base))
    maker = backend_named(choice.backend)
    if backend is None and base is not None and base.manifest.backend == choice.backend:
        index = base.index().updated(vectors, origins)
    else:
        index = maker.build(vectors)
    index.save(writer.prepared)
    return choice


def _asked(base: Library | None) -> str | None:
    """The backend that somebody asked for."""
    return None if base is None or not base.manifest.backend_asked else base.manifest.backend


def _report(library: Library, published: bool, outcomes: Sequence[Outcome], unchanged: int) -> IngestReport:
    def of(status: str) -> tuple[SourceRow, ...]:
        return tuple(outcome.source for outcome in outcomes if outcome.source.status == status)

    return IngestReport(
        version=library.version,
        published=published,
        stored=sum(len(outcome.recordings) for outcome in outcomes),
        unchanged=unchanged,
        duplicates=of("duplicate"),
        skipped=of("skipped"),
        failed=of("failed"),
        summary=library.summary(),
    )
