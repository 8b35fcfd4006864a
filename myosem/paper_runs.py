"""A paper's benchmark from a folder of recordings to a table with the published rows beside ours."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from myosem.download import find_data_set
from myosem.errors import UsageError
from myosem.few_shot import evaluate_few_shot
from myosem.folds import Folds
from myosem.ingest import ingest
from myosem.library import Library
from myosem.loso import evaluate_loso
from myosem.metrics import bootstrap_interval
from myosem.paper_trials import PaperTrials
from myosem.papers import Benchmark, PaperSplit
from myosem.protocols import evaluate_retrieval
from myosem.readers.base import natural
from myosem.repetitions import REST
from myosem.stages import HeldOut, StageReader, held_out, split_name, stage_texts
from myosem.systems import FEW_SHOT
from myosem.table import Table
from myosem.train import TrainConfig
from myosem.trial_runs import Progress
from myosem.trial_table import TrialTable

SYNTHETIC = "synthetic fixtures, no result"
LOSO = ("td-lda", "td-lda-standardised", "self-trained-lda", "aemg")
"""What leave-one-subject-out judges unless told otherwise."""
HERE = "this run"
RELEASED = ", held out as by the authors of the data set"
HEAD = "| system | metric | % [95 % over people] | people | actions | source |"


class Wish(NamedTuple):
    """How to run a benchmark.

    Attributes:
        config: how to train, for retrieval; its seed holds for all.
        simulated: simulated sessions that are learned from as well, for retrieval.
        baselines: plain systems, or for trials all systems; the usual ones where None.
        numbers: folds to run, all where None.
        jobs: trainings at a time.
        synthetic: whether the recordings are made up, so that no number means anything.
        release: whom and what the authors of the data set hold out; groups of our own where None.
    """

    config: TrainConfig
    simulated: int = 0
    baselines: Sequence[str] | None = None
    numbers: Sequence[int] | None = None
    jobs: int = 1
    synthetic: bool = False
    release: HeldOut | None = None


@dataclass(frozen=True)
class Line:
    """A row of the comparison.

    Attributes:
        system: its name.
        what: metric and direction.
        value: in percent.
        interval: 95 %, over people, in percent; None where it is not known.
        people: tested; None where a paper does not say.
        candidates: to choose from; None where a paper does not say.
        source: the paper, or this run.
    """

    system: str
    what: str
    value: float
    interval: tuple[float, float] | None
    people: int | None
    candidates: float | None
    source: str

    def cells(self) -> str:
        """As a row in Markdown."""
        value = f"{self.value:.2f}"
        if self.interval is not None:
            value += f" [{self.interval[0]:.1f}, {self.interval[1]:.1f}]"
        counts = ("not stated" if one is None else f"{one:g}" for one in (self.people, self.candidates))
        return f"| {self.system} | {self.what} | {value} | {' | '.join(counts)} | {self.source} |"


@dataclass(frozen=True)
class PaperReport:
    """What came of a benchmark.

    Attributes:
        title: of the benchmark and its split.
        synthetic: whether the recordings are made up.
        people: tested here, and as many as the benchmark has.
        lines: the paper's, then ours.
        differs: why they are not the same thing.
        table: ours in full.
    """

    title: str
    synthetic: bool
    people: tuple[int, int]
    lines: Sequence[Line]
    differs: Sequence[str]
    table: Table | TrialTable

    def markdown(self) -> str:
        """Comparison, what differs, and the whole table."""
        here, all_of_them = self.people
        part = "" if here == all_of_them else " This is a part of the benchmark."
        lines = [f"# {SYNTHETIC}: {self.title}" if self.synthetic else f"# {self.title}", ""]
        lines += [f"{here} of {all_of_them} people tested.{part}", ""]
        for head, own in self._parts():
            lines += [*head, HEAD, "|" + "---|" * (HEAD.count("|") - 1)]
            lines += [*(line.cells() for line in own), ""]
        lines += ["How ours differs:", "", *(f"- {one}" for one in self.differs), ""]
        return "\n".join([*lines, f"#{self.table.markdown()}"])

    def _parts(self) -> list[tuple[list[str], list[Line]]]:
        """One table of published and own rows; two where ours mean nothing, so that nobody compares them."""
        if not self.synthetic:
            return [([], list(self.lines))]
        ours = [line for line in self.lines if line.source == HERE]
        published = [line for line in self.lines if line.source != HERE]
        head = [f"## This run: {SYNTHETIC}", ""]
        return [(["## Published", ""], published), (head, ours)] if published else [(head, ours)]

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "title": self.title,
            "synthetic": self.synthetic,
            "people": {"here": self.people[0], "benchmark": self.people[1]},
            "lines": [asdict(line) for line in self.lines],
            "differs": list(self.differs),
            "table": self.table.as_dict(),
        }


def prepare(
    benchmark: Benchmark, library: Path, sources: Sequence[Path], progress: Progress | None = None
) -> Library:
    """The library of a benchmark, made of the sources where there are any.

    Raises:
        UsageError: recordings of a data set are missing, with where to get them, or there are others.
        SourceError, LibraryError: as for ``myosem.ingest.ingest``.
    """
    if sources:
        reader = StageReader() if benchmark.stages else None
        ingest(library, sources, model=None, reader=reader, progress=progress)
    elif not library.is_dir():
        raise _missing(benchmark, benchmark.tested, library)
    opened = Library.open(library)
    found = {key.dataset for key in opened.sessions()}
    for name in benchmark.corpora:
        if name not in found:
            raise _missing(benchmark, name, library)
    if others := found - set(benchmark.corpora):
        raise UsageError(
            f"{library} holds recordings of other data sets, which would be learned from as well",
            got=", ".join(sorted(others)),
            expected=" and ".join(benchmark.corpora),
            hint="another --library, and --data with these recordings alone",
        )
    if benchmark.stages and not _actions(opened):
        raise UsageError(
            f"{library} was not read for this benchmark: its stages are no actions",
            hint="another --library, and --data with the recordings",
        )
    return opened


def release_of(benchmark: Benchmark, sources: Sequence[Path]) -> HeldOut | None:
    """What the authors hold out, where the sources say so. Raises SourceError as ``held_out`` does."""
    return held_out(sources) if benchmark.stages else None


def run_benchmark(
    benchmark: Benchmark, split: str, library: Library, wish: Wish, progress: Progress | None = None
) -> PaperReport:
    """Run one split of a benchmark on its library.

    Raises:
        UsageError: there is no such split, system or fold, or too few people; nothing is trained.
        MissingExtraError: a system needs packages that are not installed; nothing is trained.
    """
    _, plan = benchmark.split(split)
    folds = folds_of(library, benchmark, plan, wish.release)
    run = _trials if plan.protocol in {"loso", "few-shot"} else _retrieval
    table = run(benchmark, plan, library, folds, wish=wish, progress=progress)
    ours = trial_lines(table) if isinstance(table, TrialTable) else retrieval_lines(table, benchmark.tested)
    tested = {one.person for one in table.results if one.dataset == benchmark.tested}
    title = f"{benchmark.title}, split {split}" + (RELEASED if wish.release and plan.folds else "")
    lines = [*_published(plan), *ours]
    return PaperReport(title, wish.synthetic, (len(tested), benchmark.people), lines, plan.differs, table)


def folds_of(
    library: Library, benchmark: Benchmark, plan: PaperSplit, release: HeldOut | None = None
) -> Folds:
    """Who is tested when: every n-th of the people in natural order; for ``class`` every n-th action, too.

    Where the authors of the data set hold out people and stages, these are the only fold.
    """
    keys = [key for key in library.sessions() if key.dataset == benchmark.tested]
    everybody = sorted({key.subject for key in keys}, key=natural)
    people = [one for one in everybody if not benchmark.named or one in benchmark.named]
    count = min(plan.folds or len(people), len(people))
    subjects = {number: tuple(people[number::count]) for number in range(count)}
    if release is not None and plan.folds:
        subjects = {0: _held_out(people, release)}
    if plan.protocol != "class":
        return Folds({benchmark.tested: subjects})
    done = _actions(library, benchmark.tested)
    names = sorted(set(done.values()) - {REST})
    actions = {number: tuple(names[number::count]) for number in range(count)}
    if release is not None:
        held = {action for label, action in done.items() if split_name(label)[0] in release.stages}
        actions = {0: tuple(sorted(held))}
    return Folds({benchmark.tested: subjects}, actions, meaning={benchmark.tested: done})


def retrieval_lines(table: Table, dataset: str) -> Iterator[Line]:
    """R@1 from EMG to text on the tested data set: a line for each system and set of candidates."""
    for part in table.parts:
        for system in part.systems:
            own = [one for one in part.results if (one.system, one.dataset) == (system, dataset)]
            what = ", ".join(filter(None, ("EMG to text, R@1", part.title)))
            counts = len({one.person for one in own}), float(np.mean([one.candidates for one in own]))
            yield _line(_ours(system), what, [one.values["R@1"] for one in own], *counts)


def trial_lines(table: TrialTable) -> Iterator[Line]:
    """Balanced accuracy, a line for each system."""
    for system in table.rows:
        own = [one for one in table.results if one.system == system]
        by_person = table.people(system, own[0].dataset)
        candidates = float(np.mean([one.actions for one in own]))
        yield _line(_ours(system), "balanced accuracy", list(by_person.values()), len(by_person), candidates)


def _retrieval(
    benchmark: Benchmark,
    plan: PaperSplit,
    library: Library,
    folds: Folds,
    *,
    wish: Wish,
    progress: Progress | None,
) -> Table:
    return evaluate_retrieval(
        library,
        plan.protocol,
        folds,
        config=wish.config,
        numbers=wish.numbers,
        simulated=wish.simulated,
        baselines=wish.baselines,
        jobs=wish.jobs,
        progress=progress,
        texts=stage_texts() if benchmark.stages else None,
    )


def _trials(
    benchmark: Benchmark,
    plan: PaperSplit,
    library: Library,
    folds: Folds,
    *,
    wish: Wish,
    progress: Progress | None,
) -> TrialTable:
    if wrong := [number for number in wish.numbers or () if number not in folds.numbers]:
        raise UsageError("unknown fold", got=wrong, exists=folds.numbers)
    usual: Sequence[str] = LOSO
    run: Callable[..., TrialTable] = evaluate_loso
    if plan.protocol == "few-shot":
        usual, run = FEW_SHOT, partial(evaluate_few_shot, shares=plan.shares)
    return run(
        library,
        folds,
        wish.baselines or usual,
        numbers=wish.numbers or folds.numbers,
        seeds=(wish.config.seed,),
        jobs=wish.jobs,
        progress=progress,
        read=PaperTrials.of(benchmark),
    )


def _held_out(people: Sequence[str], release: HeldOut) -> tuple[str, ...]:
    found = tuple(one for one in people if one in release.users)
    if not found:
        raise UsageError(
            "none of the people whom the authors of the data set hold out is among the recordings",
            got=f"{len(people)} people",
            hint="without metadata.csv among the recordings, groups of people are tested in turn",
        )
    return found


def _actions(library: Library, dataset: str | None = None) -> dict[str, str]:
    """The action of each label, of one data set or of all."""
    keys = (key for key in library.sessions() if dataset in {None, key.dataset})
    rows = (row for key in keys for row in library.segments_of(key))
    return {row.label: row.action for row in rows if row.label and row.action}


def _published(plan: PaperSplit) -> Iterator[Line]:
    for one in plan.published:
        yield Line(
            f"{one.system} (published)", one.what, one.value, None, plan.people, plan.actions, one.source
        )


def _line(system: str, what: str, values: Sequence[float], people: int, candidates: float) -> Line:
    percent = 100 * np.array(values, dtype=np.float64)
    low, high = bootstrap_interval(percent)
    interval = None if np.isnan(low) else (low, high)
    return Line(system, what, float(percent.mean()), interval, people, candidates, HERE)


def _ours(system: str) -> str:
    return f"{system} (ours)"


def _missing(benchmark: Benchmark, dataset: str, library: Path) -> UsageError:
    known = find_data_set(dataset)
    where = f"{known.page}: {known.how}" if known.address is None else f"myosem download {dataset}"
    return UsageError(
        f"{benchmark.title} needs recordings of {dataset}",
        got=f"none in {library}" if library.is_dir() else "no --data",
        expected=where,
        hint="--data FOLDER with what was downloaded",
    )
