"""A stream on this computer is found, described and heard; without the library of LSL these are skipped."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from time import sleep
from typing import Any

import numpy as np
import pytest

from myosem import extras, lsl
from myosem.errors import MissingExtraError, StreamError
from myosem.lsl import open_stream

try:
    pylsl: Any = import_module("pylsl")
except (ImportError, RuntimeError):
    pytest.skip("the library of Lab Streaming Layer is not here", allow_module_level=True)

RATE_HZ = 200.0
CHUNK = 10


@contextmanager
def outlet(name: str, said_hz: float = RATE_HZ, kinds: str = "EEE", chunk: int = CHUNK) -> Iterator[Any]:
    """A stream of rising numbers until the end."""
    info = pylsl.StreamInfo(name, "EMG", len(kinds), said_hz, "float32", f"{name}-id")
    channels = info.desc().append_child("channels")
    for number, kind in enumerate(kinds):
        channel = channels.append_child("channel").append_child_value("label", f"muscle {number}")
        channel.append_child_value("unit", "microvolts")
        channel.append_child_value("type", "EMG" if kind == "E" else "AUX")
    out, stop = pylsl.StreamOutlet(info), threading.Event()

    def push() -> None:
        count, began = 0, pylsl.local_clock()
        while not stop.is_set():
            rows = np.arange(count, count + chunk)[:, None] + np.arange(len(kinds)) / 8
            count += chunk
            out.push_chunk(rows.astype(np.float32).tolist(), began + (count - 1) / RATE_HZ)
            sleep(max(began + count / RATE_HZ - pylsl.local_clock(), 0))

    thread = threading.Thread(target=push)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join()


@pytest.fixture(autouse=True)
def heard() -> None:
    """Skip where a stream of this very process is not found, as without a network device."""
    with outlet("myosem-probe"):
        if not pylsl.resolve_byprop("name", "myosem-probe", 1, 3.0):
            pytest.skip("LSL finds no stream on this computer")


def test_a_stream_is_found_and_says_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lsl, "PROBE_S", 0.6)
    with outlet("myosem-test", kinds="EEA"):
        stream = open_stream("myosem-test", 1.0)
        assert [channel.name for channel in stream.about.channels] == ["muscle 0", "muscle 1"]
        assert stream.about.rate_hz == RATE_HZ and stream.about.unit == "uV"
        assert stream.notes == ["2 of 3 channels are EMG; the others are left out"]
        chunks = stream.chunks()
        parts = [next(chunks) for _ in range(4)]
        values = np.concatenate([one.samples for one in parts])
        np.testing.assert_array_equal(np.diff(values[:, 0]), 1)
        starts = np.cumsum([0, *(len(one.samples) for one in parts[:-1])]) / RATE_HZ
        np.testing.assert_allclose([one.start_s for one in parts], starts, atol=1e-6)
        assert all(one.arrived <= stream.clock() for one in parts)


def test_a_wrong_rate_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lsl, "PROBE_S", 0.8)
    with outlet("myosem-slow", said_hz=500.0):
        stream = open_stream("myosem-slow", 1.0)
        assert stream.about.rate_hz == pytest.approx(RATE_HZ, rel=0.03)
        assert (
            "says 500 Hz and delivers 20" in stream.notes[0]
            or "says 500 Hz and delivers 19" in stream.notes[0]
        )


def test_a_silent_stream_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lsl, "PROBE_S", 0.5)
    monkeypatch.setattr(lsl, "LOST_S", 0.7)
    with outlet("myosem-quiet") as stop:
        stream = open_stream("myosem-quiet", 1.0)
        stop.set()
        with pytest.raises(StreamError, match=r"myosem-quiet is (silent|lost)"):
            list(stream.chunks())


def test_no_stream_of_this_name_lists_what_there_is() -> None:
    with (
        outlet("myosem-other"),
        pytest.raises(StreamError, match=r"0 streams called 'no-such'.*myosem-other"),
    ):
        open_stream("no-such", 1.0)


def test_without_the_extra_the_command_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "_installed", lambda name: name != "pylsl")
    with pytest.raises(MissingExtraError, match=r'pip install "myosem\[stream\]"'):
        open_stream("any")


def test_without_the_library_beneath_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pylsl", None)
    with pytest.raises(MissingExtraError, match="install liblsl"):
        open_stream("any")
