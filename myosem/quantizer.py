"""Stage 1: what a token holds, as one of a few hundred codes.

A small network reads a token, the nearest of the learned codes takes the place of what it says, and another
network rebuilds the token from that code. Numbers that a device cannot give are zero on the way in and are
not asked for on the way out.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from vector_quantize_pytorch import VectorQuantize

from myosem.pretrain_config import QuantizerConfig
from myosem.ring import HARMONICS
from myosem.tokens import BAND_FLAGS, CONTENT, COVARIANCE, LEVEL, ORDERS, SHAPE, UPPER, WIDTH, support

PARTS = {"level": LEVEL, "shape": SHAPE, "covariance": COVARIANCE}
PART_WEIGHTS = (0.5, 0.2, 0.3)
FURTHEST = 6.0
"""How many standard deviations from the mean a number may lie; beyond, it is drawn in."""


class ContentScale(nn.Module):
    """Content on one scale: mean 0, spread 1 over the training tokens, zero where a device says nothing."""

    center: Tensor
    spread: Tensor
    layout: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("center", torch.zeros(CONTENT.stop))
        self.register_buffer("spread", torch.ones(CONTENT.stop))
        self.register_buffer("layout", torch.from_numpy(_layout()), persistent=False)

    @torch.no_grad()
    def fit(self, values: NDArray[np.float32]) -> None:
        """Take mean and spread from training tokens ``(n, WIDTH)``, each number where it is supported."""
        known = support(values)
        count = np.maximum(known.sum(axis=0), 1)
        content = values[:, CONTENT].astype(np.float64)
        center = (content * known).sum(axis=0) / count
        spread = np.sqrt((((content - center) * known) ** 2).sum(axis=0) / count)
        self.center.copy_(torch.from_numpy(center))
        self.spread.copy_(torch.from_numpy(np.where(spread > 1e-3, spread, 1.0)))

    def support(self, values: Tensor) -> Tensor:
        """As ``tokens.support``, as numbers 0 and 1: ``(..., WIDTH)`` to ``(..., CONTENT.stop)``."""
        flags = values[..., BAND_FLAGS.start :]
        missing: Tensor = (1 - flags) @ self.layout
        return (missing < 0.5).to(values.dtype)

    def forward(self, values: Tensor) -> Tensor:
        """``(..., WIDTH)`` to scaled content and the flags as they are, in the same shape."""
        content = ((values[..., CONTENT] - self.center) / self.spread).clamp(-FURTHEST, FURTHEST)
        return torch.cat([content * self.support(values), values[..., BAND_FLAGS.start :]], dim=-1)


def _layout() -> NDArray[np.float32]:
    """Which number of the content needs which flag: ``(flags, CONTENT.stop)``."""
    bands = BAND_FLAGS.stop - BAND_FLAGS.start
    whole = np.ones((1, WIDTH), dtype=np.float32)
    rows = []
    for flag in range(bands + ORDERS):
        one = whole.copy()
        one[0, BAND_FLAGS.start + flag] = 0
        rows.append(~support(one)[0])
    return np.array(rows, dtype=np.float32)


class TokenQuantizer(nn.Module):
    """Tokens to codes and back; shapes are ``(n, ...)``, n tokens."""

    def __init__(self, config: QuantizerConfig) -> None:
        super().__init__()
        self.config = config
        self.scale = ContentScale()
        self.encoder = network(WIDTH, config.hidden, config.code_width)
        self.encoder.append(nn.LayerNorm(config.code_width, elementwise_affine=False))
        self.decoder = network(config.code_width, config.hidden, CONTENT.stop)
        self.codebook = VectorQuantize(
            dim=config.code_width,
            codebook_size=config.codes,
            decay=config.decay,
            commitment_weight=config.commitment,
            kmeans_init=True,
            rotation_trick=False,  # the straight-through estimator in its place
            sync_codebook=False,  # every process sees the tokens of all, see ``myosem.pretrain``
            sync_kmeans=False,
        )

    def encode(self, values: Tensor) -> Tensor:
        """What the encoder says of tokens ``(n, WIDTH)``: ``(n, code_width)``."""
        said: Tensor = self.encoder(self.scale(values))
        return said

    def quantise(self, said: Tensor, dead: float = 0.0) -> tuple[Tensor, Tensor, Tensor]:
        """The nearest codes ``(n, code_width)``, their numbers ``(n,)``, and the commitment loss.

        In training the codes move towards what they stand for.

        Args:
            said: by the encoder.
            dead: a code to which fewer tokens go, averaged over batches, is moved to one of ``said``.
        """
        book = self.codebook._codebook
        book.threshold_ema_dead_code, book.reset_cluster_size = dead, max(dead, 1.0)
        book.has_dead_code_replacement = dead > 0
        quantised, codes, commitment = self.codebook(said[None])
        return quantised[0], codes[0], commitment.sum()

    @torch.no_grad()
    def codes(self, values: Tensor) -> Tensor:
        """Number of the code of each token ``(...,)``, from ``(..., WIDTH)``; nothing is learned."""
        return self.nearest(self.encode(values.reshape(-1, WIDTH))).reshape(values.shape[:-1])

    def nearest(self, said: Tensor) -> Tensor:
        """Numbers ``(n,)`` of the nearest codes."""
        return nearest(said, self.codebook.codebook)

    def errors(self, values: Tensor, rebuilt: Tensor) -> Tensor:
        """How far rebuilt content is from that of tokens, over what their devices support: ``(n,)``."""
        known = self.scale.support(values)
        square = (self.scale(values)[..., CONTENT] - rebuilt) ** 2 * known
        parts = zip(PARTS.values(), PART_WEIGHTS, strict=True)
        shares = [
            weight * square[..., part].sum(dim=-1) / known[..., part].sum(dim=-1).clamp(min=1)
            for part, weight in parts
        ]
        return torch.stack(shares).sum(dim=0)


class FrozenTokenizer(nn.Module):
    """Tokens ``(n, WIDTH)`` to the numbers of their codes ``(n,)``: all of a quantiser that is exported."""

    book: Tensor

    def __init__(self, quantizer: TokenQuantizer) -> None:
        super().__init__()
        self.scale, self.encoder = quantizer.scale, quantizer.encoder
        self.register_buffer("book", quantizer.codebook.codebook.detach().clone())

    def forward(self, tokens: Tensor) -> Tensor:
        """Numbers of the codes."""
        return nearest(self.encoder(self.scale(tokens)), self.book)


def nearest(said: Tensor, book: Tensor) -> Tensor:
    """Which of the codes ``(K, code_width)`` lies nearest to each of ``(n, code_width)``: ``(n,)``."""
    return ((book**2).sum(dim=1) - 2 * said @ book.T).argmin(dim=1)


def network(width: int, hidden: int, out: int) -> nn.Sequential:
    """Two hidden layers, each normalised in groups (Wu and He 2018)."""
    return nn.Sequential(
        nn.Linear(width, hidden),
        nn.GroupNorm(8, hidden),
        nn.GELU(),
        nn.Linear(hidden, hidden),
        nn.GroupNorm(8, hidden),
        nn.GELU(),
        nn.Linear(hidden, out),
    )


def turn_tokens(values: Tensor, angle: Tensor) -> Tensor:
    """Tokens as if the electrodes were turned round the limb.

    Args:
        values: ``(B, ..., WIDTH)``.
        angle: ``(B,)`` radians.
    """
    rotation = _rotation(angle)
    flat = values.reshape(len(values), -1, WIDTH)  # B ... W -> B n W
    count = flat.shape[1]
    groups = flat[..., : SHAPE.stop].reshape(len(flat), -1, HARMONICS)  # B n (G H) -> B (n G) H
    turned = (groups @ rotation.transpose(1, 2)).reshape(len(flat), count, SHAPE.stop)
    square = flat.new_zeros(len(flat), count, HARMONICS, HARMONICS)
    square[..., UPPER[0], UPPER[1]] = flat[..., COVARIANCE]
    square[..., UPPER[1], UPPER[0]] = flat[..., COVARIANCE]
    square = rotation[:, None] @ square @ rotation[:, None].transpose(2, 3)
    parts = [turned, square[..., UPPER[0], UPPER[1]], flat[..., COVARIANCE.stop :]]
    return torch.cat(parts, dim=-1).reshape(values.shape)


def _rotation(angle: Tensor) -> Tensor:
    """``(B, HARMONICS, HARMONICS)``."""
    rotation = angle.new_zeros(len(angle), HARMONICS, HARMONICS)
    rotation[:, 0, 0] = 1
    for order in range(1, ORDERS + 1):
        cosine, sine = torch.cos(order * angle), torch.sin(order * angle)
        place = 2 * order - 1
        rotation[:, place, place] = rotation[:, place + 1, place + 1] = cosine
        rotation[:, place, place + 1], rotation[:, place + 1, place] = -sine, sine
    return rotation


def usage(codes: NDArray[np.int_], size: int) -> dict[str, float]:
    """Share of the codes that occur, and their perplexity: the exponential of the entropy."""
    share = np.bincount(codes.ravel(), minlength=size) / max(codes.size, 1)
    used = share[share > 0]
    return {"used": float(len(used) / size), "perplexity": float(np.exp(-(used * np.log(used)).sum()))}
