"""EDF and BDF: units, rates, gaps, annotations, and what is never carried over."""

from pathlib import Path

import edfio
import numpy as np
import pytest
from builder_parts import SECRET
from edf_builders import LENGTH_S, PATIENT, RATE_HZ, build_edf, emg_uv, signal, with_gap, write_edf
from edfio import BdfSignal, EdfSignal

from myosem.errors import MappingError, MissingExtraError, SourceError
from myosem.readers import read_recordings
from myosem.readers.edf_file import Label, looks_like_emg

PAIR = [signal("EMG 0"), signal("EMG 1", seed=1)]


def test_signals_are_as_they_were_written_to_the_resolution_of_the_format(tmp_path: Path) -> None:
    edf, bdf = (read_recordings(path)[0] for path in build_edf(tmp_path))
    for recording, bits in ((edf, 16), (bdf, 24)):
        for column, channel in enumerate(recording.channels):
            expected = emg_uv(seed=column)
            step = np.ptp(expected) / 2**bits * 1.01 + 1e-4 * (bits == 24)
            np.testing.assert_allclose(
                recording.samples[:, column].astype(float), expected, atol=step, err_msg=channel.name
            )
    assert (edf.rate_hz, edf.unit, edf.session, edf.name) == (RATE_HZ, "uV", "a", "a")
    assert [channel.name for channel in edf.channels] == ["EMG 0", "EMG 1", "EMG 2"]
    assert any("ECG" in note for note in edf.notes)
    assert any("2024-05-01 10:30:00" in note for note in edf.notes)


def test_annotations_are_spans(tmp_path: Path) -> None:
    recording = read_recordings(build_edf(tmp_path)[0])[0]
    assert [(span.start_s, span.end_s, span.label, span.repetition) for span in recording.spans] == [
        (0, 2, "rest", 0),
        (2, 4, "fist", 0),
        (4, 6, "rest", 1),
    ]


def test_units_are_brought_together_where_signals_differ(tmp_path: Path) -> None:
    (one,) = read_recordings(write_edf(tmp_path / "t.edf", [signal("EMG 0", "mV"), signal("EMG 1", "uV")]))
    assert one.unit == "V"
    np.testing.assert_allclose(one.samples[:, 0].astype(float), one.samples[:, 1].astype(float), atol=2e-8)
    np.testing.assert_allclose(one.samples[:, 0].astype(float), emg_uv() * 1e-6, atol=2e-8)


def test_the_micro_sign_is_read_in_either_encoding(tmp_path: Path) -> None:
    for sign in ("µ".encode("latin-1"), "µ".encode()):
        path = write_edf(tmp_path / "t.edf", PAIR)
        unit = b"uV      "
        path.write_bytes(path.read_bytes().replace(unit, (sign + b"V").ljust(8)))
        assert read_recordings(path)[0].unit == "uV"


def test_signals_of_another_rate_are_a_recording_of_their_own(tmp_path: Path) -> None:
    slow = signal("EMG slow", rate_hz=100)
    fast, other = read_recordings(write_edf(tmp_path / "t.edf", [*PAIR, slow]))
    assert (fast.name, fast.rate_hz, fast.samples.shape) == ("t-500Hz", 500, (3000, 2))
    assert (other.name, other.rate_hz, other.samples.shape) == ("t-100Hz", 100, (600, 1))
    assert fast.spans == other.spans
    assert any("500, 100 Hz" in note for note in fast.notes)


def test_numbers_of_the_converter_stay_whole(tmp_path: Path) -> None:
    codes = np.arange(-3000, 3000, dtype=np.int16)
    raw = EdfSignal.from_digital(codes, 1000, label="EMG", physical_dimension="adc")
    (one,) = read_recordings(write_edf(tmp_path / "t.edf", [raw], marks=None))
    assert (str(one.samples.dtype), one.unit) == ("int16", "adc")
    np.testing.assert_array_equal(one.samples[:, 0], codes)


def test_a_file_with_gaps_is_cut_there_and_keeps_its_labels(tmp_path: Path) -> None:
    path = with_gap(write_edf(tmp_path / "t.edf", PAIR, [(0, 1, "rest"), (7, 2, "fist")]), record=3, gap_s=2)
    whole = np.concatenate([part.samples.astype(float) for part in read_recordings(path)])
    first, second = read_recordings(path)
    assert (first.name, second.name) == ("t-1", "t-2")
    assert (first.duration_s, second.duration_s) == (3, 3)
    assert [(span.label, span.start_s, span.end_s) for span in first.spans] == [("rest", 0, 1)]
    assert [(span.label, span.start_s, span.end_s) for span in second.spans] == [("fist", 2, 3)]
    np.testing.assert_allclose(whole[:, 0], emg_uv(), atol=0.02)
    assert any("2 stretches" in note for note in first.notes)


def test_records_whose_times_run_backwards_are_refused(tmp_path: Path) -> None:
    path = with_gap(write_edf(tmp_path / "t.edf", PAIR, []), record=3, gap_s=-2)
    with pytest.raises(SourceError, match="run backwards"):
        read_recordings(path)


def test_no_name_and_no_code_of_the_patient_is_carried_over(tmp_path: Path) -> None:
    by_code = read_recordings(write_edf(tmp_path / "code.edf", PAIR))[0]
    same = read_recordings(write_edf(tmp_path / "same.edf", PAIR, patient=edfio.Patient(code=PATIENT.code)))[
        0
    ]
    by_name = read_recordings(write_edf(tmp_path / "name.edf", PAIR, patient=edfio.Patient(name="Jane_Roe")))[
        0
    ]
    nobody = read_recordings(write_edf(tmp_path / "nobody.edf", PAIR, patient=edfio.Patient()))[0]
    assert by_code.subject == same.subject != by_name.subject
    assert nobody.subject == "unknown"
    for one in (by_code, by_name, nobody):
        said = repr((one.subject, one.session, one.notes))
        for part in ("MCH", "0234567", *SECRET.split(), "1951"):
            assert part not in said


def test_a_mapping_names_person_session_signals_and_labels(tmp_path: Path) -> None:
    (tmp_path / "myosem.yaml").write_text(
        "path: (?P<subject>p\\d)_(?P<session>d\\d)\ncolumns: [EMG 1]\ndataset: mine\nangles_deg: [90]\n"
        "labels: {fist: hand close}\nactions: {hand close: fist}\n"
    )
    (one,) = read_recordings(write_edf(tmp_path / "p1_d2.edf", PAIR))
    assert (one.dataset, one.subject, one.session, one.name) == ("mine", "p1", "d2", "p1_d2")
    assert [(channel.name, channel.angle_deg) for channel in one.channels] == [("EMG 1", 90.0)]
    assert [(span.label, span.action) for span in one.spans] == [("hand close", "fist")]
    assert not any("patient" in note for note in one.notes)
    (tmp_path / "myosem.yaml").write_text("columns: [EMG 9]\n")
    with pytest.raises(MappingError, match="not there exactly once; got EMG 9; there is EMG 0, EMG 1"):
        read_recordings(tmp_path / "p1_d2.edf")


def test_a_stated_rate_is_checked_against_the_file(tmp_path: Path) -> None:
    path = write_edf(tmp_path / "t.edf", PAIR)
    (tmp_path / "t.yaml").write_text("rate_hz: 504\n")
    (one,) = read_recordings(path)
    assert one.rate_hz == 504
    assert any("504 Hz; by the times it is 500 Hz" in note for note in one.notes)
    (tmp_path / "t.yaml").write_text("rate_hz: 1000\n")
    with pytest.raises(SourceError, match="the rate does not fit its times; got 500 Hz"):
        read_recordings(path)


@pytest.mark.parametrize(
    ("names", "units", "chosen"),
    [
        (["EMG left", "ECG", "Status"], ["uV", "uV", ""], [0]),
        (["ch1", "ECG", "acc x", "ch2"], ["uV", "mV", "g", "uV"], [0, 3]),
        (["biceps", "triceps", "STATUS"], ["", "", "Boolean"], [0, 1]),
        (["ch1", "force"], ["uV", "N"], [0]),
    ],
)
def test_what_looks_like_emg(names: list[str], units: list[str], chosen: list[int]) -> None:
    assert looks_like_emg([Label(*each) for each in zip(names, units, strict=True)]) == chosen


def header_field(path: Path, at: int, text: str) -> Path:
    data = bytearray(path.read_bytes())
    data[at : at + 8] = text.encode().ljust(8)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("at", "text", "message"),
    [
        (236, "99999999", "another length than its header says"),
        (236, "5", "another length than its header says"),
        (184, "99999999", "header is damaged"),
        (252, "9999", "not an EDF or BDF file"),
        (0, "EDF", "not an EDF or BDF file"),
        (244, "0", "length of a data record"),
        (244, "nan", "length of a data record"),
    ],
)
def test_wrong_sizes_are_refused_before_anything_is_made(
    at: int, text: str, message: str, tmp_path: Path
) -> None:
    path = header_field(write_edf(tmp_path / "t.edf", PAIR, marks=None), at, text)
    with pytest.raises(SourceError, match=message):
        read_recordings(path)


def test_a_huge_record_is_refused(tmp_path: Path) -> None:
    path = write_edf(tmp_path / "t.edf", PAIR, marks=None)
    path = header_field(path, 256 + 2 * 216, "99999999")
    with pytest.raises(SourceError, match=r"records of 20\d+ bytes"):
        read_recordings(path)


def test_a_recording_that_was_not_closed_is_read_to_its_last_whole_record(tmp_path: Path) -> None:
    path = header_field(write_edf(tmp_path / "t.edf", PAIR, marks=None), 236, "-1")
    path.write_bytes(path.read_bytes()[:-300])
    (one,) = read_recordings(path)
    assert one.duration_s == LENGTH_S - 1
    assert any("was not closed" in note for note in one.notes)


def test_a_signal_without_a_scale_is_refused_where_it_is_needed(tmp_path: Path) -> None:
    path = write_edf(tmp_path / "t.edf", PAIR, marks=None)
    data = bytearray(path.read_bytes())
    at = 256 + 2 * (16 + 80 + 8)
    data[at : at + 8] = data[at + 16 : at + 24] = b"1       "
    path.write_bytes(data)
    with pytest.raises(SourceError, match="'EMG 0' has no scale"):
        read_recordings(path)


def test_only_annotations_are_no_recording(tmp_path: Path) -> None:
    edfio.Edf([], annotations=[edfio.EdfAnnotation(0, None, "x")]).write(tmp_path / "t.edf")
    with pytest.raises(SourceError, match="annotations and no signals"):
        read_recordings(tmp_path / "t.edf")


def test_24_bits_keep_small_signals(tmp_path: Path) -> None:
    small = emg_uv() * 1e-3
    path = write_edf(
        tmp_path / "t.bdf", [BdfSignal(small, RATE_HZ, label="EMG", physical_dimension="uV")], marks=None
    )
    np.testing.assert_allclose(read_recordings(path)[0].samples[:, 0].astype(float), small, atol=1e-6)


def test_without_edfio_the_command_that_installs_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_edf(tmp_path / "t.edf", PAIR)
    monkeypatch.setitem(__import__("sys").modules, "edfio", None)
    with pytest.raises(MissingExtraError, match=r"myosem\[formats\]"):
        read_recordings(path)
