"""Papers' benchmarks from files to a table, on made-up files in the layouts of the data sets."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from ninapro_builders import emg_for, save
from trial_toys import toy_trials
from typer.testing import CliRunner

from myosem.cli.app import app
from myosem.errors import UsageError
from myosem.paper_runs import SYNTHETIC, folds_of, prepare, selected
from myosem.papers import Benchmark, find_benchmark

MADE_UP = ("--steps", "2", "--synthetic")


@pytest.fixture(autouse=True)
def _threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)


def write_ninapro(root: Path, database: int, subject: int, labels: tuple[int, ...] = (6, 7, 13)) -> Path:
    """Movements of exercise B, three times each, a second each and a second of rest between."""
    exercise = 2 if database == 4 else 1
    order = [label for label in labels for _ in range(3)]
    stimulus = np.repeat([each for label in order for each in (0, label)] + [0], 2000)[:, None]
    repetition = np.repeat([each for n in range(len(order)) for each in (0, n % 3 + 1)] + [0], 2000)[:, None]
    emg = emg_for(stimulus, 12, 100.0, seed=100 * database + subject)
    for number, label in enumerate(labels):
        emg[(stimulus == label)[:, 0], number::3] *= 4
    made = {"emg": emg, "restimulus": stimulus.astype(np.uint8), "rerepetition": repetition.astype(np.uint8)}
    return save(root / f"DB{database}_s{subject}/S{subject}_E{exercise}_A1.mat", made)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["benchmark", *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_db4_from_files_to_a_table(tmp_path: Path) -> None:
    for subject in (1, 2, 3):
        write_ninapro(tmp_path / "data", 4, subject, labels=(1, 6, 2))
    wanted = ("--data", str(tmp_path / "data"), "--baseline", "td-lda", "--synthetic")
    shown = run("ninapro-db4", *wanted, "--out", str(tmp_path / "table.json"))
    assert shown.startswith(f"# {SYNTHETIC}: NinaPro DB4")
    assert "3 of 10 people tested. This is a part of the benchmark." in shown
    assert "| AEMG-Large (published) | LOSO, accuracy | 88.10 | not stated | 10 |" in shown
    kept = json.loads((tmp_path / "table.json").read_text())
    [ours] = [line for line in kept["lines"] if line["source"] == "this run"]
    assert (ours["people"], ours["candidates"]) == (3, 2)  # label 2 is none of the ten gestures, nor is rest
    results = kept["table"]["results"]
    assert [(one["fold"], one["person"], one["trials"]) for one in results] == [
        (number, f"ninapro_db4/S{number + 1}", 6) for number in range(3)
    ]
    assert ours["value"] == pytest.approx(100 * np.mean([one["accuracy"] for one in results]))
    with pytest.raises(UsageError, match="unknown fold"):
        run("ninapro-db4", *wanted, "--fold", "3")


@pytest.mark.slow
def test_db2_from_files_to_a_table(tmp_path: Path) -> None:
    for subject in (1, 2):
        write_ninapro(tmp_path / "data", 2, subject)
    kept = ("--library", str(tmp_path / "lib"), *MADE_UP)
    data = ("--data", str(tmp_path / "data"))
    shown = run("ninapro-db2", "--split", "user", "--fold", "1", "--baseline", "covariance-lda", *data, *kept)
    assert shown.startswith(f"# {SYNTHETIC}: NinaPro DB2")
    assert "| MyoSem (published) | EMG to text, Recall | 67.08 |" in shown
    for system in ("MyoSem", "TD + covariance LDA", "chance"):
        assert f"| {system} (ours) | EMG to text, R@1 |" in shown
    assert "1 of 40 people tested" in shown and "does not say how deep its Recall looks" in shown
    again = run("ninapro-db2", "--split", "rand", "--baseline", "covariance-lda", *kept, "--json")
    assert json.loads(again)["people"] == {"here": 2, "benchmark": 40}


def test_people_and_held_out_actions_are_tested_once_each(tmp_path: Path) -> None:
    for subject in (1, 2, 10):
        write_ninapro(tmp_path / "data", 2, subject)
    benchmark = find_benchmark("ninapro-db2")
    library = prepare(benchmark, tmp_path / "lib", [tmp_path / "data"])
    folds = folds_of(library, benchmark, benchmark.splits["class"])
    assert folds.people == {"ninapro_db2": {0: ("S1",), 1: ("S2",), 2: ("S10",)}}
    assert folds.actions == {0: ("fist",), 1: ("point",), 2: ("wrist-flexion",)}


def test_only_people_and_actions_of_the_benchmark_stay() -> None:
    made = [toy_trials(one, ("fist", "rest", "point", None)) for one in ("p1", "p2", "p3")]
    base = find_benchmark("ninapro-db4")
    benchmark = base.model_copy(update={"subjects": "p{number}", "people": 2, "actions": ("fist", "point")})
    kept = selected(made, benchmark)
    assert [one.subject for one in kept] == ["p1", "p2"]
    assert [one.trials for one in kept] == [("fist", "point")] * 2
    assert all(len(one) == 2 for one in kept)
    assert selected(made, base.model_copy(update={"actions": ()})) == made


def test_without_recordings_it_says_where_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"needs recordings of ninapro_db2.*ninapro.hevs.ch.*--data"):
        prepare(find_benchmark("ninapro-db2"), tmp_path / "lib", [])
    write_ninapro(tmp_path / "data", 3, 4)
    amputees: Benchmark = find_benchmark("ninapro-db3")
    with pytest.raises(UsageError, match=r"needs recordings of ninapro_db2; got none in"):
        prepare(amputees, tmp_path / "lib", [tmp_path / "data"])


def test_other_data_sets_are_refused_as_they_would_be_learned_from(tmp_path: Path) -> None:
    for database in (2, 4):
        write_ninapro(tmp_path / "data", database, 1)
    with pytest.raises(UsageError, match=r"other data sets.*got ninapro_db4"):
        prepare(find_benchmark("ninapro-db2"), tmp_path / "lib", [tmp_path / "data"])


def test_amputee_is_a_split(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--amputee is --split amputee"):
        run("ninapro-db3", "--amputee", "--split", "rand")
    with pytest.raises(UsageError, match="no such split; got amputee"):
        run("ninapro-db2", "--amputee")


def test_without_a_name_all_are_listed() -> None:
    shown = run()
    assert all(name in shown for name in ("ninapro-db2", "ninapro-db3", "ninapro-db4", "epn612"))
