"""Labelled spans from marks: annotations, events and marker streams."""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from myosem.records import Span

OPENS = re.compile(r"(?i)^(?P<what>.+?)[\s_:/-]+(?:start|starts|begin|begins|onset|on)$")
CLOSES = re.compile(r"(?i)^(?P<what>.+?)[\s_:/-]+(?:stop|stops|end|ends|offset|off)$")
NO_LABEL = re.compile(r"(?i)^(?:n/a|nan|edge\b.*|boundary|bad(?:[\s_:-].*)?|recording (?:starts|ends))?$")
"""What programs write beside labels: nothing, edges of segments, bad stretches, start and end."""
EPSILON_S = 1e-9

Naming = Callable[[float, float, str], Span | None]


@dataclass(frozen=True)
class Mark:
    """Something written at a moment of a recording.

    Attributes:
        start_s: seconds from the start.
        duration_s: seconds, None where it is a moment.
        text: what is written.
    """

    start_s: float
    duration_s: float | None
    text: str


def plain_span(start_s: float, end_s: float, text: str) -> Span:
    """A span that is labelled as its mark reads."""
    return Span(start_s, end_s, text)


def mark_spans(
    marks: Iterable[Mark], end_s: float, naming: Naming = plain_span
) -> tuple[tuple[Span, ...], tuple[str, ...]]:
    """Spans in order of time that do not overlap, and notes on what had to be mended.

    A pair such as ``fist start`` and ``fist end`` is one span. Where no mark has a length, each lasts until
    the next one; where some have, moments label nothing.

    Args:
        marks: in any order; see ``NO_LABEL`` for those that label nothing.
        end_s: end of the recording.
        naming: makes a span of start, end and text, None where it stays unlabelled.
    """
    written = sorted(
        (mark for mark in marks if mark.text.strip() and math.isfinite(mark.start_s)),
        key=lambda mark: mark.start_s,
    )
    lasting, moments = _paired(written)
    notes = []
    if not lasting:
        lasting = _until_the_next(moments, end_s)
        if any(not NO_LABEL.match(mark.text) for mark in moments):
            notes.append("Marks have no length: each lasts until the next.")
    elif moments:
        notes.append(f"Marks without a length label nothing: {len(moments)}.")
    lasting = sorted((mark for mark in lasting if not NO_LABEL.match(mark.text)), key=lambda one: one.start_s)
    spans, shortened = _named(lasting, end_s, naming)
    if shortened:
        notes.append(f"Labels that overlapped the next were cut short: {shortened}.")
    return spans, tuple(notes)


def spans_between(spans: Iterable[Span], start_s: float, end_s: float) -> tuple[Span, ...]:
    """What lies between two moments, in seconds from the first."""
    return tuple(
        replace(
            span,
            start_s=max(span.start_s - start_s, 0.0),
            end_s=(span.end_s if span.end_s <= end_s + EPSILON_S else end_s) - start_s,
        )
        for span in spans
        if span.start_s < end_s - EPSILON_S and span.end_s > start_s + EPSILON_S
    )


def _paired(marks: Sequence[Mark]) -> tuple[list[Mark], list[Mark]]:
    """Marks with a length, pairs of start and end among them, and moments."""
    lasting = [mark for mark in marks if mark.duration_s]
    moments: list[Mark] = []
    waiting: dict[str, Mark] = {}
    for mark in (mark for mark in marks if not mark.duration_s):
        opens, closes = OPENS.match(mark.text.strip()), CLOSES.match(mark.text.strip())
        if opens:
            waiting[opens["what"]] = mark
        elif closes and closes["what"] in waiting:
            first = waiting.pop(closes["what"])
            lasting.append(Mark(first.start_s, mark.start_s - first.start_s, closes["what"]))
        else:
            moments.append(mark)
    return lasting, sorted([*moments, *waiting.values()], key=lambda mark: mark.start_s)


def _until_the_next(moments: Sequence[Mark], end_s: float) -> list[Mark]:
    ends = [mark.start_s for mark in moments[1:]] + [end_s] * bool(moments)
    return [replace(mark, duration_s=end - mark.start_s) for mark, end in zip(moments, ends, strict=True)]


def _named(marks: Sequence[Mark], end_s: float, naming: Naming) -> tuple[tuple[Span, ...], int]:
    """Spans inside the recording, each ending where the next begins, and how many that cut short."""
    spans: list[Span] = []
    seen: Counter[str] = Counter()
    shortened = 0
    for mark in marks:
        start_s, stop_s = max(mark.start_s, 0.0), min(mark.start_s + (mark.duration_s or 0.0), end_s)
        span = naming(start_s, stop_s, mark.text.strip()) if stop_s > start_s + EPSILON_S else None
        if span is None:
            continue
        if spans and spans[-1].end_s > start_s:
            shortened += spans[-1].end_s > start_s + EPSILON_S
            spans[-1] = replace(spans[-1], end_s=start_s)
            if spans[-1].start_s >= start_s - EPSILON_S:
                spans.pop()
        if span.repetition is None:
            span = replace(span, repetition=seen[span.label])
        seen[span.label] += 1
        spans.append(span)
    return tuple(spans), shortened
