"""A stretch of a recording as segments: what is embedded where somebody names a start and an end."""

from collections.abc import Sequence

from myosem.errors import UsageError
from myosem.records import Recording, Segment, SegmentKind


def check_stretch(
    recording: Recording, source: str, start_s: float | None, end_s: float | None
) -> tuple[float, float]:
    """The stretch within the recording, the whole of it by default.

    Args:
        recording: it is a stretch of.
        source: what the recording is called in an error.
        start_s: start in seconds; 0 where None.
        end_s: end in seconds; that of the recording where None.

    Raises:
        UsageError: there is no such stretch.
    """
    length_s = recording.duration_s
    start_s, end_s = start_s or 0.0, length_s if end_s is None else end_s
    if not 0 <= start_s < end_s or start_s >= length_s:
        raise UsageError(
            f"{source} has no such stretch",
            got=f"{start_s:g} to {end_s:g} s",
            expected=f"a start before the end, within 0 to {length_s:.2f} s",
        )
    return start_s, min(end_s, length_s)


def segments_in(found: Sequence[Segment], position: int, start_s: float, end_s: float) -> list[Segment]:
    """What a stretch is embedded as.

    One that could be a segment is embedded as one; a longer one as the contractions in it, or as its rest
    where there is no contraction.

    Args:
        found: segments of the session.
        position: of the recording in the session.
        start_s: start of the stretch in seconds.
        end_s: its end in seconds.
    """
    from myosem.segments import MAXIMUM_S

    inside = [clipped for one in found if (clipped := _clip(one, position, start_s, end_s))]
    contractions = [one for one in inside if one.kind == "contraction"]
    if end_s - start_s > MAXIMUM_S:
        return contractions or inside or [Segment(position, start_s, start_s + MAXIMUM_S, "rest")]
    active_s = sum(one.end_s - one.start_s for one in contractions)
    kind: SegmentKind = "contraction" if active_s >= (end_s - start_s) / 2 else "rest"
    return [Segment(position, start_s, end_s, kind)]


def _clip(segment: Segment, position: int, start_s: float, end_s: float) -> Segment | None:
    """The part of a segment that lies in a stretch; None where less than half of it does."""
    first, last = max(segment.start_s, start_s), min(segment.end_s, end_s)
    if segment.recording != position or last - first < (segment.end_s - segment.start_s) / 2:
        return None
    return Segment(position, first, last, segment.kind)
