"""Wearable-sensor long-term sEMG data set: single and combined movements, weeks apart."""

from collections.abc import Iterator

import numpy as np

from myosem.readers.base import PathReader, SourceFile
from myosem.readers.parse import Label, number_table, ring, whole
from myosem.records import Recording

RATE_HZ = 200.0
BAND_HZ = (15.0, 100.0)
SINGLE = {
    "WF": "wrist-flexion",
    "WE": "wrist-extension",
    "RD": "radial-deviation",
    "UD": "ulnar-deviation",
    "FP": "pronation",
    "FS": "supination",
    "HC": "fist",
}
WRIST = ("WF", "WE", "RD", "UD")
COMBINED = [*(f"{wrist}+{other}" for other in ("FP", "FS", "HC") for wrist in WRIST), "FP+HC", "FS+HC"]
CLASSES: tuple[Label, ...] = (
    ("rest", "rest"),
    *SINGLE.items(),
    *((label, "-".join(SINGLE[part] for part in label.split("+"))) for label in COMBINED),
)


class LongTerm30Day(PathReader):
    """1.5 s out of the steady part of a trial a file, 8 numbers a line."""

    name = "long_term_30day"
    description = "Long-term sEMG: 22 single and combined movements over 30 days, 8 x 200 Hz (Myo)"
    layout = "sub<n>/day<d>/D<d>M<movement 1-22>T<trial>.csv"
    pattern = (
        r"(?P<subject>sub\d+)/(?P<session>day\d+)"
        r"/D\d+(?P<name>M(?P<number>[1-9]|1\d|2[0-2])T(?P<trial>[1-9]\d*))\.csv"
    )

    def read(self, file: SourceFile) -> Iterator[Recording]:
        """One recording, labelled as a whole."""
        at = self.fields(file)
        samples = number_table(file, columns=8, dtype=np.float32)
        label = CLASSES[int(at["number"]) - 1]
        yield Recording(
            samples=samples,
            rate_hz=RATE_HZ,
            channels=ring(8),
            dataset=self.name,
            subject=at["subject"],
            session=at["session"],
            name=at["name"],
            source=file.source,
            band_hz=BAND_HZ,
            spans=whole(samples, RATE_HZ, label, repetition=int(at["trial"]) - 1),
        )


READER = LongTerm30Day()
