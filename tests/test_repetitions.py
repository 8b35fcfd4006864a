"""No sample of a test repetition is trained on, and nothing is lost but what is cut away."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toys import bursts, record

from myosem.records import Recording, Span
from myosem.repetitions import cut, spans_to_test, split_repetitions
from myosem.trials import prepare_trials

RATE_HZ = 200.0


def counted(spans: tuple[Span, ...], duration_s: float) -> Recording:
    """A recording whose samples are their own numbers."""
    count = round(duration_s * RATE_HZ)
    return record(np.arange(count, dtype=np.float32)[:, None].repeat(2, axis=1), RATE_HZ, spans=spans)


def continuous(repetitions: int) -> Recording:
    """Fist and rest in turns, 2 s each."""
    spans = []
    for number in range(repetitions):
        spans.append(Span(4.0 * number, 4.0 * number + 2, "fist", "fist", repetition=number))
        spans.append(Span(4.0 * number + 2, 4.0 * number + 4, "rest", "rest", repetition=number))
    return counted(tuple(spans), 4.0 * repetitions)


def numbers(pieces: list[Recording]) -> set[int]:
    return {int(value) for piece in pieces for value in piece.samples[:, 0]}


def test_every_third_repetition_is_tested_from_the_second_on() -> None:
    spans = tuple(Span(i, i + 0.9, "fist", "fist", repetition=i) for i in range(6))
    assert spans_to_test([counted(spans, 6.0)]) == {(0, 1), (0, 4)}


def test_repetitions_are_counted_over_all_recordings_and_by_effort() -> None:
    one = tuple(Span(i, i + 0.9, "fist", "fist", effort) for i, effort in enumerate(("light", "hard")))
    recordings = [counted(one, 2.0) for _ in range(3)]
    assert spans_to_test(recordings) == {(1, 0), (1, 1)}


def test_two_spans_of_one_repetition_stay_together() -> None:
    spans = tuple(Span(i, i + 0.9, "fist", "fist", repetition=i // 2) for i in range(6))
    assert spans_to_test([counted(spans, 6.0)]) == {(0, 2), (0, 3)}


def test_a_continuous_recording_is_cut_in_the_middle_of_rest() -> None:
    training, tested = split_repetitions([continuous(3)])
    assert [piece.samples[0, 0] for piece in tested] == [3 * RATE_HZ]
    assert [piece.samples[0, 0] for piece in training] == [0, 7 * RATE_HZ]
    spans = [(one.action, one.start_s, one.end_s) for one in tested[0].spans]
    assert spans == [("rest", 0.0, 1.0), ("fist", 1.0, 3.0), ("rest", 3.0, 4.0)]


@given(st.lists(st.sampled_from(["fist", "point", "rest"]), min_size=1, max_size=12))
def test_no_sample_is_on_both_sides_and_none_is_lost(actions: list[str]) -> None:
    spans = tuple(Span(1.5 * i, 1.5 * i + 1, one, one) for i, one in enumerate(actions))
    recording = counted(spans, 1.5 * len(actions))
    training, tested = split_repetitions([recording])
    assert not numbers(training) & numbers(tested)
    assert numbers(training) | numbers(tested) == set(range(len(recording.samples)))
    wanted = {number for _, number in spans_to_test([recording])}
    for number, span in enumerate(spans):
        if span.action != "rest":
            middle = round((span.start_s + span.end_s) / 2 * RATE_HZ)
            assert (middle in numbers(tested)) == (number in wanted)


def test_what_has_no_label_is_left_out() -> None:
    assert split_repetitions([counted((), 3.0)]) == ([], [])


def test_a_cut_keeps_the_samples_and_moves_the_spans() -> None:
    piece = cut(continuous(2), 1.0, 5.0)
    assert piece.samples[0, 0] == RATE_HZ and piece.duration_s == 4.0
    assert [(one.label, one.start_s, one.end_s) for one in piece.spans] == [
        ("fist", 0.0, 1.0),
        ("rest", 1.0, 3.0),
        ("fist", 3.0, 4.0),
    ]


def test_features_of_one_side_know_nothing_of_the_other() -> None:
    at = [(2.0 + 4 * i, 3.5 + 4 * i) for i in range(3)]
    spans = tuple(Span(start - 0.1, end + 0.1, "fist", "fist") for start, end in at)
    samples = bursts(at=at, duration_s=13.0)
    louder = samples.copy()
    louder[round(4.8 * RATE_HZ) : round(8.7 * RATE_HZ)] *= 50
    plain, changed = (
        prepare_trials(split_repetitions([record(one, spans=spans)])[0], "toy/p1")
        for one in (samples, louder)
    )
    assert len(plain) > 0 and plain.trials == ("fist", "fist")
    np.testing.assert_array_equal(plain.session.features, changed.session.features)
    with pytest.raises(AssertionError):
        whole = [prepare_trials([record(one, spans=spans)], "toy/p1") for one in (samples, louder)]
        np.testing.assert_array_equal(whole[0].session.features, whole[1].session.features)
