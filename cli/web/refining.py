"""What a visitor says of hits, and wants besides the words: each of it ranks the hits anew at once."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from myosem.cli.web.cards import moment_name
from myosem.cli.web.question import LESS, LONGEST, MORE, TOLD, Mark, Wishes
from myosem.errors import UsageError

if TYPE_CHECKING:
    from myosem.cli.web.desk import Moment
    from myosem.cli.web.finding import Finding
    from myosem.cli.web.looking import Looking
    from myosem.cli.web.shell import Shell

MOST_NAMES = 8
"""How many names that were given before are offered."""


class Refining:
    """Takes what one visitor says.

    Args:
        shell: has the fields.
        finding: looks again.
        looking: knows what is open.
    """

    def __init__(self, shell: "Shell", finding: "Finding", looking: "Looking") -> None:
        self._shell = shell
        self._finding = finding
        self._looking = looking
        self._naming: tuple[str, ...] = ()
        shell.filters.wishes.changed = self._switch

    async def more(self, segment: Any) -> None:
        """This hit is what is looked for; the second time it is no longer said."""
        await self._judge(MORE, segment)

    async def less(self, segment: Any) -> None:
        """This hit is not what is looked for."""
        await self._judge(LESS, segment)

    async def name(self, segment: Any) -> None:
        """Ask what a hit is, or what is open."""
        self._naming = self._segments(segment)
        if not self._naming:
            return
        told = self._wishes.told
        before = list(dict.fromkeys(reversed(told.values())))[:MOST_NAMES]
        self._shell.ask_name(self._spoken(self._naming[0]), before, told.get(self._naming[0], ""))

    async def told(self, name: Any) -> None:
        """It is this: what was chosen, or what the field says; nothing takes the name away."""
        words = name if isinstance(name, str) else self._shell.name_field.value
        self._shell.naming.close()
        if self._naming:
            await self._mark(Mark(TOLD, self._naming, str(words or "").strip()[:LONGEST]))

    async def plus(self, _: Any = None) -> None:
        """Add the words of the field."""
        await self._part("plus", self._shell.filters.wishes.take("plus"))

    async def minus(self, _: Any = None) -> None:
        """Take away the words of the field."""
        await self._part("minus", self._shell.filters.wishes.take("minus"))

    async def add(self, _: Any = None) -> None:
        """Add what is open to the search."""
        await self._open_part("plus")

    async def subtract(self, _: Any = None) -> None:
        """Take what is open away from the search."""
        await self._open_part("minus")

    async def take(self, words: str) -> None:
        """Use the marks of another search for this one."""
        await self._change(lambda: self._wishes.taken(words, self._finding.question.topic))

    async def forget(self, words: str) -> None:
        """Forget the marks of another search."""
        await self._change(lambda: self._wishes.taken(words, None))

    @property
    def _wishes(self) -> Wishes:
        return self._finding.question.wishes

    def _segments(self, segment: Any) -> tuple[str, ...]:
        """Those of a hit, the best first, or that of what is open; none of anything else."""
        if isinstance(segment, str):
            hit = self._finding.hit(segment)
            return () if hit is None else tuple(dict.fromkeys([hit.segment, *hit.segments]))
        opened = self._opened
        return () if opened is None else (str(opened.source),)

    @property
    def _opened(self) -> "Moment | None":
        """What is open, where the library has its vector."""
        moment = self._looking.moment
        return moment if moment is not None and moment.stored else None

    def _spoken(self, segment: str) -> str:
        hit = self._finding.hit(segment)
        if hit is None:
            return "" if self._opened is None else moment_name(self._opened)
        return f"{hit.label or 'no label'}, {hit.subject}, {hit.start_s:.2f}–{hit.end_s:.2f} s"

    async def _judge(self, kind: str, segment: Any) -> None:
        question, segments = self._finding.question, self._segments(segment)
        if segments and question.asked and question.markable:
            await self._mark(Mark(kind, segments, question.topic))

    async def _mark(self, mark: Mark) -> None:
        await self._change(lambda: self._wishes.marked(mark))

    async def _open_part(self, name: str) -> None:
        if self._opened is not None:
            await self._part(name, str(self._opened.source))

    async def _part(self, name: str, part: str) -> None:
        await self._change(lambda: self._wishes.with_part(name, part))

    async def _switch(self, name: str, value: bool) -> None:
        changes: dict[str, Any] = {name: value}
        await self._finding.wish(replace(self._wishes, **changes))

    async def _change(self, changed: Callable[[], Wishes]) -> None:
        """Look again with changed wishes, unless these are too many."""
        try:
            wishes = changed()
        except UsageError as error:
            self._shell.problem(error)
        else:
            await self._finding.wish(wishes)
