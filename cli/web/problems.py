"""Errors as answers: ``{"error": ..., "hint": ...}`` and the status that fits."""

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from myosem.cli.web.uploads import TooLargeError
from myosem.errors import (
    LibraryError,
    MappingError,
    MissingExtraError,
    ModelError,
    MyoSemError,
    SourceError,
    UnknownFormatError,
    UsageError,
)

INVALID = 422
STATUS: dict[type[MyoSemError], int] = {
    UsageError: 400,
    MappingError: 400,
    TooLargeError: 413,
    UnknownFormatError: 415,
    SourceError: INVALID,
    LibraryError: 409,
    MissingExtraError: 501,
    ModelError: 503,
    MyoSemError: 400,
}
MOST_FAULTS = 3


class NotFoundError(MyoSemError):
    """The library has nothing of this id."""


STATUS[NotFoundError] = 404

log = logging.getLogger("myosem.serve")


def add_handlers(app: FastAPI) -> None:
    """Answer every error of an app in the one form."""
    app.add_exception_handler(MyoSemError, _own)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


def problem(status: int, error: str, hint: str | None = None) -> JSONResponse:
    """The answer."""
    return JSONResponse({"error": error, "hint": hint}, status)


def status_of(error: MyoSemError) -> int:
    """The status of the nearest class that has one."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def _own(request: Request, error: Exception) -> JSONResponse:
    own = error if isinstance(error, MyoSemError) else MyoSemError(str(error))
    return problem(status_of(own), own.sentence, own.hint)


def _invalid(request: Request, error: Exception) -> JSONResponse:
    """What pydantic found, without the values, which may be anything."""
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    said = [f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in faults[:MOST_FAULTS]]
    text = "; ".join(said).encode("utf-8", "replace").decode()
    return problem(INVALID, f"the request cannot be used: {text}", "see /docs")


def _http(request: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = getattr(error, "headers", None)
    said = str(getattr(error, "detail", error))
    hint = "see /docs" if status in (404, 405) else None
    return JSONResponse({"error": said, "hint": hint}, status, headers)


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem(500, "this should not have happened; the server's log says more")
