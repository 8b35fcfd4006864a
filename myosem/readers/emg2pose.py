"""emg2pose: hand movements of 193 people in stages of a minute (Salter et al., NeurIPS 2024).

A file is one hand in one stage. A stage is a choreography of many movements, so its name is a label that
stands for no single action. Joint angles are not carried over; where they are missing is noted.
"""

from collections.abc import Iterator

import numpy as np

from myosem.errors import SourceError
from myosem.readers.base import PathReader, SourceFile
from myosem.readers.hdf5 import continuous, read_table, text
from myosem.readers.parse import Label, ring, whole
from myosem.records import Recording

RATE_HZ = 2000.0
RATE_TOLERANCE = 0.01
JUMP_S, SHORTEST_S = 0.1, 1.0
FIELDS = {"time": (), "joint_angles": (20,), "emg": (16,)}


class Emg2Pose(PathReader):
    """16 electrodes round the wrist. The person is a hash; both hands are recorded at once, one a file."""

    name = "emg2pose"
    description = "emg2pose: 29 stages of hand movements, 193 people, 16 x 2000 Hz (wristband)"
    layout = "<recording>_<left or right>.hdf5"
    pattern = r"(?P<recording>[^/]+)_(?P<side>left|right)\.hdf5"

    def read(self, file: SourceFile) -> Iterator[Recording]:
        """One recording for each stretch of at least a second without a jump in time."""
        at = self.fields(file)
        table, attributes = read_table(file, "emg2pose", "timeseries", FIELDS)
        if attributes.get("sample_rate") != RATE_HZ or attributes.get("side") != at["side"]:
            raise SourceError(
                f"{file.source}: rate or side does not fit",
                got=f"{attributes.get('sample_rate')} Hz, {attributes.get('side')}",
                expected=f"{RATE_HZ} Hz, {at['side']}",
            )
        label: Label = (text(file, attributes, "stage"), None)
        stretches = continuous(file, table["time"].astype(np.float64), RATE_HZ, JUMP_S, RATE_TOLERANCE)
        long = [(first, last) for first, last in stretches if last - first >= SHORTEST_S * RATE_HZ]
        missing = int((table["joint_angles"] == 0).all(axis=1).sum())
        notes = [f"Joint angles are missing in {missing} of {len(table)} samples."] if missing else []
        if len(long) < len(stretches):
            notes.append(f"Stretches of less than a second were left out: {len(stretches) - len(long)}.")
        if not long:
            raise SourceError(f"{file.source}: no stretch without a jump in time is as long as a second")
        for number, (first, last) in enumerate(long, start=1):
            samples = np.ascontiguousarray(table["emg"][first:last], dtype=np.float32)
            yield Recording(
                samples=samples,
                rate_hz=RATE_HZ,
                channels=ring(16),
                dataset=self.name,
                subject=text(file, attributes, "user"),
                session=f"{text(file, attributes, 'session')}-{at['side']}",
                name=at["recording"] + (f"-{number}" if len(long) > 1 else ""),
                source=file.source,
                spans=whole(samples, RATE_HZ, label),
                notes=tuple(notes),
            )


READER = Emg2Pose()
