"""A stream as files that the readers take: each unbroken part a .csv beside the mapping that describes it.

Samples are handed to the system as they come. A process that is killed leaves what it had heard, ready for
``myosem ingest``.
"""

import re
from io import TextIOWrapper
from pathlib import Path

import numpy as np
import yaml

from myosem.errors import UsageError
from myosem.records import Recording
from myosem.streaming import GAP_S, Chunk

DIGITS = "%.9g"
"""As many as tell any two float32 numbers apart."""


class Recorder:
    """Writes a stream into a folder, which is made where missing. Use it in a ``with`` statement.

    Args:
        folder: where the files go.
        about: the stream as a recording without samples; the files are named as it is.

    Raises:
        UsageError: there is such a file already, or the folder cannot be written.
    """

    def __init__(self, folder: Path, about: Recording) -> None:
        self.files: list[Path] = []
        """The .csv files so far."""
        self._folder, self._about = folder, about
        self._file: TextIOWrapper | None = None
        self._heard_s = 0.0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._begin()
        except OSError as error:
            raise UsageError(f"{folder} cannot be recorded into", got=error, expected="a folder") from error

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, chunk: Chunk) -> None:
        """Add a chunk; after a gap, to a file of its own. Raises OSError where the disk is full."""
        if abs(chunk.start_s - self._heard_s) > GAP_S:
            self._begin()
        self._heard_s = chunk.start_s + len(chunk.samples) / self._about.rate_hz
        if self._file is not None:
            np.savetxt(self._file, chunk.samples, fmt=DIGITS, delimiter=",")
            self._file.flush()

    def close(self) -> None:
        """Close the last file; those without samples are removed."""
        if self._file is not None:
            self._file.close()
            self._file = None
        for path in [path for path in self.files if path.stat().st_size == len(self._heading())]:
            path.unlink()
            path.with_suffix(".yaml").unlink()
            self.files.remove(path)

    def _heading(self) -> str:
        return ",".join(self._columns()) + "\n"

    def _columns(self) -> list[str]:
        """Names of the channels as a .csv can hold them, each once."""
        plain = [re.sub(r'[\s,"]+', "_", channel.name) for channel in self._about.channels]
        if len(set(plain)) == len(plain) and all(plain):
            return plain
        return [f"ch{number}" for number in range(1, len(plain) + 1)]

    def _begin(self) -> None:
        if self._file is not None:
            self._file.close()
        number = len(self.files) + 1
        name = re.sub(r"[^\w.-]+", "_", self._about.name) + (f"-{number}" if number > 1 else "")
        path = self._folder / f"{name}.csv"
        self._file = path.open("x", encoding="utf-8")
        path.with_suffix(".yaml").write_text(self._mapping(), encoding="utf-8")
        self._file.write(self._heading())
        self._file.flush()
        self.files.append(path)

    def _mapping(self) -> str:
        about = self._about
        known: dict[str, object] = {
            "rate_hz": float(about.rate_hz),
            "columns": self._columns(),
            "unit": about.unit,
            "dataset": about.dataset,
            "subject": about.subject,
            "session": about.session,
            "signal": about.signal,
            "anchored": about.anchored,
        }
        angles = [channel.angle_deg for channel in about.channels]
        if None not in angles:
            known["angles_deg"] = [float(angle) for angle in angles if angle is not None]
        if about.band_hz is not None:
            known["band_hz"] = [float(edge) for edge in about.band_hz]
        return yaml.safe_dump(known, sort_keys=False, allow_unicode=True)
