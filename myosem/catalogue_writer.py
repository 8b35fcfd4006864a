"""Makes the tables of the next version from those of the last one and what an ingest brings.

The tables are written anew, in their final order, so that the same recordings give the same catalogue
whatever happened on the way.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from myosem.catalogue import RECORDING_COLUMNS, Catalogue, RecordingRow, SourceRow, natural
from myosem.persons import known_persons
from myosem.records import SegmentKind

TABLES = {
    "recordings": {
        "recording": "VARCHAR",
        "hash": "VARCHAR",
        "dataset": "VARCHAR",
        "subject": "VARCHAR",
        "session": "VARCHAR",
        "name": "VARCHAR",
        "source": "VARCHAR",
        "rate_hz": "DOUBLE",
        "channel_list": "VARCHAR",
        "unit": "VARCHAR",
        "signal": "VARCHAR",
        "band_low_hz": "DOUBLE",
        "band_high_hz": "DOUBLE",
        "anchored": "BOOLEAN",
        "simulated": "BOOLEAN",
        "notes": "VARCHAR",
        "file": "VARCHAR",
        "byte_offset": "BIGINT",
        "dtype": "VARCHAR",
        "samples": "BIGINT",
        "channels": "INTEGER",
        "position": "INTEGER",
    },
    "spans": {
        "recording": "VARCHAR",
        "number": "INTEGER",
        "start_s": "DOUBLE",
        "end_s": "DOUBLE",
        "label": "VARCHAR",
        "action": "VARCHAR",
        "effort": "VARCHAR",
        "repetition": "INTEGER",
    },
    "segments": {
        "row": "BIGINT",
        "segment": "VARCHAR",
        "recording": "VARCHAR",
        "start_s": "DOUBLE",
        "end_s": "DOUBLE",
        "kind": "VARCHAR",
        "label": "VARCHAR",
        "action": "VARCHAR",
        "effort": "VARCHAR",
        "over_rest_db": "DOUBLE",
    },
    "duplicates": {
        "source": "VARCHAR",
        "recording": "VARCHAR",
        "dataset": "VARCHAR",
        "subject": "VARCHAR",
    },
    "people": {"dataset": "VARCHAR", "subject": "VARCHAR", "person": "VARCHAR"},
    "sources": {
        "source": "VARCHAR",
        "size": "BIGINT",
        "mtime": "DOUBLE",
        "settings": "VARCHAR",
        "status": "VARCHAR",
        "reason": "VARCHAR",
    },
}

HITS = """
CREATE VIEW hits AS
SELECT
    s.row, s.segment, s.recording, r.source, r.dataset, r.subject, p.person, r.session, r.name,
    s.start_s, s.end_s, s.end_s - s.start_s AS duration_s, s.kind, s.label, s.action, s.effort,
    s.over_rest_db, r.rate_hz, r.channels, r.simulated
FROM segments s
JOIN recordings r USING (recording)
JOIN people p ON p.dataset = r.dataset AND p.subject = r.subject
"""


@dataclass(frozen=True)
class Duplicate:
    """A recording that was left out because its samples were there already.

    Attributes:
        source: that holds the copy.
        recording: id of the one that is stored.
        dataset: the copy's.
        subject: the copy's.
    """

    source: str
    recording: str
    dataset: str
    subject: str


@dataclass(frozen=True)
class NewSegment:
    """A segment as the catalogue stores it; its vector is the i-th new one if it is the i-th new segment."""

    recording: str
    start_s: float
    end_s: float
    kind: SegmentKind
    label: str | None = None
    action: str | None = None
    effort: str | None = None
    over_rest_db: float | None = None

    @property
    def segment(self) -> str:
        """Its id."""
        return f"{self.recording}@{self.start_s:.3f}"


class CatalogueWriter:
    """Writes one new catalogue file: first ``write_recordings``, then ``write_segments``, then ``close``.

    ``tables`` reads what has been written so far.

    Args:
        path: of the new file.
        base: the catalogue of the last version, None for the first.
    """

    def __init__(self, path: Path, base: Path | None) -> None:
        self._connection = duckdb.connect(str(path))
        self.tables = Catalogue(self._connection)
        if base is None:
            self._connection.execute("ATTACH ':memory:' AS base")
            for name, columns in TABLES.items():
                fields = ", ".join(f"{column} {kind}" for column, kind in columns.items())
                self._connection.execute(f"CREATE TABLE base.{name} ({fields})")
        else:
            quoted = str(base).replace("'", "''")
            self._connection.execute(f"ATTACH '{quoted}' AS base (READ_ONLY)")

    def write_recordings(
        self,
        recordings: Sequence[RecordingRow],
        sources: Sequence[SourceRow],
        duplicates: Sequence[Duplicate],
    ) -> None:
        """All tables but the segments: those of the last version and what is new.

        What a source that was read again held before is dropped, unless another source holds a copy:
        then the recording stays and is that source's.
        """
        execute = self._connection.execute
        self._load("new_recordings", "recordings", [_recording_values(row) for row in recordings])
        self._load("new_spans", "spans", _span_values(recordings))
        self._load("new_sources", "sources", [_values(source) for source in sources])
        self._load("new_duplicates", "duplicates", [_values(duplicate) for duplicate in duplicates])
        execute(
            "CREATE TEMP TABLE reread AS "
            "SELECT source FROM new_sources WHERE status IN ('stored', 'duplicate')"
        )
        execute(
            "CREATE TABLE duplicates AS SELECT * FROM (SELECT * FROM base.duplicates "
            "WHERE source NOT IN (FROM reread) UNION ALL FROM new_duplicates) ORDER BY ALL"
        )
        execute(
            "CREATE TABLE sources AS SELECT * FROM (SELECT * FROM base.sources "
            "WHERE source NOT IN (SELECT source FROM new_sources) UNION ALL FROM new_sources) ORDER BY ALL"
        )
        execute(KEPT_RECORDINGS)
        self._order_recordings()
        execute(
            "CREATE TABLE spans AS SELECT * FROM (FROM new_spans UNION ALL SELECT * FROM base.spans "
            "WHERE recording NOT IN (SELECT recording FROM new_recordings)) "
            "WHERE recording IN (SELECT recording FROM recordings) ORDER BY ALL"
        )
        self._write_people()

    def write_segments(self, kept: Iterable[str], segments: Sequence[NewSegment]) -> NDArray[np.int64]:
        """The segments: those of recordings whose session did not change, and new ones.

        Args:
            kept: ids of the recordings whose segments stay.
            segments: new ones, of other recordings.

        Returns:
            ``(N, 2)``: for each row its row in the last version, or -1, and its position among the
            new segments, or -1.
        """
        values = [(number, segment.segment, *_values(segment)) for number, segment in enumerate(segments)]
        columns = {"new_row": "BIGINT", **{k: v for k, v in TABLES["segments"].items() if k != "row"}}
        self._load_columns("new_segments", columns, values)
        self._load_columns("kept", {"recording": "VARCHAR"}, [(recording,) for recording in kept])
        self._connection.execute(ALL_SEGMENTS)
        self._connection.execute(
            f"CREATE TABLE segments AS SELECT {', '.join(TABLES['segments'])} FROM all_segments ORDER BY row"
        )
        found = self._connection.execute(
            "SELECT old_row, new_row FROM all_segments ORDER BY row"
        ).fetchnumpy()
        return np.stack([np.asarray(found["old_row"]), np.asarray(found["new_row"])], axis=1).astype(np.int64)

    def close(self) -> None:
        """Write the file out."""
        self._connection.execute(HITS)
        self._connection.execute("DETACH base")
        self._connection.execute("CHECKPOINT")
        self._connection.close()

    def _load(self, name: str, table: str, rows: Sequence[Sequence[object]]) -> None:
        self._load_columns(name, TABLES[table], rows)

    def _load_columns(self, name: str, columns: dict[str, str], rows: Sequence[Sequence[object]]) -> None:
        """A temporary table of rows, handed over as one list for each column."""
        fields = ", ".join(f"unnest(?::{kind}[]) AS {column}" for column, kind in columns.items())
        values = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in columns]
        self._connection.execute(f"CREATE TEMP TABLE {name} AS SELECT {fields}", values)

    def _order_recordings(self) -> None:
        """Put the recordings in their natural order and number them."""
        execute = self._connection.execute
        keys = "dataset, subject, session, name, source, recording"
        found = execute(f"SELECT {keys} FROM kept_recordings").fetchall()
        found.sort(key=lambda row: [natural(part) for part in row])
        places = [(row[-1], position) for position, row in enumerate(found)]
        self._load_columns("places", {"recording": "VARCHAR", "place": "INTEGER"}, places)
        execute(
            f"CREATE TABLE recordings AS SELECT {', '.join(RECORDING_COLUMNS)}, place AS position "
            "FROM kept_recordings JOIN places USING (recording) ORDER BY position"
        )

    def _write_people(self) -> None:
        """Subjects that share a recording, or are known to be one person, called as the naturally first."""
        execute = self._connection.execute
        subjects = execute(
            "SELECT dataset, subject FROM recordings UNION SELECT dataset, subject FROM duplicates"
        ).fetchall()
        pairs = execute(
            "SELECT DISTINCT d.dataset, d.subject, r.subject FROM duplicates d "
            "JOIN recordings r USING (recording) WHERE d.dataset = r.dataset AND d.subject <> r.subject"
        ).fetchall()
        people = merge_people(subjects, [*pairs, *known_persons().pairs(subjects)])
        rows = [(*subject, person) for subject, person in people.items()]
        self._load("new_people", "people", rows)
        execute("CREATE TABLE people AS SELECT * FROM new_people ORDER BY ALL")


KEPT_RECORDINGS = """
CREATE TEMP TABLE kept_recordings AS
FROM new_recordings
UNION ALL
SELECT b.* REPLACE (CASE WHEN b.source IN (FROM reread) THEN d.source ELSE b.source END AS source)
FROM base.recordings b
LEFT JOIN (SELECT recording, min(source) AS source FROM duplicates GROUP BY ALL) d USING (recording)
WHERE b.recording NOT IN (SELECT recording FROM new_recordings)
    AND (b.source NOT IN (FROM reread) OR d.source IS NOT NULL)
"""

ALL_SEGMENTS = """
CREATE TEMP TABLE all_segments AS
SELECT row_number() OVER (ORDER BY r.position, s.start_s, s.end_s, s.kind) - 1 AS row, s.*
FROM (
    SELECT b.row AS old_row, -1 AS new_row, b.* EXCLUDE (row) FROM base.segments b
    WHERE b.recording IN (FROM kept)
    UNION ALL BY NAME
    SELECT -1 AS old_row, * FROM new_segments
) s
JOIN recordings r USING (recording)
"""


def merge_people(
    subjects: Iterable[tuple[str, str]], pairs: Iterable[tuple[str, str, str]]
) -> dict[tuple[str, str], str]:
    """Who each subject is (union-find).

    Args:
        subjects: (dataset, subject).
        pairs: (dataset, subject, subject) that are one person.

    Returns:
        The person's name by (dataset, subject).
    """
    parent = {subject: subject for subject in subjects}

    def root(subject: tuple[str, str]) -> tuple[str, str]:
        while parent[subject] != subject:
            subject = parent[subject]
        return subject

    for dataset, one, other in pairs:
        first, last = sorted([root((dataset, one)), root((dataset, other))], key=lambda s: natural(s[1]))
        parent[last] = first
    return {subject: root(subject)[1] for subject in parent}


def _values(row: object) -> tuple[object, ...]:
    """The fields of a dataclass, as they are; ``astuple`` copies, which takes longer than storing them."""
    return tuple(vars(row).values())


def _recording_values(row: RecordingRow) -> list[object]:
    low, high = row.band_hz or (None, None)
    stored: dict[str, object] = {
        "channel_list": json.dumps([_values(channel) for channel in row.channels]),
        "notes": json.dumps(row.notes),
        "band_low_hz": low,
        "band_high_hz": high,
        "file": row.place.file,
        "byte_offset": row.place.offset,
        "dtype": row.place.dtype,
        "samples": row.place.samples,
        "channels": row.place.channels,
        "position": -1,
    }
    return [stored[name] if name in stored else getattr(row, name) for name in TABLES["recordings"]]


def _span_values(recordings: Sequence[RecordingRow]) -> list[tuple[object, ...]]:
    return [
        (row.recording, number, *_values(span)) for row in recordings for number, span in enumerate(row.spans)
    ]
