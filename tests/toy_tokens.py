"""Tokens of sessions that never took place, of four kinds of movement, each at its place round the limb."""

import numpy as np

from myosem.ring import HARMONICS
from myosem.tokens import BAND_FLAGS, COVARIANCE, LEVEL, ORDER_FLAGS, STEPS, WIDTH, Tokens

KINDS = 4


def toy_tokens(seed: int = 0, segments: int = 24, longest: int = 6, *, device: int = 0) -> Tokens:
    """A session whose segments are of one kind after the other.

    Args:
        seed: of everything random.
        segments: how many.
        longest: most tokens a segment.
        device: 1 for one that has three bands and two orders only.
    """
    generator = np.random.default_rng(seed)
    mask = np.arange(longest) < generator.integers(1, longest + 1, segments)[:, None]
    mask[0] = True
    values = np.zeros((segments, longest, WIDTH), dtype=np.float32)
    kinds = np.random.default_rng(99).normal(size=(KINDS, COVARIANCE.stop)) * 0.5
    kinds[:, LEVEL] += 2 * np.tile(np.eye(HARMONICS)[0], STEPS)
    content = kinds[np.arange(segments) % KINDS][:, None] + 0.1 * generator.normal(
        size=(segments, longest, COVARIANCE.stop)
    )
    values[..., : COVARIANCE.stop] = content
    values[..., BAND_FLAGS.start : BAND_FLAGS.start + (3 if device else 6)] = 1
    values[..., ORDER_FLAGS.start : ORDER_FLAGS.start + (2 if device else 4)] = 1
    values[~mask] = 0
    return Tokens(values, mask)
