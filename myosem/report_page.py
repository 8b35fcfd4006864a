"""Reports as HTML that opens offline and prints well."""

from collections.abc import Sequence
from html import escape
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np

from myosem import __version__
from myosem.html import Markup, page, table, text
from myosem.library_map import thumbnail
from myosem.report_style import LIMITS, METHOD, STYLE
from myosem.timeline import Timeline
from myosem.timeline_pictures import heading, joined, timeline_svg

if TYPE_CHECKING:
    from myosem.records import Recording
    from myosem.report import ModelCard, SessionReport
    from myosem.results import Hit, SearchResult

DRAWN = 12
"""So many sessions are drawn."""
NONE = "none of these"
BEST = 5
WAVE = 96


def session_page(found: "SessionReport", made: str) -> str:
    """A report on a recording or session, a whole HTML document.

    Args:
        found: what it says.
        made: when it was made, as a reader wants it.
    """
    parts = [
        _header(_title(found), found.source, made, simulated=any(one.simulated for one in found.timelines)),
        _facts(found),
        _section("What the model takes it for", _labels(found)),
        _section("Over time", _over_time(found)),
        *([_section("Best moments", _best(found))] if any(one.queries for one in found.timelines) else []),
        _section("Every segment", _segments(found)),
        _closing(found.card),
    ]
    return page(f"{_title(found)} - MyoSem report", "\n".join(parts), style=STYLE)


def search_page(
    found: "SearchResult", recordings: "Sequence[Recording]", card: "ModelCard", made: str
) -> str:
    """What a search found, a whole HTML document.

    Args:
        found: the answer.
        recordings: that of each hit, in the same order.
        card: of the model.
        made: when it was made.
    """
    fitting = sum(one.fits for one in found.hits)
    verdict = f"{fitting} of the {len(found.hits)} nearest fit" if found.confident else "Nothing fits"
    facts = [
        ("hits", str(len(found.hits))),
        ("that fit", str(fitting)),
        ("the query is about an action", f"{found.confidence:.0%}"),
        ("library version", str(found.version)),
    ]
    rows = [_hit(one, recording) for one, recording in zip(found.hits, recordings, strict=True)]
    headings = ["#", "score", "signal", "label of the data set", "where", "time (s)", ""]
    hits = table(headings, rows, numbers=(0, 1)) if rows else "<p>Nothing was found.</p>"
    simulated = bool(found.hits) and all(one.simulated for one in found.hits)
    parts = [
        _header(f"“{found.query}”", f"a search in {PurePath(found.library).name}", made, simulated=simulated),
        _cards(facts),
        f"<p>{escape(verdict)}; {escape(found.how or 'searched')}.</p>",
        _section("Hits", hits),
        _closing(card),
    ]
    return page(f"{found.query} - MyoSem report", "\n".join(parts), style=STYLE)


def _title(found: "SessionReport") -> str:
    if len(found.timelines) == 1:
        return heading(found.timelines[0]).removesuffix("  ·  simulated")
    sessions = dict.fromkeys(
        "  ·  ".join(dict.fromkeys([one.dataset, one.subject, one.session])) for one in found.timelines
    )
    return next(iter(sessions), found.source) if len(sessions) == 1 else PurePath(found.source).name


def _header(title: str, under: str, made: str, *, simulated: bool) -> str:
    mark = '<span class="mark">simulated</span>' if simulated else ""
    return (
        f"<header><p class='brand'>MyoSem {escape(__version__)} report</p><h1>{escape(title)} {mark}</h1>"
        f"<p class='under'>{escape(under)}<br>made {escape(made)}</p></header>"
    )


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def _cards(facts: "Sequence[tuple[str, str]]") -> str:
    cells = "".join(f"<div><b>{escape(value)}</b><span>{escape(name)}</span></div>" for name, value in facts)
    return f'<div class="cards">{cells}</div>'


def _facts(found: "SessionReport") -> str:
    segments = [one for each in found.timelines for one in each.segments]
    contractions = [one for one in segments if one.kind == "contraction"]
    recorded_s = sum(one.duration_s for one in found.timelines)
    return _cards(
        [
            ("recordings" if len(found.timelines) != 1 else "recording", f"{len(found.timelines):,}"),
            ("recorded", _length(recorded_s)),
            ("channels", _few({str(len(one.activity.channels)) for one in found.timelines})),
            ("Hz", _few({f"{one.rate_hz:g}" for one in found.timelines})),
            ("contractions", f"{len(contractions):,}"),
            ("contracted", _length(sum(one.end_s - one.start_s for one in contractions))),
        ]
    )


def _length(length_s: float) -> str:
    return f"{length_s:.0f} s" if length_s < 100 else f"{length_s / 60:.1f} min"


def _few(values: set[str]) -> str:
    return ", ".join(sorted(values))


def _labels(found: "SessionReport") -> str:
    """How often each label was given, as bars, beside what the data set says."""
    counts = found.counts()
    top = max((count for _, count, _ in counts), default=1)
    rows = [
        [label or NONE, _bar(count / top), f"{count:,}", f"{probability:.0%}"]
        for label, count, probability in counts
    ]
    among = (
        "all actions that the model knows" if found.all_actions else f"{len(found.labels.candidates)} phrases"
    )
    unrelated = ""
    if found.labels.unrelated:
        names = ", ".join(f"“{one}”" for one in found.labels.unrelated)
        unrelated = f"<p>About no action, and so given to no segment: {escape(names)}.</p>"
    return (
        f"<p>The label that fits each segment best, of {escape(among)}, with its mean probability. "
        "Nothing that the data set says was used.</p>"
        f"{table(['label', '', 'segments', 'probability'], rows, numbers=(2, 3))}{unrelated}"
    )


def _bar(share: float) -> Markup:
    return Markup(f'<span class="bar"><i style="width:{100 * share:.1f}%"></i></span>')


def _over_time(found: "SessionReport") -> str:
    groups: dict[tuple[str, ...], list[Timeline]] = {}
    for one in found.timelines:
        session = one.dataset, one.subject, one.session, *one.activity.channels
        groups.setdefault(session, []).append(one)
    drawn = list(groups.values())[:DRAWN]
    why = "" if found.chosen_queries else "What is looked for are the commonest labels. "
    more = f"The first {DRAWN} of {len(groups):,} sessions. " if len(groups) > len(drawn) else ""
    if len(found.timelines) > len(groups):
        more += "The recordings of a session stand one after the other. "
    figures = "".join(_figure(joined(own), titled=len(drawn) > 1) for own in drawn)
    return (
        f"<p>{escape(why + more)}A block is a segment, as high as its score; what fits is coloured, "
        f"the dashed line is the threshold.</p>{figures}"
    )


def _figure(found: Timeline, *, titled: bool) -> str:
    caption = f"<figcaption>{escape(heading(found))}</figcaption>" if titled else ""
    return f'<figure role="img" aria-label="scores over time">{caption}{timeline_svg(found)}</figure>'


def _best(found: "SessionReport") -> str:
    parts = []
    for number, asked in enumerate(found.timelines[0].queries):
        ranked = sorted(
            ((one, each) for each in found.timelines for one in each.segments),
            key=lambda pair: -pair[0].scores[number],
        )[:BEST]
        rows = [
            [
                f"{one.scores[number]:.3f}",
                f"{one.start_s:.2f} to {one.end_s:.2f}",
                each.name,
                one.label,
                one.segment,
                "" if one.fits[number] else "does not fit",
            ]
            for one, each in ranked
        ]
        note = "" if asked.related else " is about no action; nothing fits it"
        headings = ["score", "time (s)", "recording", "label of the data set", "segment", ""]
        parts.append(f"<h3>“{escape(asked.text)}”{escape(note)}</h3>{table(headings, rows, numbers=(0,))}")
    return "".join(parts)


def _segments(found: "SessionReport") -> str:
    rows = [
        [
            each.name,
            f"{one.start_s:.2f} to {one.end_s:.2f}",
            one.kind,
            called.label or NONE,
            f"{called.score:.0%}",
            one.label,
        ]
        for each, one, called in found.named()
    ]
    headings = ["recording", "time (s)", "kind", "label", "probability", "label of the data set"]
    listed = table(headings, rows, numbers=(4,))
    return f"<details open><summary>{len(rows):,} segments</summary>{listed}</details>"


def _hit(hit: "Hit", recording: "Recording") -> list[object]:
    where = Markup(
        f"{escape(' · '.join(dict.fromkeys([hit.dataset, hit.subject, hit.session])))}"
        f'<br><span class="quiet">{text(hit.source)}<br>{text(hit.segment)}</span>'
    )
    remarks = ["simulated"] * hit.simulated + ["does not fit"] * (not hit.fits)
    return [
        hit.rank,
        f"{hit.score:.3f}",
        Markup(wave_svg(recording, hit.start_s, hit.end_s)),
        hit.label,
        where,
        f"{hit.start_s:.2f} to {hit.end_s:.2f}",
        ", ".join(remarks),
    ]


def wave_svg(recording: "Recording", start_s: float, end_s: float) -> str:
    """How strong a stretch is, with half its length of context on either side, as one mirrored shape."""
    context_s = (end_s - start_s) / 2
    first_s, last_s = max(start_s - context_s, 0.0), min(end_s + context_s, recording.duration_s)
    heights = 0.03 + thumbnail(recording, first_s, last_s, WAVE) / 262.0
    edges = (np.array([start_s, end_s]) - first_s) / (last_s - first_s) * WAVE
    left, right = (float(edge) for edge in edges)
    upper = [f"{x:g},{-y:.2f}" for x, y in zip(np.arange(WAVE) + 0.5, heights, strict=True)]
    lower = [f"{x:g},{y:.2f}" for x, y in zip(np.arange(WAVE) + 0.5, heights, strict=True)]
    points = " ".join([*upper, *reversed(lower)])
    return (
        f'<svg class="wave" viewBox="0 -1.05 {WAVE} 2.1" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect x="{left:.1f}" y="-1.05" width="{right - left:.1f}" height="2.1"/>'
        f'<polygon points="{points}"/></svg>'
    )


def _closing(card: "ModelCard") -> str:
    """The model, how numbers are made, and what they are not."""
    rows = [
        ("model", card.name),
        ("fingerprint", card.fingerprint[:16]),
        ("threshold", f"{card.threshold:.4f}"),
        ("temperature", f"{card.temperature:.4f}"),
        *((name, value) for name, value in card.measured.items()),
    ]
    method = "".join(f"<li>{escape(one)}</li>" for one in METHOD)
    limits = "".join(f"<li>{escape(one)}</li>" for one in LIMITS)
    return (
        _section("The model", table(["", ""], rows))
        + _section("How the numbers are made", f"<ul>{method}</ul>")
        + _section("Limits", f"<ul>{limits}</ul>")
    )
