"""The texts a model is trained on."""

import numpy as np
from toys import tower

from myosem.train_config import TextBank, prompt_texts


def test_a_text_bank_knows_whose_each_text_is() -> None:
    bank = TextBank.of({"fist": ["a", "b c"], "rest": ["d"]}, tower)
    assert bank.actions == ("fist", "rest") and bank.owner.tolist() == [0, 0, 1]
    np.testing.assert_array_equal(bank.vectors, tower(["a", "b c", "d"]))


def test_every_action_has_texts_to_train_on() -> None:
    texts = prompt_texts()
    assert "fist" in texts and all(len(group) >= 24 for group in texts.values())
