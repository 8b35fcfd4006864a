"""Who may ask, and how much may be sent."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from web_toys import LOCAL, client_of, open_engines, write_library

from myosem.cli.web.guard import is_loopback
from myosem.cli.web.state import Engines

TOKEN = "a-token-of-enough-letters"
SEARCH = {"query": "make a fist"}


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Engines:
    return open_engines(write_library(tmp_path_factory.mktemp("guarded")))


@pytest.fixture
def guarded(engines: Engines) -> Iterator[TestClient]:
    with client_of(engines, token=TOKEN) as client:
        yield client


@pytest.fixture
def local(engines: Engines) -> Iterator[TestClient]:
    with client_of(engines, body_bytes=2_000, upload_bytes=4_000) as client:
        yield client


@pytest.mark.parametrize(
    "given",
    [None, "", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN],
)
def test_nothing_but_health_without_the_token(guarded: TestClient, given: str | None) -> None:
    headers = {} if given is None else {"authorization": given}
    answers = [
        guarded.post("/search", json=SEARCH, headers=headers),
        *(guarded.get(path, headers=headers) for path in ("/", "/metrics", "/docs", "/openapi.json", "/no")),
    ]
    for answer in answers:
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert set(answer.json()) == {"error", "hint"}
        assert TOKEN not in answer.text
    assert guarded.get("/health", headers=headers).status_code == 200


def test_the_token_opens_everything_from_anywhere(guarded: TestClient) -> None:
    headers = {"authorization": f"bearer {TOKEN}", "host": "lab.example.org"}
    assert guarded.post("/search", json=SEARCH, headers=headers).status_code == 200
    assert guarded.get("/metrics", headers=headers).status_code == 200


def test_a_browser_gets_a_cookie_for_the_token(guarded: TestClient) -> None:
    answer = guarded.get("/docs", params={"token": TOKEN, "q": "fist"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/docs?q=fist")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie
    assert guarded.get("/docs").status_code == 200
    assert guarded.post("/search", json=SEARCH).status_code == 200
    foreign = {"origin": "https://evil.example"}
    assert guarded.post("/search", json=SEARCH, headers=foreign).status_code == 403


def test_no_token_in_the_address_leads_to_another_site(guarded: TestClient) -> None:
    for path in ("//evil.example/", "/%5Cevil.example/", "///evil.example"):
        answer = guarded.get(f"{LOCAL}{path}?token={TOKEN}", follow_redirects=False)
        assert "//" not in answer.headers.get("location", "")
        assert "\\" not in answer.headers.get("location", "")


def test_a_wrong_token_in_the_address_is_refused(guarded: TestClient) -> None:
    assert guarded.get("/docs", params={"token": "x" * 20}).status_code == 401
    assert guarded.get("/docs", headers={"cookie": "myosem_token=wrong"}).status_code == 401
    assert guarded.get("/docs", headers={"cookie": "\x01;=;;myosem_token"}).status_code == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "10.0.0.1", ""]
)
def test_without_a_token_other_names_are_turned_away(local: TestClient, host: str) -> None:
    for answer in (local.get("/health", headers={"host": host}), local.get("/docs", headers={"host": host})):
        assert answer.status_code == 403


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8000", "localhost:1", "[::1]:8000", "[::1]"])
def test_without_a_token_this_machine_may_ask(local: TestClient, host: str) -> None:
    assert local.get("/health", headers={"host": host}).status_code == 200
    own = {"host": host, "origin": f"http://{host}"}
    assert local.post("/search", json=SEARCH, headers=own).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://[", ""])
def test_without_a_token_other_sites_are_turned_away(local: TestClient, origin: str) -> None:
    headers = {"origin": origin, "host": "127.0.0.1:8000"}
    assert local.post("/search", json=SEARCH, headers=headers).status_code == 403


def test_a_body_that_says_it_is_too_long_is_not_read(local: TestClient) -> None:
    answer = local.post("/search", json={"query": "x" * 3_000})
    assert answer.status_code == 413
    assert set(answer.json()) == {"error", "hint"}
    assert local.post("/search", content=b"{}", headers={"content-length": "9" * 18}).status_code == 413


def test_a_body_that_does_not_say_is_read_up_to_the_limit(local: TestClient) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(1_000):
            yield b" " * 1_000

    answer = local.post("/search", content=parts(), headers={"content-type": "application/json"})
    assert answer.status_code == 413
    assert set(answer.json()) == {"error", "hint"}


def test_files_have_a_limit_of_their_own(local: TestClient) -> None:
    between = local.post("/describe/file", files={"file": ("a.csv", b"1,2\n" * 800)})
    assert between.status_code == 400, "long for a body, short for a file: its mapping is missing"
    assert local.post("/describe/file", files={"file": ("a.csv", b"1,2\n" * 2_000)}).status_code == 413


@pytest.mark.parametrize(
    ("host", "own"),
    [
        *(("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("LOCALHOST", True)),
        *(("0.0.0.0", False), ("::", False), ("192.168.1.2", False), ("example.org", False), ("", False)),
    ],
)
def test_loopback(host: str, own: bool) -> None:
    assert is_loopback(host) is own
