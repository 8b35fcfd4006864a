"""What a person means by SOURCE: a segment, a recording or a source of the library, or a path to read.

Whatever it is, its whole session comes with it, because a segment is embedded in the context of the others.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from myosem.errors import LibraryError, SourceError, UsageError
from myosem.records import Layout, Recording, check_recording

if TYPE_CHECKING:
    from myosem.catalogue import RecordingRow, SegmentRow, SessionKey
    from myosem.library import Library


@dataclass(frozen=True, eq=False)
class Given:
    """Recordings that have been read already, as a source.

    Attributes:
        name: what answers and errors call it.
        recordings: of any sessions.
    """

    name: str
    recordings: Sequence[Recording]

    def __str__(self) -> str:
        return self.name


Source = str | Given


@dataclass(frozen=True)
class SourceSession:
    """The recordings of one session, and which of them a source names.

    Attributes:
        recordings: all of the session.
        names: id in the library, or the recording's own name.
        chosen: positions of those the source names.
        stored: segments of the chosen recordings where they are in the library.
        segment: the segment where the source is one.
    """

    recordings: Sequence[Recording]
    names: Sequence[str]
    chosen: Sequence[int]
    stored: "Sequence[SegmentRow]" = ()
    segment: "SegmentRow | None" = None

    @property
    def person(self) -> tuple[str, str] | None:
        """Data set and person, where segments are in the library."""
        return (self.stored[0].dataset, self.stored[0].person) if self.stored else None


def sessions_of(
    source: Source, library: "Library | None", recording: str | None = None, mapping: Path | None = None
) -> list[SourceSession]:
    """The sessions a source belongs to.

    Args:
        source: see the module; what the library knows is not read again.
        library: where to look first.
        recording: keep only the recording of this name or id.
        mapping: how to read a .csv or .npz.

    Raises:
        UsageError: there is no recording of this name.
        SourceError: neither the library nor the disk has the source, or it cannot be read.
    """
    if isinstance(source, Given):
        found = _grouped(source.recordings)
    else:
        found = _in_library(source, library) if library is not None else []
        found = found or _grouped(_on_disk(source, library, mapping))
    return found if recording is None else _only(found, recording, str(source))


def one_recording(sessions: Sequence[SourceSession], source: Source) -> tuple[SourceSession, int]:
    """The only recording that is chosen: its session, and its position there.

    Raises:
        UsageError: there are several.
    """
    chosen = [(session, position) for session in sessions for position in session.chosen]
    if len(chosen) != 1:
        names = [session.names[position] for session, position in chosen]
        raise UsageError(
            f"{source} holds {len(chosen)} recordings",
            expected="one of them",
            exists=[*names[:8], "..."] if len(names) > 8 else names,
            hint=f"--recording {names[0]}",
        )
    return chosen[0]


def stored_segments(source: str, library: "Library") -> "list[SegmentRow]":
    """The segment of this id, or those of the recordings that a source names; none where it is nothing.

    Nothing but the library is looked at.
    """
    segment = _segment(source, library)
    if segment is not None:
        return [segment]
    rows = library.named(source)
    ids = {row.recording for row in rows}
    keys = dict.fromkeys(row.key for row in rows)
    return [one for key in keys for one in library.segments_of(key) if one.recording in ids]


def _in_library(source: str, library: "Library") -> list[SourceSession]:
    """Sessions of a segment id, a recording id or a source of the library; nothing where it is none."""
    segment = _segment(source, library)
    groups: dict[tuple[SessionKey, Layout], list[RecordingRow]] = {}
    for row in library.named(segment.recording if segment else source):
        groups.setdefault((row.key, Layout.of(row)), []).append(row)
    return [_stored_session(library, rows, segment) for rows in groups.values()]


def _segment(source: str, library: "Library") -> "SegmentRow | None":
    try:
        return library.segment(source)
    except LibraryError:
        return None


def _stored_session(
    library: "Library", wanted: "Sequence[RecordingRow]", segment: "SegmentRow | None"
) -> SourceSession:
    members = library.recordings(wanted[0].key)
    rows = library.catalogue.recordings_of(wanted[0].key)
    together = [n for n, row in enumerate(rows) if Layout.of(row) == Layout.of(wanted[0])]
    ids = {row.recording for row in wanted}
    return SourceSession(
        recordings=[members[n] for n in together],
        names=[rows[n].recording for n in together],
        chosen=[position for position, n in enumerate(together) if rows[n].recording in ids],
        stored=[one for one in library.segments_of(wanted[0].key) if one.recording in ids],
        segment=segment,
    )


def _on_disk(source: str, library: "Library | None", mapping: Path | None) -> list[Recording]:
    from myosem.readers import read_recordings

    if not Path(source).exists() and ".zip!" not in source:
        raise SourceError(
            f"there is no {source!r}",
            expected="a path, or a segment, recording or source of the library"
            + ("" if library is None else f" {library.path}"),
            hint=None if library is not None else "--library DIR, if you mean a part of a library",
        )
    return read_recordings(source, mapping=mapping)


def _grouped(found: Sequence[Recording]) -> list[SourceSession]:
    """Recordings by session; names are made different.

    Raises:
        SourceError: one that no encoder can use.
    """
    times = Counter(one.name for one in found)
    groups: dict[tuple[str, str, str, Layout], list[Recording]] = {}
    for one in found:
        check_recording(one)
        groups.setdefault((one.dataset, one.subject, one.session, Layout.of(one)), []).append(one)
    return [
        SourceSession(
            members,
            [
                one.name if times[one.name] == 1 else f"{one.subject}/{one.session}/{one.name}"
                for one in members
            ],
            range(len(members)),
        )
        for members in groups.values()
    ]


def _only(sessions: Sequence[SourceSession], name: str, source: str) -> list[SourceSession]:
    """The session of the recording of this name, which alone is chosen."""
    chosen = [(session, position) for session in sessions for position in session.chosen]
    found = [
        (session, position)
        for session, position in chosen
        if name in (session.names[position], session.recordings[position].name)
    ]
    if len(found) != 1:
        raise UsageError(
            f"{source} has {'several recordings' if found else 'no recording'} {name!r}",
            exists=[session.names[position] for session, position in found or chosen],
        )
    session, position = found[0]
    stored = [one for one in session.stored if one.recording == session.names[position]]
    return [replace(session, chosen=[position], stored=stored)]
