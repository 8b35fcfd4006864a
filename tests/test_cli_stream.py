"""``myosem stream`` as a user types it, on a replayed recording whose right answers are plain."""

import json
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from live_fakes import NAMES, ArmModel, arm

from myosem import streaming
from myosem.cli import options
from myosem.cli.main import main
from myosem.errors import StreamError
from myosem.library import Library
from myosem.records import Recording

MAPPING = "rate_hz: 200\narray: emg\nsubject: p1\nangles_deg: [0, 45, 90, 135, 180, 225, 270, 315]\n"


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(options, "open_model", lambda folder: ArmModel())
    np.savez(tmp_path / "wrist.npz", emg=arm(starts=(3.0, 8.0, 13.0, 18.0)).samples)
    (tmp_path / "wrist.yaml").write_text(MAPPING)
    return tmp_path / "wrist.npz"


def run(*words: str) -> int:
    sys.argv = ["myosem", "stream", *words]
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


def test_answers_are_lines_for_people(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--replay", str(source), "--speed", "0") == 0
    shown = capsys.readouterr()
    assert "listening to wrist: 8 channels at 200 Hz, raw EMG" in shown.err
    assert "rest and contraction are known after" in shown.err
    sure = [line for line in shown.out.splitlines() if line.startswith(" ")]
    assert [name in line for name, line in zip(NAMES[-len(sure) :], sure, strict=True)] == [True] * len(sure)
    assert any(line.startswith("~") for line in shown.out.splitlines())


def test_answers_are_json_lines_with_candidates(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (source.parent / "wanted.txt").write_text("side\nback\n")
    assert run("--replay", str(source), "--speed", "0", "--json", "--candidates", "wanted.txt") == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"event", "sure", "start_s", "end_s", "label", "score", "latency_ms", "detector_ms"} <= set(
        told[0]
    )
    assert [one["label"] for one in told if one["sure"]][-3:] == ["side", "back", None]


def test_what_was_heard_is_ingested(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        run("--replay", str(source), "--speed", "0", "--into", "lib", "--subject", "p7", "--record", "kept")
        == 0
    )
    assert "lib, version 1: 1 new recording" in capsys.readouterr().err
    [row] = Library.open(Path("lib")).catalogue.recordings()
    assert row.subject == "p7" and row.dataset == "npz"
    assert len(list(Path("kept").glob("*.csv"))) == 1


def test_an_earlier_recording_is_heard_first(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--replay", str(source), "--speed", "0", "--json", "--after", str(source)) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    sure = [one for one in told if one["sure"]]
    assert [one["label"] for one in sure] == list(NAMES) and sure[0]["context"] > 3


def test_it_stops_when_it_is_told_to(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--replay", str(source), "--speed", "0", "--duration", "2", "--record", "kept") == 0
    assert "nothing was found" in capsys.readouterr().err
    [path] = Path("kept").glob("*.csv")
    assert len(path.read_text().splitlines()) == 401


def test_ctrl_c_keeps_what_was_heard(
    source: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(self: ArmModel, numbers: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ArmModel, "adapt", stop)
    assert run("--replay", str(source), "--speed", "0", "--into", "lib") == 0
    shown = capsys.readouterr().err
    assert "stopped" in shown and "1 new recording" in shown
    assert list(Path("streams").glob("*.csv"))


def test_a_lost_stream_is_an_error_and_what_was_heard_is_ingested(
    source: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = streaming.replay

    def lost(recording: Recording, speed: float) -> Iterator[streaming.Chunk]:
        yield from islice(whole(recording, speed), 40)
        raise StreamError("the stream wrist is lost")

    monkeypatch.setattr(streaming, "replay", lost)
    assert run("--replay", str(source), "--speed", "0", "--into", "lib") == 2
    shown = capsys.readouterr().err
    assert "1 new recording" in shown and "error: the stream wrist is lost" in shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["emg", "--replay", "wrist.npz"], "cannot both be listened to"),
        (["--speed", "2"], "its own pace"),
        (["--replay", "nowhere.npz"], "no library was named"),
        (["--replay", "wrist.npz", "--candidates", "none.txt"], "cannot be read"),
    ],
)
def test_mistakes_are_one_sentence(
    source: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words) == 2
    assert said in capsys.readouterr().err
