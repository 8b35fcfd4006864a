"""Finding files in folders and archives, and refusing what is not safe or not there."""

import pickle
import struct
import zipfile
from pathlib import Path

import pytest
from builders import BUILDERS, zip_folder

from myosem.errors import SourceError
from myosem.readers import Skipped, SourceFile, find_sources, read_recordings


def names(path: Path | str) -> list[str]:
    return [item.name for item in find_sources([path]) if isinstance(item, SourceFile)]


def skipped(path: Path) -> list[Skipped]:
    return [item for item in find_sources([path]) if isinstance(item, Skipped)]


def archive_of(path: Path, **members: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path


def test_natural_order_without_hidden_files(tmp_path: Path) -> None:
    for name in (
        "S10.csv",
        "S2.csv",
        ".hidden.csv",
        ".DS_Store",
        "__MACOSX/x.csv",
        "sub/S1.csv",
        "README.md",
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("1")
    assert names(tmp_path) == ["S2.csv", "S10.csv", "S1.csv"]
    assert [item.reason for item in skipped(tmp_path)] == ["a description, not a recording"]


def test_sources_are_named_as_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    archive_of(tmp_path / "data/s.zip", **{"in/a.csv": "1"})
    monkeypatch.chdir(tmp_path)
    (file,) = find_sources(["data"])
    assert isinstance(file, SourceFile)
    assert file.source == "data/s.zip!in/a.csv"
    assert file.parts[-5:] == (tmp_path.name, "data", "s.zip", "in", "a.csv")
    assert (file.name, file.suffix, file.size, file.read_bytes(), file.open().read()) == (
        *("a.csv", ".csv", 1, b"1", b"1"),
    )
    assert file.mtime == (tmp_path / "data/s.zip").stat().st_mtime
    assert pickle.loads(pickle.dumps(file)).read_bytes() == b"1"


def test_a_path_may_point_into_an_archive(tmp_path: Path) -> None:
    path = archive_of(tmp_path / "s.zip", **{"a/1.csv": "1", "a/2.csv": "2", "b/3.csv": "3", "ab/4.csv": "4"})
    assert names(f"{path}!a") == ["1.csv", "2.csv"]
    assert names(f"{path}!b/3.csv") == ["3.csv"]
    with pytest.raises(SourceError, match=r"s\.zip!c: no such member; there is a/1\.csv, a/2\.csv"):
        names(f"{path}!c")
    with pytest.raises(SourceError, match=r"t\.zip: no such file or folder; there is s\.zip"):
        names(f"{tmp_path}/t.zip!a")


def test_a_missing_path_names_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "recordings").mkdir()
    with pytest.raises(SourceError, match=r"no such file or folder; there is recordings; try: ls "):
        names(tmp_path / "recording" / "deeper")


@pytest.mark.parametrize("hidden", [False, True])
def test_an_empty_folder_is_an_error(hidden: bool, tmp_path: Path) -> None:
    if hidden:
        (tmp_path / ".DS_Store").write_text("x")
    with pytest.raises(SourceError, match="nothing to read"):
        names(tmp_path)


@pytest.mark.parametrize(
    "name", ["../evil.csv", "a/../../evil.csv", "/etc/evil.csv", "C:/evil.csv", "a\\..\\b.csv"]
)
def test_members_that_lead_out_are_refused(name: str, tmp_path: Path) -> None:
    path = archive_of(tmp_path / "s.zip", **{name: "1", "good.csv": "1"})
    (item,) = skipped(path)
    assert item.failed and "leads out of the archive" in item.reason
    assert names(path) == ["good.csv"]


def test_a_member_without_a_name_is_refused(tmp_path: Path) -> None:
    path = archive_of(tmp_path / "s.zip", **{"x": "1", "good.csv": "1"})
    path.write_bytes(path.read_bytes().replace(b"x", b"\0"))
    (item,) = skipped(path)
    assert item.failed and "has no name" in item.reason
    assert names(path) == ["good.csv"]


def test_huge_members_are_refused_without_unpacking(tmp_path: Path) -> None:
    path = archive_of(tmp_path / "s.zip", **{"big.csv": "1", "small.csv": "1"})
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = struct.pack("<I", (1 << 30) + 1)
    path.write_bytes(data)
    (item,) = skipped(path)
    assert item.failed and "1.0 GiB" in item.reason
    assert names(path) == ["small.csv"]


def test_members_that_unpack_to_far_more_than_recordings_do_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.csv", bytes((32 << 20) + 1))
        archive.writestr("large.csv", bytes(1 << 20))
    (item,) = skipped(path)
    assert item.failed and "times its size, as no recording does" in item.reason
    assert names(path) == ["large.csv"]


def test_an_archive_inside_an_archive_is_named(tmp_path: Path) -> None:
    (item,) = skipped(archive_of(tmp_path / "s.zip", **{"inner.zip": "1"}))
    assert item.failed and "unpack the outer one" in item.reason


def test_a_broken_archive_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 cut off")
    archive_of(tmp_path / "good.zip", **{"a.csv": "1"})
    (item,) = skipped(tmp_path)
    assert item.failed and item.source == str(tmp_path / "broken.zip")
    assert names(tmp_path) == ["a.csv"]
    with pytest.raises(
        SourceError, match=r"broken\.zip: the archive cannot be read; .*expected a \.zip archive"
    ):
        read_recordings(tmp_path)


def test_a_damaged_member_is_a_source_error(tmp_path: Path) -> None:
    BUILDERS["3dc"](tmp_path / "folder")
    path = zip_folder(tmp_path / "folder", tmp_path / "s.zip")
    with zipfile.ZipFile(path) as archive:
        files = [info for info in archive.infolist() if not info.is_dir()]
    data = bytearray(path.read_bytes())
    start = files[0].header_offset + 30 + len(files[0].filename)
    data[start + 40 : start + 60] = bytes(20)
    path.write_bytes(data)
    first, second = (item for item in find_sources([path]) if isinstance(item, SourceFile))
    with pytest.raises(SourceError, match=r"s\.zip!Participant2/.*: cannot be read; got "):
        read_recordings(first.source)
    assert len(read_recordings(second.source)) == 1


def test_an_encrypted_member_is_a_source_error(tmp_path: Path) -> None:
    path = archive_of(tmp_path / "s.zip", **{"a.csv": "1"})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    data[data.index(b"PK\x03\x04") + 6] |= 1
    path.write_bytes(data)
    (file,) = find_sources([path])
    assert isinstance(file, SourceFile)
    with pytest.raises(SourceError, match="encrypted"):
        file.read_bytes()


def test_a_file_that_went_away_is_a_source_error(tmp_path: Path) -> None:
    file = SourceFile(tmp_path / "gone.csv")
    for read in (file.read_bytes, lambda: file.size, lambda: file.mtime):
        with pytest.raises(SourceError, match=r"gone\.csv: cannot be read; got No such file"):
            read()
    with pytest.raises(SourceError, match=r"gone\.zip: the archive cannot be read"):
        SourceFile(tmp_path / "gone.zip", "a.csv").read_bytes()


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/a.csv").write_text("1")
    (tmp_path / "sub/up").symlink_to(tmp_path, target_is_directory=True)
    assert names(tmp_path) == ["a.csv"]


def test_siblings_in_folders_and_archives(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1")
    assert SourceFile(tmp_path / "b.csv").sibling("a.csv") == SourceFile(tmp_path / "a.csv")
    assert SourceFile(tmp_path / "a.csv").sibling("b.csv") is None
    path = archive_of(tmp_path / "s.zip", **{"in/a.csv": "1", "in/b.csv": "1"})
    assert SourceFile(path, "in/a.csv").sibling("b.csv") == SourceFile(path, "in/b.csv")
    assert SourceFile(path, "in/a.csv").sibling("c.csv") is None
