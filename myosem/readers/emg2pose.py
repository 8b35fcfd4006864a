"""emg2pose: hand movements of 193 people in stages of a minute (Salter et al., NeurIPS 2024).

A file is one hand in one stage. A stage is a choreography of many movements, so its name is a label that
stands for no single action. Joint angles are not carried over; where they are missing is noted.
"""

import math
from collections.abc import Iterator

from myosem.errors import SourceError
from myosem.readers.base import PathReader, SourceFile
from myosem.readers.hdf5 import read_table, text
from myosem.readers.wristband import ELECTRODES, RATE_HZ, wristband_recordings
from myosem.records import Recording, Span

FIELDS = {"time": (), "joint_angles": (20,), "emg": (ELECTRODES,)}


class Emg2Pose(PathReader):
    """16 electrodes round the wrist. The person is a hash; both hands are recorded at once, one a file."""

    name = "emg2pose"
    description = "emg2pose: 29 stages of hand movements, 193 people, 16 x 2000 Hz (wristband)"
    layout = "<recording>_<left or right>.hdf5"
    pattern = r"(?P<recording>[^/]+)_(?P<side>left|right)\.hdf5"

    def read(self, file: SourceFile) -> Iterator[Recording]:
        """One recording for each stretch of at least a second without a jump in time."""
        at = self.fields(file)
        table, attributes = read_table(file, "emg2pose/timeseries", FIELDS)
        if attributes.get("sample_rate") != RATE_HZ or attributes.get("side") != at["side"]:
            raise SourceError(
                f"{file.source}: rate or side does not fit",
                got=f"{attributes.get('sample_rate')} Hz, {attributes.get('side')}",
                expected=f"{RATE_HZ} Hz, {at['side']}",
            )
        missing = int((table["joint_angles"] == 0).all(axis=1).sum())
        angles = f"Joint angles are missing in {missing} of {len(table['time'])} samples."
        yield from wristband_recordings(
            file,
            table["time"],
            table["emg"],
            [Span(-math.inf, math.inf, text(file, attributes, "stage"))],
            name=at["recording"],
            notes=[angles] if missing else [],
            dataset=self.name,
            subject=text(file, attributes, "user"),
            session=f"{text(file, attributes, 'session')}-{at['side']}",
        )


READER = Emg2Pose()
