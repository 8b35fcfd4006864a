"""Stage 2: tokens read among those of their segment and of their session.

A sentence is a set of segments of one session. A token knows its place in its segment, from the front and
from the back, and which tokens are of its segment; nothing says which segment came first, so the order of a
session's segments changes nothing. Each token is read twice, on the scale of all people and on that of its
own sentence. Without context a token sees its own segment alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from myosem.pretrain_config import QuantizerConfig, SentenceConfig
from myosem.quantizer import ContentScale, TokenQuantizer, network
from myosem.tokens import CONTENT, LEVEL, LONGEST, WIDTH

SENTENCE = 256
"""Tokens of a sentence at most."""
PRIOR = 16.0
"""How many tokens the scale of all people is worth in the statistics of a sentence."""
_BATCH = 8


@dataclass(frozen=True)
class Sentences:
    """B sentences of T tokens.

    Attributes:
        values: ``(B, T, WIDTH)``.
        segment: ``(B, T)`` which segment of the sentence a token belongs to, -1 where there is none.
        front: ``(B, T)`` place of a token in its segment.
        back: ``(B, T)`` the same counted from the last.
    """

    values: Tensor
    segment: Tensor
    front: Tensor
    back: Tensor

    @property
    def mask(self) -> Tensor:
        """``(B, T)`` true where there is a token."""
        return self.segment >= 0

    def rows(self, part: slice) -> "Sentences":
        """Some of the sentences."""
        return Sentences(self.values[part], self.segment[part], self.front[part], self.back[part])

    def to(self, device: torch.device) -> "Sentences":
        """The same elsewhere."""
        return Sentences(*(one.to(device) for one in (self.values, self.segment, self.front, self.back)))

    @classmethod
    def of(cls, groups: Sequence[tuple[NDArray[np.float32], NDArray[np.bool_]]]) -> "Sentences":
        """From the values ``(N, L, WIDTH)`` and mask ``(N, L)`` of the segments of each sentence."""
        longest = max(int(mask.sum()) for _, mask in groups)
        values = torch.zeros(len(groups), longest, WIDTH)
        places = torch.full((3, len(groups), longest), -1)
        for row, (content, mask) in enumerate(groups):
            count = int(mask.sum())
            lengths = mask.sum(axis=1)
            segment = np.repeat(np.arange(len(mask)), lengths)
            front = np.concatenate([np.arange(length) for length in lengths])
            values[row, :count] = torch.from_numpy(content[mask])
            places[:, row, :count] = torch.from_numpy(
                np.stack([segment, front, lengths[segment] - 1 - front])
            )
        segment_of, front_of, back_of = places
        return cls(values, segment_of, front_of.clamp(min=0), back_of.clamp(min=0))


class SentenceEncoder(nn.Module):
    """Transformer over sentences (Vaswani 2017), queries and keys normalised (Henry 2020)."""

    def __init__(self, config: SentenceConfig) -> None:
        super().__init__()
        self.config = config
        self.scale = ContentScale()
        self.read = network(WIDTH + CONTENT.stop, config.width, config.width)
        self.skip = nn.Linear(WIDTH + CONTENT.stop, config.width)
        self.hidden_token = nn.Parameter(0.02 * torch.randn(config.width))
        self.front = nn.Embedding(LONGEST, config.width)
        self.back = nn.Embedding(LONGEST, config.width)
        self.blocks = nn.ModuleList(_Block(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)

    def forward(self, sentences: Sentences, hide: Tensor | None = None, *, context: bool = True) -> Tensor:
        """Read sentences: ``(B, T, width)``; what stands where there is no token means nothing.

        Args:
            sentences: to read.
            hide: ``(B, T)`` tokens whose content is not shown.
            context: whether a token sees other segments than its own.
        """
        mask, segment = sentences.mask, sentences.segment
        shown = mask if hide is None else mask & ~hide
        content = self.scale(sentences.values)
        within = self._within(content[..., CONTENT], sentences.values, shown)
        content = torch.cat([content, within * float(context)], dim=-1)[mask]  # n tokens, no padding
        read = self.read(content) + self.skip(content)
        hidden = read.new_zeros(*mask.shape, self.config.width).masked_scatter(mask[..., None], read)
        if hide is not None:
            hidden = torch.where(hide[..., None], self.hidden_token.to(hidden.dtype), hidden)
        hidden = hidden + self.front(sentences.front) + self.back(sentences.back)
        same = segment[:, :, None] == segment[:, None, :]
        seen = (same if not context else torch.ones_like(same)) & mask[:, None, :]
        seen = seen | torch.eye(mask.shape[1], dtype=torch.bool, device=mask.device)  # padding sees itself
        for block in self.blocks:
            hidden = block(hidden, same, seen)
        normed: Tensor = self.norm(hidden)
        return normed

    def _within(self, content: Tensor, values: Tensor, shown: Tensor) -> Tensor:
        """Content on the scale of its own sentence, drawn towards that of all people when that is short."""
        weight = shown[..., None].to(content.dtype)
        total = weight.sum(dim=1, keepdim=True) + PRIOR
        mean = (content * weight).sum(dim=1, keepdim=True) / total
        square = ((content - mean) ** 2 * weight).sum(dim=1, keepdim=True)
        spread = ((square + PRIOR) / total).sqrt()
        return ((content - mean) / spread).clamp(-8, 8) * self.scale.support(values)


class _Block(nn.Module):
    """Pre-norm layer; how near tokens of one segment are to each other is learned for each head."""

    def __init__(self, config: SentenceConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.norm_attend = nn.LayerNorm(config.width)
        self.project = nn.Linear(config.width, 3 * config.width)
        self.norm_query = nn.LayerNorm(config.width // config.heads)
        self.norm_key = nn.LayerNorm(config.width // config.heads)
        self.near = nn.Parameter(torch.linspace(0, 3, config.heads))
        self.merge = nn.Linear(config.width, config.width)
        self.norm_think = nn.LayerNorm(config.width)
        self.think = nn.Sequential(
            nn.Linear(config.width, config.hidden), nn.GELU(), nn.Linear(config.hidden, config.width)
        )

    def forward(self, hidden: Tensor, same: Tensor, seen: Tensor) -> Tensor:
        """``(B, T, width)`` to the same; ``same`` and ``seen`` are ``(B, T, T)``."""
        hidden = hidden + self._attend(self.norm_attend(hidden), same, seen)
        out: Tensor = hidden + self.think(self.norm_think(hidden))
        return out

    def _attend(self, hidden: Tensor, same: Tensor, seen: Tensor) -> Tensor:
        batch, count, width = hidden.shape
        parts = self.project(hidden).reshape(batch, count, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)  # B T 3 H W -> 3 B H T W
        query, key = self.norm_query(query).to(value.dtype), self.norm_key(key).to(value.dtype)
        bias = same[:, None] * self.near[:, None, None].to(value.dtype)  # (B, H, T, T)
        bias = bias.masked_fill(~seen[:, None], -torch.inf)
        attended = functional.scaled_dot_product_attention(query, key, value, bias)
        merged: Tensor = self.merge(
            attended.transpose(1, 2).reshape(batch, count, width)
        )  # B H T W -> B T (H W)
        return merged


class TokenModel(nn.Module):
    """Both stages: a quantiser, a sentence encoder, and a guess at the codes of hidden tokens."""

    def __init__(self, quantizer: QuantizerConfig, sentence: SentenceConfig) -> None:
        super().__init__()
        self.quantizer = TokenQuantizer(quantizer)
        self.encoder = SentenceEncoder(sentence)
        self.guess = nn.Linear(sentence.width, quantizer.codes)

    @property
    def width(self) -> int:
        """Width of a pooled segment."""
        return 2 * self.encoder.config.width

    def fit_scale(self, values: NDArray[np.float32]) -> None:
        """Take the scale of content from training tokens ``(n, WIDTH)``."""
        self.quantizer.scale.fit(values)
        self.encoder.scale.load_state_dict(self.quantizer.scale.state_dict())


def pool(hidden: Tensor, mask: Tensor) -> Tensor:
    """Mean and maximum over the tokens of each segment: ``(N, L, d)`` and ``(N, L)`` to ``(N, 2 d)``."""
    weight = mask[..., None].to(hidden.dtype)
    mean = (hidden * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)
    highest = hidden.masked_fill(~mask[..., None], -torch.inf).amax(dim=1)
    return torch.cat([mean, torch.where(mask.any(dim=1)[:, None], highest, torch.zeros_like(highest))], dim=1)


@torch.no_grad()
def pooled(
    model: TokenModel, values: NDArray[np.float32], mask: NDArray[np.bool_], *, context: bool = True
) -> NDArray[np.float32]:
    """One vector a segment of a session.

    Args:
        model: both stages, trained.
        values: ``(N, L, WIDTH)`` tokens of the session.
        mask: ``(N, L)`` where there is one.
        context: whether segments are read among the others of the session; a long session is read in several
            sentences, each with segments from all of it.

    Returns:
        ``(N, 2 d)``; a row depends on no order of the segments.
    """
    encoder, device = model.encoder.eval(), model.guess.weight.device
    hidden = np.zeros((*mask.shape, encoder.config.width), dtype=np.float32)
    groups = sentence_rows(values, mask)
    for first in range(0, len(groups), _BATCH):
        some = groups[first : first + _BATCH]
        sentences = Sentences.of([(values[rows], mask[rows]) for rows in some]).to(device)
        read = encoder(sentences, context=context).float().cpu().numpy()
        for rows, said in zip(some, read, strict=True):
            place = np.zeros_like(mask)
            place[rows] = mask[rows]
            hidden[place] = said[: int(mask[rows].sum())]
    return pool(torch.from_numpy(hidden), torch.from_numpy(mask)).numpy()


def sentence_rows(values: NDArray[np.float32], mask: NDArray[np.bool_]) -> list[NDArray[np.int_]]:
    """Segments of each sentence of a session, sorted; each sentence has quiet ones and loud ones.

    Args:
        values: ``(N, L, WIDTH)``.
        mask: ``(N, L)``.
    """
    lengths = mask.sum(axis=1)
    loudness = values[..., LEVEL.start].sum(axis=1) / np.maximum(lengths, 1)
    order = np.lexsort((lengths, loudness))
    count = max(int(np.ceil(lengths.sum() / SENTENCE)), 1)
    while count < len(mask) and max(lengths[order[part::count]].sum() for part in range(count)) > SENTENCE:
        count += 1
    return [np.sort(order[part::count]) for part in range(min(count, len(mask)))]
