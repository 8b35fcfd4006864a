"""Contrastive losses in which several pairs of a batch may be right.

Segments of the same action are never each other's negatives, nor are texts of the same action. A
plain CLIP loss would push them apart, for it takes the pair it was given as the only right one. And
where it is known how similar actions are, a share of each row's target may be spread over them.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from myosem.errors import UsageError


class PairLoss(nn.Module):
    """What the losses share.

    Args:
        soft: share of each row's target that is spread over all comparable pairs of the row, in
            proportion to how similar the actions are.
        similarity: ``(A, A)`` of the actions, nothing negative; None where ``soft`` is 0.

    Inputs: ``emg (n, D)`` and ``text (m, D)`` of unit length, ``emg_action (n,)`` and ``text_action (m,)``
    integers, ``scale`` the inverse temperature, ``comparable (n, m)`` false where a pair says nothing: an
    action that the segment's data set does not name may still be what was done.

    Raises:
        UsageError: ``soft`` is no share, or similarities are missing or negative.
    """

    similarity: Tensor | None

    def __init__(self, soft: float = 0.0, similarity: Tensor | None = None) -> None:
        super().__init__()
        if not 0 <= soft < 1:
            raise UsageError("no share of a target", got=soft, expected="soft from 0 up to 1")
        if soft and (similarity is None or bool((similarity < 0).any())):
            got = "none" if similarity is None else f"{float(similarity.min()):.3g} as the least"
            raise UsageError(
                "soft targets need the similarities of the actions", got=got, expected="(A, A), 0 or more"
            )
        self.soft = soft
        self.register_buffer("similarity", similarity if soft else None, persistent=False)

    def _share(self, emg_action: Tensor, text_action: Tensor, comparable: Tensor) -> Tensor | None:
        """How similar the actions of each comparable pair are ``(n, m)``; None where it does not matter."""
        if self.similarity is None:
            return None
        return self.similarity[emg_action][:, text_action] * comparable


class MultiPositiveClipLoss(PairLoss):
    """Symmetric cross entropy with all pairs of one action as positives.

    Relations: with one text an action and each action once in the batch this is open_clip's ``ClipLoss``;
    so it is with soft targets, against mixed instead of single ones.
    """

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
        logits = scale * emg @ text.T
        positive = (emg_action[:, None] == text_action[None, :]) & comparable
        logits = logits.masked_fill(~comparable, -torch.inf)
        loss = (_cross_entropy(logits, positive) + _cross_entropy(logits.T, positive.T)) / 2
        share = self._share(emg_action, text_action, comparable)
        if share is None:
            return loss
        spread = (_spread_entropy(logits, share) + _spread_entropy(logits.T, share.T)) / 2
        return (1 - self.soft) * loss + self.soft * spread


class SigmoidLoss(PairLoss):
    """Each pair by itself: the same action or not, after SigLIP (Zhai et al. 2023), with a learned bias.

    Args:
        soft: as in ``PairLoss``; the target of a pair is what its row's share makes of it, 1 at most.
        similarity: likewise.
        bias: at the start; the logarithm of the odds that a pair is right is a good one.
    """

    def __init__(self, soft: float = 0.0, similarity: Tensor | None = None, bias: float = -10.0) -> None:
        super().__init__(soft, similarity)
        self.bias = nn.Parameter(torch.tensor(bias))

    def forward(  # noqa: PLR0917
        self,
        emg: Tensor,
        text: Tensor,
        emg_action: Tensor,
        text_action: Tensor,
        scale: Tensor,
        comparable: Tensor,
    ) -> Tensor:
        """Sum over the comparable pairs of a row, mean over the rows that have any."""
        logits = scale * emg @ text.T + self.bias
        target = ((emg_action[:, None] == text_action[None, :]) & comparable).to(logits.dtype)
        share = self._share(emg_action, text_action, comparable)
        if share is not None:
            mass = target.sum(dim=1, keepdim=True)
            spread = (mass * _proportions(share)).clamp(max=1)
            target = (1 - self.soft) * target + self.soft * spread
        losses = functional.binary_cross_entropy_with_logits(logits, target, reduction="none") * comparable
        return losses.sum() / comparable.any(dim=1).sum().clamp(min=1)


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


def _spread_entropy(logits: Tensor, share: Tensor) -> Tensor:
    """Cross entropy against targets in proportion to ``share (n, m)``; mean over the rows with any."""
    some = share.sum(dim=1) > 0
    if not bool(some.any()):
        return logits.nan_to_num(neginf=0).sum() * 0
    likely = functional.log_softmax(logits[some], dim=1)
    share = share[some]
    return -(_proportions(share) * likely.masked_fill(share == 0, 0)).sum(dim=1).mean()


def _proportions(share: Tensor) -> Tensor:
    """Rows in all 1; rows of nothing stay so."""
    whole = share.sum(dim=1, keepdim=True)
    return share / whole.where(whole > 0, 1)
