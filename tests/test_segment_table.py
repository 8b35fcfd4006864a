"""Rows from memory are the catalogue's own, whatever is null or missing in it."""

from pathlib import Path

import duckdb
import pytest
from test_catalogue import row

from myosem.catalogue import Catalogue
from myosem.catalogue_writer import HITS, CatalogueWriter, NewSegment
from myosem.errors import LibraryError
from myosem.segment_table import SegmentTable


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Three recordings, those of another data set first, with all kinds of segments."""
    path = tmp_path / "catalogue.duckdb"
    rows = [row(1), row(2, "s2", "b"), row(3, "s10", dataset="another")]
    ids = [one.recording for one in rows]
    writer = CatalogueWriter(path, None)
    writer.write_recordings(rows, [], [])
    segments = [
        NewSegment(ids[0], 0.1, 1.2345, "contraction", "fist", "fist", "light", 12.5),
        NewSegment(ids[0], 1.25, 1.5, "rest"),
        NewSegment(ids[1], 0.0005, 0.7, "contraction", "other's", None, None, 3.0),
        NewSegment(ids[2], 1 / 3, 2 / 3, "contraction", None, None, "light", 0.0),
    ]
    writer.write_segments([], segments)
    writer.close()
    return path


def test_gives_the_rows_of_the_catalogue(path: Path) -> None:
    catalogue = Catalogue.open(path)
    table = SegmentTable(catalogue)
    wanted = [3, 0, 2, 1, 0]
    assert table.rows(wanted) == catalogue.rows(wanted)
    assert [one.dataset for one in table.rows(wanted)] == ["set", "another", "set", "set", "another"]
    assert len(table) == 4


@pytest.mark.parametrize("asked", [[4], [0, -1]])
def test_a_row_that_is_not_there_is_refused(path: Path, asked: list[int]) -> None:
    with pytest.raises(LibraryError, match="rows 0 to 3"):
        SegmentTable(Catalogue.open(path)).rows(asked)


def test_a_catalogue_of_an_older_library(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("DROP VIEW hits; ALTER TABLE segments DROP COLUMN over_rest_db")
        connection.execute(HITS.replace("s.over_rest_db, ", ""))
    catalogue = Catalogue.open(path)
    assert SegmentTable(catalogue).rows([0, 1, 2, 3]) == catalogue.rows([0, 1, 2, 3])


def test_a_library_without_segments(tmp_path: Path) -> None:
    writer = CatalogueWriter(tmp_path / "catalogue.duckdb", None)
    writer.write_recordings([], [], [])
    writer.write_segments([], [])
    writer.close()
    table = SegmentTable(Catalogue.open(tmp_path / "catalogue.duckdb"))
    assert (len(table), table.rows([])) == (0, [])
