"""The one rule that says which backend a library gets."""

from pathlib import Path

import pytest

from myosem.index import BACKENDS, choose
from myosem.index import choice as module

GB = 2**30


@pytest.mark.parametrize(
    ("count", "memory", "backend"),
    [
        (0, GB, "flat"),
        (50_000, 1, "flat"),
        (50_001, 16 * GB, "ivf"),
        (1_000_000, 2 * GB, "ivf"),
        (1_000_000, GB // 2, "ivfpq"),
        (10_000_000, 16 * GB, "ivf"),
        (10_000_000, 8 * GB, "ivfpq"),
    ],
)
def test_rule(count: int, memory: int, backend: str) -> None:
    choice = choose(count, 256, memory=memory)
    assert (choice.backend, choice.asked) == (backend, False)
    assert choice.backend in BACKENDS
    assert f"{count:,} vectors" in choice.reason


def test_the_reason_says_what_was_compared_with_what() -> None:
    assert choose(1_000_000, 256, memory=4 * GB).reason.endswith(
        "0.2 GB, within a quarter of memory (1.0 GB)"
    )
    assert "more than a quarter of memory (0.1 GB)" in choose(1_000_000, 256, memory=GB // 2).reason


def test_what_was_asked_for_is_taken_and_the_rule_still_told() -> None:
    choice = choose(10, 256, "hnsw")
    assert (choice.backend, choice.asked) == ("hnsw", True)
    assert "the rule says flat: 10 vectors" in choice.reason
    assert choose(10, 256, "auto") == choose(10, 256)


def test_memory_is_that_of_the_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = module.memory_bytes()
    assert machine > GB // 4
    (tmp_path / "memory.max").write_text(f"{GB // 8}\n")
    monkeypatch.setattr(module, "LIMIT", tmp_path / "memory.max")
    assert module.memory_bytes() == GB // 8
    (tmp_path / "memory.max").write_text("max\n")
    assert module.memory_bytes() >= machine
