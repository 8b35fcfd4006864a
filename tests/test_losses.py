"""The contrastive loss is open_clip's where only one pair is right, and fair where several are."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from myosem.errors import UsageError
from myosem.losses import MultiPositiveClipLoss, PairLoss, SigmoidLoss

SCALE = torch.tensor(10.0)


def vectors(count: int, seed: int = 0, dimension: int = 6) -> Tensor:
    made = torch.randn(count, dimension, generator=torch.Generator().manual_seed(seed))
    return functional.normalize(made, dim=-1).requires_grad_()


def loss_of(
    emg: Tensor, text: Tensor, emg_action: list[int], text_action: list[int], comparable: Tensor | None = None
) -> Tensor:
    everything = torch.ones(len(emg), len(text), dtype=torch.bool)
    loss: Tensor = MultiPositiveClipLoss()(
        emg,
        text,
        torch.tensor(emg_action, dtype=torch.long),
        torch.tensor(text_action, dtype=torch.long),
        SCALE,
        everything if comparable is None else comparable,
    )
    return loss


def clip_loss(emg: Tensor, text: Tensor) -> Tensor:
    from open_clip.loss import ClipLoss

    loss: Tensor = ClipLoss()(emg, text, SCALE)
    return loss


def gradient(loss: Tensor, of: Tensor) -> Tensor:
    return torch.autograd.grad(loss, of, retain_graph=True)[0]


def plain_direction(logits: list[list[float]], right: list[list[bool]]) -> float:
    """Each right answer against the wrong ones of its row, averaged over the row, then over rows."""
    rows = []
    for values, flags in zip(logits, right, strict=True):
        wrong = sum(math.exp(value) for value, flag in zip(values, flags, strict=True) if not flag)
        losses = [
            -math.log(math.exp(value) / (math.exp(value) + wrong))
            for value, flag in zip(values, flags, strict=True)
            if flag
        ]
        if losses and wrong > 0:
            rows.append(sum(losses) / len(losses))
    return sum(rows) / len(rows) if rows else 0.0


@pytest.mark.parametrize("seed", range(3))
def test_one_pair_an_action_is_the_loss_of_open_clip(seed: int) -> None:
    emg, text = vectors(5, seed), vectors(5, seed + 100)
    ours, theirs = loss_of(emg, text, [3, 1, 4, 0, 9], [3, 1, 4, 0, 9]), clip_loss(emg, text)
    torch.testing.assert_close(ours, theirs)
    for side in (emg, text):
        torch.testing.assert_close(gradient(ours, side), gradient(theirs, side))


@given(
    emg_action=st.lists(st.integers(0, 3), min_size=1, max_size=6),
    text_action=st.lists(st.integers(0, 3), min_size=1, max_size=6),
)
def test_any_batch_is_that_of_plain_python(emg_action: list[int], text_action: list[int]) -> None:
    emg, text = vectors(len(emg_action)), vectors(len(text_action), 1)
    logits = (SCALE * emg @ text.T).tolist()
    right = [[one == other for other in text_action] for one in emg_action]
    wanted = plain_direction(logits, right) + plain_direction(
        [list(column) for column in zip(*logits, strict=True)],
        [list(column) for column in zip(*right, strict=True)],
    )
    found = loss_of(emg, text, emg_action, text_action)
    assert found.item() == pytest.approx(wanted / 2, abs=1e-5)
    found.backward()  # type: ignore[no-untyped-call]
    assert emg.grad is not None and bool(torch.isfinite(emg.grad).all())


def test_a_segment_competes_with_no_other_of_its_action() -> None:
    text, actions = vectors(2, 1), [0, 0, 1]
    emg = vectors(3)
    moved = torch.stack([emg[0], vectors(1, 7)[0], emg[2]]).detach().requires_grad_()
    before = gradient(loss_of(emg, text, actions, [0, 9]), emg)
    after = gradient(loss_of(moved, text, actions, [0, 9]), moved)
    torch.testing.assert_close(after[0], before[0])
    assert not torch.allclose(after[2], before[2])


def test_a_step_brings_two_segments_of_one_action_together_where_clip_pushes_them_apart() -> None:
    places = torch.tensor([[1.0, 0.05, 0.0], [1.0, -0.05, 0.0]])
    words = torch.tensor([[1.0, 0.3, 0.0], [1.0, -0.3, 0.0], [0.8, 0.0, 0.6]])
    emg = functional.normalize(places, dim=-1).requires_grad_()
    text = functional.normalize(words, dim=-1)

    def apart_after(loss: Tensor) -> float:
        stepped = functional.normalize(emg - 0.05 * gradient(loss, emg), dim=-1)
        return float(((stepped[0] - stepped[1]).norm() / (emg[0] - emg[1]).norm()).item())

    assert apart_after(clip_loss(emg, text[:2])) > 1.01
    assert apart_after(loss_of(emg, text, [5, 5], [5, 5, 6])) < 0.999


def test_what_cannot_be_compared_is_neither_right_nor_wrong() -> None:
    emg, text = vectors(2), vectors(3, 1)
    comparable = torch.tensor([[True, True, False], [True, True, True]])
    found = loss_of(emg, text, [0, 1], [0, 1, 2], comparable)
    rows = (SCALE * emg @ text.T).tolist()
    first = plain_direction([rows[0][:2], rows[1]], [[True, False], [False, True, False]])
    columns = [[row[place] for row in rows] for place in range(2)]
    second = plain_direction(columns, [[True, False], [False, True]])
    assert found.item() == pytest.approx((first + second) / 2, abs=1e-5)


def test_a_text_out_of_reach_of_every_segment_feels_nothing() -> None:
    emg, text = vectors(2), vectors(3, 1)
    comparable = torch.tensor([[True, True, False], [True, True, False]])
    felt = gradient(loss_of(emg, text, [0, 1], [0, 1, 2], comparable), text)
    assert bool((felt[2] == 0).all()) and bool((felt[:2] != 0).any())


@pytest.mark.parametrize(
    ("emg_action", "text_action"), [([0, 1], [2, 3, 4]), ([], [0, 1]), ([0, 0], [0, 0]), ([0], [])]
)
def test_without_anything_to_tell_apart_the_loss_is_zero_and_has_a_gradient(
    emg_action: list[int], text_action: list[int]
) -> None:
    emg, text = vectors(len(emg_action)), vectors(len(text_action), 1)
    loss = loss_of(emg, text, emg_action, text_action)
    assert loss.item() == 0
    for side in (emg, text):
        assert bool((gradient(loss, side) == 0).all())


@given(
    mask=st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=3, max_size=3),
    emg_action=st.lists(st.integers(0, 2), min_size=3, max_size=3),
    scale=st.sampled_from([1e-3, 1.0, 100.0]),
)
def test_loss_and_gradient_are_always_finite(
    mask: list[list[bool]], emg_action: list[int], scale: float
) -> None:
    emg, text = vectors(3), vectors(4, 1)
    same = functional.normalize(torch.ones(1, 6), dim=-1).expand(4, 6)
    for words in (text, same):
        loss: Tensor = MultiPositiveClipLoss()(
            emg,
            words,
            torch.tensor(emg_action),
            torch.tensor([0, 1, 2, 2]),
            torch.tensor(scale),
            torch.tensor(mask),
        )
        assert bool(torch.isfinite(loss)) and loss.item() >= 0
        assert bool(torch.isfinite(gradient(loss, emg)).all())


def slow_spread(logits: list[list[float]], like: list[list[float]]) -> float:
    """Cross entropy of each row that resembles anything, over what can be compared."""
    rows = []
    for values, share in zip(logits, like, strict=True):
        if sum(share) > 0:
            known = [value for value in values if value > -math.inf]
            whole = math.log(sum(math.exp(value) for value in known))
            rows.append(-sum(s / sum(share) * (v - whole) for s, v in zip(share, values, strict=True) if s))
    return sum(rows) / len(rows) if rows else 0.0


ACTION_COUNT = 4
LIKE = torch.rand(ACTION_COUNT, ACTION_COUNT, generator=torch.Generator().manual_seed(5))
LIKE[1] = 0
BATCH = st.fixed_dictionaries(
    {
        "emg_action": st.lists(st.integers(0, 3), min_size=4, max_size=4),
        "text_action": st.lists(st.integers(0, 3), min_size=3, max_size=3),
        "mask": st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=4, max_size=4),
    }
)


def likeness(batch: dict[str, list[Any]]) -> list[list[float]]:
    return [
        [float(LIKE[one, other]) * allowed for other, allowed in zip(batch["text_action"], row, strict=True)]
        for one, row in zip(batch["emg_action"], batch["mask"], strict=True)
    ]


def found_by(loss: PairLoss, batch: dict[str, list[Any]], emg: Tensor, text: Tensor) -> float:
    value: Tensor = loss(
        emg,
        text,
        torch.tensor(batch["emg_action"]),
        torch.tensor(batch["text_action"]),
        SCALE,
        torch.tensor(batch["mask"]),
    )
    value.backward()  # type: ignore[no-untyped-call]
    assert emg.grad is not None and bool(torch.isfinite(emg.grad).all())
    return value.item()


@given(batch=BATCH, soft=st.sampled_from([0.1, 0.5]))
def test_soft_targets_are_those_of_plain_python(batch: dict[str, list[Any]], soft: float) -> None:
    emg, text = vectors(4), vectors(3, 1)
    hard = found_by(MultiPositiveClipLoss(), batch, emg, text)
    raw = (SCALE * emg @ text.T).tolist()
    logits = [
        [value if allowed else -math.inf for value, allowed in zip(*rows, strict=True)]
        for rows in zip(raw, batch["mask"], strict=True)
    ]
    like = likeness(batch)
    turned = [list(column) for column in zip(*logits, strict=True)]
    spread = slow_spread(logits, like) + slow_spread(turned, [list(row) for row in zip(*like, strict=True)])
    found = found_by(MultiPositiveClipLoss(soft, LIKE), batch, emg, text)
    assert found == pytest.approx((1 - soft) * hard + soft * spread / 2, abs=1e-4)


@given(batch=BATCH, soft=st.sampled_from([0.0, 0.3]))
def test_the_sigmoid_loss_is_that_of_plain_python(batch: dict[str, list[Any]], soft: float) -> None:
    emg, text = vectors(4), vectors(3, 1)
    logits, like = (SCALE * emg @ text.T).tolist(), likeness(batch)
    rows = []
    for n, allowed in enumerate(batch["mask"]):
        right = [one == batch["emg_action"][n] for one in batch["text_action"]]
        mass = sum(yes and ok for yes, ok in zip(right, allowed, strict=True))
        losses = []
        for m, ok in enumerate(allowed):
            if ok:
                share = mass * like[n][m] / sum(like[n]) if sum(like[n]) else 0.0
                target = (1 - soft) * right[m] + soft * min(share, 1.0)
                likely = 1 / (1 + math.exp(-(logits[n][m] - 2.0)))
                losses.append(-target * math.log(likely) - (1 - target) * math.log(1 - likely))
        if losses:
            rows.append(sum(losses))
    wanted = sum(rows) / len(rows) if rows else 0.0
    loss = SigmoidLoss(soft, LIKE, bias=-2.0)
    assert found_by(loss, batch, emg, text) == pytest.approx(wanted, rel=1e-4, abs=1e-5)


def test_the_sigmoid_loss_is_that_of_open_clip_where_each_pair_is_the_only_right_one() -> None:
    from open_clip.loss import SigLipLoss

    emg, text = vectors(5), vectors(5, 1)
    actions, everything = torch.arange(5), torch.ones(5, 5, dtype=torch.bool)
    loss = SigmoidLoss()
    ours, theirs = loss(emg, text, actions, actions, SCALE, everything), SigLipLoss()(emg, text, SCALE, -10.0)
    torch.testing.assert_close(ours, theirs)
    assert gradient(ours, loss.bias).item() != 0


@pytest.mark.parametrize(
    ("soft", "similarity"), [(0.1, None), (1.0, torch.eye(2)), (-0.1, torch.eye(2)), (0.1, -torch.eye(2))]
)
def test_targets_that_make_no_sense_are_refused(soft: float, similarity: Tensor | None) -> None:
    for loss in (MultiPositiveClipLoss, SigmoidLoss):
        with pytest.raises(UsageError):
            loss(soft, similarity)
