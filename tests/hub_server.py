"""A model hub on this machine: it keeps what is pushed and gives it back, over real HTTP."""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

Files = dict[str, bytes]


class LocalHub:
    """Repositories of models.

    Attributes:
        url: where it listens.
        commits: (repository, commit) -> files.
        refs: (repository, branch or tag) -> commit.
        asked: method and path of each request.
    """

    def __init__(self) -> None:
        self.url = ""
        self.commits: dict[tuple[str, str], Files] = {}
        self.refs: dict[tuple[str, str], str] = {}
        self.repositories: set[str] = set()
        self.asked: list[str] = []

    def put(self, repo: str, files: Files, ref: str = "main") -> str:
        """Commit these files; gives the commit."""
        contents = [(name, hashlib.sha256(content).hexdigest()) for name, content in sorted(files.items())]
        commit = hashlib.sha1(repr(contents).encode()).hexdigest()
        self.repositories.add(repo)
        self.commits[repo, commit] = files
        self.refs[repo, ref] = commit
        return commit

    def files(self, repo: str, ref: str = "main") -> Files:
        """What a repository holds."""
        return self.commits[repo, self.refs.get((repo, ref), ref)]

    def fetched(self, repo: str) -> set[str]:
        """Names of the files whose contents somebody asked for."""
        found = (re.fullmatch(rf"GET /{repo}/resolve/[^/]+/(.+)", line) for line in self.asked)
        return {one[1] for one in found if one}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: LocalHub

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name of the base class
        """Be quiet."""

    def do_HEAD(self) -> None:
        self._get()

    def do_GET(self) -> None:
        self._get()

    def _get(self) -> None:
        path = self._asked()
        if found := re.fullmatch(r"/api/models/(.+?)(?:/(revision|tree)/([^/]+))?", path):
            return self._about(*found.groups())
        if found := re.fullmatch(r"/(.+?)/resolve/([^/]+)/(.+)", path):
            return self._file(*found.groups())
        return self._error("EntryNotFound")

    def _about(self, repo: str, kind: str | None, ref: str | None) -> None:
        if repo not in self.hub.repositories:
            return self._error("RepoNotFound")
        commit = self.hub.refs.get((repo, ref or "main"), ref or "main")
        if (repo, commit) not in self.hub.commits:
            return self._error("RevisionNotFound")
        files = self.hub.commits[repo, commit]
        if kind == "tree":
            rows = [
                {"type": "file", "path": name, "size": len(own), "oid": name} for name, own in files.items()
            ]
            return self._json(rows)
        return self._json({"id": repo, "sha": commit, "siblings": [{"rfilename": name} for name in files]})

    def _file(self, repo: str, ref: str, name: str) -> None:
        commit = self.hub.refs.get((repo, ref), ref)
        content = self.hub.commits.get((repo, commit), {}).get(name)
        if content is None:
            return self._error("EntryNotFound")
        etag = hashlib.sha256(content).hexdigest()
        return self._send(200, content, {"ETag": f'"{etag}"', "X-Repo-Commit": commit})

    def do_POST(self) -> None:
        path, body = self._asked(), self._body()
        if path == "/api/validate-yaml":
            _, front, _ = json.loads(body)["content"].split("---\n", 2)
            wrong = [] if isinstance(yaml.safe_load(front), dict) else [{"message": "no metadata"}]
            return self._json({"errors": wrong, "warnings": []}, 400 if wrong else 200)
        if path == "/api/repos/create":
            named = json.loads(body)
            repo = f"{named['organization']}/{named['name']}"
            self.hub.repositories.add(repo)
            return self._json({"url": f"{self.hub.url}/{repo}"})
        if found := re.fullmatch(r"/api/models/(.+)/preupload/[^/]+", path):
            files = json.loads(body)["files"]
            modes = [{"path": one["path"], "uploadMode": "regular", "shouldIgnore": False} for one in files]
            return self._json({"files": modes})
        if found := re.fullmatch(r"/api/models/(.+)/commit/([^/]+)", path):
            return self._commit(found[1], found[2], [json.loads(line) for line in body.splitlines()])
        return self._error("EntryNotFound")

    def _commit(self, repo: str, ref: str, lines: list[dict[str, Any]]) -> None:
        own = [line["value"] for line in lines if line["key"] == "file"]
        commit = self.hub.put(repo, {one["path"]: base64.b64decode(one["content"]) for one in own}, ref)
        self._json({"commitUrl": f"{self.hub.url}/{repo}/commit/{commit}", "commitOid": commit})

    def _asked(self) -> str:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append(f"{self.command} {path}")
        return path

    def _body(self) -> bytes:
        if length := self.headers["Content-Length"]:
            return self.rfile.read(int(length))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _json(self, content: object, status: int = 200) -> None:
        self._send(status, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _error(self, code: str) -> None:
        self._send(404, b"", {"X-Error-Code": code})

    def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


@contextmanager
def local_hub() -> Iterator[LocalHub]:
    """A hub that listens while it is needed."""
    hub = LocalHub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        hub.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
