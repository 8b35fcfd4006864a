"""MyoArmbandDataset: many people, wrist movements and opening and closing of the hand.

Cote-Allard et al., "Deep learning for electromyographic hand gesture signal classification using
transfer learning", IEEE TNSRE 2019.
"""

from collections.abc import Iterator

import numpy as np

from myosem.errors import SourceError
from myosem.readers.base import PathReader, SourceFile
from myosem.readers.parse import Label, as_int8, ring, whole
from myosem.records import Recording

RATE_HZ = 200.0
CLASSES: tuple[Label, ...] = (
    ("neutral", "rest"),
    ("radial deviation", "radial-deviation"),
    ("wrist flexion", "wrist-flexion"),
    ("ulnar deviation", "ulnar-deviation"),
    ("wrist extension", "wrist-extension"),
    ("hand close", "fist"),
    ("hand open", "open-hand"),
)


class MyoArmband(PathReader):
    """One trial of about 5 s a file: little-endian int16 without a header, 8 values a row."""

    name = "myo_armband"
    description = "MyoArmbandDataset: 40 folders of people, 7 movements, 8 x 200 Hz (Myo)"
    layout = "EvaluationDataset/Male<n>/<training0, Test0 or Test1>/classe_<0-27>.dat"
    pattern = (
        r"(?P<subject>(?:PreTraining|Evaluation)Dataset/(?:Female|Male)\d+)"
        r"/(?P<session>training0|Test0|Test1)/(?P<name>classe_(?P<trial>1?\d|2[0-7]))\.dat"
    )

    def read(self, file: SourceFile) -> Iterator[Recording]:
        """One recording, labelled as a whole."""
        at = self.fields(file)
        data = file.read_bytes()
        if not data or len(data) % 16:
            raise SourceError(
                f"{file.source}: the file ends in the middle of a row",
                got=f"{len(data)} bytes",
                expected="rows of 8 int16",
            )
        samples = as_int8(file, np.frombuffer(data, dtype="<i2").reshape(-1, 8))
        repetition, number = divmod(int(at["trial"]), len(CLASSES))
        yield Recording(
            samples=samples,
            rate_hz=RATE_HZ,
            channels=ring(8),
            dataset=self.name,
            subject=at["subject"],
            session=at["session"],
            name=at["name"],
            source=file.source,
            unit="adc",
            spans=whole(samples, RATE_HZ, CLASSES[number], repetition=repetition),
        )


READER = MyoArmband()
