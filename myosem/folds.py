"""Who is tested when: fixed folds over persons, read from a YAML file."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

import yaml

from myosem.errors import UsageError
from myosem.persons import known_persons


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
    """Persons of each fold, and meanings that are held out together.

    Attributes:
        people: data set -> fold -> subjects tested in that fold.
        actions: fold -> meanings held out in every data set.
        compositions: fold -> combinations held out while their parts are seen.
        meaning: data set -> label -> meaning; other labels mean themselves.
    """

    people: dict[str, dict[int, tuple[str, ...]]]
    actions: dict[int, tuple[str, ...]] = field(default_factory=dict)
    compositions: dict[int, tuple[str, ...]] = field(default_factory=dict)
    meaning: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def numbers(self) -> tuple[int, ...]:
        """All folds, in order."""
        return tuple(sorted({fold for folds in self.people.values() for fold in folds}))

    def split(self, sessions: Sequence[AnySession], fold: int) -> tuple[list[AnySession], list[AnySession]]:
        """Training and test sessions of a fold.

        A person is on one side only, under whatever names they are known. Sessions of nobody in the
        folds (other data sets, simulated people) are training material, but not where a data set may have
        people of a tested one.
        """
        tested = {
            session.person
            for session in sessions
            if session.subject in self.people.get(session.dataset, {}).get(fold, ())
        }
        test = [session for session in sessions if session.person in tested]
        shared = sharing({session.dataset for session in test})
        train = [one for one in sessions if one.person not in tested and one.dataset not in shared]
        return train, test

    def meant(self, dataset: str, label: str) -> str:
        """What a data set's label means."""
        return self.meaning.get(dataset, {}).get(label, label)


def sharing(datasets: Collection[str]) -> set[str]:
    """Other data sets that may have people of these."""
    return {other for one in datasets for other in known_persons().sharing(one)} - set(datasets)


def read_folds(path: Path) -> Folds:
    """Read folds from YAML with a mapping ``people: data set -> fold -> list of subjects``.

    ``actions``, ``compositions`` (fold -> list of meanings) and ``meaning`` (data set -> label -> meaning)
    may be there, too.

    Raises:
        UsageError: the file is missing or holds something else.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        people = {str(dataset): _by_fold(folds) for dataset, folds in content["people"].items()}
        meaning = {
            str(dataset): {str(label): str(one) for label, one in labels.items()}
            for dataset, labels in content.get("meaning", {}).items()
        }
        actions, compositions = (_by_fold(content.get(key, {})) for key in ("actions", "compositions"))
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            f"{path} cannot be read as folds",
            got=" ".join(str(error).split()),
            expected="YAML with people: data set: fold: [subjects]",
            hint="--folds ../shared/data/folds.yaml",
        ) from error
    return Folds(people, actions, compositions, meaning)


def _by_fold(content: Mapping[object, object]) -> dict[int, tuple[str, ...]]:
    return {int(str(fold)): _names(names) for fold, names in content.items()}


def _names(subjects: object) -> tuple[str, ...]:
    if not isinstance(subjects, list):
        raise TypeError(f"{subjects!r} in place of a list of names")
    return tuple(str(subject) for subject in subjects)
