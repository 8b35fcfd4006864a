"""Recordings that visitors bring along: kept in a folder of their own for as long as their page is open."""

from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from myosem.cli.web.uploads import check_file, safe_name
from myosem.errors import MappingError, MyoSemError
from myosem.proposals import proposal_for

NEED_MAPPING = (".csv", ".tsv", ".npz")
NO_RATE = "NOT IN THE FILE"
"""How a proposal remarks that the rate is made up."""


class OwnFiles:
    """The files of one visitor, each in a folder of its own.

    Args:
        most_bytes: how large one may be.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._folders: dict[Path, TemporaryDirectory[str]] = {}

    def keep(self, name: str, content: bytes, rate_hz: float | None) -> Path:
        """Write a file, with a mapping beside it where it needs one.

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
        self._folders[path] = folder
        try:
            path.write_bytes(content)
            check_file(path, self.most_bytes)
            if path.suffix.lower() in NEED_MAPPING:
                path.with_name(f"{plain}.yaml").write_text(yaml.safe_dump(guess(path, rate_hz)))
        except MyoSemError as error:
            self.drop(path)
            raise type(error)(str(error).replace(str(path), path.name)) from error
        return path

    def drop(self, path: Path) -> None:
        """Delete one file."""
        folder = self._folders.pop(path, None)
        if folder is not None:
            folder.cleanup()

    def forget(self, but: Path | None = None) -> None:
        """Delete every file, but for one where that is said."""
        for path in [one for one in self._folders if one != but]:
            self.drop(path)


def guess(path: Path, rate_hz: float | None) -> dict[str, object]:
    """What a table or arrays hold, as a mapping.

    Args:
        path: of the file.
        rate_hz: samples per second; None where the file's own times say it.

    Raises:
        SourceError: the file cannot be read.
        MappingError: nothing says the rate, or nothing in it looks like EMG.
    """
    proposal = proposal_for(str(path))
    values = {} if proposal is None else dict(proposal.values)
    if rate_hz is not None:
        for name in ("time_from", "time_unit"):
            values.pop(name, None)
        values["rate_hz"] = rate_hz
    elif proposal is None or NO_RATE in proposal.remarks.get("rate_hz", ""):
        raise MappingError(
            f"{path.name} does not say how many samples a second it has", expected="a rate in Hz"
        )
    return values | {"dataset": "opened", "subject": "visitor"}
