"""The questions a client may ask, as a FastAPI app. Answers are the dataclasses of ``myosem.results``."""

import time
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Path, Query, Response
from fastapi.responses import PlainTextResponse
from fastapi_offline import FastAPIOffline

from myosem import __version__
from myosem.cli.recordings import Recordings, page_of_recordings
from myosem.cli.web import schemas
from myosem.cli.web.asking import Asking, check_source
from myosem.cli.web.files import add_file_routes
from myosem.cli.web.guard import Admission, Counted, Limited
from myosem.cli.web.metrics import CONTENT_TYPE, Metrics
from myosem.cli.web.parsing import Parsers
from myosem.cli.web.problems import add_handlers
from myosem.cli.web.reading import signal_of
from myosem.cli.web.state import Engines
from myosem.cli.web.uploads import MEBIBYTE
from myosem.results import DescribeResult, LabelResult, SearchResult
from myosem.search import Engine

TITLE = "MyoSem"
ABOUT = (
    "Find moments in EMG recordings with plain words. Times are seconds. Every answer is made from one "
    "version of the library, which the header `X-MyoSem-Version` names."
)
TAGS = ("Questions", "Questions about a file", "What is in the library")
SERVER_TAG = "The server"
FAILURES: dict[int | str, dict[str, Any]] = {
    400: {"model": schemas.Failure, "description": "It cannot be used."},
    401: {"model": schemas.Failure, "description": "A token is needed."},
    403: {"model": schemas.Failure, "description": "Not from there."},
    404: {"model": schemas.Failure, "description": "There is nothing of this id."},
    409: {"model": schemas.Failure, "description": "The library has no index that fits."},
    413: {"model": schemas.Failure, "description": "Too large."},
    415: {"model": schemas.Failure, "description": "No format that is read."},
    422: {"model": schemas.Failure, "description": "Not as this page says."},
}


@dataclass(frozen=True)
class Settings:
    """What a server allows.

    Attributes:
        token: that every request needs; None where only this machine may ask.
        body_bytes: how long a body may be.
        upload_bytes: how long one with a file may be.
    """

    token: str | None = None
    body_bytes: int = MEBIBYTE
    upload_bytes: int = 64 * MEBIBYTE


def make_app(engines: Engines, settings: Settings | None = None, parsers: Parsers | None = None) -> FastAPI:
    """The app over a library.

    Args:
        engines: hand out the engine; the caller closes them.
        settings: limits and token.
        parsers: read files that are sent; their limit is that of the settings by default.
    """
    settings = settings or Settings()
    app = FastAPIOffline(
        title=TITLE,
        version=__version__,
        description=ABOUT,
        redirect_slashes=False,
        redoc_url=None,
        static_url="/docs/files",
        swagger_ui_parameters={"validatorUrl": None},  # which asks a public server
    )
    metrics, asking = Metrics(), Asking(engines)
    app.add_middleware(Limited, settings.body_bytes, settings.upload_bytes)
    app.add_middleware(Admission, settings.token)
    app.add_middleware(Counted, metrics)
    add_handlers(app)
    questions, files, reading = (APIRouter(responses=FAILURES, tags=[tag]) for tag in TAGS)
    _add_questions(questions, asking)
    add_file_routes(files, asking, parsers or Parsers(settings.upload_bytes))
    _add_reading(reading, asking)
    for router in (questions, files, reading):
        app.include_router(router)
    _add_watching(app, engines, metrics)
    return app


def _add_questions(router: APIRouter, asking: Asking) -> None:
    @router.post("/search", summary="Words to moments")
    async def search(asked: schemas.SearchRequest, response: Response) -> SearchResult:
        """The moments that match a description, or are like what is liked."""
        return await asking.ask(
            response, lambda engine: engine.search(**asked.model_dump()), heavy=asked.explain
        )

    @router.post("/describe", summary="A stretch to words")
    async def describe(asked: schemas.DescribeRequest, response: Response) -> DescribeResult:
        """The actions that describe a segment, or a stretch of a recording."""

        def question(engine: Engine) -> DescribeResult:
            check_source(engine, asked.source)
            return engine.describe(**asked.model_dump())

        return await asking.ask(response, question, heavy=True)

    @router.post("/similar", summary="A stretch to moments")
    async def similar(asked: schemas.SimilarRequest, response: Response) -> SearchResult:
        """The moments most like a segment, or like a stretch of a recording, which is left out itself."""

        def question(engine: Engine) -> SearchResult:
            check_source(engine, asked.source)
            return engine.similar(**asked.model_dump())

        return await asking.ask(response, question, heavy=True)

    @router.post("/label", summary="Names from a list")
    async def label(asked: schemas.LabelRequest, response: Response) -> LabelResult:
        """The phrase that fits each segment of a recording, or none of them."""

        def question(engine: Engine) -> LabelResult:
            check_source(engine, asked.source)
            return engine.label(asked.source, asked.candidates, told=asked.told)

        return await asking.ask(response, question, heavy=True)


def _add_reading(router: APIRouter, asking: Asking) -> None:
    @router.get("/recordings", summary="What there is")
    async def recordings(
        response: Response,
        offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
        limit: Annotated[int, Query(ge=1, le=schemas.MOST_RECORDINGS)] = 100,
    ) -> Recordings:
        """Recordings in order of data set, subject, session and name."""
        return await asking.ask(response, lambda engine: page_of_recordings(engine.library, offset, limit))

    @router.get("/segments/{segment}/signal", summary="The samples of a segment")
    async def signal(
        response: Response,
        segment: Annotated[str, Path(pattern=schemas.SEGMENT, examples=[f"{schemas.ID}@12.400"])],
        context_s: Annotated[float, Query(ge=0, le=schemas.MOST_CONTEXT_S, allow_inf_nan=False)] = 0.5,
    ) -> schemas.SignalOut:
        """The samples, with some context on either side."""
        return await asking.ask(response, lambda engine: signal_of(engine, segment, context_s))


def _add_watching(app: FastAPI, engines: Engines, metrics: Metrics) -> None:
    started = time.monotonic()

    @app.get("/health", summary="How the server is", responses={403: FAILURES[403]}, tags=[SERVER_TAG])
    async def health() -> schemas.Health:
        """Needs no token and says nothing of what is in the library."""
        with engines.use() as engine:
            manifest = engine.library.manifest
        return schemas.Health(
            status="ok" if engines.trouble is None else "stale",
            trouble=engines.trouble,
            version=manifest.version,
            model=engines.model.name,
            recordings=manifest.recordings,
            segments=manifest.segments,
            indexed=manifest.indexed,
            uptime_s=round(time.monotonic() - started, 3),
        )

    @app.get(
        "/metrics",
        summary="Numbers for Prometheus",
        response_class=PlainTextResponse,
        responses={code: FAILURES[code] for code in (401, 403)},
        tags=[SERVER_TAG],
    )
    async def numbers() -> Response:
        """Counts and times of requests, and what is in the library."""
        with engines.use() as engine:
            manifest = engine.library.manifest
        gauges = {
            "library_version": ("Version of the library in use.", manifest.version),
            "library_recordings": ("Recordings in the library.", manifest.recordings),
            "library_segments": ("Segments in the library.", manifest.segments),
            "library_stale": ("1 where the newest version cannot be used.", engines.trouble is not None),
            "uptime_seconds": ("Time since the start.", round(time.monotonic() - started, 3)),
        }
        return Response(metrics.text(gauges), media_type=CONTENT_TYPE)
