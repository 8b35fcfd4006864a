"""Slow questions off the event loop: the page goes on, and only the newest answer of a place is shown."""

import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from nicegui import run, ui

from myosem.cli.web import cards
from myosem.errors import MyoSemError

log = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")


class Busy:
    """How many questions of a visitor are open; a thin line at the top of the page shows it.

    Args:
        line: is shown where there is one.
    """

    def __init__(self, line: ui.element) -> None:
        self._line = line
        self._open = 0

    def __enter__(self) -> None:
        self._open += 1
        self._line.classes("on")

    def __exit__(self, *_: object) -> None:
        self._open -= 1
        if not self._open:
            self._line.classes(remove="on")


class Place:
    """A part of the page that shows one answer at a time.

    Args:
        shown: takes what went wrong.
        busy: counts open questions.
        emptied: what goes with an answer, and has nothing to say where there is none.
    """

    def __init__(self, shown: ui.html, busy: Busy, *emptied: ui.html) -> None:
        self._shown = shown
        self._busy = busy
        self._emptied = emptied
        self._turn = 0

    def forget(self) -> None:
        """The answer that is being worked on is no longer wanted."""
        self._turn += 1

    async def ask(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R | None:
        """The answer of a function that runs in a thread.

        None where a newer question came in between, or where it failed, which is then said in this place.
        """
        self._turn += 1
        turn = self._turn
        with self._busy:
            try:
                answer = await run.io_bound(function, *args, **kwargs)
            except MyoSemError as error:
                failed = cards.error_message(error)
            except Exception:
                log.exception("the page got no answer")
                failed = cards.unexpected()
            else:
                return answer if turn == self._turn else None
        if turn == self._turn:
            self._shown.content = failed
            for one in self._emptied:
                one.content = ""
        return None
