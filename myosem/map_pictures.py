"""The map of a library as a still picture."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from myosem.map_page import colourings
from myosem.pictures import INK, QUIET, check_picture_path, write_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from myosem.library_map import LibraryMap
    from myosem.map_page import Colouring

LISTED = 36
LETTER, LINE = 0.0135, 0.036
"""How wide a letter and how high a line of a name is, in a map from -1 to 1."""


def plot_map(found: "LibraryMap", path: Path) -> Path:
    """Draw every segment coloured by what was done, with the names of actions, in one step.

    Args:
        found: what to draw.
        path: ends in .png, .svg or .pdf.

    Raises:
        UsageError: the path cannot be written to.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    check_picture_path(path)
    figure = Figure(figsize=(11.6, 8.6), layout=ConstrainedLayoutEngine(), facecolor="white")
    FigureCanvasAgg(figure)
    axes, key = figure.subplots(1, 2, width_ratios=[4.2, 1])
    colouring = colourings(found)[0]
    colours = np.array(colouring.colours)[colouring.codes]
    size = float(np.clip(9000 / len(found.points), 0.6, 12))
    drawn = axes.scatter(*found.points.T, s=size, c=colours, alpha=0.75, linewidths=0)
    drawn.set_rasterized(True)
    _names(axes, found)
    axes.set_aspect("equal")
    axes.set_axis_off()
    _key(key, colouring)
    return write_figure(figure, path)


def _names(axes: "Axes", found: "LibraryMap") -> None:
    """Names of actions, of those that would overlap the one with more segments."""
    from matplotlib.patheffects import withStroke

    taken: list[tuple[float, float, float]] = []
    for one in found.places:
        across, up = one.at
        half = len(one.name) * LETTER / 2
        if any(abs(x - across) < half + other and abs(y - up) < LINE for x, y, other in taken):
            continue
        taken.append((across, up, half))
        text = axes.text(across, up, one.name, fontsize=8, color=INK, weight="bold", ha="center", va="center")
        text.set_path_effects([withStroke(linewidth=2.5, foreground="white")])


def _key(axes: "Axes", colouring: "Colouring") -> None:
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(LISTED + 2, 0)
    axes.text(0, 0.5, colouring.title, fontsize=8.5, color=INK, weight="bold", va="center")
    counts = np.bincount(colouring.codes, minlength=len(colouring.names))
    shown = list(zip(colouring.names, colouring.colours, counts, strict=True))[:LISTED]
    for row, (name, colour, count) in enumerate(shown, start=1):
        text = name if len(name) <= 26 else f"{name[:25]}…"
        axes.scatter(0.03, row + 0.5, s=18, color=colour, linewidths=0)
        axes.text(0.08, row + 0.5, text, fontsize=7, color=INK, va="center", parse_math=False)
        axes.text(1, row + 0.5, f"{count:,}", fontsize=7, color=QUIET, va="center", ha="right")
    if len(colouring.names) > LISTED:
        rest = f"and {len(colouring.names) - LISTED} more"
        axes.text(0.08, LISTED + 1.5, rest, fontsize=7, color=QUIET, va="center")
