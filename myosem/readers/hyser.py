"""Hyser: 34 gestures and finger forces of 20 people on two days, 256 channels (Jiang et al., TNSRE 2021).

Four grids of 8 x 8 electrodes, 10 mm apart: on the extensors (E) and flexors (F), at the distal (D) and
the proximal (P) end. A channel is named ``<grid>-<row>-<column>``. How far a grid reaches round the arm
differs from person to person, so all electrodes of a grid have the angle of its side.
"""

import re
from collections.abc import Iterator

import numpy as np

from myosem.errors import KnownBadError, SourceError
from myosem.readers.base import PathReader, SourceFile
from myosem.readers.parse import Label, whole
from myosem.readers.wfdb import read_wfdb
from myosem.records import Channel, Recording, Span

RATE_HZ = 2048.0
BAND_HZ = (10.0, 500.0)
ELECTRODES = 256
GRIDS = {"ED": 180.0, "EP": 180.0, "FD": 0.0, "FP": 0.0}
LEFT_OUT = {"preprocess": "a filtered copy of the raw record", "force": "forces of the fingers and no EMG"}
GESTURES: dict[int, Label] = {
    1: ("thumb extension", "thumb-extension"),
    2: ("index finger extension", "index-extension"),
    3: ("middle finger extension", "middle-extension"),
    4: ("ring finger extension", "ring-extension"),
    5: ("little finger extension", "little-extension"),
    6: ("wrist flexion", "wrist-flexion"),
    7: ("wrist extension", "wrist-extension"),
    8: ("wrist radial deviation", "radial-deviation"),
    9: ("wrist ulnar deviation", "ulnar-deviation"),
    10: ("wrist pronation", "pronation"),
    11: ("wrist supination", "supination"),
    12: ("extension of thumb and index finger", None),
    13: ("extension of index and middle finger", "index-middle-extension"),
    14: ("wrist flexion with hand close", "wrist-flexion-fist"),
    15: ("wrist extension with hand close", "wrist-extension-fist"),
    16: ("wrist radial deviation with hand close", "radial-deviation-fist"),
    17: ("wrist ulnar deviation with hand close", "ulnar-deviation-fist"),
    18: ("wrist pronation with hand close", "pronation-fist"),
    19: ("wrist supination with hand close", "supination-fist"),
    20: ("wrist flexion with hand open", None),
    21: ("wrist extension with hand open", None),
    22: ("wrist radial deviation with hand open", None),
    23: ("wrist ulnar deviation with hand open", None),
    24: ("wrist pronation with hand open", None),
    25: ("wrist supination with hand open", None),
    26: ("extension of thumb, index and middle finger", "index-middle-thumb-extension"),
    27: ("extension of index, middle and ring finger", None),
    28: ("extension of middle, ring and little finger", None),
    29: ("extension of index, middle, ring and little finger", None),
    30: ("hand close", "fist"),
    31: ("hand open", "open-hand"),
    32: ("pinch of thumb and index finger", "two-finger-pinch"),
    33: ("pinch of thumb, index and middle finger", "three-finger-pinch"),
    34: ("pinch of thumb and middle finger", None),
}


class Hyser(PathReader):
    """A record a file. Only raw EMG is read: filtered copies and forces are left out."""

    name = "hyser"
    description = "Hyser: 34 gestures and finger forces on two days, 20 people, 4 grids of 8 x 8, 2048 Hz"
    layout = "subject<nn>_session<1 or 2>/<task>_raw_<sample>.dat with its .hea"
    pattern = (
        r"subject(?P<subject>\d{2})_session(?P<session>[12])/"
        r"(?P<record>(?P<task>dynamic|maintenance|1dof|ndof|mvc|random)_(?P<content>raw|preprocess|force)_\w+)\.dat"
    )

    def read(self, file: SourceFile) -> Iterator[Recording]:
        """One recording in the unit of its header.

        Raises:
            SourceError: header, samples or labels do not fit.
            KnownBadError: the record holds no raw EMG.
        """
        at = self.fields(file)
        if at["content"] in LEFT_OUT:
            raise KnownBadError(f"{file.source}: left out, it is {LEFT_OUT[at['content']]}")
        record = read_wfdb(file)
        if (
            len(record.names) != ELECTRODES
            or record.rate_hz != RATE_HZ
            or record.unit not in ("V", "mV", "uV")
        ):
            raise SourceError(
                f"{file.source}: not a record of Hyser",
                got=f"{len(record.names)} channels in {record.unit} at {record.rate_hz:g} Hz",
                expected=f"{ELECTRODES} channels in volts at {RATE_HZ:g} Hz",
            )
        spans, notes = _labels(file, at["task"], at["record"], record.samples)
        yield Recording(
            samples=record.samples,
            rate_hz=RATE_HZ,
            channels=_channels(file, record.names),
            dataset=self.name,
            subject=f"subject{at['subject']}",
            session=at["session"],
            name=at["record"],
            source=file.source,
            unit=record.unit,
            band_hz=BAND_HZ,
            anchored=True,
            spans=spans,
            notes=notes,
        )


def _channels(file: SourceFile, names: tuple[str, ...]) -> tuple[Channel, ...]:
    """Every place of the four grids once, in the file's order."""
    places = [re.fullmatch(r"(ED|EP|FD|FP)-[1-8]-[1-8]", name) for name in names]
    if not all(places) or len(set(names)) != len(names):
        raise SourceError(
            f"{file.source}: the channels are not those of four grids",
            got=next((name for name, place in zip(names, places, strict=True) if not place), "one twice"),
            expected="ED-8-8 to FP-1-1",
        )
    return tuple(
        Channel(name, angle_deg=GRIDS[place[1]]) for name, place in zip(names, places, strict=True) if place
    )


def _labels(
    file: SourceFile, task: str, record: str, samples: np.ndarray
) -> tuple[tuple[Span, ...], tuple[str, ...]]:
    """The gesture that the folder's list has for this sample; forces have no label but their finger."""
    if task == "mvc":
        return whole(samples, RATE_HZ, (record.replace("_raw_", "_"), None)), ()
    if task not in ("dynamic", "maintenance"):
        return (), ()
    listed = file.sibling(f"label_{task}.txt")
    if listed is None:
        return (), (f"label_{task}.txt is missing: there are no labels.",)
    numbers = _numbers(file, listed)
    place = int(re.sub(r"\D", "", record)) - 1
    if not 0 <= place < len(numbers) or numbers[place] not in GESTURES:
        raise SourceError(
            f"{file.source}: {listed.name} has no gesture for it",
            got=f"{len(numbers)} numbers",
            expected="one of 1 to 34 for each sample",
        )
    number = numbers[place]
    return whole(samples, RATE_HZ, GESTURES[number], repetition=numbers[:place].count(number)), ()


def _numbers(file: SourceFile, listed: SourceFile) -> list[int]:
    text = listed.read_bytes().decode("latin-1")
    if not re.fullmatch(r"\s*\d{1,3}(?:\s*,\s*\d{1,3})*\s*,?\s*", text):
        raise SourceError(f"{file.source}: {listed.name} is not a list of numbers", got=text[:40])
    return [int(number) for number in re.findall(r"\d+", text)]


READER = Hyser()
