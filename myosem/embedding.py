"""Stretches and segments of a source as vectors, each in the context of its whole session."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from myosem.records import Recording, Segment
from myosem.results import LabelledSegment
from myosem.sources import Source, SourceSession, one_recording, sessions_of
from myosem.stretches import check_stretch, segments_in

if TYPE_CHECKING:
    from myosem.catalogue import SegmentRow
    from myosem.library import Library
    from myosem.model import Model

DIGITS = 6
"""Decimals of scores and times in an answer."""

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Stretch:
    """A stretch of one recording with its vector ``(1, D)``; times in seconds.

    Attributes:
        session: it is in.
        position: of its recording in the session.
        segment: the segment of the library that it is.
    """

    session: SourceSession
    position: int
    start_s: float
    end_s: float
    vector: Vectors
    segment: "SegmentRow | None" = None

    @property
    def recording(self) -> Recording:
        """The recording it is a stretch of."""
        return self.session.recordings[self.position]

    @property
    def name(self) -> str:
        """The recording's id in the library, or else its own name."""
        return self.session.names[self.position]

    @property
    def own_rows(self) -> list[int]:
        """Rows of the library's segments that overlap it."""
        return [
            segment.row
            for segment in self.session.stored
            if segment.recording == self.name
            and segment.start_s < self.end_s
            and segment.end_s > self.start_s
        ]


class SourceEncoder:
    """Embeds what a person names.

    Args:
        model: encodes sessions.
        library: where sources are looked up first, and whose vectors are of this model; None for files alone.
    """

    def __init__(self, model: "Model", library: "Library | None") -> None:
        self._model = model
        self._library = library

    def sessions(
        self, source: Source, recording: str | None = None, mapping: Path | None = None
    ) -> list[SourceSession]:
        """See ``myosem.sources.sessions_of``."""
        return sessions_of(source, self._library, recording, mapping)

    def stretch(
        self,
        source: Source,
        start_s: float | None = None,
        end_s: float | None = None,
        recording: str | None = None,
        mapping: Path | None = None,
    ) -> Stretch:
        """A stretch of the only recording of a source, by default the whole segment or recording.

        Raises:
            UsageError: there is no such stretch, or the source holds several recordings.
            SourceError: a file that cannot be read.
        """
        session, position = one_recording(self.sessions(source, recording, mapping), source)
        if session.segment is not None and start_s is None and end_s is None:
            own = session.segment
            return Stretch(session, position, own.start_s, own.end_s, self.stored([own]), own)
        start_s, end_s = check_stretch(session.recordings[position], str(source), start_s, end_s)
        vector = self._embed_stretch(session.recordings, position, start_s, end_s)
        return Stretch(session, position, start_s, end_s, vector)

    def segments(self, session: SourceSession) -> tuple[list[LabelledSegment], Vectors]:
        """Segments of the chosen recordings, without labels yet, and their vectors ``(N, D)``."""
        if session.stored:
            places = [
                _unlabelled(one.segment, one.recording, one.start_s, one.end_s) for one in session.stored
            ]
            return places, self.stored(session.stored)
        from myosem.segments import find_segments

        found = find_segments(session.recordings)
        chosen = [row for row, one in enumerate(found) if one.recording in set(session.chosen)]
        places = [
            _unlabelled(None, session.names[found[row].recording], found[row].start_s, found[row].end_s)
            for row in chosen
        ]
        return places, self._embed(session.recordings, found)[chosen]

    def stored(self, segments: "Sequence[SegmentRow]") -> Vectors:
        """Vectors ``(N, D)`` of segments of the library.

        Raises:
            IndexMismatchError: they are of another model.
        """
        if self._library is None:
            return np.empty((0, self._model.dimension), dtype=np.float32)
        self._library.manifest.check_model(self._model.fingerprint, self._library.path)
        return np.asarray(self._library.vectors()[[one.row for one in segments]], dtype=np.float32)

    def _embed_stretch(
        self, recordings: Sequence[Recording], position: int, start_s: float, end_s: float
    ) -> Vectors:
        """Unit vector ``(1, D)`` of a stretch: the mean of what it is embedded as."""
        from myosem.segments import find_segments

        found = find_segments(recordings)
        wanted = segments_in(found, position, start_s, end_s)
        mean = self._embed(recordings, [*found, *wanted])[len(found) :].mean(axis=0, keepdims=True)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), dtype=np.float32)

    def _embed(self, recordings: Sequence[Recording], segments: Sequence[Segment]) -> Vectors:
        from myosem.features import session_features

        return self._model.encode_session(session_features(recordings, segments))


def _unlabelled(segment: str | None, recording: str, start_s: float, end_s: float) -> LabelledSegment:
    return LabelledSegment(segment, recording, round(start_s, DIGITS), round(end_s, DIGITS), None, 0.0)
