"""Which files can have a mapping proposed for them, and what such a mapping makes of them."""

from pathlib import Path
from tempfile import TemporaryDirectory

from myosem.readers import SourceFile, find_sources, read_recordings, reader_for
from myosem.readers.columns import Columns
from myosem.readers.hdf5_any import Hdf5Columns
from myosem.readers.mapping import beside
from myosem.readers.npz import NpzColumns
from myosem.readers.parquet import ParquetColumns
from myosem.readers.propose import CsvColumns, Proposal, propose
from myosem.records import Recording

COLUMNS: dict[str, type[CsvColumns | Hdf5Columns | NpzColumns | ParquetColumns]] = {
    "csv": CsvColumns,
    "hdf5": Hdf5Columns,
    "npz": NpzColumns,
    "parquet": ParquetColumns,
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
    if kind is None:
        return None
    columns: Columns = kind(files[0])
    return propose(columns)


def read_proposed(path: str, proposal: Proposal) -> list[Recording]:
    """The recordings of a file under a proposed mapping. Raises as ``read_recordings``."""
    with TemporaryDirectory() as folder:
        mapping = Path(folder) / "proposed.yaml"
        mapping.write_text(proposal.text(), encoding="utf-8")
        return read_recordings(path, mapping=mapping)
