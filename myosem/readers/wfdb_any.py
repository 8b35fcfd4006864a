"""Any record of PhysioNet's WFDB; a mapping file may name person, session, channels and labels."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from myosem.errors import MappingError
from myosem.readers.base import Reader, SourceFile
from myosem.readers.mapping import Mapping, found_mapping
from myosem.readers.wfdb import header_of, read_wfdb
from myosem.records import Recording

NOBODY = "unknown"
UNITS = {"v": "V", "mv": "mV", "uv": "uV"}


class Wfdb(Reader):
    """One recording a record; annotation files are not read."""

    name = "wfdb"
    description = "any WFDB record, a .dat file with its .hea; a mapping file may say more"
    generic = True

    def __init__(self, mapping: Path | None = None) -> None:
        self._mapping = mapping

    def matches(self, file: SourceFile) -> bool:
        """Whether the name ends in ``.dat`` and a header lies beside it."""
        return file.suffix == ".dat" and header_of(file) is not None

    def with_mapping(self, mapping: Path) -> "Wfdb":
        """The same reader under this mapping file."""
        return Wfdb(mapping)

    def read(self, file: SourceFile) -> Iterator[Recording]:
        """One recording. Raises MappingError too: channels that do not exist."""
        mapping = found_mapping(file, self._mapping) or Mapping()
        record = read_wfdb(file)
        known = mapping.fields(file, subject=NOBODY, session=file.name.rsplit(".", 1)[0])
        used = _chosen(file, mapping, record.names)
        unit = UNITS.get(record.unit.lower().replace("\u00b5", "u"))
        rate_hz = mapping.rate_hz or record.rate_hz
        span = mapping.naming(known)(0.0, len(record.samples) / rate_hz, known.get("label", ""))
        yield Recording(
            samples=np.ascontiguousarray(record.samples[:, used]),
            rate_hz=rate_hz,
            channels=mapping.channels([record.names[place] for place in used], file.source),
            dataset=mapping.dataset or self.name,
            subject=known["subject"],
            session=known["session"],
            name=known["name"],
            source=file.source,
            unit=unit or mapping.unit or "1",
            signal=mapping.signal,
            band_hz=mapping.band_hz,
            anchored=mapping.anchored,
            spans=(span,) if span else (),
            notes=() if unit or mapping.unit else (f"The unit {record.unit} of its header is not known.",),
        )


def _chosen(file: SourceFile, mapping: Mapping, names: Sequence[str]) -> list[int]:
    """Positions of the channels that the mapping names, all where it names none."""
    if mapping.columns is None:
        return list(range(len(names)))
    wanted = [str(column) for column in mapping.columns]
    if strange := [name for name in wanted if names.count(name) != 1]:
        raise MappingError(
            f"{file.source}: a channel of the mapping is not there exactly once",
            got=strange[0],
            exists=names,
        )
    return [names.index(name) for name in wanted]


READER = Wfdb()
