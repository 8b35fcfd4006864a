"""Tokens become codes and back; what a device cannot say is neither read nor asked for."""

import numpy as np
import pytest
import torch
from toy_tokens import toy_tokens
from toys import bursts, contraction, record

from myosem.pretrain_config import QuantizerConfig
from myosem.quantizer import ContentScale, TokenQuantizer, turn_tokens, usage
from myosem.tokens import CONTENT, LEVEL, ORDER_FLAGS, SHAPE, WIDTH, session_tokens, support

CONFIG = QuantizerConfig(codes=8, code_width=4, hidden=16)


def tokens(seed: int = 0, device: int = 0) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    one = toy_tokens(seed, device=device)
    return one.values[one.mask]


@pytest.fixture
def quantizer() -> TokenQuantizer:
    torch.manual_seed(0)
    quantizer = TokenQuantizer(CONFIG)
    quantizer.scale.fit(tokens())
    return quantizer


def test_scaled_content_has_mean_0_and_spread_1_where_it_is_supported() -> None:
    values = np.concatenate([tokens(), tokens(1, device=1)])
    scale = ContentScale()
    scale.fit(values)
    scaled = scale(torch.from_numpy(values)).numpy()
    known = support(values)
    assert not scaled[:, CONTENT][~known].any()
    for column in range(CONTENT.stop):
        own = scaled[known[:, column], column]
        assert abs(own.mean()) < 1e-3 and own.std() == pytest.approx(1, abs=0.02)
    np.testing.assert_array_equal(scaled[:, CONTENT.stop :], values[:, CONTENT.stop :])


@pytest.mark.parametrize("bands", [0, 1, 6])
@pytest.mark.parametrize("orders", [0, 2, 4])
def test_support_in_torch_is_that_of_tokens(bands: int, orders: int) -> None:
    values = np.zeros((2, 3, WIDTH), dtype=np.float32)
    values[..., CONTENT.stop : CONTENT.stop + bands] = 1
    values[..., ORDER_FLAGS.start : ORDER_FLAGS.start + orders] = 1
    found = ContentScale().support(torch.from_numpy(values))
    np.testing.assert_array_equal(found.numpy().astype(bool), support(values))


def test_what_is_not_supported_changes_nothing(quantizer: TokenQuantizer) -> None:
    values = torch.from_numpy(tokens(device=1))
    unknown = ~torch.from_numpy(support(values.numpy()))
    changed = values.clone()
    changed[:, CONTENT][unknown] = 7.0
    assert unknown.any()
    assert torch.equal(quantizer.encode(values), quantizer.encode(changed))
    rebuilt = torch.randn(len(values), CONTENT.stop)
    assert torch.equal(quantizer.errors(values, rebuilt), quantizer.errors(changed, rebuilt))
    other = torch.where(unknown, rebuilt + 5, rebuilt)
    assert torch.equal(quantizer.errors(values, rebuilt), quantizer.errors(values, other))


def test_errors_are_those_of_slow_code(quantizer: TokenQuantizer) -> None:
    values = torch.from_numpy(np.concatenate([tokens()[:3], tokens(device=1)[:3]]))
    rebuilt = torch.randn(len(values), CONTENT.stop)
    scaled, known = quantizer.scale(values), support(values.numpy())
    for row, found in enumerate(quantizer.errors(values, rebuilt)):
        total = 0.0
        for part, weight in ((LEVEL, 0.5), (SHAPE, 0.2), (slice(SHAPE.stop, CONTENT.stop), 0.3)):
            columns = [c for c in range(part.start, part.stop) if known[row, c]]
            square = [float(scaled[row, c] - rebuilt[row, c]) ** 2 for c in columns]
            total += weight * sum(square) / len(columns)
        assert float(found) == pytest.approx(total, rel=1e-5)


def test_reconstruction_trains_the_encoder(quantizer: TokenQuantizer) -> None:
    values = torch.from_numpy(tokens())
    quantised, _, _ = quantizer.quantise(quantizer.encode(values))
    quantizer.errors(values, quantizer.decoder(quantised)).mean().backward()  # type: ignore[no-untyped-call]
    first = quantizer.encoder[0].weight
    assert isinstance(first, torch.Tensor) and first.grad is not None and first.grad.abs().sum() > 0


def test_codes_follow_the_data_and_dead_ones_start_again(quantizer: TokenQuantizer) -> None:
    said = quantizer.encode(torch.from_numpy(tokens())).detach()
    quantizer.quantise(said)
    book = quantizer.codebook.codebook
    assert (torch.cdist(said, book).min(dim=1).values < torch.cdist(said, torch.zeros(1, 4))[:, 0]).all()
    state = quantizer.codebook._codebook
    state.embed[0, 3], state.cluster_size[0, 3] = 100.0, 0.0
    quantizer.quantise(said, dead=0.5)
    assert torch.cdist(said, quantizer.codebook.codebook[3:4]).min() < 1e-2


def test_nothing_is_learned_in_evaluation(quantizer: TokenQuantizer) -> None:
    values = torch.from_numpy(tokens())
    quantizer.quantise(quantizer.encode(values))
    before = quantizer.codebook.codebook.clone()
    quantizer.eval()
    codes = quantizer.codes(values)
    assert torch.equal(before, quantizer.codebook.codebook)
    said = quantizer.encode(values)
    assert torch.equal(codes, torch.cdist(said, before).argmin(dim=1))
    assert torch.equal(codes, quantizer.quantise(said)[1])


def test_codes_keep_the_shape_of_a_session(quantizer: TokenQuantizer) -> None:
    quantizer.quantise(quantizer.encode(torch.from_numpy(tokens())))
    one = torch.from_numpy(toy_tokens().values)
    assert quantizer.codes(one).shape == one.shape[:2]


def test_turning_electrodes_is_turning_tokens() -> None:
    samples = bursts(channels=16)
    apart = np.subtract.outer(np.arange(16), np.arange(16)) * np.pi / 8
    samples = (samples @ (1 + 0.5 * np.cos(apart))).astype(np.float32)
    degrees = np.arange(16) * 22.5
    still, turned = (
        session_tokens(
            [record(samples.astype(np.float32), angles=list(degrees + by))], [contraction(2.0, 3.5)]
        )
        for by in (0.0, 30.0)
    )
    found = turn_tokens(torch.from_numpy(still.values), torch.tensor([np.deg2rad(30.0)]).float())
    np.testing.assert_allclose(found.numpy(), turned.values, atol=1e-3)
    assert np.abs(still.values - turned.values).max() > 0.1


def test_usage_counts_codes() -> None:
    assert usage(np.array([0, 1, 0, 1]), 8) == pytest.approx({"used": 0.25, "perplexity": 2.0})
    assert usage(np.arange(8), 8) == pytest.approx({"used": 1.0, "perplexity": 8.0})
