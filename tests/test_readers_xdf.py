"""XDF: which streams are EMG, what their clocks say, markers, and damage."""

import struct
from pathlib import Path

import numpy as np
import pytest
from builder_parts import SECRET
from xdf_builders import build_xdf, described, emg, emg_stream, marker_stream, write_xdf

from myosem.errors import MappingError, MissingExtraError, SourceError
from myosem.readers import read_recordings


def test_streams_become_recordings_and_markers_labels(tmp_path: Path) -> None:
    (one,) = read_recordings(build_xdf(tmp_path)[0])
    np.testing.assert_array_equal(one.samples, emg())
    assert (one.subject, one.session, one.rate_hz, one.unit) == ("P001", "S001", 500, "uV")
    assert [channel.name for channel in one.channels] == ["FCR", "ECR", "biceps"]
    assert [(span.label, round(span.start_s, 3), round(span.end_s, 3)) for span in one.spans] == [
        ("rest", 0, 2),
        ("fist", 2, 4),
        ("rest", 4, 6),
    ]
    assert any("Glove (Mocap)" in note for note in one.notes)
    assert SECRET not in repr(one.notes)


def test_a_jump_in_time_cuts_and_labels_stay_where_they_were(tmp_path: Path) -> None:
    marks = [(1.0, "fist start"), (2.0, "fist end"), (14.0, "open start"), (15.0, "open end")]
    first, second = read_recordings(
        write_xdf(tmp_path / "t.xdf", emg_stream(jump=1500), marker_stream(marks))
    )
    assert (first.name, second.name, first.duration_s, second.duration_s) == ("t-1", "t-2", 3, 3)
    np.testing.assert_array_equal(second.samples, emg()[1500:])
    for part, label in ((first, "fist"), (second, "open")):
        (span,) = part.spans
        assert span.label == label
        assert [span.start_s, span.end_s] == pytest.approx([1, 2])
    assert any("2 stretches" in note for note in first.notes)


def test_jitter_is_no_jump(tmp_path: Path) -> None:
    (one,) = read_recordings(write_xdf(tmp_path / "t.xdf", emg_stream(jitter=0.05)))
    assert one.duration_s == 6


def test_labels_fit_though_the_clock_runs_at_another_rate(tmp_path: Path) -> None:
    path = write_xdf(
        tmp_path / "t.xdf", emg_stream(real_hz=490), marker_stream([(3.0, "fist start"), (5.0, "fist end")])
    )
    (one,) = read_recordings(path)
    assert one.rate_hz == 500
    assert any("stated as 500 Hz; by the times it is 490 Hz" in note for note in one.notes)
    (span,) = one.spans
    assert [span.start_s, span.end_s] == pytest.approx([3 * 490 / 500, 5 * 490 / 500])


def test_a_rate_far_from_the_nominal_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"got 400 Hz by the times; expected 500 Hz"):
        read_recordings(write_xdf(tmp_path / "t.xdf", emg_stream(real_hz=400)))


def test_a_stream_without_a_nominal_rate_has_the_measured_one(tmp_path: Path) -> None:
    (one,) = read_recordings(write_xdf(tmp_path / "t.xdf", emg_stream(rate_hz=0, real_hz=250)))
    assert one.rate_hz == 250


def test_streams_are_chosen_by_type_then_name_then_mapping(tmp_path: Path) -> None:
    armband = emg_stream(name="Myo left", kind="Signal", number=3)
    both = [emg_stream(name="Left", number=1), emg_stream(name="Right", number=4)]
    assert len(read_recordings(write_xdf(tmp_path / "a.xdf", armband))) == 1
    names = [one.name for one in read_recordings(write_xdf(tmp_path / "b.xdf", *both, armband))]
    assert names == ["b-Left", "b-Right"]
    other = write_xdf(tmp_path / "c.xdf", emg_stream(name="Sensors", kind="ExG"))
    with pytest.raises(SourceError, match=r"type EMG or called so; there is Sensors \(ExG\)"):
        read_recordings(other)
    (tmp_path / "c.yaml").write_text("stream: exg\nsubject: p1\nangles_deg: [0, 120, 240]\n")
    (one,) = read_recordings(other)
    assert (one.subject, one.session, one.channels[1].angle_deg) == ("p1", "c", 120)
    (tmp_path / "c.yaml").write_text("stream: EEG\n")
    with pytest.raises(MappingError, match=r"no stream of numbers fits; got EEG"):
        read_recordings(other)


def test_only_channels_of_emg_where_a_stream_mixes(tmp_path: Path) -> None:
    described_so = described(["a", "b", "c"], unit="mV", kinds=["EMG", "AUX", "EMG"])
    (one,) = read_recordings(write_xdf(tmp_path / "t.xdf", emg_stream(description=described_so)))
    assert [channel.name for channel in one.channels] == ["a", "c"]
    assert one.unit == "mV"
    np.testing.assert_array_equal(one.samples, emg()[:, [0, 2]])


def test_whole_numbers_stay_whole(tmp_path: Path) -> None:
    counts = np.round(emg() * 10).astype(np.int16)
    (one,) = read_recordings(write_xdf(tmp_path / "t.xdf", emg_stream(counts)))
    assert str(one.samples.dtype) == "int16"
    np.testing.assert_array_equal(one.samples, counts)


def test_a_file_that_was_cut_off_is_read_up_to_there(tmp_path: Path) -> None:
    path = write_xdf(tmp_path / "t.xdf", emg_stream())
    path.write_bytes(path.read_bytes()[:-100])
    (one,) = read_recordings(path)
    assert len(one.samples) == 6 * 500 - 3000 % 64
    assert any("cut off" in note for note in one.notes)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"<channel_count>3<", b"<channel_count>99999999<", "header of a stream does not fit; got 99999999"),
        (b"<channel_count>3<", b"<channel_count>9<", "does not hold the samples that it declares"),
        (b"<channel_count>3<", b"<channel_count>4<", "the file is damaged"),
        (b"float32", b"complex", "header of a stream does not fit"),
        (b"</info>", b"<info>", "header of a stream is damaged"),
        (struct.pack("<I", 64), struct.pack("<I", 1 << 31), "does not hold the samples"),
    ],
)
def test_sizes_are_checked_before_anything_is_made(
    old: bytes, new: bytes, message: str, tmp_path: Path
) -> None:
    stream = emg_stream()
    changed = stream.replace(old, new, 1)
    grown = len(changed) - len(stream)
    length = struct.unpack("<I", stream[1:5])[0] + grown
    changed = changed[:1] + struct.pack("<I", length) + changed[5:]
    with pytest.raises(SourceError, match=message):
        read_recordings(write_xdf(tmp_path / "t.xdf", changed))


def test_what_pyxdf_leaves_out_is_an_error(tmp_path: Path) -> None:
    path = write_xdf(tmp_path / "t.xdf", emg_stream())
    path.write_bytes(path.read_bytes() + b"\x04" + struct.pack("<IHI", 20, 3, 9) + bytes(14))
    with pytest.raises(SourceError):
        read_recordings(path)


def test_without_pyxdf_the_command_that_installs_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_xdf(tmp_path / "t.xdf", emg_stream())
    monkeypatch.setitem(__import__("sys").modules, "pyxdf", None)
    with pytest.raises(MissingExtraError, match=r"myosem\[formats\]"):
        read_recordings(path)
