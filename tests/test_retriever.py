"""A model and plain systems answer to words, and a withheld action is neither read nor learned."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from toys import ACTIONS, tower
from trial_toys import Witness, toy_trials

from myosem import retriever
from myosem.baselines.lda import SYSTEMS
from myosem.encoder import EncoderConfig
from myosem.errors import UsageError
from myosem.evaluate import Question, judge_people
from myosem.grounding import GroundConfig
from myosem.prompts import load_actions, texts_of
from myosem.prompts.signature import SIGNATURE
from myosem.readings import Readings
from myosem.retriever import VARIANTS, ByName, Remembering, Retriever, Variant, load_variant, words_of
from myosem.train import TextBank, TrainConfig, Trainer, embed

TINY = TrainConfig(
    encoder=EncoderConfig(dimension=16, width=32, layers=1, heads=2), steps=8, sessions=3, texts=8
)
TRAINING = [toy_trials(f"p{number}", seed=number) for number in range(3)]
STRANGER = toy_trials("stranger", ACTIONS * 12, seed=9)
EVERY = Question("toy", ACTIONS)


class Watched(Trainer):
    """Keeps the texts it was given."""

    banks: list[TextBank]

    def __init__(self, sessions: Any, bank: TextBank, config: TrainConfig) -> None:
        super().__init__(sessions, bank, config)
        self.banks.append(bank)


@pytest.fixture(autouse=True)
def _few_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {action: [load_actions()[action].names[0], f"{action} again"] for action in ACTIONS}
    monkeypatch.setattr(
        retriever,
        "prompt_texts",
        lambda withheld=(): {action: own for action, own in texts.items() if action not in withheld},
    )
    monkeypatch.setattr(retriever, "Trainer", Watched)
    Watched.banks = []


def trained(**changes: Any) -> Retriever:
    return Retriever.train([one.session for one in TRAINING], TINY, Remembering(tower), **changes)


def test_a_trained_model_finds_people_never_seen() -> None:
    [found] = judge_people("it", 0, [STRANGER], [EVERY], trained())
    assert found.values["mAP"] > 0.6


def test_any_phrase_can_be_asked() -> None:
    model = trained()
    scores = model(STRANGER, ("shrug-of-both-shoulders", "fist", "a light fist"))
    assert scores.shape == (48, 3) and np.abs(scores).max() <= 1 + 1e-5


def test_the_words_of_a_candidate() -> None:
    assert words_of("fist") == load_actions()["fist"].names[0]
    assert words_of("shrug-of-both-shoulders") == "shrug of both shoulders"
    assert words_of("light wrist flexion") == "light wrist flexion"


def test_texts_of_withheld_actions_are_not_read() -> None:
    trained(withheld=frozenset({"fist"}))
    [bank] = Watched.banks
    assert bank.actions == ("open-hand", "point", "rest") and len(bank.vectors) == 6


def test_a_variant_changes_training_and_texts() -> None:
    trained(variant=VARIANTS["single-caption"])
    trained(variant=Variant("wider", {"texts": 5}))
    single, usual = Watched.banks
    assert len(single.vectors) == len(ACTIONS) and len(usual.vectors) == 2 * len(ACTIONS)
    assert load_variant("myosem").title == "MyoSem"
    with pytest.raises(UsageError, match=r"no variant .*there is myosem"):
        load_variant("nothing")


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_can_be_trained_and_asked(name: str) -> None:
    scores = trained(variant=VARIANTS[name])(STRANGER, ACTIONS)
    assert scores.shape == (48, 4) and np.isfinite(scores).all()


def test_without_adaptation_a_segment_is_what_the_encoder_says() -> None:
    adapted, plain = trained(), trained(variant=VARIANTS["not-adapted"])
    vectors = embed(plain._trainer.encoder, STRANGER.session.features)
    words = plain._trainer.head(torch.from_numpy(tower([words_of("fist")]))).detach().numpy()
    np.testing.assert_allclose(plain(STRANGER, ("fist",)), vectors @ words.T, rtol=1e-5, atol=1e-6)
    assert np.abs(adapted(STRANGER, ("fist",)) - plain(STRANGER, ("fist",))).max() > 1e-3


def test_a_tower_for_withheld_actions_is_grounded_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, frozenset[str]]] = []

    class Grounded:
        encode = staticmethod(tower)

        def readings(self) -> Readings:
            return Readings.silent(24)

    def ground(config: GroundConfig, withheld: frozenset[str]) -> Grounded:
        asked.append((config.seed, withheld))
        return Grounded()

    monkeypatch.setattr(retriever, "ground", ground)
    retriever.tower_without.cache_clear()
    first = retriever.tower_without(frozenset({"fist"}), 3)
    assert retriever.tower_without(frozenset({"fist"}), 3) is first
    assert asked == [(3, frozenset({"fist"}))]
    retriever.tower_without.cache_clear()


def test_a_text_is_encoded_once() -> None:
    asked: list[str] = []

    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        asked.extend(texts)
        return tower(texts)

    remembering = Remembering(encode)
    first = remembering(["fist", "rest", "fist"])
    np.testing.assert_array_equal(remembering(["rest", "point"]), tower(["rest", "point"]))
    np.testing.assert_array_equal(first, tower(["fist", "rest", "fist"]))
    assert asked == ["fist", "rest", "point"]


def test_a_plain_system_is_right_where_actions_are_far_apart() -> None:
    system = ByName.train(SYSTEMS["covariance-lda"], TRAINING, Remembering(tower), 0)
    [found] = judge_people("it", 0, [STRANGER], [EVERY], system)
    assert found.values["mAP"] == found.values["R@1"] == 1


def test_a_phrase_stands_for_the_class_with_the_nearest_name() -> None:
    witness = Witness()
    system = ByName.train(witness, TRAINING, Remembering(tower), 0)
    fist, point = words_of("fist"), words_of("point")
    assert system.nearest([f"{fist} hard", f"{point} there", "rest"], ACTIONS) == ["fist", "point", "rest"]
    scores = system(STRANGER, (f"{point} there", "fist", f"{point} again"))
    np.testing.assert_array_equal(scores[0], [-1, 0, -1])  # fist is the first class asked, point the second
    [shown] = witness.fitted[0].tested
    assert not shown.trials and not any(shown.session.spans)


def test_on_another_data_set_all_classes_are_known() -> None:
    training = [
        *TRAINING,
        toy_trials("q", ("point", "shrug") * 3, places=("point", "shrug"), dataset="other"),
    ]
    system = ByName.train(Witness(), training, Remembering(tower), 0)
    assert system.classes == {"toy": ACTIONS, "other": ("point", "shrug")}
    assert system(toy_trials("r", dataset="third"), ("shrug", "fist")).tolist()[0] == [-1, 0]
    assert system(toy_trials("q", ("point",), dataset="other"), ("shrug", "point")).tolist()[0] == [-1, 0]


def test_what_nobody_did_is_asked_by_all_that_the_prompts_say() -> None:
    asked: list[str] = []

    class Counting(Remembering):
        def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
            asked.extend(texts)
            return super().__call__(texts)

    read = Counting(tower, Readings.silent(24))
    read.readings = Readings(
        Readings.silent(24).weights | {"signature": np.zeros((24, SIGNATURE), dtype=np.float32)},
        Readings.silent(24).biases | {"signature": np.zeros(SIGNATURE, dtype=np.float32)},
    )
    model = Retriever.train([one.session for one in TRAINING], TINY, read)
    asked.clear()
    model(STRANGER, ("fist", "wrist-flexion"))
    entry = load_actions()["wrist-flexion"]
    assert asked == [words_of("fist"), *(text for _, text in texts_of(entry))]
