"""The right side of the page: one moment, its recording, and what it is."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from myosem.cli.web import moment as pictures
from myosem.cli.web.desk import Desk, Moment
from myosem.cli.web.work import Busy, Place
from myosem.errors import UsageError

if TYPE_CHECKING:
    from myosem.cli.web.shell import Shell
    from myosem.results import Explanation, LabelResult


class Looking:
    """Shows what one visitor has open.

    Args:
        desk: asks the engine.
        shell: shows the moment.
        busy: counts open questions.
    """

    def __init__(self, desk: Desk, shell: "Shell", busy: Busy) -> None:
        self._desk = desk
        self._shell = shell
        self._opening = Place(shell.moment, busy)
        self._telling = Place(shell.what, busy)
        self._naming = Place(shell.labels, busy)
        self._labels: LabelResult | None = None
        self._why: Explanation | None = None
        self._others: list[Moment] = []
        self.moment: Moment | None = None

    async def open(self, segment: str, words: str = "", score: float | None = None) -> None:
        """Show a segment of the library, its recording compared with words."""
        moment = await self._opening.ask(self._desk.open, segment, words, score)
        if moment is not None:
            self._others = []
            await self.show(moment)

    async def show_file(self, moments: list[Moment]) -> None:
        """Show the first recording of a visitor's file; the others can be turned to."""
        self._others = moments
        await self.show(moments[0])

    async def turn_to(self, number: Any) -> None:
        """Another recording of the visitor's file."""
        if isinstance(number, str) and number.isdecimal() and int(number) < len(self._others):
            await self.show(self._others[int(number)])

    async def show(self, moment: Moment) -> None:
        """Show any moment."""
        if self.moment is None or self.moment.name != moment.name:
            self._labels = None
            self._naming.forget()
            self._shell.labels.content = ""
        self.moment = moment
        self._why = None
        self._telling.forget()
        self._shell.what.content = ""
        await self._draw()

    async def at(self, time_s: Any) -> None:
        """The segment of the recording at a time."""
        if self.moment is not None and isinstance(time_s, int | float):
            await self.show(self.moment.at(float(time_s)))

    async def stretch(self, ends: Any) -> None:
        """Any stretch of the recording."""
        if self.moment is None:
            return
        match ends:
            case [int() | float() as start_s, int() | float() as end_s]:
                try:
                    await self.show(self.moment.between(start_s, end_s))
                except UsageError:
                    await self._draw()

    async def tell(self) -> None:
        """Say what the moment is, and why."""
        moment = self.moment
        if moment is None:
            return
        found = await self._telling.ask(self._desk.describe, moment)
        if found is None:
            return
        self._shell.what.content = pictures.description(found)
        why = await self._telling.ask(self._desk.explain, moment)
        if why is not None:
            self._why = why
            self._shell.what.content = pictures.description(found, why)
            await self._draw()

    async def name(self, told: Mapping[str, str]) -> None:
        """Give every segment of the recording the phrase that fits it, knowing what some segments are."""
        phrases = [one.strip() for one in (self._shell.phrases.value or "").split(",") if one.strip()]
        moment = self.moment
        if moment is None or not phrases:
            return
        labels = await self._naming.ask(self._desk.label, moment, phrases, told)
        if labels is not None:
            self._labels = labels
            self._shell.labels.content = pictures.label_table(labels, moment)
            await self._draw()

    async def _draw(self) -> None:
        if self.moment is None:
            return
        drawn = await self._opening.ask(pictures.picture, self.moment, self._labels, self._why)
        if drawn is not None:
            self._shell.moment.content = pictures.choice(self._others, self.moment) + drawn
            self._shell.tasks.visible = True
            self._shell.tasks.classes(**({"remove": "foreign"} if self.moment.stored else {"add": "foreign"}))
            self._shell.beside(True)
