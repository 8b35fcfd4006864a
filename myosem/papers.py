"""Benchmarks of published papers: which data, which split, and what their authors print.

They stand in ``corpora/papers.yaml``; this module reads them and knows nothing of how they are run.
"""

from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

from myosem.errors import UsageError

FILE = Path(__file__).parent / "corpora" / "papers.yaml"


class Entry(BaseModel):
    """What all parts of the file have in common: no key that is not known, nothing that changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Published(Entry):
    """A number of a paper.

    Attributes:
        system: as the paper calls it.
        what: the metric, and which way it looks.
        value: in percent, as printed.
        source: the paper.
    """

    system: str
    what: str
    value: float
    source: str


class PaperSplit(Entry):
    """One way to divide a benchmark.

    Attributes:
        protocol: of ``myosem evaluate``.
        folds: groups of people that are tested in turn; None where each is tested alone, or all at once.
        people: tested by the paper, None where it does not say.
        actions: that the paper chooses from, None where it does not say.
        shares: of a person's trials that are labelled, for ``few-shot``.
        published: the paper's numbers.
        differs: what keeps ours from being the paper's, a sentence each.
    """

    protocol: Literal["rand", "user", "class", "amputee", "loso", "few-shot"]
    folds: int | None = None
    people: int | None = None
    actions: int | None = None
    shares: tuple[float, ...] = ()
    published: tuple[Published, ...]
    differs: tuple[str, ...]


class Benchmark(Entry):
    """A paper's benchmark.

    Attributes:
        title: one line.
        tested: the data set that is asked about.
        beside: data sets that are learned from as well.
        people: how many people the tested data set has in it.
        actions: those that are tried, all where empty.
        trial_s: how long a trial lasts from the start of a movement; as labelled where None.
        stages: whether the classes are the stages of emg2pose.
        subjects: with ``{number}`` from 1 to ``people``, who takes part; everybody where empty.
        splits: by name.
    """

    title: str
    tested: str
    beside: tuple[str, ...] = ()
    people: int
    actions: tuple[str, ...] = ()
    trial_s: float | None = None
    stages: bool = False
    subjects: str = ""
    splits: dict[str, PaperSplit]

    @property
    def corpora(self) -> tuple[str, ...]:
        """All data sets that it needs."""
        return (self.tested, *self.beside)

    @property
    def named(self) -> frozenset[str]:
        """The subjects who take part, empty where all do."""
        if not self.subjects:
            return frozenset()
        return frozenset(self.subjects.format(number=number + 1) for number in range(self.people))

    def split(self, name: str | None) -> tuple[str, PaperSplit]:
        """A split by its name; ``loso`` or the only one by default. Raises UsageError where none is meant."""
        if name is None and (len(self.splits) == 1 or "loso" in self.splits):
            name = "loso" if "loso" in self.splits else next(iter(self.splits))
        if name not in self.splits:
            raise UsageError(
                "this benchmark has no such split",
                got=name or "no --split",
                exists=self.splits,
                hint=f"--split {next(iter(self.splits))}",
            )
        return name, self.splits[name]


@cache
def benchmarks() -> dict[str, Benchmark]:
    """All of them, by name."""
    content = yaml.safe_load(FILE.read_text(encoding="utf-8"))["benchmarks"]
    return {name: Benchmark.model_validate(entry) for name, entry in content.items()}


def find_benchmark(name: str) -> Benchmark:
    """A benchmark by its name. Raises UsageError where there is none."""
    if name not in benchmarks():
        raise UsageError("no benchmark has this name", got=name, exists=benchmarks())
    return benchmarks()[name]
