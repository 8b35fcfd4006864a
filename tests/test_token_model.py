"""Sentences are read with and without context; padding is nothing to anybody."""

import numpy as np
import pytest
import torch
from toy_tokens import toy_tokens

from myosem.pretrain_config import QuantizerConfig, SentenceConfig
from myosem.token_model import SENTENCE, Sentences, TokenModel, pool, pooled, sentence_rows

SESSION = toy_tokens()


@pytest.fixture(scope="module")
def model() -> TokenModel:
    torch.manual_seed(0)
    model = TokenModel(
        QuantizerConfig(codes=8, code_width=4, hidden=16),
        SentenceConfig(width=16, layers=2, heads=2, hidden=32),
    )
    model.fit_scale(SESSION.values[SESSION.mask])
    return model.eval()


def rows(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    one = toy_tokens(seed, segments=count)
    return one.values, one.mask


def test_sentences_hold_the_tokens_of_their_segments_in_order() -> None:
    values, mask = rows(5)
    one = Sentences.of([(values, mask)])
    assert one.mask.all() and one.mask.sum() == mask.sum()
    np.testing.assert_array_equal(one.values[0], values[mask])
    places = [
        (n, f, b)
        for n, row in enumerate(mask)
        for f, b in zip(range(row.sum()), range(row.sum())[::-1], strict=True)
    ]
    np.testing.assert_array_equal(torch.stack([one.segment[0], one.front[0], one.back[0]], dim=1), places)


def test_padding_changes_nothing_and_is_not_attended_to(model: TokenModel) -> None:
    short, long = rows(3), rows(9, seed=1)
    alone, together = Sentences.of([short]), Sentences.of([short, long])
    count = int(short[1].sum())
    assert not together.mask[0, count:].any()
    noisy = Sentences(
        torch.where(together.mask[..., None], together.values, 50.0),
        together.segment,
        together.front,
        together.back,
    )
    with torch.no_grad():
        wanted = model.encoder(alone)[0]
        torch.testing.assert_close(model.encoder(together)[0, :count], wanted, atol=1e-5, rtol=0)
        torch.testing.assert_close(model.encoder(noisy)[0, :count], wanted, atol=1e-5, rtol=0)


def test_what_is_hidden_is_not_seen(model: TokenModel) -> None:
    one = Sentences.of([rows(4)])
    hide = torch.zeros_like(one.mask)
    hide[0, 2] = True
    other = Sentences(one.values.clone(), one.segment, one.front, one.back)
    other.values[0, 2] += 3
    with torch.no_grad():
        assert torch.equal(model.encoder(one, hide), model.encoder(other, hide))
        assert not torch.allclose(model.encoder(one), model.encoder(other))


def test_without_context_a_segment_sees_nothing_but_itself(model: TokenModel) -> None:
    values, mask = rows(6)
    alone = np.concatenate([pooled(model, values[[n]], mask[[n]], context=False) for n in range(6)])
    np.testing.assert_allclose(pooled(model, values, mask, context=False), alone, atol=1e-5)
    among = pooled(model, values, mask)
    assert np.abs(among - alone).max() > 0.01


@pytest.mark.parametrize("segments", [1, 7, 150])
@pytest.mark.parametrize("context", [True, False])
def test_the_order_of_segments_does_not_matter(model: TokenModel, segments: int, context: bool) -> None:
    values, mask = rows(segments)
    order = np.random.default_rng(0).permutation(segments)
    found = pooled(model, values, mask, context=context)
    assert found.shape == (segments, model.width)
    np.testing.assert_allclose(
        pooled(model, values[order], mask[order], context=context), found[order], atol=1e-5
    )


def test_padding_is_not_pooled(model: TokenModel) -> None:
    values, mask = rows(6)
    wide = np.pad(values, ((0, 0), (0, 4), (0, 0)), constant_values=9.0)
    found = pooled(model, wide, np.pad(mask, ((0, 0), (0, 4))))
    np.testing.assert_allclose(found, pooled(model, values, mask), atol=1e-5)


def test_pooling_is_mean_and_maximum() -> None:
    hidden = torch.tensor([[[1.0, -2.0], [3.0, -4.0], [99.0, 99.0]]])
    found = pool(hidden, torch.tensor([[True, True, False]]))
    assert found.tolist() == [[2.0, -3.0, 3.0, -2.0]]
    assert not pool(hidden, torch.zeros(1, 3, dtype=torch.bool)).any()


def test_the_place_in_a_segment_is_known(model: TokenModel) -> None:
    values, mask = rows(1)
    values = np.repeat(values[:, :1], mask.shape[1], axis=1)
    with torch.no_grad():
        hidden = model.encoder(Sentences.of([(values, np.ones_like(mask))]))[0]
    assert not torch.allclose(hidden[0], hidden[1], atol=1e-3)


@pytest.mark.parametrize("segments", [1, 40, 300])
def test_no_sentence_is_too_long_and_each_segment_is_in_one(segments: int) -> None:
    values, mask = rows(segments)
    groups = sentence_rows(values, mask)
    assert sorted(np.concatenate(groups)) == list(range(segments))
    assert all(mask[group].sum() <= SENTENCE for group in groups)
    loudness = [values[group, 0, 0].mean() for group in groups]
    assert np.ptp(loudness) < 0.5


def test_an_empty_session_has_no_vectors(model: TokenModel) -> None:
    values, mask = rows(3)
    assert pooled(model, values[:0], mask[:0]).shape == (0, model.width)
