"""One result a person, and the table made of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from myosem import metrics

METRICS = ("mAP", "P@10", "nDCG@10", "R@1", "R@5")
"""What the table shows: the first three from text to EMG, the last two from EMG to text."""
AS_EMG = {
    "mAP": "mAP",
    "P@10": "P@10",
    "nDCG@10": "nDCG@10",
    "R@1": "text to EMG R@1",
    "R@5": "text to EMG R@5",
    "R@10": "text to EMG R@10",
    "MRR": "text to EMG MRR",
    "median rank": "text to EMG median rank",
}
"""Text to EMG: what each metric is called in the results."""
AS_TEXT = {
    "R@1": "R@1",
    "R@5": "R@5",
    "R@10": "EMG to text R@10",
    "mAP": "EMG to text mAP",
    "nDCG@10": "EMG to text nDCG@10",
    "MRR": "EMG to text MRR",
    "median rank": "EMG to text median rank",
}
"""EMG to text."""
ALL = (*METRICS, *(name for name in (*AS_EMG.values(), *AS_TEXT.values()) if name not in METRICS))

Values = np.ndarray[tuple[int], np.dtype[np.float64]]


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
        values: value of each of ``ALL``; those from EMG to text are means over actions, so that a common
            action such as rest counts as much as any other.
        among: what the candidates are, where a protocol asks more than one question.
    """

    system: str
    dataset: str
    person: str
    fold: int
    pool: int
    candidates: int
    values: Mapping[str, float]
    among: str = ""


@dataclass(frozen=True)
class Table:
    """Results of one protocol.

    Attributes:
        title: heading.
        about: how it was made: steps, seed, minutes.
        results: one a person, system and set of candidates.
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

    @property
    def parts(self) -> tuple["Table", ...]:
        """A table for each set of candidates, in order of appearance."""
        return tuple(
            Table(among, self.about, [one for one in self.results if one.among == among])
            for among in dict.fromkeys(result.among for result in self.results)
        )

    def values(self, system: str, dataset: str, metric: str) -> Values:
        """One value a person."""
        found = [r.values[metric] for r in self.results if (r.system, r.dataset) == (system, dataset)]
        return np.array(found, dtype=np.float64)

    def mean(self, system: str, metric: str) -> float:
        """Mean over data sets of the means over their people."""
        return float(np.mean([own.mean() for own in self._groups(system, metric)]))

    def interval(self, system: str, metric: str) -> tuple[float, float]:
        """95 % interval of that mean, the people of each data set drawn with replacement."""
        return metrics.mean_interval(self._groups(system, metric))

    def as_dict(self) -> dict[str, object]:
        """For JSON; means, intervals and details by system, and by set of candidates where there are any."""
        return {
            "title": self.title,
            "about": dict(self.about),
            "means": self._each(METRICS, Table.mean),
            "intervals": self._each(ALL, _bounds),
            "details": self._each(ALL, Table.mean),
            "results": [asdict(result) for result in self.results],
        }

    def markdown(self) -> str:
        """The tables, with 95 % intervals over people, pool size and number of candidates."""
        lines = [f"# {self.title}", "", ", ".join(f"{key} {value}" for key, value in self.about.items())]
        for part in self.parts:
            lines += ["", *([f"## {part.title}", ""] if part.title else []), *part.rows()]
        return "\n".join(lines)

    def rows(self) -> list[str]:
        """Lines of one Markdown table: a row for each data set and system, then the means of several sets."""
        head = f"| data set | people | pool | actions | system | {' | '.join(METRICS)} |"
        lines = [head, "|" + "---|" * (head.count("|") - 1)]
        for dataset in self.datasets:
            lines += [self._row(dataset, system) for system in self.systems]
        for system in self.systems if len(self.datasets) > 1 else ():
            cells = " | ".join(f"**{self._mean_cell(system, metric)}**" for metric in METRICS)
            lines.append(f"| **mean of {len(self.datasets)}** | | | | {system} | {cells} |")
        return lines

    def _each(
        self, names: Sequence[str], value: Callable[["Table", str, str], object]
    ) -> dict[str, dict[str, object]]:
        return {
            f"{system} {part.title}".strip(): {name: value(part, system, name) for name in names}
            for part in self.parts
            for system in part.systems
        }

    def _groups(self, system: str, metric: str) -> list[Values]:
        return [self.values(system, dataset, metric) for dataset in self.datasets]

    def _row(self, dataset: str, system: str) -> str:
        own = [r for r in self.results if (r.system, r.dataset) == (system, dataset)]
        pool = f"{np.mean([result.pool for result in own]):.0f}"
        candidates = f"{np.mean([result.candidates for result in own]):.3g}"
        cells = " | ".join(self._cell(system, dataset, metric) for metric in METRICS)
        return f"| {dataset} | {len(own)} | {pool} | {candidates} | {system} | {cells} |"

    def _cell(self, system: str, dataset: str, metric: str) -> str:
        values = self.values(system, dataset, metric)
        return _with_interval(float(values.mean()), metrics.bootstrap_interval(values))

    def _mean_cell(self, system: str, metric: str) -> str:
        return _with_interval(self.mean(system, metric), self.interval(system, metric))


def _bounds(table: Table, system: str, metric: str) -> list[float] | None:
    low, high = table.interval(system, metric)
    return None if np.isnan(low) else [low, high]


def _with_interval(value: float, interval: tuple[float, float]) -> str:
    low, high = interval
    return f"{value:.3f}" + ("" if np.isnan(low) else f" [{low:.2f}, {high:.2f}]")
