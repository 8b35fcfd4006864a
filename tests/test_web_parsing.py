"""A file that hangs, ends or starves its reader is refused; the server and the next file are well."""

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from web_toys import client_of, open_engines, write_library

from myosem.cli.web.parsing import Parsers
from myosem.cli.web.uploads import TooLargeError
from myosem.errors import SourceError

HOSTILE = (sys.executable, str(Path(__file__).parent / "hostile_parser.py"))
TABLE = "\n".join(f"{a:.3f},{b:.3f}" for a, b in np.random.default_rng(0).normal(size=(900, 2))).encode()
MAPPING = b"rate_hz: 200\nheader: false\ncolumns: [1, 2]\nsubject: p1\n"
LIMIT_S = 2.0


@pytest.fixture(scope="module")
def parsers() -> Iterator[Parsers]:
    parsers = Parsers(1 << 20, limit_s=LIMIT_S, command=HOSTILE)
    yield parsers
    parsers.close()


@pytest.fixture(scope="module")
def client(parsers: Parsers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    engines = open_engines(write_library(tmp_path_factory.mktemp("hostile")))
    with client_of(engines, parsers) as client:
        yield client
    engines.close()


def write(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_bytes(TABLE)
    path.with_name(f"{name}.yaml").write_bytes(MAPPING)
    return path


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("hangs.csv", SourceError, "takes too long to read; expected at most 2 s"),
        ("dies.csv", SourceError, "its reader ended"),
        ("eats.csv", TooLargeError, "more memory"),
        ("fails.csv", SourceError, "fails.csv cannot be read; got ZeroDivisionError"),
        ("slow.csv", SourceError, "slow.csv: this is no EMG"),
    ],
)
def test_harm_is_an_error_and_the_next_file_is_read(
    parsers: Parsers, tmp_path: Path, name: str, error: type[SourceError], said: str
) -> None:
    with pytest.raises(error, match=said):
        parsers.read(write(tmp_path, name))
    (recording,) = parsers.read(write(tmp_path, "good.csv")).recordings
    assert recording.samples.shape == (900, 2)


def test_what_a_reader_prints_is_no_answer(parsers: Parsers, tmp_path: Path) -> None:
    assert len(parsers.read(write(tmp_path, "lies.csv")).recordings) == 1


def test_a_recording_is_the_same_as_read_here(parsers: Parsers, tmp_path: Path) -> None:
    from dataclasses import replace

    from myosem.readers import read_recordings

    path = write(tmp_path, "good.csv")
    (here,) = read_recordings(str(path))
    (apart,) = parsers.read(path).recordings
    np.testing.assert_array_equal(apart.samples, here.samples)
    assert apart.samples.dtype == here.samples.dtype
    assert replace(apart, samples=here.samples) == replace(here, source="good.csv")


def test_a_process_that_ended_meanwhile_is_replaced(parsers: Parsers, tmp_path: Path) -> None:
    parsers.read(write(tmp_path, "good.csv"))
    idle = parsers._idle.get_nowait()
    idle.kill()
    idle.wait()
    parsers._idle.put(idle)
    assert parsers.read(write(tmp_path, "good.csv")).recordings


def test_the_server_answers_while_a_file_hangs_and_refuses_it(client: TestClient) -> None:
    def send(name: str) -> int:
        files = {"file": (name, TABLE), "mapping": ("m.yaml", MAPPING)}
        return client.post("/describe/file", files=files).status_code

    with ThreadPoolExecutor(3) as senders:
        sent = [senders.submit(send, "hangs.csv") for _ in range(2)]
        time.sleep(0.2)
        for one in range(3):
            assert client.post("/search", json={"query": f"fist {one}"}).status_code == 200
        assert [one.result() for one in sent] == [422, 422]
    assert [send(name) for name in ("dies.csv", "eats.csv", "good.csv")] == [422, 413, 200]
