"""What a paper takes for a trial."""

from pathlib import Path

import numpy as np
import pytest
from fakes import MAPPING, write_bursts
from toys import span

from myosem.ingest import ingest
from myosem.library import Library
from myosem.paper_trials import PaperTrials, windows
from myosem.papers import find_benchmark


def times(found: tuple[object, ...]) -> list[tuple[float, float, str]]:
    return [(one.start_s, one.end_s, one.label) for one in found]  # type: ignore[attr-defined]


def test_a_trial_lasts_so_long_but_ends_where_the_next_begins() -> None:
    spans = (
        span(0, 2, "rest"),
        span(2, 4, "fist"),
        span(4, 5, "rest"),
        span(5, 9, "point"),
        span(9, 30, "rest"),
    )
    assert times(windows(spans, 5.0, 30.0)) == [
        (0, 2, "rest"),
        (2, 5, "fist"),
        (5, 10, "point"),
        (10, 30, "rest"),
    ]


def test_a_trial_ends_with_its_recording_and_may_get_shorter() -> None:
    assert times(windows((span(1, 8, "fist"), span(9, 10, "point")), 5.0, 11.0)) == [
        (1, 6, "fist"),
        (9, 11, "point"),
    ]
    assert windows((), 5.0, 11.0) == ()


def test_equal_choices_are_one_key() -> None:
    chosen = PaperTrials.of(find_benchmark("ninapro-db4"))
    assert (
        chosen == PaperTrials.of(find_benchmark("ninapro-db4"))
        and len({chosen, PaperTrials.of(find_benchmark("ninapro-db4"))}) == 1
    )
    assert (chosen.trial_s, len(chosen.actions), chosen.subjects) == (5.0, 10, frozenset())


@pytest.fixture
def library(tmp_path: Path) -> Library:
    for number, subject in enumerate(("p1", "p2", "p3")):
        write_bursts(tmp_path / "files", subject, "one", seed=number)
    by_subject = MAPPING.replace("subject: p1\n", "").replace("<session>", "<subject>")
    (tmp_path / "files" / "myosem.yaml").write_text(
        by_subject + "actions: {fist: fist, open hand: open-hand}\n"
    )
    ingest(tmp_path / "lib", [tmp_path / "files"], model=None)
    return Library.open(tmp_path / "lib")


def test_only_people_and_actions_of_the_benchmark_stay(library: Library) -> None:
    everything = PaperTrials()(library)
    actions = sorted({action for one in everything for action in one.trials})
    assert len(everything) == 3 and len(actions) > 1
    kept = PaperTrials(frozenset({"p1", "p3"}), (actions[0],))(library)
    assert [one.subject for one in kept] == ["p1", "p3"]
    for one, whole in zip(kept, everything[::2], strict=True):
        assert one.trials == (actions[0],) * whole.trials.count(actions[0])
        assert (one.trial_of >= 0).all() and len(one) == np.sum(whole.labels == actions[0])
