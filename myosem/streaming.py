"""A live stream in, an answer to each contraction out: as it ends, and again when its end is sure.

Contractions are found by ``myosem.live`` and read in the context of the stream's past (``myosem.past``).
Nothing here knows where samples come from or waits for them: chunks of any size go in, and how they are cut
changes no answer, only how late it is.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from time import monotonic, sleep
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from myosem.errors import UsageError
from myosem.features import WIDTH
from myosem.labelling import Candidates
from myosem.live import LiveContractions, LiveEvent
from myosem.past import MOST_SEGMENTS, Buffer, Past
from myosem.prompts import load_actions
from myosem.records import Recording
from myosem.segments import REST_EVERY_S, REST_LENGTH_S, REST_MARGIN_S, REST_MINIMUM_S
from myosem.signal import FRAME_S, HOP_S

if TYPE_CHECKING:
    from myosem.model import Model

GAP_S = 0.5
"""Seconds that may be missing before the stream counts as broken."""
SETTLED_S = 2.0
"""A contraction is told of at the latest this long after its start."""

DIGITS = 6

Clock = Callable[[], float]
Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Chunk:
    """Samples that came together.

    Attributes:
        samples: ``(T, C)``.
        start_s: of the first one, in seconds since the start of the stream.
        arrived: when the last one was measured, on the clock of the stream.
    """

    samples: NDArray[np.generic]
    start_s: float
    arrived: float


@dataclass(frozen=True)
class Answer:
    """What a contraction is.

    Attributes:
        event: its number in the stream, from 1; several answers may follow one another about one event.
        sure: whether its end is certain; otherwise it has just fallen silent, and may go on.
        start_s: in seconds since the start of the stream.
        end_s: in seconds since the start of the stream.
        label: the candidate, or else the name of the likeliest action; None where nothing fits.
        action: id of the likeliest action; None where there are candidates.
        text: one sentence about this action; None where there are candidates.
        score: probability of the candidate, or that it is none of them; else the cosine with the action.
        context: how many earlier segments it was read beside.
        detector_ms: how much of the stream after ``end_s`` it took to tell, in milliseconds.
        latency_ms: from ``end_s`` until this answer was there, in milliseconds.
    """

    event: int
    sure: bool
    start_s: float
    end_s: float
    label: str | None
    action: str | None
    text: str | None
    score: float
    context: int
    detector_ms: float
    latency_ms: float


def replay(
    recording: Recording,
    speed: float = 1.0,
    chunk_s: float = HOP_S,
    *,
    clock: Clock = monotonic,
    wait: Callable[[float], None] = sleep,
) -> Iterator[Chunk]:
    """A recording as if it were live.

    Args:
        recording: what is replayed.
        speed: how many times as fast as it was recorded; 0 for as fast as it is taken.
        chunk_s: length of a chunk in seconds.
        clock: tells the time in seconds.
        wait: waits for some seconds.
    """
    step = max(round(chunk_s * recording.rate_hz), 1)
    began = clock()
    for first in range(0, len(recording.samples), step):
        samples = recording.samples[first : first + step]
        due = began + (first + len(samples)) / recording.rate_hz / speed if speed else clock()
        if (early := due - clock()) > 0:
            wait(early)
        yield Chunk(samples, first / recording.rate_hz, due)


def without_samples(recording: Recording) -> Recording:
    """What is known of a recording before it begins."""
    samples = np.zeros((0, len(recording.channels)), dtype=np.float32)
    return replace(recording, samples=samples, spans=(), notes=())


def listen(chunks: Iterable[Chunk], listener: "Listener") -> Iterator[Answer]:
    """All answers to a stream, until it ends."""
    for chunk in chunks:
        yield from listener.push(chunk)
    yield from listener.finish()


class Listener:
    """Answers to the contractions of one stream.

    Args:
        about: the stream as a recording without samples.
        model: an open model.
        candidates: phrases to choose from; by default all actions that the model knows.
        most: how many segments of the past are remembered.
        clock: tells the time in seconds, as that of ``Chunk.arrived`` does.
    """

    def __init__(
        self,
        about: Recording,
        model: "Model",
        candidates: Sequence[str] = (),
        *,
        most: int = MOST_SEGMENTS,
        clock: Clock = monotonic,
    ) -> None:
        self.about = about
        self._names = _Names(model, candidates)
        self._past = Past(model, most)
        self._clock = clock
        self._detector = LiveContractions(about.rate_hz, len(about.channels), about.signal, early=True)
        self._events = 0
        self._chunk_s, self._arrived = 0.0, 0.0
        self._begin(0.0)

    @property
    def warm(self) -> bool:
        """Whether rest and contraction have both been heard, so that contractions are found."""
        return self._detector.warm

    @property
    def heard_s(self) -> float:
        """How much of the stream there has been, in seconds since its start."""
        return self._origin_s + self._buffer.heard_s

    @property
    def unrelated(self) -> list[str]:
        """Candidates that are about no action; nothing is called that."""
        return self._names.unrelated

    def prepare(self) -> None:
        """Open everything of the model that an answer needs, which takes a second or two."""
        features = np.zeros((2, WIDTH), dtype=np.float32)
        self._names(self._names.model.encode_session(features)[:1])

    def remember(self, recording: Recording) -> None:
        """Hear an earlier recording of the same session first: its rest, and its segments as context.

        Raises:
            UsageError: it has another rate or other channels than the stream.
        """
        for name in ("rate_hz", "signal"):
            _must_fit(name, getattr(recording, name), getattr(self.about, name))
        _must_fit("number of channels", len(recording.channels), len(self.about.channels))
        for _ in listen(replay(recording, 0, clock=self._clock), self):
            pass
        self._begin(0.0)
        self._events = 0

    def push(self, chunk: Chunk) -> Iterator[Answer]:
        """Take the next chunk. What was heard is learned from when the next answer is asked for.

        Raises:
            UsageError: another number of channels, or values that are not finite.
        """
        if abs(chunk.start_s - self.heard_s) > GAP_S:
            yield from self.finish()
            self._begin(chunk.start_s)
        samples = np.asarray(chunk.samples, dtype=np.float32)
        self._arrived = chunk.arrived
        self._chunk_s = self._buffer.heard_s + len(samples) / self.about.rate_hz
        first = 0
        while first < len(samples):
            part = samples[first : first + self._until_next_frame()]
            first += len(part)
            told = self._detector.push(part)
            self._buffer.append(part)
            yield from self._answers(told)
            self._remember_silence()

    def finish(self) -> Iterator[Answer]:
        """End the stream, or an unbroken part of it."""
        self._chunk_s = self._buffer.heard_s
        yield from self._answers(self._detector.finish())

    def _begin(self, origin_s: float) -> None:
        self._origin_s = origin_s
        self._buffer = Buffer(self.about)
        self._frame = 0
        self._open = False
        self._silent_s: float | None = None

    def _until_next_frame(self) -> int:
        """Samples to the end of the next frame; so an answer does not depend on how chunks are cut."""
        hop, length = HOP_S * self.about.rate_hz, max(round(FRAME_S * self.about.rate_hz), 1)
        while (end := round(self._frame * hop) + length) <= self._buffer.count:
            self._frame += 1
        return end - self._buffer.count

    def _answers(self, told: Sequence[LiveEvent]) -> Iterator[Answer]:
        for event in told:
            if not self._open:
                self._events += 1
                self._remember_rest(event.start_s - REST_MARGIN_S)
            self._open = event.end_s is None or not event.sure
            if event.end_s is None:
                continue
            heard = self._buffer.around(event.start_s, event.end_s, "contraction")
            yield self._answer(event, event.end_s, self._past.read(heard, self._detector.rest))
            if event.sure:
                self._silent_s = event.end_s + REST_MARGIN_S
                self._past.add(heard)
                self._past.learn(self._detector.rest)

    def _answer(self, event: LiveEvent, end_s: float, vector: Vectors) -> Answer:
        label, action, text, score = self._names(vector)
        detector_s, chunk_s = self._buffer.heard_s - end_s, self._chunk_s - end_s
        return Answer(
            event=self._events,
            sure=event.sure,
            start_s=round(self._origin_s + event.start_s, DIGITS),
            end_s=round(self._origin_s + end_s, DIGITS),
            label=label,
            action=action,
            text=text,
            score=round(score, DIGITS),
            context=self._past.learned,
            detector_ms=round(1000 * detector_s, 1),
            latency_ms=round(1000 * (chunk_s + self._clock() - self._arrived), 1),
        )

    def _remember_silence(self) -> None:
        """A stretch from each ten seconds of a silence, once it is sure that nothing has begun in them."""
        heard_s = self._buffer.heard_s
        if self._open or not self.warm:
            return
        if self._silent_s is None:
            self._silent_s = heard_s
        elif heard_s - self._silent_s > REST_EVERY_S + SETTLED_S:
            silent_s = self._silent_s
            self._remember_rest(silent_s + REST_EVERY_S)
            self._silent_s = silent_s + REST_EVERY_S

    def _remember_rest(self, end_s: float) -> None:
        """A stretch from the middle of the silence that ends here, if it is long enough."""
        start_s, self._silent_s = self._silent_s, None
        if start_s is None or end_s - start_s < REST_MINIMUM_S:
            return
        middle, half = (start_s + end_s) / 2, min(REST_LENGTH_S, end_s - start_s) / 2
        self._past.add(self._buffer.around(middle - half, middle + half, "rest"))


def _must_fit(what: str, got: object, expected: object) -> None:
    if got != expected:
        raise UsageError(
            f"an earlier recording has another {what} than the stream", got=got, expected=expected
        )


class _Names:
    """What to call a vector: one of the candidates, or the likeliest action."""

    def __init__(self, model: "Model", candidates: Sequence[str]) -> None:
        self.model = model
        self._candidates = Candidates(model, candidates) if candidates else None

    @property
    def unrelated(self) -> list[str]:
        if self._candidates is None:
            return []
        phrases = zip(self._candidates.phrases, self._candidates.related, strict=True)
        return [phrase for phrase, related in phrases if not related]

    def __call__(self, vector: Vectors) -> tuple[str | None, str | None, str | None, float]:
        """Label, action, its sentence, score; for ``(1, D)``."""
        if self._candidates is not None:
            [winner], [score] = self._candidates.choose(vector)
            return None if winner < 0 else self._candidates.phrases[winner], None, None, score
        scores = (vector @ self.model.action_vectors.T)[0]
        best = int(scores.argmax())
        action = load_actions()[self.model.actions[best]]
        return action.names[0], action.id, action.views["plain"][0], float(scores[best])
