"""What stands on the page, and where: the places that hits, pictures and words are put into."""

from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from nicegui import ui

from myosem.cli.render import plural
from myosem.cli.web import cards
from myosem.cli.web.chips import chips
from myosem.cli.web.forms import SEND, FilterForm
from myosem.cli.web.question import LONGEST
from myosem.cli.web.uploads import SUFFIXES

if TYPE_CHECKING:
    from myosem.cli.web.desk import Overview
    from myosem.cli.web.filters import Choices
    from myosem.cli.web.question import Names, Question
    from myosem.errors import MyoSemError

Handler = Callable[..., Any]
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
    ("m l", "more like this, less like this"),
    ("n", "say what it is"),
    ("s", "similar moments"),
    ("w", "what is this?"),
    ("f", "filters, and words to add"),
    ("u", "open a recording of your own"),
    ("t", "light or dark"),
    ("Esc", "leave the field, close what is open"),
    ("?", "these keys"),
)
ACTIONS = (
    ("what", "What is this?", "", ""),
    ("similar", "Similar", "", ""),
    ("name", "This is …", "stored", ""),
    ("add", "+ Add", "stored", "Look also for what is like it"),
    ("subtract", "− Take away", "stored", "Look for what is not like it"),
)
"""What can be done with what is open: name, words, class, and what it means where the words do not say."""
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


def _action(name: str, words: str, kind: str, meaning: str) -> str:
    return f'<button type="button" class="{kind}" data-act="{name}" title="{meaning}">{words}</button>'


def icon(name: str) -> str:
    """A line drawing in the colour of the text."""
    return f'<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="{ICONS[name]}"/></svg>'


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
        self._name()
        self._upload(uploaded, most_bytes)

    def library(self, overview: "Overview") -> None:
        """Say which library is open."""
        self.about.content = (
            f"<b>{escape(overview.name)}</b><span>{plural(overview.moments, 'moment')} · "
            f"{plural(len(overview.datasets), 'data set')} · version {overview.version}</span>"
        )

    def show_question(self, asked: "Question", choices: "Choices", names: "Names") -> None:
        """Show what is in use, in the form and in words."""
        self.filters.show(asked.filters, choices)
        self.filters.wishes.show(asked.wishes)
        self.active.content = chips(asked, names)

    async def turn_filters(self, _: Any = None) -> None:
        """Show the fields for filters, or put them away."""
        self.filters.box.visible = not self.filters.box.visible

    async def open_help(self, _: Any = None) -> None:
        """Show the keys."""
        self.help.open()

    def open_upload(self) -> None:
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
            _html(_tool("filters", "Refine"))
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
            _html("".join(_action(*one) for one in ACTIONS)).classes("acts")
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

    def ask_name(self, moment: str, names: Sequence[str], given: str) -> None:
        """Ask what a moment is.

        Args:
            moment: in words.
            names: that were given to others.
            given: its own, if it has one.
        """
        self.named_moment.content = f"<p>{escape(moment)}</p>"
        self.named_before.content = "".join(
            f'<button type="button" data-act="told" data-value="{escape(one)}">{escape(one)}</button>'
            for one in names
        )
        self.name_field.value = given
        self.naming.open()

    def _name(self) -> None:
        with ui.dialog() as self.naming, ui.element("div").classes("sheet naming"):
            _html("<h2>This is …</h2>")
            self.named_moment = _html()
            self.name_field = ui.input("A name, such as make a fist", autocomplete=[])
            self.name_field.props(f'outlined dense autofocus maxlength="{LONGEST}" spellcheck="false"')
            self.name_field.on("keydown.enter", js_handler=SEND.format("told"))
            self.named_before = _html().classes("examples")
            _html(
                '<p class="note">Searches rank this person’s other moments by it at once, in every session. '
                "Nothing is written to the library.</p>"
                '<button type="button" class="main" data-act="told">Say so</button>'
            )

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
