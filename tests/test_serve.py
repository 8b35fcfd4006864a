"""The command: where it listens, which token it wants, and that it ends when it is told to."""

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from fakes import write_bursts

from myosem.cli.serve import checked_token, listen
from myosem.errors import MissingExtraError, UsageError
from myosem.extras import require_ui
from myosem.ingest import ingest


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_this_machine_alone_needs_no_token(host: str) -> None:
    assert checked_token(None, host) is None
    assert checked_token("sixteen-letters-x", host) == "sixteen-letters-x"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "lab.example.org"])
def test_any_other_address_gets_a_token_of_its_own(host: str) -> None:
    first, second = checked_token(None, host), checked_token(None, host)
    assert first and second and first != second
    assert len(first) >= 32


@pytest.mark.parametrize(
    "token", ["", "short", "sixteen letters x", "sixteen-letters-ü", "sixteen-letters\n"]
)
def test_a_token_that_is_easily_guessed_or_not_sent_is_refused(token: str) -> None:
    with pytest.raises(UsageError, match="token"):
        checked_token(token, "127.0.0.1")


def test_a_port_that_is_taken_is_named() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"127.0.0.1:{port} cannot be listened at.*--port {port + 1}"):
            listen("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot be listened at"):
        listen("192.0.2.1", 0)


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(MissingExtraError, match=r'no fastapi, .*pip install "myosem\[ui\]"'):
        require_ui()


def test_the_command_serves_until_it_is_told_to_end(tmp_path: Path) -> None:
    write_bursts(tmp_path / "files", "a", "one", 0)
    ingest(tmp_path / "lib", [tmp_path / "files"], model=None)
    command = [sys.executable, "-m", "myosem.cli.main", "serve", "--no-page", "--port", "0"]
    with subprocess.Popen(
        [*command, "--library", str(tmp_path / "lib")], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        greeting = server.stdout.readline()
        address = greeting.rstrip().rpartition(": ")[2]
        with urllib.request.urlopen(f"{address}/health", timeout=60) as answer:
            health = json.load(answer)
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=60)
    assert "lib, version 1" in greeting
    assert (health["status"], health["recordings"], health["indexed"]) == ("ok", 1, False)
    assert server.returncode in (0, -signal.SIGTERM)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(address.rpartition(":")[2]))) != 0
