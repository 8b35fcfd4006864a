"""How a model is trained, and the texts it is trained on."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from myosem.encoder import EncoderConfig
from myosem.prompts import load_actions, texts_of, without_actions
from myosem.prompts.schema import VIEWS


@dataclass(frozen=True)
class TrainConfig:
    """How to train.

    Attributes:
        encoder: size of the session encoder.
        steps: optimiser steps.
        sessions: sessions a step.
        segments: at most so many segments of a session a step.
        learning_rate: at its highest; warms up over a twentieth of the steps, then falls as a cosine.
        weight_decay: of AdamW.
        keep: least share of a session's segments, and of its actions, that a step keeps.
        noise: standard deviation of the noise on features, in units of their spread.
        gain: standard deviation of the session-wide change of each feature, likewise.
        turn_deg: standard deviation of the angle by which the electrodes are turned.
        balance: a data set of n sessions is drawn in proportion to n to this power.
        simulated: share of simulated sessions in a step, where there are any.
        texts: texts a step.
        text_noise: standard deviation of the noise on text vectors, in units of their length.
        loss: cross entropy over all pairs of a row, or yes or no for each pair with a learned bias.
        views: weight of the loss that pulls each view's vector towards the words of that view; 0 for a model
            without queries that read the tokens.
        soft: share of each row's target that is spread over the actions by how similar they are.
        chunks: parts that a step is computed in, one after the other or by several processes; memory is
            needed for one only, while the loss is that of the whole step.
        seed: of everything random.
    """

    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    steps: int = 1000
    sessions: int = 12
    segments: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    keep: float = 0.4
    noise: float = 0.03
    gain: float = 0.1
    turn_deg: float = 10.0
    balance: float = 0.6
    simulated: float = 0.2
    texts: int = 256
    text_noise: float = 0.02
    loss: Literal["infonce", "sigmoid"] = "infonce"
    soft: float = 0.0
    views: float = 0.3
    chunks: int = 1
    seed: int = 0


@dataclass(frozen=True)
class TextBank:
    """Texts of all actions as vectors of a frozen tower.

    Attributes:
        actions: A ids.
        vectors: ``(n, tower_width)`` one a text.
        owner: ``(n,)`` position of each text's action in ``actions``.
        view: ``(n,)`` position of each text's view in ``VIEWS``, -1 where ``prompts`` does not say.
    """

    actions: tuple[str, ...]
    vectors: NDArray[np.float32]
    owner: NDArray[np.int64]
    view: NDArray[np.int64]

    @classmethod
    def of(
        cls, texts: Mapping[str, Sequence[str]], encode: Callable[[list[str]], NDArray[np.float32]]
    ) -> "TextBank":
        """Encode the texts of each action."""
        flat = [text for group in texts.values() for text in group]
        owner = np.repeat(np.arange(len(texts)), [len(group) for group in texts.values()])
        view = np.concatenate([_views(action, group) for action, group in texts.items()])
        return cls(tuple(texts), encode(flat), owner.astype(np.int64), view)

    def anchors(self, view: int | None = None) -> NDArray[np.float32]:
        """Unit means ``(A, tower_width)`` of each action's texts, or of those in a view if there are any."""
        rows = []
        for action in range(len(self.actions)):
            own = self.owner == action
            viewed = own & (self.view == view)
            rows.append(self.vectors[viewed if viewed.any() else own].mean(axis=0))
        means = np.stack(rows)
        lengths = np.linalg.norm(means, axis=1, keepdims=True)
        return np.asarray(means / np.maximum(lengths, 1e-12), dtype=np.float32)


def prompt_texts(withheld: Collection[str] = ()) -> dict[str, list[str]]:
    """All texts of all actions but some: names and views."""
    actions = without_actions(load_actions(), withheld)
    return {action: [text for _, text in texts_of(entry)] for action, entry in actions.items()}


def _views(action: str, texts: Sequence[str]) -> NDArray[np.int64]:
    entry = load_actions().get(action)
    known = {text: VIEWS.index(view) for view, text in texts_of(entry)} if entry else {}
    return np.array([known.get(text, -1) for text in texts], dtype=np.int64)
