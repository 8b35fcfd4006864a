"""One balanced accuracy a person, system and seed, and the table made of them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from myosem.metrics import bootstrap_interval, mean_interval

Values = NDArray[np.float64]
Interval = tuple[float, float]


@dataclass(frozen=True)
class TrialResult:
    """What one system reached on one person.

    Attributes:
        system: title of the system.
        dataset: data set of the person.
        person: the person.
        fold: fold in which they were tested.
        seed: of the system's training.
        trials: how many were tested.
        missed: of these, in how many no segment was found; they count as wrong.
        actions: how many actions there were to choose from.
        accuracy: mean, over the actions the person did, of the share of trials decided right.
    """

    system: str
    dataset: str
    person: str
    fold: int
    seed: int
    trials: int
    missed: int
    actions: int
    accuracy: float


@dataclass(frozen=True)
class Row:
    """A system of the table.

    Attributes:
        context: ``session`` where it sees the unlabelled session, else ``none``.
        minutes: training and testing, all folds and seeds together.
    """

    context: str
    minutes: float


@dataclass(frozen=True)
class TrialTable:
    """Results of one trial-level protocol.

    Attributes:
        title: heading.
        about: how it was made.
        rows: the systems by title, in order.
        results: one a person, system and seed.
    """

    title: str
    about: Mapping[str, object]
    rows: Mapping[str, Row]
    results: Sequence[TrialResult]

    @property
    def datasets(self) -> tuple[str, ...]:
        """Data sets, sorted."""
        return tuple(sorted({result.dataset for result in self.results}))

    def seeds(self, system: str) -> int:
        """How many seeds a system was trained with."""
        return len({result.seed for result in self.results if result.system == system})

    def people(self, system: str, dataset: str) -> dict[str, float]:
        """Balanced accuracy of each person, mean over seeds, sorted by person."""
        values: dict[str, list[float]] = {}
        for one in self.results:
            if (one.system, one.dataset) == (system, dataset):
                values.setdefault(one.person, []).append(one.accuracy)
        return {person: float(np.mean(values[person])) for person in sorted(values)}

    def mean(self, system: str) -> float:
        """Mean over data sets of the means over their people."""
        return float(np.mean([value.mean() for value in self._values(system)]))

    def interval(self, system: str) -> Interval:
        """95 % interval of that mean, the people of each data set drawn with replacement."""
        return mean_interval(self._values(system))

    def margin(self, system: str, other: str) -> tuple[float, Interval]:
        """How far one system's mean is ahead of another's on the same people, with its 95 % interval."""
        pairs = zip(self._values(system), self._values(other), strict=True)
        differences = [first - second for first, second in pairs]
        return float(np.mean([one.mean() for one in differences])), mean_interval(differences)

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        rows = [
            {
                "system": system,
                **asdict(row),
                "seeds": self.seeds(system),
                "mean": self.mean(system),
                "interval": None if np.isnan(self.interval(system)[0]) else self.interval(system),
            }
            for system, row in self.rows.items()
        ]
        results = [asdict(result) for result in self.results]
        return {"title": self.title, "about": dict(self.about), "rows": rows, "results": results}

    def markdown(self) -> str:
        """A row a system, a column a data set, with 95 % intervals over people."""
        head = ["system", "context", *self.datasets, f"mean of {len(self.datasets)}", "seeds", "minutes"]
        lines = [f"# {self.title}", "", ", ".join(f"{key} {value}" for key, value in self.about.items()), ""]
        lines += [_line(head), "|" + "---|" * len(head)]
        lines += [_line(self._cells(system, row)) for system, row in self.rows.items()]
        for what in ("people", "actions", "trials", "trials without a segment"):
            lines.append(_line([f"*{what}*", "", *self._counts(what), "", "", ""]))
        return "\n".join(lines)

    def _values(self, system: str) -> list[Values]:
        return [np.array(list(self.people(system, dataset).values())) for dataset in self.datasets]

    def _cells(self, system: str, row: Row) -> list[str]:
        values = self._values(system)
        cells = [_cell(own.mean(), bootstrap_interval(own)) for own in values]
        mean = f"**{_cell(self.mean(system), self.interval(system))}**"
        context = "yes" if row.context == "session" else "no"
        return [system, context, *cells, mean, str(self.seeds(system)), f"{row.minutes:.2f}"]

    def _counts(self, what: str) -> list[str]:
        first = next(iter(self.rows))
        seed = min(result.seed for result in self.results if result.system == first)
        counts = []
        for dataset in self.datasets:
            own = [r for r in self.results if (r.system, r.dataset, r.seed) == (first, dataset, seed)]
            counts.append(
                {
                    "people": len({result.person for result in own}),
                    "actions": max(result.actions for result in own),
                    "trials": sum(result.trials for result in own),
                    "trials without a segment": sum(result.missed for result in own),
                }[what]
            )
        return [str(count) for count in counts]


def _cell(value: float, interval: Interval) -> str:
    low, high = interval
    return f"{value:.3f}" + ("" if np.isnan(low) else f" [{low:.2f}, {high:.2f}]")


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
