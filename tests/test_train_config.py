"""The texts a model is trained on."""

import numpy as np
from toys import tower

from myosem.prompts import load_actions
from myosem.prompts.schema import VIEWS
from myosem.train_config import TextBank, prompt_texts


def test_a_text_bank_knows_whose_each_text_is() -> None:
    bank = TextBank.of({"fist": ["a", "b c"], "rest": ["d"]}, tower)
    assert bank.actions == ("fist", "rest") and bank.owner.tolist() == [0, 0, 1]
    np.testing.assert_array_equal(bank.vectors, tower(["a", "b c", "d"]))


def test_anchors_are_those_of_a_view_where_it_has_texts() -> None:
    entry = load_actions()["fist"]
    plain, muscular = entry.names[0], entry.views["muscular"][0]
    bank = TextBank.of(
        {"fist": [plain, muscular, muscular + " hard", "unheard of"], "rest": ["d", "e"]}, tower
    )
    assert bank.view.tolist() == [VIEWS.index("plain"), VIEWS.index("muscular"), -1, -1, -1, -1]
    whole = bank.anchors()
    np.testing.assert_allclose(np.linalg.norm(whole, axis=1), 1, atol=1e-6)
    for view, texts in (("plain", [plain]), ("muscular", [muscular]), ("visual", None)):
        fist, rest = bank.anchors(VIEWS.index(view))
        np.testing.assert_allclose(fist, tower(texts)[0] if texts else whole[0], atol=1e-6)
        np.testing.assert_array_equal(rest, whole[1])


def test_every_action_has_texts_to_train_on() -> None:
    texts = prompt_texts()
    assert "fist" in texts and all(len(group) >= 24 for group in texts.values())
