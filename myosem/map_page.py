"""A map as one HTML file that needs nothing else: no network, no other file."""

import base64
import colorsys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from myosem.html import page
from myosem.map_script import SCRIPT, STYLE
from myosem.prompts import load_actions

if TYPE_CHECKING:
    from myosem.library_map import LibraryMap

GRID = 65_535
"""Places of points are whole numbers up to this."""
NOTHING, NOTHING_COLOUR = "not labelled", "#c9d1d8"
OTHERS, MOST_COLOURS = "others", 60
EFFORTS = ("much lighter", "lighter", "usual", "harder", "much harder")
EFFORT_COLOURS = ("#b6d6e8", "#6fb3d2", "#8a8f94", "#e8853d", "#b3261e")
REST, REST_COLOUR = "rest", "#8d99a5"


@dataclass(frozen=True)
class Colouring:
    """What the colours of n points say.

    Attributes:
        title: what they are coloured by.
        names: of the categories.
        colours: of the categories, CSS.
        codes: ``(n,)`` the category of each point.
    """

    title: str
    names: list[str]
    colours: list[str]
    codes: NDArray[np.uint16]


def map_page(found: "LibraryMap") -> str:
    """The page, a whole HTML document."""
    body = '<canvas id="map" tabindex="0" aria-label="Map of the library"></canvas><div id="ui"></div>'
    return page(f"Map of {Path(found.library).name}", body, style=STYLE, data=_data(found), script=SCRIPT)


def colourings(found: "LibraryMap") -> list[Colouring]:
    """By what was done, the nearest action, data set, person and effort."""
    done = [_done(one.action, one.label) for one in found.segments]
    near = [found.names[number] for number in found.nearest]
    palette = _palette([*done, *near])
    return [
        _by("what was done", done, palette),
        _by("nearest action", near, palette),
        _by("data set", [one.dataset for one in found.segments]),
        _by("person", [f"{one.dataset} {one.person}" for one in found.segments]),
        _by_effort(found),
    ]


def _done(action: str | None, label: str | None) -> str:
    """The name of the labelled action, or the label as it is."""
    known = load_actions().get(action or "")
    return known.names[0] if known else label or NOTHING


def _palette(values: Sequence[str]) -> dict[str, str]:
    """A colour for each value, the most frequent first, as unlike as the golden angle makes them."""
    ordered = [name for name, _ in Counter(values).most_common() if name not in (NOTHING, REST)]
    return {
        name: _hex(number * 0.381966 % 1, (0.48, 0.38, 0.58)[number % 3], (0.62, 0.78, 0.48)[number % 3])
        for number, name in enumerate(ordered)
    } | {NOTHING: NOTHING_COLOUR, REST: REST_COLOUR}


def _hex(hue: float, lightness: float, saturation: float) -> str:
    parts = colorsys.hls_to_rgb(hue, lightness, saturation)
    return "#" + "".join(f"{round(255 * part):02x}" for part in parts)


def _by(title: str, values: Sequence[str], palette: dict[str, str] | None = None) -> Colouring:
    colours = palette or _palette(values)
    ordered = [name for name, _ in Counter(values).most_common()]
    names = ordered if len(ordered) <= MOST_COLOURS else [*ordered[: MOST_COLOURS - 1], OTHERS]
    place = {name: min(number, len(names) - 1) for number, name in enumerate(ordered)}
    codes = np.array([place[value] for value in values], dtype=np.uint16)
    return Colouring(title, names, [colours.get(name, NOTHING_COLOUR) for name in names], codes)


def _by_effort(found: "LibraryMap") -> Colouring:
    codes = np.digitize(found.effort, [-0.6, -0.2, 0.2, 0.6])
    resting = np.array([one.kind == "rest" for one in found.segments])
    codes[resting] = len(EFFORTS)
    names = [*EFFORTS, REST]
    return Colouring("effort, as read", names, [*EFFORT_COLOURS, REST_COLOUR], codes.astype(np.uint16))


def _data(found: "LibraryMap") -> dict[str, Any]:
    """All the page knows; arrays as base64 of little-endian numbers."""
    segments = found.segments
    ids = list(dict.fromkeys(one.recording for one in segments))
    number = {one: place for place, one in enumerate(ids)}
    first = {one.recording: one for one in reversed(segments)}
    codes, labels = _codes([one.label or "" for one in segments])
    placed = np.round((found.points + 1) / 2 * GRID)
    return {
        "title": Path(found.library).name,
        "note": note(found),
        "count": len(segments),
        "grid": GRID,
        "x": _packed(placed[:, 0], "<u2"),
        "y": _packed(placed[:, 1], "<u2"),
        "start": _packed([one.start_s for one in segments], "<f4"),
        "end": _packed([one.end_s for one in segments], "<f4"),
        "score": _packed(found.scores, "<f4"),
        "nearest": _packed(found.nearest, "<u2"),
        "recording": _packed([number[one.recording] for one in segments], "<u4"),
        "recordings": [
            [one, first[one].dataset, first[one].person, first[one].session, first[one].source] for one in ids
        ],
        "label": _packed(codes, "<u4"),
        "labels": labels,
        "actions": found.names,
        "places": [[one.name, *_on_grid(one.at)] for one in found.places],
        "modes": [
            {
                "title": one.title,
                "names": one.names,
                "colours": one.colours,
                "codes": _packed(one.codes, "<u2"),
            }
            for one in colourings(found)
        ],
        "thumbnails": _packed(list(found.thumbnails), "<u4"),
        "waves": _packed(np.array(list(found.thumbnails.values()), dtype=np.uint8).ravel(), "<u1"),
    }


def note(found: "LibraryMap") -> str:
    """What is shown, how it was made, and how far it can be believed."""
    shown = len(found.segments)
    what = (
        f"{shown:,} segments" if shown == found.count else f"{shown:,} of {found.count:,} segments, at random"
    )
    laid = f"; {found.laid_out:,} laid out, the others beside those nearest to them" * (
        found.laid_out < shown
    )
    return (
        f"{what}, version {found.version}, model {found.model}{laid}. Near is alike: of the 15 segments most "
        f"like one, {found.kept:.0%} are among the 15 nearest points. Distances between groups mean little. "
        "An action's name stands where the segments it fits best lie densest."
    )


def _codes(values: Sequence[str]) -> tuple[list[int], list[str]]:
    names = list(dict.fromkeys(values))
    place = {name: number for number, name in enumerate(names)}
    return [place[value] for value in values], names


def _on_grid(at: tuple[float, float]) -> list[int]:
    return [round((one + 1) / 2 * GRID) for one in at]


def _packed(values: Any, kind: str) -> str:
    return base64.b64encode(np.asarray(values).astype(kind).tobytes()).decode("ascii")
