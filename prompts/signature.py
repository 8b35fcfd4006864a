"""An action in numbers: what two actions share, whatever they are called."""

import numpy as np
from numpy.typing import NDArray

from myosem.prompts.schema import MUSCLES, POSE_FIELDS, Action

MUSCLE_WEIGHT = 0.5
"""What the strongest muscle counts for beside a joint fully bent; the next counts half, then a third."""
SCALAR_WEIGHT = 0.5

SIGNATURE = len(POSE_FIELDS) + len(MUSCLES) + 2


def signature(action: Action) -> NDArray[np.float32]:
    """``(SIGNATURE,)``: joints of the pose, muscles by their rank among those at work, effort, motion."""
    pose = [getattr(action.pose, field) for field in POSE_FIELDS]
    rank = {muscle: place for place, muscle in enumerate(action.muscles, start=1)}
    muscles = [MUSCLE_WEIGHT / rank[muscle] if muscle in rank else 0.0 for muscle in MUSCLES]
    scalars = [SCALAR_WEIGHT * action.effort, SCALAR_WEIGHT * action.dynamic]
    return np.array([*pose, *muscles, *scalars], dtype=np.float32)
