"""What is peculiar to putEMG."""

from pathlib import Path

import h5py  # type: ignore[import-untyped]
import numpy as np
import pytest
from hdf5_builders import (
    PUTEMG,
    PUTEMG_COLUMNS,
    build_putemg,
    putemg_values,
    write_putemg,
    write_putemg_csv,
)

from myosem.errors import SourceError
from myosem.readers import read_recordings

NAME = f"{PUTEMG}.hdf5"


def test_both_published_forms_hold_the_same(tmp_path: Path) -> None:
    table, text = (read_recordings(path)[0] for path in build_putemg(tmp_path))
    np.testing.assert_array_equal(table.samples, text.samples)
    np.testing.assert_array_equal(table.samples, putemg_values()[:, :24])
    assert table.spans == text.spans
    assert (table.subject, table.session, table.unit) == ("07", "2018-05-11", "adc")
    assert (table.name, text.name) == ("sequential-11-10-50-475", "repeats_long-11-10-50-475")


def test_transitions_have_no_label(tmp_path: Path) -> None:
    spans = read_recordings(build_putemg(tmp_path)[0])[0].spans
    assert [(s.label, s.action) for s in spans] == [
        ("idle", "rest"),
        ("fist", "fist"),
        ("pinch middle", None),
    ]
    assert spans[1].start_s == pytest.approx(200 / 5120)


def test_three_bands_of_eight(tmp_path: Path) -> None:
    channels = read_recordings(build_putemg(tmp_path)[0])[0].channels
    assert [channel.angle_deg for channel in channels] == [i * 45.0 for i in range(8)] * 3


def test_columns_are_found_by_name(tmp_path: Path) -> None:
    order = np.random.default_rng(0).permutation(len(PUTEMG_COLUMNS))
    columns = [PUTEMG_COLUMNS[i] for i in order]
    path = write_putemg(tmp_path / NAME, putemg_values()[:, order], columns)
    np.testing.assert_array_equal(read_recordings(path)[0].samples, putemg_values()[:, :24])


def test_a_table_without_names_or_labels_is_refused(tmp_path: Path) -> None:
    path = write_putemg(tmp_path / NAME, putemg_values()[:, :24], PUTEMG_COLUMNS[:24])
    with pytest.raises(SourceError, match="does not name its columns"):
        read_recordings(path)
    write_putemg(path, putemg_values())
    with h5py.File(path, "r+") as content:
        del content["data/table"].attrs["values_block_3_kind"]
    with pytest.raises(SourceError, match="does not name its columns"):
        read_recordings(path)


@pytest.mark.parametrize("label", [4, 0.5, np.nan])
def test_other_labels_are_refused(label: float, tmp_path: Path) -> None:
    values = putemg_values()
    values[3, PUTEMG_COLUMNS.index("TRAJ_GT")] = label
    with pytest.raises(SourceError, match="a gesture is not known"):
        read_recordings(write_putemg(tmp_path / NAME, values))


def test_csv_must_have_the_header_and_rows(tmp_path: Path) -> None:
    path = write_putemg_csv(tmp_path / f"{PUTEMG}.csv", putemg_values())
    whole = path.read_text()
    path.write_text(whole.replace("EMG_24", "EMG_25"))
    with pytest.raises(SourceError, match="the header does not fit"):
        read_recordings(path)
    path.write_text(whole.replace(",emg_gestures", "x,emg_gestures").replace("\n0.0", "\n0,x"))
    with pytest.raises(SourceError, match="not a table of numbers"):
        read_recordings(path)
