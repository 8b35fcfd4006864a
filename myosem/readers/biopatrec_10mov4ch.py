"""BioPatRec's 10mov4ch data: ten movements with four channels (Ortiz-Catalan et al. 2013)."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from myosem.errors import SourceError
from myosem.readers.base import PathReader, SourceFile
from myosem.readers.mat import load_mat
from myosem.readers.parse import Label, as_float32, numbers
from myosem.records import Channel, Recording, Span

RATE_HZ = 2000.0
BAND_HZ = (20.0, 400.0)
PHASE_S = 3.0
TRANSITION_S = 0.3
REPETITIONS = 3
MOVEMENT_S = 2 * REPETITIONS * PHASE_S
FIELDS = [f"recSession.{field}" for field in ("mov", "tdata", "sF", "cT", "rT", "nR")]
REST: Label = ("rest", "rest")
ACTIONS = {
    "Open Hand": "open-hand",
    "Close Hand": "fist",
    "Flex Hand": "wrist-flexion",
    "Extend Hand": "wrist-extension",
    "Pronation": "pronation",
    "Supination": "supination",
    "Side Grip": "lateral-grasp",
    "Fine Grip": "two-finger-pinch",
    "Agree": "thumbs-up",
    "Pointer": "point",
}
# Channel 1 is known to lie on the extensor carpi ulnaris (148 degrees in myosem.synth). That the others
# follow over the back of the forearm is seen in the data: relative to rest, in each of nine files wrist
# extension is stronger in channels 1 and 2 than in 3 and 4, and flexion is strongest in 3 or 4.
CHANNELS = tuple(
    Channel(f"ch{i + 1}", angle_deg=angle) for i, angle in enumerate((148.0, 238.0, 328.0, 58.0))
)


class BioPatRec(PathReader):
    """A session a file: a struct ``recSession`` with 36000 samples of 4 channels for each movement."""

    name = "biopatrec_10mov4ch"
    description = "BioPatRec 10mov4ch: 10 movements and rest, 4 x 2000 Hz"
    layout = "<n>.mat with the struct recSession"
    pattern = r"(?P<subject>\d{1,3})\.mat"

    def read(self, file: SourceFile) -> Iterator[Recording]:
        """One recording with the movements laid end to end; the start of each phase is unlabelled."""
        at = self.fields(file)
        found = load_mat(file, FIELDS)
        names = _movements(file, found["recSession.mov"])
        shape = (round(MOVEMENT_S * RATE_HZ), 4, len(names))
        data = numbers(file, found["recSession.tdata"], "tdata", shape)
        _check_timing(file, found)
        yield Recording(
            samples=as_float32(np.moveaxis(data, 2, 0).reshape(-1, 4)),  # TCM -> (M*T)C
            rate_hz=RATE_HZ,
            channels=CHANNELS,
            dataset=self.name,
            subject=at["subject"],
            session="1",
            name="recording",
            source=file.source,
            unit="V",
            band_hz=BAND_HZ,
            anchored=True,
            spans=_spans(names),
        )


def _movements(file: SourceFile, value: Any) -> list[str]:
    names = [name.strip() if isinstance(name, str) else str(name) for name in value]
    unknown = [name for name in names if name not in ACTIONS]
    if unknown or not names:
        raise SourceError(
            f"{file.source}: a movement is not known", got=unknown or "no names", expected=list(ACTIONS)
        )
    return names


def _check_timing(file: SourceFile, found: dict[str, Any]) -> None:
    for name, expected in (("sF", RATE_HZ), ("cT", PHASE_S), ("rT", PHASE_S), ("nR", REPETITIONS)):
        value = numbers(file, found[f"recSession.{name}"], name, (1, 1))[0, 0]
        if value != expected:
            raise SourceError(f"{file.source}: {name} does not fit", got=value, expected=expected)


def _spans(names: list[str]) -> tuple[Span, ...]:
    spans = []
    for movement, name in enumerate(names):
        for repetition in range(REPETITIONS):
            start_s = movement * MOVEMENT_S + repetition * 2 * PHASE_S
            for label, phase_s in (((name, ACTIONS[name]), start_s), (REST, start_s + PHASE_S)):
                spans.append(Span(phase_s + TRANSITION_S, phase_s + PHASE_S, *label, repetition=repetition))
    return tuple(spans)


READER = BioPatRec()
