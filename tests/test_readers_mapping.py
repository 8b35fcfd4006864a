"""Mapping files, and the csv and npz readers that follow them."""

import re
from pathlib import Path

import numpy as np
import pytest
from builders import BUILDERS, write_lines, zip_folder

from myosem.errors import MappingError, SourceError
from myosem.readers import read_recordings
from myosem.readers.mapping import parse_mapping
from myosem.records import Recording

BASIC = "rate_hz: 100\ncolumns: [a, b]\nsubject: p1\n"
ROWS: list[list[object]] = [["a", "b", "who"], [1, 2.5, "x"], [3, -4, "x"], [5, 6e-1, "y"]]


def read_csv(
    folder: Path, mapping: str, rows: list[list[object]] | None = None, name: str = "t.csv"
) -> Recording:
    write_lines(folder / name, rows or ROWS)
    (folder / "myosem.yaml").write_text(mapping)
    (recording,) = read_recordings(folder / name)
    return recording


def test_csv_takes_the_named_columns(tmp_path: Path) -> None:
    recording = read_csv(
        tmp_path, BASIC + "unit: 1\nband_hz: [20, 45]\nangles_deg: [0, 180]\nanchored: true\n"
    )
    np.testing.assert_array_equal(recording.samples, np.array([[1, 2.5], [3, -4], [5, 0.6]], np.float32))
    assert [(c.name, c.angle_deg) for c in recording.channels] == [("a", 0.0), ("b", 180.0)]
    assert (recording.dataset, recording.subject, recording.session, recording.name) == (
        "csv",
        "p1",
        "1",
        "t",
    )
    assert (recording.unit, recording.band_hz, recording.anchored) == ("1", (20.0, 45.0), True)
    assert recording.spans == ()


def test_csv_without_a_header_counts_columns_from_1(tmp_path: Path) -> None:
    mapping = "rate_hz: 100\nheader: false\ncolumns: [2, 1]\nsubject: 7\n"
    recording = read_csv(tmp_path, mapping, rows=[[1, 2], [3, 4]])
    np.testing.assert_array_equal(recording.samples, [[2, 1], [4, 3]])
    assert [channel.name for channel in recording.channels] == ["ch2", "ch1"]
    assert recording.subject == "7"


def test_tsv_quotes_and_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_bytes('\ufeff"a, left"\tb\r"1"\t2\r\n\r\n3\t4\n'.encode())
    (tmp_path / "t.yaml").write_text('rate_hz: 100\ncolumns: ["a, left", b]\nsubject: p1\n')
    (recording,) = read_recordings(tmp_path / "t.tsv")
    np.testing.assert_array_equal(recording.samples, [[1, 2], [3, 4]])


def test_labels_of_a_column_become_spans(tmp_path: Path) -> None:
    mapping = BASIC + "label_from: who\nlabels: {x: hand close}\nactions: {hand close: fist}\n"
    (span,) = read_csv(tmp_path, mapping).spans
    assert (span.start_s, span.end_s, span.label, span.action, span.repetition) == (
        0,
        0.02,
        "hand close",
        "fist",
        0,
    )


def test_groups_of_the_path_name_things(tmp_path: Path) -> None:
    mapping = (
        "rate_hz: 100\ncolumns: [a, b]\nlabels: {3: hand close}\n"
        "path: (?P<subject>p\\d)_(?P<session>d\\d)_(?P<label>\\d)_(?P<effort>[a-z]+)_r(?P<repetition>\\d)\n"
    )
    recording = read_csv(tmp_path, mapping, name="p5_d2_3_hard_r4.csv")
    (span,) = recording.spans
    assert (recording.subject, recording.session) == ("p5", "d2")
    assert (span.label, span.effort, span.repetition, span.end_s) == ("hand close", "hard", 4, 0.03)
    with pytest.raises(MappingError, match=r"path does not fit; got q\.csv"):
        read_csv(tmp_path, mapping, name="q.csv")


@pytest.mark.parametrize("place", ["t.csv.yaml", "t.yaml", "myosem.yaml"])
def test_mappings_are_found_beside_the_data(place: str, tmp_path: Path) -> None:
    write_lines(tmp_path / "t.csv", ROWS)
    (tmp_path / place).write_text(BASIC)
    assert len(read_recordings(tmp_path)) == 1


def test_the_mapping_of_an_archive_may_lie_beside_it(tmp_path: Path) -> None:
    write_lines(tmp_path / "folder/t.csv", ROWS)
    archive = zip_folder(tmp_path / "folder", tmp_path / "s.zip")
    (tmp_path / "myosem.yaml").write_text(BASIC)
    assert read_recordings(archive)[0].source == f"{archive}!t.csv"


def test_a_given_mapping_wins_and_makes_other_readers_silent(tmp_path: Path) -> None:
    path = BUILDERS["contraction_intensity"](tmp_path)[0]
    mapping = tmp_path / "other.yaml"
    mapping.write_text("rate_hz: 50\nheader: false\ncolumns: [1]\nsubject: p9\ndataset: mine\n")
    (recording,) = read_recordings(path, mapping=mapping)
    assert (recording.dataset, recording.subject, recording.samples.shape) == ("mine", "p9", (90, 1))


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ("colums: [a]\nrate_hz: 1\nsubject: p\n", r"unknown key colums; there is rate_hz, columns"),
        ("columns: [a]\nsubject: p\n", r"does not say the rate; expected `rate_hz`, or `time_from`"),
        ("rate_hz: 0\nsubject: p\n", r"rate_hz: Input should be greater than 0"),
        ("rate_hz: 100\ncolumns: [a]\n", r"does not say who was recorded"),
        ("rate_hz: 100\npath: '(?P<subject>'\n", r"path: not a regular expression"),
        ("rate_hz: 100\npath: '(?P<person>x)'\n", r"path: unknown group person; there is subject, session"),
        ("rate_hz: 100\nsubject: p\nactions: {x: fisst}\n", r"no action has the id fisst; there is fist"),
        ("rate_hz: 100\nsubject: p\nunit: volt\n", r"unit: Input should be 'V', 'mV'"),
        ("rate_hz: [", r"not YAML"),
        ("just words", r"not a mapping; got str"),
        (BASIC.replace("[a, b]", "[a, z]"), r"not there exactly once; got z; there is a, b, who"),
        (BASIC + "label_from: z\n", r"not there exactly once; got z; there is a, b, who"),
        ("rate_hz: 1\nsubject: p\n", r"names no columns; there is a, b, who"),
        (BASIC + "angles_deg: [1, 2, 3]\n", r"angles_deg does not fit; got 3 angles; expected 2"),
    ],
)
def test_wrong_mappings_say_what_is_wrong(mapping: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=message):
        read_csv(tmp_path, mapping)


@pytest.mark.parametrize("name", ["csv", "simulated"])
def test_brackets_without_end_are_no_yaml(name: str, tmp_path: Path) -> None:
    path = BUILDERS[name](tmp_path)[0]
    described = path if name == "simulated" else tmp_path / "myosem.yaml"
    described.write_text("rate_hz: " + "[" * 100_000)
    with pytest.raises((MappingError, SourceError), match="not YAML"):
        read_recordings(path)


def test_without_a_mapping_the_error_shows_how_to_start(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "t.csv", ROWS)
    with pytest.raises(MappingError, match=r"t\.csv.*needs a mapping.*myosem\.yaml.*put \{.*\}") as caught:
        read_recordings(path)
    example = re.findall(r"\{.*\}", str(caught.value))[0]
    assert parse_mapping(example.encode(), "the example").columns == ["emg1", "emg2", "emg3", "emg4"]
    with pytest.raises(MappingError, match="No such file"):
        read_recordings(path, mapping=tmp_path / "absent.yaml")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([*ROWS[:2], [3, "oops", "x"]], r"line 3, column b is no number; got 'oops'"),
        ([*ROWS[:2], [3, "", "x"]], r"line 3, column b is no number; got ''"),
        ([*ROWS[:2], [3]], r"line 3, column b is no number; got a line that ends before it"),
        ([ROWS[0]], r"no samples below the header"),
    ],
)
def test_text_among_the_numbers_is_found(rows: list[list[object]], message: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=message):
        read_csv(tmp_path, BASIC, rows)


def test_values_that_are_not_finite_pass_for_the_check_of_the_recording(tmp_path: Path) -> None:
    samples = read_csv(tmp_path, BASIC, [*ROWS[:2], ["nan", 1e300, "x"]]).samples
    assert not np.isfinite(samples[1].astype(float)).any()


def read_npz(folder: Path, mapping: str, **arrays: object) -> Recording:
    np.savez(folder / "t.npz", **arrays)  # type: ignore[arg-type]
    (folder / "myosem.yaml").write_text("rate_hz: 100\nsubject: p1\n" + mapping)
    (recording,) = read_recordings(folder / "t.npz")
    return recording


def test_npz_keeps_whole_numbers_and_reads_labels(tmp_path: Path) -> None:
    emg = np.arange(12, dtype=np.int16).reshape(6, 2)
    gesture = np.array([0.0, 0.0, np.nan, 1.0, 1.0, 0.0])
    recording = read_npz(tmp_path, "array: emg\nlabel_from: g\n", emg=emg, g=gesture)
    assert recording.samples.dtype == np.int16
    np.testing.assert_array_equal(recording.samples, emg)
    assert [(span.label, span.start_s, span.repetition) for span in recording.spans] == [
        ("0", 0.0, 0),
        ("1", 0.03, 0),
        ("0", 0.05, 1),
    ]


@pytest.mark.parametrize(
    ("mapping", "arrays", "message"),
    [
        ("", {"emg": np.ones((4, 2))}, r"names no array and no columns; there is emg \(4, 2\)"),
        ("array: x\n", {"emg": np.ones((4, 2))}, r"does not exist; got x; there is emg"),
        ("array: emg\nlabel_from: x\n", {"emg": np.ones((4, 2))}, r"does not exist; got x; there is emg"),
    ],
)
def test_npz_names_the_arrays_there_are(
    mapping: str, arrays: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(MappingError, match=message):
        read_npz(tmp_path, mapping, **arrays)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"emg": np.ones((2, 4))}, r"seems to be transposed; got shape \(2, 4\)"),
        ({"emg": np.ones(4)}, r"emg does not fit; got float64 \(4,\)"),
        ({"emg": np.array([["a", "b"]])}, r"emg does not fit"),
        ({"emg": np.array([[{}, 1]], dtype=object)}, r"cannot be read as .npz"),
        ({"emg": np.ones((4, 2)), "g": np.ones(3)}, r"differs in length; got emg 4, g 3"),
    ],
)
def test_npz_refuses_what_is_no_emg(arrays: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=message):
        read_npz(tmp_path, "array: emg\n" + ("label_from: g\n" if "g" in arrays else ""), **arrays)
