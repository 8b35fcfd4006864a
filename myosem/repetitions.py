"""Recordings cut between repetitions, so that no test repetition shares a sample with training.

Of each action of a session every third repetition is tested, from the second on (2, 5, 8, ...), as is
usual on NinaPro; an action that was done once is only trained on. A recording with both kinds is cut
half-way between the end of one action and the start of the next; the rest between them is cut in two.
Either side becomes a session of its own, so its segments, its level of rest, its filters and its
statistics know nothing of the other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby, pairwise

from myosem.records import Recording, Span

Sides = tuple[list[Recording], list[Recording]]
EVERY, FIRST = 3, 1
REST = "rest"


def split_repetitions(recordings: Sequence[Recording]) -> Sides:
    """Training and tested pieces of one session's recordings; what has no labelled span is left out."""
    tested = spans_to_test(recordings)
    sides: Sides = ([], [])
    for place, recording in enumerate(recordings):
        for piece, test in _pieces(recording, [(place, n) in tested for n in range(len(recording.spans))]):
            sides[test].append(piece)
    return sides


def spans_to_test(recordings: Sequence[Recording]) -> set[tuple[int, int]]:
    """Recording and number of each span that is a test repetition of its action."""
    found: dict[tuple[str, str | None], dict[tuple[int, float], list[tuple[int, int]]]] = {}
    for place, recording in enumerate(recordings):
        for number, span in enumerate(recording.spans):
            one = span.start_s if span.repetition is None else span.repetition
            repetitions = found.setdefault((span.action or span.label, span.effort), {})
            repetitions.setdefault((place, one), []).append((place, number))
    return {
        span
        for repetitions in found.values()
        for number, spans in enumerate(repetitions.values())
        if number % EVERY == FIRST
        for span in spans
    }


def _pieces(recording: Recording, tested: Sequence[bool]) -> Iterator[tuple[Recording, bool]]:
    """Stretches of a recording whose actions are all on one side; rest follows the actions around it."""
    pairs = sorted(zip(recording.spans, tested, strict=True), key=lambda pair: pair[0].start_s)
    deciding = [pair for pair in pairs if pair[0].action != REST] or pairs
    runs = [(test, [span for span, _ in run]) for test, run in groupby(deciding, key=lambda pair: pair[1])]
    edges = [0.0]
    edges += [(before[-1].end_s + after[0].start_s) / 2 for (_, before), (_, after) in pairwise(runs)]
    edges.append(recording.duration_s)
    for number, (test, _) in enumerate(runs):
        yield cut(recording, edges[number], edges[number + 1]), test


def cut(recording: Recording, start_s: float, end_s: float) -> Recording:
    """A stretch of a recording as a recording; its spans are cut as well and count from its start."""
    first, last = round(start_s * recording.rate_hz), round(end_s * recording.rate_hz)
    first_s, duration_s = first / recording.rate_hz, (last - first) / recording.rate_hz
    inside = [span for span in recording.spans if span.start_s < last / recording.rate_hz]
    spans = [_shifted(span, first_s, duration_s) for span in inside if span.end_s > first_s]
    return replace(
        recording,
        samples=recording.samples[first:last],
        name=f"{recording.name} from {first_s:g} s",
        spans=tuple(spans),
    )


def _shifted(span: Span, first_s: float, duration_s: float) -> Span:
    start_s, end_s = max(span.start_s - first_s, 0.0), min(span.end_s - first_s, duration_s)
    return replace(span, start_s=start_s, end_s=end_s)
