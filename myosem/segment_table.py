"""All segments of a catalogue in memory, as columns of numbers: 40 bytes a segment, microseconds a row.

In a catalogue of a million segments a statement takes DuckDB ten milliseconds, however few rows it asks for:
nothing for one search, too much for a server.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from myosem.catalogue import Catalogue, SegmentRow
from myosem.errors import LibraryError

OF_RECORDINGS = "recording", "source", "dataset", "subject", "person", "session", "name"
OF_SIGNALS = "rate_hz", "channels", "simulated"
WORDS = "kind", "label", "action", "effort"

RECORDINGS = f"""
SELECT {", ".join(OF_RECORDINGS + OF_SIGNALS)} FROM recordings JOIN people USING (dataset, subject)
ORDER BY position
"""

SAID = f"SELECT DISTINCT {', '.join(WORDS)} FROM segments ORDER BY ALL"

SEGMENTS = f"""
WITH said AS (SELECT *, row_number() OVER () - 1 AS number FROM ({SAID}))
SELECT r.position, s.start_s, s.end_s, %s AS over_rest_db, said.number AS said
FROM segments s
JOIN recordings r USING (recording)
JOIN said ON {" AND ".join(f"s.{name} IS NOT DISTINCT FROM said.{name}" for name in WORDS)}
ORDER BY s.row
"""


class SegmentTable:
    """Gives the same rows as ``Catalogue.rows``.

    Args:
        catalogue: is read once; threads may share the table.

    Raises:
        LibraryError: the catalogue is damaged.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        about = OF_RECORDINGS + OF_SIGNALS
        self._recordings = [dict(zip(about, row, strict=True)) for row in catalogue.query(RECORDINGS)]
        self._said = [dict(zip(WORDS, row, strict=True)) for row in catalogue.query(SAID)]
        level = "s.over_rest_db" if "over_rest_db" in catalogue.names("segments") else "NULL::DOUBLE"
        columns = catalogue.columns(SEGMENTS % level)
        self._place: NDArray[np.int32] = np.asarray(columns["position"], dtype=np.int32)
        self._words: NDArray[np.int32] = np.asarray(columns["said"], dtype=np.int32)
        self._start_s: NDArray[np.float64] = np.asarray(columns["start_s"])
        self._end_s: NDArray[np.float64] = np.asarray(columns["end_s"])
        self._level: NDArray[np.float64] = np.ma.filled(columns["over_rest_db"], np.nan)

    def __len__(self) -> int:
        return len(self._place)

    def rows(self, rows: Sequence[int]) -> list[SegmentRow]:
        """Segments by row, in the order asked for. Raises LibraryError where there is none."""
        missing = [row for row in rows if not 0 <= row < len(self)]
        if missing:
            raise LibraryError(
                "there is no such row of segments", got=missing[0], exists=[f"rows 0 to {len(self) - 1}"]
            )
        return [self._row(row) for row in rows]

    def _row(self, row: int) -> SegmentRow:
        recording, said = self._recordings[self._place[row]], self._said[self._words[row]]
        start_s, end_s, level = float(self._start_s[row]), float(self._end_s[row]), float(self._level[row])
        return SegmentRow(
            row=row,
            segment=f"{recording['recording']}@{start_s:.3f}",
            start_s=start_s,
            end_s=end_s,
            duration_s=end_s - start_s,
            over_rest_db=None if np.isnan(level) else level,
            **recording,
            **said,
        )
