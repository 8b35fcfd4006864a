"""Sessions of a library as training and test material."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myosem.features import ChannelFeatures, describe_session, to_harmonics
from myosem.library import Library
from myosem.records import Layout, Recording, Span
from myosem.segments import label_segments


@dataclass(frozen=True)
class Session:
    """One session, ready for an encoder or a baseline; N segments.

    Attributes:
        dataset: data set it comes from.
        subject: the data set's name for the person.
        person: the same for all subjects that are one person.
        name: the session's name within the subject.
        features: ``(N, WIDTH)``.
        channels: the same before it left the electrodes, for baselines.
        spans: the labelled span of each segment, None where there is none.
        simulated: whether the forearm simulator made it.
    """

    dataset: str
    subject: str
    person: str
    name: str
    features: NDArray[np.float32]
    channels: ChannelFeatures
    spans: tuple[Span | None, ...]
    simulated: bool

    @property
    def actions(self) -> tuple[str | None, ...]:
        """Id of the action of each segment, None where it has none."""
        return tuple(span.action if span else None for span in self.spans)


def prepare_session(recordings: Sequence[Recording], person: str) -> Session:
    """Segment one session's recordings, which share a layout, and describe the segments."""
    segments, channels = describe_session(recordings)
    first = recordings[0]
    return Session(
        dataset=first.dataset,
        subject=first.subject,
        person=person,
        name=first.session,
        features=to_harmonics(channels),
        channels=channels,
        spans=tuple(label_segments(recordings, segments)),
        simulated=first.simulated,
    )


def read_corpus(library: Library) -> list[Session]:
    """All sessions of a library, in its order; one with several layouts is several, as when it is indexed."""
    return [prepare_session(recordings, person) for recordings, person in sessions_of(library)]


def sessions_of(library: Library) -> Iterator[tuple[list[Recording], str]]:
    """Recordings of each session, those of one layout at a time, and the person they are of."""
    for key in library.sessions():
        person = library.person_of(key.dataset, key.subject)
        groups: dict[Layout, list[Recording]] = {}
        for recording in library.recordings(key):
            groups.setdefault(Layout.of(recording), []).append(recording)
        for recordings in groups.values():
            yield recordings, f"{key.dataset}/{person}"
