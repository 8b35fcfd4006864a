"""Hits and what stands in their place where there are none, as HTML. Whatever comes from data is escaped."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from myosem.cli.render import duration, plural
from myosem.cli.web.drawing import View, axis, heat, levels, wave
from myosem.labelling import RELATED

if TYPE_CHECKING:
    from myosem.catalogue import DatasetSummary
    from myosem.cli.web.desk import Found, Moment
    from myosem.cli.web.question import Question
    from myosem.errors import MyoSemError
    from myosem.records import Recording
    from myosem.results import Hit

BINS = 96
EXAMPLES = (
    "make a fist",
    "open the hand wide",
    "bend the wrist back",
    "point with the index finger",
    "pinch a coin",
    "turn the palm up",
)


def hit_cards(hits: "Sequence[Hit]", recordings: "Sequence[Recording]", asked: "Question") -> str:
    """One card a hit, the best first."""
    return "".join(hit_card(hit, one, asked) for hit, one in zip(hits, recordings, strict=True))


def hit_card(hit: "Hit", recording: "Recording", asked: "Question") -> str:
    """A hit with its waveform and its heat map over the same time axis, and what can be said of it."""
    view = View.around(recording, hit.start_s, hit.end_s)
    strength = levels(recording, view, BINS)
    where = " · ".join(escape(one) for one in dict.fromkeys((hit.dataset, hit.subject, hit.session)))
    label = escape(hit.label) if hit.label else '<span class="none">no label</span>'
    time = f"{hit.start_s:.2f}–{hit.end_s:.2f} s"
    spoken = f"Hit {hit.rank}: {hit.label or 'no label'}, score {hit.score:.2f}, {time}"
    return (
        f'<article class="hit{"" if hit.fits else " far"}" data-segment="{escape(hit.segment)}" tabindex="0" '
        f'role="listitem" aria-label="{escape(spoken)}">'
        f'<header><span class="rank">{hit.rank}</span><h3>{label}</h3>{score(hit.score)}</header>'
        f'<p class="where"><span>{where}</span><time>{time}</time>{_remarks(hit, asked)}</p>'
        f'<div class="picture">{wave(strength, view, hit.start_s, hit.end_s)}'
        f"{heat(strength, view, hit.start_s, hit.end_s)}{axis(view)}</div>"
        f"<footer>{_said(hit, asked)}"
        '<button type="button" data-act="similar">Similar</button>'
        '<button type="button" data-act="what">What is this?</button></footer></article>'
    )


def _remarks(hit: "Hit", asked: "Question") -> str:
    """What is to be known of a hit in a few words."""
    name = next((asked.wishes.told[one] for one in hit.segments if one in asked.wishes.told), None)
    parts = [
        tag("simulated") * hit.simulated,
        tag("does not fit") * (not hit.fits),
        tag(f"{len(hit.segments)} segments") * (len(hit.segments) > 1),
        "" if name is None else tag(f"you: {name}", "yours"),
    ]
    return "".join(parts)


def _said(hit: "Hit", asked: "Question") -> str:
    """Buttons that say something of a hit, those pressed that were."""
    if not asked.markable:
        return ""
    buttons = []
    for kind, sign in (("more", "▲"), ("less", "▼")):
        pressed = not set(hit.segments).isdisjoint(asked.wishes.judged(kind, asked.topic))
        buttons.append((kind, _sign(sign) + kind.title() + '<span class="long"> like this</span>', pressed))
    named = not set(hit.segments).isdisjoint(asked.wishes.told)
    buttons.append(("name", _sign("✎") + "This is …", named))
    return "".join(
        f'<button type="button" data-act="{act}" aria-pressed="{str(pressed).lower()}">{words}</button>'
        for act, words, pressed in buttons
    )


def _sign(letter: str) -> str:
    return f'<span class="sign" aria-hidden="true">{letter}</span>'


def score(value: float) -> str:
    """A score as a number beside a bar."""
    share = 100 * min(max(value, 0.0), 1.0)
    bar = f'<i style="--share:{share:.0f}%"></i>'
    return f'<span class="score" title="cosine similarity">{bar}{value:.2f}</span>'


def tag(text: str, kind: str = "") -> str:
    """A quiet remark."""
    return f'<span class="tag {kind}">{escape(text)}</span>'


def message(
    title: str, text: str = "", *, kind: str = "calm", actions: Sequence[tuple[str, str]] = ()
) -> str:
    """A state of the page in words.

    Args:
        title: what is so.
        text: what a person may do, as plain text.
        kind: ``calm`` or ``error``.
        actions: name of an action and the words on its button.
    """
    buttons = "".join(
        f'<button type="button" data-act="{escape(act)}">{escape(words)}</button>' for act, words in actions
    )
    role = "alert" if kind == "error" else "status"
    body = "".join(f"<p>{line}</p>" for line in escape(text).split("\n") if line)
    return f'<div class="message {kind}" role="{role}"><h2>{escape(title)}</h2>{body}{buttons}</div>'


def error_message(error: "MyoSemError") -> str:
    """An error that a person can mend."""
    rest = str(error).removeprefix(error.what).lstrip("; ")
    lines = [_sentence(part) for part in rest.split("; ") if part]
    return message(_sentence(error.what), "\n".join(lines), kind="error")


def unexpected() -> str:
    """An error that nobody foresaw."""
    return message("Something went wrong", "The server’s log says more. The page goes on.", kind="error")


def nothing_fits(query: str, confidence: float, nearest: int) -> str:
    """What to say where there are hits and none of them fits."""
    if confidence < RELATED:
        text = "This does not read as a movement of the hand or the forearm.\nDescribe one in plain words."
    else:
        text = "No moment in this library is near enough.\nOther words or fewer filters may find one."
    button = ("nearest", f"Show the {plural(nearest, 'nearest moment')}")
    return message(f"Nothing fits “{query}”", text, actions=[button])


def nothing_found(filters: int) -> str:
    """What to say where there is no hit at all."""
    text = (
        f"{plural(filters, 'filter')} let nothing through."
        if filters
        else "There is nothing to compare with."
    )
    return message("Nothing found", text)


def library(name: str, datasets: "Sequence[DatasetSummary]") -> str:
    """What there is to search; how to begin where there is nothing."""
    if any(one.segments for one in datasets):
        return dataset_tiles(datasets)
    text = (
        f"Add recordings to it: myosem ingest RECORDINGS --library {name}\n"
        "Until then you can open a recording of your own."
    )
    return message("This library is empty", text, actions=[("upload", "Open a recording")])


def count_line(shown: int, asked: "Question", found: "Found", *, back: bool) -> str:
    """How many hits there are for what, and how they were found."""
    result = found.result
    words = f"like {escape(moment_name(asked.near))}" if asked.near else f"for “{escape(asked.words)}”"
    words = words if asked.topic else "like what was added"
    button = '<button type="button" data-act="back">← Back</button>' if back else ""
    how = "exact" if result.exact else "approximate"
    how = f"{how} · version {result.version} · {found.took_s * 1000:.0f} ms"
    return f"{button}<h2>{plural(shown, 'moment')} <span>{words}</span></h2><small>{how}</small>"


def more_below(shown: int, far: int, *, full: bool, nearest: bool) -> str:
    """What else could be shown below the hits."""
    if not shown:
        return ""
    if far and not nearest:
        words = f"Show {plural(far, 'more moment')} that {'does' if far == 1 else 'do'} not fit"
        return f'<button type="button" data-act="nearest">{words}</button>'
    return '<button type="button" data-act="further">Show more</button>' if full else ""


def moment_name(moment: "Moment") -> str:
    """A moment in a few words."""
    time = f"{moment.start_s:.2f}–{moment.end_s:.2f} s"
    return f"{moment.label or moment.recording.name}, {moment.recording.subject}, {time}"


def dataset_tiles(datasets: "Sequence[DatasetSummary]") -> str:
    """What a library holds, a tile a data set."""
    return f'<div class="tiles">{"".join(_tile(one) for one in datasets)}</div>'


def _tile(one: "DatasetSummary") -> str:
    people = f"{one.people:,} {'person' if one.people == 1 else 'people'} · {plural(one.sessions, 'session')}"
    channels = " or ".join(str(count) for count in one.channels[:3])
    made = f"{duration(one.hours * 3600)} of {channels} channels"
    return (
        f'<button type="button" class="tile" data-act="dataset" data-value="{escape(one.dataset)}">'
        f"<b>{escape(one.dataset)}</b><strong>{one.segments:,}</strong><span>moments</span>"
        f"<small>{people}</small><small>{made}</small>"
        f"{tag('simulated') if one.simulated else ''}</button>"
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
