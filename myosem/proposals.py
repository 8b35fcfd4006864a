"""Which files can have a mapping proposed for them, and what such a mapping makes of them."""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from myosem.errors import MappingError, MyoSemError, SourceError, UnknownFormatError
from myosem.readers import SourceFile, find_sources, read_recordings, reader_for
from myosem.readers.csv import Table, is_number
from myosem.readers.hdf5_any import Hdf5Columns
from myosem.readers.mapping import beside
from myosem.readers.name_pattern import NamePattern, find_pattern
from myosem.readers.npz import NpzColumns
from myosem.readers.parquet import ParquetColumns
from myosem.readers.propose import CsvColumns, Proposal, data_set_name, propose
from myosem.records import Recording

Kind = type[CsvColumns | Hdf5Columns | NpzColumns | ParquetColumns]
COLUMNS: dict[str, Kind] = {
    "csv": CsvColumns,
    "hdf5": Hdf5Columns,
    "npz": NpzColumns,
    "parquet": ParquetColumns,
}
NO_PERSON = "NOT IN THE NAMES: all files are taken for one person; a code, never a real name"


@dataclass(frozen=True)
class Proposed:
    """A mapping for a file or a folder, and what it makes of it.

    Attributes:
        proposal: the mapping.
        recordings: of the files that it fits.
        fits: the files that it fits.
        others: file and reason where it does not.
    """

    proposal: Proposal
    recordings: Sequence[Recording]
    fits: Sequence[str]
    others: Sequence[tuple[str, str]]

    def as_dict(self) -> dict[str, object]:
        """For JSON, without the recordings."""
        return {
            "mapping": self.proposal.values,
            "remarks": self.proposal.remarks,
            "fits": list(self.fits),
            "others": [{"source": source, "reason": reason} for source, reason in self.others],
        }


def proposal_for(path: str, reader: str | None = None) -> Proposal | None:
    """A mapping for one file that needs one and has none; None for all else.

    Args:
        path: of the file.
        reader: the reader that is asked for, None for the one that recognises the file.

    Raises:
        SourceError: the file cannot be read.
        MappingError: nothing in it looks like EMG.
    """
    if Path(path).is_dir():
        return None
    files = [item for item in find_sources([path]) if isinstance(item, SourceFile)]
    if len(files) != 1 or beside(files[0]) is not None:
        return None
    kind = COLUMNS.get(reader_for(files[0], reader).name)
    return None if kind is None else propose(kind(files[0]))


def propose_mapping(path: str, reader: str | None = None) -> Proposed | None:
    """A mapping for a file or a folder of files that need one and have none; None for all else.

    In a folder the layout that most files have is taken; what is not the same in all their names may be
    the person, the session, the label or the repetition.

    Args:
        path: of the file, folder or archive.
        reader: the reader that is asked for, None for the one that recognises a file.

    Raises:
        SourceError: a file cannot be read, or there is none.
        MappingError: nothing in the files looks like EMG.
    """
    files = [item for item in find_sources([path]) if isinstance(item, SourceFile)]
    if len(files) == 1:
        proposal = proposal_for(files[0].source, reader)
        if proposal is None:
            return None
        return Proposed(proposal, read_proposed(path, proposal), [files[0].source], [])
    found = [(file, _reader_of(file, reader)) for file in files if beside(file) is None]
    wanting = [(file, COLUMNS[name]) for file, name in found if name in COLUMNS]
    if not wanting or any(name not in {None, *COLUMNS} for _, name in found):
        return None
    layouts = [_layout(*one) for one in wanting]
    [(usual, _)] = Counter(layouts).most_common(1)
    alike = [one for one, layout in zip(wanting, layouts, strict=True) if layout == usual]
    first, kind = alike[0]
    proposal = propose(kind(first))
    _say_names(proposal, path, [file for file, _ in alike])
    return _tried(proposal, [file for file, _ in found])


def read_proposed(path: str, proposal: Proposal) -> list[Recording]:
    """The recordings of a file under a proposed mapping. Raises as ``read_recordings``."""
    with TemporaryDirectory() as folder:
        mapping = Path(folder) / "proposed.yaml"
        mapping.write_text(proposal.text(), encoding="utf-8")
        return read_recordings(path, mapping=mapping)


def _reader_of(file: SourceFile, reader: str | None) -> str | None:
    try:
        return reader_for(file, reader).name
    except UnknownFormatError:
        return None


def _layout(file: SourceFile, kind: Kind) -> Hashable:
    """What files of one layout share: format, and the names of their columns or how many there are."""
    try:
        if kind is not CsvColumns:
            return (file.suffix, tuple(sorted(kind(file).shapes)))
        names = Table(file).names
    except SourceError:
        return ("damaged", file.source)
    return (file.suffix, len(names) if all(is_number(name) for name in names if name) else tuple(names))


def _say_names(proposal: Proposal, path: str, files: Sequence[SourceFile]) -> None:
    """What the names of the files say, in place of one person and session for all."""
    root = len(Path(path).absolute().parts)
    names = ["/".join(file.parts[root:]) for file in files]
    pattern = find_pattern(names, labelled="label_from" in proposal.values)
    folder = Path(path).absolute().name.removesuffix(".zip")
    proposal.say("dataset", data_set_name(folder), "the folder's name")
    if pattern is None or "subject" not in pattern.found:
        proposal.say("subject", "p1", NO_PERSON)
    if pattern is not None:
        for role in {"subject", "session"} & set(pattern.found):
            del proposal.values[role]
        proposal.say("path", pattern.path, _said(pattern))


def _said(pattern: NamePattern) -> str:
    """What was found in the names, such as ``subject: p1, p2; repetition: 1 to 6``."""
    parts = []
    for role, values in pattern.found.items():
        own = list(dict.fromkeys(values))
        parts.append(f"{role}: {', '.join(own[:4])}{', ...' if len(own) > 4 else ''}")
    return "; ".join(parts)


def _tried(proposal: Proposal, files: Sequence[SourceFile]) -> Proposed:
    """What becomes of files under a mapping."""
    recordings: list[Recording] = []
    fits, others = [], []
    for file in files:
        try:
            recordings += read_proposed(file.source, proposal)
            fits.append(file.source)
        except MyoSemError as error:
            others.append((file.source, str(error).removeprefix(f"{file.source}: ")))
    if not fits:
        raise MappingError("the mapping that was guessed fits none of the files", got=others[0][1])
    return Proposed(proposal, recordings, fits, others)
