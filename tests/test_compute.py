"""Random numbers that belong to one thing only, and work in parts that does not show."""

import pytest
import torch
from torch import Tensor, nn

from myosem.compute import OwnRandom, best_device, gather_rows, gather_vectors, own_part, total

CPU = torch.device("cpu")


def test_alone_a_process_has_everything() -> None:
    rows = torch.rand(3, 2, requires_grad=True)
    assert own_part(7) == slice(0, 7) and total(torch.tensor(2.5)) == 2.5
    assert gather_rows(rows) is rows and gather_vectors(rows, rows) == (rows, rows)
    assert best_device().type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_nobody_else_changes_the_numbers_and_they_change_nobody_elses() -> None:
    torch.manual_seed(7)
    wanted = torch.rand(4)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    own, drawn = OwnRandom(7, CPU), []
    for _ in range(2):
        with own():
            drawn.append(torch.rand(2))
        assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(torch.cat(drawn), wanted)


def test_they_go_on_where_others_were() -> None:
    one, other = OwnRandom(1, CPU), OwnRandom(2, CPU)
    with one():
        torch.rand(5)
    other.restore(one.state())
    with one():
        wanted = torch.rand(3)
    with other():
        assert torch.equal(torch.rand(3), wanted)


class Counted(nn.Module):
    """Two layers with dropout between; counts how often it is asked, and for how many rows."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(6, 8), nn.Dropout(0.5), nn.Tanh(), nn.Linear(8, 2))
        self.asked: list[int] = []

    def forward(self, rows: Tensor, factor: Tensor) -> Tensor:
        self.asked.append(len(rows))
        out: Tensor = self.layers(rows) * factor
        return out


@pytest.mark.parametrize("parts", [1, 2, 4])
def test_gradients_in_parts_are_those_of_the_numbers_that_came_out(parts: int) -> None:
    rows, factor, random = torch.rand(8, 6), torch.rand(8, 1), OwnRandom(3, CPU)
    module = Counted()
    with random():
        out = random.in_parts(module, parts, rows, factor)
    (out.sum() ** 2).backward()  # type: ignore[no-untyped-call]
    assert module.asked == [8 // parts] * (parts if parts == 1 else 2 * parts)
    found = module.layers[3].weight.grad
    module.zero_grad()
    again, plain = OwnRandom(3, CPU), []
    with again():
        seeds = torch.randint(2**31, (parts,)).tolist() if parts > 1 else [None]
        for seed, some, by in zip(seeds, rows.chunk(parts), factor.chunk(parts), strict=True):
            if seed is not None:
                torch.manual_seed(seed)
            plain.append(module(some, by))
    whole = torch.cat(plain)
    torch.testing.assert_close(out, whole)
    (whole.sum() ** 2).backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(found, module.layers[3].weight.grad)


def test_each_part_has_other_numbers() -> None:
    module, random = nn.Dropout(0.5), OwnRandom(0, CPU)
    with random():
        one, other = random.in_parts(module, 2, torch.ones(2, 50))
    assert not torch.equal(one, other)
