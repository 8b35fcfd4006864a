"""GRABMyo: 17 gestures of 43 people on three days (Pradhan et al., Scientific Data 2022; PhysioNet 1.1.0)."""

from collections.abc import Iterator

import numpy as np

from myosem.errors import SourceError
from myosem.readers.base import PathReader, SourceFile
from myosem.readers.parse import Label, whole
from myosem.readers.wfdb import read_wfdb
from myosem.records import Channel, Recording

RATE_HZ = 2048.0
BAND_HZ = (10.0, 500.0)
CHANNELS = (
    *(f"F{i}" for i in range(1, 17)),
    "U1",
    *(f"W{i}" for i in range(1, 7)),
    *("U2", "U3"),
    *(f"W{i}" for i in range(7, 13)),
    "U4",
)
USED = [i for i, name in enumerate(CHANNELS) if name[0] != "U"]
# Published lists disagree on which way 11 to 14 go: they stand for no action until that is settled.
GESTURES: dict[int, Label] = {
    1: ("lateral prehension", "lateral-grasp"),
    2: ("thumb adduction", "thumb-adduction"),
    3: ("thumb and little finger opposition", "thumb-little-opposition"),
    4: ("thumb and index finger opposition", "two-finger-pinch"),
    5: ("thumb and index finger extension", None),
    6: ("thumb and little finger extension", None),
    7: ("index and middle finger extension", "index-middle-extension"),
    8: ("little finger extension", "little-extension"),
    9: ("index finger extension", "index-extension"),
    10: ("thumb extension", "thumb-extension"),
    11: ("wrist extension or flexion (11)", None),
    12: ("wrist extension or flexion (12)", None),
    13: ("forearm supination or pronation (13)", None),
    14: ("forearm supination or pronation (14)", None),
    15: ("hand open", "open-hand"),
    16: ("hand close", "fist"),
    17: ("rest", "rest"),
}


class GrabMyo(PathReader):
    """A trial of 5 s a record: electrodes on forearm (F) and wrist (W); the U channels are not connected."""

    name = "grabmyo"
    description = "GRABMyo: 16 gestures and rest on three days, 43 people, 28 x 2048 Hz"
    layout = "session<i>_participant<j>_gesture<k>_trial<t>.dat with its .hea"
    pattern = (
        r"session(?P<session>[123])_participant(?P<subject>\d+)"
        r"_gesture(?P<gesture>\d+)_trial(?P<trial>\d+)\.dat"
    )

    def read(self, file: SourceFile) -> Iterator[Recording]:
        """One recording in millivolts, labelled as a whole."""
        at = self.fields(file)
        gesture = int(at["gesture"])
        if gesture not in GESTURES:
            raise SourceError(f"{file.source}: a gesture is not known", got=gesture, expected="1 to 17")
        record = read_wfdb(file)
        if record.names != CHANNELS or record.unit != "mV" or record.rate_hz != RATE_HZ:
            raise SourceError(
                f"{file.source}: not a record of GRABMyo",
                got=f"{len(record.names)} channels in {record.unit} at {record.rate_hz:g} Hz",
                expected=f"F1 to F16, U1, W1 to W6, U2, U3, W7 to W12, U4 in mV at {RATE_HZ:g} Hz",
            )
        samples = np.ascontiguousarray(record.samples[:, USED])
        yield Recording(
            samples=samples,
            rate_hz=RATE_HZ,
            channels=tuple(Channel(CHANNELS[i]) for i in USED),
            dataset=self.name,
            subject=f"participant{at['subject']}",
            session=at["session"],
            name=f"gesture{gesture}_trial{at['trial']}",
            source=file.source,
            unit="mV",
            band_hz=BAND_HZ,
            spans=whole(samples, RATE_HZ, GESTURES[gesture], repetition=int(at["trial"]) - 1),
        )


READER = GrabMyo()
