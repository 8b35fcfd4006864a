"""Which of the nearest are shown, against the definitions written out."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fakes import unit

from myosem.catalogue import SessionKey
from myosem.selection import GAP_S, NEAR, Found, Selection, different, neighbours, origins_of, stretches


def found(
    recording: str,
    start_s: float,
    end_s: float,
    score: float = 0.5,
    kind: str = "contraction",
    fits: bool = True,
) -> Found:
    """A segment of ``dataset/person/session/name``."""
    dataset, person, session, _ = recording.split("/")
    segment: Any = SimpleNamespace(
        recording=recording,
        dataset=dataset,
        person=person,
        key=SessionKey(dataset, person, session),
        start_s=start_s,
        end_s=end_s,
        kind=kind,
    )
    return Found(segment, score, fits)


def some(seed: int, count: int = 40) -> tuple[list[Found], np.ndarray[Any, np.dtype[np.float32]]]:
    """Segments of a few recordings, the best first, with vectors."""
    random = np.random.default_rng(seed)
    scores = np.sort(random.uniform(-1, 1, count))[::-1]
    places = random.integers(0, 2, (count, 4))
    starts = random.integers(0, 30, count) / 2
    lengths = random.integers(1, 4, count) / 2
    names = ["/".join(f"{letter}{part}" for letter, part in zip("dpsr", row, strict=True)) for row in places]
    listed = [
        found(name, float(start), float(start + length), float(score))
        for name, start, length, score in zip(names, starts, lengths, scores, strict=True)
    ]
    return listed, unit(random.normal(size=(count, 5)))


def kinship(first: Found, second: Found) -> float:
    one, other = first.segment, second.segment
    return (
        (one.dataset == other.dataset)
        + ((one.dataset, one.person) == (other.dataset, other.person))
        + (one.key == other.key)
        + (one.recording == other.recording)
    ) / 4


def slow_mmr(listed: Sequence[Found], vectors: Any, balance: float, most: int) -> list[int]:
    """As the definition says, one comparison at a time."""
    chosen: list[int] = []
    while True:
        open_ = [
            one
            for one in range(len(listed))
            if one not in chosen
            and sum(listed[o].segment.recording == listed[one].segment.recording for o in chosen) < most
        ]
        if not open_:
            return chosen

        def worth(one: int) -> float:
            alike = [
                (float(vectors[one] @ vectors[other]) + kinship(listed[one], listed[other])) / 2
                for other in chosen
            ]
            return balance * listed[one].score - (1 - balance) * max(alike, default=-1)

        chosen.append(max(open_, key=worth))


def slow_stretches(order: Sequence[int], listed: Sequence[Found], k: int) -> list[set[int]]:
    """For each segment in turn that no stretch has yet: what can be walked to from it, step by step."""
    groups: list[set[int]] = []
    for first in order:
        free = set(order) - set().union(*groups)
        if first in free and len(groups) < k:
            group = {first}
            for _ in order:
                group |= {
                    one
                    for one in free
                    if listed[one].score >= NEAR * listed[first].score
                    and any(neighbours(listed[one], listed[own]) for own in group)
                }
            groups.append(group)
    return groups


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("balance", "most"), [(0.7, 3), (0.3, 1), (1.0, 40)])
def test_different_hits_are_those_of_the_definition(seed: int, balance: float, most: int) -> None:
    listed, vectors = some(seed)
    fast = list(different(listed, vectors, balance=balance, most=most))
    assert fast == slow_mmr(listed, vectors, balance, most)


def test_score_alone_is_the_ranking_itself() -> None:
    listed, vectors = some(9)
    assert list(different(listed, vectors, balance=1.0, most=40)) == list(range(40))


def test_equal_hits_come_from_everybody_first() -> None:
    listed = [
        found(f"d/p{person}/s/r", 3.0 * number, 3.0 * number + 1)
        for person in (1, 2, 3)
        for number in range(4)
    ]
    vectors = np.ones((12, 1), dtype=np.float32)
    order = list(different(listed, vectors))
    assert [listed[one].segment.person for one in order[:3]] == ["p1", "p2", "p3"]
    assert len(order) == 9, "three of each recording"


def test_what_does_not_fit_comes_last() -> None:
    listed = [
        found("d/p/s/r1", 0, 1, 0.9),
        found("d/p/s/r1", 3, 4, 0.8),
        found("d2/p2/s/r2", 0, 1, 0.7, fits=False),
    ]
    assert list(different(listed, np.eye(3, dtype=np.float32))) == [0, 1, 2]


def test_kinship_counts_what_is_shared() -> None:
    listed, _ = some(3)
    origins = origins_of([one.segment for one in listed])
    for one, other in combinations(range(len(listed)), 2):
        assert (origins[one] == origins[other]).mean() == kinship(listed[one], listed[other])
    assert origins_of([]).shape == (0, 4)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("k", [1, 4, 100])
def test_stretches_are_what_touches(seed: int, k: int) -> None:
    listed, _ = some(seed)
    order = list(np.random.default_rng(seed).permutation(len(listed)).tolist())
    fast = stretches(order, listed, k)
    assert [set(group) for group in fast] == slow_stretches(order, listed, k)
    for group in fast:
        scores = [listed[one].score for one in group]
        assert scores == sorted(scores, reverse=True)


def test_a_stretch_grows_beyond_what_would_be_shown() -> None:
    first, far, near, weak = (
        found("d/p/s/r", 0, 1, 0.8),
        found("d/p/s/r", 9, 10, 0.7),
        found("d/p/s/r", 1.2, 1.8, 0.61),
        found("d/p/s/r", 2, 3, 0.59),
    )
    assert stretches(range(4), [first, far, near, weak], 2) == [[0, 2], [1]]
    assert stretches(range(4), [first, far, near, weak], 3) == [[0, 2], [1], [3]]


@pytest.mark.parametrize(
    ("other", "touches"),
    [
        (found("d/p/s/r", 2.0, 3.0), True),
        (found("d/p/s/r", 2.0 + GAP_S, 3.0), True),
        (found("d/p/s/r", 2.01 + GAP_S, 3.0), False),
        (found("d/p/s/r", 0.0, 1.0 - GAP_S), True),
        (found("d/p/s/r", 1.2, 1.4), True),
        (found("d/p/s/r2", 2.0, 3.0), False),
        (found("d/p/s/r", 2.0, 3.0, kind="rest"), False),
        (found("d/p/s/r", 2.0, 3.0, fits=False), False),
    ],
)
def test_neighbours_are_of_one_recording_and_kind_and_hardly_apart(other: Found, touches: bool) -> None:
    own = found("d/p/s/r", 1.0, 2.0)
    assert neighbours(own, other) is neighbours(other, own) is touches


def test_the_ranking_is_read_no_further_than_needed() -> None:
    listed = [found("d/p/s/r", 3.0 * number, 3.0 * number + 1) for number in range(10)]

    def order() -> Iterator[int]:
        yield from (0, 1, 2)
        raise AssertionError("three are enough to know two")

    assert stretches(order(), listed, 2) == [[0], [1]]


def test_a_plain_selection_needs_no_more_than_it_shows() -> None:
    listed, vectors = some(1)
    assert Selection(7).pool == 7
    assert Selection(7).choose(listed) == [[one] for one in listed[:7]]
    both = Selection(3, diverse=True, merge=True)
    assert both.pool >= 60
    groups = both.choose(listed, vectors)
    assert [group[0].segment.recording for group in groups] == list(
        dict.fromkeys(group[0].segment.recording for group in groups)
    ), "the first three are of different recordings"
