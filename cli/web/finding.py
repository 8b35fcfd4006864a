"""The left side of the page: a question, its filters, its hits."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nicegui import ui

from myosem.cli.web import cards
from myosem.cli.web.desk import MOST_HITS, Desk, Found, Moment, Overview
from myosem.cli.web.filters import LISTS, Filters
from myosem.cli.web.question import PAGE_HITS, Names, Question, Wishes
from myosem.cli.web.work import Busy, Place
from myosem.errors import UsageError

if TYPE_CHECKING:
    from myosem.cli.web.shell import Shell
    from myosem.results import Hit


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
        self.question = Question()
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
        self.question = Question(
            given.get("q", "").strip(), filters=filters, wishes=Wishes.from_query(address)
        )
        self._shell.search.value = self.question.words
        self._shell.name_field.set_autocomplete(list(self._overview.actions))
        await (self.similar(given["like"]) if given.get("like") else self._answer())

    @property
    def words(self) -> str:
        """What is looked for, where that is words."""
        return "" if self.question.near is not None else self.question.words

    def hit(self, segment: str) -> "Hit | None":
        """The hit that is shown and has this segment for its best."""
        hits = self._found.hits if self._found else ()
        return next((hit for hit in hits if hit.segment == segment), None)

    async def search(self, _: Any = None) -> None:
        """Look for the words in the search box."""
        words = (self._shell.search.value or "").strip()
        self._trail.clear()
        await self._ask(self.question, words=words, near=None, count=PAGE_HITS, nearest=False)

    async def example(self, words: str) -> None:
        """Look for other words."""
        self._shell.search.value = words
        await self.search()

    async def similar(self, moment: Moment | str) -> None:
        """Look for what is like a moment, or like a segment of this id."""
        if isinstance(moment, str):
            opened = await self._place.ask(self._desk.open, moment)
            if opened is None:
                return
            moment = opened
        self._trail.append(self.question)
        ui.run_javascript("myosem.show(false); scrollTo(0, 0)")
        await self._ask(self.question, near=moment, count=PAGE_HITS, nearest=False)

    async def filter(self) -> None:
        """Look again with the filters of the form."""
        try:
            filters = self._shell.filters.read()
        except UsageError as error:
            self._shell.problem(error)
            return
        if filters != self.question.filters:
            await self._ask(self.question, filters=filters, count=PAGE_HITS)

    async def dataset(self, name: str) -> None:
        """Only this data set."""
        self._shell.filters.box.visible = True
        await self._ask(self.question, filters=self.question.filters.changed({"datasets": (name,)}))

    async def drop(self, name_and_value: str) -> None:
        """Without one filter, one value of it, or one wish."""
        name, _, value = name_and_value.partition("=")
        if name in Filters.__dataclass_fields__:
            left = self.question.filters.without(name, value if name in LISTS else None)
            await self._ask(self.question, filters=left)
        else:
            await self.wish(self.question.wishes.without(name, value))

    async def wish(self, wishes: Wishes) -> None:
        """Look again with other wishes; the mark between hits stays where it is."""
        if wishes != self.question.wishes:
            await self._ask(self.question, keep=True, wishes=wishes)
            ui.run_javascript("myosem.again()")

    async def clear(self, _: Any = None) -> None:
        """The words alone."""
        await self._ask(self.question, filters=Filters(), wishes=Wishes())

    async def more(self, _: Any = None) -> None:
        """Twice as many hits."""
        await self._ask(self.question, keep=True, count=min(2 * self.question.count, MOST_HITS))

    async def nearest(self, _: Any = None) -> None:
        """Also what does not fit."""
        await self._ask(self.question, nearest=True)

    async def back(self, _: Any = None) -> None:
        """The question before this one."""
        if self._trail:
            before = replace(self._trail.pop(), wishes=self.question.wishes)
            self._shell.search.value = before.words
            await self._ask(before)

    async def home(self, _: Any = None) -> None:
        """The library, without a question; what was said of hits stays."""
        self._trail.clear()
        self._shell.search.value = ""
        await self._ask(Question(wishes=replace(self.question.wishes, plus=(), minus=())))

    async def _ask(self, question: Question, *, keep: bool = False, **changes: Any) -> None:
        self.question = replace(question, **changes)
        ui.navigate.history.replace(self.question.address)
        await self._answer(keep=keep)

    async def _answer(self, *, keep: bool = False) -> None:
        """Look for what the question asks, and show it; ``keep`` leaves the mark between hits where it is."""
        asked = self.question
        if self._overview is None or not self._overview.moments:
            await self._renew()
        if self._overview is None:
            return
        await self._show_question(asked)
        if asked is not self.question:  # a newer one came in between
            return
        if not (asked.asked and self._overview.moments):
            self._show_library()
            return
        found = await self._place.ask(self._desk.find, asked)
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
            await self._show_question(self.question)

    async def _show_question(self, asked: Question) -> None:
        """Show what is in use besides the words."""
        names: Names = {}
        if asked.wishes.segments:
            names = await self._place.ask(self._desk.names, asked.wishes.segments) or {}
        if self._overview is not None and asked is self.question:
            self._shell.show_question(asked, self._overview.choices, names)

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
        self._shell.count.content = cards.count_line(shown, asked, found, back=bool(self._trail))
        if hits:
            self._shell.hits.content = cards.hit_cards(hits, recordings, asked)
        elif far:
            self._shell.hits.content = cards.nothing_fits(asked.words, found.result.confidence, far)
        else:
            self._shell.hits.content = cards.nothing_found(asked.filters.count)
        full = len(found.result.hits) >= asked.count < MOST_HITS
        self._shell.more.content = cards.more_below(shown, far, full=full, nearest=asked.nearest)
