"""The first half of an ingest: read sources, store what is new of them, note what became of each."""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path

from myosem.catalogue import RecordingRow, SourceRow, location
from myosem.catalogue_writer import Duplicate
from myosem.errors import KnownBadError, MyoSemError, SourceError
from myosem.journal import Journal, Key, Outcome
from myosem.library_writer import LibraryWriter, Progress
from myosem.readers import Reader, Skipped, SourceFile, reader_for
from myosem.readers.mapping import beside, mapping_for
from myosem.records import Recording, check_recording


@dataclass(frozen=True)
class Intake:
    """Reads sources and stores what is new of them.

    Attributes:
        journal: of this ingest.
        stored: id of the recording by content hash.
        reader: the reader to use or its name, None for the one that recognises the source.
        mapping: describes generic files.
    """

    journal: Journal
    stored: dict[str, str]
    reader: str | Reader | None
    mapping: Path | None

    def take(self, file: SourceFile, key: Key) -> Outcome:
        """What becomes of a source; from the journal where an earlier run has got that far.

        Raises:
            UsageError, MappingError: the reader or mapping asked for cannot be used at all.
        """
        outcome = self.journal.take(key)
        if outcome is None:
            outcome = self._read(file, key)
            self.journal.add(outcome)
        self.stored.update({row.hash: row.recording for row in outcome.recordings})
        return outcome

    def _read(self, file: SourceFile, key: Key) -> Outcome:
        """Read one source and store all of it that is new, or nothing."""
        try:
            reader = reader_for(file, self.reader, self.mapping)
        except SourceError as error:
            return Outcome(SourceRow(*key, "failed", str(error)))
        try:
            recordings = list(reader.read(file))
            for recording in recordings:
                check_recording(recording)
        except KnownBadError as error:
            return Outcome(SourceRow(*key, "skipped", str(error)))
        except MyoSemError as error:
            return Outcome(SourceRow(*key, "failed", str(error)))
        if not recordings:
            return Outcome(SourceRow(*key, "failed", f"{file.source}: there is no recording in it"))
        return self._store(recordings, key)

    def _store(self, recordings: Sequence[Recording], key: Key) -> Outcome:
        rows: dict[str, RecordingRow] = {}
        duplicates: list[Duplicate] = []
        for recording in recordings:
            content_hash = recording.content_hash
            twin = rows[content_hash].recording if content_hash in rows else self.stored.get(content_hash)
            if twin is None:
                place = self.journal.signals().append(recording.samples)
                named = replace(recording, source=key[0])
                rows[content_hash] = RecordingRow.of(named, content_hash, place)
            else:
                duplicates.append(Duplicate(key[0], twin, recording.dataset, recording.subject))
        if not duplicates:
            return Outcome(SourceRow(*key, "stored"), tuple(rows.values()))
        share = f"{len(duplicates)} of {len(recordings)} recordings: " if rows else ""
        reason = f"{share}duplicate of {', '.join(sorted({one.recording for one in duplicates}))}"
        source = SourceRow(*key, "stored" if rows else "duplicate", reason)
        return Outcome(source, tuple(rows.values()), tuple(duplicates))


def read_sources(
    writer: LibraryWriter,
    found: Sequence[SourceFile | Skipped],
    reader: str | Reader | None,
    mapping: Path | None,
    progress: Progress,
) -> tuple[list[Outcome], int]:
    """What became of every source that is new or has changed, and how many have not.

    Raises:
        UsageError, MappingError: the reader or mapping asked for cannot be used at all.
    """
    known = {} if writer.base is None else writer.base.catalogue.sources()
    names = _Names(known)
    skipped = dict.fromkeys(_skipped(item, names) for item in found if isinstance(item, Skipped))
    outcomes = [Outcome(row) for row in skipped]
    files: dict[Key, SourceFile] = {}
    for item in found:
        if isinstance(item, SourceFile):
            files.setdefault(_key(item, names, reader, mapping), item)
    todo = [(file, key) for key, file in files.items() if _is_new(known.get(key[0]), key)]
    reread = {key[0] for _, key in todo}
    hashes = [] if writer.base is None else writer.base.catalogue.hashes()
    stored = {digest: recording for digest, recording, source in hashes if source not in reread}
    with Journal(writer.staging / "journal.jsonl", writer.signals, writer.version) as journal:
        intake = Intake(journal, stored, reader, mapping)
        for number, (file, key) in enumerate(todo):
            progress("reading", number, len(todo))
            outcomes.append(intake.take(file, key))
    progress("reading", len(todo), len(todo))
    return outcomes, len(files) - len(todo)


def check_reader(
    found: Sequence[SourceFile | Skipped], reader: str | Reader | None, mapping: Path | None
) -> None:
    """Refuse a reader or mapping that cannot be used, before anything is written.

    Raises:
        UsageError, MappingError: says why.
    """
    if mapping is not None:
        mapping_for(SourceFile(mapping), mapping, example="")
    for file in found:
        if isinstance(file, SourceFile):
            try:
                reader_for(file, reader, mapping)
            except SourceError:
                continue
            return


class _Names:
    """One name for each source however its path is spelled: the library's, else the first that is given."""

    def __init__(self, known: Iterable[str]) -> None:
        self._names = {location(source): source for source in known}

    def of(self, source: str) -> str:
        """Its name."""
        return self._names.setdefault(location(source), source)


def _key(file: SourceFile, names: _Names, reader: str | Reader | None, mapping: Path | None) -> Key:
    """Changes where reading the file again could give something else: also with its mapping."""
    name, asked = names.of(file.source), reader.name if isinstance(reader, Reader) else reader
    try:
        described_by = SourceFile(mapping) if mapping else beside(file)
        version = f"{described_by.size} {described_by.mtime}" if described_by else ""
        return name, file.size, file.mtime, f"{asked or 'any'} {version}".strip()
    except SourceError:
        return name, 0, 0.0, asked or "any"


def _skipped(item: Skipped, names: _Names) -> SourceRow:
    return SourceRow(names.of(item.source), 0, 0.0, "", "failed" if item.failed else "skipped", item.reason)


def _is_new(known: SourceRow | None, key: Key) -> bool:
    return known is None or known.status == "failed" or astuple(known)[:4] != key
