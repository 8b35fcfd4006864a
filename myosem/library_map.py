"""A library as a map: every segment a point near to those that are like it, words of actions among them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from myosem.errors import LibraryError, UsageError
from myosem.neighbour_layout import LAID_OUT, kept_neighbours, lay_out
from myosem.prompts import load_actions
from myosem.records import Recording
from myosem.space import BEYOND, EFFORT

if TYPE_CHECKING:
    from myosem.catalogue import SegmentRow
    from myosem.library import Library
    from myosem.search import Engine

MOST = 100_000
"""So many segments are drawn at most; of a larger library this many, chosen at random."""
THUMBNAIL = 32
MOST_THUMBNAILS = 20_000
CELLS = 24
"""The picture in so many parts each way, to see where segments lie densest."""

Vectors = NDArray[np.float32]
Points = NDArray[np.float64]


@dataclass(frozen=True)
class ActionPlace:
    """Where the words of an action lie.

    Attributes:
        action: its id.
        name: the name people use.
        at: where the segments to which it is nearest lie densest.
    """

    action: str
    name: str
    at: tuple[float, float]


@dataclass(frozen=True)
class LibraryMap:
    """n segments of a library in the plane.

    Attributes:
        library: its path.
        version: of the library.
        model: its name.
        count: of segments there are to choose from, N.
        laid_out: how many were laid out; the others lie beside those nearest to them.
        kept: share of a segment's nearest that are nearest in the picture as well, 0 to 1.
        segments: n of them.
        points: ``(n, 2)`` within -1 and 1.
        nearest: ``(n,)`` which of ``names`` is nearest.
        scores: ``(n,)`` the cosine with it.
        names: of the model's actions.
        effort: ``(n,)`` as the model reads it, -1 light to 1 hard beside the session's others.
        places: of the actions that some segments reach, the one with most segments first.
        thumbnails: by position of a segment, its mean amplitude over time ``(THUMBNAIL,)`` up to 255.
    """

    library: str
    version: int
    model: str
    count: int
    laid_out: int
    kept: float
    segments: "list[SegmentRow]"
    points: Points
    nearest: NDArray[np.int64]
    scores: Vectors
    names: list[str]
    effort: Vectors
    places: list[ActionPlace]
    thumbnails: dict[int, NDArray[np.uint8]]


def library_map(
    engine: "Engine", where: str | None = None, *, most: int = MOST, thumbnails: bool = True, seed: int = 0
) -> LibraryMap:
    """The map of a library, or of the part of it for which a condition holds.

    Args:
        engine: of the library.
        where: one condition over the columns of a hit.
        most: how many segments at most; of more, these are drawn at random.
        thumbnails: whether to read the signals as well, of at most ``MOST_THUMBNAILS`` segments.
        seed: of what is random.

    Raises:
        UsageError: a condition that cannot be used or that no segment meets, or ``most`` below 1.
        LibraryError: the library is missing, damaged, empty, or (IndexMismatchError) of another model.
    """
    if most < 1:
        raise UsageError("a map needs room for segments", got=most, expected="1 or more")
    library, model = engine.library, engine.model
    library.manifest.check_model(model.fingerprint, library.path)
    rows = library.select(where) if where is not None else np.arange(len(library.vectors()))
    if not len(rows):
        if where is not None:
            raise UsageError("no segment meets the condition", got=where)
        raise LibraryError(f"the library {library.path} is empty", hint="myosem ingest RECORDINGS")
    count, random = len(rows), np.random.default_rng(seed)
    if count > most:
        rows = np.sort(random.choice(rows, most, replace=False))
    vectors = np.ascontiguousarray(library.vectors()[rows])
    points, segments = lay_out(vectors, seed), library.rows(rows)
    scores = vectors @ model.action_vectors.T
    best, actions = scores.argmax(axis=1), load_actions()
    names = [actions[one].names[0] if one in actions else one for one in model.actions]
    return LibraryMap(
        library=str(library.path),
        version=library.version,
        model=model.name,
        count=count,
        laid_out=min(len(rows), LAID_OUT),
        kept=kept_neighbours(vectors, points, seed),
        segments=segments,
        points=points,
        nearest=best,
        scores=scores.max(axis=1),
        names=names,
        effort=read_effort(vectors),
        places=[
            ActionPlace(model.actions[number], names[number], at)
            for number, at in places_of(best, scores.max(axis=1) >= model.threshold, points).items()
        ],
        thumbnails=_thumbnails(library, segments, random) if thumbnails else {},
    )


def read_effort(vectors: Vectors) -> Vectors:
    """How hard segments are ``(n,)``, from vectors ``(n, D)`` that ``myosem.space.join_emg`` made."""
    return np.asarray((vectors[:, -BEYOND] / np.sqrt(EFFORT / 1.25)).clip(-1, 1), dtype=np.float32)


def places_of(
    chosen: NDArray[np.int64], fits: NDArray[np.bool_], points: Points
) -> dict[int, tuple[float, float]]:
    """Where each action's segments lie densest, the action with most segments first.

    Args:
        chosen: ``(n,)`` the action nearest to each segment.
        fits: ``(n,)`` whether it reaches the threshold.
        points: ``(n, 2)`` within -1 and 1.

    Returns:
        By action; one that no segment reaches has no place.
    """
    cells = ((points + 1) / 2 * CELLS).astype(int).clip(0, CELLS - 1) @ [1, CELLS]
    numbers, counts = np.unique(chosen[fits], return_counts=True)
    places = {}
    for number in numbers[np.argsort(-counts, kind="stable")].tolist():
        own = np.flatnonzero(fits & (chosen == number))
        fullest = np.bincount(cells[own]).argmax()
        across, up = points[own[cells[own] == fullest]].mean(axis=0)
        places[number] = float(across), float(up)
    return places


def _thumbnails(
    library: "Library", segments: "Sequence[SegmentRow]", random: np.random.Generator
) -> dict[int, NDArray[np.uint8]]:
    wanted = random.permutation(len(segments))[:MOST_THUMBNAILS].tolist()
    recordings = library.recordings_by_id({segments[place].recording for place in wanted})
    return {
        place: thumbnail(recordings[one.recording], one.start_s, one.end_s)
        for place in sorted(wanted)
        for one in [segments[place]]
    }


def thumbnail(
    recording: Recording, start_s: float, end_s: float, parts: int = THUMBNAIL
) -> NDArray[np.uint8]:
    """Mean absolute amplitude over the channels in equal parts of a stretch ``(parts,)``, 255 at most."""
    samples = recording.between(start_s, end_s)
    if not len(samples):
        return np.zeros(parts, dtype=np.uint8)
    level = samples if recording.signal == "envelope" else np.abs(samples - np.median(samples, axis=0))
    edges = (np.arange(parts + 1) * len(level)) // parts
    first = np.minimum(edges[:-1], len(level) - 1)
    last = np.maximum(edges[1:], first + 1)
    total = np.concatenate([[0.0], np.cumsum(level.mean(axis=1, dtype=np.float64))])
    course = (total[last] - total[first]) / (last - first)
    top = max(float(course.max()), 1e-30)
    return np.asarray((255 * course.clip(0) / top).round(), dtype=np.uint8)
