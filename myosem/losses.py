"""Contrastive losses in which several pairs of a batch may be right.

Segments of the same action are never each other's negatives, nor are texts of the same action. A
plain CLIP loss would push them apart, for it takes the pair it was given as the only right one.
"""

from functools import partial

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
    integers, ``scale`` the inverse temperature, ``comparable (n, m)`` false where a pair says nothing: an
    action that the segment's data set does not name may still be what was done.

    Relations: with one text an action and each action once in the batch this is open_clip's ``ClipLoss``.
    """

    def __init__(self, rank: int = 0, world_size: int = 1) -> None:
        super().__init__()
        self.rank = rank
        self.world_size = world_size

    def forward(  # noqa: PLR0917
        self,
        emg: Tensor,
        text: Tensor,
        emg_action: Tensor,
        text_action: Tensor,
        scale: Tensor,
        comparable: Tensor,
    ) -> Tensor:
        """Mean of the two directions; an action that only one side knows is a negative for the other."""
        if self.world_size > 1:
            share = partial(gather_features, rank=self.rank, world_size=self.world_size)
            emg, text = share(emg, text, gather_with_grad=True)
            emg_action, text_action = share(emg_action, text_action)
            comparable, _ = share(comparable, comparable)
            comparable = comparable.repeat(1, self.world_size)
        logits = scale * emg @ text.T
        positive = (emg_action[:, None] == text_action[None, :]) & comparable
        logits = logits.masked_fill(~comparable, -torch.inf)
        return (_cross_entropy(logits, positive) + _cross_entropy(logits.T, positive.T)) / 2


def _cross_entropy(logits: Tensor, positive: Tensor) -> Tensor:
    """Each positive against the negatives of its row only: mean over the row, then over rows with one."""
    against = logits.masked_fill(positive, -torch.inf)
    answerable = positive.any(dim=1) & (against > -torch.inf).any(dim=1)
    if not bool(answerable.any()):
        return logits.nan_to_num(neginf=0).sum() * 0
    logits, positive, against = logits[answerable], positive[answerable], against[answerable]
    loss = functional.softplus(
        torch.logsumexp(against, dim=1, keepdim=True) - logits.masked_fill(~positive, 0)
    )
    return ((loss * positive).sum(dim=1) / positive.sum(dim=1)).mean()
