"""The session encoder reads its session and nothing else: no padding, no order."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional
from toys import bursts, contraction, record

from myosem.discriminants import Discriminants
from myosem.encoder import EncoderConfig, SessionEncoder, TextHead, turn
from myosem.errors import UsageError
from myosem.features import READ, TOKENS, WIDTH, WORDS, session_features, turned
from myosem.prompts.schema import VIEWS
from myosem.sentence import FLAG, PLACES, TOKEN

TINY = EncoderConfig(dimension=16, width=32, layers=2, heads=4)
SCORES = 6
EXACT = slice(READ), TOKENS
"""What turns exactly; of the words, which sum up tokens, the spread does not."""


def encoder_of(config: EncoderConfig = TINY, seed: int = 0) -> SessionEncoder:
    """In evaluation mode, its scale fitted to random sessions of three classes; random discriminants."""
    torch.manual_seed(seed)
    made = SessionEncoder(replace(config, scores=SCORES))
    generator = np.random.default_rng(seed)
    weight, bias = (0.1 * generator.normal(size=shape) for shape in ((READ, SCORES), SCORES))
    numbers = np.arange(SCORES)
    discriminants = Discriminants(weight.astype(np.float32), bias.astype(np.float32), numbers, numbers)
    made.fit_scores(discriminants, torch.full((SCORES,), 2.0))
    made.fit_scale([(session(12, seed=i), torch.arange(12) % 4 - 1) for i in range(3)])
    return made.eval()


def session(count: int, seed: int = 0) -> Tensor:
    """Features ``(count, WIDTH)`` with correlations and unequal scales; no place without a token."""
    generator = torch.Generator().manual_seed(seed)
    base = torch.randn(count, 5, generator=generator) @ torch.randn(
        5, WIDTH, generator=torch.Generator().manual_seed(1)
    )
    scale = torch.linspace(0.1, 10, WIDTH)
    features = (base + torch.randn(count, WIDTH, generator=generator)) * scale + 3
    features[:, TOKENS].view(count, PLACES, TOKEN)[..., FLAG] = 1
    return features


@torch.no_grad()
def encode(encoder: SessionEncoder, features: Tensor) -> Tensor:
    """One session alone: ``(N, dimension)``."""
    out: Tensor = encoder(features[None], torch.ones(1, len(features), dtype=torch.bool))[0]
    return out


@pytest.mark.parametrize("filling", [0.0, 1.0, 1e6])
@pytest.mark.parametrize("context", [True, False])
def test_padding_never_matters(filling: float, context: bool) -> None:
    encoder = encoder_of(replace(TINY, context=context))
    counts = (1, 7, 12)
    features = torch.full((3, 12, WIDTH), filling)
    mask = torch.zeros(3, 12, dtype=torch.bool)
    for place, count in enumerate(counts):
        features[place, :count] = session(count, seed=place)
        mask[place, :count] = True
    with torch.no_grad():
        together = encoder(features, mask)
    for place, count in enumerate(counts):
        alone = encode(encoder, session(count, seed=place))
        torch.testing.assert_close(together[place, :count], alone, atol=1e-5, rtol=0)


def test_padding_may_stand_anywhere() -> None:
    encoder, features = encoder_of(), session(5)
    spread = torch.zeros(1, 9, WIDTH)
    mask = torch.tensor([[False, True, False, True, True, False, True, True, False]])
    spread[0, mask[0]] = features
    with torch.no_grad():
        found = encoder(spread, mask)[0, mask[0]]
    torch.testing.assert_close(found, encode(encoder, features), atol=1e-5, rtol=0)


def test_order_does_not_matter() -> None:
    encoder, features = encoder_of(), session(10)
    order = torch.randperm(10, generator=torch.Generator().manual_seed(3))
    found = encode(encoder, features[order])
    torch.testing.assert_close(found, encode(encoder, features)[order], atol=1e-5, rtol=0)


@pytest.mark.parametrize("count", [1, 2, 50])
def test_vectors_have_length_one(count: int) -> None:
    vectors = encode(encoder_of(), session(count))
    assert vectors.shape == (count, TINY.dimension)
    torch.testing.assert_close(vectors.norm(dim=-1), torch.ones(count))


def test_equal_segments_have_equal_vectors() -> None:
    vectors = encode(encoder_of(), session(1).expand(6, WIDTH))
    torch.testing.assert_close(vectors, vectors[:1].expand(6, -1), atol=1e-6, rtol=0)


def test_a_segment_sees_its_session_unless_told_not_to() -> None:
    for context in (True, False):
        encoder = encoder_of(replace(TINY, context=context))
        one, other = session(8), session(8)
        other[1:] = session(7, seed=5)
        alone = torch.allclose(encode(encoder, one)[0], encode(encoder, other)[0], atol=1e-6)
        assert alone is not context


def test_without_context_a_segment_reads_alone_exactly_as_among_others() -> None:
    encoder, features = encoder_of(replace(TINY, context=False)), session(9)
    together = encode(encoder, features)
    for row in range(9):
        torch.testing.assert_close(
            encode(encoder, features[row : row + 1])[0], together[row], atol=1e-5, rtol=0
        )


def test_scores_given_in_place_of_the_discriminants_are_read_like_theirs() -> None:
    encoder, features = encoder_of(), session(5)[None]
    mask = torch.ones(1, 5, dtype=torch.bool)
    _, own = encoder.standardise(features, mask)
    theirs = own @ encoder.score_weight + encoder.score_bias
    torch.testing.assert_close(encoder(features, mask, theirs), encoder(features, mask))
    assert not torch.allclose(encoder(features, mask, theirs.flip(1)), encoder(features, mask), atol=1e-3)


def test_sessions_of_a_batch_do_not_see_each_other() -> None:
    encoder = encoder_of()
    mask = torch.ones(2, 8, dtype=torch.bool)
    with torch.no_grad():
        one = encoder(torch.stack([session(8), session(8, seed=1)]), mask)[0]
        same = encoder(torch.stack([session(8), session(8, seed=2)]), mask)[0]
    torch.testing.assert_close(one, same, atol=1e-6, rtol=0)


def test_chance_enters_in_training_only() -> None:
    encoder, features = encoder_of(), session(6)
    assert torch.equal(encode(encoder, features), encode(encoder, features))
    encoder.train()
    assert not torch.allclose(encode(encoder, features), encode(encoder, features), atol=1e-3)


@pytest.mark.parametrize(
    ("config", "count"),
    [(TINY, 106_708), (replace(TINY, context=False), 106_708), (EncoderConfig(), 1_387_172)],
)
def test_the_number_of_parameters_is_known(config: EncoderConfig, count: int) -> None:
    assert sum(parameter.numel() for parameter in SessionEncoder(config).parameters()) == count


def test_the_configuration_rebuilds_the_encoder() -> None:
    encoder = encoder_of()
    again = SessionEncoder(encoder.config)
    again.load_state_dict(encoder.state_dict())
    assert torch.equal(encode(again.eval(), session(5)), encode(encoder, session(5)))


def test_the_fixed_scale_is_that_of_all_segments() -> None:
    sessions = [session(9, seed=i) for i in range(4)]
    encoder = SessionEncoder(TINY)
    encoder.fit_scale([(one, torch.arange(9) % 3) for one in sessions])
    everything = torch.cat(sessions).numpy()
    everything = everything[:, :READ]
    np.testing.assert_allclose(encoder.center, everything.mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(encoder.scale, everything.std(axis=0, ddof=1), rtol=1e-4)


def test_a_feature_that_never_changes_is_harmless() -> None:
    sessions = [session(9, seed=i) for i in range(4)]
    for one in sessions:
        one[:, 7] = 5.0
    encoder = SessionEncoder(TINY).eval()
    encoder.fit_scale([(one, torch.arange(9) % 3) for one in sessions])
    assert bool(torch.isfinite(encode(encoder, sessions[0])).all())


def test_whitening_evens_out_the_spread_within_a_class() -> None:
    sessions = [(session(60, seed=i), torch.arange(60) % 3) for i in range(30)]
    encoder = SessionEncoder(replace(TINY, shrinkage=0.0))
    encoder.fit_scale(sessions)
    mask = torch.ones(1, 60, dtype=torch.bool)
    own = torch.cat([encoder.standardise(features[None], mask)[1][0] for features, _ in sessions])
    label = torch.cat([classes for _, classes in sessions])
    residual = torch.cat([own[label == one] - own[label == one].mean(dim=0) for one in range(3)])

    def spread(values: Tensor) -> Tensor:
        out: Tensor = torch.linalg.eigvalsh(values.T @ values / len(values))
        return out

    before, after = spread(residual), spread(residual @ encoder.whiten)
    expected = before / (before + 0.1)
    torch.testing.assert_close(after.sort().values, expected.sort().values, atol=1e-3, rtol=0)
    assert after.max() / after.min() < before.max() / before.min() / 10


def test_segments_without_a_class_do_not_shape_the_whitening() -> None:
    known, unknown = (session(20), torch.arange(20) % 2), (session(20, seed=1), torch.full((20,), -1))
    encoder, other = SessionEncoder(TINY), SessionEncoder(TINY)
    encoder.fit_scale([known, unknown])
    other.fit_scale([known, (unknown[0].flip(0), unknown[1])])
    torch.testing.assert_close(encoder.whiten, other.whiten, atol=2e-3, rtol=1e-3)
    other.fit_scale([known, (unknown[0], torch.arange(20) % 2)])
    assert not torch.allclose(encoder.whiten, other.whiten, atol=1e-2)


def angles(*values: float) -> Tensor:
    return torch.tensor(values)


def test_a_full_turn_changes_nothing() -> None:
    features = session(4)[None]
    torch.testing.assert_close(turn(features, angles(2 * math.pi)), features, atol=1e-4, rtol=1e-5)
    torch.testing.assert_close(turn(features, angles(0.0)), features)


def test_turns_add_up_and_each_session_has_its_own() -> None:
    features = torch.stack([session(4), session(4, seed=1)])
    twice = turn(turn(features, angles(0.4, -1.0)), angles(0.3, 2.0))
    torch.testing.assert_close(twice, turn(features, angles(0.7, 1.0)), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(turn(features, angles(0.4, -1.0))[1:], turn(features[1:], angles(-1.0)))


@pytest.mark.parametrize("degrees", [45.0, 90.0, -135.0, 17.0])
def test_turning_the_electrodes_is_turning_the_features(degrees: float) -> None:
    samples = bursts() * np.linspace(1, 2, 8, dtype=np.float32)
    samples[400:700] += np.roll(samples, 1, axis=1)[400:700]
    segments = [contraction(2.0, 3.5), contraction(8.0, 11.0)]
    ring = np.arange(8) * 45.0
    plain = session_features([record(samples, angles=ring.tolist())], segments)
    moved = session_features([record(samples, angles=(ring + degrees).tolist())], segments)
    found = turn(torch.from_numpy(plain)[None], angles(math.radians(degrees)))[0]
    for part in EXACT:
        np.testing.assert_allclose(found[:, part], moved[:, part], atol=1e-4)


def test_turning_by_one_electrode_is_moving_every_channel_on_by_one() -> None:
    samples = bursts() * np.linspace(1, 2, 8, dtype=np.float32)
    segments = [contraction(2.0, 3.5)]
    plain = torch.from_numpy(session_features([record(samples)], segments))[None]
    moved = session_features([record(np.roll(samples, 1, axis=1).copy())], segments)
    found = turn(plain, angles(math.radians(45)))[0]
    for part in EXACT:
        np.testing.assert_allclose(found[:, part], moved[:, part], atol=1e-4)


def test_words_become_unit_vectors_of_the_shared_space() -> None:
    torch.manual_seed(0)
    head = TextHead(24, 16, 3).eval()
    vectors = head(torch.randn(5, 24))
    assert vectors.shape == (5, 16)
    torch.testing.assert_close(vectors.norm(dim=-1), torch.ones(5))
    assert sum(parameter.numel() for parameter in TextHead(384, 256, 3).parameters()) == 427_008


def test_a_phrase_moves_towards_the_action_it_is_closest_to() -> None:
    torch.manual_seed(0)
    head, phrases = TextHead(24, 16, 3).eval(), torch.randn(5, 24)
    before = head(phrases)
    actions = functional.normalize(before[:3] + 0.1 * torch.randn(3, 16), dim=-1)
    head.remember(actions)
    after = head(phrases)
    for place in range(3):
        assert after[place] @ actions[place] > before[place] @ actions[place]
    torch.testing.assert_close(after.norm(dim=-1), torch.ones(5))


def test_views_stand_behind_the_vector_that_they_join() -> None:
    encoder, features = encoder_of(), session(5)[None]
    mask = torch.ones(1, 5, dtype=torch.bool)
    with torch.no_grad():
        found = encoder.with_views(features, mask)
        assert found.shape == (1, 5, 1 + len(VIEWS), TINY.dimension)
        torch.testing.assert_close(found[..., 0, :], encoder(features, mask))
        torch.testing.assert_close(found.norm(dim=-1), torch.ones(1, 5, 1 + len(VIEWS)))
        for one in range(len(VIEWS)):
            for other in range(one):
                assert not torch.allclose(found[..., 1 + one, :], found[..., 1 + other, :], atol=1e-2)


def test_attention_is_given_for_each_view() -> None:
    encoder, features = encoder_of(), session(5)[None]
    attention = encoder.attention(features, torch.ones(1, 5, dtype=torch.bool))
    assert attention.shape == (1, 5, len(VIEWS), PLACES + 1)
    torch.testing.assert_close(attention.sum(dim=-1), torch.ones(1, 5, len(VIEWS)))


def test_without_queries_tokens_are_not_read() -> None:
    encoder, features = encoder_of(replace(TINY, queries=0)), session(5)
    other = features.clone()
    other[:, TOKENS] = 7.0
    assert torch.equal(encode(encoder, features), encode(encoder, other))
    assert not torch.allclose(encode(encoder_of(), features), encode(encoder_of(), other), atol=1e-3)
    mask = torch.ones(1, 5, dtype=torch.bool)
    assert encoder.with_views(features[None], mask).shape == (1, 5, 1, TINY.dimension)
    with pytest.raises(UsageError, match="reads no tokens"):
        encoder.attention(features[None], mask)


def test_noise_leaves_flags_and_summed_up_words_alone() -> None:
    spread = encoder_of().spread()
    tokens = spread[TOKENS].reshape(PLACES, TOKEN)
    assert spread.shape == (WIDTH,) and not bool(spread[WORDS].any()) and not bool(tokens[:, FLAG].any())
    assert bool((spread[:READ] > 0).all()) and bool((tokens[:, :FLAG] > 0).all())


def test_both_ways_to_turn_features_agree() -> None:
    features = session(4)
    found = turn(features[None], angles(0.6))[0]
    np.testing.assert_allclose(found, turned(features.numpy(), 0.6), atol=2e-3, rtol=1e-4)
    assert not np.allclose(found[:, TOKENS], features[:, TOKENS], atol=1)
