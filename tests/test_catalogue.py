"""Tables: their order, people, summaries; and what a condition may say."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest

from myosem.catalogue import Catalogue, RecordingRow, SessionKey, SourceRow, natural
from myosem.catalogue_writer import HITS, CatalogueWriter, Duplicate, NewSegment, merge_people
from myosem.condition import COLUMNS
from myosem.errors import LibraryError, UsageError
from myosem.records import Channel, Recording, Span
from myosem.store import Place


def row(
    number: int, subject: str = "s1", name: str = "a", dataset: str = "set", label: str = "fist"
) -> RecordingRow:
    recording = Recording(
        samples=np.ones((400, 2), dtype=np.int16),
        rate_hz=200.0,
        channels=(Channel("ch1", 0.0, 10.0), Channel("ch2")),
        dataset=dataset,
        subject=subject,
        session="1",
        name=name,
        source=f"{dataset}/{subject}/{name}",
        unit="mV",
        signal="envelope",
        band_hz=(15.0, 100.0),
        anchored=True,
        spans=(Span(0.0, 1.0, label, "fist", "light", 3), Span(1.0, 2.0, "other's")),
        simulated=True,
        notes=("mended",),
    )
    return RecordingRow.of(recording, f"{number:032x}"[::-1], Place("000001.bin", 64 * number, "<i2", 400, 2))


def source_of(one: RecordingRow) -> SourceRow:
    return SourceRow(one.source, 10, 1.5, "any", "stored")


def segment_of(one: RecordingRow, start_s: float = 0.0, label: str | None = None) -> NewSegment:
    return NewSegment(one.recording, start_s, start_s + 0.5, "contraction", label, None, None)


def write(
    path: Path,
    rows: list[RecordingRow],
    segments: list[NewSegment],
    duplicates: list[Duplicate] | None = None,
) -> Catalogue:
    writer = CatalogueWriter(path, None)
    writer.write_recordings(rows, [source_of(one) for one in rows], duplicates or [])
    writer.write_segments([], segments)
    writer.close()
    return Catalogue.open(path)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    """Subjects s10 and s2 with segments given in a wrong order."""
    one, two, three = row(1, "s10"), row(2, "s2", "trial10"), row(3, "s2", "trial9")
    segments = [segment_of(one), segment_of(two, 1.0, "fist"), segment_of(two), segment_of(three)]
    found = write(tmp_path_factory.mktemp("library") / "catalogue.duckdb", [one, two, three], segments)
    yield found
    found.close()


def test_a_recording_comes_back_as_it_was(tmp_path: Path) -> None:
    one = row(1)
    catalogue = write(tmp_path / "c", [one], [])
    assert catalogue.recordings() == [one]
    assert RecordingRow.from_json(json.loads(json.dumps(one.to_json()))) == one


def test_rows_are_in_natural_order(catalogue: Catalogue) -> None:
    assert list(catalogue.members()) == [SessionKey("set", "s2", "1"), SessionKey("set", "s10", "1")]
    found = [(one.subject, one.name, one.start_s) for one in catalogue.rows(range(4))]
    assert found == [("s2", "trial9", 0), ("s2", "trial10", 0), ("s2", "trial10", 1), ("s10", "a", 0)]


def test_rows_come_in_the_order_asked_for(catalogue: Catalogue) -> None:
    assert [one.row for one in catalogue.rows([3, 0, 3])] == [3, 0, 3]
    assert catalogue.rows([]) == []
    with pytest.raises(LibraryError, match=r"no such row.*got 4; there is rows 0 to 3"):
        catalogue.rows([0, 4])


def test_a_segment_is_found_by_its_id(catalogue: Catalogue) -> None:
    wanted = catalogue.rows([2])[0]
    assert wanted.segment.endswith("@1.000")
    assert (wanted.label, wanted.duration_s, wanted.channels) == ("fist", 0.5, 2)
    assert catalogue.segment(wanted.segment) == wanted
    assert catalogue.segments_of(wanted.key)[2] == wanted
    with pytest.raises(LibraryError, match="no segment 'x'"):
        catalogue.segment("x")


def test_origins_say_where_each_vector_comes_from(tmp_path: Path) -> None:
    old, new = row(1, "s2"), row(2, "s1")
    write(tmp_path / "old", [old], [segment_of(old, 1.0), segment_of(old)]).close()
    writer = CatalogueWriter(tmp_path / "new", tmp_path / "old")
    writer.write_recordings([new], [source_of(new)], [])
    origins = writer.write_segments([old.recording], [segment_of(new, 1.0), segment_of(new)])
    writer.close()
    assert origins.tolist() == [[-1, 1], [-1, 0], [0, -1], [1, -1]]


def test_a_source_read_again_replaces_what_it_held(tmp_path: Path) -> None:
    old, other, new = row(1), row(2, "s2"), row(3)
    write(tmp_path / "old", [old, other], []).close()
    writer = CatalogueWriter(tmp_path / "new", tmp_path / "old")
    writer.write_recordings([new], [source_of(new)], [])
    assert [one.recording for one in writer.tables.recordings()] == [new.recording, other.recording]
    assert len(writer.tables.sources()) == 2


def test_a_source_read_again_leaves_what_another_holds_too(tmp_path: Path) -> None:
    old, new = row(1), row(3)
    copy = Duplicate("copy", old.recording, "set", "s1")
    write(tmp_path / "old", [old], [], [copy]).close()
    writer = CatalogueWriter(tmp_path / "new", tmp_path / "old")
    writer.write_recordings([new], [source_of(new)], [])
    assert {one.recording: one.source for one in writer.tables.recordings()} == {
        old.recording: "copy",
        new.recording: new.source,
    }


def test_subjects_with_identical_recordings_are_one_person(tmp_path: Path) -> None:
    one, other = row(1, "s10"), row(2, "s9")
    copies = [Duplicate("c1", one.recording, "set", "s2"), Duplicate("c2", other.recording, "set", "s10")]
    catalogue = write(tmp_path / "c", [one, other], [], copies)
    assert [catalogue.person_of("set", subject) for subject in ("s2", "s9", "s10")] == ["s2"] * 3
    assert (catalogue.summary().datasets[0].people, catalogue.summary().datasets[0].subjects) == (1, 3)
    with pytest.raises(LibraryError, match="no subject 's3' of 'set'; there is s10, s2, s9"):
        catalogue.person_of("set", "s3")


def test_identical_recordings_of_two_data_sets_join_nobody(tmp_path: Path) -> None:
    one = row(1, "s1")
    catalogue = write(tmp_path / "c", [one], [], [Duplicate("c1", one.recording, "copy", "s2")])
    assert (catalogue.person_of("set", "s1"), catalogue.person_of("copy", "s2")) == ("s1", "s2")


def test_merging_does_not_depend_on_order() -> None:
    subjects = [("d", name) for name in ("s1", "s2", "s10", "x")]
    pairs = [("d", "s10", "s2"), ("d", "s2", "s1")]
    wanted = {("d", "s1"): "s1", ("d", "s2"): "s1", ("d", "s10"): "s1", ("d", "x"): "x"}
    assert merge_people(subjects, pairs) == wanted
    assert merge_people(subjects[::-1], [(d, b, a) for d, a, b in pairs[::-1]]) == wanted


def test_natural_order() -> None:
    names = ["s10", "s2", "2", "10", "s2b", "s", "s02"]
    assert sorted(names, key=natural) == ["2", "10", "s", "s02", "s2", "s2b", "s10"]


def test_summary(catalogue: Catalogue) -> None:
    (found,) = catalogue.summary().datasets
    assert (found.dataset, found.recordings, found.people, found.sessions, found.segments) == (
        "set",
        3,
        2,
        2,
        4,
    )
    assert found.hours == pytest.approx(6 / 3600)
    assert (found.channels, found.rates_hz, found.simulated) == ((2,), (200.0,), True)
    assert found.labels == ("fist", "other's")
    assert catalogue.summary().left_out == ()


def test_an_empty_catalogue_has_a_summary(tmp_path: Path) -> None:
    catalogue = write(tmp_path / "c", [], [])
    assert catalogue.summary().datasets == ()
    assert catalogue.select("true").tolist() == []


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        ("subject = 's2'", [0, 1, 2]),
        ("subject = 's2' and name = 'trial10'", [1, 2]),
        ("Subject = 's10' OR start_s > 0.5", [2, 3]),
        ("not (label is null)", [2]),
        ("label = 'fist' -- the only one", [2]),
        ("label like 'fi%' and label ilike '%ST'", [2]),
        ("subject in ('s10', 's11')", [3]),
        ("name not in ('a', 'trial9')", [1, 2]),
        ("start_s between 0.9 and 1.1", [2]),
        ("simulated and channels = 2 and rate_hz >= 200", [0, 1, 2, 3]),
        ("lower(dataset) = 'set' and duration_s * 2 = 1", [0, 1, 2, 3]),
        ("coalesce(label, '') = '' and regexp_matches(name, '^trial[0-9]$')", [0]),
        ("case when subject = 's2' then name = 'trial9' else false end", [0]),
        ("person = 's10'", [3]),
        ("cast(start_s as integer) = 1", [2]),
        ("label = 'nothing like it'", []),
        ("kind = 'contraction' and dataset = 'se''t'", []),
    ],
)
def test_conditions(catalogue: Catalogue, condition: str, rows: list[int]) -> None:
    found = catalogue.select(condition)
    assert found.dtype == np.int64
    assert found.tolist() == rows


@pytest.mark.parametrize("column", COLUMNS)
def test_every_column_can_be_named(catalogue: Catalogue, column: str) -> None:
    known = catalogue.select(f"{column} is not null").tolist()
    assert known == {"label": [2], "action": [], "effort": [], "over_rest_db": []}.get(column, [0, 1, 2, 3])


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("", "got nothing"),
        ("  \n", "got nothing"),
        ("--", "is not allowed|not understood"),
        ("1=1; DROP TABLE segments", "not understood"),
        ("1=1); DROP TABLE segments; --", "not understood|statements"),
        ("true); SELECT (true", "2 statements"),
        ("1) UNION SELECT (1", "more than a condition"),
        ("true) GROUP BY (row", "more than a condition"),
        ("true) LIMIT (1", "not understood|more than a condition"),
        ("true) ORDER BY (row", "not understood|more than a condition"),
        ("subject = 's2", "not understood"),
        ("(subject = 's2'", "not understood"),
        ("subject = 's2')", "not understood"),
        ("subject = 's2' /*", "not understood"),
        ("read_csv('/etc/passwd') is null", "the function read_csv"),
        ("row in (select 1)", "subquery"),
        ("exists (select * from read_csv('/etc/passwd'))", "subquery"),
        ("label = (select getenv('HOME'))", "subquery"),
        ("(from glob('*')) is null", "subquery"),
        ("label in (from read_text('/etc/passwd'))", "subquery"),
        ("glob('*') is null", "the function glob"),
        ("getenv('HOME') = 'x'", "the function getenv"),
        ("current_setting('threads') = '1'", "the function current_setting"),
        ("getvariable('x') = 1", "the function getvariable"),
        ("nextval('s') = 1", "the function nextval"),
        ("sum(start_s) > 1", "the function sum"),
        ("row_number() over () = 1", "window row number"),
        ("unnest([1]) = 1", "the function unnest"),
        ("list_filter([1], x -> x > 0) = [1]", "the function list_"),
        ("columns('.*') is null", "star"),
        ("*", "star|not understood"),
        ("label = $1", "parameter"),
        ("label = ?", "parameter"),
        ("label collate nocase = 'FIST'", "collate"),
        ("ATTACH 'x.db'", "cannot be worked out"),
        ("COPY segments TO 'x.csv'", "not understood"),
        ("PRAGMA database_list", "not understood"),
        ("INSTALL httpfs", "not understood"),
        ("SET threads = 1", "not understood"),
        ("labl = 'fist'", "no column 'labl'.*try: label$"),
        ('label = "fist"', "no column 'fist'.*single quotes"),
        ("hits.label = 'fist'", "no column 'hits.label'"),
        ("recordings.hash = 'x'", "no column 'recordings.hash'"),
        ("rowid = 1", "no column 'rowid'"),
        ("start_s = 'abc'", "cannot be worked out"),
        ("label", "cannot be worked out"),
        ("lower(start_s, 1) = 'a'", "cannot be worked out"),
        ("not " * 2000 + "true", "nested|not understood|worked out"),
        ("a" * 20_000, "20000 characters"),
    ],
)
def test_what_is_no_plain_condition_is_refused(catalogue: Catalogue, condition: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        catalogue.select(condition)
    assert len(catalogue.rows(range(4))) == 4


def test_a_refusal_says_which_columns_there_are(catalogue: Catalogue) -> None:
    with pytest.raises(UsageError) as caught:
        catalogue.select("no_such = 1")
    assert all(column in str(caught.value) for column in COLUMNS)


def test_the_connection_reaches_no_file(catalogue: Catalogue, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    for sql in (f"FROM read_csv('{tmp_path}/secret.csv')", f"ATTACH '{tmp_path}/x.db'", "SET threads = 1"):
        with pytest.raises(Exception, match=r"disabled|locked|Permission"):
            catalogue.query(sql)


@pytest.mark.parametrize("content", [None, b"", b"not a database at all" * 1000])
def test_a_damaged_catalogue_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "catalogue.duckdb").write_bytes(content)
    with pytest.raises(LibraryError, match=r"missing|cannot be opened"):
        Catalogue.open(tmp_path / "catalogue.duckdb")


def test_tables_that_cannot_be_read_are_an_error_of_the_library(tmp_path: Path) -> None:
    write(tmp_path / "catalogue.duckdb", [], [])
    damaged = Catalogue.open(tmp_path / "catalogue.duckdb")
    with pytest.raises(LibraryError, match=r"catalogue cannot be read; got .*; try: myosem verify"):
        damaged.query("SELECT length FROM lost_table")


def test_a_catalogue_without_levels_goes_on_without_them(tmp_path: Path) -> None:
    """As versions before there were any wrote it."""
    old, new = row(1, "s2"), row(2, "s1")
    write(tmp_path / "old", [old], [segment_of(old)]).close()
    with duckdb.connect(str(tmp_path / "old")) as connection:
        connection.execute("DROP VIEW hits; ALTER TABLE segments DROP COLUMN over_rest_db")
        connection.execute(HITS.replace("s.over_rest_db, ", ""))
    catalogue = Catalogue.open(tmp_path / "old")
    assert catalogue.rows([0])[0].over_rest_db is None
    assert catalogue.select("over_rest_db is null and duration_s = 0.5").tolist() == [0]
    assert catalogue.select("over_rest_db > 1.5").tolist() == []
    catalogue.close()
    writer = CatalogueWriter(tmp_path / "new", tmp_path / "old")
    writer.write_recordings([new], [source_of(new)], [])
    writer.write_segments([old.recording], [replace(segment_of(new), over_rest_db=12.5)])
    writer.close()
    found = Catalogue.open(tmp_path / "new")
    assert [one.over_rest_db for one in found.rows([0, 1])] == [12.5, None]
    assert found.select("over_rest_db > 1.5").tolist() == [0]
    found.close()
