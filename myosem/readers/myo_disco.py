"""MyoDisCo: short actions in four arm positions and on two days (LibEMG/MyoDisCo)."""

from collections.abc import Iterator

import numpy as np

from myosem.readers.base import PathReader, SourceFile
from myosem.readers.parse import Label, number_table, ring, whole
from myosem.records import Recording

RATE_HZ = 200.0
# The metadata.json of S4/day1 counts one class more ("single tap"); the files there follow the numbers
# below like all others (rest is 9 and has the lowest amplitude).
CLASSES: tuple[Label, ...] = (
    ("double tap", "double-tap"),
    ("wrist extension", "wrist-extension"),
    ("finger gun", "finger-gun"),
    ("wrist flexion", "wrist-flexion"),
    ("hand close", "fist"),
    ("hand open", "open-hand"),
    ("index point", "point"),
    ("finger snap", "finger-snap"),
    ("thumbs up", "thumbs-up"),
    ("rest", "rest"),
)


class MyoDisCo(PathReader):
    """One trial of about 2 s a file, 8 integers a line; the action is a burst somewhere inside."""

    name = "myo_disco"
    description = "MyoDisCo: 10 short actions, two days and four arm positions, 8 x 200 Hz (Myo)"
    layout = "S<n>/<day1, day2 or positions/<1-4>>/R_<repetition>_C_<class 0-9>_EMG.csv"
    pattern = (
        r"(?P<subject>S\d+)/(?P<session>day1|day2|positions(?=/[1-4]/))/(?:(?P<position>[1-4])/)?"
        r"(?P<trial>R_(?P<repetition>\d+)_C_(?P<number>\d))_EMG\.csv"
    )

    def read(self, file: SourceFile) -> Iterator[Recording]:
        """One recording, labelled as a whole."""
        at = self.fields(file)
        samples = number_table(file, columns=8, dtype=np.int8)
        label = CLASSES[int(at["number"])]
        yield Recording(
            samples=samples,
            rate_hz=RATE_HZ,
            channels=ring(8),
            dataset=self.name,
            subject=at["subject"],
            session=at["session"],
            name=f"{at['position']}/{at['trial']}" if at["position"] else at["trial"],
            source=file.source,
            unit="adc",
            spans=whole(samples, RATE_HZ, label, repetition=int(at["repetition"])),
        )


READER = MyoDisCo()
