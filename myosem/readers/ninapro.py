"""What the readers of NinaPro's data sets share: which set a file is of, its labels, its spans.

The facts about layouts are those of the project's survey of formats (NinaPro's instruction pages, the
DB3 README and the shapes that independent loaders print). Scalars in the files are not trusted: subject
and exercise come from the file name, for the scalar is known to be wrong in DB4, DB7 and DB8.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from myosem.errors import KnownBadError, SourceError
from myosem.readers.base import PathReader, SourceFile
from myosem.readers.mat import mat_shapes
from myosem.readers.ninapro_movements import REST
from myosem.readers.parse import Label, as_float32, numbers, runs
from myosem.records import Channel, Recording, Signal, Span, dead_channels

EXERCISE_FILE = (
    r"S(?P<subject>\d+)_(?:E(?P<exercise>[1-3])_A(?P<part>\d)|A(?P<part2>\d)_E(?P<exercise2>[1-3]))\.mat"
)
UNLABELLED = -1
MOST_MISSING = 0.01
FLAT = 1e-3  # of the median channel's standard deviation; units differ, so nothing absolute


class NinaPro(PathReader):
    """A NinaPro data set.

    Attributes:
        number: which one.
        rate_hz: samples per second of the files.
        signal: raw EMG or envelope.
        unit: of the samples.
        band_hz: what the device passes, None where unknown.
        columns: counts of EMG columns that occur.
    """

    number: ClassVar[int]
    rate_hz: ClassVar[float] = 2000.0
    signal: ClassVar[Signal] = "raw"
    unit: ClassVar[str] = "V"
    band_hz: ClassVar[tuple[float, float] | None] = None
    columns: ClassVar[tuple[int, ...]]

    def matches(self, file: SourceFile) -> bool:
        """Whether the name fits; where data sets share it, a folder or the contents must tell too."""
        return super().matches(file) and (self.pattern != EXERCISE_FILE or which_set(file) == self.number)

    def emg(self, file: SourceFile, found: Mapping[str, Any]) -> NDArray[Any]:
        """``(T, C)`` EMG. Raises SourceError where the columns are not this data set's."""
        emg = numbers(file, found["emg"], "emg", (None, None))
        if emg.shape[1] not in self.columns:
            raise SourceError(
                f"{file.source}: emg has another number of columns",
                got=emg.shape[1],
                expected=" or ".join(map(str, self.columns)),
            )
        return emg

    def recording(
        self,
        file: SourceFile,
        emg: NDArray[Any],
        channels: tuple[Channel, ...],
        **more: Any,
    ) -> Recording:
        """A recording of this data set; channels that are flat are said to be."""
        return Recording(
            samples=as_float32(emg),
            rate_hz=self.rate_hz,
            channels=channels,
            dataset=self.name,
            source=file.source,
            unit=self.unit,
            signal=self.signal,
            band_hz=self.band_hz,
            notes=(*more.pop("notes", ()), *flat_notes(emg, channels)),
            **more,
        )


def which_set(file: SourceFile) -> int | None:
    """Number of the NinaPro data set: as the innermost folder or archive says, else as the contents show.

    The data sets share their file names, and the archives of DB4, DB5 and DB7 do not say which they are.
    None where neither tells, as for files of DB2 and DB3 out of their folders.
    """
    for part in reversed(file.parts):
        said = re.search(r"(?i)(?:^|[^a-z0-9]|ninapro)db[ _-]?(\d+)(?!\d)", part)
        if said is not None:
            return int(said[1])
    try:
        return _set_of_contents(file, file.size, file.mtime)
    except SourceError:
        return None


@lru_cache(maxsize=64)
def _set_of_contents(file: SourceFile, size: int, mtime: float) -> int | None:
    shapes = mat_shapes(file)
    emg = shapes.get("emg", (0, 0))[-1]
    if emg == 0:
        return 9 if "angles" in shapes else None
    if "frequency" in shapes and "sensor" in shapes:
        return {16: 5, 12: 4}.get(emg)
    if "gyro" in shapes:
        return {16: 8, 12: 7}.get(emg)
    return 1 if emg == 10 and "acc" not in shapes else None


def fitted(file: SourceFile, value: Any, name: str, length: int) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """A ``(T, 1)`` track of labels as ``(length,)``, and a note where it was another length.

    What is missing at the end is ``UNLABELLED``, which is not rest.

    Raises:
        SourceError: the lengths differ by more than a hundredth.
    """
    with np.errstate(invalid="ignore"):
        track = numbers(file, value, name, (None, 1))[:, 0].astype(np.int64)
    missing = length - len(track)
    if not missing:
        return track, ()
    if abs(missing) > MOST_MISSING * length:
        raise SourceError(
            f"{file.source}: {name} and emg differ in length",
            got=len(track),
            expected=f"{length}, give or take a hundredth",
        )
    whole = np.full(length, UNLABELLED)
    whole[: len(track)] = track[:length]
    what = f"{missing} samples at its end are unlabelled" if missing > 0 else f"{-missing} labels were cut"
    return whole, (f"{name} has another length than emg: {what}.",)


def to_local(
    file: SourceFile, stimulus: NDArray[np.int64], labels: Mapping[int, Label], before: int
) -> NDArray[np.int64]:
    """Labels counted within the exercise, however the file counts them.

    Args:
        file: where they come from.
        stimulus: ``(T,)`` labels; 0 is rest.
        labels: movements of the exercise by number.
        before: movements of the exercises before it, from which a count over all of them goes on.

    Raises:
        SourceError: a label fits neither count.
    """
    moving = np.unique(stimulus[stimulus > 0])
    shift = before if moving.size and (moving[-1] > len(labels) or moving[0] > before) else 0
    strange = set((moving - shift).tolist()) - set(labels)
    strange |= set(np.unique(stimulus[stimulus < 0]).tolist()) - {UNLABELLED}
    if strange:
        raise SourceError(
            f"{file.source}: a label is not known",
            got=sorted(strange)[:5],
            expected=f"0, or {min(labels)} to {max(labels)} within the exercise",
        )
    return np.where(stimulus > 0, stimulus - shift, stimulus)


def movement_spans(
    stimulus: NDArray[np.int64],
    repetition: NDArray[np.int64],
    rate_hz: float,
    labels: Mapping[int, Label],
) -> tuple[Span, ...]:
    """A span for each run of one label; its repetition is the commonest in it that is not 0.

    Rest has no repetition in the files: its stretches are counted.
    """
    seen: Counter[int] = Counter()
    spans = []
    for first, last, value in runs(stimulus):
        if value == UNLABELLED:
            continue
        text, action = REST if value == 0 else labels[value]
        named = repetition[first:last]
        named = named[named > 0]
        number = seen[value] if value == 0 or not named.size else _commonest(named) - 1
        spans.append(Span(first / rate_hz, last / rate_hz, text, action, repetition=number))
        seen[value] += 1
    return tuple(spans)


def _commonest(values: NDArray[np.int64]) -> int:
    found, counts = np.unique(values, return_counts=True)
    return int(found[counts.argmax()])


def flat_notes(emg: NDArray[Any], channels: tuple[Channel, ...]) -> tuple[str, ...]:
    """A sentence on channels that hardly change, measured against the others; none where all are alive."""
    with np.errstate(all="ignore"):
        dead = set(dead_channels(emg))
        spread = np.std(emg[:: max(1, len(emg) // 100_000)], axis=0, dtype=np.float64)
        flat = [c for c in range(emg.shape[1]) if c in dead or spread[c] < FLAT * np.median(spread)]
    names = ", ".join(channels[c].name for c in flat)
    return (f"Channels without signal: {names}.",) if flat else ()


class NinaProLeftOut(PathReader):
    """Files named as NinaPro's that no reader takes: DB9, and those of which nobody can say what they are."""

    name = "ninapro_left_out"
    description = "NinaPro files that are left out, with the reason"
    layout = "S<n>_E<exercise>_A<part>.mat"
    pattern = EXERCISE_FILE
    refuses = True

    def read(self, file: SourceFile) -> Iterator[Recording]:
        """Nothing. Raises KnownBadError for DB9 and SourceError for the others."""
        if which_set(file) == 9:
            raise KnownBadError(f"{file.source}: left out, NinaPro DB9 holds hand kinematics and no EMG")
        mat_shapes(file)
        raise SourceError(
            f"{file.source}: neither folders nor contents say which NinaPro data set this is",
            expected="a folder or archive with DB<n> in its name, such as DB2_s1",
            hint="--reader ninapro_db2 or ninapro_db3",
        )
        yield


READERS = (NinaProLeftOut(),)
