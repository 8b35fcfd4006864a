"""Damaged files of every reader: each is refused in words or read rightly, and harms nothing."""

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from apart import judge_apart
from mutants import every_case, judge, judge_cases

from myosem.errors import SourceError
from myosem.readers import READERS

EACH, ALL = 20, 10_000


@pytest.mark.parametrize("name", READERS)
def test_damaged_files_are_refused_or_read(name: str) -> None:
    verdicts = list(judge_cases([(name, number) for number in range(EACH)]))
    assert [one for one in verdicts if one.outcome == "fault"] == []
    assert {one.outcome for one in verdicts} == {"refused", "read"}


@pytest.mark.slow
def test_ten_thousand_damaged_files_are_refused_or_read() -> None:
    verdicts = judge_apart(judge_cases, every_case(ALL), processes=os.cpu_count() or 1)
    assert len(verdicts) >= ALL
    assert [one for one in verdicts if one.outcome == "fault"] == []
    assert min(Counter(one.outcome for one in verdicts).values()) > ALL / 10


def test_the_same_case_is_damaged_in_the_same_way() -> None:
    cases = [("npz", 3), ("csv", 5)]
    first, second = ([one.case for one in judge_cases(cases)] for _ in range(2))
    assert first == second


# That harm would be seen.


def test_a_typed_error_is_no_fault(tmp_path: Path) -> None:
    def refuse() -> None:
        raise SourceError("damaged")

    assert judge("a", refuse, tmp_path).outcome == "refused"
    assert judge("a", lambda: None, tmp_path).outcome == "read"


def test_any_other_error_is_a_fault_and_so_is_a_warning(tmp_path: Path) -> None:
    for fault in (lambda: 1 / 0, lambda: np.float32(1e300), lambda: ""[1]):
        assert judge("a", fault, tmp_path).outcome == "fault"


def test_what_is_written_is_seen(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    for harm in (outside.mkdir, (outside / "file").touch, lambda: os.system("true")):
        verdict = judge("a", harm, inside)
        assert verdict.outcome == "fault" and ("outside" in verdict.said or "os.system" in verdict.said)
    left = judge("a", (inside / "left").touch, inside)
    assert left.outcome == "fault" and left.said.startswith("left behind: left")


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the system does not say")
def test_memory_is_measured(tmp_path: Path) -> None:
    verdict = judge("a", lambda: np.ones(1 << 23).sum(), tmp_path)
    assert verdict.grown > 7 << 23
