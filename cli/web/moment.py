"""One moment in full as HTML: its recording, its signal, what it is and why."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from myosem.cli.render import duration, plural
from myosem.cli.web.cards import score, tag
from myosem.cli.web.drawing import View, axis, channel_names, heat, levels, spans, traces, wave
from myosem.records import Span

if TYPE_CHECKING:
    from myosem.cli.web.desk import Moment
    from myosem.results import DescribeResult, Explanation, LabelResult
    from myosem.timeline import Timeline

STRIP_BINS, HEAT_BINS = 400, 160
ROW_PX, LEAST_PX, MOST_PX = 22, 110, 300
LEAST_DROP = 0.005


def picture(moment: "Moment", labels: "LabelResult | None" = None, why: "Explanation | None" = None) -> str:
    """Everything of a moment that is drawn."""
    return f"{heading(moment)}{strip(moment, labels)}{signal(moment, why)}"


def choice(moments: "Sequence[Moment]", chosen: "Moment") -> str:
    """Which recording of a file is open, where it holds several."""
    if len(moments) < 2:
        return ""
    buttons = "".join(
        f'<button type="button" data-act="turn" data-value="{n}"'
        f"{' class=chosen' if one.name == chosen.name else ''}>{escape(one.name)}</button>"
        for n, one in enumerate(moments)
    )
    return f'<nav class="choice" aria-label="Recordings of the file">{buttons}</nav>'


def heading(moment: "Moment") -> str:
    """What is open: its label, where it is from, how it was recorded."""
    one = moment.recording
    label = escape(moment.label) if moment.label else '<span class="none">no label</span>'
    facts = [one.dataset, one.subject, one.session, one.name]
    where = " · ".join(escape(fact) for fact in dict.fromkeys(facts))
    made = f"{plural(len(one.channels), 'channel')} at {one.rate_hz:g} Hz · {duration(one.duration_s)}"
    scored = "" if moment.score is None else score(moment.score)
    return (
        f'<header class="open"><h2>{label}</h2>{scored}</header>'
        f'<p class="where"><span>{where}</span><time>{moment.start_s:.2f}–{moment.end_s:.2f} s</time>'
        f"{tag('simulated') if one.simulated else ''}</p>"
        f'<p class="made">{made}</p>'
    )


def strip(moment: "Moment", labels: "LabelResult | None" = None) -> str:
    """The whole recording: how near it comes to the words, its course, its segments, its labelled stretches.

    Args:
        moment: what is open; where it is stands out.
        labels: labels that were given to the recording's segments.
    """
    one = moment.recording
    view = View(0.0, one.duration_s)
    course = wave(levels(one, view, STRIP_BINS), view, moment.start_s, moment.end_s)
    given = "" if labels is None else spans(given_labels(labels, moment), view, kind="given")
    marks = "".join(
        f'<i class="{segment.kind}" style="left:{100 * view.share(segment.start_s):.2f}%;'
        f'width:{100 * (view.share(segment.end_s) - view.share(segment.start_s)):.2f}%"></i>'
        for segment in moment.line.segments
    )
    left, width = view.share(moment.start_s), view.share(moment.end_s) - view.share(moment.start_s)
    return (
        f'<div class="strip" data-length="{one.duration_s:.4f}" title="Click on a moment, or drag">'
        f"{similarity(moment.line, view)}{course}<div class='marks'>{marks}</div>"
        f'<b class="here" style="left:{100 * left:.2f}%;width:{100 * width:.2f}%"></b></div>'
        f"{spans(one.spans, view)}{given}{axis(view, 8)}"
    )


def similarity(line: "Timeline", view: View) -> str:
    """How near each segment of a recording is to the words, with the score below which nothing fits."""
    if not line.queries:
        return ""
    top = max([one.scores[0] for one in line.segments] + [1.25 * line.threshold, 0.1])
    bars = "".join(
        f'<i class="{"fits" if one.fits[0] else ""}" style="left:{100 * view.share(one.start_s):.2f}%;'
        f"width:{100 * (view.share(one.end_s) - view.share(one.start_s)):.2f}%;"
        f'height:{100 * max(one.scores[0], 0) / top:.1f}%" title="{one.scores[0]:.2f}"></i>'
        for one in line.segments
    )
    words = escape(line.queries[0].text)
    threshold = (
        f'<u style="bottom:{100 * max(line.threshold, 0) / top:.1f}%" title="below this nothing fits"></u>'
    )
    return f'<p class="caption">how near to “{words}”</p><div class="nearness">{bars}{threshold}</div>'


def given_labels(labels: "LabelResult", moment: "Moment") -> list[Span]:
    """The labels that the segments of this recording were given, as spans."""
    return [
        Span(one.start_s, one.end_s, one.label)
        for one in labels.segments
        if one.label is not None and one.recording == moment.name
    ]


def signal(moment: "Moment", why: "Explanation | None" = None) -> str:
    """Every channel, then how strong each of them is, over one time axis; with what each slice is worth."""
    one = moment.recording
    view = View.around(one, moment.start_s, moment.end_s)
    height = min(max(ROW_PX * len(one.channels), LEAST_PX), MOST_PX)
    strength = levels(one, view, HEAT_BINS)
    worth = "" if why is None else _moments(why, view)
    return (
        f'<div class="panels" style="--rows:{len(one.channels)};--height:{height}px">'
        f"{channel_names(one)}<div>{traces(one, view, moment.start_s, moment.end_s)}</div>"
        f"{channel_names(one)}<div>{heat(strength, view, moment.start_s, moment.end_s)}</div>"
        f"{worth}<span></span>{axis(view)}</div>"
    )


def _moments(why: "Explanation", view: View) -> str:
    top = max((one.drop for one in why.moments), default=0.0)
    if top < LEAST_DROP:
        return ""
    bars = "".join(
        f'<i style="left:{100 * view.share(one.start_s):.2f}%;'
        f"width:{100 * (view.share(one.end_s) - view.share(one.start_s)):.2f}%;"
        f'height:{100 * max(one.drop, 0) / top:.0f}%" title="without it the score is {-one.drop:+.3f}"></i>'
        for one in why.moments
    )
    return f'<span class="caption">why</span><div class="worth">{bars}</div>'


def description(found: "DescribeResult", why: "Explanation | None" = None) -> str:
    """The words for a stretch, the likeliest first, and why the first of them fits."""
    rows = "".join(
        f"<li><div><b>{escape(one.name)}</b>{score(one.score)}</div><p>{escape(one.text)}</p></li>"
        for one in found.descriptions
    )
    reasons = "" if why is None else explanation(why)
    return f'<section class="what"><h3>What is this?</h3><ol>{rows}</ol>{reasons}</section>'


def explanation(why: "Explanation") -> str:
    """What the score rests on: views, electrodes and effort."""
    views = sorted(why.views, key=lambda one: -one.score)
    said = ", ".join(f"{escape(one.view)} {one.score:.2f}" for one in views[:3])
    level = f"{why.effort.over_rest_db:.1f} dB over rest"
    if why.effort.stronger_than is not None:
        share = f"{why.effort.stronger_than:.0%}".replace("100%", "all")
        level += f", stronger than {share} of this session’s other contractions"
    rows = [("Electrodes", _channels(why)), ("Words", said), ("Effort", escape(level))]
    body = "".join(f"<dt>{title}</dt><dd>{text}</dd>" for title, text in rows if text)
    return f'<h4>Why</h4><dl class="why">{body}</dl>'


def _channels(why: "Explanation") -> str:
    """A bar for what the score loses without each electrode."""
    top = max((one.drop for one in why.channels), default=0.0)
    if top < LEAST_DROP:
        return "none of them carries the score alone"
    bars = "".join(
        f'<span title="without {escape(one.name)} the score is {-one.drop:+.3f}">'
        f'<i style="height:{100 * max(one.drop, 0) / top:.0f}%"></i><small>{escape(one.name)}</small></span>'
        for one in why.channels
    )
    return f'<div class="bars">{bars}</div>'


def label_table(labels: "LabelResult", moment: "Moment") -> str:
    """How many moments of a recording got each phrase, and which phrases are about no action."""
    own = [one for one in labels.segments if one.recording == moment.name]
    counts = [(phrase, sum(one.label == phrase for one in own)) for phrase in labels.candidates]
    rows = "".join(
        f"<li><b>{escape(phrase)}</b><span>{_count(phrase, count, labels.unrelated)}</span></li>"
        for phrase, count in counts
    )
    left = plural(sum(one.label is None for one in own), "moment")
    return f'<ul class="counts">{rows}<li class="none"><b>none of these</b><span>{left}</span></li></ul>'


def _count(phrase: str, count: int, unrelated: Sequence[str]) -> str:
    return "is about no action" if phrase in unrelated else plural(count, "moment")
