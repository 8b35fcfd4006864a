"""What is peculiar to Hyser."""

from pathlib import Path

import numpy as np
import pytest
from corpus_builders import HYSER_CHANNELS, build_hyser, write_hyser, write_wfdb

from myosem.errors import KnownBadError, SourceError
from myosem.readers import Skipped, find_sources, read_recordings

RECORD = "pr_dataset/subject04_session2/dynamic_raw_sample2.dat"


def test_gestures_come_from_the_list_of_the_folder(tmp_path: Path) -> None:
    dynamic, maintenance, strongest = (read_recordings(path)[0] for path in build_hyser(tmp_path))
    assert [(s.label, s.action, s.repetition) for s in dynamic.spans] == [("hand close", "fist", 1)]
    assert [(s.label, s.action) for s in maintenance.spans] == [("wrist flexion", "wrist-flexion")]
    assert [(s.label, s.action) for s in strongest.spans] == [("mvc_finger3_flexion", None)]
    assert {(r.subject, r.session) for r in (dynamic, maintenance, strongest)} == {("subject04", "2")}


def test_each_channel_has_its_gain_and_the_angle_of_its_side(tmp_path: Path) -> None:
    (recording,) = read_recordings(build_hyser(tmp_path)[0])
    assert (recording.samples.shape, recording.unit, recording.anchored) == ((64, 256), "V", True)
    spread = recording.samples.astype(float).std(axis=0)
    np.testing.assert_allclose(spread, 1e-4, rtol=0.4)
    assert [c.name for c in recording.channels] == HYSER_CHANNELS
    angles = {(c.name[0], c.angle_deg) for c in recording.channels}
    assert angles == {("E", 180.0), ("F", 0.0)}


def test_filtered_copies_and_forces_are_left_out_with_the_reason(tmp_path: Path) -> None:
    build_hyser(tmp_path)
    assert len(read_recordings(tmp_path)) == 3
    with pytest.raises(KnownBadError, match="a filtered copy of the raw record"):
        read_recordings((tmp_path / RECORD).with_name("dynamic_preprocess_sample2.dat"))
    with pytest.raises(KnownBadError, match="forces of the fingers and no EMG"):
        read_recordings(tmp_path / "mvc_dataset/subject04_session2/mvc_force_finger3_flexion.dat")
    skipped = [item for item in find_sources([tmp_path]) if isinstance(item, Skipped)]
    assert not any(item.failed for item in skipped)


def test_without_the_list_there_are_no_labels_and_it_is_said(tmp_path: Path) -> None:
    path = build_hyser(tmp_path)[0]
    path.with_name("label_dynamic.txt").unlink()
    (recording,) = read_recordings(path)
    assert recording.spans == () and "label_dynamic.txt is missing" in recording.notes[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("30", "has no gesture for it; got 1 numbers"),
        ("30,35", "has no gesture"),
        ("a,b", "not a list of numbers"),
    ],
)
def test_the_list_must_fit(text: str, message: str, tmp_path: Path) -> None:
    path = build_hyser(tmp_path)[0]
    path.with_name("label_dynamic.txt").write_text(text)
    with pytest.raises(SourceError, match=message):
        read_recordings(path)


def test_other_channels_are_refused(tmp_path: Path) -> None:
    path = tmp_path / RECORD
    twice = [*HYSER_CHANNELS[:-1], HYSER_CHANNELS[0]]
    for names, message in ((twice, "got one twice"), (["XX-1-1", *HYSER_CHANNELS[1:]], "got XX-1-1")):
        write_wfdb(path, np.arange(512).reshape(2, 256), ["1(0)"] * 256, names, unit="V")
        with pytest.raises(SourceError, match=f"not those of four grids; {message}"):
            read_recordings(path)
    write_wfdb(path, np.ones((2, 3), int), ["1(0)"] * 3, HYSER_CHANNELS[:3], unit="V")
    with pytest.raises(SourceError, match="not a record of Hyser; got 3 channels"):
        read_recordings(path)


def test_the_order_of_the_file_is_kept(tmp_path: Path) -> None:
    path = write_hyser(tmp_path / RECORD, seed=1)
    header = path.with_suffix(".hea")
    lines = header.read_text().splitlines()
    header.write_text("\n".join([lines[0], *lines[65:], *lines[1:65]]) + "\n")
    assert read_recordings(path)[0].channels[0].name == "EP-8-8"
