"""Data sets are fetched whole or not at all, against a server on this machine."""

import builtins
import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from myosem import download as module
from myosem.cli import download as command
from myosem.download import CHUNK_BYTES, DataSet, Entry, data_sets, download, files_of, find_data_set
from myosem.errors import DownloadError, MissingExtraError, UsageError
from myosem.readers import READERS
from myosem.readers.base import SourceFile, find_sources

CONTENT = {"E1/s1.mat": b"one" * 50_000, "E1/s2 a.mat": b"two" * 1000, "empty.txt": b""}


@dataclass
class Server:
    """What is served, and what was asked for.

    Attributes:
        address: of the files.
        content: by path.
        cuts: bytes after which the next answers break off.
        asked: path and range of each request.
    """

    address: str = ""
    content: dict[str, bytes] = field(default_factory=lambda: dict(CONTENT))
    cuts: list[int] = field(default_factory=list)
    ranges: bool = True
    asked: list[tuple[str, str | None]] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, wanted = self.path[1:].replace("%20", " "), self.headers.get("Range")
            state.asked.append((path, wanted))
            if path not in state.content:
                self.send_error(404)
                return
            body = state.content[path]
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and state.ranges else 0
            if start and start >= len(body):
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            cut = state.cuts.pop(0) if state.cuts else len(body)
            self.wfile.write(body[start:][:cut])
            self.close_connection = True

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.address = f"http://127.0.0.1:{server.server_port}/"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield state
        server.shutdown()
        thread.join()


def entry(path: str, content: bytes) -> Entry:
    return Entry(path, hashlib.sha256(content).hexdigest(), len(content))


ENTRIES = [entry(path, content) for path, content in CONTENT.items()]


def test_files_lie_where_the_data_set_has_them(server: Server, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    found = download(server.address, ENTRIES, tmp_path / "new", lambda *one: told.append(one))
    assert {path.relative_to(tmp_path / "new").as_posix(): path.read_bytes() for path in found} == CONTENT
    assert told[-1] == ("fetching", 3, 3) and len(list((tmp_path / "new").rglob("*.*"))) == 3


def test_what_is_there_is_not_asked_for_again_and_what_differs_is(server: Server, tmp_path: Path) -> None:
    download(server.address, ENTRIES, tmp_path)
    (tmp_path / "E1/s2 a.mat").write_bytes(b"broken")
    server.asked.clear()
    download(server.address, ENTRIES, tmp_path)
    assert server.asked == [("E1/s2 a.mat", None)]
    assert (tmp_path / "E1/s2 a.mat").read_bytes() == CONTENT["E1/s2 a.mat"]


def test_a_cut_is_gone_on_from(server: Server, tmp_path: Path) -> None:
    server.cuts = [9 * CHUNK_BYTES, 3 * CHUNK_BYTES + 5]
    download(server.address, ENTRIES[:1], tmp_path)
    assert [wanted for _, wanted in server.asked] == [
        None,
        f"bytes={9 * CHUNK_BYTES}-",
        f"bytes={12 * CHUNK_BYTES}-",
    ]
    assert (tmp_path / "E1/s1.mat").read_bytes() == CONTENT["E1/s1.mat"]


def test_a_later_call_goes_on_too(server: Server, tmp_path: Path) -> None:
    server.cuts = [9 * CHUNK_BYTES, 0, 0]
    with pytest.raises(DownloadError, match=r"cannot be fetched.*the same command again"):
        download(server.address, ENTRIES[:1], tmp_path)
    assert not (tmp_path / "E1/s1.mat").exists()
    assert (tmp_path / "E1/s1.mat.part").stat().st_size == 9 * CHUNK_BYTES
    server.asked.clear()
    download(server.address, ENTRIES[:1], tmp_path)
    assert server.asked == [("E1/s1.mat", f"bytes={9 * CHUNK_BYTES}-")]
    assert [path.name for path in tmp_path.rglob("*.*")] == ["s1.mat"]


def test_a_server_without_ranges_sends_all_again(server: Server, tmp_path: Path) -> None:
    server.cuts, server.ranges = [70_000], False
    download(server.address, ENTRIES[:1], tmp_path)
    assert (tmp_path / "E1/s1.mat").read_bytes() == CONTENT["E1/s1.mat"]


def test_a_file_with_another_checksum_is_not_kept(server: Server, tmp_path: Path) -> None:
    server.content["E1/s1.mat"] = b"changed"
    with pytest.raises(DownloadError, match=r"s1\.mat: not the file that is expected.*another SHA-256"):
        download(server.address, ENTRIES[:1], tmp_path)
    assert not list(tmp_path.rglob("*.*"))


def test_a_part_that_is_too_long_is_thrown_away(server: Server, tmp_path: Path) -> None:
    part = tmp_path / "E1/s1.mat.part"
    part.parent.mkdir()
    part.write_bytes(bytes(200_000))
    with pytest.raises(DownloadError, match="not the file"):
        download(server.address, ENTRIES[:1], tmp_path)
    download(server.address, ENTRIES[:1], tmp_path)
    assert (tmp_path / "E1/s1.mat").read_bytes() == CONTENT["E1/s1.mat"]


def test_a_file_that_the_server_lacks_is_asked_for_once(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="cannot be fetched; got 404"):
        download(server.address, [entry("gone.mat", b"x")], tmp_path)
    assert len(server.asked) == 1


def test_a_file_is_no_folder(server: Server, tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    with pytest.raises(UsageError, match="downloads need a folder"):
        download(server.address, ENTRIES, tmp_path / "x")
    assert not server.asked


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="cannot be fetched"):
        download("http://127.0.0.1:9/", ENTRIES[:1], tmp_path)


def test_without_pooch_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **more: Any) -> Any:
        if name == "pooch":
            raise ImportError(name)
        return real(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"need pooch; try: pip install .myosem\[formats\]."):
        download("http://127.0.0.1:9/", ENTRIES, tmp_path)


def test_every_data_set_with_a_reader_is_listed() -> None:
    own = {name for name, reader in READERS.items() if not reader.generic} - {"simulated", "bids"}
    assert set(data_sets()) == own


@pytest.mark.parametrize("name", [name for name, known in data_sets().items() if known.address])
def test_lists_of_files_are_sound_and_readers_know_their_paths(name: str) -> None:
    entries, small = files_of(name), files_of(name, "small")
    assert 0 < len(small) < len(entries) and set(small) <= set(entries)
    assert len({one.path for one in entries}) == len(entries)
    for one in entries:
        assert len(one.sha256) == 64 and one.size > 0
        assert not one.path.startswith("/") and ".." not in one.path.split("/")
    if name != "unibo_inail":
        data = [
            SourceFile(Path("x") / one.path) for one in small if not one.path.endswith((".json", "Info.txt"))
        ]
        assert all(READERS[name].matches(file) for file in data)


@pytest.mark.parametrize("name", [name for name, known in data_sets().items() if not known.address])
def test_what_cannot_be_fetched_says_where_to_go(name: str) -> None:
    known = find_data_set(name)
    assert known.page and known.how
    with pytest.raises(DownloadError, match="cannot be fetched by a program; expected") as caught:
        files_of(name)
    assert known.page in str(caught.value) and known.how in str(caught.value)


@pytest.mark.parametrize("name", ["myo_up", "unibo_inail", "contraction_intensity"])
def test_checksums_are_those_of_the_files(name: str, real_data: Path) -> None:
    listed = {one.path: one for one in files_of(name)}
    seen = 0
    for source in find_sources([real_data / name]):
        if isinstance(source, SourceFile):
            data = source.read_bytes()
            inner = source.member or str(source.path.relative_to(real_data / name))
            (one,) = [entry for path, entry in listed.items() if path.endswith(f"/{inner}") or path == inner]
            assert (one.sha256, one.size) == (hashlib.sha256(data).hexdigest(), len(data))
            seen += 1
    assert seen >= len(listed) - 1


def test_unknown_names_and_subsets_say_what_there_is() -> None:
    with pytest.raises(UsageError, match="got myo; there is 3dc"):
        files_of("myo")
    with pytest.raises(UsageError, match="got tiny; there is all, small"):
        files_of("myo_up", "tiny")


@pytest.fixture
def small_set(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A data set on the server, listed as the others are."""
    known = DataSet(
        title="Toy", licence="none stated", cite="nobody", repository="a/b", commit="c", small="E1/"
    )
    monkeypatch.setattr(module, "data_sets", lambda: {"toy": known})
    monkeypatch.setattr(module, "RAW", server.address)
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    lines = [f"{one.sha256} {one.size} {one.path}" for one in ENTRIES]
    (tmp_path / "toy.sha256").write_text("\n".join(lines) + "\n")
    monkeypatch.chdir(tmp_path)
    return server


def test_the_licence_is_shown_and_must_be_accepted(
    small_set: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(
        UsageError, match="the licence is not accepted: nothing was fetched; try: --accept-licence"
    ):
        command.download("toy")
    shown = capsys.readouterr().out
    assert "licence  none stated" in shown and "ask its authors" in shown
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", lambda question: False)
    with pytest.raises(UsageError, match=r"nothing was fetched$"):
        command.download("toy")
    assert not small_set.asked


def test_the_command_fetches_and_says_how_to_go_on(
    small_set: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command.download("toy", subset="small", accept_licence=True)
    printed = capsys.readouterr().out
    assert "files    2, 0.2 MB (small subset)" in printed
    assert printed.endswith("2 files in toy; try: myosem ingest toy --library toy-lib\n")
    assert (tmp_path / "toy/E1/s1.mat").is_file() and not (tmp_path / "toy/empty.txt").exists()
    command.download("toy", to=tmp_path / "other", accept_licence=True)
    assert (tmp_path / "other/empty.txt").is_file()


def test_the_list_names_all(capsys: pytest.CaptureFixture[str]) -> None:
    command.download()
    printed = capsys.readouterr().out
    assert all(f"\n{name} " in printed for name in data_sets())
