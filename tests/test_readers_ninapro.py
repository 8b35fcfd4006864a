"""What is peculiar to NinaPro's data sets; the conformance suite covers the rest."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import zip_folder
from ninapro_builders import NINAPRO, ROWS, content, more, movements, save

from myosem.errors import KnownBadError, SourceError, UnknownFormatError
from myosem.prompts import action_for_name, load_actions
from myosem.readers import READERS, SourceFile, read_recordings, reader_for
from myosem.readers.ninapro_movements import DB8_MOVEMENTS, DB10_GRASPS, EXERCISES, exercise_labels
from myosem.records import Recording

EIGHTH = ROWS // 8


def one(path: Path, reader: str | None = None) -> Recording:
    (recording,) = read_recordings(path, reader)
    return recording


def labels_of(recording: Recording) -> list[str]:
    return [span.label for span in recording.spans if span.action != "rest"]


def db2(path: Path, first: int, second: int, **changes: Any) -> Path:
    return save(path, content(first, second, columns=12) | more(acc=36, inclin=2) | changes)


def test_exercises_are_whole_and_their_actions_exist() -> None:
    assert {letter: len(labels) for letter, labels in EXERCISES.items()} == {
        "A": 12,
        "B": 17,
        "C": 23,
        "D": 9,
    }
    everything = [label for labels in EXERCISES.values() for label in labels]
    assert len({text for text, _ in everything}) == len({action for _, action in everything}) == 61
    for text, action in [*everything, *DB8_MOVEMENTS.values(), *DB10_GRASPS.values()]:
        assert action is None or action in load_actions()
        assert action_for_name(text) in (None, action), text
    assert exercise_labels("BCD", 3)[1] == 40
    assert exercise_labels("ABC", 3)[1] == 29


def test_rest_and_repetitions_come_from_the_corrected_labels(tmp_path: Path) -> None:
    spans = one(NINAPRO["ninapro_db1"](tmp_path)[0]).spans
    step_s = EIGHTH / 100
    assert [(s.label, s.repetition, s.start_s) for s in spans[:5]] == [
        ("rest", 0, 0.0),
        ("index flexion", 0, pytest.approx(step_s)),
        ("rest", 1, pytest.approx(2 * step_s)),
        ("index flexion", 1, pytest.approx(3 * step_s)),
        ("rest", 2, pytest.approx(4 * step_s)),
    ]
    assert [s.repetition for s in spans if s.label == "thumb extension"] == [0, 1]


@pytest.mark.parametrize(("numbers", "exercise"), [((1, 23), 2), ((18, 40), 2), ((1, 9), 3), ((41, 49), 3)])
def test_labels_may_count_within_the_exercise_or_over_all(
    numbers: tuple[int, int], exercise: int, tmp_path: Path
) -> None:
    recording = one(db2(tmp_path / f"DB2_s1/S1_E{exercise}_A1.mat", *numbers))
    letter = "BCD"[exercise - 1]
    first, last = EXERCISES[letter][0][0], EXERCISES[letter][-1][0]
    assert labels_of(recording) == [first, first, last, last]


@pytest.mark.parametrize("numbers", [(1, 24), (3, 30), (17, 40), (18, 41), (-3, 2)])
def test_labels_that_fit_no_count_are_refused(numbers: tuple[int, int], tmp_path: Path) -> None:
    path = tmp_path / "DB2_s1/S1_E2_A1.mat"
    tracks = {"restimulus": movements(*numbers)[0]}
    db2(path, 18, 40, **tracks)
    with pytest.raises(SourceError, match="a label is not known"):
        one(path)


def test_short_labels_leave_the_end_unlabelled(tmp_path: Path) -> None:
    recording = one(NINAPRO["ninapro_db2"](tmp_path)[1])
    assert recording.notes[0] == (
        "restimulus has another length than emg: 1 samples at its end are unlabelled."
    )
    assert len(recording.samples) == ROWS
    stimulus = movements(41, 49)[0]
    path = db2(tmp_path / "DB2_s2/S2_E3_A1.mat", 41, 49, restimulus=stimulus[:-2], subject=2, exercise=3)
    assert one(path).spans[-1].end_s == pytest.approx((ROWS - 2) / 2000)
    longer = np.vstack([stimulus, stimulus[-1:]])
    path = db2(tmp_path / "DB2_s2/S2_E3_A1.mat", 41, 49, restimulus=longer, subject=2, exercise=3)
    assert one(path).notes == ("restimulus has another length than emg: 1 labels were cut.",)
    path = db2(tmp_path / "DB2_s2/S2_E3_A1.mat", 41, 49, rerepetition=stimulus[:-3], subject=2, exercise=3)
    with pytest.raises(SourceError, match=f"rerepetition and emg differ in length; got {ROWS - 3}"):
        one(path)


def test_the_file_name_is_right_and_the_scalars_are_noted(tmp_path: Path) -> None:
    first, second = (one(path) for path in NINAPRO["ninapro_db4"](tmp_path / "4"))
    assert (first.name, second.name) == ("E1", "E2")
    assert first.notes == ("The file says exercise 2, its name 1.",)
    assert labels_of(second)[0] == "thumb up"
    seventh = one(NINAPRO["ninapro_db7"](tmp_path / "7")[0])
    assert (seventh.subject, seventh.notes) == ("S22", ("The file says subject 2, its name 22.",))


def test_dead_electrodes_are_named_and_kept(tmp_path: Path) -> None:
    twelve, ten = (one(path) for path in NINAPRO["ninapro_db3"](tmp_path / "3"))
    assert twelve.notes == ten.notes == ("Channels without signal: ch6.",)
    assert twelve.samples.shape == (ROWS, 12) and ten.samples.shape == (ROWS, 10)
    assert [channel.angle_deg for channel in ten.channels] == [None] * 10
    eighth = one(NINAPRO["ninapro_db8"](tmp_path / "8")[0])
    assert eighth.notes[1] == "Channels without signal: ch13, ch14, ch15."


def test_weak_channels_are_measured_against_the_others(tmp_path: Path) -> None:
    made = content(1, 17, columns=12, level=1e-12)
    made["emg"][:, 0] *= 1e-4
    path = save(tmp_path / "DB2_s1/S1_E1_A1.mat", made)
    assert one(path).notes == ("Channels without signal: ch1.",)


def test_what_each_set_is_capable_of(tmp_path: Path) -> None:
    made = {name: read_recordings(build(tmp_path / name)[0])[0] for name, build in NINAPRO.items()}
    rates = {"ninapro_db1": 100.0, "ninapro_db5": 200.0, "ninapro_db10": 1926.0}
    units = {"ninapro_db1": "1", "ninapro_db4": "adc", "ninapro_db5": "adc"}
    for name, recording in made.items():
        assert recording.rate_hz == rates.get(name, 2000.0)
        assert recording.unit == units.get(name, "V")
        assert recording.signal == ("envelope" if name == "ninapro_db1" else "raw")
        assert not recording.anchored
    assert [channel.angle_deg for channel in made["ninapro_db5"].channels[7:10]] == [315.0, 22.5, 67.5]
    assert [channel.name for channel in made["ninapro_db2"].channels[8:]] == [
        "flexor digitorum superficialis",
        "extensor digitorum superficialis",
        "biceps brachii",
        "triceps brachii",
    ]


def test_columns_without_an_electrode_are_left_out(tmp_path: Path) -> None:
    recordings = [one(path) for path in NINAPRO["ninapro_db6"](tmp_path)]
    assert [channel.name for channel in recordings[0].channels[7:9]] == ["ch8", "ch11"]
    assert recordings[0].samples.shape == (ROWS, 14) and not recordings[0].notes
    assert [recording.session for recording in recordings] == ["D1_T1", "D4_T2"]
    assert labels_of(recordings[0]) == ["grasp 1", "grasp 1", "grasp 11", "grasp 11"]
    path = save(tmp_path / "S1_D2_T1.mat", content(1, 11, columns=16))
    with pytest.raises(SourceError, match="columns 9 and 10 of emg hold a signal"):
        one(path)


def test_pauses_split_a_recording_and_bad_repetitions_have_no_label(tmp_path: Path) -> None:
    recordings = read_recordings(NINAPRO["ninapro_db10"](tmp_path)[0])
    assert [recording.name for recording in recordings] == ["ex1-01", "ex1-02"]
    assert [len(recording.samples) for recording in recordings] == [2000, 2000]
    assert labels_of(recordings[0]) == ["medium wrap"]
    assert labels_of(recordings[1]) == ["prismatic four finger"] * 2
    assert recordings[0].notes == ("Repetitions that are marked as bad have no label.",)
    assert [channel.angle_deg for channel in recordings[0].channels[8:]] == [22.5, 112.5, 202.5, 292.5]


@pytest.mark.parametrize(
    ("times", "message"),
    [(np.arange(4000) / 2000, "got 2000.00 Hz"), (np.zeros(4000), "times that do not increase")],
)
def test_times_must_fit_the_nominal_rate(times: Any, message: str, tmp_path: Path) -> None:
    from scipy.io import loadmat

    path = NINAPRO["ninapro_db10"](tmp_path)[0]
    found = loadmat(path, variable_names=["emg", "regrasp", "regrasprepetition"])
    save(
        path, {name: found[name] for name in ("emg", "regrasp", "regrasprepetition")} | {"ts": times[:, None]}
    )
    with pytest.raises(SourceError, match=message):
        read_recordings(path)


@pytest.mark.parametrize(
    ("subject", "columns", "known"), [(24, 11, 11), (39, 11, 0), (115, 11, 0), (108, 8, 8)]
)
def test_rings_that_lack_electrodes(subject: int, columns: int, known: int, tmp_path: Path) -> None:
    from scipy.io import loadmat

    path = NINAPRO["ninapro_db10"](tmp_path)[0]
    found = loadmat(path)
    kept = {name: found[name] for name in ("regrasp", "regrasprepetition", "ts")}
    recording = read_recordings(
        save(tmp_path / f"S{subject:03d}_ex1.mat", kept | {"emg": found["emg"][:, :columns]})
    )[0]
    assert sum(channel.angle_deg is not None for channel in recording.channels) == known


def test_the_innermost_folder_says_which_set_it_is(tmp_path: Path) -> None:
    path = db2(tmp_path / "ninapro_db3/DB2_s1/S1_E1_A1.mat", 1, 17)
    assert reader_for(SourceFile(path)).name == "ninapro_db2"
    path = db2(tmp_path / "DB2_all/Ninapro-DB3/S1_A1_E1.mat", 1, 17)
    assert reader_for(SourceFile(path)).name == "ninapro_db3"
    assert one(path).name == "E1"


@pytest.mark.parametrize("name", ["ninapro_db1", "ninapro_db4", "ninapro_db5", "ninapro_db7", "ninapro_db8"])
def test_contents_tell_the_sets_apart_in_archives_too(name: str, tmp_path: Path) -> None:
    paths = NINAPRO[name](tmp_path / "x")
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in paths:
        path.rename(flat / path.name)
    recordings = read_recordings(zip_folder(flat, tmp_path / "s1.zip"))
    assert {recording.dataset for recording in recordings} == {name}


def test_files_of_which_nobody_can_say_what_they_are(tmp_path: Path) -> None:
    path = db2(tmp_path / "somewhere/S1_E1_A1.mat", 1, 17)
    with pytest.raises(SourceError, match=r"neither folders nor contents say.*--reader ninapro_db2"):
        one(path)
    assert one(path, "ninapro_db3").dataset == "ninapro_db3"
    path.write_bytes(b"no MATLAB here" * 20)
    with pytest.raises(SourceError, match=r"S1_E1_A1\.mat: cannot be read as a MATLAB 5 file"):
        one(path)


def test_db9_is_left_out_because_it_has_no_emg(tmp_path: Path) -> None:
    stimulus, repetition = movements(1, 12)
    made = {"restimulus": stimulus, "rerepetition": repetition} | more(glove=22, angles=22, inclin=2)
    path = save(tmp_path / "s1/S1_E1_A1.mat", made)
    with pytest.raises(KnownBadError, match="DB9 holds hand kinematics and no EMG"):
        one(path)
    with pytest.raises(SourceError, match="variables are missing; got no emg"):
        one(path, "ninapro_db2")
    assert "ninapro_left_out" not in READERS
    with pytest.raises(UnknownFormatError) as caught:
        one(save(tmp_path / "other.mat", made))
    assert "ninapro_left_out" not in str(caught.value)


def test_an_exercise_that_the_set_does_not_have(tmp_path: Path) -> None:
    path = save(tmp_path / "DB7_s1/S1_E3_A1.mat", content(1, 9, columns=12))
    with pytest.raises(SourceError, match="ninapro_db7 has no such exercise; got 3; expected 1 to 2"):
        one(path)


def test_other_columns_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "DB2_s1/S1_E1_A1.mat", content(1, 17, columns=10))
    with pytest.raises(SourceError, match="emg has another number of columns; got 10; expected 12"):
        one(path)
