"""What each part of AEMG is worth: trials of people never seen, one part taken away at a time.

    python benchmarks/ablation.py LIBRARY --folds ../shared/data/folds.yaml

Everything but the encoder is fitted in closed form, so the parts are judged without it; what the encoder adds
is in loso.md. Each difference is over the same people, with its 95 % interval. Writes
benchmarks/results/ablation.md.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from myosem import adaptation
from myosem.aemg import Aemg
from myosem.corpus import Session, sessions_of
from myosem.features import GROUPS, channel_features, to_harmonics
from myosem.folds import Folds, read_folds
from myosem.library import Library
from myosem.records import Recording, Segment
from myosem.ring import HARMONICS
from myosem.segments import label_segments
from myosem.systems import Context
from myosem.trial_runs import Task, judge_person
from myosem.trial_table import Row, TrialResult, TrialTable
from myosem.trials import TrialSession, actions_by_dataset, people_of, prepare_trials

RESULT = Path(__file__).parent / "results" / "ablation.md"
SLICE_S = 1.0
WHOLE = "all parts"

Prepare = Callable[[Sequence[Recording], str], TrialSession]


def blind(recordings: Sequence[Recording], person: str) -> TrialSession:
    """Slices of one second, whatever happens in them, in place of contractions."""
    segments = [
        Segment(number, start, min(start + SLICE_S, recording.duration_s), "contraction")
        for number, recording in enumerate(recordings)
        for start in np.arange(0, max(recording.duration_s - SLICE_S / 2, SLICE_S / 2), SLICE_S).tolist()
    ]
    whole = prepare_trials(recordings, person)
    channels = channel_features(recordings, segments)
    spans = tuple(label_segments(recordings, segments))
    own = [span for recording in recordings for span in recording.spans if span.action]
    number = {id(span): trial for trial, span in enumerate(own)}
    session: Session = replace(whole.session, features=to_harmonics(channels), channels=channels, spans=spans)
    trial_of = np.array([number.get(id(span), -1) if span else -1 for span in spans], dtype=np.int64)
    return replace(whole, session=session, trial_of=trial_of)


def without_angles(recordings: Sequence[Recording], person: str) -> TrialSession:
    """Electrodes in the order of the file, nobody knows where."""
    bare = [
        replace(one, channels=tuple(replace(channel, angle_deg=None) for channel in one.channels))
        for one in recordings
    ]
    return prepare_trials(bare, person)


def without_steps(recordings: Sequence[Recording], person: str) -> TrialSession:
    """No covariance of the steps between samples."""
    whole = prepare_trials(recordings, person)
    first = GROUPS * HARMONICS + HARMONICS**2
    values = whole.session.features.copy()
    values[:, first : first + HARMONICS**2] = 0
    return replace(whole, session=replace(whole.session, features=values))


@contextmanager
def changed(**values: object) -> Iterator[None]:
    """Other constants of ``myosem.adaptation`` for a while."""
    before = {name: getattr(adaptation, name) for name in values}
    for name, value in values.items():
        setattr(adaptation, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(adaptation, name, value)


def judge(
    title: str, sessions: Sequence[TrialSession], folds: Folds, context: Context = "session"
) -> list[TrialResult]:
    """All folds of one variant."""
    results = []
    for fold in folds.numbers:
        training, tested = folds.split(sessions, fold)
        actions = actions_by_dataset(training)
        fitted = Aemg(title, context, steps=0, simulated=0).fit(training, 0)
        results += [
            judge_person(fitted, title, own, actions[own[0].dataset], Task(title, fold, 0))
            for own in people_of(tested).values()
        ]
    return results


def run(library: Library, folds: Folds) -> TrialTable:
    """Every variant."""
    begun = time.monotonic()

    def read(prepare: Prepare) -> list[TrialSession]:
        sessions = [prepare(recordings, person) for recordings, person in sessions_of(library)]
        return [session for session in sessions if session.trials]

    sessions = read(prepare_trials)
    results = judge(WHOLE, sessions, folds)
    constants: dict[str, dict[str, object]] = {
        "band never turned back": {"MOST_DOUBT": np.inf, "TURN_DOUBT": np.inf},
        "nothing learned from the session": {"ROUNDS": 0},
        "without the words (tokens)": {"VIEW_WEIGHTS": (1, 1, 0)},
        "words (tokens) only": {"VIEW_WEIGHTS": (0, 0, 1)},
        "every number on its own scale only": {"VIEW_WEIGHTS": (1, 0, 1)},
    }
    for title, values in constants.items():
        with changed(**values):
            results += judge(title, sessions, folds)
    results += judge("no session at all: neither its scale nor learning from it", sessions, folds, "none")
    results += judge("blind slices in place of contractions", read(blind), folds)
    results += judge("without the covariance of steps", read(without_steps), folds)
    results += judge("angles of the electrodes unknown", read(without_angles), folds)
    titles = dict.fromkeys(result.system for result in results)
    about = {"folds": len(folds.numbers), "minutes": round((time.monotonic() - begun) / 60, 1)}
    return TrialTable("", about, {title: Row("session", 0.0) for title in titles}, results)


def markdown(table: TrialTable) -> str:
    """A row a variant: balanced accuracy of each set, mean, and the difference to all parts."""
    head = ["AEMG without its encoder", *table.datasets, "mean", "difference [95 %]"]
    lines = [
        "# What each part is worth (trial-level balanced accuracy, people never seen)",
        "",
        ", ".join(f"{key} {value}" for key, value in table.about.items()),
        "",
        f"| {' | '.join(head)} |",
        "|" + "---|" * len(head),
    ]
    for title in table.rows:
        values = [np.mean(list(table.people(title, dataset).values())) for dataset in table.datasets]
        mean, (low, high) = table.margin(title, WHOLE)
        change = "" if title == WHOLE else f"{100 * mean:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"
        cells = [title, *(f"{value:.3f}" for value in values), f"**{table.mean(title):.3f}**", change]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", type=Path)
    parser.add_argument("--folds", type=Path, required=True)
    options = parser.parse_args()
    text = markdown(run(Library.open(options.library), read_folds(options.folds)))
    RESULT.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
