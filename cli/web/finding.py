"""The left side of the page: a question, its filters, its hits."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from nicegui import ui

from myosem.cli.web import cards
from myosem.cli.web.desk import MOST_HITS, Desk, Found, Moment, Overview
from myosem.cli.web.filters import LISTS, Filters
from myosem.cli.web.work import Busy, Place
from myosem.errors import UsageError

if TYPE_CHECKING:
    from myosem.cli.web.shell import Shell

PAGE_HITS = 12


@dataclass(frozen=True)
class Question:
    """What the hits answer: words, or a moment that others are to be like."""

    words: str = ""
    like: Moment | None = None
    filters: Filters = field(default_factory=Filters)
    count: int = PAGE_HITS
    nearest: bool = False

    @property
    def address(self) -> str:
        """The page's address for it, which can be kept and sent."""
        pairs = [("q", self.words)] if self.words else []
        if self.like is not None and self.like.stored:
            pairs = [("like", str(self.like.source))]
        return f"?{urlencode(pairs + self.filters.to_query())}"


class Finding:
    """Looks for what one visitor asks.

    Args:
        desk: asks the engine.
        shell: shows the hits.
        busy: counts open questions.
    """

    def __init__(self, desk: Desk, shell: "Shell", busy: Busy) -> None:
        self._desk = desk
        self._shell = shell
        self._place = Place(shell.hits, busy, shell.count, shell.more)
        self._question = Question()
        self._trail: list[Question] = []
        self._overview: Overview | None = None
        self._found: Found | None = None

    async def start(self, address: list[tuple[str, str]]) -> None:
        """Show the library, and answer the question of the page's address."""
        self._overview = await self._place.ask(self._desk.overview)
        if self._overview is None:
            return
        self._shell.library(self._overview)
        given = dict(address)
        try:
            filters = Filters.from_query(address)
        except UsageError as error:
            self._shell.hits.content = cards.error_message(error)
            return
        self._question = Question(given.get("q", "").strip(), filters=filters)
        self._shell.search.value = self._question.words
        await (self.like(given["like"]) if given.get("like") else self._answer())

    @property
    def words(self) -> str:
        """What is looked for, where that is words."""
        return "" if self._question.like is not None else self._question.words

    def score(self, segment: str) -> float | None:
        """Of the hit that is this segment."""
        hits = self._found.hits if self._found else ()
        return next((hit.score for hit in hits if hit.segment == segment), None)

    async def search(self, _: Any = None) -> None:
        """Look for the words in the search box."""
        words = (self._shell.search.value or "").strip()
        self._trail.clear()
        await self._ask(self._question, words=words, like=None, count=PAGE_HITS, nearest=False)

    async def example(self, words: str) -> None:
        """Look for other words."""
        self._shell.search.value = words
        await self.search()

    async def like(self, moment: Moment | str) -> None:
        """Look for what is like a moment, or like a segment of this id."""
        if isinstance(moment, str):
            opened = await self._place.ask(self._desk.open, moment)
            if opened is None:
                return
            moment = opened
        self._trail.append(self._question)
        ui.run_javascript("myosem.show(false); scrollTo(0, 0)")
        await self._ask(self._question, like=moment, count=PAGE_HITS, nearest=False)

    async def filter(self) -> None:
        """Look again with the filters of the form."""
        try:
            filters = self._shell.filters.read()
        except UsageError as error:
            self._shell.problem(error)
            return
        if filters != self._question.filters:
            await self._ask(self._question, filters=filters, count=PAGE_HITS)

    async def dataset(self, name: str) -> None:
        """Only this data set."""
        self._shell.filters.box.visible = True
        await self._ask(self._question, filters=self._question.filters.changed({"datasets": (name,)}))

    async def drop(self, name_and_value: str) -> None:
        """Without one filter, or one value of it."""
        name, _, value = name_and_value.partition("=")
        if name in Filters.__dataclass_fields__:
            left = self._question.filters.without(name, value if name in LISTS else None)
            await self._ask(self._question, filters=left)

    async def more(self, _: Any = None) -> None:
        """Twice as many hits."""
        await self._ask(self._question, keep=True, count=min(2 * self._question.count, MOST_HITS))

    async def nearest(self, _: Any = None) -> None:
        """Also what does not fit."""
        await self._ask(self._question, nearest=True)

    async def back(self, _: Any = None) -> None:
        """The question before this one."""
        if self._trail:
            before = self._trail.pop()
            self._shell.search.value = before.words
            await self._ask(before)

    async def home(self, _: Any = None) -> None:
        """The library, without a question."""
        self._trail.clear()
        self._shell.search.value = ""
        await self._ask(Question())

    async def _ask(self, question: Question, *, keep: bool = False, **changes: Any) -> None:
        self._question = replace(question, **changes)
        ui.navigate.history.replace(self._question.address)
        await self._answer(keep=keep)

    async def _answer(self, *, keep: bool = False) -> None:
        """Look for what the question asks, and show it; ``keep`` leaves the mark between hits where it is."""
        asked = self._question
        if self._overview is None or not self._overview.moments:
            await self._renew()
        if self._overview is None:
            return
        self._shell.show_filters(asked.filters, self._overview.choices)
        if not self._overview.moments:
            self._show_library()
            return
        if asked.like is not None:
            found = await self._place.ask(self._desk.similar, asked.like, asked.filters, asked.count)
        elif asked.words:
            found = await self._place.ask(self._desk.search, asked.words, asked.filters, asked.count)
        else:
            self._show_library()
            return
        if found is None:
            return
        self._found = found
        self._show(found, asked)
        if not keep:
            ui.run_javascript("myosem.first()")
        if self._overview.version != found.result.version:
            await self._renew()

    async def _renew(self) -> None:
        """Show what there is to choose from in the newest version of the library."""
        newer = await self._place.ask(self._desk.overview)
        if newer is not None:
            self._overview = newer
            self._shell.library(newer)
            self._shell.show_filters(self._question.filters, newer.choices)

    def _show_library(self) -> None:
        self._place.forget()
        self._found = None
        self._shell.count.content = self._shell.more.content = ""
        self._shell.beside(self._shell.tasks.visible)
        if self._overview is not None:
            self._shell.hits.content = cards.library(self._overview.name, self._overview.datasets)

    def _show(self, found: Found, asked: Question) -> None:
        self._shell.beside(True)
        far = len(found.hits) - found.fitting
        shown = len(found.hits) if asked.nearest else found.fitting
        hits, recordings = found.hits[:shown], found.recordings[:shown]
        title = "" if asked.like is None else cards.moment_name(asked.like)
        self._shell.count.content = cards.count_line(shown, asked.words, title, found, back=bool(self._trail))
        if hits:
            self._shell.hits.content = cards.hit_cards(hits, recordings)
        elif far:
            self._shell.hits.content = cards.nothing_fits(asked.words, found.result.confidence, far)
        else:
            self._shell.hits.content = cards.nothing_found(asked.filters.count)
        full = len(found.result.hits) >= asked.count < MOST_HITS
        self._shell.more.content = cards.more_below(shown, far, full=full, nearest=asked.nearest)
