"""What is in use besides the words, as chips that can be taken away. Whatever comes from data is escaped."""

from html import escape
from typing import TYPE_CHECKING

from myosem.cli.render import plural
from myosem.cli.web.filters import LISTS

if TYPE_CHECKING:
    from myosem.cli.web.filters import Filters
    from myosem.cli.web.question import Names, Question

NUMBER_WORDS = {
    "shortest_s": "at least {:g} s",
    "longest_s": "at most {:g} s",
    "least_score": "score {:g} or more",
}
SIGNS = {
    "plus": ("+", "also like", "towards"),
    "minus": ("−", "not like", "away"),
    "more": ("▲", "more like", "towards"),
    "less": ("▼", "less like", "away"),
}
"""How each is written and spoken, and where it moves a search."""
MANY = 2
"""From so many chips on all of them can be taken away at once."""


def chips(asked: "Question", names: "Names") -> str:
    """Everything that narrows or moves a search; names are those of the segments in it."""
    own = [*filter_chips(asked.filters), *wish_chips(asked, names)]
    own += [_aside(words, count, names) for words, count in asked.wishes.aside(asked.topic).items()]
    if len(own) >= MANY:
        own.append('<button type="button" class="clear" data-act="clear">Clear all</button>')
    return "".join(own)


def filter_chips(filters: "Filters") -> list[str]:
    """What narrows the search."""
    found = [(name, one, one) for name in LISTS for one in getattr(filters, name)]
    for name, words in NUMBER_WORDS.items():
        value = getattr(filters, name)
        if value is not None:
            found.append((name, "", words.format(value)))
    if filters.condition:
        found.append(("condition", "", filters.condition))
    return [_chip("filter", name, value, words) for name, value, words in found]


def wish_chips(asked: "Question", names: "Names") -> list[str]:
    """What moves it: words and segments, marks of hits, how hits are chosen."""
    wishes, idle = asked.wishes, "" if asked.markable else " idle"
    parts = [(name, one, names.get(one, one)) for name in ("plus", "minus") for one in getattr(wishes, name)]
    found = [_signed(*part, idle) for part in parts]
    for one in wishes.marks:
        said = names.get(one.segments[0], one.segments[0])
        if one.kind == "told":
            unasked = " idle" if asked.near is not None else ""
            found.append(_chip("told" + unasked, one.kind, one.text, f"{said} is “{one.words}”"))
        elif one.words == asked.topic:
            found.append(_signed(one.kind, one.text, said, idle))
    if wishes.diverse:
        found.append(_chip("how", "diverse", "", "varied"))
    if not wishes.merge:
        found.append(_chip("how", "merge", "", "neighbours apart"))
    return found


def _signed(name: str, value: str, words: str, idle: str) -> str:
    sign, spoken, kind = SIGNS[name]
    return _chip(kind + idle, name, value, f"{sign} {words}", spoken=f"{spoken} {words}")


def _chip(kind: str, name: str, value: str, words: str, *, spoken: str = "") -> str:
    why = "Not used while hits are like one moment" if kind.endswith("idle") else ""
    return (
        f'<button type="button" class="chip {kind}" data-act="drop" data-value="{escape(f"{name}={value}")}" '
        f'title="{why}" aria-label="Without {escape(spoken or words)}">'
        f"<span>{escape(words)}</span><i>×</i></button>"
    )


def _aside(words: str, count: int, names: "Names") -> str:
    """Marks of another search, which are not in use."""
    said = f"{plural(count, 'mark')} for “{escape(names.get(words, words) or 'what was added')}”"
    value = escape(words)
    return (
        f'<span class="chip aside">{said}<button type="button" data-act="take" data-value="{value}">use here'
        f'</button><button type="button" data-act="forget" data-value="{value}" '
        f'aria-label="Forget {said}">×</button></span>'
    )
