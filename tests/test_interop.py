"""What other programs hold in memory comes over with its times, labels, units and channels."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from myosem.errors import SourceError, UsageError
from myosem.features import session_features
from myosem.interop import from_libemg, from_mne
from myosem.model import Model
from myosem.records import Recording
from myosem.segments import find_segments

RATE_HZ = 500.0
RNG = np.random.default_rng(0)


def raw_of(samples: NDArray[np.float64], types: list[str]) -> Any:
    mne = pytest.importorskip("mne")
    names = [f"{kind}{place}" for place, kind in enumerate(types)]
    about = mne.create_info(names, RATE_HZ, types)
    return mne.io.RawArray(samples.T, about, verbose="error")


def test_mne_gives_the_emg_channels_in_volts() -> None:
    samples = RNG.normal(size=(1000, 4)) * 1e-4
    one = from_mne(raw_of(samples, ["eeg", "emg", "misc", "emg"]), name="walk")
    np.testing.assert_array_equal(one.samples, samples[:, [1, 3]].astype(np.float32))
    assert [channel.name for channel in one.channels] == ["emg1", "emg3"]
    assert (one.unit, one.rate_hz, one.subject, one.name) == ("V", RATE_HZ, "unknown", "walk")
    assert one.band_hz is None
    assert one.spans == ()


def test_annotations_are_spans_also_after_a_crop() -> None:
    mne = pytest.importorskip("mne")
    raw = raw_of(RNG.normal(size=(5000, 2)), ["emg", "emg"])
    raw.set_meas_date(1_000_000)
    raw.set_annotations(
        mne.Annotations([2.0, 5.0, 8.0], [1.0, 1.5, 1.0], ["make a fist", "BAD_move", "odd"]), verbose="error"
    )
    first, second = from_mne(raw).spans
    assert (first.start_s, first.end_s, first.label, first.action) == (2.0, 3.0, "make a fist", "fist")
    assert (second.start_s, second.end_s, second.label, second.action) == (8.0, 9.0, "odd", None)
    cropped = from_mne(raw.copy().crop(1.5))
    assert [(span.start_s, span.end_s) for span in cropped.spans] == [(0.5, 1.5), (6.5, 7.5)]
    np.testing.assert_array_equal(cropped.samples, from_mne(raw).samples[750:])


def test_a_bad_channel_of_mne_is_dead_and_keeps_its_place() -> None:
    raw = raw_of(RNG.normal(size=(1000, 3)), ["emg"] * 3)
    raw.info["bads"] = ["emg1"]
    raw.info["subject_info"] = {"his_id": "s7"}
    one = from_mne(raw)
    assert not np.asarray(one.samples)[:, 1].any()
    assert np.asarray(one.samples)[:, 2].any()
    assert one.notes == ("Marked as bad, read as dead: emg1.",)
    assert one.subject == "s7"
    assert from_mne(raw, subject="p2").subject == "p2"


def test_mne_without_emg_says_how_to_mark_it() -> None:
    with pytest.raises(SourceError, match=r"eeg.*set_channel_types"):
        from_mne(raw_of(RNG.normal(size=(100, 1)), ["eeg"]))


def test_raw_needs_no_mne() -> None:
    raw = SimpleNamespace(
        info={"sfreq": 4.0, "bads": [], "highpass": 20.0, "lowpass": 450.0, "subject_info": None},
        ch_names=["left"],
        first_time=10.0,
        annotations=[{"onset": 10.5, "duration": 0.25, "description": "rest"}],
        get_channel_types=lambda: ["emg"],
        get_data=lambda picks: np.arange(8.0)[None],
    )
    one = from_mne(raw)
    assert one.samples[:, 0].tolist() == list(range(8))
    assert one.band_hz == (20.0, 450.0)
    assert [(span.start_s, span.end_s, span.action) for span in one.spans] == [(0.5, 0.75, "rest")]


def handler() -> SimpleNamespace:
    """As LibEMG's OfflineDataHandler: a list a file, metadata as columns beside it."""
    return SimpleNamespace(
        data=[RNG.normal(size=(8, 2)), RNG.normal(size=(6, 2))],
        extra_attributes=["classes", "reps", "subjects"],
        classes=[np.array([[0], [0], [1], [1], [1], [1], [0], [0]]), np.full((6, 1), 1)],
        reps=[np.array([[0], [0], [0], [0], [1], [1], [1], [1]]), np.full((6, 1), 2)],
        subjects=[np.full((8, 1), 3), np.full((6, 1), 4)],
    )


def test_libemg_files_are_recordings_with_the_classes_as_spans() -> None:
    own = handler()
    one, two = from_libemg(own, 2.0, names={1: "make a fist"})
    np.testing.assert_array_equal(one.samples, own.data[0].astype(np.float32))
    assert [(span.start_s, span.end_s, span.label, span.action, span.repetition) for span in one.spans] == [
        (1.0, 2.0, "make a fist", "fist", 0),
        (2.0, 3.0, "make a fist", "fist", 1),
    ]
    assert [(span.start_s, span.end_s, span.repetition) for span in two.spans] == [(0.0, 3.0, 2)]
    assert [item.subject for item in (one, two)] == ["3", "4"]
    assert [item.name for item in (one, two)] == ["file-1", "file-2"]


def test_libemg_classes_without_names_are_their_numbers() -> None:
    one, _ = from_libemg(handler(), 2.0)
    assert [span.label for span in one.spans] == ["0", "1", "1", "0"]


def test_plain_arrays_have_no_labels_and_stay_writeable() -> None:
    array = RNG.normal(size=(10, 3)).astype(np.float32)
    (one,) = from_libemg(array, 100, subject="p1", unit="mV")
    assert (one.spans, one.subject, one.unit, len(one.channels)) == ((), "p1", "mV", 3)
    assert array.flags.writeable
    assert len(from_libemg([array, array], 100)) == 2


def test_libemg_refuses_what_does_not_fit() -> None:
    own = handler()
    own.classes[0] = own.classes[0][:5]
    with pytest.raises(UsageError, match="classes of array 0"):
        from_libemg(own, 2.0)
    with pytest.raises(SourceError, match="do not fit the channels"):
        from_libemg(np.zeros((2, 3, 4)), 100)
    with pytest.raises(UsageError, match="no array"):
        from_libemg([], 100)
    own = handler()
    own.subjects[1][0] = 9
    with pytest.raises(UsageError, match="several people"):
        from_libemg(own, 2.0)


def test_angles_come_with_the_channels_by_name_or_in_order() -> None:
    raw = raw_of(RNG.normal(size=(100, 3)), ["emg", "eeg", "emg"])
    one = from_mne(raw, angles_deg={"emg2": 90.0}, anchored=True)
    assert [(channel.name, channel.angle_deg) for channel in one.channels] == [("emg0", None), ("emg2", 90.0)]
    assert one.anchored
    assert [channel.angle_deg for channel in from_mne(raw, angles_deg=[0, 180]).channels] == [0, 180]
    with pytest.raises(UsageError, match="no channel of this name; got eeg1; there is emg0, emg2"):
        from_mne(raw, angles_deg={"eeg1": 0.0})
    with pytest.raises(UsageError, match="angles_deg does not fit; got 1 angles"):
        from_libemg(np.zeros((4, 2)), 100, angles_deg=[0])


def bursts_at(angles_deg: list[float] | None, order: list[int]) -> Recording:
    """Six electrodes in some order; three contractions, each on another side of the limb."""
    random, samples = np.random.default_rng(5), np.zeros((2400, 6))
    samples += random.normal(size=samples.shape)
    for place, start in enumerate((300, 1000, 1700)):
        samples[start : start + 400, 2 * place : 2 * place + 2] *= 20
    own = None if angles_deg is None else [angles_deg[place] for place in order]
    (recording,) = from_libemg(samples[:, order], 200, angles_deg=own)
    return recording


def test_electrodes_in_another_order_with_their_angles_give_the_same_vectors() -> None:
    angles, order = [0.0, 60.0, 120.0, 180.0, 240.0, 300.0], [3, 0, 5, 1, 4, 2]
    model = Model.load()

    def vectors(recording: Recording) -> NDArray[np.float32]:
        segments = find_segments([recording])
        return model.encode_session(session_features([recording], segments))

    straight = vectors(bursts_at(angles, list(range(6))))
    assert len(straight) >= 3
    np.testing.assert_allclose(vectors(bursts_at(angles, order)), straight, atol=1e-4)
    unknown = bursts_at(None, order)
    assert all(channel.angle_deg is None for channel in unknown.channels)
    assert np.abs(vectors(unknown) - straight).max() > 1e-2
