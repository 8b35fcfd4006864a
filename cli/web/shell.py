"""What stands on the page, and where: the places that hits, pictures and words are put into."""

from collections.abc import Awaitable, Callable
from html import escape
from typing import TYPE_CHECKING, Any

from nicegui import ui

from myosem.cli.render import plural
from myosem.cli.web import cards
from myosem.cli.web.filters import Choices, Filters, number
from myosem.cli.web.uploads import SUFFIXES

if TYPE_CHECKING:
    from myosem.cli.web.desk import Overview
    from myosem.errors import MyoSemError

Handler = Callable[..., Any]
SEND = (
    "() => document.getElementById('desk').dispatchEvent(new CustomEvent('act', {{detail: {{act: '{}'}}}}))"
)

ICONS = {
    "name": "M1 10h5l3-5 4 13 5-17 4 14 3-5h6",
    "search": "M10.5 17a6.5 6.5 0 1 1 0-13 6.5 6.5 0 0 1 0 13Zm5-1.5 5 5",
    "filters": "M4 7h16M7 12h10M10 17h4",
    "upload": "M12 16V5m-4.5 4L12 4.5 16.5 9M5 19.5h14",
    "theme": "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z",
    "help": "M9 9a3 3 0 1 1 4.2 2.8c-.8.400-1.200 1-1.200 2M12 17.5v.2",
    "close": "M6 6l12 12M18 6 6 18",
}
KEYS = (
    ("/", "search"),
    ("j k ↓ ↑", "next and previous hit"),
    ("Enter", "open the hit"),
    ("m", "more like this"),
    ("w", "what is this?"),
    ("f", "filters"),
    ("u", "open a recording of your own"),
    ("t", "light or dark"),
    ("Esc", "leave the field, close what is open"),
    ("?", "these keys"),
)
WAITING = (
    '<div class="message calm hint"><p>Open a hit to see its recording, its signal and what it is.</p></div>'
)


def _html(content: str = "") -> ui.html:
    """HTML of our own making, in which whatever comes from data is escaped."""
    return ui.html(content, sanitize=False)


def _tool(name: str, words: str) -> str:
    spoken = words or {"theme": "Light or dark", "help": "Keys"}[name]
    text = f"<span>{words}</span>" if words else ""
    return (
        f'<button type="button" class="tool" data-act="{name}" aria-label="{spoken}" title="{spoken}">'
        f"{icon(name)}{text}</button>"
    )


def icon(name: str) -> str:
    """A line drawing in the colour of the text."""
    return f'<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="{ICONS[name]}"/></svg>'


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
                "shortest_s": self._field("At least (s)", "decimal"),
                "longest_s": self._field("At most (s)", "decimal"),
                "least_score": self._field("Least score", "decimal"),
            }
            self._condition = self._field("Condition, such as rate_hz > 500", "text", wide=True)
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

    def _field(self, title: str, mode: str, *, wide: bool = False) -> ui.input:
        field = ui.input(title, on_change=self._told)
        field.props(f'outlined dense debounce="500" inputmode="{mode}" autocomplete="off" spellcheck="false"')
        return field.classes("field wide" if wide else "field")

    def _told(self) -> Awaitable[None] | None:
        """What to wait for after a change; nothing where the page itself made it."""
        return None if self._quiet or self.changed is None else self.changed()


class Shell:
    """The elements of one open page, without what they do."""

    def build(self, act: Handler, uploaded: Handler, most_bytes: int) -> None:
        """Put everything in its place.

        Args:
            act: called with the event that says what a person did, see ``static/page.js``.
            uploaded: called with the event that brings a file.
            most_bytes: how large a file may be.
        """
        _head()
        with ui.element("div").props('id="desk"') as self.root:
            self.busy = ui.element("div").classes("busy")
            self._top()
            with ui.element("main"):
                self._ask()
                self.filters = FilterForm()
                self.active = _html("").classes("active")
                with ui.element("div").classes("board alone") as self.board:
                    with ui.element("section").classes("results").props('aria-label="Hits"'):
                        self.count = _html("").classes("count").props('aria-live="polite"')
                        self.hits = _html("").props('id="hits" role="list"')
                        self.more = _html("").classes("more")
                    with ui.element("aside").props('id="open" aria-label="Open moment"'):
                        self._aside()
        self.root.on("act", act, js_handler="(event) => emit(event.detail)")
        self.help = _help()
        self._upload(uploaded, most_bytes)

    def library(self, overview: "Overview") -> None:
        """Say which library is open."""
        self.about.content = (
            f"<b>{escape(overview.name)}</b><span>{plural(overview.moments, 'moment')} · "
            f"{plural(len(overview.datasets), 'data set')} · version {overview.version}</span>"
        )

    def show_filters(self, filters: Filters, choices: Choices) -> None:
        """Show what is chosen, in the form and in words."""
        self.filters.show(filters, choices)
        self.active.content = cards.filter_chips(filters)

    async def turn_filters(self, _: Any = None) -> None:
        """Show the fields for filters, or put them away."""
        self.filters.box.visible = not self.filters.box.visible

    async def open_help(self, _: Any = None) -> None:
        """Show the keys."""
        self.help.open()

    async def open_upload(self, _: Any = None) -> None:
        """Ask for a file."""
        self.refused.content = ""
        self.files.reset()
        self.upload.open()

    def beside(self, wanted: bool) -> None:
        """Whether what is open stands beside the hits; otherwise they have all the room."""
        self.board.classes(remove="alone") if wanted else self.board.classes("alone")

    def problem(self, error: "MyoSemError") -> None:
        """Say what was wrong with what somebody typed."""
        ui.notify(str(error), position="top", classes="note", timeout=6000)

    def _top(self) -> None:
        with ui.element("header").classes("top"):
            name = f'<svg viewBox="0 0 32 20" aria-hidden="true"><path d="{ICONS["name"]}"/></svg>MyoSem'
            _html(f'<button type="button" class="name" data-act="home" title="The library">{name}</button>')
            self.about = _html().classes("about")
            _html(_tool("upload", "Open a recording") + _tool("theme", "") + _tool("help", "")).classes(
                "tools"
            )

    def _ask(self) -> None:
        with ui.element("div").classes("ask").props('role="search"'):
            with ui.element("div").classes("box").props('id="query"'):
                _html(icon("search"))
                self.search = ui.input(placeholder="Describe a movement in plain words")
                self.search.props(
                    'borderless clearable dense autofocus aria-label="Describe a movement" '
                    'enterkeyhint="search" autocomplete="off" spellcheck="false" maxlength="500"'
                )
                self.search.on("keydown.enter", js_handler=SEND.format("search"))
                _html("<kbd>/</kbd>").classes("slash")
            _html(_tool("filters", "Filters"))
        chips = "".join(
            f'<button type="button" data-act="example" data-value="{escape(one)}">{escape(one)}</button>'
            for one in cards.EXAMPLES
        )
        _html(f"<span>Try</span>{chips}").classes("examples")

    def _aside(self) -> None:
        _html(f'<button type="button" data-act="close" aria-label="Close">{icon("close")}</button>').classes(
            "shut"
        )
        self.moment = _html(WAITING)
        with ui.element("div").classes("tasks") as self.tasks:
            _html(
                '<button type="button" data-act="like">More like this</button>'
                '<button type="button" data-act="what">What is this?</button>'
            ).classes("acts")
            self.what = _html("")
            with ui.element("section").classes("labelling"):
                _html("<h3>Label this recording</h3>")
                with ui.element("div").classes("box"):
                    self.phrases = ui.input(placeholder="fist, open hand, point")
                    self.phrases.props(
                        'borderless dense aria-label="Phrases" autocomplete="off" maxlength="2000"'
                    )
                    self.phrases.on("keydown.enter", js_handler=SEND.format("label"))
                    _html('<button type="button" data-act="label">Label</button>')
                self.labels = _html("")
        self.tasks.visible = False

    def _upload(self, uploaded: Handler, most_bytes: int) -> None:
        kinds = ", ".join(SUFFIXES)
        with ui.dialog() as self.upload, ui.element("div").classes("sheet"):
            _html(
                "<h2>Open a recording</h2><p>It is read, described and labelled here, and forgotten when you "
                f"close the page. {escape(kinds)}; at most {most_bytes >> 20} MiB.</p>"
            )
            self.rate = ui.input("Samples per second, for .csv, .tsv and .npz")
            self.rate.props('outlined dense inputmode="decimal" autocomplete="off"').classes("rate")
            self.files = ui.upload(on_upload=uploaded, max_file_size=most_bytes, auto_upload=True)
            self.files.props(
                f'flat bordered label="Drop a file, or choose one" accept="{",".join(SUFFIXES)}"'
            )
            self.files.classes("drop")
            self.files.on_rejected(self._reject)
            self.refused = _html("")

    def _reject(self) -> None:
        self.refused.content = cards.message(
            "This file is not taken", "Its kind or its size does not fit.", kind="error"
        )


def _head() -> None:
    ui.add_head_html(
        '<link rel="stylesheet" href="/page/page.css"><script src="/page/page.js" defer></script>'
        '<meta name="theme-color" content="#f6f7f6">'
    )


def _help() -> ui.dialog:
    rows = "".join(
        f"<dt>{' '.join(f'<kbd>{key}</kbd>' for key in keys.split())}</dt><dd>{words}</dd>"
        for keys, words in KEYS
    )
    with ui.dialog() as dialog, ui.element("div").classes("sheet"):
        _html(f"<h2>Keys</h2><dl>{rows}</dl>").classes("keys")
    return dialog
