"""Stages of emg2pose as classes: what a benchmark of words needs where no recording has an action.

A stage is a minute of many movements, so the reader leaves its recordings without an action. Here each stage
is a class of its own, with texts (``corpora/stages.yaml``), and its recording is cut into pieces of ten
seconds, which take the place of repetitions.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

from myosem.errors import KnownBadError, SourceError
from myosem.papers import Entry
from myosem.prompts import load_actions
from myosem.readers import SourceFile, find_sources
from myosem.readers.emg2pose import Emg2Pose
from myosem.records import Recording, Span

FILE = Path(__file__).parent / "corpora" / "stages.yaml"
METADATA = ("metadata.csv", "emg2pose_metadata.csv")
COLUMNS = ("user", "stage", "held_out_user", "held_out_stage")
PIECE_S = 10.0


class Stage(Entry):
    """A stage in words.

    Attributes:
        texts: the first is what it is searched by.
        parts: ids of the actions that its name speaks of.
    """

    texts: tuple[str, ...]
    parts: tuple[str, ...]

    @property
    def id(self) -> str:
        """As an action's: words and hyphens."""
        return re.sub(r"[^a-z]+", "-", self.texts[0])


class HeldOut(NamedTuple):
    """Whom and what the data set's authors keep for the test: users, and names of stages."""

    users: frozenset[str]
    stages: frozenset[str]


@cache
def stages() -> dict[str, Stage]:
    """All stages by the data set's name for them."""
    content = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return {name: Stage.model_validate(entry) for name, entry in content.items()}


def stage_texts() -> dict[str, list[str]]:
    """Texts of each stage by its id; its actions, one after the other, are one of them."""
    actions = load_actions()
    return {
        one.id: [*one.texts, *_enumerated([actions[part].names[0] for part in one.parts])]
        for one in stages().values()
    }


def _enumerated(names: Sequence[str]) -> list[str]:
    return [", then ".join(names)] if len(names) > 1 else []


class StageReader(Emg2Pose):
    """emg2pose with the stage as an action; every other file is left out."""

    def read(self, file: SourceFile) -> Iterator[Recording]:
        """As the data set's reader, with a span every ten seconds; a hand that is to lie still has none."""
        if not self.matches(file):
            raise KnownBadError(f"{file.source}: not a recording of {self.name}")
        side = self.fields(file)["side"]
        for recording in super().read(file):
            [whole] = recording.spans
            name, moving = split_name(whole.label)
            known = stages().get(name)
            named = replace(whole, action=known.id if known and moving in (side, None) else None)
            yield replace(recording, spans=tuple(pieces(named)))


def split_name(label: str) -> tuple[str, str | None]:
    """Name of a stage and the one hand that moves in it, None where it is both."""
    found = re.fullmatch(r"(.+?)(?:_(left|right|both))?", label)
    name, moving = found.groups() if found else (label, None)
    return name, None if moving == "both" else moving


def pieces(span: Span) -> Iterator[Span]:
    """A span in pieces of ten seconds, numbered; the last is as long as what is left, but not under half."""
    count = max(round((span.end_s - span.start_s) / PIECE_S), 1)
    for number in range(count):
        end_s = span.end_s if number == count - 1 else span.start_s + (number + 1) * PIECE_S
        yield replace(span, start_s=span.start_s + number * PIECE_S, end_s=end_s, repetition=number)


def held_out(sources: Sequence[Path]) -> HeldOut | None:
    """What ``metadata.csv`` among the sources says is held out, None where there is no such file.

    Raises:
        SourceError: a source does not exist, or the file has not the columns of the data set.
    """
    for item in find_sources(sources):
        if re.split("[/!]", item.source)[-1] in METADATA:
            [file] = find_sources([item.source])
            if isinstance(file, SourceFile):
                return _held_out(file)
    return None


def _held_out(file: SourceFile) -> HeldOut:
    rows = list(csv.DictReader(io.StringIO(file.read_bytes().decode("utf-8", errors="replace"))))
    if not rows or not set(COLUMNS) <= set(rows[0]):
        raise SourceError(f"{file.source}: no metadata of emg2pose", expected=", ".join(COLUMNS))
    users = frozenset(row["user"] for row in rows if _is_true(row["held_out_user"]))
    names = frozenset(split_name(row["stage"])[0] for row in rows if _is_true(row["held_out_stage"]))
    return HeldOut(users, names)


def _is_true(text: str | None) -> bool:
    return (text or "").strip().lower() in {"true", "1"}
