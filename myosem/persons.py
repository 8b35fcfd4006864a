"""People who appear more than once: under several names, or in several data sets.

A split that has somebody on both sides measures memory. What is known about public data sets stands in
``corpora/persons.yaml``; identical recordings within a library are found by the library itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from myosem.errors import UsageError
from myosem.readers.base import natural

REGISTRY = Path(__file__).parent / "corpora" / "persons.yaml"
Subject = tuple[str, str]
"""Data set and subject, as its reader names them."""


@dataclass(frozen=True)
class Persons:
    """What is known of people who appear twice.

    Attributes:
        same: subjects who are one person.
        share: data sets with people in common of whom nobody says who they are.
    """

    same: tuple[frozenset[Subject], ...] = ()
    share: tuple[frozenset[str], ...] = ()

    def pairs(self, subjects: Iterable[Subject]) -> list[tuple[str, str, str]]:
        """Those of these subjects who are one person within a data set: (data set, subject, subject)."""
        present = set(subjects)
        found = []
        for group in self.same:
            there = sorted(group & present)
            found += [
                (dataset, one, other)
                for place, (dataset, one) in enumerate(there)
                for its_dataset, other in there[place + 1 :]
                if its_dataset == dataset
            ]
        return found

    def ids(self, people: Iterable[tuple[str, str, str]]) -> dict[Subject, str]:
        """One id a person, over all data sets.

        Args:
            people: data set, subject, and the person's name within the data set.

        Returns:
            ``<data set>/<person>`` by subject; that of the naturally first where several data sets have them.
        """
        of = {
            (dataset, subject): {(dataset, subject), (dataset, person)} for dataset, subject, person in people
        }
        groups = [set(group) for group in self.same]
        merged: list[set[Subject]] = []
        for group in (*of.values(), *groups):
            touching = [other for other in merged if other & group]
            merged = [other for other in merged if not other & group] + [group.union(*touching)]
        names = {(dataset, person) for (dataset, _), known in of.items() for _, person in known}
        chosen = {
            subject: min(group & names or group, key=lambda one: [natural(part) for part in one])
            for group in merged
            for subject in group
        }
        return {subject: "/".join(chosen[subject]) for subject in of}

    def sharing(self, dataset: str) -> frozenset[str]:
        """Other data sets that may have people of this one."""
        return frozenset().union(*(group for group in self.share if dataset in group)) - {dataset}


@cache
def known_persons() -> Persons:
    """What is known of public data sets."""
    return read_persons(REGISTRY)


def read_persons(path: Path) -> Persons:
    """Read a registry.

    Raises:
        UsageError: the file is missing or holds something else.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        same = tuple(_subjects(entry["subjects"]) for entry in content.get("same", ()))
        share = tuple(frozenset(map(str, entry["datasets"])) for entry in content.get("share", ()))
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path} cannot be read as a registry of persons",
            got=" ".join(str(error).split()),
            expected="YAML with same: [subjects: {data set: [names]}] and share: [datasets: [names]]",
        ) from error
    return Persons(same, share)


def _subjects(entry: dict[str, list[str]]) -> frozenset[Subject]:
    return frozenset((str(dataset), str(name)) for dataset, names in entry.items() for name in names)
