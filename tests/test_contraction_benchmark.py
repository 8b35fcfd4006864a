"""What the benchmark of contractions counts, and that it gives every detector a fair chance."""

import sys
from pathlib import Path

import numpy as np
import pytest
from toys import BURSTS, bursts, record, span

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import contractions as benchmark
import detectors

from myosem.signal import to_frames

SPANS = [span(2.0, 4.0), span(4.0, 8.0, "rest"), span(8.0, 10.0), span(10.0, 20.0, "rest")]


def scored(*events: tuple[float, float]) -> benchmark.Score:
    total = benchmark.Score()
    benchmark.score(events, SPANS, total)
    return total


def test_an_event_counts_for_the_contraction_it_shares_more_than_half_with() -> None:
    found = scored((1.8, 4.1), (9.0, 11.1))
    assert (found.hits, found.missed, found.wrong) == (1, 1, 1)
    np.testing.assert_allclose(found.onsets_s + found.offsets_s, [-0.2, 0.1])
    assert found.f1 == 0.5


def test_one_event_over_two_contractions_is_wrong_and_so_are_two_over_one() -> None:
    over = scored((2.0, 10.0))
    assert (over.hits, over.missed, over.wrong, over.false_at_rest) == (0, 2, 1, 1)
    pieces = scored((2.0, 2.9), (3.0, 4.0), (8.0, 10.0))
    assert (pieces.hits, pieces.missed, pieces.wrong, pieces.false_at_rest) == (1, 1, 2, 0)


def test_what_lies_in_rest_is_false_and_what_lies_outside_the_labels_is_nothing() -> None:
    found = scored((5.0, 6.0), (12.0, 12.5), (21.0, 22.0))
    assert (found.wrong, found.false_at_rest, found.rest_s) == (2, 2, 14.0)
    assert found.value("false") == pytest.approx(2 / 14 * 3600)
    assert np.isnan(found.value("onset"))


def test_agreement_leaves_out_the_start_of_a_session_but_not_of_its_later_recordings() -> None:
    early, late = (2.0, 4.0), (20.0, 22.0)
    assert benchmark.agreement([[[early, late]]], [[[late]]]) == 1
    assert benchmark.agreement([[[late], [early]]], [[[late], []]]) == pytest.approx(2 / 3)
    assert benchmark.agreement([[[late]]], [[[late, (30.0, 31.0)]]]) == pytest.approx(2 / 3)


def test_masks_are_merged_and_freed_of_short_runs_as_nct_does() -> None:
    mask = np.zeros(60, dtype=bool)
    mask[[*range(10, 16), *range(20, 26), *range(40, 43)]] = True
    [(start, end)] = detectors.events_of_mask(mask, 3.1)
    assert (start, end) == pytest.approx((0.525, 1.325))


@pytest.mark.parametrize("kind", ["envelope", "dB"])
@pytest.mark.parametrize("detector", detectors.DETECTORS, ids=lambda one: one.name)
def test_every_detector_finds_clear_bursts_at_some_setting(
    detector: detectors.Detector, kind: detectors.Input
) -> None:
    library = "neurokit2" if "NeuroKit2" in detector.name else "biosppy"
    pytest.importorskip(library)
    recordings = [record(bursts()), record(bursts(at=[], seed=1))]
    frames = [to_frames(one) for one in recordings]
    best = max(
        sum(
            any(benchmark.share_of_union(event, burst) > 0.5 for event in events)
            for events in detectors.detect(detector, value, kind, frames, recordings)[:1]
            for burst in BURSTS
        )
        for value in (None, *detector.values)
    )
    assert best == len(BURSTS)


@pytest.mark.parametrize("method", ["threshold", "mixture"])
def test_neurokit_is_asked_what_its_own_detector_asks(method: str) -> None:
    neurokit = pytest.importorskip("neurokit2")
    [signal] = detectors.session_signal([to_frames(record(bursts()))], "dB")
    _, info = neurokit.emg_activation(emg_amplitude=signal, sampling_rate=20, method=method)
    expected = np.zeros(len(signal), dtype=bool)
    expected[info["EMG_Activity"].astype(int)] = True
    find = detectors.neurokit_threshold if method == "threshold" else detectors.neurokit_mixture
    found = find(signal, None)
    assert found.any() and not found.all()
    whole = np.flatnonzero(~found)  # it leaves out activity that the recording starts or ends in
    np.testing.assert_array_equal(found[whole[0] : whole[-1] + 1], expected[whole[0] : whole[-1] + 1])


def test_the_interval_is_that_of_the_mean_over_data_sets() -> None:
    low, high = benchmark.interval([np.array([0.4, 0.6]), np.full(5, 1.0)])
    assert (low, high) == pytest.approx((0.7, 0.8))
