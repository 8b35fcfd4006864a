"""LibEMG/ContractionIntensity: the same movements light, medium and hard (Scheme and Englehart 2013)."""

from collections.abc import Iterator

import numpy as np

from myosem.readers.base import PathReader, SourceFile
from myosem.readers.parse import Label, number_table, ring, whole
from myosem.records import Recording

RATE_HZ = 1000.0
BAND_HZ = (0.0, 450.0)
CLASSES: tuple[Label, ...] = (
    ("no movement", "rest"),
    ("wrist flexion", "wrist-flexion"),
    ("wrist extension", "wrist-extension"),
    ("wrist pronation", "pronation"),
    ("wrist supination", "supination"),
    ("chuck grip", "three-finger-pinch"),
    ("hand open", "open-hand"),
)


class ContractionIntensity(PathReader):
    """One trial of about 3 s a file, 8 numbers in volts a line."""

    name = "contraction_intensity"
    description = "ContractionIntensity: 7 movements at three levels of effort, 8 x 1000 Hz (gel cuff)"
    layout = "S<n>/S<n>_<Light, Medium or Hard>_C<class 1-7>_R<repetition>.csv"
    pattern = (
        r"(?P<name>(?P<subject>S\d+)_(?P<effort>Light|Medium|Hard)_C(?P<number>[1-7])"
        r"_R(?P<repetition>[1-9]\d*))\.csv"
    )

    def read(self, file: SourceFile) -> Iterator[Recording]:
        """One recording, labelled as a whole; rest has no effort."""
        at = self.fields(file)
        samples = number_table(file, columns=8, dtype=np.float32)
        label = CLASSES[int(at["number"]) - 1]
        effort = None if label[1] == "rest" else at["effort"].lower()
        yield Recording(
            samples=samples,
            rate_hz=RATE_HZ,
            channels=ring(8),
            dataset=self.name,
            subject=at["subject"],
            session="1",
            name=at["name"],
            source=file.source,
            unit="V",
            band_hz=BAND_HZ,
            spans=whole(samples, RATE_HZ, label, effort=effort, repetition=int(at["repetition"]) - 1),
        )


READER = ContractionIntensity()
