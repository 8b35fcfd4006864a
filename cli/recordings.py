"""The recordings of a library as a program asks for them: some at a time, in order."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from myosem.catalogue import RecordingRow
    from myosem.library import Library


@dataclass(frozen=True)
class RecordingOut:
    """A recording of the library."""

    recording: str
    dataset: str
    subject: str
    session: str
    name: str
    source: str
    rate_hz: float
    channels: int
    unit: str
    duration_s: float
    simulated: bool


@dataclass(frozen=True)
class Recordings:
    """Some of the recordings, in order of data set, subject, session and name; ``total`` is of all."""

    version: int
    total: int
    recordings: list[RecordingOut]


def page_of_recordings(library: "Library", offset: int, limit: int) -> Recordings:
    """Recordings from position ``offset``, at most ``limit``."""
    rows = library.catalogue.recordings("position >= ? AND position < ?", [offset, offset + limit])
    return Recordings(library.version, library.manifest.recordings, [_described(row) for row in rows])


def _described(row: "RecordingRow") -> RecordingOut:
    return RecordingOut(
        recording=row.recording,
        dataset=row.dataset,
        subject=row.subject,
        session=row.session,
        name=row.name,
        source=row.source,
        rate_hz=row.rate_hz,
        channels=len(row.channels),
        unit=row.unit,
        duration_s=round(row.place.samples / row.rate_hz, 3),
        simulated=row.simulated,
    )
