"""EMG from Lab Streaming Layer: which streams there are, what one says of itself, its samples as they come.

Time stamps are brought onto this computer's clock. Samples are counted, so jitter of the stamps moves
nothing; half a second that is missing is a gap. A stream that says no rate, or another than it delivers, is
measured.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myosem.errors import MissingExtraError, StreamError
from myosem.extras import require_stream
from myosem.records import Channel, Recording
from myosem.streaming import GAP_S, Chunk

LOOK_S = 2.0
PROBE_S = 2.0
LOST_S = 5.0
PULL_S, MOST_SAMPLES = 0.2, 16_384
WRONG_RATE = 0.05
"""Share by which a measured rate may differ from the one that a stream says it has."""
LEAST_RATE_HZ = 20.0
UNITS = {
    **dict.fromkeys(("v", "volt", "volts"), "V"),
    **dict.fromkeys(("mv", "millivolt", "millivolts"), "mV"),
    **dict.fromkeys(("uv", "µv", "μv", "microvolt", "microvolts"), "uV"),
}


def open_stream(name: str | None = None, look_s: float = LOOK_S) -> "LslStream":
    """Find and open a stream.

    Args:
        name: its name or source id; by default the only one of type EMG there is.
        look_s: how long to look for it, in seconds.

    Raises:
        MissingExtraError: pylsl or the library beneath it is missing.
        StreamError: there is no such stream, or several.
    """
    lsl = _pylsl()
    found = lsl.resolve_streams(look_s)
    if name is None:
        chosen = [one for one in found if one.type().upper() == "EMG"]
    else:
        chosen = [one for one in found if name in (one.name(), one.source_id())]
    if len(chosen) != 1:
        raise StreamError(
            f"there are {len(chosen)} streams {'of type EMG' if name is None else f'called {name!r}'}",
            expected="one",
            exists=[f"{one.name()} ({one.type()}, {one.source_id() or 'no id'})" for one in found],
            hint="start the device's LSL app, or name a stream: myosem stream NAME",
        )
    return LslStream(chosen[0])


class LslStream:
    """An open stream.

    Args:
        info: as it was found.

    Raises:
        StreamError: it carries text, has no usable rate, or does not answer.
    """

    def __init__(self, info: Any) -> None:
        lsl = _pylsl()
        self._lost = lsl.util.LostError
        self.clock = lsl.local_clock
        """Tells the time in seconds on the clock of the chunks."""
        if info.channel_format() == lsl.cf_string:
            raise StreamError(f"the stream {info.name()} carries text", expected="numbers")
        self._inlet = lsl.StreamInlet(info, recover=False, processing_flags=lsl.proc_clocksync)
        self._name = info.name()
        try:
            self._inlet.open_stream(LOST_S)
            full = self._inlet.info(LOST_S)
        except (self._lost, lsl.util.TimeoutError, RuntimeError) as error:
            raise StreamError(f"the stream {self._name} does not answer", got=error) from error
        self.notes: list[str] = []
        """What is odd about it, one sentence each."""
        self._used = _used_channels(full, self.notes)
        self._waiting, self._stamps = self._probe()
        rate_hz = self._rate(float(full.nominal_srate()))
        self.about = _about(full, self._used, rate_hz)
        """The stream as a recording without samples."""

    def chunks(self) -> Iterator[Chunk]:
        """Samples as they come.

        Raises:
            StreamError: the stream is lost, or is silent for five seconds.
        """
        rate_hz = self.about.rate_hz
        first = origin = float(self._stamps[0])
        count = 0
        samples, stamps = self._waiting, self._stamps
        while True:
            began = float(stamps[-1]) - (len(stamps) - 1) / rate_hz
            if began - (origin + count / rate_hz) > GAP_S:
                origin, count = began, 0
            start_s = origin - first + count / rate_hz
            count += len(samples)
            yield Chunk(samples, start_s, min(float(stamps[-1]), self.clock()))
            samples, stamps = self._pull()

    def _probe(self) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """The first two seconds, to measure the rate in."""
        parts = [self._pull()]
        until = self.clock() + PROBE_S
        while self.clock() < until:
            parts.append(self._pull())
        samples, stamps = (np.concatenate(own) for own in zip(*parts, strict=True))
        return samples, stamps

    def _pull(self) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        until = self.clock() + LOST_S
        while self.clock() < until:
            try:
                samples, stamps = self._inlet.pull_chunk(
                    PULL_S, max_samples=MOST_SAMPLES, min_samples=1, as_numpy=True
                )
            except self._lost as error:
                raise StreamError(
                    f"the stream {self._name} is lost", hint="look at the device and its app"
                ) from error
            if len(stamps):
                return np.asarray(samples, dtype=np.float32)[:, self._used], np.asarray(stamps)
        raise StreamError(
            f"the stream {self._name} is silent", got=f"no sample in {LOST_S:.0f} s", expected="EMG"
        )

    def _rate(self, said_hz: float) -> float:
        """The rate as said, or as measured where that is none or wrong."""
        taken_s = float(self._stamps[-1] - self._stamps[0])
        measured_hz = (len(self._stamps) - 1) / taken_s if taken_s > PROBE_S / 2 else 0.0
        if said_hz and abs(measured_hz / said_hz - 1) <= WRONG_RATE:
            return said_hz
        if measured_hz < LEAST_RATE_HZ:
            raise StreamError(
                f"the stream {self._name} is too slow for EMG",
                got=f"{measured_hz:.1f} samples a second",
                expected=f"at least {LEAST_RATE_HZ:.0f}",
            )
        said = f"says {said_hz:g} Hz" if said_hz else "says no rate"
        self.notes.append(f"the stream {said} and delivers {measured_hz:.1f} Hz, which is taken")
        return round(measured_hz, 1)


def _pylsl() -> Any:
    require_stream()
    try:
        import pylsl  # type: ignore[import-untyped]
    except (ImportError, OSError, RuntimeError) as error:
        raise MissingExtraError(
            "the library of Lab Streaming Layer cannot be loaded", got=error, hint="install liblsl"
        ) from error
    return pylsl


def _described(info: Any, wanted: str) -> list[str]:
    """One text a channel from the stream's description; empty where it says nothing."""
    count = info.channel_count()
    channel = info.desc().child("channels").child("channel")
    texts: list[str] = []
    while not channel.empty() and len(texts) < count:
        texts.append(channel.child_value(wanted).strip())
        channel = channel.next_sibling("channel")
    return texts + [""] * (count - len(texts))


def _used_channels(info: Any, notes: list[str]) -> list[int]:
    """Those that say they are EMG; all of them where none says so."""
    kinds = [kind.upper() for kind in _described(info, "type")]
    used = [number for number, kind in enumerate(kinds) if kind == "EMG"]
    if used and len(used) < len(kinds):
        notes.append(f"{len(used)} of {len(kinds)} channels are EMG; the others are left out")
    return used or list(range(len(kinds)))


def _about(info: Any, used: Sequence[int], rate_hz: float) -> Recording:
    labels, units = _described(info, "label"), _described(info, "unit")
    said = {UNITS.get(units[number].lower(), "1") for number in used}
    return Recording(
        samples=np.zeros((0, len(used)), dtype=np.float32),
        rate_hz=rate_hz,
        channels=tuple(Channel(labels[number] or f"ch{number + 1}") for number in used),
        dataset="live",
        subject="unknown",
        session="1",
        name=info.name(),
        source=f"lsl:{info.name()}",
        unit=said.pop() if len(said) == 1 else "1",
    )
