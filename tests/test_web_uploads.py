"""Files that are sent: read, answered, gone; nothing else on the disk is touched."""

import io
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import MAPPING
from fastapi.testclient import TestClient
from web_toys import client_of, open_engines, write_library

from myosem.cli.web.parsing import Parsers
from myosem.cli.web.state import Engines
from myosem.cli.web.uploads import TooLargeError, safe_name, uploaded
from myosem.errors import MappingError, SourceError

PLAIN = "\n".join(line for line in MAPPING.splitlines() if not line.startswith("path")).encode()

ARRAY = b"rate_hz: 200\narray: emg\nsubject: p1\n"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_library(tmp_path_factory.mktemp("sent"))


@pytest.fixture(scope="module")
def engines(path: Path) -> Engines:
    return open_engines(path)


@pytest.fixture(scope="module")
def parsers() -> Iterator[Parsers]:
    parsers = Parsers(300_000)
    yield parsers
    parsers.close()


@pytest.fixture
def client(
    engines: Engines, parsers: Parsers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    """A client of a server whose temporary files lie in a folder that is empty when the test is over."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with client_of(engines, parsers, upload_bytes=300_000) as client:
        yield client
    assert not list(folder.iterdir())


@pytest.fixture
def npz(path: Path) -> bytes:
    return (path.parent / "files" / "a_one.npz").read_bytes()


def archive(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as content:
        for name, data in members.items():
            content.writestr(name, data)
    return packed.getvalue()


def array(values: Any, **options: Any) -> bytes:
    packed = io.BytesIO()
    np.save(packed, values, **options)
    return packed.getvalue()


def test_a_file_is_answered_as_the_engine_does(
    client: TestClient, engines: Engines, path: Path, npz: bytes
) -> None:
    files = {"file": ("mine.npz", npz), "mapping": ("m.yaml", PLAIN)}
    own = str(path.parent / "files" / "a_one.npz")
    described = client.post("/describe/file", files=files, data={"start_s": 2, "end_s": 4, "k": 2})
    labelled = client.post("/label/file", files=files, data={"candidates": ["fist", "pinch"]})
    similar = client.post("/similar/file", files=files, data={"start_s": 2, "end_s": 4, "k": 3})
    with engines.use() as engine:
        alone = type(engine)(None, engine.model)
        expected = alone.describe(own, 2.0, 4.0, 2).descriptions
    assert described.status_code == labelled.status_code == similar.status_code == 200
    assert described.json()["source"] == labelled.json()["source"] == "mine.npz"
    assert [one["action"] for one in described.json()["descriptions"]] == [one.action for one in expected]
    assert labelled.json()["candidates"] == ["fist", "pinch"]
    assert labelled.json()["segments"]
    assert len(similar.json()["hits"]) == 3
    assert similar.json()["query"] == "mine.npz 2.00-4.00 s"


def test_a_csv_needs_its_mapping(client: TestClient) -> None:
    text = "\n".join(
        ",".join(f"{value:.3f}" for value in row) for row in np.random.default_rng(0).normal(size=(900, 4))
    )
    without = client.post("/describe/file", files={"file": ("a.csv", text.encode())})
    assert without.status_code == 400
    assert "mapping" in without.json()["error"]
    mapping = b"rate_hz: 200\nheader: false\ncolumns: [1, 2, 3, 4]\nsubject: p1\n"
    files = {"file": ("a.csv", text.encode()), "mapping": ("m", mapping)}
    assert client.post("/describe/file", files=files).status_code == 200


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("a.zip", archive(**{"a.csv": b"1,2"}), 422),
        ("a.exe", b"MZ", 422),
        ("nothing", b"", 422),
        ("../../etc/passwd", b"", 422),
        ("a.mat", b"\x89HDF\r\n\x1a\n" + bytes(600), 422),
        ("a.mat", b"MATLAB 7.3 MAT-file" + bytes(600), 415),
        ("a.mat", b"", 415),
        ("a.npz", b"PK\x03\x04nonsense", 422),
        ("a.npz", archive(**{"emg.npy": b"\x93NUMPY\x01\x00nonsense"}), 422),
        ("a.npz", archive(**{"emg.npy": array(np.array([{}, print], dtype=object), allow_pickle=True)}), 422),
        ("a.npz", archive(**{"other.npy": array(np.zeros((9, 2)))}), 400),
        ("a.npz", archive(**{"emg.npy": bytes(2_000_000)}), 413),
        ("a.edf", b"0       nonsense", 422),
        ("a.bdf", b"\xffBIOSEMI" + bytes(300), 422),
    ],
)
def test_what_is_no_recording_is_refused(client: TestClient, name: str, content: bytes, status: int) -> None:
    answer = client.post("/describe/file", files={"file": (name, content), "mapping": ("m.yaml", ARRAY)})
    assert (answer.status_code, set(answer.json())) == (status, {"error", "hint"}), answer.text
    assert tempfile.gettempdir() not in answer.text


@pytest.mark.parametrize(
    "mapping",
    [
        b"rate_hz: 200\nsubject: p1\narray: emg\npath: (a+)+$\n",
        b"rate_hz: " + b"9" * 5_000,
        b"when: 2021-99-99",
        b"[" * 9_000,
        b"a: &a [x, x]\nb: *a",
        b"!!python/object/apply:os.system ['true']",
        b"- 1",
        b"\xff\xfe\x00",
        b"x: " + b"y" * 20_000,
        b"",
    ],
)
def test_no_mapping_makes_the_server_fail(client: TestClient, npz: bytes, mapping: bytes) -> None:
    answer = client.post("/describe/file", files={"file": ("a.npz", npz), "mapping": ("m.yaml", mapping)})
    assert (answer.status_code, set(answer.json())) == (400, {"error", "hint"}), answer.text


@pytest.mark.parametrize(
    "times", [{"start_s": "nan"}, {"end_s": "inf"}, {"start_s": "-1"}, {"k": "0"}, {"k": "x"}]
)
def test_fields_of_a_form_have_limits_too(client: TestClient, npz: bytes, times: dict[str, str]) -> None:
    answer = client.post("/describe/file", files={"file": ("a.npz", npz)}, data=times)
    assert answer.status_code == 422


def test_a_form_that_is_none_is_refused(client: TestClient) -> None:
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x", "text/plain"):
        answer = client.post("/describe/file", content=b"--y\r\n\r\n", headers={"content-type": kind})
        assert answer.status_code in (400, 422)
        assert set(answer.json()) == {"error", "hint"}


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("walk.CSV", "walk.CSV"),
        ("/etc/shadow.csv", "shadow.csv"),
        ("..\\..\\boot.csv", "boot.csv"),
        ("../.hidden.csv", "hidden.csv"),
        ("a b\x00c\n.csv", "a_b_c_.csv"),
        ("ü" * 300 + ".csv", "_" * 96 + ".csv"),
    ],
)
def test_a_name_is_made_plain(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_a_file_is_removed_whatever_happens(tmp_path: Path) -> None:
    with uploaded("a.csv", io.BytesIO(b"1,2"), b"subject: p1", 10) as path:
        assert path.read_bytes() == b"1,2"
        assert sorted(one.name for one in path.parent.iterdir()) == ["a.csv", "a.csv.yaml"]
    assert not path.parent.exists()
    with pytest.raises(SourceError), uploaded("a.csv", io.BytesIO(), None, 9) as path:
        raise SourceError("it is bad")
    assert not path.parent.exists()
    with pytest.raises(TooLargeError), uploaded("a.csv", io.BytesIO(bytes(11)), None, 10):
        pass
    with pytest.raises(MappingError), uploaded("a.csv", io.BytesIO(), b"path: x", 10):
        pass
