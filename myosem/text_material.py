"""Texts to ground a text tower with: what the prompts say, as people really type it.

Beside every text of every action stand the same text misspelt, inside a request ("show me ..."), and with
a word for effort ("a light ..."); and texts that speak of no action at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myosem.prompts import Action, texts_of

REQUESTS = (
    "show me {}",
    "find {}",
    "{} please",
    "all trials with {}",
    "where does the person do this: {}",
    "EMG of {}",
    "muscle activity during {}",
    "examples of {}",
    "someone doing {}",
    "when was there {}",
    "search for {}",
    "the patient is asked to {}",
    "I want to see {}",
    "{} gesture",
    "{} movement",
    "hand movement: {}",
    "the act of {}",
    "moments of {}",
)
EFFORTS: dict[str, tuple[str, ...]] = {
    "light": ("light", "gentle", "weak", "soft", "slight", "faint", "low-force", "easy", "effortless"),
    "medium": ("medium", "moderate", "half-strength", "normal-effort", "average", "mid-level"),
    "hard": ("hard", "strong", "forceful", "maximal", "vigorous", "powerful", "full-force", "intense"),
}
EFFORT_FRAMES = (
    "{how} {what}",
    "a {how} {what}",
    "{what}, {how}",
    "{what} with {how} effort",
    "{what} ({how})",
)
MEANT = {"light": (-1.0, 0.5), "medium": (0.0, -1.0), "hard": (1.0, 0.5)}
"""What a word for effort means in two numbers: how hard, and how far from the middle."""
UNSAID = (0.0, 0.0)
SHORT_WORDS = 9
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class TextMaterial:
    """Texts to learn from; n texts, A actions.

    Attributes:
        actions: A ids.
        texts: the n texts; the first ``written`` are those of the prompts, word by word.
        owner: ``(n,)`` position of each text's action, -1 where it speaks of none.
        effort: ``(n, 2)`` what it says of effort, as in ``MEANT``; ``UNSAID`` where it says nothing.
        written: how many are word by word.
    """

    actions: tuple[str, ...]
    texts: tuple[str, ...]
    owner: NDArray[np.int64]
    effort: NDArray[np.float32]
    written: int


def text_material(
    actions: Mapping[str, Action],
    unrelated: Sequence[str],
    *,
    misspelt: int = 2,
    requests: int = 1,
    efforts: int = 3,
    seed: int = 0,
) -> TextMaterial:
    """All texts of the actions and those of none, with variants.

    Args:
        actions: by id.
        unrelated: texts that speak of no action.
        misspelt: misspelt variants of each text.
        requests: variants inside a request of each short text.
        efforts: variants with a word for effort of each name.
        seed: of the variants.
    """
    generator = np.random.default_rng(seed)
    rows = [(text, number) for number, action in enumerate(actions.values()) for _, text in texts_of(action)]
    rows += [(text, -1) for text in unrelated]
    texts = [(text, owner, UNSAID) for text, owner in rows]
    for text, owner in rows:
        texts += [(misspell(text, generator), owner, UNSAID) for _ in range(misspelt)]
        if len(text.split()) < SHORT_WORDS:
            frames = generator.choice(REQUESTS, requests)
            texts += [(str(frame).format(text), owner, UNSAID) for frame in frames]
    for number, action in enumerate(actions.values()):
        if action.effort:
            for name in action.names:
                texts += [(*_with_effort(name, number, generator),) for _ in range(efforts)]
    return TextMaterial(
        tuple(actions),
        tuple(text for text, _, _ in texts),
        np.array([owner for _, owner, _ in texts]),
        np.array([effort for _, _, effort in texts], dtype=np.float32),
        len(rows),
    )


def misspell(text: str, generator: np.random.Generator) -> str:
    """The text with one slip of the fingers: a letter lost, doubled, swapped with the one before or wrong."""
    letters = list(text)
    places = [place for place in range(1, len(letters)) if letters[place].isalpha()]
    if not places:
        return text
    place, slip = int(generator.choice(places)), generator.integers(4)
    if slip == 0:
        del letters[place]
    elif slip == 1:
        letters.insert(place, letters[place])
    elif slip == 2:
        letters[place - 1 : place + 1] = letters[place], letters[place - 1]
    else:
        letters[place] = str(generator.choice(list(LETTERS)))
    return "".join(letters)


def _with_effort(
    name: str, owner: int, generator: np.random.Generator
) -> tuple[str, int, tuple[float, float]]:
    word = str(generator.choice(list(EFFORTS)))
    how = str(generator.choice(EFFORTS[word]))
    return str(generator.choice(EFFORT_FRAMES)).format(how=how, what=name), owner, MEANT[word]
