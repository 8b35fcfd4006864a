"""putEMG: seven gestures of 44 people with three bands of eight electrodes (Kaczmarek et al., Sensors 2019).

Both forms in which it is published are read: the table that pandas wrote into HDF5, and the same as CSV in
an archive. Labels are ``TRAJ_GT``, what the hand did by the video. Samples are counts of the converter.
How the three bands are turned against each other is not said; they are taken as aligned.
"""

import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myosem.errors import SourceError
from myosem.readers.base import PathReader, SourceFile, reason
from myosem.readers.frames import pickled_texts
from myosem.readers.hdf5 import FAILURES, hdf5_file, read_table
from myosem.readers.parse import Label, as_float32, run_spans
from myosem.records import Channel, Recording

RATE_HZ = 5120.0
TABLE = "data/table"
LABELS = "TRAJ_GT"
BANDS = ("elbow", "middle", "wrist")
CHANNELS = tuple(
    Channel(f"EMG_{8 * band + i + 1}", angle_deg=i * 45.0) for band in range(len(BANDS)) for i in range(8)
)
WANTED = (*(channel.name for channel in CHANNELS), LABELS)
TRANSITION = -1
GESTURES: dict[int, Label] = {
    0: ("idle", "rest"),
    1: ("fist", "fist"),
    2: ("flexion", "wrist-flexion"),
    3: ("extension", "wrist-extension"),
    6: ("pinch index", "two-finger-pinch"),
    7: ("pinch middle", None),
    8: ("pinch ring", None),
    9: ("pinch small", None),
}


class PutEmg(PathReader):
    """A trajectory of gestures a file; electrodes are put on once a day."""

    name = "putemg"
    description = "putEMG: 7 gestures and idle, 44 people, 3 x 8 x 5120 Hz"
    layout = "emg_gestures-<nn>-<trajectory>-<day and time>.hdf5 or .csv"
    pattern = (
        r"emg_gestures-(?P<subject>\d{2})-(?P<trajectory>sequential|repeats_long|repeats_short)"
        r"-(?P<day>\d{4}-\d\d-\d\d)-(?P<time>[\d-]+)\.(?P<form>hdf5|csv)"
    )

    def read(self, file: SourceFile) -> Iterator[Recording]:
        """One recording; transitions between gestures have no label."""
        at = self.fields(file)
        table = _from_hdf5(file) if at["form"] == "hdf5" else _from_csv(file)
        with np.errstate(invalid="ignore"):
            labels = table[:, -1].astype(np.int64)
        strange = set(np.unique(labels).tolist()) - {TRANSITION, *GESTURES}
        if strange or (labels != table[:, -1]).any():
            raise SourceError(
                f"{file.source}: a gesture is not known", got=sorted(strange)[:5], expected=list(GESTURES)
            )
        yield Recording(
            samples=as_float32(table[:, :-1]),
            rate_hz=RATE_HZ,
            channels=CHANNELS,
            dataset=self.name,
            subject=at["subject"],
            session=at["day"],
            name=f"{at['trajectory']}-{at['time']}",
            source=file.source,
            unit="adc",
            spans=run_spans(labels, RATE_HZ, GESTURES),
        )


def _from_hdf5(file: SourceFile) -> NDArray[Any]:
    """``(T, 25)``: the channels and the label, from whichever block of the table holds them."""
    with hdf5_file(file, TABLE) as content:
        dataset = content[TABLE]
        names = [name for name in dataset.dtype.names or () if name.startswith("values_block_")]
        kinds = {name: dataset.attrs.get(f"{name}_kind") for name in names}
    for block, kind in kinds.items():
        columns = _column_names(kind)
        if set(WANTED) <= set(columns):
            table, _ = read_table(file, TABLE, {block: (len(columns),)})
            return np.asarray(table[block][:, [columns.index(name) for name in WANTED]])
    raise SourceError(
        f"{file.source}: the table does not name its columns",
        exists=kinds,
        expected=f"EMG_1 to EMG_24 and {LABELS}",
    )


def _column_names(kind: Any) -> Sequence[str | None]:
    try:
        return pickled_texts(bytes(kind))
    except FAILURES:
        return ()


def _from_csv(file: SourceFile) -> NDArray[Any]:
    """The same from comma-separated numbers under a header."""
    header, _, body = file.read_bytes().partition(b"\n")
    columns = [name.strip().strip('"') for name in header.decode("latin-1").split(",")]
    if not set(WANTED) <= set(columns):
        raise SourceError(
            f"{file.source}: the header does not fit",
            got=header[:60].decode("latin-1"),
            expected=f"EMG_1 to EMG_24 and {LABELS}",
        )
    places = [columns.index(name) for name in WANTED]
    try:
        table = np.loadtxt(
            io.BytesIO(body), np.float32, delimiter=",", usecols=places, ndmin=2, comments=None
        )
    except ValueError as error:
        raise SourceError(f"{file.source}: not a table of numbers", got=reason(error)) from error
    if not len(table):
        raise SourceError(f"{file.source}: the file is empty")
    return table


READER = PutEmg()
