"""Papers' benchmarks from files to a table, on made-up files in the layouts of the data sets."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from corpus_builders import epn_content, epn_sample
from hdf5_builders import pose_table, write_pose
from ninapro_builders import emg_for, save
from typer.testing import CliRunner

from myosem import protocols
from myosem.cli.app import app
from myosem.errors import UsageError
from myosem.ingest import ingest
from myosem.paper_runs import (
    HEAD,
    HERE,
    SYNTHETIC,
    Line,
    PaperReport,
    folds_of,
    prepare,
    release_of,
)
from myosem.papers import Benchmark, find_benchmark
from myosem.retriever import Remembering, exported_tower
from myosem.stages import HeldOut, stages
from myosem.trial_table import Row, TrialResult, TrialTable

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
    published, ours_apart = shown.partition(f"## This run: {SYNTHETIC}")[::2]
    assert "(ours)" not in published and "(published)" not in ours_apart
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


@pytest.mark.slow
def test_db2_without_some_actions_from_files_to_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for subject in (1, 2):
        write_ninapro(tmp_path / "data", 2, subject)
    asked: list[frozenset[str]] = []

    def packaged(withheld: frozenset[str], seed: int) -> Remembering:
        """In place of a tower grounded anew, which takes minutes."""
        asked.append(withheld)
        return exported_tower()

    monkeypatch.setattr(protocols, "tower_without", packaged)
    data = ("--data", str(tmp_path / "data"), "--json", *MADE_UP)
    kept = json.loads(run("ninapro-db2", "--split", "class", "--fold", "0", "--baseline", "td-lda", *data))
    assert len(asked) == 1 and "fist" in asked[0]
    ours = [one for one in kept["lines"] if one["source"] == "this run"]
    assert {one["what"] for one in ours} >= {"EMG to text, R@1, among all actions"}
    assert {one["person"] for one in kept["table"]["results"]} == {"ninapro_db2/S1"}


def test_people_and_held_out_actions_are_tested_once_each(tmp_path: Path) -> None:
    for subject in (1, 2, 10):
        write_ninapro(tmp_path / "data", 2, subject)
    benchmark = find_benchmark("ninapro-db2")
    library = prepare(benchmark, tmp_path / "lib", [tmp_path / "data"])
    folds = folds_of(library, benchmark, benchmark.splits["class"])
    assert folds.people == {"ninapro_db2": {0: ("S1",), 1: ("S2",), 2: ("S10",)}}
    assert folds.actions == {0: ("fist",), 1: ("point",), 2: ("wrist-flexion",)}


def test_db4_with_some_trials_labelled(tmp_path: Path) -> None:
    for subject in (1, 2):
        write_ninapro(tmp_path / "data", 4, subject, labels=(1, 6, 2))
    wanted = ("--data", str(tmp_path / "data"), "--baseline", "covariance-lda-raw", "--synthetic", "--json")
    kept = json.loads(run("ninapro-db4", "--split", "few-shot", *wanted))
    published = [(one["system"], one["value"]) for one in kept["lines"] if one["source"] != "this run"]
    assert published[0] == ("AEMG-Large, 5 % labelled (published)", 85.18)
    trials = {one["system"].split("; ")[1]: one["trials"] for one in kept["table"]["results"]}
    assert trials == {  # two gestures, three times each
        "5 % labelled": 4,
        "20 % labelled": 4,
        "40 % labelled": 4,
        "80 % labelled": 2,
        "intra-subject": 6,
    }


def write_epn612(root: Path, user: int) -> None:
    """Each gesture three times, samples of three seconds."""
    gestures = ["noGesture", "fist", "open"] * 3
    made = [epn_sample(gesture, 600, seed=10 * user + place) for place, gesture in enumerate(gestures)]
    content = epn_content() | {"trainingSamples": {f"idx_{n + 1}": one for n, one in enumerate(made)}}
    content["testingSamples"] = {
        "idx_1": epn_sample(None, 600, seed=10 * user + 9)
    }  # equal ones are of one person
    path = root / f"EMG-EPN612 Dataset/trainingJSON/user{user}/user{user}.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(content))


STAGES = ("FingerWigglingSpreading", "PlayBlocksChess_both", "WristFlexionAbduction_left")


def write_stages(root: Path, user: str, stages: Sequence[str] = STAGES) -> None:
    """20 s of each stage by the left hand, loud every other second, each on other electrodes."""
    for number, stage in enumerate(stages):
        table = pose_table(20 * 2000)
        loud = (np.arange(len(table)) // 2000) % 2 == 1
        table["emg"][loud, number::3] *= 8
        table["emg"] *= 1 + 0.01 * int(user)
        write_pose(root / f"{user}-{number}_left.hdf5", table, user=user, stage=stage, session=f"s{user}")


def write_metadata(root: Path) -> None:
    """User 2 and the first stage are held out."""
    rows = [
        f"{user},{stage.split('_')[0]},{user == '2'},{number == 0}"
        for user in "123"
        for number, stage in enumerate(STAGES)
    ]
    header = "user,stage,held_out_user,held_out_stage"
    (root / "metadata.csv").write_text("\n".join([header, *rows]) + "\n")


def test_stages_are_classes_and_the_release_says_what_is_held_out(tmp_path: Path) -> None:
    for user in ("1", "2", "3"):
        write_stages(tmp_path / "data", user)
    write_metadata(tmp_path / "data")
    benchmark, sources = find_benchmark("emg2pose"), [tmp_path / "data"]
    library, release = prepare(benchmark, tmp_path / "lib", sources), release_of(benchmark, sources)
    names = sorted(stages()[one.split("_")[0]].id for one in STAGES)
    own = folds_of(library, benchmark, benchmark.splits["class"], release)
    assert own.people == {"emg2pose": {0: ("2",)}}
    assert own.actions == {0: ("finger-wiggling-and-spreading",)}
    assert own.meant("emg2pose", "PlayBlocksChess_both") == "playing-with-blocks-and-chess-pieces"
    groups = folds_of(library, benchmark, benchmark.splits["class"])
    assert groups.people == {"emg2pose": {0: ("1",), 1: ("2",), 2: ("3",)}}
    assert [one for group in groups.actions.values() for one in group] == names
    with pytest.raises(UsageError, match="none of the people whom the authors"):
        folds_of(library, benchmark, benchmark.splits["user"], HeldOut(frozenset("9"), frozenset()))


@pytest.mark.slow
def test_stages_of_emg2pose_from_files_to_a_table(tmp_path: Path) -> None:
    for user in ("1", "2", "3"):
        write_stages(tmp_path / "data", user)
    write_metadata(tmp_path / "data")
    shown = run(
        *("emg2pose", "--split", "user", "--baseline", "covariance-lda"),
        *("--data", str(tmp_path / "data"), *MADE_UP),
    )
    assert shown.startswith(f"# {SYNTHETIC}: emg2pose, words and EMG")
    assert "held out as by the authors of the data set" in shown.splitlines()[0]
    assert "| MyoSem (published) | EMG to text, Recall | 91.76 | not stated | not stated |" in shown
    assert "1 of 193 people tested" in shown
    for system in ("MyoSem", "TD + covariance LDA", "chance"):
        line = rf"\| {re.escape(system)} \(ours\) \| EMG to text, R@1 \| .* \| 1 \| 3 \|"
        assert re.search(line, shown), system


@pytest.mark.slow
@pytest.mark.parametrize(("split", "lines"), [("rand", 3), ("class", 3)])
def test_other_splits_of_emg2pose_run(tmp_path: Path, split: str, lines: int) -> None:
    for user in ("1", "2", "3"):
        write_stages(tmp_path / "data", user)
    wanted = ("--data", str(tmp_path / "data"), "--baseline", "covariance-lda", "--json", *MADE_UP)
    kept = json.loads(run("emg2pose", "--split", split, *wanted))
    ours = [one for one in kept["lines"] if one["source"] == "this run"]
    assert len(ours) == lines and all(one["candidates"] == 3 and one["people"] == 3 for one in ours)


def test_a_library_without_stages_as_actions_is_refused(tmp_path: Path) -> None:
    write_stages(tmp_path / "data", "1")
    ingest(tmp_path / "lib", [tmp_path / "data"], model=None)
    with pytest.raises(UsageError, match="was not read for this benchmark"):
        prepare(find_benchmark("emg2pose"), tmp_path / "lib", [])


@pytest.mark.slow
def test_db3_from_files_to_a_table(tmp_path: Path) -> None:
    for subject in (1, 2):
        write_ninapro(tmp_path / "data", 2, subject)
    write_ninapro(tmp_path / "data", 3, 4)
    wanted = ("--data", str(tmp_path / "data"), "--baseline", "harmonic-lda", *MADE_UP, "--json")
    kept = json.loads(run("ninapro-db3", "--amputee", *wanted))
    assert kept["people"] == {"here": 1, "benchmark": 11}
    assert {one["person"] for one in kept["table"]["results"]} == {"ninapro_db3/S4"}


def test_epn612_from_files_to_a_table(tmp_path: Path) -> None:
    for user in (1, 2, 101):
        write_epn612(tmp_path / "data", user)
    wanted = ("--data", str(tmp_path / "data"), "--baseline", "td-lda", "--synthetic", "--json")
    kept = json.loads(run("epn612", "--split", "loso", *wanted))
    assert kept["people"] == {"here": 2, "benchmark": 100}
    assert {one["person"] for one in kept["table"]["results"]} == {
        "epn612/training-user1",
        "epn612/training-user2",
    }


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


def test_real_numbers_stand_beside_published_ones_and_made_up_ones_apart() -> None:
    own = TrialResult("LDA", "set", "p1", fold=0, seed=0, trials=4, missed=0, actions=2, accuracy=0.5)
    table = TrialTable("t", {}, {"LDA": Row("none", 0.1)}, [own])
    lines = [
        Line("Theirs (published)", "accuracy", 80.0, None, None, None, "a paper"),
        Line("Mine (ours)", "accuracy", 70.0, (60.0, 75.0), 3, 2, HERE),
    ]

    def tables(synthetic: bool) -> list[list[str]]:
        report = PaperReport("title", synthetic, (3, 3), lines, ["not the same"], table)
        parts = [part.partition("\n\n")[0] for part in report.markdown().split(HEAD)[1:]]
        return [re.findall(r"Theirs|Mine", part) for part in parts]

    assert tables(synthetic=False) == [["Theirs", "Mine"]]
    assert tables(synthetic=True) == [["Theirs"], ["Mine"]]
