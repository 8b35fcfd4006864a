"""CapgMyo: three data sets of high-density EMG (Geng et al. 2016; Du et al. 2017), the preprocessed trials.

DB-a and DB-b hold NinaPro's first eight hand shapes, DB-c its twelve finger movements. DB-b was recorded
twice with each person, and numbers person and day as one: 1 and 2 are the first person's days.
"""

from collections.abc import Iterator

from myosem.errors import SourceError
from myosem.readers.base import PathReader, SourceFile
from myosem.readers.mat import load_mat
from myosem.readers.ninapro_movements import EXERCISES
from myosem.readers.parse import Label, as_float32, numbers, whole
from myosem.records import Channel, Recording

RATE_HZ = 1000.0
ROWS, COLUMNS = 1000, 128
STRONGEST: dict[int, Label] = {
    100: ("maximal force (100)", None),
    101: ("maximal force (101)", None),
}
GESTURES: dict[str, dict[int, Label]] = {
    "a": dict(enumerate(EXERCISES["B"][:8], start=1)) | STRONGEST,
    "b": dict(enumerate(EXERCISES["B"][:8], start=1)) | STRONGEST,
    "c": dict(enumerate(EXERCISES["A"], start=1)) | STRONGEST,
}


class CapgMyo(PathReader):
    """A trial of a second a file. How the 128 electrodes lie is not said in the file."""

    name = "capgmyo"
    description = "CapgMyo DB-a, DB-b and DB-c, preprocessed: 8 or 12 gestures, 128 x 1000 Hz"
    layout = "db<a, b or c>-preprocessed-<sss>/<sss>-<ggg>-<ttt>.mat"
    pattern = (
        r"db(?P<base>[abc])-preprocessed-(?P<number>\d{3})(?:\.zip)?/(?:[^/]+/)*"
        r"(?P=number)-(?P<gesture>\d{3})-(?P<trial>\d{3})\.mat"
    )

    def read(self, file: SourceFile) -> Iterator[Recording]:
        """One recording, labelled as a whole; the names of folder and file say what it is."""
        at = self.fields(file)
        found = load_mat(file, ["data"], optional=["gesture"])
        labels, gesture = GESTURES[at["base"]], int(at["gesture"])
        if gesture not in labels:
            raise SourceError(f"{file.source}: a gesture is not known", got=gesture, expected=list(labels))
        if "gesture" in found and numbers(file, found["gesture"], "gesture", (1, 1))[0, 0] != gesture:
            raise SourceError(
                f"{file.source}: name and contents differ in the gesture",
                got=found["gesture"][0, 0],
                expected=gesture,
            )
        samples = as_float32(numbers(file, found["data"], "data", (ROWS, COLUMNS)))
        subject, session = int(at["number"]), 1
        if at["base"] == "b":
            subject, session = (subject + 1) // 2, 2 - subject % 2
        yield Recording(
            samples=samples,
            rate_hz=RATE_HZ,
            channels=tuple(Channel(f"ch{i + 1}") for i in range(COLUMNS)),
            dataset=self.name,
            subject=f"db{at['base']}-{subject}",
            session=str(session),
            name=f"gesture{gesture:03d}-trial{at['trial']}",
            source=file.source,
            spans=whole(samples, RATE_HZ, labels[gesture], repetition=int(at["trial"]) - 1),
        )


READER = CapgMyo()
