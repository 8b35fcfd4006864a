"""Vectors of windows that slide over a recording, each read in the context of its session.

The context decides how a segment is read. A session that was read with a window for every half second would
be another one, so only few windows are read at a time: the session's own segments outnumber them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from myosem.features import channel_features, to_harmonics
from myosem.records import Recording, Segment
from myosem.segments import segments_of_frames
from myosem.signal import to_frames

if TYPE_CHECKING:
    from myosem.model import Model

WINDOW_S = 1.0
MOST_WINDOWS = 1200
FOREIGN = 12
"""A session is read with one window to so many of its own segments."""

Vectors = NDArray[np.float32]


def sliding_vectors(
    model: "Model", recordings: Sequence[Recording], position: int, step_s: float
) -> tuple[list[Segment], Vectors]:
    """Windows over one recording of a session and their vectors ``(n, D)``.

    Args:
        model: encodes them.
        recordings: all of the session.
        position: of the recording among them.
        step_s: from one window to the next; see ``windows_over``.
    """
    frames = [to_frames(one) for one in recordings]
    own = segments_of_frames(frames, recordings)
    windows = windows_over(own, position, recordings[position].duration_s, step_s)
    features = to_harmonics(channel_features(recordings, [*own, *windows], frames))
    return windows, in_context(model, features[: len(own)], features[len(own) :])


def windows_over(
    segments: Sequence[Segment], position: int, duration_s: float, step_s: float
) -> list[Segment]:
    """Windows of one second over a recording.

    Args:
        segments: of its session.
        position: of the recording in the session.
        duration_s: its length in seconds; a shorter one than a window is one window.
        step_s: from one window to the next; it gets longer where there would be too many.

    Returns:
        Each is a contraction where contractions are at least half of it, otherwise rest.
    """
    length_s = min(WINDOW_S, duration_s)
    step_s = max(step_s, (duration_s - length_s) / (MOST_WINDOWS - 1))
    starts = np.arange(int((duration_s - length_s) / step_s + 1e-9) + 1) * step_s
    busy = np.array(
        [
            (one.start_s, one.end_s)
            for one in segments
            if (one.recording, one.kind) == (position, "contraction")
        ]
    ).reshape(-1, 2)
    shared = np.minimum(starts[:, None] + length_s, busy[:, 1]) - np.maximum(starts[:, None], busy[:, 0])
    contracted = np.maximum(shared, 0).sum(axis=1) >= length_s / 2
    return [
        Segment(position, float(start), float(start + length_s), "contraction" if active else "rest")
        for start, active in zip(starts, contracted, strict=True)
    ]


def in_context(model: "Model", own: Vectors, windows: Vectors) -> Vectors:
    """Vectors ``(n, D)`` of windows, each read beside the segments of the session and few other windows.

    Args:
        model: encodes them.
        own: features ``(N, F)`` of the session's segments.
        windows: features ``(n, F)``.
    """
    parts = -(-len(windows) // max(len(own) // FOREIGN, 1))
    vectors = np.zeros((len(windows), model.dimension), dtype=np.float32)
    for part in range(parts):  # windows of one part lie far from each other
        together = np.concatenate([own, windows[part::parts]])
        vectors[part::parts] = model.encode_session(together)[len(own) :]
    return vectors
