"""The words' side of the space that EMG and words share: vectors of a text tower in, ours out."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from myosem.encoder import TextHead
from myosem.readings import FAINT, Readings
from myosem.space import EFFORT, EFFORT_NUMBERS, FAMILIAR, NEW_ENTRY_POSE, NEW_POSE, POSE, SAME_POSE, STRANGE
from myosem.zero_shot import LENGTH_SCALE, PoseReader


class WordSpace(nn.Module):
    """Texts as ``myosem.space`` wants them: what is done, in which pose, and how hard.

    Args:
        head: for what is done.
        readings: of the tower's vectors.
        pose: what the training people did; None where poses play no part.

    Shapes: ``(n, width)`` of the tower to unit vectors ``(n, D + P + space.BEYOND)``.
    """

    signature_weight: Tensor
    signature_bias: Tensor
    effort_weight: Tensor
    effort_bias: Tensor
    known: Tensor
    from_words: Tensor

    def __init__(self, head: TextHead, readings: Readings, pose: PoseReader | None) -> None:
        super().__init__()
        self.head = head
        for name in ("signature", "effort"):
            self.register_buffer(f"{name}_weight", torch.from_numpy(readings.weights[name]).float())
            self.register_buffer(f"{name}_bias", torch.from_numpy(readings.biases[name]).float())
        known = torch.zeros(0, len(self.signature_bias))
        from_words = torch.zeros(1, 0)
        if pose is not None:
            known, from_words = (
                torch.from_numpy(part).float() for part in (pose.signatures, pose.from_words)
            )
        self.register_buffer("known", known)
        self.register_buffer("from_words", from_words)

    def forward(self, vectors: Tensor) -> Tensor:
        """Any texts, from the tower's vectors."""
        effort = vectors @ self.effort_weight + self.effort_bias
        said = (effort.abs().amax(dim=1, keepdim=True) >= FAINT).to(effort.dtype)
        signature = vectors @ self.signature_weight + self.signature_bias
        likeness = self._likeness(signature)
        strange = ((self._novelty(likeness) - FAMILIAR) / (STRANGE - FAMILIAR)).clamp(0, 1)
        share = POSE + (NEW_POSE - POSE) * strange
        return self._join(self.head(vectors), likeness, share, said * effort)

    def entry(self, vectors: Tensor, signature: Tensor) -> Tensor:
        """An action by all that the prompts say of it ``(1, D + P + BEYOND)``.

        Args:
            vectors: ``(n, width)`` of all its texts.
            signature: ``(S,)`` of its pose.
        """
        done = functional.normalize(self.head(vectors).mean(dim=0, keepdim=True), dim=-1)
        nothing_said = torch.zeros_like(done[:, :EFFORT_NUMBERS])
        likeness = self._likeness(signature[None])
        new = (self._novelty(likeness) > SAME_POSE).to(likeness.dtype)
        return self._join(done, likeness, POSE + (NEW_ENTRY_POSE - POSE) * new, nothing_said)

    def _join(self, done: Tensor, likeness: Tensor, share: Tensor, effort: Tensor) -> Tensor:
        """Unit vectors ``(n, D + P + BEYOND)``; ``share (n, 1)`` of the pose."""
        pose = torch.cat([likeness, torch.ones_like(share)], dim=1) @ self.from_words
        parts = [
            (1 - share).sqrt() * done,
            share.sqrt() * functional.normalize(pose, dim=-1),
            math.sqrt(EFFORT) * effort,
            torch.zeros_like(share),
        ]
        return functional.normalize(torch.cat(parts, dim=1), dim=-1)

    def _likeness(self, signature: Tensor) -> Tensor:
        """To each of the A actions that somebody did, 1 where they are equal: ``(n, A)``."""
        distance = ((signature[:, None] - self.known) ** 2).sum(dim=2)
        return torch.exp(-distance / (2 * LENGTH_SCALE**2))

    def _novelty(self, likeness: Tensor) -> Tensor:
        """``(n, 1)``: 0 somebody did it, 1 nobody did anything like it; 0 where no poses are read."""
        if not len(self.known):
            return likeness.new_zeros((len(likeness), 1))
        return 1 - likeness.amax(dim=1, keepdim=True)
