"""From sources to a published version: what goes in, what is left out and why, what is done only once."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from builders import write_lines, zip_folder
from library_builders import LoudnessModel, tables, write_study, write_trial

from myosem.catalogue import SessionKey
from myosem.errors import MappingError, SourceError, UsageError
from myosem.ingest import IngestReport, ingest, reindex
from myosem.library import Library
from myosem.readers import READERS, Reader, SourceFile
from myosem.records import Recording
from myosem.segments import find_segments, label_segments

NPZ_MAPPING = "rate_hz: 200\narray: emg\nsubject: p1\nsession: s\n"


def write_npz(folder: Path, name: str, channels: int = 3, seed: int = 0, rows: int = 400) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "myosem.yaml").write_text(NPZ_MAPPING)
    samples = np.random.default_rng(seed).normal(size=(rows, channels)).astype(np.float32)
    np.savez(folder / name, emg=samples)
    return folder / name


def counts(report: IngestReport) -> tuple[int, int, int, int, int]:
    """Stored, unchanged, duplicates, skipped, failed."""
    left_out = len(report.duplicates), len(report.skipped), len(report.failed)
    return report.stored, report.unchanged, *left_out


def test_the_report_and_the_library_agree(tmp_path: Path) -> None:
    data = write_study(tmp_path / "data", subjects=3)
    report = ingest(tmp_path / "lib", [data], model=LoudnessModel())
    assert counts(report) == (12, 0, 0, 0, 0)
    assert (report.version, report.published) == (1, True)
    library = Library.open(tmp_path / "lib")
    assert report.summary == library.summary()
    (found,) = report.summary.datasets
    assert (found.dataset, found.recordings, found.people, found.sessions) == ("long_term_30day", 12, 3, 3)
    assert found.hours == pytest.approx(12 / 3600)
    assert set(found.labels) == {"rest", "WF"}
    library.verify()


def test_segments_and_labels_are_those_of_the_session(tmp_path: Path) -> None:
    ingest(tmp_path / "lib", [write_study(tmp_path / "data")], model=LoudnessModel())
    library = Library.open(tmp_path / "lib")
    for session in library.sessions():
        recordings = library.recordings(session)
        segments = find_segments(recordings)
        spans = label_segments(recordings, segments)
        wanted = [
            (
                recordings[segment.recording].source,
                segment.start_s,
                segment.end_s,
                segment.kind,
                span and span.label,
            )
            for segment, span in zip(segments, spans, strict=True)
        ]
        found = [
            (one.source, one.start_s, one.end_s, one.kind, one.label) for one in library.segments_of(session)
        ]
        assert found == sorted(wanted, key=lambda row: (row[0], row[1]))


def test_vectors_are_those_of_the_model(tmp_path: Path) -> None:
    from myosem.features import segment_session

    data = write_study(tmp_path / "data", subjects=2)
    ingest(tmp_path / "lib", [data / "sub2"], model=LoudnessModel())
    ingest(tmp_path / "lib", [data / "sub1"], model=LoudnessModel())
    library = Library.open(tmp_path / "lib")
    for session in library.sessions():
        rows = [one.row for one in library.segments_of(session)]
        wanted = LoudnessModel().encode_session(segment_session(library.recordings(session))[1])
        np.testing.assert_array_equal(library.vectors()[rows], wanted)


def test_the_same_files_again_change_nothing(tmp_path: Path) -> None:
    data, model = write_study(tmp_path / "data"), LoudnessModel()
    ingest(tmp_path / "lib", [data], model=model)
    again = ingest(tmp_path / "lib", [data, data / "sub1"], model=model)
    assert (again.version, again.published, counts(again)) == (1, False, (0, 8, 0, 0, 0))
    assert model.sessions == 2
    assert sorted(path.name for path in (tmp_path / "lib/signals").iterdir()) == ["000001.bin"]
    assert list((tmp_path / "lib/staging").iterdir()) == []


def test_only_touched_sessions_are_encoded_again(tmp_path: Path) -> None:
    data, model = write_study(tmp_path / "data", subjects=3), LoudnessModel()
    ingest(tmp_path / "lib", [data], model=model)
    before = tables(tmp_path / "lib")
    write_trial(data, subject=2, trial=9)
    report = ingest(tmp_path / "lib", [data], model=model)
    assert (report.version, counts(report)) == (2, (1, 12, 0, 0, 0))
    assert model.sessions == 4
    library = Library.open(tmp_path / "lib")
    untouched = library.select("subject <> 'sub2'")
    kept = [
        row for row in before["segments"] if str(row[2]) in {one.recording for one in library.rows(untouched)}
    ]
    assert [one.segment for one in library.rows(untouched)] == [row[1] for row in kept]
    assert [tuple(row) for row in library.vectors()[untouched].tolist()] == [
        before["vectors"][int(str(row[0]))] for row in kept
    ]


def test_files_added_one_by_one_make_the_same_library(tmp_path: Path) -> None:
    data = write_study(tmp_path / "data")
    for source in sorted(data.rglob("*.csv"), reverse=True):
        ingest(tmp_path / "one", [source], model=LoudnessModel())
    ingest(tmp_path / "all", [data], model=LoudnessModel())
    one, together = tables(tmp_path / "one"), tables(tmp_path / "all")
    for name in ("segments", "spans", "people", "vectors", "sources"):
        assert one[name] == together[name], name


def test_archives_and_folders_hold_the_same(tmp_path: Path) -> None:
    data = write_study(tmp_path / "data")
    archive = zip_folder(data, tmp_path / "data.zip")
    report = ingest(tmp_path / "lib", [archive], model=None)
    assert counts(report) == (8, 0, 0, 0, 0)
    source = (
        Library.open(tmp_path / "lib").recordings(SessionKey("long_term_30day", "sub1", "day1"))[0].source
    )
    assert source == f"{archive}!sub1/day1/D1M1T1.csv"
    report = ingest(tmp_path / "lib", [data], model=None)
    assert counts(report) == (0, 0, 8, 0, 0)


def test_the_same_samples_are_stored_once(tmp_path: Path) -> None:
    data = tmp_path / "data"
    write_trial(data, trial=1, seed=5)
    write_trial(data, trial=2, seed=5)
    report = ingest(tmp_path / "lib", [data], model=LoudnessModel())
    assert counts(report) == (1, 0, 1, 0, 0)
    library = Library.open(tmp_path / "lib")
    (recording,) = library.catalogue.recordings()
    assert recording.name == "M2T1"
    assert report.duplicates[0].reason == f"duplicate of {recording.recording}"
    assert library.person_of("long_term_30day", "sub1") == "sub1"


@pytest.mark.parametrize("at_once", [True, False])
def test_subjects_with_the_same_samples_are_one_person(tmp_path: Path, at_once: bool) -> None:
    data = write_study(tmp_path / "data", subjects=11, trials=1)
    write_trial(data, subject=2, trial=4, seed=5)
    write_trial(data, subject=10, trial=4, seed=5)
    parts = [[data]] if at_once else [[data / "sub10"], [data]]
    for part in parts:
        ingest(tmp_path / "lib", part, model=None)
    library = Library.open(tmp_path / "lib")
    assert [library.person_of("long_term_30day", name) for name in ("sub2", "sub10", "sub1")] == [
        "sub2",
        "sub2",
        "sub1",
    ]
    assert (library.summary().datasets[0].people, library.summary().datasets[0].subjects) == (10, 11)
    assert len(library.select("person = 'sub2'")) > len(library.select("subject = 'sub2'"))


def test_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    data = write_study(tmp_path / "data")
    ingest(tmp_path / "lib", [data], model=LoudnessModel())
    write_trial(data, subject=1, movement=2, trial=1, seed=77)
    report = ingest(tmp_path / "lib", [data], model=LoudnessModel())
    assert counts(report) == (1, 7, 0, 0, 0)
    fresh = ingest(tmp_path / "fresh", [data], model=LoudnessModel())
    assert report.summary == fresh.summary
    assert tables(tmp_path / "lib")["segments"] == tables(tmp_path / "fresh")["segments"]


def test_a_source_is_the_same_however_its_path_is_spelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = write_study(tmp_path / "data")
    (data / "README.md").write_text("about")
    zip_folder(write_study(tmp_path / "more", subjects=3), tmp_path / "more.zip")
    first = ingest("lib", ["data", "./data", "more.zip"], model=LoudnessModel())
    assert counts(first) == (12, 0, 8, 1, 0)
    before = tables(tmp_path / "lib")
    spellings: list[str | Path] = [
        "./data",
        data,
        "data/sub1/../../data",
        "./more.zip",
        f"{tmp_path}/more.zip!sub3",
    ]
    for spelling in spellings:
        report = ingest("lib", [spelling], model=LoudnessModel())
        assert (report.published, report.stored, report.duplicates, report.failed) == (False, 0, (), ())
    assert tables(tmp_path / "lib") == before


def test_a_changed_file_is_known_by_another_spelling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    changed = write_trial(tmp_path / "data").relative_to(tmp_path)
    write_trial(tmp_path / "data", trial=2)
    ingest("lib", ["data"], model=LoudnessModel())
    write_trial(tmp_path / "data", seed=77)
    assert counts(ingest("lib", [changed.absolute()], model=LoudnessModel())) == (1, 0, 0, 0, 0)
    library = Library.open("lib")
    assert [row.name for row in library.catalogue.recordings()] == ["M2T1", "M2T2"]
    assert library.recording(f"./{changed}").source == str(changed)
    assert (
        library.recording(str(changed.absolute())).content_hash
        == library.recording(str(changed)).content_hash
    )


def test_a_reader_with_a_bug_stops_the_ingest_and_spoils_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_study(tmp_path / "data", subjects=2)
    ingest(tmp_path / "lib", [data / "sub1"], model=LoudnessModel())
    before = tables(tmp_path / "lib")
    reader = READERS["long_term_30day"]
    read = type(reader).read

    def broken(self: Reader, file: SourceFile) -> Iterator[Recording]:
        yield from read(self, file)
        if "M2T1" in file.source:
            raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(type(reader), "read", broken)
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                ingest(tmp_path / "lib", [data], model=LoudnessModel())
            assert tables(tmp_path / "lib") == before
            Library.open(tmp_path / "lib").verify()
    assert ingest(tmp_path / "lib", [data], model=LoudnessModel()).stored == 4
    Library.open(tmp_path / "lib").verify()
    ingest(tmp_path / "fresh", [data / "sub1"], model=LoudnessModel())
    ingest(tmp_path / "fresh", [data], model=LoudnessModel())
    assert tables(tmp_path / "lib") == tables(tmp_path / "fresh")


def test_a_mapping_that_changed_is_read_again(tmp_path: Path) -> None:
    source = write_npz(tmp_path / "data", "a.npz")
    ingest(tmp_path / "lib", [source], model=None)
    (tmp_path / "data/myosem.yaml").write_text(NPZ_MAPPING.replace("p1", "another"))
    report = ingest(tmp_path / "lib", [source], model=None)
    assert counts(report) == (1, 0, 0, 0, 0)
    assert [one.subject for one in Library.open(tmp_path / "lib").sessions()] == ["another"]


def test_recordings_of_one_session_may_differ_in_channels(tmp_path: Path) -> None:
    write_npz(tmp_path / "data", "a.npz", channels=3, seed=1)
    write_npz(tmp_path / "data", "b.npz", channels=5, seed=2)
    write_npz(tmp_path / "data", "c.npz", channels=3, seed=3)
    model = LoudnessModel()
    ingest(tmp_path / "lib", [tmp_path / "data"], model=model)
    library = Library.open(tmp_path / "lib")
    (session,) = library.sessions()
    assert [one.name for one in library.recordings(session)] == ["a", "b", "c"]
    assert {one.name for one in library.segments_of(session)} == {"a", "b", "c"}
    assert model.sessions == 2


def spoil(data: Path) -> dict[str, str]:
    """Bad files among good ones: what is said of each by name."""
    good = np.random.default_rng(0).normal(size=(100, 8)).round(3)
    flat, text, hole = np.ones((100, 8)), good.astype(object), good.copy()
    text[3, 2], hole[4, 4] = "three", np.nan
    folder = data / "sub1/day1"
    write_lines(folder / "D1M3T1.csv", flat)
    write_lines(folder / "D1M3T2.csv", text)
    write_lines(folder / "D1M3T3.csv", hole)
    (folder / "D1M3T4.csv").write_bytes(b"")
    (data / "E1").mkdir()
    (data / "E1/s1e1.mat").write_bytes(b"MATLAB 5.0 MAT-file" + bytes(40))
    (data / "broken.zip").write_bytes(b"PK\x03\x04 and nothing more")
    (data / "picture.bin").write_bytes(b"\x00\x01")
    with zipfile.ZipFile(data / "one_bad.zip", "w") as archive:
        archive.writestr("sub9/day1/D1M2T1.csv", "\n".join(",".join(map(str, row)) for row in good))
        archive.writestr("sub9/day1/D1M2T2.csv", "unlucky" * 50)
    content = (data / "one_bad.zip").read_bytes()
    (data / "one_bad.zip").write_bytes(content.replace(b"unluckyunlucky", b"unluckyUNLUCKY", 1))
    return {
        "D1M3T1.csv": "no channel ever changes",
        "D1M3T2.csv": "cannot be read as numbers",
        "D1M3T3.csv": "not finite",
        "D1M3T4.csv": "is empty",
        "s1e1.mat": "s1e1.mat",
        "broken.zip": "archive cannot be read",
        "picture.bin": "no reader recognises this file",
        "one_bad.zip!sub9/day1/D1M2T2.csv": "cannot be read",
    }


def test_bad_files_are_named_and_the_others_still_go_in(tmp_path: Path) -> None:
    data = write_study(tmp_path / "data")
    reasons = spoil(data)
    report = ingest(tmp_path / "lib", [data], model=LoudnessModel())
    assert report.stored == 9
    assert {name for name in reasons for row in report.failed if row.source.endswith(name)} == set(reasons)
    for row in report.failed:
        (reason,) = [reason for name, reason in reasons.items() if row.source.endswith(name)]
        assert reason in str(row.reason)
    assert set(report.summary.left_out) == set(report.failed)
    again = ingest(tmp_path / "lib", [data], model=LoudnessModel())
    assert (again.published, again.stored, again.unchanged) == (False, 0, 9)
    assert again.failed == report.failed


def test_a_mended_file_goes_in(tmp_path: Path) -> None:
    data = write_study(tmp_path / "data")
    bad = data / "sub1/day1/D1M3T1.csv"
    bad.write_text("1,2,three\n")
    assert len(ingest(tmp_path / "lib", [data], model=None).failed) == 1
    write_trial(data, movement=3)
    report = ingest(tmp_path / "lib", [data], model=None)
    assert counts(report) == (1, 8, 0, 0, 0)
    assert report.summary.left_out == ()


@pytest.mark.parametrize("exists", [False, True])
def test_where_nothing_can_be_read_nothing_is_left(tmp_path: Path, exists: bool) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/notes.bin").write_text("x")
    if exists:
        (tmp_path / "lib").mkdir()
    with pytest.raises(SourceError, match=r"nothing could be read.*no reader recognises"):
        ingest(tmp_path / "lib", [tmp_path / "data"], model=None)
    assert (tmp_path / "lib").exists() is exists
    assert not exists or list((tmp_path / "lib").iterdir()) == []


def test_a_failed_ingest_leaves_the_library_as_it_was(tmp_path: Path) -> None:
    ingest(tmp_path / "lib", [write_study(tmp_path / "data")], model=LoudnessModel())
    before = tables(tmp_path / "lib")
    (tmp_path / "bad.bin").write_text("x")
    for sources in ([tmp_path / "bad.bin"], [tmp_path / "nowhere"]):
        with pytest.raises(SourceError):
            ingest(tmp_path / "lib", sources, model=LoudnessModel())
    assert tables(tmp_path / "lib") == before
    assert Library.open(tmp_path / "lib").version == 1


def test_an_unusable_reader_or_mapping_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    source = write_trial(tmp_path / "data")
    with pytest.raises(UsageError, match="no reader has this name"):
        ingest(tmp_path / "lib", [source], model=None, reader="emgg")
    (tmp_path / "wrong.yaml").write_text("rate: fast\n")
    with pytest.raises(MappingError):
        ingest(tmp_path / "lib", [source], model=None, mapping=tmp_path / "wrong.yaml")
    assert not (tmp_path / "lib").exists()


def test_without_a_model_segments_are_there_but_no_vectors(tmp_path: Path) -> None:
    data = write_study(tmp_path / "data")
    ingest(tmp_path / "plain", [data], model=None)
    ingest(tmp_path / "indexed", [data], model=LoudnessModel())
    assert not Library.open(tmp_path / "plain").manifest.indexed
    plain, indexed = (tables(tmp_path / name)["segments"] for name in ("plain", "indexed"))
    assert plain == [(*row[:-1], None) for row in indexed], "how strong they are is not known yet"
    assert all(isinstance(row[-1], float) for row in indexed)
    report = ingest(tmp_path / "plain", [data], model=LoudnessModel())
    assert (report.published, report.stored) == (True, 0)
    assert tables(tmp_path / "plain") == tables(tmp_path / "indexed")


def test_an_index_is_not_given_up_for_want_of_a_model(tmp_path: Path) -> None:
    data = write_study(tmp_path / "data", subjects=1)
    ingest(tmp_path / "lib", [data], model=LoudnessModel())
    before = tables(tmp_path / "lib")
    write_trial(data, subject=2)
    with pytest.raises(UsageError, match=r"has an index.*no model.*loudness.*without --no-index"):
        ingest(tmp_path / "lib", [data], model=None)
    assert tables(tmp_path / "lib") == before
    assert list((tmp_path / "lib/staging").iterdir()) == []
    assert ingest(tmp_path / "lib", [data], model=LoudnessModel()).stored == 1


def test_another_model_encodes_everything_again(tmp_path: Path) -> None:
    data = write_study(tmp_path / "data")
    ingest(tmp_path / "lib", [data], model=LoudnessModel("old"))
    new = LoudnessModel("new")
    report = ingest(tmp_path / "lib", [data], model=new)
    assert (report.version, new.sessions) == (2, 2)
    assert Library.open(tmp_path / "lib").manifest.fingerprint == "new"


def test_reindex_encodes_everything_again(tmp_path: Path) -> None:
    ingest(tmp_path / "lib", [write_study(tmp_path / "data")], model=None)
    model = LoudnessModel()
    report = reindex(tmp_path / "lib", model)
    assert (report.version, report.published, model.sessions) == (2, True, 2)
    library = Library.open(tmp_path / "lib")
    assert library.manifest.fingerprint == model.fingerprint
    assert len(library.vectors()) == library.manifest.segments


def test_a_library_below_the_sources_is_not_read(tmp_path: Path) -> None:
    write_study(tmp_path)
    for version, stored in ((1, 8), (1, 0)):
        report = ingest(tmp_path / "lib", [tmp_path], model=LoudnessModel())
        assert (report.version, counts(report)) == (version, (stored, 8 - stored, 0, 0, 0))

    with pytest.raises(SourceError, match="nothing to read outside the library"):
        ingest(tmp_path / "lib", [tmp_path / "lib/signals"], model=None)


def test_progress_is_told_from_none_to_all(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    ingest(
        tmp_path / "lib",
        [write_study(tmp_path / "data")],
        model=LoudnessModel(),
        progress=lambda what, done, total: seen.append((what, done, total)),
    )
    assert seen == [("reading", done, 8) for done in range(9)] + [("encoding", done, 2) for done in range(3)]


def test_real_recordings(real_data: Path, tmp_path: Path) -> None:
    sources = [real_data / "myo_up/E1/s1e1.mat", real_data / "unibo_inail"]
    report = ingest(tmp_path / "lib", sources, model=LoudnessModel())
    assert report.failed == ()
    assert {one.dataset for one in report.summary.datasets} == {"myo_up", "unibo_inail"}
    library = Library.open(tmp_path / "lib")
    library.verify()
    assert len(library.select("action is not null")) > 0.5 * len(library.vectors())
