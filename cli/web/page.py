"""The page: search, look, compare, name. Each visitor has a ``Visit``; they share nothing but the engine."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from fastapi import Request
from nicegui import app as nicegui_app
from nicegui import run, ui

from myosem.cli.web import cards
from myosem.cli.web.desk import Desk
from myosem.cli.web.filters import number
from myosem.cli.web.finding import Finding
from myosem.cli.web.looking import Looking
from myosem.cli.web.own_files import OwnFiles
from myosem.cli.web.parsing import Parsers
from myosem.cli.web.refining import Refining
from myosem.cli.web.shell import Shell
from myosem.cli.web.uploads import MEBIBYTE
from myosem.cli.web.work import Busy, Place
from myosem.errors import UsageError

if TYPE_CHECKING:
    from fastapi import FastAPI
    from nicegui.events import GenericEventArguments, UploadEventArguments

    from myosem.cli.web.state import Engines

STATIC = Path(__file__).parent / "static"
RECONNECT_S = 60.0
"""How long a visit waits for a browser that sleeps or has lost its way."""
MOST_UPLOAD = 64 * MEBIBYTE
TEXTS = {"example", "dataset", "drop", "open", "peek", "take", "forget"}
"""What a person does with one of several things; the others need none."""


def attach_page(
    app: "FastAPI", engines: "Engines", *, name: str | None = None, parsers: Parsers | None = None
) -> None:
    """Serve the page at ``/`` of an app, beside what the app serves already.

    Args:
        app: its other routes must be there before.
        engines: hand out the engine.
        name: of the library, for people; that of its folder by default.
        parsers: read visitors' files, and say how large one may be.
    """
    shown = name or engines.path.resolve().name
    parsers = parsers or Parsers(MOST_UPLOAD)
    kept: WeakSet[OwnFiles] = WeakSet()

    @ui.page("/", title=f"MyoSem · {shown}", dark=None)
    async def home(request: Request) -> None:
        visit = Visit(Desk(engines, shown), OwnFiles(parsers))
        ui.context.client.on_delete(visit.files.forget)
        kept.add(visit.files)
        try:
            await ui.context.client.connected(timeout=RECONNECT_S)
        except TimeoutError:  # nobody is there: a program asked, or the visitor left
            return
        await visit.finding.start(request.query_params.multi_items())

    @nicegui_app.on_shutdown
    def forget() -> None:
        for files in list(kept):
            files.forget()

    nicegui_app.add_static_files("/page", STATIC)
    ui.run_with(
        app,
        title="MyoSem",
        favicon=STATIC / "icon.svg",
        reconnect_timeout=RECONNECT_S,
        tailwind=False,
        show_welcome_message=False,
    )


class Visit:
    """One open page.

    Args:
        desk: asks the engine.
        files: keep what the visitor brings along.
    """

    def __init__(self, desk: Desk, files: OwnFiles) -> None:
        self.desk = desk
        self.files = files
        self.shell = Shell()
        self.shell.build(self._act, self._uploaded, files.most_bytes)
        busy = Busy(self.shell.busy)
        self.keeping = Place(self.shell.refused, busy)
        self.finding = Finding(desk, self.shell, busy)
        self.looking = Looking(desk, self.shell, busy)
        finding, looking = self.finding, self.looking
        refining = Refining(self.shell, finding, looking)
        self.shell.filters.changed = finding.filter
        self._acts: dict[str, Callable[[Any], Awaitable[None]]] = {
            "search": finding.search,
            "example": finding.example,
            "dataset": finding.dataset,
            "drop": finding.drop,
            "clear": finding.clear,
            "further": finding.more,
            "nearest": finding.nearest,
            "back": finding.back,
            "home": finding.home,
            "similar": self._similar,
            "more": refining.more,
            "less": refining.less,
            "name": refining.name,
            "told": refining.told,
            "plus": refining.plus,
            "minus": refining.minus,
            "add": refining.add,
            "subtract": refining.subtract,
            "take": refining.take,
            "forget": refining.forget,
            "open": self._open,
            "peek": self._peek,
            "what": self._what,
            "at": looking.at,
            "stretch": looking.stretch,
            "label": self._label,
            "turn": looking.turn_to,
            "upload": self._upload,
            "filters": self.shell.turn_filters,
            "help": self.shell.open_help,
        }

    async def _act(self, event: "GenericEventArguments") -> None:
        """Do what a person asked for; what is not on the list is passed over."""
        match event.args:
            case {"act": str(act), **rest} if act in self._acts:
                value = rest.get("value")
                if act not in TEXTS or isinstance(value, str):
                    await self._acts[act](value)

    async def _similar(self, segment: Any) -> None:
        """What is like a hit, or like what is open."""
        wanted = segment if isinstance(segment, str) else self.looking.moment
        if wanted is not None:
            await self.finding.similar(wanted)

    async def _open(self, segment: Any) -> None:
        hit = self.finding.hit(segment)
        await self.looking.open(segment, self.finding.words, None if hit is None else hit.score)

    async def _label(self, _: Any) -> None:
        """Label what is open, knowing what the visitor has said."""
        await self.looking.name(self.finding.question.wishes.told)

    async def _peek(self, segment: Any) -> None:
        """The first hit, unless the visitor's own file is open."""
        opened = self.looking.moment
        if opened is None or not opened.own:
            await self._open(segment)

    async def _what(self, segment: Any) -> None:
        """What a hit is, or what is open."""
        opened = self.looking.moment
        if isinstance(segment, str) and (opened is None or opened.source != segment):
            await self._open(segment)
        await self.looking.tell()

    async def _upload(self, _: Any) -> None:
        """Ask for a file."""
        self.shell.open_upload()
        await run.io_bound(self.files.warm)

    async def _uploaded(self, event: "UploadEventArguments") -> None:
        """Keep a visitor's file, and open it."""
        self.shell.refused.content = ""
        content = await event.file.read()
        self.shell.files.reset()  # so that the same file can be chosen again
        try:
            rate_hz = number(self.shell.rate.value or "")
        except UsageError as error:
            self.shell.refused.content = cards.error_message(error)
            return
        given = await self.keeping.ask(self.files.keep, event.file.name, content, rate_hz)
        if given is None:
            return
        moments = await self.keeping.ask(self.desk.read, given, self.finding.words)
        if not moments:
            self.files.drop(given)
            return
        self.files.forget(but=given)
        self.shell.upload.close()
        ui.run_javascript("myosem.show(true)")
        await self.looking.show_file(moments)
