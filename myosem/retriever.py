"""What is judged: a model trained from nothing, and plain systems that are made to understand words.

Both score each segment of a session for any actions or phrases. A plain system knows its classes
only: a phrase stands for the class whose name the frozen text tower puts nearest to it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from myosem.corpus import Session
from myosem.errors import UsageError
from myosem.evaluate import actions_of
from myosem.grounding import GroundConfig
from myosem.grounding_run import ground
from myosem.onnx_tower import OnnxTextTower
from myosem.prompts import load_actions, texts_of
from myosem.prompts.signature import signature
from myosem.readings import Readings
from myosem.space import NEW_ENTRY, SAME_POSE
from myosem.systems import Fitted, System
from myosem.text import load_minilm
from myosem.train import TextBank, TrainConfig, Trainer, embed, prompt_texts
from myosem.trials import TrialSession
from myosem.word_space import WordSpace

WITHHELD_STEPS = 400
"""Steps to ground a tower that has not read of some actions."""

Vectors = NDArray[np.float32]
Encode = Callable[[Sequence[str]], Vectors]
Texts = Mapping[str, Sequence[str]]
"""Action -> texts for it."""


def names_only(texts: Texts) -> Texts:
    """One caption an action: its name."""
    return {action: [words_of(action)] for action in texts}


@dataclass(frozen=True)
class Variant:
    """A model to judge: how it differs from the one that is shipped.

    Attributes:
        title: what the tables call it.
        changes: fields of ``TrainConfig``.
        texts: what it reads of the texts of all actions; all of them where None.
        adapted: whether discriminants learn from the session it is used on; pose and effort come from them.
        pose: whether poses that nobody took are read.
    """

    title: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    texts: Callable[[Texts], Texts] | None = None
    adapted: bool = True
    pose: bool = True


VARIANTS: dict[str, Variant] = {
    "myosem": Variant("MyoSem"),
    "single-caption": Variant("MyoSem, one caption an action", texts=names_only),
    "no-queries": Variant("MyoSem without queries that read the tokens", {"views": 0}),
    "no-pose": Variant("MyoSem without poses", pose=False),
    "not-adapted": Variant("MyoSem, not adapted to the session", adapted=False),
    "clip-style": Variant("CLIP style: one caption, InfoNCE", {"loss": "infonce"}, names_only, adapted=False),
    "siglip-style": Variant(
        "SigLIP style: one caption, sigmoid", {"loss": "sigmoid"}, names_only, adapted=False
    ),
}
"""By name; the first is what calibration is measured on."""


def load_variant(name: str) -> Variant:
    """A variant by its name.

    Raises:
        UsageError: none has this name.
    """
    if name not in VARIANTS:
        raise UsageError("no variant of the model has this name", got=name, exists=tuple(VARIANTS))
    return VARIANTS[name]


class Remembering:
    """A text tower; a text is encoded once.

    Args:
        encode: texts to unit vectors.
        readings: what else its vectors say; None for one that was not grounded.
    """

    def __init__(self, encode: Callable[[list[str]], Vectors], readings: Readings | None = None) -> None:
        self.readings = readings
        self._encode = encode
        self._known: dict[str, Vectors] = {}

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors ``(n, width)``."""
        if new := [text for text in dict.fromkeys(texts) if text not in self._known]:
            self._known.update(zip(new, self._encode(new), strict=True))
        return np.stack([self._known[text] for text in texts])


@cache
def public_tower() -> Remembering:
    """The public text tower, which has seen no text of this project: plain systems understand words by it."""
    return Remembering(load_minilm().encode)


@cache
def exported_tower(folder: Path | None = None) -> Remembering:
    """A folder of ``myosem ground``, the packaged tower where None; it has read texts of all actions."""
    tower = OnnxTextTower(folder)
    return Remembering(tower.encode, tower.readings)


@cache
def tower_without(withheld: frozenset[str], seed: int = 0) -> Remembering:
    """The public tower, grounded on the texts of all other actions."""
    tower = ground(GroundConfig(steps=WITHHELD_STEPS, seed=seed), withheld)
    return Remembering(tower.encode, tower.readings())


class Retriever:
    """A trained model; scores are those of a search: cosines of segments and words."""

    def __init__(self, trainer: Trainer, tower: Remembering, variant: Variant) -> None:
        self._trainer, self._tower, self._variant = trainer, tower, variant
        readings = tower.readings or Readings.silent(trainer.head.tower_width)
        pose = trainer.adapter.pose if tower.readings and variant.pose else None
        self._adapter = replace(trainer.adapter, pose=pose)
        self._words = WordSpace(trainer.head, readings, pose).eval()
        self._entries: dict[str, Vectors] = {}

    @classmethod
    def train(
        cls,
        training: Sequence[Session],
        config: TrainConfig,
        tower: Remembering,
        *,
        variant: Variant | None = None,
        withheld: frozenset[str] = frozenset(),
        texts: Texts | None = None,
    ) -> "Retriever":
        """Train from nothing.

        Args:
            training: real and simulated sessions.
            config: how to train.
            tower: the text tower.
            variant: how this model differs.
            withheld: actions whose texts it may not see.
            texts: of classes that ``prompts`` has no entry for.
        """
        variant = variant or Variant("MyoSem")
        more = {one: own for one, own in (texts or {}).items() if one not in withheld}
        read: Texts = {**prompt_texts(withheld), **more}
        read = variant.texts(read) if variant.texts else read
        trainer = Trainer(training, TextBank.of(read, tower), replace(config, **variant.changes))
        trainer.run()
        return cls(trainer, tower, variant)

    @torch.no_grad()
    def __call__(self, session: TrialSession, candidates: Sequence[str]) -> Vectors:
        """``(N, A)`` for the N segments of a session and A actions or phrases."""
        new = NEW_ENTRY * np.array([self._is_new(candidate) for candidate in candidates])
        return np.asarray(self.segments(session) @ self.words(candidates).T + new, dtype=np.float32)

    def segments(self, session: TrialSession) -> Vectors:
        """Unit vectors ``(N, D)`` of the segments of a session."""
        return self._vectors(session.session.features)

    @torch.no_grad()
    def words(self, candidates: Sequence[str]) -> Vectors:
        """Unit vectors ``(A, D)`` of actions or phrases."""
        return np.concatenate([self._asked(candidate) for candidate in candidates])

    def _asked(self, candidate: str) -> Vectors:
        """``(1, D)``: by its name; what nobody did by all that the prompts say of it."""
        if candidate not in self._entries:
            self._entries[candidate] = self._ask(candidate)
        return self._entries[candidate]

    def _ask(self, candidate: str) -> Vectors:
        if not self._is_new(candidate):
            vectors = torch.from_numpy(self._tower([words_of(candidate)]))
            words = self._words if self._variant.adapted else self._trainer.head
            return np.asarray(words(vectors).numpy())
        entry = load_actions()[candidate]
        texts = torch.from_numpy(self._tower([text for _, text in texts_of(entry)]))
        return np.asarray(self._words.entry(texts, torch.from_numpy(signature(entry))).numpy())

    def _is_new(self, candidate: str) -> bool:
        """Whether it is an action of the prompts that nobody in the training people did."""
        pose = self._adapter.pose
        if pose is None or not self._variant.adapted or candidate not in load_actions():
            return False
        return bool(pose.novelty(signature(load_actions()[candidate])[None])[0] > SAME_POSE)

    def _vectors(self, features: Vectors) -> Vectors:
        """Unit vectors ``(N, D)`` of a session's features."""
        if not self._variant.adapted:
            return embed(self._trainer.encoder, features)
        straight = self._adapter.straightened(features)
        return self._adapter.vectors(straight, embed(self._trainer.encoder, straight))


@dataclass(frozen=True)
class ByName:
    """A plain system as a retriever: the log posterior of the class whose name is nearest.

    Attributes:
        fitted: the system, trained.
        classes: data set -> what it has learned to tell apart there; all of them for another data set.
        encode: the text tower.
    """

    fitted: Fitted
    classes: Mapping[str, tuple[str, ...]]
    encode: Encode

    @classmethod
    def train(cls, system: System, training: Sequence[TrialSession], encode: Encode, seed: int) -> "ByName":
        """Fit a system to labelled sessions."""
        sets = sorted({session.dataset for session in training})
        classes = {dataset: actions_of(training, dataset) for dataset in sets}
        return cls(system.fit(training, seed), classes, encode)

    def __call__(self, session: TrialSession, candidates: Sequence[str]) -> NDArray[np.floating]:
        """``(N, A)`` for the N segments of a session and A actions or phrases."""
        every = sorted({action for own in self.classes.values() for action in own})
        known = self.classes.get(session.dataset) or every
        near = self.nearest(candidates, known)
        asked = sorted(set(near))
        posterior = self.fitted.log_posterior(session.unlabelled, asked)
        return np.asarray(posterior[:, [asked.index(action) for action in near]])

    def nearest(self, candidates: Sequence[str], known: Sequence[str]) -> list[str]:
        """The known class that each candidate is, or whose name is nearest to it."""
        words, names = ([words_of(one) for one in group] for group in (candidates, known))
        best = (self.encode(words) @ self.encode(names).T).argmax(axis=1)
        return [one if one in known else known[place] for one, place in zip(candidates, best, strict=True)]


def words_of(candidate: str) -> str:
    """What to search for: the name of an action; of any other id its words; a phrase as it is."""
    entry = load_actions().get(candidate)
    return entry.names[0] if entry else candidate.replace("-", " ")
