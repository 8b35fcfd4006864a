"""generic-neuromotor-interface: three tasks with a wristband (Kaifosh et al., Nature 2025).

Gestures are moments in the file: each is labelled for a quarter of a second from its moment, or until the
next. What was written is labelled by its text, and the wrist task by its stages; wrist angles are not
carried over. A number stands for one person in all three tasks, so that a split can never part the two.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from myosem.errors import SourceError
from myosem.readers.base import PathReader, SourceFile
from myosem.readers.frames import Column, read_frame
from myosem.readers.hdf5 import read_table
from myosem.readers.wristband import ELECTRODES, wristband_recordings
from myosem.records import Recording, Span

FIELDS = {"time": (), "emg": (ELECTRODES,)}
BAND_HZ = (40.0, 1000.0)
GESTURE_S = 0.25
GESTURES = {
    "index_press": "two-finger-pinch",
    "index_release": None,
    "middle_press": None,
    "middle_release": None,
    "thumb_click": None,
    "thumb_down": None,
    "thumb_in": None,
    "thumb_out": None,
    "thumb_up": None,
}


class Neuromotor(PathReader):
    """A recording of one task a file."""

    name = "neuromotor"
    description = "generic-neuromotor-interface: gestures, handwriting, wrist, 16 x 2000 Hz (wristband)"
    layout = "<discrete_gestures, handwriting or wrist>_user_<nnn>_dataset_<nnn>.hdf5"
    pattern = (
        r"(?P<task>discrete_gestures|handwriting|wrist)"
        r"_user_(?P<subject>\d{3})_dataset_(?P<number>\d{3})\.hdf5"
    )

    def read(self, file: SourceFile) -> Iterator[Recording]:
        """One recording for each stretch of at least a second without a jump in time."""
        at = self.fields(file)
        table, attributes = read_table(file, "data", FIELDS)
        if attributes.get("task") != at["task"]:
            raise SourceError(
                f"{file.source}: name and contents differ in the task",
                got=attributes.get("task"),
                expected=at["task"],
            )
        yield from wristband_recordings(
            file,
            table["time"],
            table["emg"],
            _events(file, at["task"]),
            name="recording",
            dataset=self.name,
            subject=f"user_{at['subject']}",
            session=f"{at['task']}-{at['number']}",
            band_hz=BAND_HZ,
        )


def _events(file: SourceFile, task: str) -> list[Span]:
    prompts = read_frame(file, "prompts") if task != "wrist" else None
    if prompts is not None:
        return _gestures(file, prompts) if task == "discrete_gestures" else _stages(file, prompts, "prompt")
    stages = read_frame(file, "stages")
    return [] if stages is None else _stages(file, stages, "name")


def _gestures(file: SourceFile, prompts: dict[str, Column]) -> list[Span]:
    times, names = _numbers(file, prompts, "time"), _texts(file, prompts, "name")
    strange = sorted(set(names) - set(GESTURES))
    if strange:
        raise SourceError(f"{file.source}: a gesture is not known", got=strange[:5], expected=list(GESTURES))
    order = np.argsort(times, kind="stable")
    ends = [*(times[after] for _, after in pairwise(order)), np.inf]
    seen: Counter[str] = Counter()
    spans = []
    for place, end in zip(order, ends, strict=True):
        start, name = float(times[place]), names[place]
        until = min(start + GESTURE_S, float(end))
        spans.append(Span(start, until, name, GESTURES[name], repetition=seen[name]))
        seen[name] += 1
    return spans


def _stages(file: SourceFile, frame: dict[str, Column], label: str) -> list[Span]:
    """A span for each row that lasts from ``start`` to ``end``."""
    starts, ends = _numbers(file, frame, "start"), _numbers(file, frame, "end")
    rows = zip(starts.tolist(), ends.tolist(), _texts(file, frame, label), strict=True)
    return [Span(*row) for row in sorted(rows) if row[2].strip()]


def _numbers(file: SourceFile, frame: dict[str, Column], name: str) -> NDArray[np.float64]:
    column = frame.get(name)
    if not isinstance(column, np.ndarray) or not np.isfinite(column).all():
        raise SourceError(f"{file.source}: the column {name} is missing or not finite", exists=frame)
    return column


def _texts(file: SourceFile, frame: dict[str, Column], name: str) -> list[str]:
    column = frame.get(name)
    texts = [one for one in column if isinstance(one, str)] if isinstance(column, list) else []
    if column is None or len(texts) != len(column):
        raise SourceError(f"{file.source}: the column {name} is missing or no text", exists=frame)
    return texts


READER = Neuromotor()
