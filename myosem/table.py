"""One result a person, and the table made of them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from myosem import metrics

METRICS = ("mAP", "P@10", "nDCG@10", "R@1", "R@5")


@dataclass(frozen=True)
class PersonResult:
    """What one system reached on one person.

    Attributes:
        system: name of the model or baseline.
        dataset: data set of the person.
        person: the person.
        fold: fold in which they were tested.
        pool: labelled segments searched (text to EMG).
        candidates: actions to choose from (EMG to text).
        values: value of each of ``METRICS``; R@1 and R@5 are means over actions, so that a common
            action such as rest counts as much as any other.
    """

    system: str
    dataset: str
    person: str
    fold: int
    pool: int
    candidates: int
    values: Mapping[str, float]


@dataclass(frozen=True)
class Table:
    """Results of one protocol.

    Attributes:
        title: heading.
        about: how it was made: steps, seed, minutes.
        results: one a person and system.
    """

    title: str
    about: Mapping[str, object]
    results: Sequence[PersonResult]

    @property
    def systems(self) -> tuple[str, ...]:
        """Names of the systems, in order of appearance."""
        return tuple(dict.fromkeys(result.system for result in self.results))

    @property
    def datasets(self) -> tuple[str, ...]:
        """Data sets, sorted."""
        return tuple(sorted({result.dataset for result in self.results}))

    def values(self, system: str, dataset: str, metric: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """One value a person."""
        found = [r.values[metric] for r in self.results if (r.system, r.dataset) == (system, dataset)]
        return np.array(found, dtype=np.float64)

    def mean(self, system: str, metric: str) -> float:
        """Mean over data sets of the means over their people."""
        return float(np.mean([self.values(system, dataset, metric).mean() for dataset in self.datasets]))

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        means = {system: {metric: self.mean(system, metric) for metric in METRICS} for system in self.systems}
        results = [asdict(result) for result in self.results]
        return {"title": self.title, "about": dict(self.about), "means": means, "results": results}

    def markdown(self) -> str:
        """The table, with 95 % intervals over people, pool size and number of candidates."""
        head = f"| data set | people | pool | actions | system | {' | '.join(METRICS)} |"
        lines = [f"# {self.title}", "", ", ".join(f"{key} {value}" for key, value in self.about.items()), ""]
        lines += [head, "|" + "---|" * (head.count("|") - 1)]
        for dataset in self.datasets:
            lines += [self._row(dataset, system) for system in self.systems]
        for system in self.systems:
            cells = " | ".join(f"**{self.mean(system, metric):.3f}**" for metric in METRICS)
            lines.append(f"| **mean of {len(self.datasets)}** | | | | {system} | {cells} |")
        return "\n".join(lines)

    def _row(self, dataset: str, system: str) -> str:
        own = [r for r in self.results if (r.system, r.dataset) == (system, dataset)]
        pool = f"{np.mean([result.pool for result in own]):.0f}"
        cells = " | ".join(self._cell(system, dataset, metric) for metric in METRICS)
        return f"| {dataset} | {len(own)} | {pool} | {own[0].candidates} | {system} | {cells} |"

    def _cell(self, system: str, dataset: str, metric: str) -> str:
        values = self.values(system, dataset, metric)
        low, high = metrics.bootstrap_interval(values)
        interval = "" if np.isnan(low) else f" [{low:.2f}, {high:.2f}]"
        return f"{values.mean():.3f}{interval}"
