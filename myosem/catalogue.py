"""What a library holds, as tables. This, its writer and ``segment_table`` hold the only SQL of the project.

Tables: ``recordings``, ``spans`` (labelled stretches), ``segments`` (row i is vector i), ``duplicates`` (what
was left out because its samples were there already), ``people`` (which subjects are one person) and
``sources`` (what became of every file). The view ``hits`` joins what a condition may name.
"""

import json
import os.path
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import duckdb
import numpy as np
from numpy.typing import NDArray

from myosem.condition import COLUMNS, check_condition, explain, statement
from myosem.errors import LibraryError
from myosem.records import Channel, Recording, SegmentKind, Signal, Span
from myosem.store import Place

READ_ONLY = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "lock_configuration": "true",
}
Status = Literal["stored", "duplicate", "skipped", "failed"]
STATUSES: tuple[Status, ...] = get_args(Status)


class SessionKey(NamedTuple):
    """What was recorded without taking the electrodes off."""

    dataset: str
    subject: str
    session: str

    def __str__(self) -> str:
        return "/".join(self)


@dataclass(frozen=True)
class RecordingRow:
    """A stored recording: all but its samples, and where those are.

    Attributes:
        recording: its id, the first 16 digits of ``hash``.
        hash: ``Recording.content_hash``.
        place: of the samples.
    """

    recording: str
    hash: str
    dataset: str
    subject: str
    session: str
    name: str
    source: str
    rate_hz: float
    channels: tuple[Channel, ...]
    unit: str
    signal: Signal
    band_hz: tuple[float, float] | None
    anchored: bool
    simulated: bool
    notes: tuple[str, ...]
    spans: tuple[Span, ...]
    place: Place

    @property
    def key(self) -> SessionKey:
        """The session it belongs to."""
        return SessionKey(self.dataset, self.subject, self.session)

    @classmethod
    def of(cls, recording: Recording, content_hash: str, place: Place) -> "RecordingRow":
        """The row of a recording whose samples lie at ``place``."""
        shared = {name: getattr(recording, name) for name in cls._shared()}
        return cls(recording=content_hash[:16], hash=content_hash, place=place, **shared)

    def with_samples(self, samples: NDArray[np.generic]) -> Recording:
        """The recording itself."""
        return Recording(samples=samples, **{name: getattr(self, name) for name in self._shared()})

    def to_json(self) -> dict[str, Any]:
        """Plain values that ``from_json`` takes back."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "RecordingRow":
        """The row that ``to_json`` wrote."""
        band = values["band_hz"]
        parts = {
            "channels": tuple(Channel(**channel) for channel in values["channels"]),
            "spans": tuple(Span(**span) for span in values["spans"]),
            "notes": tuple(values["notes"]),
            "band_hz": None if band is None else (band[0], band[1]),
            "place": Place(**values["place"]),
        }
        return cls(**{**values, **parts})

    @classmethod
    def _shared(cls) -> list[str]:
        own = {"recording", "hash", "place"}
        return [name for name in cls.__dataclass_fields__ if name not in own]


@dataclass(frozen=True)
class SegmentRow:
    """A segment with all a hit shows; times in seconds.

    Attributes:
        row: of its vector.
        label: as the data set writes it, None where nothing is labelled.
        action: id of the same action in ``myosem.prompts``.
        effort: as the data set writes it.
        over_rest_db: power over the session's rest in dB, mean over time and living channels; None where the
            segment was never embedded, or by a version that did not keep it.
    """

    row: int
    segment: str
    recording: str
    source: str
    dataset: str
    subject: str
    person: str
    session: str
    name: str
    start_s: float
    end_s: float
    duration_s: float
    kind: SegmentKind
    label: str | None
    action: str | None
    effort: str | None
    over_rest_db: float | None
    rate_hz: float
    channels: int
    simulated: bool

    @property
    def key(self) -> SessionKey:
        """The session it belongs to."""
        return SessionKey(self.dataset, self.subject, self.session)


@dataclass(frozen=True)
class SourceRow:
    """What became of a file.

    Attributes:
        size: in bytes.
        mtime: when it was last changed, seconds since 1970.
        settings: reader and mapping it was read with.
        reason: why it was not stored as it is, None where it was.
    """

    source: str
    size: int
    mtime: float
    settings: str
    status: Status
    reason: str | None = None


@dataclass(frozen=True)
class DatasetSummary:
    """What a library holds of one data set."""

    dataset: str
    recordings: int
    people: int
    subjects: int
    sessions: int
    segments: int
    hours: float
    channels: tuple[int, ...]
    rates_hz: tuple[float, ...]
    labels: tuple[str, ...]
    simulated: bool


@dataclass(frozen=True)
class LibrarySummary:
    """What a library holds, and which sources it does not hold and why."""

    datasets: tuple[DatasetSummary, ...]
    left_out: tuple[SourceRow, ...]


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """A sorting key that puts ``s2`` before ``s10``."""
    parts = re.findall(r"[0-9]+|[^0-9]+", text)
    return tuple((0, int(part), part) if part.isdecimal() else (1, 0, part) for part in parts)


def location(source: str) -> str:
    """Where a source lies, the same however its path is spelled; a relative path starts in this folder."""
    path, mark, member = source.partition("!")
    return os.path.abspath(path) + mark + member  # noqa: PTH100  (resolve would ask the disk each time)


class Catalogue:
    """The tables of one version.

    Args:
        connection: to the tables; ``open`` makes one that can only read.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    @classmethod
    def open(cls, path: Path) -> "Catalogue":
        """The tables in a file, read-only; the connection reaches no other file and no network.

        Raises:
            LibraryError: the file is missing, damaged, or of a DuckDB that this one cannot read.
        """
        if not path.is_file():
            raise LibraryError(f"the catalogue {path} is missing")
        try:
            return cls(duckdb.connect(str(path), read_only=True, config=dict(READ_ONLY)))
        except duckdb.Error as error:
            message = str(error).splitlines()[0]
            raise LibraryError(f"the catalogue {path} cannot be opened", got=message) from error

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def query(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Rows of a statement; each call has its own cursor, so threads may share a catalogue.

        Raises:
            LibraryError: the file is damaged.
        """
        try:
            with self._connection.cursor() as cursor:
                return cursor.execute(sql, list(values)).fetchall()
        except duckdb.Error as error:
            raise _unreadable(error) from error

    def columns(self, sql: str) -> dict[str, NDArray[Any]]:
        """The answer to a statement by column; one with nulls is masked. Raises LibraryError as ``query``."""
        try:
            with self._connection.cursor() as cursor:
                return dict(cursor.execute(sql).fetchnumpy())
        except duckdb.Error as error:
            raise _unreadable(error) from error

    def names(self, table: str) -> list[str]:
        """Names of the columns of a table or view; those of an older library lack some."""
        return [row[0] for row in self.query(f"DESCRIBE {table}")]  # duckdb_columns() takes ten times as long

    def counts(self) -> tuple[int, int]:
        """How many recordings and segments there are."""
        recordings, segments = self.query(
            "SELECT (SELECT count(*) FROM recordings), (SELECT count(*) FROM segments)"
        )[0]
        return recordings, segments

    def hashes(self) -> list[tuple[str, str, str]]:
        """Content hash, id and source of every recording."""
        return [
            (row[0], row[1], row[2]) for row in self.query("SELECT hash, recording, source FROM recordings")
        ]

    def signal_files(self) -> list[str]:
        """Names of the files that hold the samples."""
        return [row[0] for row in self.query("SELECT DISTINCT file FROM recordings ORDER BY file")]

    def members(self) -> dict[SessionKey, tuple[str, ...]]:
        """Ids of the recordings of each session, both in order."""
        found = self.query(
            "SELECT dataset, subject, session, list(recording ORDER BY position) FROM recordings "
            "GROUP BY ALL ORDER BY min(position)"
        )
        return {SessionKey(*key): tuple(recordings) for *key, recordings in found}

    def recordings(self, where: str = "true", values: Sequence[object] = ()) -> list[RecordingRow]:
        """Recordings in order; ``where`` is SQL of the library's own, never a user's."""
        spans: dict[str, list[Span]] = {}
        columns = "recording, start_s, end_s, label, action, effort, repetition"
        chosen = f"recording IN (SELECT recording FROM recordings WHERE {where})"
        for recording, *span in self.query(
            f"SELECT {columns} FROM spans WHERE {chosen} ORDER BY recording, number", values
        ):
            spans.setdefault(recording, []).append(Span(*span))
        found = self.query(
            f"SELECT {', '.join(RECORDING_COLUMNS)} FROM recordings WHERE {where} ORDER BY position", values
        )
        return [_recording_row(row, spans.get(row[0], [])) for row in found]

    def recordings_of(self, session: SessionKey) -> list[RecordingRow]:
        """Recordings of one session, in order."""
        return self.recordings("dataset = ? AND subject = ? AND session = ?", session)

    def recordings_named(self, ids: Sequence[str]) -> list[RecordingRow]:
        """Recordings by their ids, in order."""
        return self.recordings("recording IN (SELECT unnest(?))", [list(ids)])

    def sources(self) -> dict[str, SourceRow]:
        """What became of every source, by path."""
        columns = "source, size, mtime, settings, status, reason"
        return {row[0]: SourceRow(*row) for row in self.query(f"SELECT {columns} FROM sources")}

    def segments_of(self, session: SessionKey) -> list[SegmentRow]:
        """Segments of one session, in order."""
        condition = "dataset = ? AND subject = ? AND session = ?"
        found = self.query(f"{self._select_hits} WHERE {condition} ORDER BY row", session)
        return [SegmentRow(*row) for row in found]

    def rows(self, rows: Sequence[int] | NDArray[np.int64]) -> list[SegmentRow]:
        """Segments by row, in the order asked for."""
        wanted = [int(row) for row in rows]
        found = self.query(f"{self._select_hits} WHERE row IN (SELECT unnest(?::BIGINT[]))", [wanted])
        by_row = {row[0]: SegmentRow(*row) for row in found}
        missing = [row for row in wanted if row not in by_row]
        if missing:
            raise LibraryError("there is no such row of segments", got=missing[0], exists=[self._range()])
        return [by_row[row] for row in wanted]

    def segment(self, segment: str) -> SegmentRow:
        """A segment by its id.

        Raises:
            LibraryError: there is none.
        """
        found = self.query(f"{self._select_hits} WHERE segment = ?", [segment])
        if not found:
            raise LibraryError(f"there is no segment {segment!r}", expected="an id that a search has printed")
        return SegmentRow(*found[0])

    def select(self, condition: str) -> NDArray[np.int64]:
        """Rows of the segments for which a user's condition holds, ascending.

        Raises:
            UsageError: it is not one plain condition over the columns.
        """
        with self._connection.cursor() as cursor:
            check_condition(cursor, condition)
            try:
                found = cursor.execute(statement(condition, self._hits)).fetchnumpy()["row"]
            except duckdb.Error as error:
                raise explain(condition, error) from error
        return np.asarray(found, dtype=np.int64)

    def person_of(self, dataset: str, subject: str) -> str:
        """The person behind a subject: its own name, or that of a subject with identical recordings."""
        found = self.query("SELECT person FROM people WHERE dataset = ? AND subject = ?", [dataset, subject])
        if not found:
            exists = [row[0] for row in self.query("SELECT subject FROM people WHERE dataset = ?", [dataset])]
            raise LibraryError(f"there is no subject {subject!r} of {dataset!r}", exists=exists)
        return str(found[0][0])

    def summary(self) -> LibrarySummary:
        """What there is, by data set, and what was left out."""
        left_out = [row for row in self.sources().values() if row.status != "stored"]
        left_out.sort(key=lambda row: (STATUSES.index(row.status), natural(row.source)))
        return LibrarySummary(
            datasets=tuple(_dataset_summary(row) for row in self.query(SUMMARY)), left_out=tuple(left_out)
        )

    @cached_property
    def _hits(self) -> str:
        """The view of hits; what that of an older library lacks is null."""
        known = self.names("hits")
        missing = [f"NULL::DOUBLE AS {name}" for name in COLUMNS if name not in known]
        return f"(SELECT *, {', '.join(missing)} FROM hits) AS hits" if missing else "hits"

    @cached_property
    def _select_hits(self) -> str:
        return f"SELECT row, {', '.join(COLUMNS)} FROM {self._hits}"

    def _range(self) -> str:
        count = self.query("SELECT count(*) FROM segments")[0][0]
        return f"rows 0 to {count - 1}" if count else "no segment"


RECORDING_COLUMNS = (
    "recording",
    "hash",
    "dataset",
    "subject",
    "session",
    "name",
    "source",
    "rate_hz",
    "channel_list",
    "unit",
    "signal",
    "band_low_hz",
    "band_high_hz",
    "anchored",
    "simulated",
    "notes",
    "file",
    "byte_offset",
    "dtype",
    "samples",
    "channels",
)

SUMMARY = """
SELECT
    dataset,
    count(*),
    count(DISTINCT person),
    (SELECT count(*) FROM people p WHERE p.dataset = r.dataset),
    count(DISTINCT (subject, session)),
    coalesce(sum(segments), 0),
    sum(samples / rate_hz) / 3600,
    list_sort(list(DISTINCT channels)),
    list_sort(list(DISTINCT rate_hz)),
    (SELECT list(DISTINCT label) FROM spans JOIN recordings q USING (recording) WHERE q.dataset = r.dataset),
    bool_and(simulated)
FROM recordings r
JOIN people USING (dataset, subject)
LEFT JOIN (SELECT recording, count(*) AS segments FROM segments GROUP BY ALL) USING (recording)
GROUP BY dataset
ORDER BY dataset
"""


def _unreadable(error: duckdb.Error) -> LibraryError:
    message = str(error).splitlines()[0]
    return LibraryError("the library's catalogue cannot be read", got=message, hint="myosem verify")


@lru_cache(maxsize=256)
def _channels(listed: str) -> tuple[Channel, ...]:
    """What JSON lists; recordings of one device share it."""
    return tuple(Channel(*channel) for channel in json.loads(listed))


def _recording_row(row: tuple[Any, ...], spans: Sequence[Span]) -> RecordingRow:
    values = dict(zip(RECORDING_COLUMNS, row, strict=True))
    place = Place(
        file=values.pop("file"),
        offset=values.pop("byte_offset"),
        dtype=values.pop("dtype"),
        samples=values.pop("samples"),
        channels=values.pop("channels"),
    )
    low, high = values.pop("band_low_hz"), values.pop("band_high_hz")
    channels = _channels(values.pop("channel_list"))
    notes = tuple(json.loads(values.pop("notes")))
    band = None if low is None else (low, high)
    return RecordingRow(
        **values, place=place, band_hz=band, channels=channels, notes=notes, spans=tuple(spans)
    )


def _dataset_summary(row: tuple[Any, ...]) -> DatasetSummary:
    values = dict(zip(DatasetSummary.__dataclass_fields__, row, strict=True))
    labels = tuple(sorted(values["labels"] or [], key=natural))
    lists = {"channels": tuple(values["channels"]), "rates_hz": tuple(values["rates_hz"]), "labels": labels}
    return DatasetSummary(**{**values, **lists})
