"""Stretches as segments."""

import pytest
from toys import bursts, contraction, record, resting

from myosem.errors import UsageError
from myosem.segments import MAXIMUM_S
from myosem.stretches import check_stretch, segments_in

FOUND = [resting(0.0, 2.0), contraction(2.0, 3.5), contraction(5.0, 5.6), contraction(0.0, 9.0, recording=1)]


def test_a_short_stretch_is_one_segment_of_what_fills_most_of_it() -> None:
    assert segments_in(FOUND, 0, 1.9, 3.6) == [contraction(1.9, 3.6)]
    assert segments_in(FOUND, 0, 3.6, 5.7) == [resting(3.6, 5.7)]


def test_a_long_stretch_is_the_contractions_in_it() -> None:
    assert segments_in(FOUND, 0, 2.5, 13.0) == [contraction(2.5, 3.5), contraction(5.0, 5.6)]
    assert segments_in(FOUND, 0, 3.0, 13.0) == [contraction(5.0, 5.6)], "less than half of the first"


def test_a_long_stretch_without_a_contraction_is_rest() -> None:
    assert segments_in(FOUND[:1], 0, 0.0, 13.0) == [resting(0.0, 2.0)]
    assert segments_in([], 0, 1.0, 13.0) == [resting(1.0, 1.0 + MAXIMUM_S)]


def test_a_stretch_lies_within_its_recording() -> None:
    recording = record(bursts())
    assert check_stretch(recording, "it", None, None) == (0.0, 13.0)
    assert check_stretch(recording, "it", 12.0, 99.0) == (12.0, 13.0)
    for start_s, end_s in [(3.0, 2.0), (13.0, 14.0), (-1.0, 2.0)]:
        with pytest.raises(UsageError, match="it has no such stretch"):
            check_stretch(recording, "it", start_s, end_s)
