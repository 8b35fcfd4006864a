"""Any WFDB record: formats, what a header may leave out, and mappings."""

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from corpus_builders import build_wfdb, packed, write_wfdb
from numpy.typing import NDArray

from myosem.errors import MappingError, SourceError
from myosem.readers import read_recordings
from myosem.readers.wfdb import BITS, decoded
from myosem.records import Recording

CODES = np.array([0, 1, -1, 127, -128, 100, -77], dtype=np.int32)
"""Fit every format."""


def encoded(codes: NDArray[np.int32], kind: str) -> bytes:
    """The obvious slow way, sample by sample."""
    if kind == "212":
        return packed(codes)
    if kind == "80":
        return bytes(int(code) + 128 for code in codes)
    order: Literal["big", "little"] = "big" if kind == "61" else "little"
    return b"".join(int(code).to_bytes(BITS[kind] // 8, order, signed=True) for code in codes)


def wide(recording: Recording) -> NDArray[np.float64]:
    return recording.samples.astype(np.float64)


@pytest.mark.parametrize("kind", BITS)
def test_each_format_gives_back_its_codes(kind: str) -> None:
    assert decoded(encoded(CODES, kind), kind)[: len(CODES)].tolist() == CODES.tolist()


@pytest.mark.parametrize(("kind", "low", "high"), [("212", -2048, 2047), ("24", -(1 << 23), (1 << 23) - 1)])
def test_the_ends_of_a_format(kind: str, low: int, high: int) -> None:
    ends = np.array([low, high], dtype=np.int32)
    assert decoded(encoded(ends, kind), kind).tolist() == [low, high]


def test_format_212_by_hand() -> None:
    assert decoded(bytes([0x34, 0x21, 0xFF]), "212").tolist() == [0x134, 0x2FF]
    assert decoded(bytes([0xFF, 0xF8, 0xFE]), "212").tolist() == [0x8FF - 4096, 0xFFE - 4096]


def test_a_record_in_its_unit(tmp_path: Path) -> None:
    path = build_wfdb(tmp_path)[0]
    path.with_suffix(".yaml").unlink()
    (recording,) = read_recordings(path)
    codes = np.frombuffer(path.read_bytes(), "<i2").reshape(128, 3)
    np.testing.assert_allclose(wide(recording), (codes - 12.0) / 2000, rtol=1e-6)
    assert [channel.name for channel in recording.channels] == ["flexor", "extensor", "EMG 3"]
    assert (recording.dataset, recording.subject, recording.session) == ("wfdb", "unknown", "emg")
    assert (recording.unit, recording.rate_hz, recording.spans) == ("mV", 1000, ())


def test_what_a_header_leaves_out(tmp_path: Path) -> None:
    long, short = (read_recordings(path)[0] for path in build_wfdb(tmp_path))
    assert short.rate_hz == 500 and short.unit == "mV" and short.samples.shape == (128, 3)
    assert [channel.name for channel in short.channels] == ["ch1", "ch2", "ch3"]
    codes = wide(long) * 2000 + 12
    np.testing.assert_allclose(wide(short), np.clip(codes, -2000, 2000) / 200, rtol=1e-5, atol=1e-5)


def test_a_mapping_names_person_channels_and_label(tmp_path: Path) -> None:
    path = build_wfdb(tmp_path)[0]
    path.with_suffix(".yaml").write_text(
        "{path: '(?P<label>[a-z]+)[.]dat', subject: p1, columns: [EMG 3, flexor], actions: {emg: fist}}"
    )
    (recording,) = read_recordings(path)
    assert [channel.name for channel in recording.channels] == ["EMG 3", "flexor"]
    (span,) = recording.spans
    assert (recording.subject, span.label, span.action) == ("p1", "emg", "fist")
    assert (span.start_s, span.end_s) == (0, 0.128)
    path.with_suffix(".yaml").write_text("{subject: p1, columns: [biceps]}")
    with pytest.raises(MappingError, match="biceps; there is flexor, extensor, EMG 3"):
        read_recordings(path)


def test_units_that_are_not_known_are_said(tmp_path: Path) -> None:
    codes = np.arange(20).reshape(10, 2)
    (micro,) = read_recordings(write_wfdb(tmp_path / "a.dat", codes, ["1(0)"] * 2, ["a", "b"], unit="uV"))
    (strange,) = read_recordings(write_wfdb(tmp_path / "b.dat", codes, ["1(0)"] * 2, ["a", "b"], unit="mmHg"))
    assert micro.unit == "uV" and not micro.notes
    assert strange.unit == "1" and "mmHg" in strange.notes[0]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("short/2 3 500", "the header does not fit"),
        ("short 3 500 129", "another length than its header says"),
        ("short 3 500 0", "the header does not fit"),
        ("short 2 500", "got 3 channels; expected 2"),
    ],
)
def test_headers_that_do_not_fit(line: str, message: str, tmp_path: Path) -> None:
    path = build_wfdb(tmp_path)[1]
    header = path.with_suffix(".hea")
    header.write_text(header.read_text().replace("short 3 500/1000(0)", line))
    with pytest.raises(SourceError, match=message):
        read_recordings(path)


def test_formats_that_are_not_read(tmp_path: Path) -> None:
    path = build_wfdb(tmp_path)[1]
    header = path.with_suffix(".hea")
    header.write_text(header.read_text().replace(" 212", " 310"))
    with pytest.raises(SourceError, match="got format 310; expected one file, format 16, 24, 32"):
        read_recordings(path)
