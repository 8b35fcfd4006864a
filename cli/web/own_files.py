"""Recordings that visitors bring along: kept in a folder of their own for as long as their page is open."""

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from myosem.cli.web.uploads import safe_name
from myosem.errors import MyoSemError

if TYPE_CHECKING:
    from myosem.cli.web.parsing import Parsers
    from myosem.sources import Given


class OwnFiles:
    """The files of one visitor, each in a folder of its own.

    Args:
        parsers: read them, and say how large one may be.
    """

    def __init__(self, parsers: "Parsers") -> None:
        self._parsers = parsers
        self._folders: dict[Given, TemporaryDirectory[str]] = {}

    @property
    def most_bytes(self) -> int:
        """How large a file may be."""
        return self._parsers.most_bytes

    def warm(self) -> None:
        """A file will come soon; where nothing can read it, reading it will say so."""
        with suppress(MyoSemError):
            self._parsers.warm()

    def keep(self, name: str, content: bytes, rate_hz: float | None) -> "Given":
        """Read a file, with a mapping that is proposed for it where it needs one.

        Args:
            name: as the visitor calls it; only its last part counts.
            content: its bytes.
            rate_hz: samples per second of a table or of arrays, where its times do not say it.

        Raises:
            SourceError, MappingError: a format that is not taken, or nothing in it that could be EMG.
            TooLargeError: it is larger than ``most_bytes``, or unpacks to too much.
        """
        plain = safe_name(name)
        folder = TemporaryDirectory(prefix="myosem-")
        path = Path(folder.name) / plain
        try:
            path.write_bytes(content)
            given = self._parsers.read(path, propose=True, rate_hz=rate_hz)
        except MyoSemError:
            folder.cleanup()
            raise
        self._folders[given] = folder
        return given

    def drop(self, given: "Given") -> None:
        """Delete one file."""
        folder = self._folders.pop(given, None)
        if folder is not None:
            folder.cleanup()

    def forget(self, but: "Given | None" = None) -> None:
        """Delete every file, but for one where that is said."""
        for given in [one for one in self._folders if one is not but]:
            self.drop(given)
