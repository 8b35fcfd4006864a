"""The same questions about a file that is sent along; it is removed when the answer is there."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, TypeVar

from fastapi import APIRouter, File, Form, Response, UploadFile

from myosem.cli.web import schemas
from myosem.cli.web.asking import Asking
from myosem.cli.web.uploads import LONGEST_MAPPING, uploaded
from myosem.results import DescribeResult, LabelResult, SearchResult
from myosem.search import Engine

Answer = TypeVar("Answer")
Sent = Annotated[UploadFile, File(description=schemas.FILE)]
Mapping = Annotated[UploadFile | None, File(description=schemas.MAPPING)]
Recording = Annotated[str | None, Form(max_length=200, description="Which, where the file holds several.")]
Time = Annotated[float | None, Form(ge=0, le=schemas.LONGEST_S, allow_inf_nan=False)]
Condition = Annotated[str | None, Form(min_length=1, max_length=schemas.LONGEST_CONDITION)]


def add_file_routes(router: APIRouter, asking: Asking, most_bytes: int) -> None:
    """Add ``/describe/file``, ``/similar/file`` and ``/label/file``."""

    async def ask(
        response: Response,
        file: UploadFile,
        mapping: UploadFile | None,
        question: Callable[[Engine, Path], Answer],
    ) -> Answer:
        text = None if mapping is None else await mapping.read(LONGEST_MAPPING + 1)

        def answer(engine: Engine) -> Answer:
            with uploaded(file.filename or "", file.file, text, most_bytes) as path:
                return question(engine, path)

        return await asking.ask(response, answer, heavy=True)

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
    ) -> DescribeResult:
        """The actions that describe a recording that is sent along, or a stretch of it."""

        def question(engine: Engine, path: Path) -> DescribeResult:
            found = engine.describe(str(path), start_s, end_s, k, recording=recording)
            return replace(found, source=path.name)

        return await ask(response, file, mapping, question)

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
    ) -> SearchResult:
        """The moments of the library most like a recording that is sent along, or like a stretch of it."""

        def question(engine: Engine, path: Path) -> SearchResult:
            found = engine.similar(str(path), start_s, end_s, k, where, recording=recording)
            return replace(found, query=found.query.replace(str(path), path.name))

        return await ask(response, file, mapping, question)

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

        def question(engine: Engine, path: Path) -> LabelResult:
            found = engine.label(str(path), candidates, recording=recording)
            return replace(found, source=path.name)

        return await ask(response, file, mapping, question)
