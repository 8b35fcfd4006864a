"""Processes that end or hang, and are blamed on their case."""

import os
import time
from collections.abc import Iterator, Sequence

from apart import Verdict, judge_apart


def harmful(cases: Sequence[str]) -> Iterator[Verdict]:
    """Does what a case says."""
    for case in cases:
        if case == "ends":
            os._exit(7)
        if case == "hangs":
            time.sleep(600)
        yield Verdict(case, "read")


def test_what_ends_or_hangs_is_a_fault_and_all_others_are_judged() -> None:
    verdicts = judge_apart(harmful, ["a", "ends", "b", "hangs", "c"], processes=1, stuck_s=1)
    assert [(one.case, one.said) for one in verdicts] == [
        ("a", ""),
        ("ends", "the process ended with 7"),
        ("b", ""),
        ("hangs", "no verdict for 1 s"),
        ("c", ""),
    ]


def test_many_processes_judge_each_case_once() -> None:
    verdicts = judge_apart(harmful, list("abcdefg"), processes=3)
    assert sorted(one.case for one in verdicts) == list("abcdefg")
