"""Public data sets, fetched file by file: each is checked against its SHA-256, and a cut is gone on from.

What there is to fetch stands in ``corpora/sets.yaml`` and ``corpora/<name>.sha256``. Needs pooch.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict

from myosem.errors import DownloadError, MissingExtraError, UsageError

FOLDER = Path(__file__).parent / "corpora"
RAW = "https://github.com/{repository}/raw/{commit}/"
SUBSETS = ("all", "small")
TRIES = 3
TIMEOUT_S = 60
CHUNK_BYTES = 1 << 13
PART = ".part"

Tell = Callable[[str, int, int], None]


class Entry(NamedTuple):
    """A file of a data set.

    Attributes:
        path: within the data set, with ``/``.
        sha256: of its contents, in hexadecimal.
        size: in bytes.
    """

    path: str
    sha256: str
    size: int


class DataSet(BaseModel):
    """A public data set, and how to come by it.

    Attributes:
        title: one line.
        licence: its terms in a few words.
        cite: whom to cite.
        repository: on GitHub, where its files can be fetched.
        commit: of the repository.
        small: how the paths of the small subset begin.
        about: which part of the published data set the files are.
        page: where a person has to go instead.
        how: what to do there.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    licence: str
    cite: str
    repository: str | None = None
    commit: str | None = None
    small: str = ""
    about: str = ""
    page: str | None = None
    how: str = ""

    @property
    def address(self) -> str | None:
        """What the paths of its files are appended to, None where they cannot be fetched."""
        return RAW.format(repository=self.repository, commit=self.commit) if self.repository else None


@cache
def data_sets() -> dict[str, DataSet]:
    """All public data sets that have a reader, by its name."""
    content = yaml.safe_load((FOLDER / "sets.yaml").read_text(encoding="utf-8"))
    return {name: DataSet.model_validate(entry) for name, entry in content.items()}


def find_data_set(name: str) -> DataSet:
    """A data set by its name. Raises UsageError where there is none."""
    known = data_sets()
    if name not in known:
        raise UsageError("no data set has this name", got=name, exists=known, hint="myosem download --list")
    return known[name]


def files_of(name: str, subset: str = "all") -> list[Entry]:
    """The files of a data set that can be fetched.

    Raises:
        UsageError: there is no such data set or subset.
        DownloadError: a form or an account is needed, or no list of its files exists.
    """
    known = find_data_set(name)
    if subset not in SUBSETS:
        raise UsageError("no subset has this name", got=subset, exists=SUBSETS)
    if known.address is None:
        raise DownloadError(f"{name} cannot be fetched by a program", expected=f"{known.page}: {known.how}")
    lines = (FOLDER / f"{name}.sha256").read_text(encoding="utf-8").splitlines()
    rows = (line.split(" ", 2) for line in lines)
    entries = [Entry(path, sha256, int(size)) for sha256, size, path in rows]
    return [entry for entry in entries if subset == "all" or entry.path.startswith(known.small)]


def download(
    address: str, entries: list[Entry], folder: Path, progress: Tell | None = None, what: str = "fetching"
) -> list[Path]:
    """Fetch files; those that are there and right are left as they are.

    Args:
        address: what their paths are appended to.
        entries: the files.
        folder: where to; made where it is missing.
        progress: told how many are done.
        what: for ``progress``.

    Returns:
        The files on this machine.

    Raises:
        DownloadError: a file cannot be fetched, or is not the one that is expected. What came of it stays, as
            ``<file>.part``, and the next call goes on from there.
        UsageError: the folder is a file.
        MissingExtraError: pooch is not installed.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError("downloads need a folder", got=f"the file {folder}")
    pooch = _pooch()
    fetcher = pooch.create(
        path=folder, base_url=address, registry={one.path: f"sha256:{one.sha256}" for one in entries}
    )
    pooch.get_logger().setLevel("ERROR")
    found = []
    for done, entry in enumerate(entries):
        if progress:
            progress(what, done, len(entries))
        target = folder / entry.path
        found.append(_fetch(fetcher, entry, Resuming(target.with_name(target.name + PART))))
    if progress:
        progress(what, len(entries), len(entries))
    return found


def _fetch(fetcher: Any, entry: Entry, resuming: "Resuming") -> Path:
    import requests

    url, tries = fetcher.get_url(entry.path), 0
    while True:
        tries += 1
        try:
            return Path(fetcher.fetch(entry.path, downloader=resuming))
        except ValueError as error:  # pooch: another SHA-256
            raise DownloadError(
                f"{url}: not the file that is expected", got="another SHA-256", expected=entry.sha256
            ) from error
        except requests.RequestException as error:
            if tries == TRIES or _is_final(error):
                reason = " ".join(str(error).split())
                hint = "the same command again: it goes on from where it was cut"
                raise DownloadError(f"{url}: cannot be fetched", got=reason, hint=hint) from error


def _is_final(error: Any) -> bool:
    """Whether to ask again is useless: the server says that there is no such file."""
    response = getattr(error, "response", None)
    return response is not None and 400 <= response.status_code < 500


class Resuming:
    """A downloader for pooch that keeps what came before a cut and asks for the rest only."""

    def __init__(self, part: Path) -> None:
        self.part = part

    def __call__(self, url: str, output_file: str, fetcher: Any) -> None:
        """Complete the part, then hand it over as ``output_file``."""
        import requests

        have = self.part.stat().st_size if self.part.is_file() else 0
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as response:
            if response.status_code != requests.codes.requested_range_not_satisfiable:
                response.raise_for_status()
                again = response.status_code == requests.codes.partial_content
                with self.part.open("ab" if again else "wb") as stream:
                    for chunk in response.iter_content(CHUNK_BYTES):
                        stream.write(chunk)
        self.part.replace(output_file)


def _pooch() -> Any:
    try:
        import pooch  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingExtraError("downloads need pooch", hint='pip install "myosem[formats]"') from error
    return pooch
