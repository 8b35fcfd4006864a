"""One space of three parts: what was done, in which pose, and how hard.

What was done is learned by encoder and text head together. The pose reaches actions that nobody in the
training people did (``myosem.zero_shot``). Effort counts only where the words speak of it. A search
multiplies the parts of EMG with those of words, so each share says how much a part can add to a score.
"""

import numpy as np
from numpy.typing import NDArray

POSE, EFFORT = 0.2, 0.1
"""Shares of the squared length of EMG; what was done has the rest."""
NEW_POSE, NEW_ENTRY_POSE = 0.5, 0.95
"""Share of the pose in words: at most in a text, whose pose is guessed, the less anybody in training
did anything like it; and in an action of the prompts that nobody did, whose pose is known."""
FAMILIAR, STRANGE = 0.02, 0.12
"""How novel a pose is (``PoseReader.novelty``) that counts as done, and as like nothing that was done."""
SAME_POSE = 1e-5
"""How novel the pose of an action of the prompts may be that somebody did: rounding."""
NEW, NEW_ENTRY = 0.3, 0.43
"""What the score of an action that nobody did is raised by where it competes with actions that were done:
asked for by a text, and by all that the prompts say of it."""
EFFORT_NUMBERS = 2
BEYOND = EFFORT_NUMBERS + 1
"""Numbers of a vector beside what was done and the pose: effort, and what makes EMG's length one."""
LEAST_SPREAD = 0.3
"""Log power by which contractions of one effort may differ."""
STRETCH = 1.25

Wide = NDArray[np.float64]
Vectors = NDArray[np.float32]


def join_emg(done: NDArray[np.floating], pose: NDArray[np.floating], effort: Wide) -> Vectors:
    """Unit vectors ``(N, D + P + BEYOND)`` of segments.

    Args:
        done: ``(N, D)`` of unit length.
        pose: ``(N, P)``, the longer the clearer; what is longer than one counts as one.
        effort: ``(N,)`` from -1, light, to 1, hard.
    """
    length = np.linalg.norm(pose, axis=1, keepdims=True)
    hard = np.stack([effort, 1.5 * effort**2 - 1], axis=1) / np.sqrt(1.25)  # (N, 2), at most one long
    parts = [
        np.sqrt(1 - POSE - EFFORT) * done,
        np.sqrt(POSE) * pose / np.maximum(length, 1),
        np.sqrt(EFFORT) * hard,
    ]
    whole = np.concatenate(parts, axis=1)
    rest = np.sqrt(np.maximum(1 - (whole**2).sum(axis=1, keepdims=True), 0))
    return np.asarray(np.concatenate([whole, rest], axis=1), dtype=np.float32)


def session_effort(level: Wide, expected: Wide, contraction: NDArray[np.bool_]) -> Wide:
    """How hard each segment is beside what is usual for its action in its session: ``(N,)``, -1 to 1.

    Args:
        level: ``(N,)`` log power over rest.
        expected: ``(N,)`` the level that what was probably done has in this session.
        contraction: ``(N,)`` which are; rest has no effort.
    """
    more = np.where(contraction, level - expected, 0.0)
    if not contraction.any():
        return more
    spread = max(float(more[contraction].std()), LEAST_SPREAD)
    return np.asarray((more / (STRETCH * spread)).clip(-1, 1))
