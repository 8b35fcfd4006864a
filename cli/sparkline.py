"""A signal in one line of block characters."""

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from myosem.records import Recording

BLOCKS = "▁▂▃▄▅▆▇█"


def envelope(recording: "Recording", edges_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean absolute amplitude over the channels between each edge and the next.

    Args:
        recording: raw, or an envelope already.
        edges_s: W + 1 times in seconds, ascending; they may lie outside the recording.

    Returns:
        ``(W,)``, zero or more, NaN where the recording has no sample.
    """
    first_s = max(float(edges_s[0]), 0.0)
    samples = recording.between(first_s, float(edges_s[-1]))
    if not len(samples):
        return np.full(len(edges_s) - 1, np.nan)
    level = samples if recording.signal == "envelope" else np.abs(samples - samples.mean(axis=0))
    course = np.maximum(level.mean(axis=1, dtype=np.float64), 0)
    edges = np.clip(np.rint((edges_s - first_s) * recording.rate_hz), 0, len(course)).astype(int)
    return np.array([course[a:b].mean() if b > a else np.nan for a, b in pairwise(edges)])


def sparkline(values: NDArray[np.float64]) -> str:
    """One block character a value, full height for the largest, a space for NaN."""
    known = np.nan_to_num(values)
    top = float(known.max(initial=0)) or 1.0
    steps = np.minimum((known / top * len(BLOCKS)).astype(int), len(BLOCKS) - 1)
    return "".join(
        " " if np.isnan(value) else BLOCKS[step] for value, step in zip(values, steps, strict=True)
    )
