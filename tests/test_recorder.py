"""What is recorded reads as it was heard, also where nobody closed the file."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from live_fakes import arm

from myosem.errors import UsageError
from myosem.readers import read_recordings
from myosem.recorder import Recorder
from myosem.records import Channel, Recording
from myosem.streaming import Chunk, replay, without_samples


def heard(names: tuple[str, ...] = ()) -> Recording:
    recording = arm(starts=(1.0,))
    channels = tuple(
        replace(channel, name=name) for channel, name in zip(recording.channels, names, strict=False)
    )
    return replace(
        recording, channels=channels or recording.channels, unit="uV", name="wrist 1", anchored=True
    )


def test_a_recorded_stream_reads_as_it_was(tmp_path: Path) -> None:
    recording = heard()
    with Recorder(tmp_path / "new", without_samples(recording)) as recorder:
        for chunk in replay(recording, 0, 0.13):
            recorder.write(chunk)
    assert [path.name for path in recorder.files] == ["wrist_1.csv"]
    [found] = read_recordings(tmp_path / "new")
    np.testing.assert_array_equal(found.samples, recording.samples)
    for name in ("rate_hz", "channels", "dataset", "subject", "session", "unit", "signal", "anchored"):
        assert getattr(found, name) == getattr(recording, name)


def test_what_was_heard_can_be_read_though_nobody_closed_the_file(tmp_path: Path) -> None:
    recording = heard()
    recorder = Recorder(tmp_path, without_samples(recording))
    recorder.write(Chunk(recording.samples[:100], 0.0, 0.0))
    [found] = read_recordings(tmp_path)
    np.testing.assert_array_equal(found.samples, recording.samples[:100])
    recorder.close()


def test_a_gap_begins_another_file(tmp_path: Path) -> None:
    recording = heard()
    with Recorder(tmp_path, without_samples(recording)) as recorder:
        recorder.write(Chunk(recording.samples[:100], 0.0, 0.0))
        recorder.write(Chunk(recording.samples[100:200], 0.5, 0.0))
        recorder.write(Chunk(recording.samples[200:300], 9.0, 0.0))
    assert [path.name for path in recorder.files] == ["wrist_1.csv", "wrist_1-2.csv"]
    assert [len(read_recordings(path)[0].samples) for path in recorder.files] == [200, 100]


def test_channels_of_one_name_are_numbered(tmp_path: Path) -> None:
    recording = heard(("emg",) * 8)
    with Recorder(tmp_path, without_samples(recording)) as recorder:
        recorder.write(Chunk(recording.samples[:100], 0.0, 0.0))
    [found] = read_recordings(tmp_path)
    assert [channel.name for channel in found.channels] == [f"ch{n}" for n in range(1, 9)]


def test_a_name_that_a_table_cannot_hold_is_changed(tmp_path: Path) -> None:
    recording = heard(('left, "a"', *"bcdefgh"))
    with Recorder(tmp_path, without_samples(recording)) as recorder:
        recorder.write(Chunk(recording.samples[:100], 0.0, 0.0))
    [found] = read_recordings(tmp_path)
    assert found.channels[0] == Channel("left_a_", 0.0)


def test_without_samples_no_file_is_left(tmp_path: Path) -> None:
    with Recorder(tmp_path, without_samples(heard())) as recorder:
        pass
    assert recorder.files == [] and list(tmp_path.iterdir()) == []


def test_no_file_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "wrist_1.csv").write_text("mine")
    with pytest.raises(UsageError, match="cannot be recorded into"):
        Recorder(tmp_path, without_samples(heard()))
    assert (tmp_path / "wrist_1.csv").read_text() == "mine"
