"""What stands before every request: who may ask, how much may be sent, and the counting of it all.

Without a token only this machine may ask, by a name that is this machine's own: a page of another site
that has its name point here is turned away. With a token every request needs it, as
``Authorization: Bearer TOKEN``, or as the cookie that a browser gets for opening ``/?token=TOKEN``.
"""

import hmac
import ipaddress
import time
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import HTTPException
from fastapi.responses import JSONResponse, RedirectResponse, Response

from myosem.cli.web.metrics import Metrics, Route
from myosem.cli.web.uploads import too_large

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "myosem_token"
OPEN = "/health"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
REFUSED_SOCKET = 1008
MULTIPART = "multipart/form-data"


class Counted:
    """Tells the metrics of every request when its answer is complete.

    Args:
        app: behind it.
        metrics: told.
    """

    def __init__(self, app: App, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status, start = 500, time.perf_counter()

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watch)
        finally:
            method = scope["method"] if scope["method"] in METHODS else "OTHER"
            path = getattr(scope.get("route"), "path", None) or "other"
            self.metrics.count(Route(method, path), status, time.perf_counter() - start)


class Admission:
    """Turns away whoever may not ask.

    Args:
        app: behind it.
        token: every request needs; None where only this machine may ask.
    """

    def __init__(self, app: App, token: str | None) -> None:
        self.app, self.token = app, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it."""
        answer = self._answer(scope) if scope["type"] in ("http", "websocket") else None
        if answer is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": REFUSED_SOCKET})
        else:
            await answer(scope, receive, send)

    def _answer(self, scope: Scope) -> Response | None:
        headers = _headers(scope)
        if self.token is None:
            return None if _is_local(headers) else _refusal(403, "this server answers its own machine only")
        if scope["path"] == OPEN or self._is_token(_bearer(headers)):
            return None
        if not _same_origin(headers):
            return _refusal(403, "another site may not ask")
        if self._is_token(_cookie(headers)):
            return None
        return self._entered(scope) or _refusal(
            401, "a token is needed", hint="Authorization: Bearer TOKEN, with the token the server printed"
        )

    def _entered(self, scope: Scope) -> Response | None:
        """The way in for a browser: ``?token=`` once, a cookie from then on."""
        if scope["type"] != "http" or scope["method"] != "GET":
            return None
        query = parse_qsl(scope["query_string"].decode("latin-1"))
        if not self._is_token(dict(query).get("token", "")):
            return None
        rest = urlencode([(name, value) for name, value in query if name != "token"])
        path = "/" + scope["path"].lstrip("/\\")
        answer = RedirectResponse(f"{path}?{rest}" if rest else path, status_code=303)
        answer.set_cookie(COOKIE, self.token or "", httponly=True, samesite="strict")
        return answer

    def _is_token(self, given: str) -> bool:
        """Compares in the same time whatever is wrong."""
        return hmac.compare_digest(given.encode(), (self.token or "").encode())


class Limited:
    """Refuses bodies that are too long, before they are read where the length is announced.

    Args:
        app: behind it.
        body_bytes: how long a body may be.
        upload_bytes: how long one with files may be.
    """

    def __init__(self, app: App, body_bytes: int, upload_bytes: int) -> None:
        self.app, self.body_bytes, self.upload_bytes = app, body_bytes, upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with 413."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = _headers(scope)
        most = self.upload_bytes if headers.get("content-type", "").startswith(MULTIPART) else self.body_bytes
        announced = headers.get("content-length", "")
        if announced.isdecimal() and len(announced) < 20 and int(announced) > most:
            await _refusal(413, too_large(int(announced), most).sentence)(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > most:
                raise HTTPException(413, too_large(received, most).sentence)
            return message

        await self.app(scope, counted, send)


def _refusal(status: int, error: str, hint: str | None = None) -> Response:
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse({"error": error, "hint": hint}, status, headers)


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _bearer(headers: dict[str, str]) -> str:
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _cookie(headers: dict[str, str]) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _is_local(headers: dict[str, str]) -> bool:
    host, colon, port = headers.get("host", "").rpartition(":")
    name = host if colon and port.isdecimal() else headers.get("host", "")
    return is_loopback(name.strip("[]")) and _same_origin(headers)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _same_origin(headers: dict[str, str]) -> bool:
    """Whether a page that asks, if one does, is of this server."""
    origin = headers.get("origin")
    try:
        return origin is None or urlsplit(origin).netloc == headers.get("host", "")
    except ValueError:
        return False
