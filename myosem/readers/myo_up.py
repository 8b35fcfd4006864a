"""MyoUP: NinaPro's finger movements, hand shapes and grasps with a Myo (Tsagkas et al., IISA 2019)."""

import hashlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from myosem.errors import KnownBadError, SourceError
from myosem.readers.base import PathReader, SourceFile
from myosem.readers.mat import load_mat
from myosem.readers.parse import Label, as_int8, numbers, ring, runs
from myosem.records import Recording, Span

RATE_HZ = 200.0
REPETITIONS = 5
S8E2_SHA256 = "bef3b4a8445e9561d36fb4289f00dc3ebf5060638d86523f4c7a9864be156fcb"
REST: Label = ("rest", "rest")
GESTURES: dict[str, tuple[Label, ...]] = {
    "1": (
        ("index finger flexion", "index-flexion"),
        ("index finger extension", "index-extension"),
        ("ring finger extension", "ring-extension"),
        ("thumb extension", "thumb-extension"),
        ("thumb flexion", "thumb-flexion"),
    ),
    "2": (
        ("thumb up", "thumbs-up"),
        ("extension of index and middle", "index-middle-extension"),
        ("extension of index, middle and thumb", "index-middle-thumb-extension"),
        ("abduction of fingers with thumb flexion", "thumb-little-opposition"),
        ("abduction of all fingers", "finger-abduction"),
        ("fist", "fist"),
        ("pointing with index finger", "point"),
        ("adduction of fingers", "finger-adduction"),
        ("wrist extension", "wrist-extension"),
        ("wrist flexion", "wrist-flexion"),
        ("wrist extension, forearm in thumb-up rotation", "wrist-extension-neutral-forearm"),
        ("wrist flexion, forearm in thumb-up rotation", "wrist-flexion-neutral-forearm"),
    ),
    "3": (
        ("medium diameter grasp", "medium-wrap"),
        ("ring grasp", "ring-grasp"),
        ("prismatic four-finger grasp", "prismatic-four-finger-grasp"),
        ("stick grasp", "stick-grasp"),
        ("writing grasp", "writing-grasp"),
    ),
}


class MyoUP(PathReader):
    """One exercise a file: all its gestures, five times each; a pulse track is high during each."""

    name = "myo_up"
    description = "MyoUP: 22 finger movements, hand shapes and grasps of NinaPro, 8 x 200 Hz (Myo)"
    layout = "s<n>e<exercise 1-3>.mat"
    pattern = r"(?P<subject>s\d+)e(?P<exercise>[1-3])\.mat"

    def read(self, file: SourceFile) -> Iterator[Recording]:
        """One recording; between two bursts is rest."""
        at = self.fields(file)
        if at["subject"] == "s2" and hashlib.sha256(file.read_bytes()).hexdigest() == S8E2_SHA256:
            raise KnownBadError(
                f"{file.source}: left out, it is a copy of s8e2.mat, another person's recording"
            )
        found = load_mat(file, ["emg", "pulse"])
        emg = numbers(file, found["emg"], "emg", (None, 8))
        pulse = numbers(file, found["pulse"], "pulse", (1, None))[0]
        if emg.dtype.kind not in "iu":
            raise SourceError(f"{file.source}: emg does not fit", got=emg.dtype, expected="integers")
        length = min(len(emg), len(pulse))
        yield Recording(
            samples=np.ascontiguousarray(as_int8(file, emg[:length])),
            rate_hz=RATE_HZ,
            channels=ring(8),
            dataset=self.name,
            subject=at["subject"],
            session="1",
            name=f"E{at['exercise']}",
            source=file.source,
            unit="adc",
            spans=_spans(file, pulse[:length] > 0, GESTURES[at["exercise"]]),
        )


def _spans(file: SourceFile, high: NDArray[np.bool_], gestures: tuple[Label, ...]) -> tuple[Span, ...]:
    stretches = runs(high)
    bursts = [(first, last) for first, last, value in stretches if value]
    if len(bursts) != len(gestures) * REPETITIONS:
        raise SourceError(
            f"{file.source}: the pulse track does not fit the exercise",
            got=f"{len(bursts)} bursts",
            expected=f"{len(gestures) * REPETITIONS}",
        )
    spans = []
    for number, (first, last) in enumerate(bursts):
        if number:
            spans.append(Span(bursts[number - 1][1] / RATE_HZ, first / RATE_HZ, *REST, repetition=number - 1))
        gesture, repetition = divmod(number, REPETITIONS)
        spans.append(Span(first / RATE_HZ, last / RATE_HZ, *gestures[gesture], repetition=repetition))
    return tuple(spans)


READER = MyoUP()
