"""EPN-612: six hand gestures of 612 people with a Myo (Benalcázar et al., Zenodo 4421500).

The two halves number their people alike: user 1 of ``trainingJSON`` is not user 1 of ``testingJSON``. The
gestures that only synchronise a session are left out.
"""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myosem.errors import SourceError
from myosem.readers.base import PathReader, SourceFile, natural, reason
from myosem.readers.parse import Label, as_int8, ring, runs
from myosem.records import Recording, Span

RATE_HZ = 200.0
PARTS = ("trainingSamples", "testingSamples")
MOST_UNEVEN = 10
REST: Label = ("noGesture", "rest")
GESTURES: dict[str, Label] = {
    "noGesture": REST,
    "fist": ("fist", "fist"),
    "waveIn": ("waveIn", "wrist-flexion"),
    "waveOut": ("waveOut", "wrist-extension"),
    "open": ("open", "open-hand"),
    "pinch": ("pinch", "two-finger-pinch"),
}


class Epn612(PathReader):
    """A person a file: up to 300 recordings of about 5 s, with the gesture somewhere in the middle."""

    name = "epn612"
    description = "EPN-612: 5 gestures and none, 612 people, 8 x 200 Hz (Myo)"
    layout = "<trainingJSON or testingJSON>/user<n>/user<n>.json"
    pattern = r"(?P<half>training|testing)JSON/(?P<subject>user\d+)/(?P=subject)\.json"

    def read(self, file: SourceFile) -> Iterator[Recording]:
        """One recording a sample; those of the testing half's second part carry no labels."""
        at = self.fields(file)
        content = _content(file)
        rate = _part(file, content, "generalInfo").get("samplingFrequencyInHertz")
        if rate != RATE_HZ:
            raise SourceError(f"{file.source}: the rate does not fit", got=rate, expected=f"{RATE_HZ:g} Hz")
        seen: Counter[str] = Counter()
        for part in PARTS:
            samples = _part(file, content, part)
            for key in sorted(samples, key=natural):
                where = f"{part}.{key}"
                sample = _part(file, samples, key, where)
                emg, notes = _emg(file, sample, where)
                gesture = _gesture(file, sample, where)
                spans, more = (
                    ((), ()) if gesture is None else _spans(sample, gesture, len(emg), seen[gesture])
                )
                seen[gesture or ""] += 1
                yield Recording(
                    samples=emg,
                    rate_hz=RATE_HZ,
                    channels=ring(8),
                    dataset=self.name,
                    subject=f"{at['half']}-{at['subject']}",
                    session="1",
                    name=f"{part.removesuffix('Samples')}-{key.removeprefix('idx_')}",
                    source=file.source,
                    unit="adc",
                    spans=spans,
                    notes=(*notes, *more),
                )


def _content(file: SourceFile) -> dict[str, Any]:
    try:
        content = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{file.source}: not JSON", got=reason(error)) from error
    if not isinstance(content, dict):
        raise SourceError(f"{file.source}: not a recording of EPN-612", got=type(content).__name__)
    return content


def _part(file: SourceFile, parent: dict[str, Any], key: str, where: str = "") -> dict[str, Any]:
    value = parent.get(key)
    if not isinstance(value, dict):
        raise SourceError(
            f"{file.source}: {where or key} is missing or of another kind",
            got="nothing" if value is None else type(value).__name__,
            expected="an object",
        )
    return value


def _emg(file: SourceFile, sample: dict[str, Any], where: str) -> tuple[NDArray[np.int8], tuple[str, ...]]:
    """``(T, 8)`` codes; channels of a sample that end early cut the others."""
    emg = _part(file, sample, "emg", f"{where}.emg")
    channels: list[Any] = [emg.get(f"ch{i + 1}") for i in range(8)]
    if not all(
        isinstance(values, list) and values and set(map(type, values)) == {int} for values in channels
    ):
        raise SourceError(
            f"{file.source}: {where}.emg does not fit", expected="ch1 to ch8, lists of integers"
        )
    lengths = [len(values) for values in channels]
    length = min(lengths)
    if max(lengths) - length > MOST_UNEVEN:
        raise SourceError(f"{file.source}: the channels of {where} differ in length", got=lengths)
    if any(not -128 <= value <= 127 for values in channels for value in values):
        raise SourceError(f"{file.source}: a value of {where}.emg is out of range", expected="-128 to 127")
    table = np.array([values[:length] for values in channels])
    notes = (f"Channels of unequal length were cut to {length} samples.",) if max(lengths) > length else ()
    return np.ascontiguousarray(as_int8(file, table.T)), notes


def _gesture(file: SourceFile, sample: dict[str, Any], where: str) -> str | None:
    gesture = sample.get("gestureName")
    if gesture is None:
        return None
    if not isinstance(gesture, str) or gesture not in GESTURES:
        raise SourceError(
            f"{file.source}: a gesture of {where} is not known", got=gesture, expected=list(GESTURES)
        )
    return gesture


def _spans(
    sample: dict[str, Any], gesture: str, length: int, repetition: int
) -> tuple[tuple[Span, ...], tuple[str, ...]]:
    """The gesture where the ground truth has it, rest around it; without one, from its start to the end."""
    text, action = GESTURES[gesture]
    truth = sample.get("groundTruth")
    if gesture == "noGesture":
        return (Span(0.0, length / RATE_HZ, text, action, repetition=repetition),), ()
    if isinstance(truth, list) and set(map(type, truth)) == {int} and set(truth) in ({0, 1}, {1}):
        spans = []
        for first, last, value in runs(np.array(truth[:length], dtype=np.int8)):
            label, its_action = GESTURES[gesture] if value else REST
            spans.append(Span(first / RATE_HZ, last / RATE_HZ, label, its_action, repetition=repetition))
        return tuple(spans), ()
    start = sample.get("startPointforGestureExecution")
    first = start - 1 if isinstance(start, int) and 1 <= start < length else 0
    note = "There is no ground truth: the gesture is taken to last from its start to the end."
    return (Span(first / RATE_HZ, length / RATE_HZ, text, action, repetition=repetition),), (note,)


READER = Epn612()
