"""Learned queries that read a segment token by token, one for each view of an action.

A loud token says more about what was done than a quiet one. So the logarithm of a token's power over the
session's rest, times a weight that is learned but never negative, is added to its logit: at first tokens
count in proportion to their amplitude. Beside the tokens there is always rest itself, at the level zero, with
a meaning that is learned; a segment of rest is read as that. How strong the tokens are stays in what is read.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from myosem.sentence import CONTENT, ENERGY, FLAG, PLACES, TOKEN

LOUDNESS = 0.5
"""How much a token's level counts at first: e to the power of half the log power is the amplitude."""
_NEVER = -1e9


class TokenQueries(nn.Module):
    """V queries attend to the L = ``PLACES`` tokens of each segment and to rest.

    Args:
        queries: V.
        width: of what each query brings back.
        heads: attention heads of each query.
        dropout: share of activations dropped in training.
        noise: standard deviation of the noise in training, in units of the spread of all tokens.
        shrinkage: how many tokens the fixed scale is worth in the session's statistics; None to read tokens
            on the fixed scale only.
    """

    center: Tensor
    scale: Tensor

    def __init__(
        self,
        queries: int,
        width: int,
        heads: int,
        *,
        dropout: float = 0.0,
        noise: float = 0.0,
        shrinkage: float | None = None,
    ) -> None:
        super().__init__()
        self.heads, self.noise, self.shrinkage = heads, noise, shrinkage
        self.register_buffer("center", torch.zeros(CONTENT))
        self.register_buffer("scale", torch.ones(CONTENT))
        self.read = nn.Sequential(
            nn.Linear(2 * CONTENT + 1, width), nn.GELU(), nn.Dropout(dropout), nn.Linear(width, width)
        )
        self.rest = nn.Parameter(0.02 * torch.randn(width))
        self.query = nn.Parameter(torch.randn(queries, width) / math.sqrt(width))
        self.project = nn.Linear(width, 2 * width)
        self.loudness = nn.Parameter(torch.full((heads,), math.log(math.expm1(LOUDNESS))))
        self.merge = nn.Linear(width, width)
        self.drop = nn.Dropout(dropout)

    @torch.no_grad()
    def fit_scale(self, sentences: Tensor) -> None:
        """Fix center and scale of the content of all tokens of sentences ``(N, SENTENCE)``."""
        tokens = sentences.reshape(-1, TOKEN)
        content = tokens[tokens[:, FLAG] > 0.5, :CONTENT]
        if len(content) > 1:
            self.center.copy_(content.mean(dim=0))
            self.scale.copy_(content.std(dim=0).clamp(min=1e-3))

    def forward(self, sentences: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Read the segments of sessions.

        Args:
            sentences: ``(B, N, SENTENCE)``.
            mask: ``(B, N)`` true where there is a segment.

        Returns:
            What the queries bring back ``(B, N, V, width)``, and the mean attention of the heads
            ``(B, N, V, L + 1)``, in all 1: to each token, and last to rest.
        """
        batch, count, _ = sentences.shape
        tokens = sentences.reshape(batch, count, PLACES, TOKEN)
        there = tokens[..., FLAG] > 0.5  # (B, N, L)
        said = self.read(self._readings(tokens[..., :CONTENT], there & mask[..., None]))
        said = torch.cat([said, self.rest.expand(batch, count, 1, -1)], dim=2)
        key, value = (
            part.reshape(batch, count, PLACES + 1, self.heads, -1).transpose(2, 3)  # B N L H W -> B N H L W
            for part in self.project(said).chunk(2, dim=-1)
        )
        query = self.query.reshape(len(self.query), self.heads, -1).transpose(0, 1)  # V H W -> H V W
        logits = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])  # (B, N, H, V, L + 1)
        logits = logits + self._loudness(tokens[..., ENERGY], there)[..., None, :]
        attention = logits.softmax(dim=-1)
        seen = (attention @ value).transpose(2, 3).reshape(batch, count, len(self.query), -1)
        return self.drop(self.merge(seen)), attention.mean(dim=2)

    def _loudness(self, energy: Tensor, there: Tensor) -> Tensor:
        """What is added to the logits ``(B, N, H, L + 1)``; rest is at the level zero."""
        weight = functional.softplus(self.loudness)[:, None]  # (H, 1)
        bias = (weight * energy.clamp(-8, 8)[..., None, :]).masked_fill(~there[..., None, :], _NEVER)
        return functional.pad(bias, (0, 1))

    def _readings(self, content: Tensor, there: Tensor) -> Tensor:
        """Content against all people and against the session, and where in its segment each token stands."""
        fixed = ((content - self.center) / self.scale).clamp(-8, 8)
        own = fixed
        if self.shrinkage is not None:
            flat = within_session(fixed.flatten(1, 2), there.flatten(1), self.shrinkage)  # B (N L) C
            own = flat.reshape(fixed.shape)
        number = there.to(content.dtype)
        place = (number.cumsum(dim=-1) - 0.5) / number.sum(dim=-1, keepdim=True).clamp(min=1)
        readings = torch.cat([fixed, own, 2 * place[..., None] - 1], dim=-1)
        if self.training:
            readings = readings + self.noise * torch.randn_like(readings)
        return readings


def within_session(values: Tensor, mask: Tensor, shrinkage: float) -> Tensor:
    """Values ``(B, N, C)`` against mean and spread of their session's, drawn towards 0 and 1.

    Args:
        values: on the scale of all people.
        mask: ``(B, N)`` which of them count.
        shrinkage: how many values the fixed scale is worth.
    """
    weight = mask.unsqueeze(-1).to(values.dtype)
    total = weight.sum(dim=1, keepdim=True) + shrinkage
    mean = (values * weight).sum(dim=1, keepdim=True) / total
    square = ((values - mean) ** 2 * weight).sum(dim=1, keepdim=True)
    spread = ((square + shrinkage) / total).sqrt()
    return ((values - mean) / spread).clamp(-8, 8)
