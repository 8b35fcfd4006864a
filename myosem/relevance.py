"""How right an answer is: exact, close or wrong, from the pose, the parts and the group of each action.

Exact is the same meaning. Close is a meaning that shares something anyone would name, by one rule:

- a part: two combinations with a part in common, or a combination and one of its parts;
- joint and direction: the same joints go the same way, by half of their range or more (``MAIN``), and
  no other joint does, as in bending the index finger and pressing with it;
- the family of the grip: both hold or pinch something, and the thumb does the same (``grip_family``).

Rest is close to nothing, and so is an action that ``prompts`` does not know.
"""

from myosem.prompts import load_actions
from myosem.prompts.schema import Action

EXACT, CLOSE, WRONG = 2, 1, 0
MAIN = 0.5
PAD = 0.7
"""How far the thumb turns towards the fingers where it meets them pad to pad."""


def grade(first: str, second: str) -> int:
    """``EXACT``, ``CLOSE`` or ``WRONG``, for two ids of actions."""
    if first == second:
        return EXACT
    actions = load_actions()
    if first not in actions or second not in actions:
        return WRONG
    return CLOSE if close(actions[first], actions[second]) else WRONG


def close(first: Action, second: Action) -> bool:
    """Whether two different actions are close; see the module."""
    if set(parts_of(first)) & set(parts_of(second)):
        return True
    if "composition" in (first.group, second.group):
        return False
    if first.group == second.group == "grasp":
        return grip_family(first) == grip_family(second)
    moved = movements(first)
    return bool(moved) and moved == movements(second)


def parts_of(action: Action) -> tuple[str, ...]:
    """Ids of what a combination is made of; any other action is its own part."""
    return action.parts or (action.id,)


def movements(action: Action) -> frozenset[tuple[str, bool]]:
    """The joints that go far, and whether towards 1."""
    pose = action.pose.model_dump().items()
    return frozenset((joint, value > 0) for joint, value in pose if abs(value) >= MAIN)


def grip_family(action: Action) -> str:
    """``lateral``: the thumb lies at the side; ``pads``: it meets the fingers; else ``power``."""
    pose = action.pose
    if pose.thumb_abduction < 0:
        return "lateral"
    facing = pose.thumb_opposition
    return "pads" if facing >= max(PAD, pose.thumb_abduction) else "power"


def grade_effort(first: str, second: str) -> int:
    """``grade`` of phrases like ``light wrist flexion``: close is another effort."""
    if first == second:
        return EXACT
    return CLOSE if first.partition(" ")[2] == second.partition(" ")[2] else WRONG
