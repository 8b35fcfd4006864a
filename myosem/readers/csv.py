"""Any ``.csv`` or ``.tsv`` file, with a mapping that says what its columns hold."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myosem.errors import MappingError, SourceError
from myosem.readers.base import Reader, SourceFile
from myosem.readers.columns import seconds
from myosem.readers.mapped import mapped_recordings
from myosem.readers.mapping import Column, Mapping, mapping_for
from myosem.records import Recording

EXAMPLE = "{rate_hz: 1000, columns: [emg1, emg2, emg3, emg4], unit: mV, subject: p1, label_from: gesture}"


class Csv(Reader):
    """One recording a file, or one for each stretch without a jump in time; one sample a line."""

    name = "csv"
    description = "any .csv or .tsv file, described by a mapping file"
    generic = True

    def __init__(self, mapping: Path | None = None) -> None:
        self._mapping = mapping

    def matches(self, file: SourceFile) -> bool:
        """Whether the name ends in ``.csv`` or ``.tsv``."""
        return file.suffix in (".csv", ".tsv")

    def with_mapping(self, mapping: Path) -> "Csv":
        """The same reader under this mapping file."""
        return Csv(mapping)

    def read(self, file: SourceFile) -> Iterator[Recording]:
        """The recordings. Raises MappingError too: no mapping, or columns that do not exist."""
        mapping = mapping_for(file, self._mapping, EXAMPLE)
        table = Table(file, mapping.header)
        if mapping.columns is None:
            raise MappingError(f"{file.source}: the mapping names no columns", exists=table.names)
        places = [table.place(column) for column in mapping.columns]
        samples = table.numbers(places)
        labels = None if mapping.label_from is None else table.texts(table.place(mapping.label_from))
        names = [table.names[place] if mapping.header else f"ch{place + 1}" for place in places]
        times_s = None if mapping.time_from is None else table.times(mapping)
        yield from mapped_recordings(
            file, mapping, self.name, samples, names=names, labels=labels, times_s=times_s
        )


class Table:
    """The text of a table, cut into columns on demand.

    Args:
        file: in UTF-8, its columns separated by commas, semicolons or tabs.
        header: whether the first line names the columns.

    Raises:
        SourceError: not text, or empty.
    """

    def __init__(self, file: SourceFile, header: bool = True) -> None:
        self.file, self.header = file, header
        try:
            text = file.read_bytes().decode("utf-8-sig")
        except UnicodeError as error:
            raise SourceError(f"{file.source}: not text", got=str(error), expected="UTF-8") from error
        self.text = text.replace("\r\n", "\n").replace("\r", "\n")
        self.delimiter = "\t" if file.suffix == ".tsv" else _delimiter(self.text.partition("\n")[0])
        first = next(self.rows(), [])
        if not first:
            raise SourceError(f"{file.source}: the file is empty", expected="one sample a line")
        numbers = [str(i + 1) for i in range(len(first))]
        self.names = [name.strip() for name in first] if self.header else numbers

    def place(self, column: Column) -> int:
        """Position of a column. Raises MappingError where there is not exactly one."""
        if self.names.count(str(column)) != 1:
            raise MappingError(
                f"{self.file.source}: a column of the mapping is not there exactly once",
                got=column,
                exists=self.names,
            )
        return self.names.index(str(column))

    def numbers(self, places: list[int]) -> NDArray[np.float32]:
        """``(samples, columns)`` float32. Raises SourceError where a cell is no number."""
        try:
            table = self._load(np.float32, places)
        except ValueError as error:
            raise self._fault(places) from error
        if table.shape[0] == 0:
            raise SourceError(f"{self.file.source}: there are no samples below the header")
        return table

    def times(self, mapping: Mapping) -> NDArray[np.float64]:
        """``(samples,)`` seconds from the first. Raises SourceError where a cell is no time."""
        place = self.place(mapping.time_from or "")
        if mapping.time_unit == "date":
            return seconds(self.file, self.texts(place), "date")
        try:
            return seconds(self.file, self._load(np.float64, [place])[:, 0], mapping.time_unit)
        except ValueError as error:
            raise self._fault([place]) from error

    def texts(self, place: int) -> NDArray[np.str_]:
        """``(samples,)`` texts of one column."""
        try:
            return np.char.strip(self._load(np.str_, [place])[:, 0])
        except ValueError as error:
            raise self._fault([place], text=True) from error

    def _load(self, dtype: type[np.generic], places: list[int]) -> NDArray[Any]:
        body = io.StringIO(self.text)
        if self.header:
            next(csv.reader(body, delimiter=self.delimiter))
        rest = body.read()
        if not rest.strip():
            return np.empty((0, len(places)), dtype)
        return np.loadtxt(
            io.StringIO(rest),
            dtype,
            delimiter=self.delimiter,
            comments=None,
            usecols=places,
            ndmin=2,
            quotechar='"',
        )

    def rows(self) -> Iterator[list[str]]:
        """All lines, cut into cells. Raises SourceError where that cannot be done."""
        try:
            yield from csv.reader(io.StringIO(self.text), delimiter=self.delimiter)
        except csv.Error as error:
            raise SourceError(f"{self.file.source}: not a table", got=error) from error

    def _fault(self, places: list[int], text: bool = False) -> SourceError:
        """What is wrong, found the slow way: line by line."""
        for number, row in enumerate(self.rows(), start=1):
            for place in places if row and number > self.header else []:
                if place >= len(row) or not (text or is_number(row[place])):
                    value = repr(row[place]) if place < len(row) else "a line that ends before it"
                    return SourceError(
                        f"{self.file.source}: line {number}, column {self.names[place]} is no number",
                        got=value,
                        expected="a number",
                    )
        return SourceError(f"{self.file.source}: not a table of numbers")


def _delimiter(line: str) -> str:
    return max(",;\t", key=line.count)


def is_number(text: str) -> bool:
    """Whether a cell can be read as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


READER = Csv()
