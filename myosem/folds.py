"""Who is tested when: fixed folds over persons, read from a YAML file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import yaml

from myosem.errors import UsageError


class OfSomeone(Protocol):
    """A session as folds see it."""

    @property
    def dataset(self) -> str:
        """The data set."""

    @property
    def subject(self) -> str:
        """The data set's name for the person."""

    @property
    def person(self) -> str:
        """The same for all subjects that are one person."""


AnySession = TypeVar("AnySession", bound=OfSomeone)


@dataclass(frozen=True)
class Folds:
    """Persons of each fold.

    Attributes:
        people: data set -> fold -> subjects tested in that fold.
    """

    people: dict[str, dict[int, tuple[str, ...]]]

    @property
    def numbers(self) -> tuple[int, ...]:
        """All folds, in order."""
        return tuple(sorted({fold for folds in self.people.values() for fold in folds}))

    def split(self, sessions: Sequence[AnySession], fold: int) -> tuple[list[AnySession], list[AnySession]]:
        """Training and test sessions of a fold.

        A person is on one side only, under whatever names they are known. Sessions of nobody in the
        folds (other data sets, simulated people) are training material.
        """
        tested = {
            session.person
            for session in sessions
            if session.subject in self.people.get(session.dataset, {}).get(fold, ())
        }
        train = [session for session in sessions if session.person not in tested]
        return train, [session for session in sessions if session.person in tested]


def read_folds(path: Path) -> Folds:
    """Read folds from YAML with a mapping ``people: data set -> fold -> list of subjects``.

    Raises:
        UsageError: the file is missing or holds something else.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        people = {
            str(dataset): {int(fold): _names(subjects) for fold, subjects in folds.items()}
            for dataset, folds in content["people"].items()
        }
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            f"{path} cannot be read as folds",
            got=" ".join(str(error).split()),
            expected="YAML with people: data set: fold: [subjects]",
            hint="--folds ../shared/data/folds.yaml",
        ) from error
    return Folds(people)


def _names(subjects: object) -> tuple[str, ...]:
    if not isinstance(subjects, list):
        raise TypeError(f"{subjects!r} in place of a list of subjects")
    return tuple(str(subject) for subject in subjects)
