"""What is peculiar to emg2qwerty."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hdf5_builders import POSE_ROWS, QWERTY, STARTED, build_emg2qwerty, keystroke, qwerty_table, write_qwerty

from myosem.errors import SourceError
from myosem.readers import SourceFile, hdf5, read_recordings
from myosem.readers.emg2qwerty import EMPTY_PROMPT, FIELDS
from myosem.readers.hdf5 import read_table

NAME = f"{QWERTY}.hdf5"


def test_each_hand_is_a_recording_with_the_same_keys(tmp_path: Path) -> None:
    left, right = read_recordings(build_emg2qwerty(tmp_path)[0])
    table = qwerty_table()
    np.testing.assert_array_equal(left.samples, table["emg_left"])
    np.testing.assert_array_equal(right.samples, table["emg_right"])
    assert (left.session, right.session) == (f"{QWERTY}-left", f"{QWERTY}-right")
    assert (left.subject, left.rate_hz, len(left.channels)) == (
        "8d193c13-cd70-4364-bf5d-df82ae0226dc",
        2000,
        16,
    )
    assert left.spans == right.spans
    assert [(s.label, s.action) for s in left.spans] == [("t", None), ("Key.space", None), ("h", None)]


def test_a_key_that_is_pressed_before_another_is_released_starts_where_that_ends(tmp_path: Path) -> None:
    spans = read_recordings(build_emg2qwerty(tmp_path)[0])[0].spans
    times = [(s.start_s, s.end_s) for s in spans]
    np.testing.assert_allclose(times, [(0.1, 0.3), (0.3, 0.4), (0.8, 0.9)], atol=1e-3)


def test_some_rows_are_read_without_the_others(tmp_path: Path) -> None:
    table = qwerty_table()
    file = SourceFile(write_qwerty(tmp_path / NAME, table))
    for rows in (slice(1200, 1300), slice(-10, None), slice(2000, 9000), slice(50, 20)):
        found, _ = read_table(file, "emg2qwerty/timeseries", FIELDS, rows)
        for name in FIELDS:
            np.testing.assert_array_equal(found[name], table[name][rows])


def test_long_tables_are_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdf5, "ROWS_AT_ONCE", 700)
    left, right = read_recordings(build_emg2qwerty(tmp_path)[0])
    np.testing.assert_array_equal(left.samples, qwerty_table()["emg_left"])
    np.testing.assert_array_equal(right.samples, qwerty_table()["emg_right"])


def test_without_a_keyboard_the_prompts_are_the_labels(tmp_path: Path) -> None:
    path = write_qwerty(tmp_path / NAME, qwerty_table(), condition="on_table")
    recording = read_recordings(path)[0]
    assert [s.label for s in recording.spans] == ["the quick", EMPTY_PROMPT]
    assert recording.notes == ("Keys were not recorded: labels are the prompts.",)


def test_keys_outside_a_stretch_are_left_out(tmp_path: Path) -> None:
    table = qwerty_table(2 * POSE_ROWS)
    table["time"][2400:] += 10
    keys = [
        keystroke("a", -1, -0.5),
        keystroke("b", 1.0, 1.1),
        keystroke("c", 5, 6),
        keystroke("d", 11.5, 11.6),
    ]
    path = write_qwerty(tmp_path / NAME, table, keystrokes=json.dumps(keys))
    found = [(r.name, [s.label for s in r.spans]) for r in read_recordings(path)]
    assert found == [("left-1", ["b"]), ("left-2", ["d"]), ("right-1", ["b"]), ("right-2", ["d"])]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"keystrokes": "{"}, "attribute keystrokes is no JSON"),
        ({"keystrokes": "[1]"}, "attribute keystrokes does not fit"),
        ({"keystrokes": None}, "attribute keystrokes is missing"),
        (
            {"keystrokes": json.dumps([{"key": 4, "start": STARTED, "end": STARTED}])},
            "key of keystrokes is no text",
        ),
        (
            {"keystrokes": json.dumps([{"key": "a", "start": None, "end": 1}])},
            "time of keystrokes is no number",
        ),
        ({"keystrokes": '[{"key": "a", "start": NaN, "end": 1}]'}, "time of keystrokes is no number"),
        ({"user": None}, "attribute user is missing"),
        ({"session_name": ""}, "attribute session_name is missing"),
    ],
)
def test_attributes_must_fit(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=message):
        read_recordings(write_qwerty(tmp_path / NAME, qwerty_table(), **changes))
