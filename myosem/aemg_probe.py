"""AEMG by linear probe: the token encoder, pre-trained without labels, frozen, under a linear discriminant.

Every fold pre-trains from fresh weights on the unlabelled signal of its other people.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from myosem.baselines.lda import WeightedLda
from myosem.pretrain import pretrain
from myosem.pretrain_config import read_preset
from myosem.systems import Context, labelled_rows, to_columns
from myosem.token_model import TokenModel, pooled
from myosem.tokens import Tokens, summary
from myosem.trials import LogPosterior, TrialSession, people_of

PRESET = "small"


@dataclass(frozen=True)
class Probe:
    """A frozen token encoder and one discriminant a data set.

    Attributes:
        title: what the tables call it.
        context: whether tokens are read among those of the whole session, and vectors on its scale.
        trained: whether the encoder is pre-trained; otherwise its weights are random.
        content: whether the tokens themselves are probed as well.
    """

    title: str
    context: Context = "session"
    trained: bool = True
    content: bool = False

    @property
    def seeded(self) -> bool:
        """Weights depend on chance."""
        return True

    def fit(self, training: Sequence[TrialSession], seed: int) -> "FittedProbe":
        """Pre-train on all sessions, then fit a discriminant for each data set."""
        tokens = [session.signals.tokens for session in training]
        if self.trained:
            model = _pretrained(_Material(tuple(people_of(training)), tokens), seed)
        else:
            config = read_preset(PRESET)
            torch.manual_seed(seed)
            model = TokenModel(config.quantizer, config.sentence)
            model.fit_scale(np.concatenate([one.values[one.mask] for one in tokens]))
        fitted = FittedProbe(self, model, {})
        for dataset in sorted({session.dataset for session in training}):
            own = [session for session in training if session.dataset == dataset]
            values, labels = labelled_rows(own, fitted.describe)
            fitted.discriminants[dataset] = WeightedLda().fit(values.astype(np.float64), labels)
        return fitted


@dataclass(frozen=True)
class FittedProbe:
    """A trained probe.

    Attributes:
        probe: what it is.
        model: the frozen token encoder.
        discriminants: one a data set.
    """

    probe: Probe
    model: TokenModel
    discriminants: dict[str, WeightedLda]

    def describe(self, session: TrialSession) -> NDArray[np.float64]:
        """Vectors ``(N, F)`` of the segments of a session."""
        tokens = session.signals.tokens
        context = self.probe.context == "session"
        values = pooled(self.model, tokens.values, tokens.mask, context=context).astype(np.float64)
        if self.probe.content:
            values = np.concatenate([values, summary(tokens)], axis=1)
        if context:
            values = (values - values.mean(axis=0)) / (values.std(axis=0) + 1e-6)
        return np.asarray(values, dtype=np.float64)

    def log_posterior(self, session: TrialSession, actions: Sequence[str]) -> LogPosterior:
        """``(N, A)`` for the N segments of a session."""
        known = self.discriminants[session.dataset]
        return to_columns(known.log_posterior(self.describe(session)), known.classes.tolist(), actions)


@dataclass(frozen=True, eq=False)
class _Material:
    """Tokens to pre-train on; the same for the same people."""

    people: tuple[str, ...]
    tokens: Sequence[Tokens]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Material) and self.people == other.people

    def __hash__(self) -> int:
        return hash(self.people)


@lru_cache(maxsize=16)
def _pretrained(material: _Material, seed: int) -> TokenModel:
    """Both rows of a fold, with context and without, look at the same frozen encoder."""
    return pretrain(material.tokens, read_preset(PRESET), seed)


SYSTEMS = {
    "aemg-probe-alone": Probe("AEMG, linear probe, no context", "none"),
    "aemg-probe": Probe("AEMG, linear probe"),
    "aemg-probe-content": Probe("AEMG, linear probe beside the tokens' content", content=True),
    "aemg-random": Probe("AEMG, linear probe of random weights", trained=False),
}
