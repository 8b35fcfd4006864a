"""Small recordings and sessions made of noise, for the tests of segments, features and training."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from myosem.adaptation import Statistics
from myosem.corpus import Session
from myosem.features import GROUPS, READ, SCALARS, TOKENS, WIDTH, WORDS, ChannelFeatures
from myosem.records import Channel, Recording, Segment, Signal, Span
from myosem.session_adapter import Gate, SessionAdapter

Stretches = Sequence[tuple[float, float]]

BURSTS = ((2.0, 3.5), (5.0, 5.6), (8.0, 11.0))
"""Where ``bursts`` puts contractions, in seconds."""


def record(
    samples: NDArray[np.generic],
    rate_hz: float = 200.0,
    *,
    angles: Sequence[float | None] | None = None,
    signal: Signal = "raw",
    spans: tuple[Span, ...] = (),
) -> Recording:
    """A recording of these ``(T, C)`` samples; the channels form a ring unless angles are given."""
    count = samples.shape[1]
    places = np.arange(count) * 360 / count if angles is None else angles
    return Recording(
        samples=samples,
        rate_hz=rate_hz,
        channels=tuple(Channel(f"ch{i + 1}", angle) for i, angle in enumerate(places)),
        dataset="toy",
        subject="p1",
        session="1",
        name="1",
        source="toy",
        signal=signal,
        spans=spans,
    )


def bursts(
    rate_hz: float = 200.0,
    channels: int = 8,
    *,
    at: Stretches = BURSTS,
    duration_s: float = 13.0,
    loudness: float = 10.0,
    seed: int = 0,
) -> NDArray[np.float32]:
    """White noise ``(T, C)`` of standard deviation 1, ``loudness`` times as much in some stretches."""
    count = round(duration_s * rate_hz)
    time_s = np.arange(count) / rate_hz
    level = np.ones(count)
    for start, end in at:
        level[(time_s >= start) & (time_s < end)] = loudness
    noise = np.random.default_rng(seed).normal(size=(count, channels))
    return np.asarray(noise * level[:, None], dtype=np.float32)


def contraction(start_s: float, end_s: float, recording: int = 0) -> Segment:
    return Segment(recording, start_s, end_s, "contraction")


def resting(start_s: float, end_s: float, recording: int = 0) -> Segment:
    return Segment(recording, start_s, end_s, "rest")


def span(start_s: float, end_s: float, action: str | None = "fist") -> Span:
    return Span(start_s, end_s, action or "?", action)


ACTIONS = ("fist", "open-hand", "point", "rest")
RING = np.arange(4) * np.pi / 2
"""Where the electrodes of a toy session are, in radians."""


def toy_session(
    person: str,
    actions: Sequence[str | None] = ACTIONS * 4,
    *,
    dataset: str = "toy",
    subject: str | None = None,
    simulated: bool = False,
    seed: int = 0,
    noise: float = 0.3,
    places: Sequence[str] = ACTIONS,
) -> Session:
    """A session whose actions are far apart, at the same places for everybody, with some noise.

    Segments of unknown action (None) are noise alone.
    """
    centers = np.random.default_rng(99).normal(size=(len(places), WIDTH))
    generator = np.random.default_rng([seed, *person.encode()])
    middle = np.array([centers[places.index(one)] if one else np.zeros(WIDTH) for one in actions])
    features = (middle + noise * generator.normal(size=middle.shape)).astype(np.float32)
    count, channels = len(actions), 4
    courses = features[:, : GROUPS * channels].reshape(count, GROUPS, channels)
    scalars = features[:, READ - SCALARS : READ]
    flat = features[:, READ - SCALARS - 2 * channels**2 : READ - SCALARS]
    flat = flat.reshape(count, 2, channels, channels)
    square, steps = np.moveaxis(flat + flat.transpose(0, 1, 3, 2), 1, 0)
    return Session(
        dataset=dataset,
        subject=subject or person,
        person=f"{dataset}/{person}",
        name="1",
        features=features,
        channels=ChannelFeatures(
            courses,
            square,
            steps,
            scalars,
            np.ones(channels, dtype=bool),
            RING,
            features[:, WORDS],
            features[:, TOKENS],
        ),
        spans=tuple(Span(i, i + 1.0, one, one) if one else None for i, one in enumerate(actions)),
        simulated=simulated,
    )


def toy_adapter(dimension: int, sessions: Sequence[Session] = ()) -> SessionAdapter:
    """Knows two data sets with the same actions; where their words lie in the shared space is random."""
    gate = Gate(np.zeros(READ), np.ones(READ), np.zeros((2 * READ, 2)), np.log([3.0, 1.0]))
    known = sessions or [toy_session(f"p{number}", seed=number) for number in range(3)]
    material = [(one.features, one.actions) for one in known]
    statistics = tuple(Statistics.of(name, RING, material, len(known)) for name in ("one", "two"))
    generator = np.random.default_rng(dimension)
    anchors = [generator.normal(size=(len(one.actions), dimension)) for one in statistics]
    lengths = [np.linalg.norm(rows, axis=1, keepdims=True) for rows in anchors]
    return SessionAdapter(
        gate, statistics, tuple(rows / own for rows, own in zip(anchors, lengths, strict=True))
    )


TOWER = 24


def tower(texts: Sequence[str]) -> NDArray[np.float32]:
    """Texts that begin with the same word lie close together."""
    rows = []
    for text in texts:
        word, _, rest = text.partition(" ")
        seeds = ([*word.encode()], [*text.encode()])
        main, own = (np.random.default_rng(seed).normal(size=TOWER) for seed in seeds)
        row = main + 0.2 * own * bool(rest)
        rows.append(row / np.linalg.norm(row))
    return np.array(rows, dtype=np.float32)
