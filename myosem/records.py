"""What readers hand over and what everything else works on: recordings, spans, segments.

Arrays are ``(T, C)`` float32 unless a docstring says otherwise: T samples, C channels. Times are
seconds from the start of the recording. Angles go round the forearm in degrees: 0 the middle of the
palm side, 90 the ulnar (little finger) side, 180 the back, 270 the radial (thumb) side.
"""

import hashlib
import math
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from myosem.errors import SourceError

Signal = Literal["raw", "envelope"]
SegmentKind = Literal["contraction", "rest"]


@dataclass(frozen=True)
class Channel:
    """One electrode (pair).

    Attributes:
        name: as the source names it, or ``ch1``, ``ch2``, ...
        angle_deg: place round the limb, None where unknown. See ``Recording.anchored``.
        along_mm: place along the limb from the elbow towards the hand, None where unknown.
    """

    name: str
    angle_deg: float | None = None
    along_mm: float | None = None


@dataclass(frozen=True)
class Span:
    """A labelled stretch of a recording.

    Attributes:
        start_s: start in seconds.
        end_s: end in seconds.
        label: the label as the data set writes it.
        action: the id of the same action in ``myosem.prompts``, None where it has no entry.
        effort: level of effort as the data set writes it ("light"), None where unknown.
        repetition: which repetition, counted from 0, None where unknown.
    """

    start_s: float
    end_s: float
    label: str
    action: str | None = None
    effort: str | None = None
    repetition: int | None = None


class Layout(NamedTuple):
    """What the recordings of a session must share to be encoded together."""

    rate_hz: float
    signal: Signal
    channels: tuple[Channel, ...]

    @classmethod
    def of(cls, recording: Any) -> "Layout":
        """That of a ``Recording``, or of whatever else has its fields."""
        return cls(*(getattr(recording, name) for name in cls._fields))


@dataclass(frozen=True)
class Recording:
    """One stretch of multi-channel EMG; read-only.

    Attributes:
        samples: ``(T, C)``, the numbers of the source in their own type (integer or float), not
            writeable, possibly memory-mapped.
        rate_hz: samples per second.
        channels: C channels.
        dataset: the data set or format it belongs to, e.g. ``myo_up``.
        subject: the data set's own name for the person, e.g. ``s1``. Never a real name.
        session: what was recorded without taking the electrodes off, unique within the subject.
        name: the recording's name, unique within the session.
        source: the path as given; for a file inside an archive ``archive.zip!inner/path``.
        unit: of the samples: ``V``, ``mV``, ``uV``, ``adc`` or ``1``.
        signal: ``raw`` EMG or its rectified ``envelope``.
        band_hz: the band the device passes, None where unknown.
        anchored: whether the channels' angles are anatomical; if not they are known up to a rotation.
        spans: labelled stretches in order of time; empty where nothing is labelled.
        simulated: whether the forearm simulator made it.
        notes: what a reader had to mend or leave out, one sentence each.
    """

    samples: NDArray[np.generic]
    rate_hz: float
    channels: tuple[Channel, ...]
    dataset: str
    subject: str
    session: str
    name: str
    source: str
    unit: str = "1"
    signal: Signal = "raw"
    band_hz: tuple[float, float] | None = None
    anchored: bool = False
    spans: tuple[Span, ...] = ()
    simulated: bool = False
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if self.samples.ndim != 2 or self.samples.shape[1] != len(self.channels):
            raise SourceError(
                f"{self.source}: the samples do not fit the channels",
                got=f"shape {self.samples.shape} for {len(self.channels)} channels",
                expected="(samples, channels)",
            )
        if not (math.isfinite(self.rate_hz) and self.rate_hz > 0):
            raise SourceError(
                f"{self.source}: the rate is not usable", got=self.rate_hz, expected="a rate in Hz above 0"
            )
        self.samples.flags.writeable = False

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return float(self.samples.shape[0] / self.rate_hz)

    @property
    def content_hash(self) -> str:
        """32 hexadecimal digits that identify samples, type, shape and rate, and nothing else."""
        digest = hashlib.sha256(f"{self.samples.dtype.str} {self.samples.shape} {self.rate_hz}".encode())
        digest.update(np.ascontiguousarray(self.samples).data)
        return digest.hexdigest()[:32]

    def between(self, start_s: float, end_s: float) -> NDArray[np.float32]:
        """The samples from ``start_s`` to ``end_s`` as ``(T, C)`` float32."""
        first, last = round(start_s * self.rate_hz), round(end_s * self.rate_hz)
        return np.asarray(self.samples[max(first, 0) : last], dtype=np.float32)


@dataclass(frozen=True)
class Segment:
    """A stretch found from the signal alone; the unit that is embedded and searched.

    Attributes:
        recording: position of its recording in the session it was found in.
        start_s: start in seconds within the recording.
        end_s: end in seconds within the recording.
        kind: ``contraction`` or ``rest``.
    """

    recording: int
    start_s: float
    end_s: float
    kind: SegmentKind


def dead_channels(samples: NDArray[np.generic]) -> list[int]:
    """Positions of the channels of ``(T, C)`` samples that never change."""
    return [int(c) for c in np.flatnonzero(np.ptp(samples, axis=0) == 0)]


def check_recording(recording: Recording) -> None:
    """Refuse what no encoder can use.

    Raises:
        SourceError: no samples, values that are not finite, or no channel that changes.
    """
    samples, source = recording.samples, recording.source
    if samples.shape[0] == 0 or samples.shape[1] == 0:
        raise SourceError(
            f"{source}: no samples",
            got=f"shape {samples.shape}",
            expected="at least one sample and one channel",
        )
    if np.issubdtype(samples.dtype, np.floating):
        bad = ~np.isfinite(samples)
        if bad.any():
            first_t, first_c = np.argwhere(bad)[0]
            raise SourceError(
                f"{source}: {int(bad.sum())} values are not finite",
                got=f"{samples[first_t, first_c]} at {first_t / recording.rate_hz:.3f} s "
                f"in channel {recording.channels[first_c].name}",
                expected="finite numbers",
                hint="cut or interpolate these stretches, then ingest the file again",
            )
    if len(dead_channels(samples)) == samples.shape[1]:
        raise SourceError(
            f"{source}: no channel ever changes",
            got=f"{samples.shape[1]} constant channels",
            expected="EMG in at least one channel",
        )
