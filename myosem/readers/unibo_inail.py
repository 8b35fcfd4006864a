"""Unibo-INAIL: rectified envelopes of four muscles (Zanghieri et al., BioCAS 2023)."""

from collections.abc import Iterator

import numpy as np

from myosem.errors import SourceError
from myosem.readers.base import PathReader, SourceFile
from myosem.readers.mat import load_mat
from myosem.readers.parse import Label, as_float32, numbers, run_spans
from myosem.records import Channel, Recording

RATE_HZ = 500.0
CLASSES: dict[int, Label] = {
    1: ("rest", "rest"),
    2: ("power grip", "fist"),
    3: ("two-finger pinch", "two-finger-pinch"),
    4: ("three-finger pinch", "three-finger-pinch"),
    5: ("pointing index", "point"),
    6: ("open hand", "open-hand"),
}
CHANNELS = (
    Channel("extensor carpi radialis", angle_deg=245.0),
    Channel("extensor digitorum communis", angle_deg=200.0),
    Channel("flexor carpi radialis", angle_deg=345.0),
    Channel("flexor carpi ulnaris", angle_deg=70.0),
)


class UniboInail(PathReader):
    """A session a file; ``relabel`` is trimmed to the real contractions."""

    name = "unibo_inail"
    description = "Unibo-INAIL: 5 grips and rest, envelopes of 4 muscles, 4 x 500 Hz (Ottobock 13E200)"
    layout = "user_<u>_day_<d>_posture_<p>.mat"
    pattern = r"(?P<subject>user_\d+)_day_(?P<day>\d+)_posture_(?P<posture>\d+)\.mat"

    def read(self, file: SourceFile) -> Iterator[Recording]:
        """One recording with a span for each stretch of one label."""
        at = self.fields(file)
        found = load_mat(file, ["emg", "relabel"])
        emg = numbers(file, found["emg"], "emg", (None, 4))
        labels = numbers(file, found["relabel"], "relabel", (len(emg), 1))[:, 0]
        strange = set(np.unique(labels).tolist()) - set(CLASSES)
        if strange:
            raise SourceError(f"{file.source}: a label is not known", got=sorted(strange), expected="1 to 6")
        session = f"day{at['day']}-posture{at['posture']}"
        yield Recording(
            samples=as_float32(emg),
            rate_hz=RATE_HZ,
            channels=CHANNELS,
            dataset=self.name,
            subject=at["subject"],
            session=session,
            name="recording",
            source=file.source,
            signal="envelope",
            anchored=True,
            spans=run_spans(labels, RATE_HZ, CLASSES),
        )


READER = UniboInail()
