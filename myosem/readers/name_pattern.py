"""What the names of many files say: one regular expression for a mapping's ``path``.

Names are plain where all of them have as many folders and as many parts, with the same marks between them.
A part that differs from file to file is then the person, the session, the label or the repetition, as it is
written; one that is none of these keeps its place in the name.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from myosem.prompts import action_for_name

Role = Literal["subject", "session", "label", "repetition"]
MARKS = re.compile(r"([-_ ./]+)")
WORDS: dict[Role, str] = {
    "subject": r"sub(?:j(?:ect)?)?|participant|person|p|s",
    "session": r"session|sess?|day|d",
    "repetition": r"repetition|rep|trial|run|take|try|r|t",
}
"""What stands before a number, or is the part before it, as in ``sub-01``."""
CODE = re.compile(r"[A-Za-z]{1,4}\d+")
MOST_DIGITS = 4
"""A longer number is a date or a time."""


@dataclass(frozen=True)
class NamePattern:
    """What names say.

    Attributes:
        path: regular expression with a named group for each of ``found``.
        found: values by role, in order of the names.
    """

    path: str
    found: dict[Role, tuple[str, ...]] = field(default_factory=dict)


def find_pattern(names: Sequence[str], *, labelled: bool = False) -> NamePattern | None:
    """The pattern of names with ``/`` between folders, None where there is no plain one.

    Args:
        names: at least two, relative to one folder.
        labelled: whether the labels are known from elsewhere, so that no part is one.
    """
    split = [MARKS.split(name) for name in names]
    if len(names) < 2 or len({tuple(parts[1::2]) for parts in split}) != 1:
        return None
    columns = list(zip(*split, strict=True))
    roles = _roles(columns[::2], [marks[0] for marks in columns[1::2]], labelled)
    if not roles:
        return None
    expression = "".join(
        _expression(column, roles.get(place // 2) if place % 2 == 0 else None)
        for place, column in enumerate(columns)
    )
    found = {role: columns[2 * place] for place, role in roles.items()}
    return NamePattern(rf"\b{expression}$", found)


def _roles(columns: Sequence[Sequence[str]], marks: Sequence[str], labelled: bool) -> dict[int, Role]:
    """The role of each part that has one: those that say so, then the others; the first that fits has it."""
    roles: dict[int, Role] = {}
    places = range(len(columns) - 1)  # the last part is the suffix
    for place in places:
        constant = place and len(set(columns[place - 1])) == 1
        role = _said(columns[place], columns[place - 1][0] if constant else "")
        if role is not None and role not in roles.values():
            roles[place] = role
    for place in places:
        if place not in roles and len(set(columns[place])) > 1:
            in_folder = "/" in "".join(marks[place:])
            role = _likely(columns[place], set(roles.values()), in_folder=in_folder)
            if role is not None and not (role == "label" and labelled):
                roles[place] = role
    return dict(sorted(roles.items()))


def _said(column: Sequence[str], before: str) -> Role | None:
    """The role that all values of a part have by their first letters, or by the part before it."""
    for role, word in WORDS.items():
        if all(re.fullmatch(rf"(?i)(?:{word})\d+", value) for value in column):
            return role
        if re.fullmatch(f"(?i){word}", before) and all(value.isdecimal() for value in column):
            return role
    return None


def _likely(column: Sequence[str], taken: set[Role], *, in_folder: bool) -> Role | None:
    """The likely role of a part: folders and codes are people, words labels, numbers repetitions."""
    if in_folder:
        role: Role = "session" if "subject" in taken else "subject"
    elif all(value.isalpha() for value in column) and _are_labels(column):
        role = "label"
    elif all(CODE.fullmatch(value) for value in column):
        role = "subject"
    elif all(value.isdecimal() and len(value) <= MOST_DIGITS for value in column):
        role = "repetition"
    else:
        return None
    return None if role in taken else role


def _are_labels(column: Sequence[str]) -> bool:
    """Words that come again, or that are the names of actions."""
    values = set(column)
    return 2 * len(values) <= len(column) or any(action_for_name(value) for value in values)


def _expression(column: Sequence[str], role: Role | None) -> str:
    """A part of the pattern: its values in a group, as they are where all are the same, or whatever it is."""
    values = set(column)
    if role is None:
        return re.escape(column[0]).replace(r"\-", "-") if len(values) == 1 else "[^/]*"
    heads = {re.sub(r"\d+$", "", value) for value in values}
    shape = "[^/]+"
    if all(value[-1:].isdigit() for value in values):
        shape = (heads.pop() if len(heads) == 1 else "[A-Za-z]*") + r"\d+"
    elif all(value.isalpha() for value in values):
        shape = "[A-Za-z]+"
    return f"(?P<{role}>{shape})"
