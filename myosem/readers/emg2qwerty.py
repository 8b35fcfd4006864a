"""emg2qwerty: 108 people who type, with a wristband on each hand (Sivakumar et al., NeurIPS 2024).

What is typed is labelled key by key; which hand pressed a key is not recorded, so both hands have the
label. A key is no action of the hand by itself, and stands for none.
"""

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

from myosem.errors import SourceError
from myosem.readers.base import PathReader, SourceFile, reason
from myosem.readers.hdf5 import read_table, text
from myosem.readers.wristband import ELECTRODES, wristband_recordings
from myosem.records import Recording, Span

HANDS = ("left", "right")
FIELDS = {"time": (), **{f"emg_{hand}": (ELECTRODES,) for hand in HANDS}}
KEYBOARD = "on_keyboard"
EMPTY_PROMPT = "prompt without text"


class Emg2Qwerty(PathReader):
    """A session of some minutes a file, both hands; each hand is a session of its own here."""

    name = "emg2qwerty"
    description = "emg2qwerty: typing, 108 people, 2 x 16 x 2000 Hz (two wristbands)"
    layout = "<day>-<time>-keystrokes-<study>.hdf5"
    pattern = r"(?P<session>[^/]+-keystrokes-[^/]+)\.hdf5"

    def read(self, file: SourceFile) -> Iterator[Recording]:
        """A recording of each hand for each stretch of at least a second without a jump in time."""
        table, attributes = read_table(file, "emg2qwerty/timeseries", FIELDS)
        session = text(file, attributes, "session_name")
        if attributes.get("condition") == KEYBOARD:
            events, notes = _keystrokes(file, attributes), []
        else:
            events = _prompts(file, attributes)
            notes = ["Keys were not recorded: labels are the prompts."]
        for hand in HANDS:
            yield from wristband_recordings(
                file,
                table["time"],
                table[f"emg_{hand}"],
                events,
                name=hand,
                notes=notes,
                dataset=self.name,
                subject=text(file, attributes, "user"),
                session=f"{session}-{hand}",
            )


def _keystrokes(file: SourceFile, attributes: dict[str, Any]) -> list[Span]:
    """A span from the press of each key to its release."""
    spans = []
    for one in _listed(file, attributes, "keystrokes"):
        key = one.get("key")
        if not isinstance(key, str) or not key:
            raise SourceError(f"{file.source}: a key of keystrokes is no text", got=key)
        spans.append(Span(*_times(file, one, "keystrokes"), key))
    return sorted(spans, key=lambda span: span.start_s)


def _prompts(file: SourceFile, attributes: dict[str, Any]) -> list[Span]:
    """A span for each text that was shown; some have none."""
    spans = []
    for one in _listed(file, attributes, "prompts"):
        payload = one.get("payload")
        shown = payload.get("text") if isinstance(payload, dict) else None
        label = shown if isinstance(shown, str) and shown.strip() else EMPTY_PROMPT
        spans.append(Span(*_times(file, one, "prompts"), label))
    return sorted(spans, key=lambda span: span.start_s)


def _listed(file: SourceFile, attributes: dict[str, Any], name: str) -> Sequence[dict[str, Any]]:
    """An attribute that is a list of objects, written as JSON."""
    try:
        content = json.loads(text(file, attributes, name))
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{file.source}: the attribute {name} is no JSON", got=reason(error)) from error
    if not isinstance(content, list) or not all(isinstance(one, dict) for one in content):
        raise SourceError(f"{file.source}: the attribute {name} does not fit", expected="a list of objects")
    return content


def _times(file: SourceFile, one: dict[str, Any], name: str) -> tuple[float, float]:
    start, end = (one.get(edge, math.nan) for edge in ("start", "end"))
    if (
        not isinstance(start, int | float)
        or not isinstance(end, int | float)
        or not math.isfinite(start + end)
    ):
        raise SourceError(f"{file.source}: a time of {name} is no number", got=f"{start} to {end}")
    return float(start), float(end)


READER = Emg2Qwerty()
