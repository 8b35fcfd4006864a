"""The 3DC armband data set (LibEMG/3DCDataset; Cote-Allard et al. 2019)."""

from collections.abc import Iterator

import numpy as np

from myosem.readers.base import PathReader, SourceFile
from myosem.readers.parse import Label, number_table, ring, whole
from myosem.records import Recording

RATE_HZ = 1000.0
CLASSES: tuple[Label, ...] = (
    ("no motion", "rest"),
    ("radial deviation", "radial-deviation"),
    ("wrist flexion", "wrist-flexion"),
    ("ulnar deviation", "ulnar-deviation"),
    ("wrist extension", "wrist-extension"),
    ("supination", "supination"),
    ("pronation", "pronation"),
    ("power grip", "fist"),
    ("open hand", "open-hand"),
    ("chuck grip", "three-finger-pinch"),
    ("pinch grip", "two-finger-pinch"),
)


class ThreeDC(PathReader):
    """One trial of about 5 s a file, 10 integers a line."""

    name = "3dc"
    description = "3DC armband data set: 11 grips and wrist movements, 10 x 1000 Hz"
    layout = "Participant<n>/<train or test>/EMG/3dc_EMG_gesture_<repetition>_<class 0-10>.txt"
    pattern = (
        r"(?P<subject>Participant\d+)/(?P<session>train|test)/EMG"
        r"/3dc_EMG_(?P<name>gesture_(?P<repetition>\d+)_(?P<number>\d|10))\.txt"
    )

    def read(self, file: SourceFile) -> Iterator[Recording]:
        """One recording, labelled as a whole."""
        at = self.fields(file)
        samples = number_table(file, columns=10, dtype=np.int16)
        label = CLASSES[int(at["number"])]
        yield Recording(
            samples=samples,
            rate_hz=RATE_HZ,
            channels=ring(10),
            dataset=self.name,
            subject=at["subject"],
            session=at["session"],
            name=at["name"],
            source=file.source,
            unit="adc",
            spans=whole(samples, RATE_HZ, label, repetition=int(at["repetition"])),
        )


READER = ThreeDC()
