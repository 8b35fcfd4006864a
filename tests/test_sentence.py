"""A sentence keeps what its tokens say, in a fixed number of places."""

import numpy as np
import pytest
from toys import bursts, contraction, record, resting

from myosem import tokens
from myosem.ring import HARMONICS, ring_turn
from myosem.sentence import (
    CONTENT,
    ENERGY,
    FLAG,
    PLACES,
    SENTENCE,
    TOKEN,
    TURNS,
    sentences,
    turned_sentences,
)
from myosem.tokens import LEVEL, SHAPE, STEPS, Tokens, session_tokens

SEGMENTS = [contraction(2.0, 3.5), resting(4.0, 4.8), contraction(5.0, 5.6), contraction(7.5, 11.5)]


def numbered(counts: list[int]) -> Tokens:
    """Tokens whose every number is their place in the segment."""
    mask = np.arange(tokens.LONGEST) < np.array(counts)[:, None]
    values = np.repeat(np.where(mask, np.arange(tokens.LONGEST), 0)[..., None], tokens.WIDTH, axis=2)
    return Tokens(values.astype(np.float32), mask)


@pytest.mark.parametrize("count", range(1, tokens.LONGEST + 1))
def test_tokens_keep_their_order_and_the_outer_ones_are_kept(count: int) -> None:
    parts = sentences(numbered([count])).reshape(PLACES, TOKEN)
    there = parts[:, FLAG] == 1
    kept = parts[there, ENERGY]
    assert there.tolist() == [place < count for place in range(PLACES)] and not parts[~there].any()
    assert kept[0] == 0 and kept[-1] == count - 1
    gaps = np.diff(kept)
    assert not len(gaps) or (gaps.min() >= 1 and np.ptp(gaps) <= 1 and gaps.max() <= 2)


def test_content_is_level_slope_and_shape_of_the_whole_band() -> None:
    said = session_tokens([record(bursts() * np.linspace(1, 2, 8, dtype=np.float32))], SEGMENTS)
    found = sentences(said).reshape(len(SEGMENTS), PLACES, TOKEN)
    for row, place in ((0, 0), (0, 5), (1, 3), (2, 2)):
        own = said.values[row, place].astype(np.float64)
        steps = own[LEVEL].reshape(STEPS, HARMONICS)
        slope = np.polyfit(np.linspace(-1, 1, STEPS), steps, 1)[0]
        wanted = np.concatenate([steps.mean(axis=0), slope, own[SHAPE][[0, HARMONICS, 2 * HARMONICS]]])
        np.testing.assert_allclose(found[row, place, :CONTENT], wanted, atol=1e-5)


def test_energy_is_the_log_power_over_rest() -> None:
    loud, quiet = (
        sentences(session_tokens([record(bursts(loudness=by))], SEGMENTS)).reshape(-1, PLACES, TOKEN)[
            0, 1:5, ENERGY
        ]
        for by in (20.0, 10.0)
    )
    np.testing.assert_allclose(loud - quiet, 2 * np.log(2), atol=1e-3)


def test_nothing_said_is_zeros() -> None:
    nothing = sentences(session_tokens([record(bursts())], []))
    assert nothing.shape == (0, SENTENCE) and sentences(numbered([0])).shape == (1, SENTENCE)
    assert not sentences(numbered([0])).any()


def test_a_turn_moves_the_map_and_leaves_shape_and_flags() -> None:
    values = np.random.default_rng(0).normal(size=(3, SENTENCE)).astype(np.float32)
    turn = ring_turn(0.7)
    moved = turned_sentences(values, turn.astype(np.float32)).reshape(3, PLACES, TOKEN)
    before = values.reshape(3, PLACES, TOKEN)
    np.testing.assert_array_equal(moved[..., TURNS.stop :], before[..., TURNS.stop :])
    for part in (slice(0, HARMONICS), slice(HARMONICS, 2 * HARMONICS)):
        np.testing.assert_allclose(moved[1, 4, part], turn @ before[1, 4, part], atol=1e-5)
