"""The trainable half of MyoSem: a session of segments in, unit vectors out.

A segment means little by itself: electrodes sit elsewhere on every arm. Its session says where. So
each segment is read twice, against all people (fixed scale) and against its own session (mean and
spread of the session's segments, drawn towards the fixed scale when the session is short), and then
attends to every other segment of the session. Nothing depends on the order of the segments.
"""

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from myosem.features import GROUPS, HARMONICS, WIDTH


@dataclass(frozen=True)
class EncoderConfig:
    """Size and regularisation of the session encoder.

    Attributes:
        dimension: width of the shared space.
        width: inner width.
        layers: attention layers over the session.
        heads: attention heads a layer.
        dropout: share of activations dropped in training.
        shrinkage: how many segments the fixed scale is worth in the session's statistics.
        context: whether a segment sees the others of its session at all.
    """

    dimension: int = 256
    width: int = 256
    layers: int = 4
    heads: int = 8
    dropout: float = 0.2
    shrinkage: float = 4.0
    context: bool = True

    def as_dict(self) -> dict[str, object]:
        """For the bundle's configuration."""
        return asdict(self)


class SessionEncoder(nn.Module):
    """Set transformer over the segments of a session.

    Shapes: features ``(B, N, WIDTH)``, mask ``(B, N)`` true where there is a segment, output
    ``(B, N, dimension)`` of unit length. Where the mask is false nothing is read and the output is
    meaningless.
    """

    center: Tensor
    scale: Tensor

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("center", torch.zeros(WIDTH))
        self.register_buffer("scale", torch.ones(WIDTH))
        self.read = nn.Sequential(
            nn.Linear(2 * WIDTH, config.width),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.width, config.width),
        )
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        self.write = nn.Linear(config.width, config.dimension)

    def set_scale(self, features: Tensor) -> None:
        """Fix the scale from ``(n, WIDTH)`` training features."""
        self.center.copy_(features.mean(dim=0))
        self.scale.copy_(features.std(dim=0).clamp(min=1e-3))

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """Embed each segment among those of its session."""
        fixed = ((features - self.center) / self.scale).clamp(-8, 8)
        own = self._within_session(fixed, mask) if self.config.context else torch.zeros_like(fixed)
        hidden = self.read(torch.cat([fixed, own], dim=-1))
        for block in self.blocks:
            hidden = block(hidden, mask)
        return functional.normalize(self.write(self.norm(hidden)), dim=-1)

    def _within_session(self, fixed: Tensor, mask: Tensor) -> Tensor:
        weight = mask.unsqueeze(-1).to(fixed.dtype)
        count = weight.sum(dim=1, keepdim=True)
        total = count + self.config.shrinkage
        mean = (fixed * weight).sum(dim=1, keepdim=True) / total
        square = ((fixed - mean) ** 2 * weight).sum(dim=1, keepdim=True)
        spread = ((square + self.config.shrinkage) / total).sqrt()
        return ((fixed - mean) / spread).clamp(-8, 8)


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
        return hidden + self.think(self.norm_think(hidden))

    def _attend(self, hidden: Tensor, mask: Tensor) -> Tensor:
        batch, count, width = hidden.shape
        parts = self.project(hidden).reshape(batch, count, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)  # B N 3 H W -> 3 B H N W
        dropout = self.dropout if self.training else 0.0
        seen = functional.scaled_dot_product_attention(query, key, value, mask[:, None, None, :], dropout)
        return self.merge(seen.transpose(1, 2).reshape(batch, count, width))  # B H N W -> B N (H W)


class TextHead(nn.Module):
    """From a frozen text tower's vectors ``(n, tower_width)`` to the shared space ``(n, dimension)``, unit length."""

    def __init__(self, tower_width: int, dimension: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.straight = nn.Linear(tower_width, dimension)
        self.bent = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(tower_width, 512),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(512, dimension),
        )

    def forward(self, vectors: Tensor) -> Tensor:
        """Project and normalise."""
        return functional.normalize(self.straight(vectors) + self.bent(vectors), dim=-1)


def turn(features: Tensor, angle: Tensor) -> Tensor:
    """Features as if the electrodes were turned round the limb.

    Args:
        features: ``(B, N, WIDTH)``.
        angle: ``(B,)`` radians.
    """
    rotation = _rotation(angle)  # (B, H, H)
    batch, count, _ = features.shape
    first, second = GROUPS * HARMONICS, GROUPS * HARMONICS + HARMONICS**2
    courses = features[..., :first].reshape(batch, count, GROUPS, HARMONICS)
    courses = torch.einsum("bngh,bkh->bngk", courses, rotation)
    covariance = features[..., first:second].reshape(batch, count, HARMONICS, HARMONICS)
    covariance = torch.einsum("bkh,bnhi,bli->bnkl", rotation, covariance, rotation)
    return torch.cat([courses.flatten(2), covariance.flatten(2), features[..., second:]], dim=-1)


def _rotation(angle: Tensor) -> Tensor:
    orders = torch.arange(1, HARMONICS // 2 + 1, device=angle.device)
    cosine, sine = torch.cos(orders * angle[:, None]), torch.sin(orders * angle[:, None])  # (B, orders)
    pairs = torch.stack([torch.stack([cosine, -sine], -1), torch.stack([sine, cosine], -1)], -2)
    rotation = torch.zeros(len(angle), HARMONICS, HARMONICS, device=angle.device)
    rotation[:, 0, 0] = 1
    for order in range(HARMONICS // 2):
        rotation[:, 1 + 2 * order : 3 + 2 * order, 1 + 2 * order : 3 + 2 * order] = pairs[:, order]
    return rotation
