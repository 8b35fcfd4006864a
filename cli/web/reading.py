"""What a library holds, as answers: its recordings, and the samples of a segment."""

from typing import TYPE_CHECKING

import numpy as np

from myosem.cli.web import schemas
from myosem.cli.web.problems import NotFoundError
from myosem.errors import LibraryError, UsageError

if TYPE_CHECKING:
    from myosem.catalogue import RecordingRow, SegmentRow
    from myosem.library import Library
    from myosem.search import Engine


def page_of_recordings(library: "Library", offset: int, limit: int) -> schemas.Recordings:
    """Recordings from position ``offset``, at most ``limit``."""
    rows = library.catalogue.recordings("position >= ? AND position < ?", [offset, offset + limit])
    return schemas.Recordings(
        version=library.version,
        total=library.manifest.recordings,
        recordings=[_recording(row) for row in rows],
    )


def signal_of(engine: "Engine", segment: str, context_s: float) -> schemas.SignalOut:
    """The samples of a segment with ``context_s`` seconds on either side.

    Raises:
        NotFoundError: there is no such segment.
        UsageError: more samples than one answer holds.
    """
    library = engine.library
    row = _segment(library, segment)
    recording = library.recordings_by_id([row.recording])[row.recording]
    first = max(round((row.start_s - context_s) * recording.rate_hz), 0)
    last = round((row.end_s + context_s) * recording.rate_hz)
    samples = np.asarray(recording.samples[first:last], dtype=np.float32)  # (T, C)
    if samples.size > schemas.MOST_SAMPLES:
        raise UsageError(
            "that is more than one answer holds",
            got=f"{samples.size:,} samples",
            expected=f"at most {schemas.MOST_SAMPLES:,}",
            hint="a smaller context_s",
        )
    return schemas.SignalOut(
        version=library.version,
        segment=row.segment,
        recording=row.recording,
        label=row.label,
        start_s=row.start_s,
        end_s=row.end_s,
        from_s=first / recording.rate_hz,
        rate_hz=recording.rate_hz,
        unit=recording.unit,
        channels=[schemas.ChannelOut(name=one.name, angle_deg=one.angle_deg) for one in recording.channels],
        samples=samples.T.tolist(),
    )


def _segment(library: "Library", segment: str) -> "SegmentRow":
    try:
        return library.segment(segment)
    except LibraryError as error:
        raise NotFoundError("there is no segment of this id", got=segment, hint="POST /search") from error


def _recording(row: "RecordingRow") -> schemas.RecordingOut:
    return schemas.RecordingOut(
        recording=row.recording,
        dataset=row.dataset,
        subject=row.subject,
        session=row.session,
        name=row.name,
        source=row.source,
        rate_hz=row.rate_hz,
        channels=len(row.channels),
        unit=row.unit,
        duration_s=row.place.samples / row.rate_hz,
        simulated=row.simulated,
    )
