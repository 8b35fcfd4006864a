"""A state comes back as it was, whole or not at all."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from myosem.errors import ModelError, UsageError
from myosem.training_state import (
    check_new,
    check_same,
    optimizer_tensors,
    part,
    read_state,
    restore_optimizer,
    write_state,
)


def test_tensors_and_the_rest_come_back(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "state"
    wide = torch.arange(6).reshape(2, 3)
    write_state(file, {"a": wide.T, "b": wide}, {"step": 3, "big": 2**100, "losses": [0.1]})
    tensors, state = read_state(file, "training", "train")
    assert torch.equal(tensors["a"], wide.T) and torch.equal(tensors["b"], wide)
    assert state == {"step": 3, "big": 2**100, "losses": [0.1]}
    assert [one.name for one in file.parent.iterdir()] == ["state"]


def test_an_interruption_leaves_the_state_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "state"
    write_state(file, {"a": torch.ones(2)}, {"step": 1})

    def half(tensors: dict[str, Tensor], name: Path, metadata: dict[str, str]) -> None:
        name.write_bytes(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr("myosem.training_state.save_file", half)
    with pytest.raises(KeyboardInterrupt):
        write_state(file, {"a": torch.zeros(2)}, {"step": 2})
    tensors, state = read_state(file, "training", "train")
    assert bool((tensors["a"] == 1).all()) and state == {"step": 1}


def test_what_is_no_state_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "state"
    wanted = r"holds no training; .*a file state; try: myosem train"
    with pytest.raises(ModelError, match=wanted):
        read_state(file, "training", "train")
    write_state(file, {"a": torch.ones(99)}, {})
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(ModelError, match=wanted):
        read_state(file, "training", "train")


def test_another_training_is_refused_by_the_name_of_what_differs(tmp_path: Path) -> None:
    check_same(tmp_path, "training", [("seed", 1, 1)])
    with pytest.raises(UsageError, match="cannot be gone on with: its data is another"):
        check_same(tmp_path, "training", [("seed", 1, 1), ("data", "x", "y")])
    check_new(tmp_path / "state", "training")
    (tmp_path / "state").touch()
    with pytest.raises(UsageError, match="holds a training already"):
        check_new(tmp_path / "state", "training")


def step(weight: Tensor, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    ((weight @ torch.tensor([1.0, 2.0])) ** 2).backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def test_an_optimiser_goes_on_as_another_would_have() -> None:
    weight = torch.ones(2, requires_grad=True)
    optimizer = torch.optim.AdamW([weight], lr=0.1)
    for _ in range(3):
        step(weight, optimizer)
    kept = {key: value.clone() for key, value in optimizer_tensors(optimizer, "o.").items()}
    assert set(part(kept, "o.0.")) == {"step", "exp_avg", "exp_avg_sq"}
    resumed, fresh = (weight.detach().clone().requires_grad_() for _ in range(2))
    again, forgetful = (torch.optim.AdamW([one], lr=0.1) for one in (resumed, fresh))
    restore_optimizer(again, kept, "o.")
    step(weight, optimizer)
    step(resumed, again)
    step(fresh, forgetful)
    assert torch.equal(resumed, weight) and not torch.equal(fresh, weight)
