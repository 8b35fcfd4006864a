"""How a request gets its answer: off the event loop, from one engine, with few that are heavy at a time."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from anyio import CapacityLimiter, to_thread

from myosem.cli.web.problems import NotFoundError

if TYPE_CHECKING:
    from fastapi import Response

    from myosem.cli.web.state import Engines
    from myosem.search import Engine

VERSION_HEADER = "X-MyoSem-Version"
LIGHT = 2
"""How many words and rows are looked up at a time: more only wait for each other."""

Answer = TypeVar("Answer")


def _cores() -> CapacityLimiter:
    return CapacityLimiter(max(os.cpu_count() or 1, 1))


@dataclass(frozen=True)
class Asking:
    """Asks the engine of the published version.

    Attributes:
        engines: hand it out.
        light: how many short questions are answered at a time.
        heavy: how many that read and encode a session.
    """

    engines: "Engines"
    light: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(LIGHT))
    heavy: CapacityLimiter = field(default_factory=_cores)

    async def ask(
        self, response: "Response", question: "Callable[[Engine], Answer]", *, heavy: bool = False
    ) -> Answer:
        """The answer to a question, all of it from one version, which a header of the response names."""

        def answer() -> tuple[int, Answer]:
            with self.engines.use() as engine:
                return engine.library.version, question(engine)

        limiter = self.heavy if heavy else self.light
        version, found = await to_thread.run_sync(answer, limiter=limiter)
        response.headers[VERSION_HEADER] = str(version)
        return found


def check_source(engine: "Engine", source: str) -> None:
    """Only what the library knows is asked for, so that no text of a request is taken for a path.

    Raises:
        NotFoundError: there is no segment or recording of this id.
    """
    recording, _, start = source.partition("@")
    library = engine.library
    rows = library.catalogue.recordings("recording = ?", [recording])
    if not rows:
        raise NotFoundError("there is no recording of this id", got=recording, hint="GET /recordings")
    if start and all(one.segment != source for one in library.segments_of(rows[0].key)):
        raise NotFoundError("there is no segment of this id", got=source, hint="POST /search gives ids")
