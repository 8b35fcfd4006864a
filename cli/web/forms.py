"""The fields below the search box: what narrows a search, and what else hits are to be like."""

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from myosem.cli.web.filters import Choices, Filters, number
from myosem.cli.web.question import LONGEST, Wishes

SEND = (
    "() => document.getElementById('desk').dispatchEvent(new CustomEvent('act', {{detail: {{act: '{}'}}}}))"
)
"""What a field does at Enter; see ``static/page.js``."""


class WishFields:
    """Words to add and to take away, and how hits are chosen.

    Attributes:
        plus: words that hits are also to be like.
        minus: words that they are not to be like.
    """

    def __init__(self) -> None:
        self.changed: Callable[[str, bool], Awaitable[None]] | None = None
        self._quiet = False
        self.plus = self._words("Also like, then Enter", "plus")
        self.minus = self._words("Not like, then Enter", "minus")
        self._switches = {
            "diverse": self._switch("Varied hits", "diverse"),
            "merge": self._switch("Neighbours as one hit", "merge"),
        }

    def show(self, wishes: Wishes) -> None:
        """Show what is wanted."""
        self._quiet = True
        for name, switch in self._switches.items():
            switch.value = getattr(wishes, name)
        self._quiet = False

    def take(self, name: str) -> str:
        """The words of a field, which is empty afterwards."""
        field = self.plus if name == "plus" else self.minus
        words = str(field.value or "").strip()
        field.value = ""
        return words

    def _words(self, title: str, name: str) -> ui.input:
        field = ui.input(title).classes("field wide")
        field.props(f'outlined dense autocomplete="off" spellcheck="false" maxlength="{LONGEST}"')
        field.on("keydown.enter", js_handler=SEND.format(name))
        return field

    def _switch(self, title: str, name: str) -> ui.switch:
        return ui.switch(title, on_change=lambda event: self._told(name, event.value)).classes("field wide")

    def _told(self, name: str, value: bool) -> Awaitable[None] | None:
        return None if self._quiet or self.changed is None else self.changed(name, value)


class FilterForm:
    """Fields for ``Filters``.

    Attributes:
        changed: called after each change that a person made.
    """

    def __init__(self) -> None:
        self.changed: Callable[[], Awaitable[None]] | None = None
        self._quiet = False
        with ui.element("div").classes("filters").props('id="filters"') as self.box:
            self._lists = {
                "datasets": self._list("Data set"),
                "people": self._list("Person"),
                "sessions": self._list("Session"),
                "labels": self._list("Label"),
            }
            self._numbers = {
                "shortest_s": self._field("At least (s)", "decimal", "short"),
                "longest_s": self._field("At most (s)", "decimal", "short"),
                "least_score": self._field("Least score", "decimal", "short"),
            }
            self._condition = self._field("Condition, such as rate_hz > 500", "text", "wide")
            self.wishes = WishFields()
        self.box.visible = False

    def show(self, filters: Filters, choices: Choices) -> None:
        """Show what is chosen, and offer what fits to it."""
        left = choices.within(filters)
        offered = {
            "datasets": left.datasets,
            "people": left.people,
            "sessions": left.sessions,
            "labels": left.label_names,
        }
        self._quiet = True
        for name, field in self._lists.items():
            chosen = [one for one in getattr(filters, name) if one in offered[name]]
            field.set_options(list(offered[name]), value=chosen)
        for name, entry in self._numbers.items():
            value = getattr(filters, name)
            entry.value = "" if value is None else f"{value:g}"
        self._condition.value = filters.condition
        self._quiet = False

    def read(self) -> Filters:
        """What is chosen. Raises UsageError where a number is none."""
        values: dict[str, Any] = {name: tuple(field.value or ()) for name, field in self._lists.items()}
        values |= {name: number(field.value or "") for name, field in self._numbers.items()}
        return Filters(**values, condition=(self._condition.value or "").strip())

    def _list(self, title: str) -> ui.select:
        field = ui.select([], label=title, multiple=True, with_input=True, on_change=self._told)
        return field.props("outlined dense options-dense use-chips").classes("field")

    def _field(self, title: str, mode: str, size: str) -> ui.input:
        field = ui.input(title, on_change=self._told)
        field.props(f'outlined dense debounce="500" inputmode="{mode}" autocomplete="off" spellcheck="false"')
        return field.classes(f"field {size}")

    def _told(self) -> Awaitable[None] | None:
        """What to wait for after a change; nothing where the page itself made it."""
        return None if self._quiet or self.changed is None else self.changed()
