"""Contraction events while the samples come in: the causal form of ``myosem.segments``.

The same activity, thresholds, hysteresis, merging and length limits, from what is past only. The rest level
of each channel and the session's threshold are learned from the last ten minutes, once a second in the first
minute and then every ten seconds; the local low and high are those of the last ten seconds. Until two
populations of activity have been seen there is no event. How the samples are cut into chunks changes nothing.
Whether a contraction is over is sure only when nothing follows that belongs to it; who cannot wait is told,
if asked for, at its first silent frame.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.signal import butter, sosfilt, sosfilt_zi

from myosem.errors import UsageError
from myosem.records import Signal
from myosem.segments import (
    EXCESS_DB_S,
    LOCAL_PERCENTILES,
    MERGE_FRAMES,
    MINIMUM_FRAMES,
    SMOOTH_FRAMES,
    activity_db,
    draw_in,
    rest_of_power,
    smooth,
    span_of_frames,
    threshold_db,
    thresholds_db,
)
from myosem.signal import FRAME_S, HIGHPASS_HZ, HOP_S

LOCAL_FRAMES = 200
MEMORY_FRAMES = 12_000
YOUNG_FRAMES, LEARN_YOUNG_FRAMES, LEARN_FRAMES = 1200, 20, 200
AHEAD_FRAMES = SMOOTH_FRAMES // 2
PATIENCE_FRAMES = 20
DRIFT_HZ = 0.5

Power = NDArray[np.float64]


@dataclass(frozen=True)
class LiveEvent:
    """A contraction as far as it is known.

    Attributes:
        start_s: start in seconds from the start of the recording.
        end_s: end in seconds, None while the contraction goes on.
        sure: whether nothing that follows can change this; otherwise it has just fallen silent.
    """

    start_s: float
    end_s: float | None = None
    sure: bool = True


class LiveContractions:
    """Finds contractions in a stream of samples.

    An event is told twice: when it is sure to be one, with its start, and when it has ended, with its
    start and end; one that is over before it is sure is told once. It is sure 0.4 s after its start at the
    earliest, and told at most 1.6 s after its end.

    Args:
        rate_hz: samples per second.
        channels: number of channels.
        signal: ``raw`` EMG or its rectified ``envelope``.
        early: also tell, not sure yet, each time an event that goes on falls silent, 75 ms after that.
    """

    def __init__(self, rate_hz: float, channels: int, signal: Signal = "raw", *, early: bool = False) -> None:
        self._framer = _Framer(rate_hz, channels, signal)
        self._memory = _Memory(channels)
        self._early, self._silent = early, False
        self._tracker = _Tracker()
        self._rate_hz, self._signal = rate_hz, signal
        self._frames = 0

    @property
    def open_event(self) -> LiveEvent | None:
        """The contraction that goes on now, None where there is none."""
        return self._tracker.open_event

    @property
    def rest(self) -> Power:
        """Power of each channel at rest as it is known now ``(C,)``; infinity for a dead one."""
        return self._memory.rest

    @property
    def warm(self) -> bool:
        """Whether rest and contraction have both been heard, so that contractions are found."""
        return self._memory.warm

    def push(self, samples: ArrayLike) -> list[LiveEvent]:
        """Take the next samples ``(T, C)``, any T; what is new about events, in order.

        Raises:
            UsageError: another number of channels, or values that are not finite.
        """
        told: list[LiveEvent] = []
        for power in self._framer.push(samples):
            self._memory.append(power)
            self._frames += 1
            if self._frames > AHEAD_FRAMES:
                told += self._judge(AHEAD_FRAMES)
                told += self._fell_silent()
        return told

    def _fell_silent(self) -> list[LiveEvent]:
        """The open event, if the newest frame is the first that is silent."""
        before, self._silent = self._silent, not self._memory.loud
        event = self.open_event
        if not self._early or event is None or before or not self._silent:
            return []
        return [LiveEvent(event.start_s, (self._frames - 0.5) * HOP_S, sure=False)]

    def finish(self) -> list[LiveEvent]:
        """End the recording; what is new about its events. The next samples start another at 0 s.

        What was learned about rest is kept: electrodes stay where they are between recordings of a session.
        """
        told: list[LiveEvent] = []
        for behind in reversed(range(min(AHEAD_FRAMES, self._frames))):
            told += self._judge(behind)
        told += self._tracker.finish(self._framer.duration_s)
        self._framer = _Framer(self._rate_hz, self._memory.channels, self._signal)
        self._tracker = _Tracker()
        self._frames, self._silent = 0, False
        return told

    def _judge(self, behind: int) -> list[LiveEvent]:
        """Decide about the frame that is so many frames behind the newest."""
        return self._tracker.step(*self._memory.judge(behind))


class _Framer:
    """Samples in, power of each frame ``(C,)`` out, as ``myosem.signal.to_frames`` but causal."""

    def __init__(self, rate_hz: float, channels: int, signal: Signal) -> None:
        self._rate_hz, self._channels = rate_hz, channels
        self._length, self._hop = max(round(FRAME_S * rate_hz), 1), HOP_S * rate_hz
        self._sos = None if signal == "envelope" else _highpass(rate_hz)
        self._state: NDArray[np.float64] | None = None
        self._waiting = np.empty((0, channels))
        self._first = 0
        self._frames = 0

    @property
    def duration_s(self) -> float:
        return (self._first + len(self._waiting)) / self._rate_hz

    def push(self, samples: ArrayLike) -> list[Power]:
        chunk = np.asarray(samples, dtype=np.float64)
        if chunk.ndim != 2 or chunk.shape[1] != self._channels:
            raise UsageError(
                "the samples do not fit the stream",
                got=f"shape {chunk.shape}",
                expected=f"(samples, {self._channels})",
            )
        if not np.isfinite(chunk).all():
            raise UsageError(
                "the samples cannot be used", got="values that are not finite", expected="finite numbers"
            )
        self._waiting = np.concatenate([self._waiting, self._filter(chunk)])
        found = []
        while (start := round(self._frames * self._hop) - self._first) + self._length <= len(self._waiting):
            found.append((self._waiting[start : start + self._length] ** 2).mean(axis=0))
            self._frames += 1
        done = min(max(round(self._frames * self._hop) - self._first, 0), len(self._waiting))
        self._waiting, self._first = self._waiting[done:], self._first + done
        return found

    def _filter(self, chunk: NDArray[np.float64]) -> NDArray[np.float64]:
        if self._sos is None or not len(chunk):
            return chunk
        if self._state is None:  # as if the first sample had been there for ever
            self._state = sosfilt_zi(self._sos)[:, :, None] * chunk[0]
        filtered, self._state = sosfilt(self._sos, chunk, axis=0, zi=self._state)
        return np.asarray(filtered)


def _highpass(rate_hz: float) -> NDArray[np.float64]:
    """As steep as the filter of ``myosem.signal``, which runs both ways; for low rates only against drift."""
    if rate_hz <= 4 * HIGHPASS_HZ:
        return np.asarray(butter(1, DRIFT_HZ, "highpass", fs=rate_hz, output="sos"))
    return np.tile(butter(2, HIGHPASS_HZ, "highpass", fs=rate_hz, output="sos"), (2, 1))


class _Memory:
    """The power of the last ten minutes of frames and what follows from it."""

    def __init__(self, channels: int) -> None:
        self.channels = channels
        self._power = np.empty((2 * MEMORY_FRAMES, channels))
        self._level = np.empty(2 * MEMORY_FRAMES)
        self._count = 0
        self._seen = 0
        self.rest: Power = np.full(channels, np.inf)
        self.loud = False
        """Whether the newest frame alone is where a contraction would be entered."""
        self._session_db = np.inf

    @property
    def warm(self) -> bool:
        return bool(np.isfinite(self._session_db))

    def append(self, power: Power) -> None:
        if self._count == len(self._power):
            for values in (self._power, self._level):
                values[:MEMORY_FRAMES] = values[MEMORY_FRAMES:]
            self._count = MEMORY_FRAMES
        self._power[self._count] = power
        self._level[self._count] = activity_db(power[None], self.rest)[0]
        self._count += 1
        self._seen += 1
        if self._seen % (LEARN_YOUNG_FRAMES if self._seen <= YOUNG_FRAMES else LEARN_FRAMES) == 0:
            self._learn()

    def _learn(self) -> None:
        past = self._last(MEMORY_FRAMES)
        self.rest = rest_of_power(self._power[past])
        self._level[past] = activity_db(self._power[past], self.rest)
        found = threshold_db(smooth(self._level[past]))
        self._session_db = found if np.isfinite(found) else np.inf

    def _last(self, frames: int) -> slice:
        return slice(max(self._count - frames, 0), self._count)

    def judge(self, behind: int) -> tuple[bool, float, bool]:
        """Whether a frame is loud enough to go on, by how many dB to start, and whether unsmoothed too."""
        level = self._level[self._last(LOCAL_FRAMES + AHEAD_FRAMES)]
        at = len(level) - 1 - behind
        smoothed = smooth(level)
        ordered = np.sort(smoothed[max(at + 1 - LOCAL_FRAMES, 0) : at + 1])
        low, high = (ordered[[len(ordered) * percentile // 100]] for percentile in LOCAL_PERCENTILES)
        [enter], [leave] = thresholds_db(low, high, self._session_db)
        self.loud = bool(level[-1] > enter)
        return bool(smoothed[at] > leave), max(float(smoothed[at] - enter), 0.0), bool(level[at] > enter)


@dataclass
class _Run:
    """Frames from ``first`` to before ``last`` that may be a contraction."""

    first: int
    last: int
    excess: float = 0.0
    told: bool = False


@dataclass
class _Tracker:
    """Hysteresis, merging and length limits, frame by frame.

    ``run`` is the stretch above the lower threshold that goes on now; ``event`` the latest one that has
    been above the upper threshold, with all that was merged into it. Both may be the same.
    """

    frame: int = 0
    run: _Run | None = None
    event: _Run | None = None
    above: list[bool] = field(default_factory=list)
    above_first: int = 0

    @property
    def open_event(self) -> LiveEvent | None:
        return LiveEvent(self._span(self.event)[0]) if self.event and self.event.told else None

    def step(self, loose: bool, excess: float, above: bool) -> list[LiveEvent]:
        self.above.append(above)
        told: list[LiveEvent] = []
        if loose:
            self.run = self.run or _Run(self.frame, self.frame)
            self.run.last = self.frame + 1
            self.run.excess += excess
            self._qualify()
        else:
            self.run = None
        self.frame += 1
        if self.event and self.event is not self.run and not self._may_merge(self.event):
            told += self._close(self.event, None)
        if self.event and not self.event.told and self._is_sure(self.event):
            self.event.told = True
            told.append(LiveEvent(self._span(self.event)[0]))
        self._forget()
        return told

    def finish(self, duration_s: float) -> list[LiveEvent]:
        return self._close(self.event, duration_s) if self.event else []

    def _qualify(self) -> None:
        """A run that has been above the upper threshold is an event, or part of the one just before it."""
        if self.run is None or self.run is self.event or not self.run.excess:
            return
        if self.event:
            self.event.last = self.run.last
            self.event.excess += self.run.excess
        self.event = self.run = self.event or self.run

    def _may_merge(self, event: _Run) -> bool:
        """Whether something that follows can still belong to an event; a quiet follower is given a second."""
        if self.run is None:
            return self.frame - event.last < MERGE_FRAMES
        return self.frame - self.run.first < PATIENCE_FRAMES

    def _is_sure(self, event: _Run) -> bool:
        first, _ = self._drawn(event)
        return event.last - AHEAD_FRAMES - first >= MINIMUM_FRAMES and event.excess * HOP_S >= EXCESS_DB_S

    def _drawn(self, event: _Run) -> tuple[int, int]:
        offset = self.above_first
        run = event.first - offset, event.last - offset
        first, last = draw_in(run, self.above)
        return first + offset, last + offset

    def _span(self, event: _Run, duration_s: float | None = None) -> tuple[float, float]:
        count = self.frame if duration_s is not None else self.frame + 1
        return span_of_frames(self._drawn(event), count, duration_s if duration_s is not None else np.inf)

    def _close(self, event: _Run, duration_s: float | None) -> list[LiveEvent]:
        self.event = None
        first, last = self._drawn(event)
        if last - first < MINIMUM_FRAMES or event.excess * HOP_S < EXCESS_DB_S:
            return []
        return [LiveEvent(*self._span(event, duration_s))]

    def _forget(self) -> None:
        """Keep only the frames that edges are still drawn in from."""
        runs: Sequence[_Run] = [one for one in (self.event, self.run) if one]
        needed = min((one.first for one in runs), default=self.frame)
        del self.above[: needed - self.above_first]
        self.above_first = needed
