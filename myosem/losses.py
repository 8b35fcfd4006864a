"""Contrastive losses in which several pairs of a batch may be right.

Segments of the same action are never each other's negatives, nor are texts of the same action. A
plain CLIP loss would push them apart, for it takes the pair it was given as the only right one.
"""

import torch
from open_clip.loss import gather_features
from torch import Tensor, nn
from torch.nn import functional


class MultiPositiveClipLoss(nn.Module):
    """Symmetric cross entropy with all pairs of one action as positives.

    Args:
        rank: of this process.
        world_size: processes that share a batch; their vectors are gathered by open_clip, with gradient.

    Inputs: ``emg (n, D)`` and ``text (m, D)`` of unit length, ``emg_action (n,)`` and ``text_action (m,)``
    integers, ``scale`` the inverse temperature.

    Relations: with one text an action and each action once in the batch this is open_clip's ``ClipLoss``.
    """

    def __init__(self, rank: int = 0, world_size: int = 1) -> None:
        super().__init__()
        self.rank = rank
        self.world_size = world_size

    def forward(
        self, emg: Tensor, text: Tensor, emg_action: Tensor, text_action: Tensor, scale: Tensor
    ) -> Tensor:
        """Mean of the two directions; an action that only one side knows is a negative for the other."""
        if self.world_size > 1:
            emg, text = gather_features(
                emg, text, gather_with_grad=True, rank=self.rank, world_size=self.world_size
            )
            emg_action, text_action = gather_features(
                emg_action, text_action, rank=self.rank, world_size=self.world_size
            )
        logits = scale * emg @ text.T
        positive = emg_action[:, None] == text_action[None, :]
        return (_cross_entropy(logits, positive) + _cross_entropy(logits.T, positive.T)) / 2


def _cross_entropy(logits: Tensor, positive: Tensor) -> Tensor:
    """Each positive against the negatives of its row only, averaged over the row, then over rows that have one."""
    answerable = positive.any(dim=1)
    if not bool(answerable.any()):
        return logits.sum() * 0
    logits, positive = logits[answerable], positive[answerable]
    against = torch.logsumexp(logits.masked_fill(positive, -torch.inf), dim=1, keepdim=True)
    loss = functional.softplus(against - logits) * positive
    return (loss.sum(dim=1) / positive.sum(dim=1)).mean()
