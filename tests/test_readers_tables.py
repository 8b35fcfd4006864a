"""Columns of tables and archives: times that jump, rates that differ, labels and dates of any type."""

from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import numpy as np
import pytest
from builders import write_lines, zip_folder
from numpy.typing import NDArray
from table_builders import MAPPING, ROWS, build_hdf5, columns, emg, gestures, write_hdf5, write_parquet

from myosem.errors import MappingError, SourceError
from myosem.readers import SourceFile, read_recordings
from myosem.readers.columns import label_texts, seconds
from myosem.readers.hdf5 import stored_inside
from myosem.readers.timing import long_enough, settled_rate, stretches
from myosem.records import Recording

FILE = SourceFile(Path("t.csv"))


def write(folder: Path, kind: str, table: dict[str, Any], mapping: str = MAPPING) -> Path:
    """The same table in any format."""
    path = folder / f"p1_walk.{kind}"
    (folder / "myosem.yaml").write_text(mapping)
    if kind == "parquet":
        return write_parquet(path, table)
    if kind == "h5":
        return write_hdf5(path, table)
    if kind == "npz":
        np.savez(path, **table)
        return path
    rows = zip(*(values.tolist() for values in table.values()), strict=True)
    return write_lines(path, [list(table), *rows])


KINDS = pytest.mark.parametrize("kind", ["csv", "parquet", "h5", "npz"])


@KINDS
def test_every_format_gives_the_same_recording(kind: str, tmp_path: Path) -> None:
    (one,) = read_recordings(write(tmp_path, kind, columns()))
    np.testing.assert_array_equal(one.samples, emg())
    assert (one.rate_hz, one.subject, one.unit, one.notes) == (1000, "p1", "mV", ())
    assert [channel.name for channel in one.channels] == ["a", "b", "c"]
    assert [(span.label, span.start_s, span.end_s, span.action) for span in one.spans] == [
        ("rest", 0, 0.4, "rest"),
        ("fist", 0.4, 0.8, "fist"),
        ("rest", 0.8, 1.2, "rest"),
    ]


def test_one_mapping_serves_a_folder_of_mixed_files(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    for number, kind in enumerate(("csv", "parquet", "h5", "npz"), start=1):
        write(tmp_path, kind, columns()).rename(tmp_path / f"p{number}_walk.{kind}")
    archive = zip_folder(tmp_path, tmp_path.parent / "mixed.zip")
    for place in (tmp_path, archive):
        found = read_recordings(place)
        assert sorted(one.subject for one in found) == ["p1", "p2", "p3", "p4"]
        assert len({one.content_hash for one in found}) == 1


@KINDS
def test_a_jump_in_time_cuts_the_recording(kind: str, tmp_path: Path) -> None:
    table = {name: np.concatenate([values] * 3) for name, values in columns().items()}
    table["time"] = np.arange(3 * ROWS) + np.repeat([0.0, 3000.0], [2000, 1600])
    first, second = read_recordings(write(tmp_path, kind, table))
    assert (first.name, second.name) == ("p1_walk-1", "p1_walk-2")
    assert (first.duration_s, second.duration_s) == (2.0, 1.6)
    whole = np.concatenate([first.samples.astype(float), second.samples.astype(float)])
    np.testing.assert_array_equal(whole, np.concatenate([emg()] * 3).astype(float))
    assert second.spans[0].start_s == 0 and second.spans[-1].end_s == pytest.approx(1.6)
    assert first.notes == ("Cut where the time jumps: 2 stretches.",)


def test_both_rates_are_kept_where_they_differ_and_refused_where_they_differ_much(tmp_path: Path) -> None:
    (one,) = read_recordings(write(tmp_path, "csv", columns(), "rate_hz: 1020\n" + MAPPING))
    assert one.rate_hz == 1020
    assert one.notes == ("The rate is stated as 1020 Hz; by the times it is 1000 Hz.",)
    with pytest.raises(SourceError, match=r"got 1000 Hz by the times; expected 2000 Hz as stated"):
        read_recordings(write(tmp_path, "csv", columns(), "rate_hz: 2000\n" + MAPPING))


@pytest.mark.parametrize(
    ("measured", "settled"), [(999.8, 1000), (1925.93, 1926), (1111.11, 1111), (62.4, 62.4), (0.1, 0.1)]
)
def test_a_measured_rate_is_a_whole_number_where_it_is_near_one(measured: float, settled: float) -> None:
    assert settled_rate(FILE, None, measured) == (settled, None)


def test_stretches_are_what_a_slow_loop_finds() -> None:
    steps = np.where(np.random.default_rng(0).random(500) < 0.02, 2.0, 0.01)
    times_s = np.cumsum(steps)
    slow, start = [], 0
    for place in range(1, len(times_s)):
        if times_s[place] - times_s[place - 1] > 0.5:
            slow.append((start, place))
            start = place
    found, rate_hz = stretches(FILE, times_s)
    assert found == [*slow, (start, 500)]
    assert rate_hz == pytest.approx(100)
    kept, notes = long_enough(found, 100)
    assert kept == [(a, b) for a, b in found if b - a >= 100]
    assert notes[-1] == f"Stretches of less than a second were left out: {len(found) - len(kept)}."


@pytest.mark.parametrize(
    ("times_s", "message"),
    [
        ([0, 1, np.nan], "1 times are not finite"),
        ([0, 2, 1], "runs backwards; got 1 s after 2 s, sample 3"),
        ([1, 1, 1], "stands still"),
    ],
)
def test_times_that_are_none_are_refused(times_s: list[float], message: str) -> None:
    with pytest.raises(SourceError, match=message):
        stretches(FILE, np.array(times_s, dtype=np.float64))


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        (np.array([1.5, 2.0]), "s"),
        (np.array([1500, 2000]), "ms"),
        (np.array([1_700_000_000_000_000_000, 1_700_000_000_500_000_000]), "ns"),
        (np.array([1_500_000, 2_000_000], np.uint64), "us"),
        (np.array(["2024-01-01T10:00:00", "2024-01-01T10:00:00.500"]), "date"),
        (np.array(["2024-01-01 10:00:00+01:00", "2024-01-01 09:00:00.5+00:00"], object), "date"),
        (np.array(["2024-01-01T10:00:00", "2024-01-01T10:00:00.500"], "datetime64[ms]"), "s"),
    ],
)
def test_times_of_any_type_are_seconds_from_the_first(values: Any, unit: str) -> None:
    np.testing.assert_allclose(seconds(FILE, values, unit), [0, 0.5], atol=1e-9)


@pytest.mark.parametrize(
    ("values", "unit"), [(np.array(["soon"]), "date"), (np.array([1.0]), "date"), (np.array(["1"]), "s")]
)
def test_what_is_no_time_is_refused(values: Any, unit: str) -> None:
    with pytest.raises(SourceError):
        seconds(FILE, values, unit)


def test_labels_of_any_type_are_texts() -> None:
    for values in (
        np.array([1.0, np.nan, 2.0]),
        np.array(["1", "", "2"]),
        np.array([b"1", b"", b" 2"]),
        np.array([1, None, "2"], object),
    ):
        assert label_texts(values).tolist() == ["1", "", "2"]


def test_a_matrix_of_an_hdf5_file(tmp_path: Path) -> None:
    counts = np.arange(-600, 600, dtype=">i2").reshape(400, 3)
    with h5py.File(tmp_path / "t.h5", "w") as content:
        content.create_dataset("raw/emg", data=counts, chunks=(50, 3), compression="gzip")
    (tmp_path / "t.yaml").write_text("rate_hz: 200\narray: raw/emg\nsubject: p1\n")
    (one,) = read_recordings(tmp_path / "t.h5")
    np.testing.assert_array_equal(one.samples, counts)
    assert str(one.samples.dtype) == "int16"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("columns: [a, z, c]", "does not exist; got z; there is time, a, b, c, gesture, initials"),
        ("columns: [a, gesture]", "gesture does not fit; got type object"),
        ("subject: p1", "names no array and no columns"),
    ],
)
def test_what_the_mapping_names_must_be_there(change: str, message: str, tmp_path: Path) -> None:
    path = write(tmp_path, "parquet", columns(), MAPPING.replace("columns: [a, b, c]", change))
    with pytest.raises((MappingError, SourceError), match=message):
        read_recordings(path)


def test_missing_values_pass_for_the_check_of_the_recording(tmp_path: Path) -> None:
    import pyarrow  # type: ignore[import-untyped]

    table: dict[str, Any] = dict(columns())
    table["a"] = pyarrow.array([None, *range(1, ROWS)], pyarrow.int32())
    table["gesture"] = pyarrow.array([None, *gestures()[1:].tolist()])
    (one,) = read_recordings(write(tmp_path, "parquet", table))
    assert np.isnan(one.samples[0, 0])
    assert one.spans[0].start_s == 0.001


def test_a_name_with_signs_of_a_pattern_means_that_file(tmp_path: Path) -> None:
    odd = write(tmp_path, "parquet", columns()).rename(tmp_path / "p1_[ab]*.parquet")
    (tmp_path / "p1_a.parquet").write_bytes(b"not a table")
    assert len(read_recordings(odd)) == 1


def test_a_table_that_is_larger_than_it_may_be_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("myosem.readers.columns.MAX_MEMBER_BYTES", 3 * 4 * ROWS - 1)
    with pytest.raises(SourceError, match="too many samples"):
        read_recordings(write(tmp_path, "parquet", columns()))
    path = write(tmp_path, "h5", columns())
    with h5py.File(path, "a") as content:
        del content["a"]
        content.create_dataset("a", (1 << 40,), "f4", chunks=(1024,))
    with pytest.raises(SourceError, match=r"too many samples; got 4096\.0 GiB"):
        read_recordings(path)


def test_an_array_of_a_huge_declared_shape_is_refused(tmp_path: Path) -> None:
    import io
    import zipfile

    head = io.BytesIO()
    declared = {"descr": "<f4", "fortran_order": False, "shape": (1 << 40, 2)}
    np.lib.format.write_array_header_1_0(head, declared)  # type: ignore[no-untyped-call]
    with zipfile.ZipFile(tmp_path / "t.npz", "w") as archive:
        archive.writestr("emg.npy", head.getvalue() + bytes(64))
    (tmp_path / "t.yaml").write_text("rate_hz: 200\narray: emg\nsubject: p1\n")
    with pytest.raises(SourceError, match=r"emg\.npy is too large"):
        read_recordings(tmp_path / "t.npz")


def test_an_archive_of_arrays_does_not_unpack_to_far_more_than_its_size(tmp_path: Path) -> None:
    np.savez_compressed(
        tmp_path / "t.npz", emg=np.zeros((1 << 24, 1), np.int16), label=np.zeros(1 << 24, "i1")
    )
    (tmp_path / "t.yaml").write_text("rate_hz: 200\narray: emg\nsubject: p1\n")
    with pytest.raises(SourceError, match="what is in it is too large"):
        read_recordings(tmp_path / "t.npz")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([1, -2, 1], np.int16), ["1", "-2", "1"]),
        (np.array([1.0, np.nan, -0.0, np.inf]), ["1", "", "0", ""]),
        (np.array([1.5, 2.0, np.nan]), ["1.5", "2.0", ""]),
        (np.array([0.1], np.float32), ["0.1"]),
        (np.array([np.nan, np.nan]), ["", ""]),
        (np.array([True, False]), ["True", "False"]),
        (np.array(["a ", "b"]), ["a ", "b"]),
        (np.array([b"a ", b"\xff"]), ["a", "\ufffd"]),
        (np.array([None, 3, b"x", " y"], object), ["", "3", "x", "y"]),
        (np.array(["2024-05-01", "NaT"], "M8[D]"), ["2024-05-01", "NaT"]),
    ],
)
def test_labels_are_texts_whatever_they_are_stored_as(values: NDArray[Any], expected: list[str]) -> None:
    assert label_texts(values).tolist() == expected


def test_many_labels_take_little_memory() -> None:
    assert label_texts(np.repeat([1.0, np.nan, 20.0], 1000)).nbytes == 3000 * 2 * 4


def test_an_hdf5_file_does_not_hold_more_than_it_can_unpack(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "t.h5", "w") as content:
        content.create_dataset("emg", (1 << 23, 2), "f4", chunks=(1024, 2))
    (tmp_path / "t.yaml").write_text("rate_hz: 200\narray: emg\nsubject: p1\n")
    with pytest.raises(SourceError, match="emg is too large; got 67,108,864 bytes in a file of"):
        read_recordings(tmp_path / "t.h5")


def test_columns_of_different_lengths_are_refused(tmp_path: Path) -> None:
    table = columns() | {"b": np.zeros(5, np.float32)}
    with pytest.raises(
        SourceError, match="differs in length; got a 1200, b 5, c 1200, gesture 1200, time 1200"
    ):
        read_recordings(write(tmp_path, "h5", table))


def test_semicolons_are_found_by_themselves(tmp_path: Path) -> None:
    path = write(tmp_path, "csv", columns())
    path.write_text(path.read_text().replace(",", ";"))
    (one,) = read_recordings(path)
    np.testing.assert_array_equal(one.samples, emg())


def test_compound_datasets_have_fields(tmp_path: Path) -> None:
    first, second = (read_recordings(path)[0] for path in build_hdf5(tmp_path))
    assert isinstance(first, Recording)
    np.testing.assert_array_equal(first.samples, second.samples)
    assert first.spans == second.spans
    assert second.channels[0].name == "log/table/a"


@pytest.mark.parametrize("how", ["link", "storage", "virtual"])
def test_an_hdf5_file_is_not_read_beyond_itself(how: str, tmp_path: Path) -> None:
    values = emg()
    (tmp_path / "raw").write_bytes(values.tobytes())
    write_hdf5(tmp_path / "other.hdf5", {"emg": values})
    with h5py.File(tmp_path / "t.h5", "w") as content:
        if how == "link":
            content["emg"] = h5py.ExternalLink(tmp_path / "other.hdf5", "emg")
        elif how == "storage":
            content.create_dataset("emg", values.shape, "f4", external=[(tmp_path / "raw", 0, values.nbytes)])
        else:
            layout = h5py.VirtualLayout(values.shape, "f4")
            layout[:] = h5py.VirtualSource(tmp_path / "other.hdf5", "emg", shape=values.shape)
            content.create_virtual_dataset("emg", layout)
    (tmp_path / "t.yaml").write_text("rate_hz: 1000\narray: emg\nsubject: p1\n")
    with pytest.raises((SourceError, MappingError), match=r"kept in another file|does not exist"):
        read_recordings(tmp_path / "t.h5")
    with h5py.File(tmp_path / "t.h5") as content, pytest.raises(ValueError, match="kept in another file"):
        stored_inside(content, content["emg"])
