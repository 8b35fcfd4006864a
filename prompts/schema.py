"""What an action entry holds, and the checks one entry has to pass."""

import datetime
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from myosem.errors import PromptError

View = Literal["plain", "kinematic", "muscular", "functional", "visual", "contrast"]
Group = Literal["rest", "wrist", "forearm", "finger", "hand", "grasp", "force", "gesture", "composition"]
Muscle = Literal[
    "flexor carpi radialis",
    "flexor carpi ulnaris",
    "palmaris longus",
    "flexor digitorum superficialis",
    "flexor digitorum profundus",
    "flexor pollicis longus",
    "extensor carpi radialis",
    "extensor carpi ulnaris",
    "extensor digitorum",
    "extensor indicis",
    "extensor digiti minimi",
    "extensor pollicis longus",
    "extensor pollicis brevis",
    "abductor pollicis longus",
    "pronator teres",
    "pronator quadratus",
    "supinator",
    "brachioradialis",
]
VIEWS: tuple[View, ...] = get_args(View)
GROUPS: tuple[Group, ...] = get_args(Group)
MUSCLES: tuple[Muscle, ...] = get_args(Muscle)
MINIMUM_TEXTS = 4


Item = TypeVar("Item", bound=Hashable)


def normal(text: str) -> str:
    """The form in which texts are compared: case, hyphens, outer punctuation and spacing do not count."""
    return " ".join(text.casefold().replace("-", " ").replace("_", " ").split()).strip(" .!?,;:")


def _without_repeats(items: tuple[Item, ...]) -> tuple[Item, ...]:
    seen: set[Hashable] = set()
    for item in items:
        key = normal(item) if isinstance(item, str) else item
        if key in seen:
            raise ValueError(f"{item!r} stands there twice")
        seen.add(key)
    return items


Number = Annotated[float, Field(ge=-1, le=1)]
Id = Annotated[str, StringConstraints(pattern=r"^[a-z]+(-[a-z]+)*$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=300)]
Texts = Annotated[tuple[Text, ...], AfterValidator(_without_repeats)]
Ids = Annotated[tuple[Id, ...], AfterValidator(_without_repeats)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Pose(_Strict):
    """Where an action takes hand and forearm, each joint from -1 to 1, 0 relaxed.

    Attributes:
        thumb_flexion: 1 bent into the palm, -1 straight and back.
        thumb_abduction: 1 away from the palm, -1 pressed against the index finger.
        thumb_opposition: 1 pad turned towards the little finger, -1 turned away.
        index: 1 fully flexed, -1 fully extended; the same for ``middle``, ``ring`` and ``little``.
        middle: see ``index``.
        ring: see ``index``.
        little: see ``index``.
        spread: 1 fingers spread, -1 pressed together.
        wrist_flexion: 1 fully flexed (palm side), -1 fully extended.
        ulnar_deviation: 1 fully towards the little finger, -1 fully towards the thumb.
        pronation: 1 palm fully down, -1 palm fully up.
    """

    thumb_flexion: Number = 0
    thumb_abduction: Number = 0
    thumb_opposition: Number = 0
    index: Number = 0
    middle: Number = 0
    ring: Number = 0
    little: Number = 0
    spread: Number = 0
    wrist_flexion: Number = 0
    ulnar_deviation: Number = 0
    pronation: Number = 0


POSE_FIELDS: tuple[str, ...] = tuple(Pose.model_fields)


class Action(_Strict):
    """One thing a hand can do, in numbers and in words.

    Attributes:
        id: kebab-case, unique.
        names: what people call it, the shown one first; no name belongs to two actions.
        group: kind of action.
        pose: where it takes the joints.
        effort: 0 none to 1 as hard as possible.
        dynamic: whether it moves all the time, rather than being held.
        object: what the hand holds, None where it is empty.
        muscles: those at work, the strongest first.
        neighbours: ids of the actions most easily taken for it.
        parts: ids of the actions a composition is made of, empty for all others.
        views: at least four texts for each of ``VIEWS``.
    """

    id: Id
    names: Annotated[Texts, Field(min_length=1)]
    group: Group
    pose: Pose
    effort: Annotated[float, Field(ge=0, le=1)]
    dynamic: bool
    object: Text | None
    muscles: Annotated[tuple[Muscle, ...], AfterValidator(_without_repeats)]
    neighbours: Ids
    parts: Ids
    views: dict[View, Texts]

    @model_validator(mode="after")
    def _complete(self) -> "Action":
        for view in VIEWS:
            if len(self.views.get(view, ())) < MINIMUM_TEXTS:
                raise ValueError(f"view {view!r} needs at least {MINIMUM_TEXTS} different texts")
        if (self.group == "composition") != (len(self.parts) >= 2):
            raise ValueError("a composition, and nothing else, has two or more parts")
        if self.id in self.neighbours + self.parts:
            raise ValueError("an action is neither its own neighbour nor its own part")
        return self


class Provenance(_Strict):
    """Who wrote the texts of a file: the model, the SHA-256 of its instruction, the day."""

    model: Text
    prompt_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    date: datetime.date


class PromptFile(_Strict):
    """One YAML file, each part of which may be empty.

    Attributes:
        provenance: who wrote it.
        actions: whole entries.
        texts: further texts, by action id and view, for actions of other files.
        unrelated: what people may search for though it is no hand or forearm action.
    """

    provenance: Provenance
    actions: tuple[Action, ...] = ()
    texts: dict[Id, dict[View, Texts]] = {}
    unrelated: Texts = ()


ALLOWED: Mapping[str, tuple[str, ...]] = {
    "pose": POSE_FIELDS,
    "views": VIEWS,
    "provenance": tuple(Provenance.model_fields),
    "actions": tuple(Action.model_fields),
    "": tuple(PromptFile.model_fields),
}


def parse_file(content: object, path: Path) -> PromptFile:
    """Check the content of one YAML file by itself.

    Raises:
        PromptError: names file, entry, field and what is allowed there.
    """
    try:
        return PromptFile.model_validate(content)
    except ValidationError as error:
        raise _translated(error, content, path) from None


def _translated(error: ValidationError, content: Any, path: Path) -> PromptError:
    first, *others = error.errors(include_url=False)
    where = list(first["loc"])
    place = path.name
    if where[:1] == ["actions"] and len(where) > 1:
        entry = content["actions"][where[1]]
        name = entry.get("id") if isinstance(entry, dict) else None
        place += f", entry {name or where[1]}"
        where = where[2:]
    if where:
        place += f", field {'.'.join(str(step) for step in where if step != '[key]')}"
    more = f"correct it, then {len(others)} more of this file" if others else None
    got = None if isinstance(first["input"], dict | list) else repr(first["input"])
    if first["type"] == "extra_forbidden":
        return PromptError(f"{place}: unknown field", exists=_siblings(first["loc"]), hint=more)
    return PromptError(f"{place}: {first['msg'].removeprefix('Value error, ')}", got=got, hint=more)


def _siblings(place: tuple[int | str, ...]) -> tuple[str, ...]:
    parent = [str(step) for step in place[:-1] if isinstance(step, str)]
    return ALLOWED[parent[-1] if parent else ""]
