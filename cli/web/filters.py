"""What narrows a search on the page: values to choose from, and the condition they make together."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Self

from myosem.catalogue import natural
from myosem.errors import UsageError

if TYPE_CHECKING:
    from myosem.library import Library
    from myosem.results import Hit

LISTS = ("datasets", "people", "sessions", "labels")
NUMBERS = ("shortest_s", "longest_s", "least_score")


@dataclass(frozen=True)
class Choices:
    """What one version of a library has to choose from, in natural order.

    Attributes:
        datasets: names.
        people: ``dataset/subject``.
        sessions: ``dataset/subject/session``.
        labels: by data set, as the data set writes them.
    """

    datasets: tuple[str, ...]
    people: tuple[str, ...]
    sessions: tuple[str, ...]
    labels: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, library: "Library") -> Self:
        """Those of a library."""
        keys = library.sessions()
        labels = {one.dataset: one.labels for one in library.summary().datasets}
        return cls(
            datasets=_sorted(labels),
            people=_sorted({f"{key.dataset}/{key.subject}" for key in keys}),
            sessions=_sorted({str(key) for key in keys}),
            labels=labels,
        )

    def within(self, filters: "Filters") -> "Choices":
        """What is left to choose where data sets and people are chosen already."""
        people = [one for one in self.people if _below(one, filters.datasets)]
        sessions = [one for one in self.sessions if _below(one, filters.people or people)]
        labels = {name: own for name, own in self.labels.items() if name in (filters.datasets or self.labels)}
        return replace(self, people=tuple(people), sessions=tuple(sessions), labels=labels)

    @property
    def label_names(self) -> tuple[str, ...]:
        """Every label once."""
        return _sorted({label for own in self.labels.values() for label in own})


@dataclass(frozen=True)
class Filters:
    """What a person chose; empty means everything.

    Attributes:
        datasets, people, sessions, labels: any of them, as in ``Choices``.
        shortest_s: least duration in seconds.
        longest_s: largest duration in seconds.
        least_score: hits below it are left out.
        condition: one more condition over the columns of a hit, as in ``myosem search --where``.
    """

    datasets: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    shortest_s: float | None = None
    longest_s: float | None = None
    least_score: float | None = None
    condition: str = ""

    @property
    def where(self) -> str | None:
        """The condition for the library, None where everything may be found."""
        parts = [
            _among("dataset", self.datasets),
            _among("dataset || '/' || subject", self.people),
            _among("dataset || '/' || subject || '/' || session", self.sessions),
            _among("label", self.labels),
            "" if self.shortest_s is None else f"duration_s >= {self.shortest_s:g}",
            "" if self.longest_s is None else f"duration_s <= {self.longest_s:g}",
            f"(\n{self.condition.strip()}\n)" if self.condition.strip() else "",
        ]
        return " and ".join(part for part in parts if part) or None

    @property
    def count(self) -> int:
        """How many kinds of filter are in use."""
        return sum(getattr(self, one.name) not in ((), None, "") for one in fields(self))

    def passes(self, hit: "Hit") -> bool:
        """Whether a hit scores enough."""
        return self.least_score is None or hit.score >= self.least_score

    def without(self, name: str, value: str | None = None) -> "Filters":
        """The same less one filter, or less one value of it."""
        if value is not None and name in LISTS:
            kept = tuple(one for one in getattr(self, name) if one != value)
            return self.changed({name: kept})
        return self.changed({name: getattr(Filters(), name)})

    def changed(self, values: Mapping[str, Any]) -> "Filters":
        """The same with some fields changed."""
        return replace(self, **values)

    def to_query(self) -> list[tuple[str, str]]:
        """As names and values of an address, so that a search can be kept and sent."""
        pairs = [(name, value) for name in LISTS for value in getattr(self, name)]
        pairs += [(name, f"{getattr(self, name):g}") for name in NUMBERS if getattr(self, name) is not None]
        return pairs + ([("condition", self.condition)] if self.condition else [])

    @classmethod
    def from_query(cls, pairs: Iterable[tuple[str, str]]) -> Self:
        """The filters of an address; names that are none are left alone.

        Raises:
            UsageError: a number that is none.
        """
        values: dict[str, Any] = {}
        for name, value in pairs:
            if name in LISTS:
                values[name] = (*values.get(name, ()), value)
            elif name in NUMBERS:
                values[name] = number(value)
            elif name == "condition":
                values[name] = value
        return cls(**values)


def number(text: str) -> float | None:
    """A number that somebody typed, None where nothing was.

    Raises:
        UsageError: it is no finite number.
    """
    if not text.strip():
        return None
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UsageError("this is no number", got=repr(text), expected="a number such as 1.5")
    return value


def _among(column: str, values: Iterable[str]) -> str:
    quoted = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
    return f"{column} in ({quoted})" if quoted else ""


def _below(name: str, parents: Iterable[str]) -> bool:
    """Whether a name lies below one of its parents, or there are none."""
    starts = tuple(f"{parent}/" for parent in parents)
    return not starts or name.startswith(starts)


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names, key=natural))
