"""Sentences made from an action's numbers: pose, muscles, effort, parts. Further text to train on."""

from collections.abc import Mapping, Sequence

from myosem.prompts.schema import Action, Pose, View

EFFORTS = ("light", "medium", "hard")
SLIGHT, STRONG = 0.3, 0.7

# What each joint but those of the four fingers does below and above zero.
JOINTS: dict[str, tuple[str, str]] = {
    "thumb_flexion": ("the thumb is {} straightened", "the thumb is {} bent"),
    "thumb_abduction": (
        "the thumb is {} pressed to the index finger",
        "the thumb is {} away from the palm",
    ),
    "thumb_opposition": ("the thumb is {} turned outwards", "the thumb is {} turned to the little finger"),
    "spread": ("the fingers are {} pressed together", "the fingers are {} spread apart"),
    "wrist_flexion": ("the wrist is {} bent back", "the wrist is {} bent to the palm side"),
    "ulnar_deviation": (
        "the wrist is {} tilted towards the thumb",
        "the wrist is {} tilted towards the little finger",
    ),
    "pronation": ("the palm is {} turned up", "the palm is {} turned down"),
}
FINGERS = ("index", "middle", "ring", "little")


def effort_word(effort: float) -> str:
    """One of ``EFFORTS`` for an effort from 0 to 1."""
    return EFFORTS[min(int(effort * len(EFFORTS)), len(EFFORTS) - 1)]


def with_effort(name: str, word: str) -> str:
    """A name at a level of effort, as queries say it."""
    return f"{name} with {word} effort"


def pose_phrases(pose: Pose) -> list[str]:
    """One phrase for each joint that leaves its relaxed place; fingers that do the same share one."""
    values: dict[str, float] = {joint: value for joint, value in pose.model_dump().items() if value}
    fingers: dict[str, list[str]] = {}
    for finger in FINGERS:
        if finger in values:
            fingers.setdefault(_degree(values[finger], "{} stretched", "{} bent"), []).append(finger)
    others = [_degree(value, *JOINTS[joint]) for joint, value in values.items() if joint in JOINTS]
    return others + [f"{_subject(names)} {how}" for how, names in fingers.items()]


def template_texts(action: Action, actions: Mapping[str, Action]) -> list[tuple[View, str]]:
    """Texts of one action with their views, always the same for the same action.

    Each holds a name of the action or the names of its parts, so that no two actions share one.

    Args:
        action: the action to speak of.
        actions: where the parts of a composition are found, by id.
    """
    name = action.names[0]
    moved = _joined(pose_phrases(action.pose)) or "no joint leaves its relaxed place"
    texts: list[tuple[View, str]] = [("kinematic", f"{name}: {moved}")]
    if action.muscles:
        texts.append(("muscular", f"in {name} the muscles at work are {_joined(action.muscles)}"))
        texts.append(("muscular", f"{action.muscles[0]} contracts most in {name}"))
    else:
        texts.append(("muscular", f"in {name} no muscle is at work"))
    if action.effort:
        texts += [("plain", with_effort(name, word)) for word in EFFORTS]
        texts.append(("plain", f"{name}, {'repeated again and again' if action.dynamic else 'held still'}"))
    if action.object:
        texts.append(("functional", f"{name} on this object: {action.object}"))
    if action.parts:
        parts = [actions[part].names[0] for part in action.parts]
        texts.append(("plain", f"{_joined(parts)} at the same time"))
        texts.append(("plain", " combined with ".join(reversed(parts))))
    return texts


def _degree(value: float, below: str, above: str) -> str:
    degree = "slightly " if abs(value) < SLIGHT else "strongly " if abs(value) > STRONG else ""
    return (above if value > 0 else below).replace("{} ", degree)


def _subject(fingers: Sequence[str]) -> str:
    if len(fingers) == len(FINGERS):
        return "all four fingers are"
    return f"the {_joined(fingers)} {'finger is' if len(fingers) == 1 else 'fingers are'}"


def _joined(items: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(items[:-1]), *items[-1:])))
