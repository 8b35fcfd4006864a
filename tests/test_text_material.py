"""Texts to ground a tower with."""

import numpy as np

from myosem.prompts import Action, load_actions, texts_of
from myosem.text_material import MEANT, UNSAID, TextMaterial, misspell, text_material


def _material(**options: int) -> tuple[dict[str, Action], TextMaterial]:
    actions = {id_: load_actions()[id_] for id_ in ("fist", "rest", "wrist-flexion")}
    return actions, text_material(actions, ["a dog barking", "the moon"], **options)


def test_the_written_texts_come_first_with_their_owners() -> None:
    actions, material = _material()
    expected: list[tuple[str, str | None]] = [
        (text, id_) for id_, action in actions.items() for _, text in texts_of(action)
    ]
    expected += [("a dog barking", None), ("the moon", None)]
    owners = [None if owner < 0 else material.actions[owner] for owner in material.owner]
    assert list(zip(material.texts, owners, strict=True))[: material.written] == expected


def test_only_words_for_effort_mean_effort() -> None:
    _, material = _material()
    said = {tuple(row) for row in material.effort.tolist()}
    assert said == {UNSAID, *MEANT.values()}
    assert not material.effort[: material.written].any()


def test_rest_is_never_given_an_effort() -> None:
    _, material = _material()
    rest = material.owner == material.actions.index("rest")
    assert not material.effort[rest].any()


def test_variants_belong_to_the_action_of_their_text() -> None:
    _, material = _material(misspelt=1, requests=0, efforts=0)
    count = material.written
    assert len(material.texts) == 2 * count
    assert np.array_equal(material.owner[:count], material.owner[count:])


def test_a_seed_gives_the_same_texts_and_another_gives_others() -> None:
    assert _material(seed=1)[1].texts == _material(seed=1)[1].texts
    assert _material(seed=1)[1].texts != _material(seed=2)[1].texts


def _slips(text: str) -> set[str]:
    """All texts one slip away, the slow way."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    slips = set()
    for place in range(1, len(text)):
        before, own, after = text[:place], text[place], text[place + 1 :]
        slips |= {before + after, before + own + own + after, before[:-1] + own + before[-1] + after}
        slips |= {before + letter + after for letter in letters}
    return slips


def test_a_misspelt_text_is_one_slip_away() -> None:
    generator = np.random.default_rng(0)
    got = {misspell("wrist flexion", generator) for _ in range(300)}
    assert got <= _slips("wrist flexion")
    assert len(got) > 50


def test_a_text_without_letters_to_miss_stays() -> None:
    assert misspell("3", np.random.default_rng(0)) == "3"
