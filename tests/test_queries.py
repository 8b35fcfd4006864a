"""Queries read the tokens that are there, the loud ones most, and rest beside them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from myosem.onnx_export import to_onnx
from myosem.onnx_tower import open_onnx
from myosem.queries import TokenQueries, within_session
from myosem.sentence import CONTENT, ENERGY, FLAG, PLACES, SENTENCE, TOKEN

QUERIES, WIDTH, HEADS = 6, 32, 4


def queries(shrinkage: float | None = 4.0, seed: int = 0) -> TokenQueries:
    torch.manual_seed(seed)
    return TokenQueries(QUERIES, WIDTH, HEADS, shrinkage=shrinkage).eval()


def said(counts: list[int], seed: int = 0) -> Tensor:
    """Sentences ``(1, N, SENTENCE)`` of so many random tokens each."""
    tokens = torch.randn(1, len(counts), PLACES, TOKEN, generator=torch.Generator().manual_seed(seed))
    there = torch.arange(PLACES) < torch.tensor(counts)[:, None]
    tokens[..., FLAG] = 1
    return (tokens * there[..., None]).flatten(2)


def everywhere(sentences: Tensor) -> Tensor:
    return torch.ones(sentences.shape[:2], dtype=torch.bool)


@torch.no_grad()
def read(module: TokenQueries, sentences: Tensor) -> tuple[Tensor, Tensor]:
    out: tuple[Tensor, Tensor] = module(sentences, everywhere(sentences))
    return out


def test_attention_is_spread_over_tokens_and_rest() -> None:
    counts = [12, 5, 1, 0]
    seen, attention = read(queries(), said(counts))
    assert seen.shape == (1, 4, QUERIES, WIDTH) and attention.shape == (1, 4, QUERIES, PLACES + 1)
    torch.testing.assert_close(attention.sum(dim=-1), torch.ones(1, 4, QUERIES))
    for row, count in enumerate(counts):
        assert not bool(attention[0, row, :, count:PLACES].any())
        assert bool((attention[0, row, :, :count] > 0).all())
    torch.testing.assert_close(attention[0, 3, :, PLACES], torch.ones(QUERIES))


@pytest.mark.parametrize("filling", [1.0, -30.0, 1e6])
def test_places_without_a_token_never_matter(filling: float) -> None:
    module, sentences = queries(), said([3, 12, 7])
    filled = sentences.clone().reshape(1, 3, PLACES, TOKEN)
    filled[..., :CONTENT][filled[..., FLAG] == 0] = filling
    for one, other in zip(read(module, sentences), read(module, filled.flatten(2)), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


def test_segments_that_are_no_segments_do_not_matter() -> None:
    module, sentences = queries(), said([3, 12, 7])
    with torch.no_grad():
        padded, _ = module(
            torch.cat([sentences, 5 + said([9], seed=1)], dim=1), torch.tensor([[True] * 3 + [False]])
        )
    torch.testing.assert_close(padded[:, :3], read(module, sentences)[0], atol=1e-5, rtol=0)


def test_louder_tokens_get_more_attention_at_first() -> None:
    module = queries()
    with torch.no_grad():
        module.query.zero_()
    sentences = said([PLACES]).reshape(PLACES, TOKEN)
    sentences[:, ENERGY] = torch.linspace(-1, 4, PLACES)
    _, attention = read(module, sentences.reshape(1, 1, SENTENCE))
    wanted = torch.cat([torch.exp(sentences[:, ENERGY] / 2), torch.ones(1)])  # amplitudes; 1 is rest
    torch.testing.assert_close(attention[0, 0, 0], wanted / wanted.sum(), atol=1e-5, rtol=0)


def test_the_louder_a_segment_the_less_it_is_read_as_rest_even_with_random_queries() -> None:
    quiet, loud = said([8]).reshape(1, 1, PLACES, TOKEN), said([8]).reshape(1, 1, PLACES, TOKEN)
    loud[..., ENERGY] += 3 * loud[..., FLAG]
    rest = [read(queries(), one.flatten(2))[1][0, 0, :, PLACES] for one in (quiet, loud)]
    assert bool((rest[1] < rest[0]).all())


def test_effort_survives() -> None:
    """Alone in its session, and with all tokens alike, a strong segment still reads unlike a weak one."""
    levels = torch.tensor([1.0, 2.0, 4.0])
    sentences = torch.zeros(3, PLACES, TOKEN)
    sentences[..., FLAG], sentences[..., ENERGY] = 1, levels[:, None]
    seen, _ = read(queries(), sentences.reshape(3, 1, SENTENCE))
    gaps = [float((seen[i] - seen[j]).norm()) for i, j in ((0, 1), (1, 2), (0, 2))]
    assert min(gaps) > 0.02 and gaps[2] > max(gaps[:2])


@pytest.mark.parametrize("shrinkage", [4.0, None])
def test_tokens_are_read_against_their_session_where_it_is_looked_at(shrinkage: float | None) -> None:
    module, one = queries(shrinkage), said([6, 6, 6])
    other = torch.cat([one[:, :1], 2 + said([6, 6], seed=4)], dim=1)
    same = torch.allclose(read(module, one)[0][:, 0], read(module, other)[0][:, 0], atol=1e-6)
    assert same is (shrinkage is None)


def test_the_order_of_segments_does_not_matter_but_that_of_tokens_does() -> None:
    module, sentences = queries(), said([6, 9, 12, 2])
    order = torch.tensor([2, 0, 3, 1])
    for one, other in zip(read(module, sentences[:, order]), read(module, sentences), strict=True):
        torch.testing.assert_close(one, other[:, order], atol=1e-6, rtol=0)
    back = sentences.reshape(1, 4, PLACES, TOKEN)[:, 2:3].flip(2).flatten(2)
    assert not torch.allclose(read(module, back)[0], read(module, sentences[:, 2:3])[0], atol=1e-3)


def test_the_scale_is_that_of_tokens_that_are_there() -> None:
    module, sentences = queries(), 3 * said([6, 9, 12, 2])[0]
    sentences.reshape(4, PLACES, TOKEN)[..., FLAG].clamp_(max=1)
    tokens = sentences.reshape(-1, TOKEN).numpy()
    module.fit_scale(sentences)
    real = tokens[tokens[:, FLAG] == 1, :CONTENT]
    np.testing.assert_allclose(module.center, real.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(module.scale, real.std(axis=0, ddof=1), rtol=1e-4)


def test_within_a_session_numbers_have_mean_zero_and_spread_one() -> None:
    values, mask = (
        3 + 2 * torch.randn(1, 400, 2, generator=torch.Generator().manual_seed(0)),
        torch.ones(1, 400),
    )
    found = within_session(values, mask.bool(), 0.0)[0]
    torch.testing.assert_close(found.mean(dim=0), torch.zeros(2), atol=1e-4, rtol=0)
    torch.testing.assert_close(found.std(dim=0), torch.ones(2), atol=1e-2, rtol=0)
    shrunk = within_session(values[:, :1], mask[:, :1].bool(), 1e6)
    torch.testing.assert_close(shrunk, values[:, :1], atol=1e-3, rtol=0)


class Seen(torch.nn.Module):
    """What one session's queries bring back, the only output."""

    def __init__(self) -> None:
        super().__init__()
        self.queries = queries()

    def forward(self, sentences: Tensor) -> Tensor:
        seen: Tensor = self.queries(sentences[None], torch.ones(1, len(sentences), dtype=torch.bool))[0][0]
        return seen.flatten(1)


def test_the_exported_graph_reads_as_torch_does(tmp_path: Path) -> None:
    module = Seen().eval()
    (tmp_path / "queries.onnx").write_bytes(
        to_onnx(module, {"features": said([3, 12, 0])[0]}, ("rows",)).SerializeToString()
    )
    session = open_onnx(tmp_path / "queries.onnx")
    for counts in ([0], [5], [1, 12, 0, 7, 3]):
        sentences = said(counts, seed=2)[0]
        with torch.no_grad():
            wanted = module(sentences).numpy()
        np.testing.assert_allclose(session.run(None, {"features": sentences.numpy()})[0], wanted, atol=1e-5)
