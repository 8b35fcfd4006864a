"""Mappings that are guessed: what is found in files as labs have them, and what is said to be uncertain."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import numpy as np
import pytest
from builders import BUILDERS, write_lines
from table_builders import columns, emg, gestures, write_hdf5, write_parquet

from myosem.cli.main import main
from myosem.errors import MappingError
from myosem.ingest import ingest
from myosem.proposals import proposal_for, propose_mapping, read_proposed
from myosem.readers.mapping import parse_mapping
from myosem.readers.propose import Proposal

ROWS = 1200


def csv(path: Path, table: dict[str, Any], header: bool = True) -> Path:
    rows = [
        list(row) for row in zip(*(np.asarray(values).tolist() for values in table.values()), strict=True)
    ]
    return write_lines(path, [list(table), *rows] if header else rows)


def found(path: Path) -> Proposal:
    proposal = proposal_for(str(path))
    assert proposal is not None
    mapping = parse_mapping(proposal.text().encode(), "proposed")
    assert set(proposal.values) <= set(type(mapping).model_fields)
    return proposal


def channels(*names: str) -> dict[str, Any]:
    return dict(zip(names, emg(ROWS, len(names)).T, strict=True))


def test_time_channels_and_labels_are_told_apart_by_their_names(tmp_path: Path) -> None:
    table = {"time": np.arange(ROWS) / 1000, **channels("emg1", "emg2", "emg3"), "acc_x": emg(ROWS, 1)[:, 0]}
    proposal = found(
        csv(tmp_path / "p3_walk.csv", table | {"gesture": gestures(), "initials": ["JR"] * ROWS})
    )
    assert proposal.values == {
        "columns": ["emg1", "emg2", "emg3"],
        "time_from": "time",
        "rate_hz": 1000,
        "label_from": "gesture",
        "unit": 1,
        "dataset": tmp_path.name,
        "subject": "p3",
        "session": 1,
    }
    assert "acc_x" in proposal.remarks["columns"]
    assert "fist, rest" in proposal.remarks["label_from"]
    assert "initials" not in proposal.text() and "JR" not in proposal.text()


@pytest.mark.parametrize(
    ("name", "times", "unit", "rate_hz"),
    [
        ("t", np.arange(ROWS) / 2000, "s", 2000),
        ("timestamp", 1_700_000_000 + np.arange(ROWS) / 200, "s", 200),
        ("time_ms", np.arange(ROWS) * 5.0, "ms", 200),
        ("time", np.arange(ROWS), "ms", 1000),
        ("Timestamp", np.arange(ROWS) * 500 + 1_700_000_000_000_000, "us", 2000),
        ("stamp_ns", np.arange(ROWS) * 500_000, "ns", 2000),
    ],
)
def test_units_of_times_are_those_that_make_a_likely_rate(
    name: str, times: Any, unit: str, rate_hz: float, tmp_path: Path
) -> None:
    values = found(csv(tmp_path / "t.csv", {name: times, **channels("ch1", "ch2")})).values
    assert (values["time_from"], values.get("time_unit", "s"), values["rate_hz"]) == (name, unit, rate_hz)


def test_dates_are_times(tmp_path: Path) -> None:
    stamps = (np.datetime64("2024-05-01T10:00:00") + np.arange(ROWS) * np.timedelta64(2, "ms")).astype(str)
    proposal = found(csv(tmp_path / "t.csv", {"Date": stamps, **channels("ch1", "ch2")}))
    assert (proposal.values["time_unit"], proposal.values["rate_hz"]) == ("date", 500)
    (one,) = read_proposed(str(tmp_path / "t.csv"), proposal)
    assert one.rate_hz == 500


def test_without_times_the_rate_is_said_to_be_a_guess(tmp_path: Path) -> None:
    table = {"sample": np.arange(ROWS), **channels("EMG_L (mV)", "EMG_R (mV)")}
    proposal = found(csv(tmp_path / "t.csv", table))
    assert "time_from" not in proposal.values
    assert proposal.values["columns"] == ["EMG_L (mV)", "EMG_R (mV)"]
    assert proposal.remarks["rate_hz"].startswith("NOT IN THE FILE")
    assert proposal.values["unit"] == "mV"


def test_a_table_without_names(tmp_path: Path) -> None:
    counts = np.clip(np.round(emg(ROWS, 2) * 3), -128, 127).astype(int)
    table = {"x": counts[:, 0], "y": counts[:, 1], "z": np.repeat([0, 3, 0], ROWS // 3)}
    proposal = found(csv(tmp_path / "t.csv", table, header=False))
    assert proposal.values["header"] is False
    assert (proposal.values["columns"], proposal.values["label_from"]) == ([1, 2], 3)
    assert proposal.values["unit"] == "adc"
    (one,) = read_proposed(str(tmp_path / "t.csv"), proposal)
    np.testing.assert_array_equal(one.samples, counts)
    assert [span.label for span in one.spans] == ["0", "3", "0"]


@pytest.mark.parametrize("kind", ["csv", "parquet", "h5", "npz"])
def test_every_format_gives_the_same_proposal_and_recording(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"p1.{kind}"
    if kind == "npz":
        np.savez(path, **columns())  # type: ignore[arg-type]
    else:
        writers: dict[str, Callable[..., object]] = {"csv": csv, "parquet": write_parquet, "h5": write_hdf5}
        writers[kind](path, columns())
    proposal = found(path)
    assert proposal.values["columns"] == ["a", "b", "c"]
    (one,) = read_proposed(str(path), proposal)
    np.testing.assert_array_equal(one.samples, emg())
    assert (one.rate_hz, len(one.spans)) == (1000, 3)


def test_a_matrix_and_its_rate_in_an_archive(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "t.npz", emg=emg(), other=np.ones((9, 2)), fs=2048, restimulus=np.repeat([0, 1, 0], 400)
    )
    proposal = found(tmp_path / "t.npz")
    assert proposal.values["array"] == "emg"
    assert (proposal.values["rate_hz"], proposal.values["label_from"]) == (2048, "restimulus")
    with h5py.File(tmp_path / "t.h5", "w") as content:
        content.create_dataset("session/raw", data=emg())
        content.create_dataset("session/info", data=np.ones(3))
    assert found(tmp_path / "t.h5").values["array"] == "session/raw"


def test_what_needs_no_mapping_gets_none(tmp_path: Path) -> None:
    for name in ("edf", "3dc", "csv"):
        assert proposal_for(str(BUILDERS[name](tmp_path)[0])) is None
    assert proposal_for(str(tmp_path)) is None


def test_a_file_without_emg_is_refused_with_what_is_in_it(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"nothing in it looks like EMG; there is word"):
        proposal_for(str(csv(tmp_path / "t.csv", {"word": ["a", "b", "c"], "n": [1, 2, 3]})))


def run(
    *words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[Any, str, str]:
    monkeypatch.setattr(sys, "argv", ["myosem", *words])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code, *capsys.readouterr()


def test_inspect_shows_and_writes_the_proposal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    both: dict[str, Any] = {"monkeypatch": monkeypatch, "capsys": capsys}
    path = csv(tmp_path / "p1.csv", columns())
    code, out, _ = run("inspect", str(path), **both)
    assert not code
    assert "columns: [a, b, c]" in out and "nothing was stored" in out and "--write p1.yaml" in out
    said = json.loads(run("inspect", str(path), "--json", **both)[1])
    assert said["proposal"]["mapping"]["rate_hz"] == 1000
    target = tmp_path / "p1.yaml"
    assert not run("inspect", str(path), "--write", str(target), **both)[0]
    assert parse_mapping(target.read_bytes(), "written").columns == ["a", "b", "c"]
    code, _, err = run("inspect", str(path), "--write", str(target), **both)
    assert code == 2 and "there is no mapping to propose" in err
    target.rename(tmp_path / "kept.yaml")
    code, _, err = run("inspect", str(path), "--write", str(tmp_path / "kept.yaml"), **both)
    assert code == 2 and "kept.yaml exists" in err


def study(root: Path) -> Path:
    """Two people, two gestures, a folder a day; beside them another layout, and a file that is no table."""
    for person in (1, 2):
        for word in ("fist", "pinch"):
            for number in (1, 2):
                folder = root / f"p{person}" / f"day{number}"
                folder.mkdir(parents=True, exist_ok=True)
                times = {"time": np.arange(ROWS) / 1000}
                own = {
                    name: values + person / 8 + number for name, values in channels("emg1", "emg2").items()
                }
                csv(folder / f"{word}_{number}.csv", times | own | {"emg2": own["emg2"] * len(word)})
    csv(root / "p2" / "day2" / "odd_3.csv", channels("left", "right", "other"))
    (root / "p2" / "day2" / "list.xlsx").write_text("PK")
    return root


def test_a_folder_gets_one_mapping_for_the_layout_that_most_files_have(tmp_path: Path) -> None:
    root = study(tmp_path / "my study")
    proposed = propose_mapping(str(root))
    assert proposed is not None
    values = proposed.proposal.values
    assert (values["columns"], values["time_from"], values["rate_hz"]) == (["emg1", "emg2"], "time", 1000)
    assert values["dataset"] == "my_study"
    assert "subject" not in values and "session" not in values
    assert "subject: p1, p2; session: day1, day2; label: fist, pinch" in proposed.proposal.remarks["path"]
    assert [(one.subject, one.session, one.name) for one in proposed.recordings[:3]] == [
        ("p1", "day1", "fist_1"),
        ("p1", "day1", "pinch_1"),
        ("p1", "day2", "fist_2"),
    ]
    assert {(span.label, span.repetition) for one in proposed.recordings for span in one.spans} == {
        (word, number) for word in ("fist", "pinch") for number in (1, 2)
    }
    assert len(proposed.fits) == len(proposed.recordings) == 8
    reasons = {Path(source).name: reason for source, reason in proposed.others}
    assert set(reasons) == {"list.xlsx", "odd_3.csv"}
    assert "no reader recognises this file" in reasons["list.xlsx"]
    assert "column of the mapping is not there" in reasons["odd_3.csv"]


def test_names_that_say_nothing_leave_one_person(tmp_path: Path) -> None:
    for name in ("morning.csv", "late evening.csv"):
        csv(tmp_path / name, columns())
    proposed = propose_mapping(str(tmp_path))
    assert proposed is not None and not proposed.others
    assert proposed.proposal.values["subject"] == "p1"
    assert proposed.proposal.remarks["subject"].startswith("NOT IN THE NAMES")
    assert "path" not in proposed.proposal.values


def test_a_folder_that_needs_no_mapping_gets_none(tmp_path: Path) -> None:
    (tmp_path / "mapped").mkdir()
    BUILDERS["csv"](tmp_path / "mapped")
    assert propose_mapping(str(tmp_path / "mapped")) is None
    (tmp_path / "set").mkdir()
    BUILDERS["3dc"](tmp_path / "set")
    csv(tmp_path / "set" / "extra.csv", columns())
    assert propose_mapping(str(tmp_path / "set")) is None


def test_a_mapping_that_was_written_for_a_folder_is_one_that_ingest_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    both: dict[str, Any] = {"monkeypatch": monkeypatch, "capsys": capsys}
    root = study(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    code, out, _ = run("inspect", "data", **both)
    assert not code
    assert "8 files fit, 2 do not:" in out and "odd_3.csv: " in out
    assert out.rstrip().endswith("keep it: myosem inspect data --write data.yaml")
    code, out, _ = run("inspect", "data", "--write", "data.yaml", **both)
    assert not code and out.rstrip().endswith("next: myosem ingest data --mapping data.yaml")
    said = json.loads(run("inspect", "data", "--json", **both)[1])["proposal"]
    assert len(said["fits"]) == 8 and {Path(one["source"]).name for one in said["others"]} == {
        "list.xlsx",
        "odd_3.csv",
    }
    for path in (root / "p2" / "day2").glob("[lo]*"):
        path.unlink()
    report = ingest(tmp_path / "lib", [root], model=None, mapping=tmp_path / "data.yaml")
    assert (report.stored, len(report.failed)) == (8, 0)
