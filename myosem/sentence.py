"""A segment's tokens in a fixed number of numbers, short enough to stand behind its other features.

Of at most ``PLACES`` of its tokens, evenly spaced, it keeps how strong the signal is over the session's rest
and how that changes within the token, both in harmonics of the angle round the limb, and how the spectrum of
the whole band is shaped. A flag says where there is a token; without one there are zeros.
"""

import numpy as np
from numpy.typing import NDArray

from myosem.ring import HARMONICS
from myosem.tokens import LEVEL, SHAPE, SHARED_BANDS, STEPS, Tokens

PLACES = 12
TURNS = slice(0, 2 * HARMONICS)
"""Level and slope, which turn with the electrodes."""
ENERGY = 0
"""Mean over the limb of the log power over rest: the first harmonic of the level."""
CONTENT = TURNS.stop + SHARED_BANDS
FLAG = CONTENT
TOKEN = CONTENT + 1
SENTENCE = PLACES * TOKEN

Array = NDArray[np.float32]


def sentences(tokens: Tokens) -> Array:
    """``(N, SENTENCE)`` of N segments: ``PLACES`` tokens of ``TOKEN`` numbers each, one after the other."""
    count, length = tokens.mask.shape
    values = np.zeros((count, PLACES, TOKEN), dtype=np.float32)
    if not length:
        return values.reshape(count, SENTENCE)
    number = tokens.mask.sum(axis=1)
    rows, places = np.arange(count)[:, None], np.arange(PLACES)
    spaced = np.round(places * (number[:, None] - 1) / (PLACES - 1)).astype(int)
    chosen = np.where(number[:, None] > PLACES, spaced, np.minimum(places, length - 1))
    values[..., :CONTENT] = _content(tokens.values[rows, chosen])
    values[..., FLAG] = 1
    values *= (places < number[:, None])[..., None]
    return values.reshape(count, SENTENCE)


def _content(values: Array) -> Array:
    """What is kept of ``(..., WIDTH)`` tokens: ``(..., CONTENT)``."""
    shape = values.shape[:-1]
    level = values[..., LEVEL].reshape(*shape, STEPS, HARMONICS)
    time = np.linspace(-1, 1, STEPS, dtype=np.float32)[:, None]
    slope = (time * level).sum(axis=-2) / (time**2).sum()
    bands = values[..., SHAPE][..., : SHARED_BANDS * HARMONICS : HARMONICS]
    return np.concatenate([level.mean(axis=-2), slope, bands], axis=-1)


def turned_sentences(values: Array, turn: Array) -> Array:
    """Sentences ``(N, SENTENCE)``, their electrodes turned by a matrix of ``myosem.ring.ring_turn``."""
    parts = values.reshape(len(values), PLACES, TOKEN).copy()
    waves = parts[..., TURNS].reshape(len(values), PLACES, -1, HARMONICS)
    parts[..., TURNS] = (waves @ turn.T).reshape(len(values), PLACES, TURNS.stop)
    return parts.reshape(len(values), SENTENCE)
