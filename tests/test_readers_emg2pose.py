"""What is peculiar to emg2pose."""

import builtins
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import numpy as np
import pytest
from hdf5_builders import POSE_ROWS, RECORDING, build_emg2pose, pose_table, write_pose

from myosem.errors import MissingExtraError, SourceError
from myosem.readers import read_recordings

NAME = f"{RECORDING}_left.hdf5"


def test_a_stage_is_a_label_without_an_action(tmp_path: Path) -> None:
    (recording,) = read_recordings(build_emg2pose(tmp_path)[0])
    assert (recording.subject, recording.name) == ("d387095792", RECORDING)
    assert recording.session == "2022-12-06-1670313600-e3096-cv-emg-pose-train@2-left"
    assert [(s.label, s.action) for s in recording.spans] == [("IndividualFingerPointingSnap_both", None)]
    assert recording.samples.shape == (POSE_ROWS, 16) and recording.samples.dtype == np.float32
    assert recording.notes == ("Joint angles are missing in 50 of 2400 samples.",)
    assert [channel.angle_deg for channel in recording.channels[:2]] == [0.0, 22.5]


def test_jumps_in_time_split_a_recording(tmp_path: Path) -> None:
    table = pose_table(2 * POSE_ROWS, jump_at=2500)
    recordings = read_recordings(write_pose(tmp_path / NAME, table))
    assert [(r.name, len(r.samples)) for r in recordings] == [
        (f"{RECORDING}-1", 2500),
        (f"{RECORDING}-2", 2300),
    ]
    np.testing.assert_array_equal(recordings[1].samples, table["emg"][2500:])
    (recording,) = read_recordings(write_pose(tmp_path / NAME, pose_table(jump_at=2300)))
    assert len(recording.samples) == 2300
    assert recording.notes[1] == "Stretches of less than a second were left out: 1."
    with pytest.raises(SourceError, match="no stretch without a jump in time is as long as a second"):
        read_recordings(write_pose(tmp_path / NAME, pose_table(jump_at=1200)))


def test_equal_times_and_small_jitter_are_no_jump(tmp_path: Path) -> None:
    table = pose_table()
    table["time"][1:-1] = np.repeat(table["time"][::2], 2)[1:-1]
    assert len(read_recordings(write_pose(tmp_path / NAME, table))) == 1


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (lambda n: np.arange(n) / 1000, "rate does not fit its times; got 1000.0 Hz"),
        (lambda n: -np.arange(n) / 2000, "runs backwards"),
        (lambda n: np.full(n, np.nan), "not finite"),
        (np.zeros, "rate does not fit"),
    ],
)
def test_times_must_fit(times: Any, message: str, tmp_path: Path) -> None:
    table = pose_table()
    table["time"] = times(len(table))
    with pytest.raises(SourceError, match=message):
        read_recordings(write_pose(tmp_path / NAME, table))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"side": "right"}, "rate or side does not fit; got 2000.0 Hz, right"),
        ({"sample_rate": 1000.0}, "got 1000.0 Hz"),
        ({"stage": None}, "attribute stage is missing"),
        ({"user": 7}, "attribute user is missing or no text; got 7"),
        ({"session": " "}, "attribute session is missing"),
    ],
)
def test_attributes_must_fit(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=message):
        read_recordings(write_pose(tmp_path / NAME, pose_table(), **changes))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (np.zeros(10, [("time", "f8"), ("emg", "f4", (16,))]), "no field joint_angles"),
        (np.zeros(10, [("time", "f8"), ("joint_angles", "f8", (20,)), ("emg", "f4", (8,))]), "emg of type"),
        (np.zeros(10, [("time", "i8"), ("joint_angles", "f8", (20,)), ("emg", "f4", (16,))]), "time of type"),
        (np.zeros((10, 3)), "shape"),
    ],
)
def test_other_tables_are_refused(table: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=f"emg2pose/timeseries does not fit; got .*{message}"):
        read_recordings(write_pose(tmp_path / NAME, table))


def test_a_huge_declared_size_is_refused_without_reading(tmp_path: Path) -> None:
    path = tmp_path / NAME
    with h5py.File(path, "w") as content:
        content.create_dataset("emg2pose/timeseries", shape=(10**9,), dtype=pose_table(1).dtype)
    assert path.stat().st_size < 10_000
    with pytest.raises(SourceError, match=r"216\.1 GiB"):
        read_recordings(path)


@pytest.mark.parametrize("name", ["sample_rate", "side", "user", "session", "stage"])
def test_an_attribute_of_several_values_is_refused(name: str, tmp_path: Path) -> None:
    path = write_pose(tmp_path / NAME, pose_table(), **{name: [2000.0, 1.0]})
    with pytest.raises(SourceError, match=r"does not fit|missing or no text"):
        read_recordings(path)


def test_a_group_in_place_of_the_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / NAME
    with h5py.File(path, "w") as content:
        content.create_group("emg2pose/timeseries")
    with pytest.raises(SourceError, match="cannot be read as an HDF5 file with emg2pose/timeseries"):
        read_recordings(path)


def test_without_h5py_the_way_to_install_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = build_emg2pose(tmp_path)[0]
    real = builtins.__import__

    def without(name: str, *args: Any, **more: Any) -> Any:
        if name == "h5py":
            raise ImportError(name)
        return real(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"need h5py; try: pip install .myosem\[formats\]."):
        read_recordings(path)
