"""Any EDF or BDF file; a mapping file may name person, session, channels and labels."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from myosem.errors import MappingError, SourceError
from myosem.readers.base import Reader, SourceFile
from myosem.readers.edf_file import EdfFile, Label, Piece, looks_like_emg, pieces, read_edf_file
from myosem.readers.mapping import Mapping, found_mapping
from myosem.readers.marks import mark_spans, spans_between
from myosem.readers.timing import settled_rate
from myosem.records import Recording, Span

NOBODY = "unknown"


class Edf(Reader):
    """One recording for each rate and each stretch without a gap; annotations are its labels."""

    name = "edf"
    description = "any .edf or .bdf file; a mapping file may say more"
    generic = True

    def __init__(self, mapping: Path | None = None) -> None:
        self._mapping = mapping

    def matches(self, file: SourceFile) -> bool:
        """Whether the name ends in ``.edf`` or ``.bdf``."""
        return file.suffix in (".edf", ".bdf")

    def with_mapping(self, mapping: Path) -> "Edf":
        """The same reader under this mapping file."""
        return Edf(mapping)

    def read(self, file: SourceFile) -> Iterator[Recording]:
        """The recordings. Raises MappingError too: signals that do not exist."""
        mapping = found_mapping(file, self._mapping) or Mapping()
        content = read_edf_file(file, lambda labels: _chosen(file, mapping, labels))
        known = mapping.fields(file, subject=content.person or NOBODY, session=file.name.rsplit(".", 1)[0])
        found = list(pieces(content))
        if not found:
            raise SourceError(f"{file.source}: no stretch without a gap is as long as a second")
        spans, remarks = _spans(content, mapping, known, max(piece.end_s for piece in found))
        notes = (*content.notes, *_notes(content, mapping), *remarks)
        for piece in found:
            rate_hz, note = settled_rate(file, mapping.rate_hz or piece.group.rate_hz, piece.group.rate_hz)
            yield Recording(
                samples=piece.samples,
                rate_hz=rate_hz,
                channels=mapping.channels(list(piece.group.names), file.source),
                dataset=mapping.dataset or self.name,
                subject=known["subject"],
                session=known["session"],
                name=known["name"] + piece.suffix,
                source=file.source,
                unit=_unit(piece, mapping),
                signal=mapping.signal,
                band_hz=mapping.band_hz,
                anchored=mapping.anchored,
                spans=spans_between(spans, piece.start_s, piece.end_s),
                notes=notes if note is None else (*notes, note),
            )


def _chosen(file: SourceFile, mapping: Mapping, labels: Sequence[Label]) -> list[int]:
    """Positions of the signals that the mapping names, or else of those that look like EMG."""
    names = [label.name for label in labels]
    if mapping.columns is None:
        return looks_like_emg(labels)
    wanted = [str(column) for column in mapping.columns]
    strange = [name for name in wanted if names.count(name) != 1]
    if strange:
        raise MappingError(
            f"{file.source}: a signal of the mapping is not there exactly once", got=strange[0], exists=names
        )
    return [names.index(name) for name in wanted]


def _unit(piece: Piece, mapping: Mapping) -> str:
    return (mapping.unit or "1") if piece.group.unit == "1" else piece.group.unit


def _spans(
    content: EdfFile, mapping: Mapping, known: dict[str, str], end_s: float
) -> tuple[tuple[Span, ...], tuple[str, ...]]:
    """Those of the annotations, or else one of the label that stands in the path."""
    naming = mapping.naming(known)
    spans, notes = mark_spans(content.marks, end_s, naming)
    whole = naming(0.0, end_s, known["label"]) if "label" in known and not spans else None
    return (whole,) if whole else spans, notes


def _notes(content: EdfFile, mapping: Mapping) -> Iterator[str]:
    if content.began:
        yield f"Began {content.began} by the recorder's clock."
    if content.left_out:
        yield f"Signals that were left out: {', '.join(content.left_out)}."
    if len(content.groups) > 1:
        rates = ", ".join(f"{group.rate_hz:g}" for group in content.groups)
        yield f"The signals have different rates, each its own recording: {rates} Hz."
    if len(content.stretches) > 1:
        yield f"Cut where the file has gaps: {len(content.stretches)} stretches."
    if mapping.subject is None and "(?P<subject>" not in (mapping.path or ""):
        what = "called after a checksum of its patient field" if content.person else f"“{NOBODY}”"
        yield f"The file's patient field is not carried over; the person is {what}. A mapping can say more."


READER = Edf()
