"""What it costs to put the band on one electrode further round, when nobody says so.

    python benchmarks/turned.py LIBRARY --folds ../shared/data/folds.yaml

Every session under test is judged as it is and with its channels moved on by one; training is the same. AEMG
is taken without its encoder, beside the plain baseline. Writes benchmarks/results/turned.md.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from myosem.aemg import Aemg
from myosem.corpus import sessions_of
from myosem.folds import Folds, read_folds
from myosem.library import Library
from myosem.records import Recording
from myosem.systems import System, load_system
from myosem.trial_runs import Task, judge_person
from myosem.trial_table import Row, TrialResult, TrialTable
from myosem.trials import TrialSession, actions_by_dataset, people_of, prepare_trials

RESULT = Path(__file__).parent / "results" / "turned.md"
TURNS = {"as worn": 0, "one electrode on": 1, "one electrode back": -1}
SYSTEMS: dict[str, System] = {
    "TD + covariance LDA": load_system("covariance-lda"),
    "AEMG without its encoder": Aemg("AEMG without its encoder", steps=0, simulated=0),
}


def turned(recordings: Sequence[Recording], turn: int) -> list[Recording]:
    """The channels of each recording moved on, the angles as they were."""
    return [replace(one, samples=np.roll(np.asarray(one.samples), turn, axis=1)) for one in recordings]


def judge(sessions: dict[str, list[TrialSession]], folds: Folds) -> list[TrialResult]:
    """Both systems on all folds and turns."""
    results = []
    for fold in folds.numbers:
        training, _ = folds.split(sessions["as worn"], fold)
        actions = actions_by_dataset(training)
        for name, system in SYSTEMS.items():
            fitted = system.fit(training, 0)
            for turn, turned_sessions in sessions.items():
                _, tested = folds.split(turned_sessions, fold)
                title = f"{name}, {turn}"
                results += [
                    judge_person(fitted, title, own, actions[own[0].dataset], Task(title, fold, 0))
                    for own in people_of(tested).values()
                ]
    return results


def markdown(table: TrialTable) -> str:
    """A row a system and turn, then what the turns cost."""
    head = ["", *table.datasets, "mean"]
    lines = ["# The band one electrode further round, unknown to anybody", "", f"| {' | '.join(head)} |"]
    lines.append("|" + "---|" * len(head))
    for title in table.rows:
        values = [np.mean(list(table.people(title, dataset).values())) for dataset in table.datasets]
        lines.append(
            f"| {title} | {' | '.join(f'{value:.3f}' for value in values)} | **{table.mean(title):.3f}** |"
        )
    lost = {
        name: table.mean(f"{name}, as worn")
        - np.mean([table.mean(f"{name}, {turn}") for turn in TURNS if TURNS[turn]])
        for name in SYSTEMS
    }
    baseline, own = lost.values()
    lines += [
        "",
        f"Lost on average: baseline {100 * baseline:.1f} points, AEMG {100 * own:.1f} points, "
        f"{own / baseline:.2f} of it (goal: less than 0.33).",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", type=Path)
    parser.add_argument("--folds", type=Path, required=True)
    options = parser.parse_args()
    recorded = list(sessions_of(Library.open(options.library)))
    sessions = {
        name: [prepare_trials(turned(recordings, turn), person) for recordings, person in recorded]
        for name, turn in TURNS.items()
    }
    results = judge(sessions, read_folds(options.folds))
    rows = {f"{name}, {turn}": Row("session", 0.0) for name in SYSTEMS for turn in TURNS}
    text = markdown(TrialTable("", {}, rows, results))
    RESULT.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
