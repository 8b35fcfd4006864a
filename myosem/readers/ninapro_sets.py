"""NinaPro DB1 to DB8 (Atzori 2014; Pizzolato 2017; Palermo 2017; Krasoulis 2017 and 2019, and colleagues).

Angles are given only where the source says how electrodes lie; where DB8's two rows of eight stand to each
other it does not say, and they are taken as aligned.
"""

from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np

from myosem.errors import SourceError
from myosem.readers.base import SourceFile
from myosem.readers.mat import load_mat
from myosem.readers.ninapro import EXERCISE_FILE, NinaPro, fitted, movement_spans, to_local
from myosem.readers.ninapro_movements import DB6_GRASPS, DB8_MOVEMENTS, exercise_labels
from myosem.readers.parse import Label, as_float32, numbers, ring
from myosem.records import Channel, Recording

TRIGNO_HZ = (20.0, 450.0)
FOREARM = (*ring(8), Channel("flexor digitorum superficialis"), Channel("extensor digitorum superficialis"))
FOREARM_AND_ARM = (*FOREARM, Channel("biceps brachii"), Channel("triceps brachii"))
TWO_MYOS = (*ring(8), *(Channel(f"ch{i + 9}", angle_deg=i * 45 + 22.5) for i in range(8)))
TWO_ROWS = tuple(Channel(f"ch{i + 1}", angle_deg=i % 8 * 45.0) for i in range(16))
UNPLACED = tuple(Channel(f"ch{i + 1}") for i in range(12))
DB6_EMPTY = (8, 9)
DB6_CHANNELS = (*ring(8), *(Channel(f"ch{i + 1}") for i in range(10, 16)))


class MovementSet(NinaPro):
    """A data set whose files hold ``restimulus`` and ``rerepetition``, the corrected labels.

    Attributes:
        channels: where the electrodes lie.
    """

    layout = "S<n>_E<exercise>_A<part>.mat, or S<n>_A<part>_E<exercise>.mat"
    pattern = EXERCISE_FILE
    channels: ClassVar[tuple[Channel, ...]]

    def read(self, file: SourceFile) -> Iterator[Recording]:
        """One recording; rest is what lies between movements."""
        at = self.fields(file)
        found = load_mat(file, ["emg", "restimulus", "rerepetition"], optional=["subject", "exercise"])
        emg = as_float32(self.emg(file, found))
        del found["emg"]  # as large as the samples
        stimulus, cut = fitted(file, found["restimulus"], "restimulus", len(emg))
        repetition, cut_too = fitted(file, found["rerepetition"], "rerepetition", len(emg))
        labels, before = self.movements(file, at)
        stimulus = to_local(file, stimulus, labels, before)
        channels = self.channels if emg.shape[1] == len(self.channels) else unplaced(emg.shape[1])
        yield self.recording(
            file,
            emg,
            channels,
            subject=f"S{int(at['subject'])}",
            session=self.session(at),
            name=self.recording_name(at),
            spans=movement_spans(stimulus, repetition, self.rate_hz, labels),
            notes=(*cut, *cut_too, *_contradictions(file, at, found)),
        )

    def movements(self, file: SourceFile, at: Mapping[str, str]) -> tuple[dict[int, Label], int]:
        """Labels by number within the exercise, and how many movements come in those before it."""
        raise NotImplementedError

    def session(self, at: Mapping[str, str]) -> str:
        """All exercises of a person are done in one go."""
        return "1"

    def recording_name(self, at: Mapping[str, str]) -> str:
        """``E1`` for exercise 1; parts after the first are named too."""
        part = at["part"] or at["part2"]
        return f"E{_exercise(at)}" + (f"-A{part}" if part != "1" else "")


class ExerciseSet(MovementSet):
    """A data set that goes through NinaPro's exercises, one a file.

    Attributes:
        exercises: their letters in the order of the files' numbers.
    """

    exercises: ClassVar[str]

    def movements(self, file: SourceFile, at: Mapping[str, str]) -> tuple[dict[int, Label], int]:
        """As the exercise of the file name says. Raises SourceError where there is none of this number."""
        number = _exercise(at)
        if number > len(self.exercises):
            raise SourceError(
                f"{file.source}: {self.name} has no such exercise",
                got=number,
                expected=f"1 to {len(self.exercises)}",
            )
        labels, before = exercise_labels(self.exercises, number)
        return dict(enumerate(labels, start=1)), before


class DB1(ExerciseSet):
    """Rectified, smoothed by the electrode: an envelope. Labels count within the exercise."""

    name, number = "ninapro_db1", 1
    description = "NinaPro DB1: 52 movements and rest, 27 people, envelopes of 10 x 100 Hz (Otto Bock 13E200)"
    rate_hz, signal, unit = 100.0, "envelope", "1"
    columns, channels, exercises = (10,), FOREARM, "ABC"


class DB2(ExerciseSet):
    """Labels go on counting from file to file; two files have labels some samples short."""

    name, number = "ninapro_db2", 2
    description = "NinaPro DB2: 49 movements and rest, 40 people, 12 x 2000 Hz (Delsys Trigno)"
    band_hz = TRIGNO_HZ
    columns, channels, exercises = (12,), FOREARM_AND_ARM, "BCD"


class DB3(ExerciseSet):
    """People with an amputation below the elbow; two of them have room for 10 electrodes only.

    Which two electrodes those lack is not said, so their places are unknown.
    """

    name, number = "ninapro_db3", 3
    description = "NinaPro DB3: 49 movements and rest, 11 people with an amputation, 12 x 2000 Hz (Trigno)"
    band_hz = TRIGNO_HZ
    columns, channels, exercises = (12, 10), FOREARM_AND_ARM, "BCD"


class DB4(ExerciseSet):
    """In counts of the converter; the exercise in the file is not that of its name, which is right."""

    name, number = "ninapro_db4", 4
    description = "NinaPro DB4: 52 movements and rest, 10 people, 12 x 2000 Hz (Cometa Wave)"
    unit = "adc"
    columns, channels, exercises = (12,), UNPLACED, "ABC"


class DB5(ExerciseSet):
    """Two Myo armbands; the second is turned by 22.5 degrees against the first."""

    name, number = "ninapro_db5", 5
    description = "NinaPro DB5: 52 movements and rest, 10 people, 16 x 200 Hz (two Myos)"
    rate_hz, unit = 200.0, "adc"
    columns, channels, exercises = (16,), TWO_MYOS, "ABC"


class DB6(MovementSet):
    """Seven grasps, twice a day on five days; columns 9 and 10 have no electrode and are left out."""

    name, number = "ninapro_db6", 6
    description = "NinaPro DB6: 7 grasps and rest in 10 sessions, 10 people, 14 x 2000 Hz (Delsys Trigno)"
    layout = "S<n>_D<day>_T<1 or 2>.mat"
    pattern = r"S(?P<subject>\d+)_D(?P<day>\d+)_T(?P<time>\d)\.mat"
    band_hz = TRIGNO_HZ
    columns, channels = (16,), DB6_CHANNELS

    def emg(self, file: SourceFile, found: Mapping[str, object]) -> np.ndarray:
        """``(T, 14)``. Raises SourceError where the empty columns are not empty."""
        emg = super().emg(file, found)
        if emg[:, list(DB6_EMPTY)].any():
            raise SourceError(
                f"{file.source}: columns 9 and 10 of emg hold a signal",
                expected="zeros, as DB6 has 14 electrodes",
            )
        return np.delete(emg, DB6_EMPTY, axis=1)

    def movements(self, file: SourceFile, at: Mapping[str, str]) -> tuple[dict[int, Label], int]:
        """The grasps under the numbers of the files."""
        return DB6_GRASPS, 0

    def session(self, at: Mapping[str, str]) -> str:
        """The electrodes come off after each recording."""
        return f"D{at['day']}_T{at['time']}"

    def recording_name(self, at: Mapping[str, str]) -> str:
        """A session is one recording."""
        return "recording"


class DB7(ExerciseSet):
    """The order of the twelve electrodes is not stated; the file's own subject is wrong for S22."""

    name, number = "ninapro_db7", 7
    description = (
        "NinaPro DB7: 40 movements and rest, 20 people and 2 with an amputation, 12 x 2000 Hz (Trigno)"
    )
    band_hz = TRIGNO_HZ
    columns, channels, exercises = (12,), UNPLACED, "BC"


class DB8(MovementSet):
    """On a grid of 2000 Hz, but recorded at 1111: nothing lies above 555 Hz."""

    name, number = "ninapro_db8", 8
    description = "NinaPro DB8: 9 finger movements, 10 people and 2 with an amputation, 16 x 2000 Hz (Trigno)"
    band_hz = TRIGNO_HZ
    columns, channels = (16,), TWO_ROWS

    def movements(self, file: SourceFile, at: Mapping[str, str]) -> tuple[dict[int, Label], int]:
        """The same nine in each file."""
        return DB8_MOVEMENTS, 0

    def recording_name(self, at: Mapping[str, str]) -> str:
        """``A3`` is the third part, which the authors set aside for testing."""
        return f"A{at['part'] or at['part2']}"


def unplaced(count: int) -> tuple[Channel, ...]:
    """``count`` channels of which nobody knows where they lie."""
    return tuple(Channel(f"ch{i + 1}") for i in range(count))


def _exercise(at: Mapping[str, str]) -> int:
    return int(at["exercise"] or at["exercise2"])


def _contradictions(file: SourceFile, at: Mapping[str, str], found: Mapping[str, object]) -> Iterator[str]:
    """A sentence for each scalar of the file that is not what its name says; the name is taken."""
    said = {"subject": int(at["subject"])}
    if "exercise" in at:
        said["exercise"] = _exercise(at)
    for name, expected in said.items():
        if name in found:
            value = numbers(file, found[name], name, (1, 1))[0, 0]
            if value != expected:
                yield f"The file says {name} {value:g}, its name {expected}."


READERS = (DB1(), DB2(), DB3(), DB4(), DB5(), DB6(), DB7(), DB8())
