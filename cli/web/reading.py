"""The samples of a segment, as an answer."""

from typing import TYPE_CHECKING

import numpy as np

from myosem.cli.web import schemas
from myosem.cli.web.problems import NotFoundError
from myosem.errors import LibraryError, UsageError

if TYPE_CHECKING:
    from myosem.catalogue import SegmentRow
    from myosem.library import Library
    from myosem.search import Engine


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
