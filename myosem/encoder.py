"""The trainable half of MyoSem: a session of segments in, unit vectors out.

A segment means little by itself: electrodes sit elsewhere on every arm. Its session says where. So
each segment is read twice, against all people (fixed scale) and against its own session (mean and
spread of the session's segments, drawn towards the fixed scale when the session is short), and then
attends to every other segment of the session. It also reads what a linear discriminant of each
training data set says of the segment (``myosem.discriminants``). Learned queries, one for each view of an
action, read its tokens (``myosem.queries``) and become a vector each, the mean of which joins its own.
Nothing depends on the order of the segments. Without context a segment is read against all people only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from myosem.discriminants import Discriminants
from myosem.errors import UsageError
from myosem.features import GROUPS, READ, TOKENS, WIDTH, WORDS
from myosem.prompts.schema import VIEWS
from myosem.queries import TokenQueries, within_session
from myosem.ring import HARMONICS
from myosem.sentence import CONTENT, PLACES, TOKEN, TURNS

WHITENING_SHRINKAGE = 0.1
MEMORY_SHARPNESS = 20.0


@dataclass(frozen=True)
class EncoderConfig:
    """Size and regularisation of the session encoder.

    Attributes:
        dimension: width of the shared space.
        width: inner width.
        layers: attention layers over the session.
        heads: attention heads a layer.
        dropout: share of activations dropped in training.
        noise: standard deviation of the noise in training, in units of the spread within an action.
        shrinkage: how many segments the fixed scale is worth in the session's statistics.
        context: whether a segment sees the others of its session at all.
        scores: how many scores the discriminants of the training data sets give.
        queries: how many learned queries read the tokens, one a view; 0 for none.
        query_width: width of what each brings back.
        query_heads: attention heads of each.
    """

    dimension: int = 256
    width: int = 192
    layers: int = 3
    heads: int = 6
    dropout: float = 0.2
    noise: float = 0.5
    shrinkage: float = 4.0
    context: bool = True
    scores: int = 0
    queries: int = len(VIEWS)
    query_width: int = 96
    query_heads: int = 4


class SessionEncoder(nn.Module):
    """Set transformer over the segments of a session.

    Shapes: features ``(B, N, WIDTH)``, mask ``(B, N)`` true where there is a segment, output
    ``(B, N, dimension)`` of unit length. Where the mask is false nothing is read and the output is
    meaningless.
    """

    center: Tensor
    scale: Tensor
    whiten: Tensor
    score_weight: Tensor
    score_bias: Tensor
    score_scale: Tensor

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("center", torch.zeros(READ))
        self.register_buffer("scale", torch.ones(READ))
        self.register_buffer("whiten", torch.eye(READ))
        self.register_buffer("score_weight", torch.zeros(READ, config.scores))
        self.register_buffer("score_bias", torch.zeros(config.scores))
        self.register_buffer("score_scale", torch.ones(config.scores))
        self.read = nn.Sequential(
            nn.Linear(2 * READ + 2 * config.scores, config.width),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.width, config.width),
        )
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        self.write = nn.Linear(config.width, config.dimension)
        self.queries: TokenQueries | None = None
        if config.queries:
            self.queries = _queries(config)
            self.join = nn.Linear(config.queries * config.query_width, config.width)
            nn.init.zeros_(self.join.weight)
        self.views = nn.ModuleList(
            nn.Linear(config.query_width, config.dimension, bias=False) for _ in range(config.queries)
        )

    @torch.no_grad()
    def fit_scale(self, sessions: Sequence[tuple[Tensor, Tensor]]) -> None:
        """Fix what training data say about the features before any gradient.

        Args:
            sessions: features ``(N, WIDTH)`` and class ``(N,)`` of each training session, -1 for none.

        Center and scale are those of all segments. The whitening makes the spread within a class,
        seen from inside each session, the same in all directions (the first half of a discriminant
        analysis), shrunk towards no whitening.
        """
        everything = torch.cat([features[:, :READ] for features, _ in sessions])
        if self.queries is not None:
            self.queries.fit_scale(torch.cat([features[:, TOKENS] for features, _ in sessions]))
        self.center.copy_(everything.mean(dim=0))
        self.scale.copy_(everything.std(dim=0).clamp(min=1e-3))
        own = torch.cat([self.alone(features)[1] for features, _ in sessions])
        label = torch.cat([classes for _, classes in sessions])
        residual = torch.cat(
            [
                own[label == one] - own[label == one].mean(dim=0)
                for one in range(int(label.max()) + 1)
                if (label == one).any()
            ]
        )
        within = residual.T @ residual / len(residual)
        values, vectors = torch.linalg.eigh(within + WHITENING_SHRINKAGE * torch.eye(READ))
        self.whiten.copy_(vectors @ torch.diag(values.rsqrt()) @ vectors.T)

    @torch.no_grad()
    def fit_scores(self, discriminants: Discriminants, scale: Tensor) -> None:
        """Take over discriminants fitted in closed form; ``scale (E,)`` is the spread of unseen scores."""
        self.score_weight.copy_(torch.from_numpy(discriminants.weight))
        self.score_bias.copy_(torch.from_numpy(discriminants.bias))
        self.score_scale.copy_(scale)

    @torch.no_grad()
    def spread(self) -> Tensor:
        """Of each feature ``(WIDTH,)``; 0 for what is not read or is no measurement."""
        spread = torch.zeros(WIDTH)
        spread[:READ] = self.scale
        if self.queries is not None:
            spread[TOKENS].reshape(PLACES, TOKEN)[:, :CONTENT] = self.queries.scale
        return spread

    @torch.no_grad()
    def alone(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """One session's ``(N, WIDTH)`` features, as ``standardise`` gives them."""
        fixed, own = self.standardise(features[None], torch.ones(1, len(features), dtype=torch.bool))
        return fixed[0], own[0]

    def standardise(self, features: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """What the electrodes say ``(B, N, READ)``, on the scale of all people and on that of the session.

        Without context the second is as the first.
        """
        fixed = ((features[..., :READ] - self.center) / self.scale).clamp(-8, 8)
        return fixed, self._within_session(fixed, mask) if self.config.context else fixed

    def forward(self, features: Tensor, mask: Tensor, scores: Tensor | None = None) -> Tensor:
        """Embed each segment among those of its session.

        Args:
            features: of the segments.
            mask: where there is one.
            scores: ``(B, N, scores)`` in place of those of the discriminants; for training, where theirs
                would have seen the answer.
        """
        return self.with_views(features, mask, scores)[..., 0, :]

    def with_views(self, features: Tensor, mask: Tensor, scores: Tensor | None = None) -> Tensor:
        """As ``forward``, with the unit vectors of the V views behind: ``(B, N, 1 + V, dimension)``."""
        fixed, own = self.standardise(features, mask)
        hidden = self.read(self._readings(fixed, own, mask, scores))
        seen = None
        if self.queries is not None:
            seen, _ = self.queries(features[..., TOKENS], mask)
            hidden = hidden + self.join(seen.flatten(2))  # B N V W -> B N (V W)
        for block in self.blocks:
            hidden = block(hidden, mask)
        written = self.write(self.norm(hidden))
        if seen is None:
            return functional.normalize(written, dim=-1).unsqueeze(-2)
        added = [view(own_part) for view, own_part in zip(self.views, seen.unbind(dim=-2), strict=True)]
        views = functional.normalize(written.unsqueeze(-2) + torch.stack(added, dim=-2), dim=-1)
        whole = functional.normalize(written, dim=-1) + views.mean(dim=-2)
        return torch.cat([functional.normalize(whole, dim=-1).unsqueeze(-2), views], dim=-2)

    @torch.no_grad()
    def attention(self, features: Tensor, mask: Tensor) -> Tensor:
        """What each view attends to: ``(B, N, V, PLACES + 1)``, the tokens of each segment and last rest.

        Raises:
            UsageError: this encoder has no queries.
        """
        if self.queries is None:
            raise UsageError("this model reads no tokens", hint="train one with views above 0")
        attention: Tensor = self.queries(features[..., TOKENS], mask)[1]
        return attention

    def _readings(self, fixed: Tensor, own: Tensor, mask: Tensor, scores: Tensor | None) -> Tensor:
        if scores is None:
            scores = own @ self.score_weight + self.score_bias
        scores = (scores / self.score_scale).clamp(-8, 8)
        context = self._within_session(scores, mask) if self.config.context else scores
        readings = torch.cat([fixed @ self.whiten, own @ self.whiten, scores, context], dim=-1)
        if self.training:
            readings = readings + self.config.noise * torch.randn_like(readings)
        return readings

    def _within_session(self, fixed: Tensor, mask: Tensor) -> Tensor:
        return within_session(fixed, mask, self.config.shrinkage)


def _queries(config: EncoderConfig) -> TokenQueries:
    return TokenQueries(
        config.queries,
        config.query_width,
        config.query_heads,
        dropout=config.dropout,
        noise=config.noise,
        shrinkage=config.shrinkage if config.context else None,
    )


class Block(nn.Module):
    """Pre-norm transformer layer; padding is neither attended to nor changed by anything else."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.context = config.context
        self.dropout = config.dropout
        self.norm_attend = nn.LayerNorm(config.width)
        self.project = nn.Linear(config.width, 3 * config.width)
        self.merge = nn.Linear(config.width, config.width)
        self.norm_think = nn.LayerNorm(config.width)
        self.think = nn.Sequential(
            nn.Linear(config.width, 2 * config.width),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(2 * config.width, config.width),
            nn.Dropout(config.dropout),
        )

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """``(B, N, width)`` to the same."""
        if self.context:
            hidden = hidden + self._attend(self.norm_attend(hidden), mask)
        out: Tensor = hidden + self.think(self.norm_think(hidden))
        return out

    def _attend(self, hidden: Tensor, mask: Tensor) -> Tensor:
        batch, count, width = hidden.shape
        parts = self.project(hidden).reshape(batch, count, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)  # B N 3 H W -> 3 B H N W
        dropout = self.dropout if self.training else 0.0
        seen = functional.scaled_dot_product_attention(query, key, value, mask[:, None, None, :], dropout)
        merged: Tensor = self.merge(seen.transpose(1, 2).reshape(batch, count, width))  # B H N W -> B N (H W)
        return merged


class TextHead(nn.Module):
    """From a frozen text tower's ``(n, tower_width)`` to unit vectors ``(n, dimension)`` of the shared space.

    EMG knows actions, not phrases. So once training is over the head remembers where each action lies,
    and moves a phrase towards the actions that it is close to.
    """

    memory: Tensor

    def __init__(self, tower_width: int, dimension: int, actions: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.tower_width = tower_width
        self.straight = nn.Linear(tower_width, dimension)
        self.bent = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(tower_width, 512),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(512, dimension),
        )
        self.register_buffer("memory", torch.zeros(actions, dimension))

    @torch.no_grad()
    def remember(self, anchors: Tensor) -> None:
        """Fix where the actions lie: ``(actions, dimension)`` of unit length."""
        self.memory.copy_(anchors)

    def forward(self, vectors: Tensor) -> Tensor:
        """Project, move towards remembered actions, normalise."""
        phrase = functional.normalize(self.straight(vectors) + self.bent(vectors), dim=-1)
        likeness = torch.softmax(MEMORY_SHARPNESS * phrase @ self.memory.T, dim=-1)
        recalled: Tensor = functional.normalize(phrase + likeness @ self.memory, dim=-1)
        return recalled


def turn(features: Tensor, angle: Tensor) -> Tensor:
    """Features as if the electrodes were turned round the limb.

    Args:
        features: ``(B, N, WIDTH)``.
        angle: ``(B,)`` radians.
    """
    rotation = _rotation(angle)  # (B, H, H)
    batch, count, _ = features.shape
    first, second = GROUPS * HARMONICS, GROUPS * HARMONICS + 2 * HARMONICS**2
    courses = features[..., :first].reshape(batch, count, GROUPS, HARMONICS)
    courses = torch.einsum("bngh,bkh->bngk", courses, rotation)
    covariances = features[..., first:second].reshape(batch, count, 2, HARMONICS, HARMONICS)
    covariances = torch.einsum("bkh,bnchi,bli->bnckl", rotation, covariances, rotation)
    words = features[..., WORDS].reshape(batch, count, -1, HARMONICS)
    words = torch.einsum("bngh,bkh->bngk", words, rotation)
    sentences = features[..., TOKENS].reshape(batch, count, PLACES, TOKEN)
    waves = sentences[..., TURNS].reshape(batch, count, PLACES, -1, HARMONICS)
    waves = torch.einsum("bnlgh,bkh->bnlgk", waves, rotation).flatten(3)
    sentences = torch.cat([waves, sentences[..., TURNS.stop :]], dim=-1)
    parts = [courses, covariances, features[..., second:READ], words, sentences]
    return torch.cat([part.flatten(2) for part in parts], dim=-1)


def _rotation(angle: Tensor) -> Tensor:
    orders = torch.arange(1, HARMONICS // 2 + 1, device=angle.device)
    cosine, sine = torch.cos(orders * angle[:, None]), torch.sin(orders * angle[:, None])  # (B, orders)
    pairs = torch.stack([torch.stack([cosine, -sine], -1), torch.stack([sine, cosine], -1)], -2)
    rotation = torch.zeros(len(angle), HARMONICS, HARMONICS, device=angle.device)
    rotation[:, 0, 0] = 1
    for order in range(HARMONICS // 2):
        rotation[:, 1 + 2 * order : 3 + 2 * order, 1 + 2 * order : 3 + 2 * order] = pairs[:, order]
    return rotation
