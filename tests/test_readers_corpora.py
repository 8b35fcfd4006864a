"""What is peculiar to CapgMyo, UCI 481 and GRABMyo."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from builders import zip_folder
from corpus_builders import (
    GRAB_CHANNELS,
    build_capgmyo,
    build_grabmyo,
    build_uci,
    uci_rows,
    write_uci,
    write_wfdb,
)

from myosem.errors import SourceError
from myosem.readers import Skipped, find_sources, read_recordings

UCI = "05/1_raw_data_13-12_22.03.16.txt"
GRAB = "session1_participant1_gesture17_trial1.dat"


def test_capgmyo_tells_persons_and_days_apart(tmp_path: Path) -> None:
    first, second = (read_recordings(path)[0] for path in build_capgmyo(tmp_path))
    assert (first.subject, first.session, first.name) == ("dba-1", "1", "gesture008-trial010")
    assert (second.subject, second.session) == ("dbb-2", "2")
    assert [(s.action, s.repetition) for s in first.spans] == [("finger-adduction", 9)]
    assert second.spans[0].label == "maximal force (100)"
    assert first.samples.shape == (1000, 128)


def test_capgmyo_archives_name_the_data_set(tmp_path: Path) -> None:
    folder = build_capgmyo(tmp_path)[1].parent
    archive = zip_folder(folder, tmp_path / "archives-dbb-preprocessed-004.zip")
    archive = archive.rename(tmp_path / "x.zip")
    archive = archive.rename(folder.parent / "dbb-preprocessed-004.zip")
    (recording,) = read_recordings(archive)
    assert (recording.subject, recording.session) == ("dbb-2", "2")


def test_capgmyo_refuses_contents_of_another_gesture(tmp_path: Path) -> None:
    path = build_capgmyo(tmp_path)[0]
    with pytest.raises(SourceError, match="name and contents differ in the gesture; got 8; expected 7"):
        read_recordings(path.rename(path.with_name("001-007-010.mat")))
    with pytest.raises(SourceError, match="a gesture is not known; got 9"):
        read_recordings(path.with_name("001-007-010.mat").rename(path.with_name("001-009-010.mat")))


def test_uci_leaves_unmarked_stretches_without_a_label(tmp_path: Path) -> None:
    build_uci(tmp_path)
    first, second = read_recordings(tmp_path)
    assert (first.name, second.name, first.session) == ("series1", "series2", second.session)
    assert [(s.label, s.start_s, s.end_s) for s in first.spans] == [
        ("hand at rest", 0.09, 0.18),
        ("hand clenched in a fist", 0.27, 0.36),
    ]


@pytest.mark.parametrize("line", [["101", "1E-05"], ["101", *["1E-05"] * 8, "NaN"], ["x"] * 10])
def test_uci_leaves_malformed_lines_out_and_says_so(line: list[str], tmp_path: Path) -> None:
    rows = uci_rows()
    rows[300] = line
    (recording,) = read_recordings(write_uci(tmp_path / UCI, rows))
    assert len(recording.samples) == 449
    assert recording.notes == ("Lines that do not hold 10 numbers were left out: 1.",)
    with pytest.raises(SourceError, match="too many lines cannot be read; got 11 of 450"):
        read_recordings(write_uci(tmp_path / UCI, [*rows[:440], *[line] * 9, rows[300]]))


def test_uci_is_split_where_the_clock_jumps(tmp_path: Path) -> None:
    rows = [
        [str(i + (5000 if i >= 1350 else 0)), *row[1:]]
        for i, row in enumerate([*uci_rows(), *uci_rows(), *uci_rows()] * 2)
    ]
    recordings = read_recordings(write_uci(tmp_path / UCI, rows))
    assert [(r.name, len(r.samples)) for r in recordings] == [("series1-1", 1350), ("series1-2", 1350)]


@pytest.mark.parametrize(
    ("time", "message"),
    [
        (lambda i: 5 * i, "rate does not fit; got 200.0 Hz"),
        (lambda i: -i, "runs backwards"),
        (lambda i: 3, "no time"),
    ],
)
def test_uci_times_must_fit_the_nominal_rate(
    time: Callable[[int], int], message: str, tmp_path: Path
) -> None:
    rows = uci_rows()
    for i, row in enumerate(rows):
        row[0] = str(time(i))
    with pytest.raises(SourceError, match=message):
        read_recordings(write_uci(tmp_path / UCI, rows))


def test_uci_refuses_other_classes_and_headers(tmp_path: Path) -> None:
    rows = uci_rows()
    rows[3][-1] = "8"
    with pytest.raises(SourceError, match=r"a class is not known; got \[8\]"):
        read_recordings(write_uci(tmp_path / UCI, rows))
    path = write_uci(tmp_path / UCI, uci_rows())
    path.write_bytes(path.read_bytes().replace(b"channel8", b"channel9"))
    with pytest.raises(SourceError, match="the header does not fit"):
        read_recordings(path)


def test_grabmyo_scales_each_channel_by_its_own_gain(tmp_path: Path) -> None:
    path = build_grabmyo(tmp_path)[0]
    (recording,) = read_recordings(path)
    assert recording.samples.shape == (128, 28)
    assert not any(channel.name.startswith("U") for channel in recording.channels)
    codes = np.frombuffer(path.read_bytes(), "<i2").reshape(128, 32)
    gains = np.geomspace(7.1e3, 3.4e6, 32)
    expected = (codes[:, 17].astype(np.float64) - (17 - 16)) / gains[17]
    assert recording.channels[16].name == "W1"
    np.testing.assert_allclose(recording.samples[:, 16].astype(np.float64), expected, rtol=1e-5)
    assert (recording.subject, recording.session, recording.unit) == ("participant7", "2", "mV")
    assert [(s.action, s.repetition) for s in recording.spans] == [("fist", 2)]


def test_grabmyo_headers_and_lists_are_descriptions(tmp_path: Path) -> None:
    build_grabmyo(tmp_path)
    skipped = [item for item in find_sources([tmp_path]) if isinstance(item, Skipped)]
    assert len(skipped) == 3 and not any(item.failed for item in skipped)
    assert len(read_recordings(tmp_path)) == 2


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (" 32 2048 ", " 31 2048 ", "header does not fit; got 32 channels; expected 31"),
        (" 2048 128", " 2048 129", "another length than its header says"),
        (" 32 2048 ", " 32 1000 ", "not a record of GRABMyo"),
        (".dat 16 ", ".dat 310 ", "of another kind"),
        ("(0)/mV", "(0)/uV", "differ in unit"),
        (" U2\n", " W99\n", "not a record of GRABMyo"),
        (" 32 2048 128", "", "the header does not fit"),
    ],
)
def test_wfdb_headers_must_fit(old: str, new: str, message: str, tmp_path: Path) -> None:
    path = build_grabmyo(tmp_path)[1]
    header = path.with_suffix(".hea")
    assert old in header.read_text()
    header.write_text(header.read_text().replace(old, new))
    with pytest.raises(SourceError, match=message):
        read_recordings(path)


def test_wfdb_gains_must_be_usable_and_headers_there(tmp_path: Path) -> None:
    codes = np.ones((8, 32), int)
    for gain, message in (("0(0)", "a gain is not above 0"), ("1e(0)", "a gain is no number")):
        path = write_wfdb(tmp_path / GRAB, codes, [gain] * 32, GRAB_CHANNELS)
        with pytest.raises(SourceError, match=message):
            read_recordings(path)
    path.with_suffix(".hea").unlink()
    with pytest.raises(SourceError, match="its header is missing"):
        read_recordings(path)


def test_damaged_wfdb_headers_raise_nothing_else(tmp_path: Path) -> None:
    path = build_grabmyo(tmp_path)[0]
    header, random = path.with_suffix(".hea"), np.random.default_rng(0)
    data = header.read_bytes()
    refused = 0
    for _ in range(200):
        broken = bytearray(data)
        broken[random.integers(0, len(data))] = random.integers(0, 256)
        header.write_bytes(broken)
        try:
            assert read_recordings(path)
        except SourceError:
            refused += 1
    assert refused > 20
