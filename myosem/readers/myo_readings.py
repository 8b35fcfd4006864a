"""myo-readings-dataset: continuous minutes in which rest and one gesture take turns."""

from collections.abc import Iterator

from myosem.errors import SourceError
from myosem.readers.base import PathReader, SourceFile
from myosem.readers.parse import Label, number_lines, ring, run_spans
from myosem.records import Recording

RATE_HZ = 200.0
CLASSES: dict[int, Label] = {
    0: ("rest", "rest"),
    1: ("wrist flexion", "wrist-flexion"),
    2: ("wrist extension", "wrist-extension"),
    3: ("radial deviation", "radial-deviation"),
    4: ("ulnar deviation", "ulnar-deviation"),
    5: ("pronation", "pronation"),
    6: ("supination", "supination"),
    7: ("fist", "fist"),
}


class MyoReadings(PathReader):
    """About 60 s a file: 8 integers and the label a line."""

    name = "myo_readings"
    description = "myo-readings-dataset: continuous minutes, 7 gestures and rest, 8 x 200 Hz (Myo)"
    layout = "<id>-<session>/<0-7>.txt"
    pattern = r"(?P<subject>\d+)-(?P<session>\d+)/(?P<name>[0-7])\.txt"

    def read(self, file: SourceFile) -> Iterator[Recording]:
        """One recording with a span for each stretch of one label."""
        at = self.fields(file)
        table, dropped = number_lines(file, columns=9)
        labels = table[:, 8]
        if labels.min() < 0 or labels.max() > 7:
            raise SourceError(
                f"{file.source}: a label is out of range",
                got=f"{labels.min()} to {labels.max()}",
                expected="0 to 7",
            )
        notes = (f"Lines that do not hold 9 integers were left out: {dropped}.",) if dropped else ()
        yield Recording(
            samples=table[:, :8].copy(),
            rate_hz=RATE_HZ,
            channels=ring(8),
            dataset=self.name,
            subject=at["subject"],
            session=at["session"],
            name=at["name"],
            source=file.source,
            unit="adc",
            spans=run_spans(labels, RATE_HZ, CLASSES),
            notes=notes,
        )


READER = MyoReadings()
