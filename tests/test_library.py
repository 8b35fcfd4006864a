"""The folder: opening, publishing, damage, locks, pruning."""

import fcntl
import multiprocessing
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from library_builders import LoudnessModel, tables, write_study, write_trial

from myosem.catalogue import SessionKey
from myosem.errors import IndexMismatchError, LibraryError
from myosem.ingest import ingest, reindex
from myosem.library import Library
from myosem.library_writer import LibraryWriter
from myosem.store import SignalReader, SignalWriter

SESSION = SessionKey("long_term_30day", "sub1", "day1")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of two subjects in its first version; for reading only."""
    folder = tmp_path_factory.mktemp("made")
    ingest(folder / "lib", [write_study(folder / "data")], model=LoudnessModel())
    return folder / "lib"


@pytest.fixture
def library(made: Path, tmp_path: Path) -> Path:
    """A copy of it to change."""
    return Path(shutil.copytree(made, tmp_path / "lib"))


def test_what_was_ingested_is_there(made: Path) -> None:
    library = Library.open(made)
    assert library.version == 1
    assert library.sessions() == [SESSION, SESSION._replace(subject="sub2")]
    recordings = library.recordings(SESSION)
    assert [one.name for one in recordings] == ["M1T1", "M1T2", "M2T1", "M2T2"]
    assert library.recording(recordings[2].source).content_hash == recordings[2].content_hash
    assert library.person_of("long_term_30day", "sub2") == "sub2"
    assert library.manifest.recordings == 8
    assert library.manifest.segments == len(library.vectors()) == len(library.index())
    library.manifest.check_model("loudness-1", made)


def test_samples_are_mapped_and_cannot_be_changed(made: Path) -> None:
    recording = Library.open(made).recordings(SESSION)[0]
    with pytest.raises(ValueError, match="read-only"):
        recording.samples[0, 0] = 1


def test_like_finds_like(made: Path) -> None:
    library = Library.open(made)
    (loud, *_) = library.select("action = 'wrist-flexion' and subject = 'sub1'")
    query = np.asarray(library.vectors()[loud])[None]
    _, rows = library.index().search(query, 3, rows=library.select("subject = 'sub2'"))
    assert {one.action for one in library.rows(rows[0])[:2]} == {"wrist-flexion"}


def test_segments_lie_within_their_recordings(made: Path) -> None:
    library = Library.open(made)
    segments = library.segments_of(SESSION)
    assert [one.row for one in segments] == list(range(len(segments)))
    for one in segments:
        assert library.segment(one.segment) == one
        assert 0 <= one.start_s < one.end_s <= library.recording(one.recording).duration_s
        assert one.duration_s == one.end_s - one.start_s


@pytest.mark.parametrize("path", ["nothing", "file", "folder"])
def test_no_library(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(LibraryError, match=r"no library in .*; try: myosem ingest"):
        Library.open(tmp_path / path)


def test_unknown_names_are_refused_with_what_comes_close(made: Path) -> None:
    library = Library.open(made)
    with pytest.raises(LibraryError, match=r"no session .*day9.*there is .*long_term_30day/sub1/day1"):
        library.recordings(SESSION._replace(session="day9"))
    with pytest.raises(LibraryError, match=r"no recording 'D1M2T1.csv'.*sub1/day1/D1M2T1\.csv"):
        library.recording("D1M2T1.csv")


def test_create_makes_an_empty_library(tmp_path: Path) -> None:
    library = Library.create(tmp_path / "new")
    assert (library.version, library.sessions(), library.summary().datasets) == (1, [], ())
    with pytest.raises(LibraryError, match=r"not indexed yet; try: myosem index --library"):
        library.vectors()
    with pytest.raises(IndexMismatchError, match="no index yet"):
        library.manifest.check_model("loudness-1", library.path)
    with pytest.raises(LibraryError, match="already; got version 1"):
        Library.create(tmp_path / "new")
    with pytest.raises(LibraryError, match="holds no recordings"):
        reindex(tmp_path / "new", LoudnessModel())


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    data = write_study(tmp_path / "data")
    with pytest.raises(LibraryError, match="holds other things; got sub1, sub2"):
        ingest(data, [data], model=None)
    with pytest.raises(LibraryError, match="is a file"):
        ingest(data / "sub1/day1/D1M1T1.csv", [data], model=None)
    assert sorted(path.name for path in data.iterdir()) == ["sub1", "sub2"]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    source = write_trial(tmp_path / "data")
    with pytest.raises(LibraryError, match="cannot be written"):
        ingest(source / "lib", [source], model=None)


@pytest.mark.parametrize("name", ["manifest.json", "catalogue.duckdb", "vectors.npy"])
def test_missing_files_are_noticed_on_opening(library: Path, name: str) -> None:
    (library / "versions/000001" / name).unlink()
    with pytest.raises(LibraryError, match="missing"):
        Library.open(library)


@pytest.mark.parametrize(
    "name", ["versions/000001/catalogue.duckdb", "versions/000001/vectors.npy", "signals/000001.bin"]
)
def test_truncated_files_are_noticed_on_opening(library: Path, name: str) -> None:
    os.truncate(library / name, (library / name).stat().st_size - 1)
    with pytest.raises(LibraryError, match=r"missing or damaged; got \d+ bytes; expected \d+ bytes"):
        Library.open(library)


@pytest.mark.parametrize("text", ["", "latest", "\xff"])
def test_a_damaged_pointer_is_noticed(library: Path, text: str) -> None:
    (library / "CURRENT").write_text(text, encoding="latin-1")
    with pytest.raises(LibraryError, match="CURRENT"):
        Library.open(library)


@pytest.mark.parametrize("name", ["versions/000001/vectors.npy", "signals/000001.bin"])
def test_verify_notices_a_changed_byte(library: Path, name: str) -> None:
    Library.open(library).verify()
    content = bytearray((library / name).read_bytes())
    content[-1] ^= 1
    (library / name).write_bytes(content)
    with pytest.raises(LibraryError, match="damaged"):
        Library.open(library).verify()


def test_a_library_can_be_moved(library: Path, tmp_path: Path) -> None:
    before = tables(library)
    shutil.move(library, tmp_path / "elsewhere")
    Library.open(tmp_path / "elsewhere").verify()
    assert tables(tmp_path / "elsewhere") == before


def _try_to_write(library: str, answers: "multiprocessing.queues.Queue[str]") -> None:
    try:
        reindex(library, LoudnessModel())
        answers.put("written")
    except LibraryError as error:
        answers.put(str(error))


def test_a_second_writer_is_refused_and_told_who_writes(library: Path) -> None:
    context = multiprocessing.get_context("spawn")
    answers: multiprocessing.queues.Queue[str] = context.Queue()
    with LibraryWriter.lock(library):
        other = context.Process(target=_try_to_write, args=(str(library), answers))
        other.start()
        assert f"is being written; got a lock held by process {os.getpid()}" in answers.get(timeout=60)
        other.join()
    assert Library.open(library).version == 1


def test_a_lock_left_by_a_dead_process_is_free(library: Path) -> None:
    (library / "lock").write_text("999999\n")
    assert reindex(library, LoudnessModel()).version == 2


def test_a_lock_is_free_again_after_an_error(library: Path) -> None:
    with pytest.raises(RuntimeError), LibraryWriter.lock(library):
        raise RuntimeError
    with (library / "lock").open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_what_is_open_outlives_newer_versions_and_pruning(library: Path, tmp_path: Path) -> None:
    old = Library.open(library)
    before = [one.segment for one in old.segments_of(SESSION)]
    ingest(library, [write_trial(tmp_path / "more", subject=1, trial=3)], model=LoudnessModel())
    new = Library.open(library)
    assert (old.version, new.version) == (1, 2)
    assert new.prune() == [1]
    assert [one.segment for one in old.segments_of(SESSION)] == before
    assert len(old.recordings(SESSION)) + 1 == len(new.recordings(SESSION))


def test_prune_keeps_what_is_asked_for(library: Path) -> None:
    for fingerprint in ("a", "b", "c"):
        reindex(library, LoudnessModel(fingerprint))
    newest = Library.open(library)
    assert newest.prune(keep=3) == [1]
    assert newest.prune() == [2, 3]
    assert newest.prune() == []
    assert sorted(path.name for path in (library / "versions").iterdir()) == ["000004"]
    Library.open(library).verify()
    with pytest.raises(LibraryError, match="at least 1"):
        newest.prune(keep=0)


def test_prune_removes_samples_nothing_refers_to(tmp_path: Path) -> None:
    source = write_trial(tmp_path / "data", seed=1)
    ingest(tmp_path / "lib", [source], model=None)
    write_trial(tmp_path / "data", seed=2)
    ingest(tmp_path / "lib", [source], model=None)
    library = Library.open(tmp_path / "lib")
    assert len(library.recordings(SESSION)) == 1
    assert len(list((tmp_path / "lib/signals").iterdir())) == 2
    library.prune()
    assert [path.name for path in (tmp_path / "lib/signals").iterdir()] == ["000002.bin"]
    Library.open(tmp_path / "lib").verify()


@pytest.mark.parametrize("dtype", ["<i2", ">i2", "<f4", "<f8", "|i1"])
def test_signal_files_keep_numbers_as_they_are(tmp_path: Path, dtype: str) -> None:
    rng = np.random.default_rng(0)
    blocks = [rng.integers(-100, 100, (count, 3)).astype(dtype) for count in (7, 1, 50)]
    writer = SignalWriter(tmp_path / "signals")
    places = [writer.append(block) for block in blocks]
    size = writer.close()
    assert size == (tmp_path / "signals").stat().st_size
    reader = SignalReader(tmp_path)
    for block, place in zip(blocks, places, strict=True):
        found = reader.read(place)
        assert (found.dtype.str, place.offset % 64) == (dtype, 0)
        np.testing.assert_array_equal(found, block)


def test_signal_files_go_on_where_the_journal_ends(tmp_path: Path) -> None:
    first, lost, second = (np.full((5, 2), value, dtype=np.int16) for value in (1, 2, 3))
    writer = SignalWriter(tmp_path / "signals")
    kept = writer.append(first)
    writer.append(lost)
    writer.close()
    writer = SignalWriter(tmp_path / "signals", kept.end)
    place = writer.append(second)
    writer.close()
    reader = SignalReader(tmp_path)
    assert reader.read(kept).tolist() == first.tolist()
    assert reader.read(place).tolist() == second.tolist()


def test_missing_samples_are_noticed(tmp_path: Path) -> None:
    writer = SignalWriter(tmp_path / "signals")
    place = writer.append(np.ones((5, 2)))
    writer.close()
    os.truncate(tmp_path / "signals", 10)
    with pytest.raises(LibraryError, match=r"is damaged; got 10 bytes; expected at least 80"):
        SignalReader(tmp_path).read(place)
    (tmp_path / "signals").unlink()
    with pytest.raises(LibraryError, match="cannot be read"):
        SignalReader(tmp_path).read(place)


def test_rows_held_in_memory_need_no_catalogue(made: Path) -> None:
    library = Library.open(made)
    one, two = library.catalogue.rows([2, 0])
    assert library.rows([2, 0, 2]) == [one, two, one]
    library.hold_rows()
    library.close()
    assert library.rows([2, 0, 2]) == [one, two, one]
    with pytest.raises(LibraryError, match="no such row"):
        library.rows([0, 10**6])
