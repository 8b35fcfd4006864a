"""What an ingest has done so far, one line a source, so that an interrupted one can go on.

A line is written after the samples it speaks of, so a line that is there is true. The sources come
in the same order every time; an ingest that runs again takes over the lines up to the first that no
longer fits.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myosem.catalogue import RecordingRow, SourceRow
from myosem.catalogue_writer import Duplicate
from myosem.errors import LibraryError
from myosem.store import SignalReader, SignalWriter

Key = tuple[str, int, float, str]
"""Source, size, time of change and settings: equal as long as reading it again would give the same."""


@dataclass(frozen=True)
class Outcome:
    """What became of one source: what is stored of it, and what was there already."""

    source: SourceRow
    recordings: tuple[RecordingRow, ...] = ()
    duplicates: tuple[Duplicate, ...] = ()

    @property
    def key(self) -> Key:
        """Of the source."""
        source = self.source
        return source.source, source.size, source.mtime, source.settings

    @property
    def usable(self) -> bool:
        """Whether it could be read."""
        return self.source.status in ("stored", "duplicate")

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Outcome":
        """The outcome that JSON holds as plain values."""
        return cls(
            SourceRow(**values["source"]),
            tuple(RecordingRow.from_json(row) for row in values["recordings"]),
            tuple(Duplicate(**duplicate) for duplicate in values["duplicates"]),
        )


class Journal:
    """The lines and the signal file of one ingest.

    Args:
        path: of the journal.
        signals: of the signal file that goes with it.
        version: of the library that is being made; a journal of another version is void.
    """

    def __init__(self, path: Path, signals: Path, version: int) -> None:
        self._path = path
        self._signals = signals
        self._header = json.dumps({"version": version})
        self._lines: list[str] = []
        self._done = list(self._sound_outcomes())
        self._taken = 0
        self._writer: SignalWriter | None = None

    def take(self, key: Key) -> Outcome | None:
        """The outcome of the next source if an earlier run has it, else None."""
        if self._writer is None and self._taken < len(self._done):
            outcome = self._done[self._taken]
            if outcome.key == key:
                self._taken += 1
                return outcome
        return None

    def signals(self) -> SignalWriter:
        """Where to put samples; from here on nothing more is taken over."""
        if self._writer is None:
            taken = self._done[: self._taken]
            ends = [row.place.end for outcome in taken for row in outcome.recordings]
            self._writer = SignalWriter(self._signals, max(ends, default=0))
            lines = [self._header, *self._lines[: self._taken]]
            self._path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
            self._file = self._path.open("a", encoding="utf-8")
        return self._writer

    def add(self, outcome: Outcome) -> None:
        """Note an outcome; its samples are handed to the operating system first."""
        self.signals().flush()
        self._file.write(json.dumps(outcome, default=vars) + "\n")
        self._file.flush()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, error: type[BaseException] | None, *details: object) -> None:
        """Write the samples through to the disk; an error leaves what was not yet taken over."""
        if error is not None and self._writer is None:
            return
        writer = self.signals()
        size = writer.close()
        self._file.close()
        if size == 0:
            self._signals.unlink()

    def _sound_outcomes(self) -> Iterator[Outcome]:
        """Outcomes of an earlier run, up to the first that is cut off or whose samples are not there."""
        if not self._path.is_file():
            return
        header, *lines = self._path.read_text(encoding="utf-8").split("\n")[:-1] or [""]
        if header != self._header:
            return
        samples = SignalReader(self._signals.parent)
        for line in lines:
            try:
                outcome = Outcome.from_json(json.loads(line))
                sound = all(_is_sound(row, samples) for row in outcome.recordings)
            except (ValueError, KeyError, TypeError, LibraryError):
                return
            if not sound:
                return
            self._lines.append(line)
            yield outcome


def _is_sound(row: RecordingRow, samples: SignalReader) -> bool:
    return row.with_samples(samples.read(row.place)).content_hash == row.hash
