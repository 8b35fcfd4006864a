"""NinaPro DB10, MeganePro (Cognolato et al., Scientific Data 2020): grasps of objects, in stretches."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from myosem.errors import SourceError
from myosem.readers.base import SourceFile
from myosem.readers.mat import load_mat
from myosem.readers.ninapro import UNLABELLED, NinaPro, fitted, movement_spans, to_local
from myosem.readers.ninapro_movements import DB10_GRASPS
from myosem.readers.parse import numbers, ring
from myosem.records import Channel, Recording

PAUSE = 1.5  # times the usual step
RATE_TOLERANCE = 0.005
SHORTEST_S = 1.0
DISTAL_MM = 45.0
PROXIMAL = tuple(Channel(channel.name, channel.angle_deg, along_mm=0.0) for channel in ring(8))
DISTAL = tuple(Channel(f"ch{i + 9}", angle_deg=22.5 + 90 * i, along_mm=DISTAL_MM) for i in range(4))
WITHOUT_ITS_EIGHTH = 24


class DB10(NinaPro):
    """An exercise of grasps; a person's two rings lack electrodes in four cases."""

    name, number = "ninapro_db10", 10
    description = "NinaPro DB10 (MeganePro): 10 grasps, 30 people and 15 with an amputation, 12 x 1926 Hz"
    layout = "S<nnn>_ex1.mat"
    pattern = r"S(?P<subject>\d{3})_ex1\.mat"
    rate_hz = 1926.0
    band_hz = (20.0, 450.0)
    columns = (12, 11, 8)

    def read(self, file: SourceFile) -> Iterator[Recording]:
        """One recording for each stretch without a pause; repetitions marked as bad have no label."""
        at = self.fields(file)
        found = load_mat(file, ["emg", "ts", "regrasp", "regrasprepetition"])
        emg = self.emg(file, found)
        grasp, cut = fitted(file, found["regrasp"], "regrasp", len(emg))
        repetition, cut_too = fitted(file, found["regrasprepetition"], "regrasprepetition", len(emg))
        grasp = to_local(file, np.where(repetition < 0, UNLABELLED, grasp), DB10_GRASPS, before=0)
        stretches, short = self._stretches(file, numbers(file, found["ts"], "ts", (len(emg), 1))[:, 0])
        bad = "Repetitions that are marked as bad have no label."
        notes = (*cut, *cut_too, *((bad,) if (repetition < -1).any() else ()), *short)
        for number, (first, last) in enumerate(stretches, start=1):
            yield self.recording(
                file,
                emg[first:last],
                _channels(int(at["subject"]), emg.shape[1]),
                subject=f"S{at['subject']}",
                session="1",
                name=f"ex1-{number:02d}",
                spans=movement_spans(grasp[first:last], repetition[first:last], self.rate_hz, DB10_GRASPS),
                notes=notes,
            )

    def _stretches(
        self, file: SourceFile, times: NDArray[np.floating]
    ) -> tuple[list[tuple[int, int]], tuple[str, ...]]:
        """First and one past the last sample of what lies between pauses, and what is left out of it."""
        with np.errstate(invalid="ignore", over="ignore"):
            steps = np.diff(times)
            usual = float(np.median(steps)) if len(steps) else 0.0
        if not (steps > 0).all() or abs(usual * self.rate_hz - 1) > RATE_TOLERANCE:
            rate = f"{1 / usual:.2f} Hz" if usual > 0 and (steps > 0).all() else "times that do not increase"
            raise SourceError(f"{file.source}: ts does not fit", got=rate, expected=f"{self.rate_hz} Hz")
        edges = [0, *(np.flatnonzero(steps > PAUSE * usual) + 1).tolist(), len(times)]
        found = [(a, b) for a, b in pairwise(edges) if b - a >= SHORTEST_S * self.rate_hz]
        left_out = len(edges) - 1 - len(found)
        if not found:
            raise SourceError(f"{file.source}: no stretch without a pause is as long as a second")
        return found, (f"Stretches of less than a second were left out: {left_out}.",) if left_out else ()


def _channels(subject: int, columns: int) -> tuple[Channel, ...]:
    """Where the electrodes lie; unknown where seven make up the first ring and it is not said how."""
    if columns == 12:
        return (*PROXIMAL, *DISTAL)
    if columns == 8:
        return PROXIMAL
    if subject == WITHOUT_ITS_EIGHTH:
        return (*PROXIMAL[:7], *DISTAL)
    return tuple(Channel(f"ch{i + 1}") for i in range(columns))


READER = DB10()
