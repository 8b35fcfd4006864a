"""What the linear discriminants of the training data sets say, as part of the encoder.

Each data set has a discriminant of its own (``myosem.discriminants``). A gate reads from mean and
spread of the session's features how much the session looks like each data set, and weighs their
probabilities. The result moves a segment's vector towards where the words of these actions lie.
"""

import torch
from torch import Tensor, nn

from myosem.discriminants import Discriminants, Gate

SOFTNESS = 4.0
GATE_SOFTNESS = 5.0
LIMIT = 30.0


class Evidence(nn.Module):
    """E scores of S data sets, from features of width W, towards words of width D.

    Shapes: ``fixed`` and ``own`` ``(B, N, W)`` features on the scale of all people and of their session,
    ``mask (B, N)``.
    """

    weight: Tensor
    bias: Tensor
    scale: Tensor
    member: Tensor
    gate_weight: Tensor
    gate_bias: Tensor
    anchors: Tensor

    def __init__(self, width: int, scores: int, datasets: int, dimension: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.zeros(width, scores))
        self.register_buffer("bias", torch.zeros(scores))
        self.register_buffer("scale", torch.ones(scores))
        self.register_buffer("member", torch.zeros(scores, datasets))
        self.register_buffer("gate_weight", torch.zeros(2 * width, datasets))
        self.register_buffer("gate_bias", torch.zeros(datasets))
        self.register_buffer("anchors", torch.zeros(scores, dimension))

    @torch.no_grad()
    def fit(self, discriminants: Discriminants, gate: Gate, scale: Tensor) -> None:
        """Take over what was fitted in closed form; ``scale (E,)`` is the spread of unseen scores."""
        self.weight.copy_(torch.from_numpy(discriminants.weight))
        self.bias.copy_(torch.from_numpy(discriminants.bias))
        self.member.copy_(
            nn.functional.one_hot(torch.from_numpy(discriminants.dataset), self.member.shape[1])
        )
        self.gate_weight.copy_(torch.from_numpy(gate.weight))
        self.gate_bias.copy_(torch.from_numpy(gate.bias))
        self.scale.copy_(scale)

    @torch.no_grad()
    def remember(self, anchors: Tensor) -> None:
        """Fix where the words of each score's action lie ``(E, D)``."""
        self.anchors.copy_(anchors)

    def scores(self, own: Tensor) -> Tensor:
        """Discriminant scores ``(B, N, E)``."""
        return own @ self.weight + self.bias

    def recall(self, fixed: Tensor, own: Tensor, mask: Tensor) -> Tensor:
        """Mean of the anchors, weighed by their probabilities: ``(B, N, D)``."""
        likely = (self.scores(own) / SOFTNESS).clamp(-LIMIT, LIMIT).exp()
        within = likely / (likely @ self.member @ self.member.T)
        return (within * (self.gate(fixed, mask) @ self.member.T)) @ self.anchors

    def gate(self, fixed: Tensor, mask: Tensor) -> Tensor:
        """How much the session looks like each data set ``(B, 1, S)``, in all 1."""
        weight = mask.unsqueeze(-1).to(fixed.dtype)
        count = weight.sum(dim=1, keepdim=True).clamp(min=1)
        mean = (fixed * weight).sum(dim=1, keepdim=True) / count
        spread = (((fixed - mean) ** 2 * weight).sum(dim=1, keepdim=True) / count).sqrt()
        logits = torch.cat([mean, spread], dim=-1) @ self.gate_weight + self.gate_bias
        return torch.softmax(logits / GATE_SOFTNESS, dim=-1)
