"""The same questions about a file that is sent along; it is removed when the answer is there."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, File, Form, Response, UploadFile

from myosem.cli.web import schemas
from myosem.cli.web.asking import Asking
from myosem.cli.web.parsing import Parsers
from myosem.cli.web.uploads import LONGEST_MAPPING, uploaded
from myosem.results import DescribeResult, LabelResult, SearchResult
from myosem.search import Engine
from myosem.sources import Given

AT_ONCE = 8
"""How many files are written to the disk to be read at a time."""

Answer = TypeVar("Answer")
Sent = Annotated[UploadFile, File(description=schemas.FILE)]
Mapping = Annotated[UploadFile | None, File(description=schemas.MAPPING)]
Recording = Annotated[str | None, Form(max_length=200, description="Which, where the file holds several.")]
Time = Annotated[float | None, Form(ge=0, le=schemas.LONGEST_S, allow_inf_nan=False)]
Condition = Annotated[str | None, Form(min_length=1, max_length=schemas.LONGEST_CONDITION)]
Flag = Annotated[bool, Form()]


@dataclass(frozen=True)
class Files:
    """Asks about files.

    Attributes:
        asking: asks the engine.
        parsers: read them; what takes long there keeps nobody else from an answer.
    """

    asking: Asking
    parsers: Parsers
    reading: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(AT_ONCE))

    async def ask(
        self,
        response: Response,
        file: UploadFile,
        mapping: UploadFile | None,
        question: Callable[[Engine, Given], Answer],
    ) -> Answer:
        """The answer to a question about a file, which is gone afterwards."""
        text = None if mapping is None else await mapping.read(LONGEST_MAPPING + 1)
        with ExitStack() as kept:

            def read() -> Given:
                sent = uploaded(file.filename or "", file.file, text, self.parsers.most_bytes)
                return self.parsers.read(kept.enter_context(sent))

            given = await to_thread.run_sync(read, limiter=self.reading)
            return await self.asking.ask(response, lambda engine: question(engine, given), heavy=True)


def add_file_routes(router: APIRouter, asking: Asking, parsers: Parsers) -> None:
    """Add ``/describe/file``, ``/similar/file`` and ``/label/file``."""
    files = Files(asking, parsers)
    _add_describe(router, files)
    _add_similar(router, files)
    _add_label(router, files)


def _add_describe(router: APIRouter, files: Files) -> None:
    @router.post("/describe/file", summary="A file to words")
    async def describe(
        *,
        response: Response,
        file: Sent,
        mapping: Mapping = None,
        recording: Recording = None,
        start_s: Time = None,
        end_s: Time = None,
        k: Annotated[int, Form(ge=1, le=schemas.MOST_DESCRIPTIONS)] = 5,
        explain: Flag = False,
    ) -> DescribeResult:
        """The actions that describe a recording that is sent along, or a stretch of it."""

        def question(engine: Engine, given: Given) -> DescribeResult:
            return engine.describe(given, start_s, end_s, k, recording=recording, explain=explain)

        return await files.ask(response, file, mapping, question)


def _add_similar(router: APIRouter, files: Files) -> None:
    @router.post("/similar/file", summary="A file to moments")
    async def similar(
        *,
        response: Response,
        file: Sent,
        mapping: Mapping = None,
        recording: Recording = None,
        start_s: Time = None,
        end_s: Time = None,
        k: Annotated[int, Form(ge=1, le=schemas.MOST_HITS)] = 10,
        where: Condition = None,
        diverse: Flag = False,
        merge: Flag = False,
    ) -> SearchResult:
        """The moments of the library most like a recording that is sent along, or like a stretch of it."""

        def question(engine: Engine, given: Given) -> SearchResult:
            return engine.similar(
                given, start_s, end_s, k, where, recording=recording, diverse=diverse, merge=merge
            )

        return await files.ask(response, file, mapping, question)


def _add_label(router: APIRouter, files: Files) -> None:
    @router.post("/label/file", summary="Names from a list for a file")
    async def label(
        *,
        response: Response,
        file: Sent,
        candidates: Annotated[list[schemas.Text], Form(min_length=1, max_length=schemas.MOST_CANDIDATES)],
        mapping: Mapping = None,
        recording: Recording = None,
    ) -> LabelResult:
        """The phrase that fits each segment of a recording that is sent along, or none of them."""

        def question(engine: Engine, given: Given) -> LabelResult:
            return engine.label(given, candidates, recording=recording)

        return await files.ask(response, file, mapping, question)
