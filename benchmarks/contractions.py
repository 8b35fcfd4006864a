"""How well contractions are found: events against labelled on and off times of four real data sets.

    python benchmarks/contractions.py [--data ../shared/data] [--fold 0]

NCT offline and causal beside detectors of NeuroKit2 and BioSPPy, in one run, on the same filtered frames. A
detector is shown at its documented default and with its main parameter and its input tuned on one fold.
Needs neurokit2 and biosppy. Writes benchmarks/results/contractions.md.
"""

import argparse
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import get_args

import numpy as np
from detectors import DETECTORS, Detector, Events, Input, Stretch, detect
from numpy.typing import NDArray

from myosem.folds import Folds, read_folds
from myosem.live import LiveContractions
from myosem.readers import read_recordings
from myosem.records import Recording, Span
from myosem.segments import contraction_events
from myosem.signal import Frames, to_frames

DATASETS = ("biopatrec_10mov4ch", "myo_readings", "myo_up", "unibo_inail")
RESULT = Path(__file__).parent / "results" / "contractions.md"
CHUNK_S, WARM_UP_S = 0.05, 15.0
DRAWS = 1000

Find = Callable[[Sequence[Frames], Sequence[Recording]], Events]


@dataclass(frozen=True)
class Session:
    """One session and its frames."""

    dataset: str
    subject: str
    recordings: list[Recording]
    frames: list[Frames]
    framing_s: float


@dataclass
class Score:
    """Counts of one person; errors in seconds, later is positive."""

    hits: int = 0
    missed: int = 0
    wrong: int = 0
    false_at_rest: int = 0
    rest_s: float = 0.0
    onsets_s: list[float] = field(default_factory=list)
    offsets_s: list[float] = field(default_factory=list)

    @property
    def f1(self) -> float:
        return 2 * self.hits / max(2 * self.hits + self.missed + self.wrong, 1)

    def value(self, name: str) -> float:
        """A column of the table; NaN where nothing was found."""
        if name == "F1":
            return self.f1
        if name == "false":
            return self.false_at_rest / self.rest_s * 3600
        errors = self.onsets_s if name == "onset" else self.offsets_s
        return float(np.median(np.abs(errors)) * 1000) if errors else float("nan")


@dataclass(frozen=True)
class Row:
    """One line of the table: a detector on all people."""

    name: str
    setting: str
    people: Mapping[tuple[str, str], Score]
    real_time: float

    def by_dataset(self, column: str) -> list[NDArray[np.float64]]:
        """One value a person, data set by data set."""
        return [
            np.array([one.value(column) for (dataset, _), one in self.people.items() if dataset == wanted])
            for wanted in sorted({dataset for dataset, _ in self.people})
        ]

    def mean(self, column: str) -> float:
        """Mean over data sets of the means over their people."""
        known = [values[~np.isnan(values)] for values in self.by_dataset(column)]
        means = [values.mean() for values in known if len(values)]
        return float(np.mean(means)) if means else float("nan")


def overlap(one: Stretch, other: Stretch) -> float:
    return max(min(one[1], other[1]) - max(one[0], other[0]), 0.0)


def share_of_union(one: Stretch, other: Stretch) -> float:
    """Intersection over union in time."""
    shared = overlap(one, other)
    return shared / (one[1] - one[0] + other[1] - other[0] - shared)


def score(events: Sequence[Stretch], spans: Sequence[Span], total: Score) -> None:
    """Add one recording's events to a person's score.

    An event and a labelled contraction belong together if they share more than half of their union, so at
    most one of each. An event that lies mostly where nothing is labelled counts neither way; a false
    activation lies mostly in labelled rest.
    """
    active = [(one.start_s, one.end_s) for one in spans if one.action != "rest"]
    rest = [(one.start_s, one.end_s) for one in spans if one.action == "rest"]
    found = 0
    for event in events:
        match = next((one for one in active if share_of_union(one, event) > 0.5), None)
        if match:
            found += 1
            total.onsets_s.append(event[0] - match[0])
            total.offsets_s.append(event[1] - match[1])
            continue
        half = (event[1] - event[0]) / 2
        at_rest = sum(overlap(event, one) for one in rest)
        if at_rest + sum(overlap(event, one) for one in active) >= half:
            total.wrong += 1
            total.false_at_rest += at_rest >= half
    total.hits += found
    total.missed += len(active) - found
    total.rest_s += sum(end - start for start, end in rest)


def read_sessions(data: Path) -> list[Session]:
    """All sessions of the four data sets, with their frames."""
    sessions = []
    for dataset in DATASETS:
        groups: dict[tuple[str, str], list[Recording]] = {}
        for recording in read_recordings(data / dataset):
            groups.setdefault((recording.subject, recording.session), []).append(recording)
        for (subject, _), recordings in groups.items():
            start = time.perf_counter()
            frames = [to_frames(recording) for recording in recordings]
            sessions.append(Session(dataset, subject, recordings, frames, time.perf_counter() - start))
    return sessions


def run(name: str, setting: str, find: Find, sessions: Sequence[Session], framed: bool = True) -> Row:
    """Find and judge the events of all sessions; ``framed`` if it starts from the common frames."""
    people: dict[tuple[str, str], Score] = {}
    seconds = 0.0
    for session in sessions:
        start = time.perf_counter()
        events = find(session.frames, session.recordings)
        seconds += time.perf_counter() - start + framed * session.framing_s
        total = people.setdefault((session.dataset, session.subject), Score())
        for recording, own in zip(session.recordings, events, strict=True):
            score(own, recording.spans, total)
    recorded = sum(one.duration_s for session in sessions for one in session.recordings)
    return Row(name, setting, people, recorded / seconds)


def tuned(detector: Detector, sessions: Sequence[Session]) -> tuple[float | None, Input]:
    """The value of the main parameter and the input with the highest F1."""
    choices = [(value, kind) for kind in get_args(Input) for value in (None, *detector.values)]
    return max(choices, key=lambda one: run("", "", partial(detect, detector, *one), sessions).mean("F1"))


@dataclass
class Live:
    """The causal form, fed with 50 ms at a time; remembers how late it told what."""

    opened_s: list[float] = field(default_factory=list)
    closed_s: list[float] = field(default_factory=list)
    events: list[Events] = field(default_factory=list)

    def __call__(self, _: Sequence[Frames], recordings: Sequence[Recording]) -> Events:
        first = recordings[0]
        source = LiveContractions(first.rate_hz, len(first.channels), first.signal)
        self.events.append([self._recording(source, recording) for recording in recordings])
        return self.events[-1]

    def _recording(self, source: LiveContractions, recording: Recording) -> list[Stretch]:
        found: list[Stretch] = []
        step = round(CHUNK_S * recording.rate_hz)
        for first in range(0, len(recording.samples), step):
            now_s = min(first + step, len(recording.samples)) / recording.rate_hz
            for event in source.push(recording.samples[first : first + step]):
                if event.end_s is None:
                    self.opened_s.append(now_s - event.start_s)
                else:
                    self.closed_s.append(now_s - event.end_s)
                    found.append((event.start_s, event.end_s))
        return found + [(one.start_s, one.end_s) for one in source.finish() if one.end_s is not None]


def agreement(offline: Sequence[Events], causal: Sequence[Events]) -> float:
    """F1 of causal events against offline ones, after the first seconds of each session."""
    total = Score()
    for expected, found in zip(offline, causal, strict=True):
        for number, (one, other) in enumerate(zip(expected, found, strict=True)):
            start_s = 0.0 if number else WARM_UP_S
            spans = [Span(*event, "?") for event in one if event[0] >= start_s]
            hits = sum(
                any(share_of_union(event, (s.start_s, s.end_s)) > 0.5 for event in other) for s in spans
            )
            total.hits += hits
            total.missed += len(spans) - hits
            total.wrong += sum(event[0] >= start_s for event in other) - hits
    return total.f1


def interval(groups: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
    """95 % interval of the mean over data sets, by drawing people within each."""
    generator = np.random.default_rng(0)
    draws = [
        np.mean([generator.choice(values, len(values)).mean() for values in groups]) for _ in range(DRAWS)
    ]
    low, high = np.percentile(draws, (2.5, 97.5))
    return float(low), float(high)


def line(row: Row, nct: Row) -> str:
    """A row of the main table."""
    low, high = interval(row.by_dataset("F1"))
    cells = [row.name, row.setting, f"{row.mean('F1'):.3f} [{low:.3f}, {high:.3f}]"]
    if row is nct:
        cells.append("")
    else:
        ahead = [one - other for one, other in zip(nct.by_dataset("F1"), row.by_dataset("F1"), strict=True)]
        low, high = interval(ahead)
        cells.append(f"{nct.mean('F1') - row.mean('F1'):+.3f} [{low:+.3f}, {high:+.3f}]")
    cells += [f"{row.mean(column):.0f}" for column in ("onset", "offset", "false")]
    return f"| {' | '.join([*cells, f'{row.real_time:.0f}'])} |"


def better(rows: Sequence[Row]) -> list[str]:
    """Sentences that name every other row that is better than offline NCT in something."""
    nct, *others = rows
    found = []
    for number, dataset in enumerate(DATASETS):
        own = nct.by_dataset("F1")[number].mean()
        found.append(
            (f"F1 on {dataset}", [one for one in others if one.by_dataset("F1")[number].mean() > own])
        )
    for column, title in (("onset", "onset"), ("offset", "offset"), ("false", "false activations")):
        own = nct.mean(column)
        found.append((title, [one for one in others if one.mean(column) < own]))
    lines = ["Better than offline NCT (time errors are those of each detector's own right events):", ""]
    for title, ahead in found:
        names = "; ".join(f"{one.name} ({one.setting.split(':')[0]})" for one in ahead)
        lines.append(f"- {title}: {names or 'none'}")
    return lines


def tables(rows: Sequence[Row], live: Live, offline: Sequence[Events], sessions: Sequence[Session]) -> str:
    """The result as Markdown."""
    nct = rows[0]
    lines = [
        "| detector | setting | F1 [95 %] | offline NCT ahead by [95 %] | onset ms | offset ms "
        "| false activations/h of rest | times real time |",
        "|---|---|---|---|---|---|---|---|",
        *(line(row, nct) for row in rows),
        "",
        f"F1 by data set:\n\n| detector | setting | {' | '.join(DATASETS)} |",
        "|---|---|" + "---|" * len(DATASETS),
    ]
    for row in rows:
        cells = " | ".join(f"{values.mean():.3f}" for values in row.by_dataset("F1"))
        lines.append(f"| {row.name} | {row.setting} | {cells} |")
    lines += ["", *better(rows), "", "Causal against offline, events after the first 15 s of a session:", ""]
    lines += ["| data set | F1 |", "|---|---|"]
    for dataset in DATASETS:
        chosen = [number for number, one in enumerate(sessions) if one.dataset == dataset]
        agree = agreement([offline[i] for i in chosen], [live.events[i] for i in chosen])
        lines.append(f"| {dataset} | {agree:.3f} |")
    for what, delays in (("start", live.opened_s), ("end", live.closed_s)):
        middle, late, worst = np.percentile(delays, (50, 95, 100))
        lines.append(
            f"\nTold {middle:.2f} s after its {what} (median; 95 %: {late:.2f} s, worst {worst:.2f} s)."
        )
    return "\n".join(lines)


def measure(sessions: Sequence[Session], folds: Folds, fold: int) -> str:
    """All detectors on all sessions."""
    tuning = [one for one in sessions if one.subject in folds.people.get(one.dataset, {}).get(fold, ())]
    live = Live()
    rows = [
        run("NCT, offline", "shipped", contraction_events, sessions),
        run("NCT, causal", "shipped", live, sessions, framed=False),
    ]
    for detector in DETECTORS:
        rows.append(run(detector.name, "default", partial(detect, detector, None, "envelope"), sessions))
        value, kind = tuned(detector, tuning)
        setting = f"tuned: {detector.parameter} {'default' if value is None else f'{value:g}'}, {kind}"
        rows.append(run(detector.name, setting, partial(detect, detector, value, kind), sessions))
        print(
            *(f"{row.name}, {row.setting}: {row.mean('F1'):.3f}" for row in rows[-2:]), sep="\n", flush=True
        )
    offline = [contraction_events(one.frames, one.recordings) for one in sessions]
    return tables(rows, live, offline, sessions)


def main() -> None:
    """Read, run, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--fold", type=int, default=0, help="the fold detectors are tuned on")
    options = parser.parse_args()
    sessions = read_sessions(options.data)
    found = measure(sessions, read_folds(options.data / "folds.yaml"), options.fold)
    hours = sum(one.duration_s for session in sessions for one in session.recordings) / 3600
    people = len({(one.dataset, one.subject) for one in sessions})
    text = (
        ABOUT.format(hours=hours, people=people, fold=options.fold, machine=platform.machine()) + found + "\n"
    )
    print(text)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(text, encoding="utf-8")


ABOUT = """# Contractions

{people} people, {hours:.1f} hours of four data sets with labelled on and off times. An event is right if it
shares more than half of its union with a labelled contraction. Values are means over data sets of the means
over people; intervals come from drawing people. Onset and offset: median absolute difference from the label.
Labels follow the instruction (`myo_readings`, `myo_up`, and `biopatrec_10mov4ch` without the first 0.3 s of
each phase) or are trimmed by hand (`unibo_inail`), so a part of every time error is the person's.

All detectors get the same filtered frames, whole sessions, and NCT's merging and minimum length; those for
one channel get the mean over channels of the envelope over rest. "Tuned": main parameter, and envelope or
decibels as input, by the F1 on fold {fold}, which is among the people shown. NCT's constants were chosen on
fold {fold} too, but after its form had been worked out with all people in view; see the log. Recordings of a
session run one after the other through the causal form, which filters them itself. One core, {machine}.

"""


if __name__ == "__main__":
    main()
