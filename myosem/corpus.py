"""Sessions of a library as training and test material."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from myosem.features import ChannelFeatures, describe_session, to_harmonics
from myosem.library import Library
from myosem.persons import Subject, known_persons
from myosem.records import Layout, Recording, Span
from myosem.segments import label_segments

SLOWER = (2, 4)
LEAST_HZ = 400.0


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
        slower: whether it was resampled, to learn what a slower device would have seen.
    """

    dataset: str
    subject: str
    person: str
    name: str
    features: NDArray[np.float32]
    channels: ChannelFeatures
    spans: tuple[Span | None, ...]
    simulated: bool
    slower: bool = False

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


def slower_sessions(recordings: Sequence[Recording], person: str) -> list[Session]:
    """One session as devices of half and a quarter of its rate would have recorded it, if still of 400 Hz."""
    rate_hz = recordings[0].rate_hz
    return [
        replace(prepare_session([_slower(one, factor) for one in recordings], person), slower=True)
        for factor in SLOWER
        if rate_hz / factor >= LEAST_HZ
    ]


def _slower(recording: Recording, factor: int) -> Recording:
    samples = resample_poly(np.asarray(recording.samples, dtype=np.float32), 1, factor, axis=0)
    return replace(recording, samples=samples.astype(np.float32), rate_hz=recording.rate_hz / factor)


def read_training(library: Library) -> list[Session]:
    """All sessions of a library, then the fast ones as slower devices would have recorded them."""
    slower = [one for session in sessions_of(library) for one in slower_sessions(*session)]
    return read_corpus(library) + slower


def read_corpus(library: Library) -> list[Session]:
    """All sessions of a library, in its order; one with several layouts is several, as when it is indexed."""
    return [prepare_session(recordings, person) for recordings, person in sessions_of(library)]


def sessions_of(library: Library) -> Iterator[tuple[list[Recording], str]]:
    """Recordings of each session, those of one layout at a time, and the person they are of."""
    people = person_ids(library)
    for key in library.sessions():
        groups: dict[Layout, list[Recording]] = {}
        for recording in library.recordings(key):
            groups.setdefault(Layout.of(recording), []).append(recording)
        for recordings in groups.values():
            yield recordings, people[key.dataset, key.subject]


def person_ids(library: Library) -> dict[Subject, str]:
    """Who each subject of a library is, over all data sets: ``<data set>/<person>``."""
    subjects = {(key.dataset, key.subject) for key in library.sessions()}
    return known_persons().ids((*one, library.person_of(*one)) for one in sorted(subjects))
