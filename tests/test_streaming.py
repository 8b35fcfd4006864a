"""Answers come as contractions end, are what they should be, and depend on nothing but the samples."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from live_fakes import NAMES, STARTS, ArmModel, FakeTime, arm
from numpy.typing import NDArray

from myosem import past
from myosem.errors import UsageError
from myosem.live import LiveContractions
from myosem.records import Recording
from myosem.streaming import Answer, Chunk, Listener, listen, replay, without_samples


def listener(recording: Recording, model: ArmModel | None = None, **more: Any) -> Listener:
    return Listener(without_samples(recording), cast(Any, model or ArmModel()), **more)


def cut(recording: Recording, edges: Sequence[int]) -> Iterator[Chunk]:
    for first, last in pairwise([0, *sorted(edges), len(recording.samples)]):
        yield Chunk(recording.samples[first:last], first / recording.rate_hz, 0.0)


def answers(recording: Recording, edges: Sequence[int] = (), **more: Any) -> list[Answer]:
    return list(listen(cut(recording, edges), listener(recording, **more)))


def timeless(told: Sequence[Answer]) -> list[Answer]:
    return [replace(one, latency_ms=0.0) for one in told]


def test_each_burst_is_called_by_where_it_is_as_it_ends_and_when_it_is_sure() -> None:
    told = answers(arm())
    sure, early = [one for one in told if one.sure], [one for one in told if not one.sure]
    expected = [NAMES[number % 4] for number in range(len(STARTS))]
    assert [one.label for one in sure[1:]] == expected[1:]
    assert [one.event for one in sure] == list(range(1, len(sure) + 1))
    np.testing.assert_allclose(
        [(one.start_s, one.end_s) for one in sure[1:]], [(at, at + 2) for at in STARTS[1:]], atol=0.151
    )
    for one in sure[1:]:
        [first, *_] = [other for other in early if other.event == one.event]
        assert first.label == one.label and abs(first.end_s - one.end_s) < 0.051
        assert first.detector_ms == pytest.approx(75, abs=1)
        assert 300 < one.detector_ms <= 1600
    assert [one.action for one in sure[1:3]] == ["open-hand", "point"] and all(one.text for one in sure)
    assert [one.context for one in sure] == sorted(one.context for one in sure) and sure[0].context == 0


@given(edges=st.lists(st.integers(0, 3400), max_size=10), rate_hz=st.sampled_from([200.0, 173.5]))
@settings(max_examples=6, deadline=None)
def test_how_the_stream_is_cut_changes_no_answer(edges: list[int], rate_hz: float) -> None:
    recording = arm(rate_hz, starts=STARTS[:3])
    edges = [min(edge, len(recording.samples)) for edge in edges]
    told = answers(recording, edges)
    assert timeless(told) == timeless(answers(recording))
    offline = LiveContractions(rate_hz, 8)
    events = [*offline.push(recording.samples), *offline.finish()]
    assert [(one.start_s, one.end_s) for one in told if one.sure] == [
        (round(one.start_s, 6), round(one.end_s, 6)) for one in events if one.end_s is not None
    ]


def test_a_candidate_is_chosen_or_none() -> None:
    told = [one for one in answers(arm(), candidates=["front", "back"]) if one.sure][1:]
    assert [one.label for one in told[:4]] == [None, "back", None, "front"]
    assert all(one.action is None and one.text is None for one in told)


def test_a_candidate_that_is_no_action_is_named() -> None:
    model = ArmModel()
    model.unrelated = ("a bus",)
    assert listener(arm(), model, candidates=["front", "a bus"]).unrelated == ["a bus"]
    assert listener(arm(), model).unrelated == []


def test_latency_is_from_the_end_until_the_answer_is_there() -> None:
    time, recording = FakeTime(), arm()

    class Slow(ArmModel):
        def encode_session(self, numbers: NDArray[np.float32], adapted: object = None) -> NDArray[np.float32]:
            time.now += 0.03
            return super().encode_session(numbers, adapted)

    chunks = replay(recording, 1.0, 0.2, clock=time, wait=time.wait)
    told = list(listen(chunks, listener(recording, Slow(), clock=time)))
    began, chunk_s = 100.0, 0.2
    assert told
    for one in told:
        heard_s = np.ceil((one.end_s + one.detector_ms / 1000) / chunk_s - 1e-6) * chunk_s
        assert one.latency_ms == pytest.approx(
            1000 * (min(heard_s, recording.duration_s) - one.end_s) + 30, abs=0.2
        )
    assert time.now == pytest.approx(began + recording.duration_s, abs=0.2)


@pytest.mark.parametrize(("speed", "waited_s"), [(1.0, 21.0), (2.0, 10.5), (0.0, 0.0)])
def test_a_replay_keeps_its_pace(speed: float, waited_s: float) -> None:
    time, recording = FakeTime(), arm(starts=(3.0, 18.0))
    chunks = list(replay(recording, speed, clock=time, wait=time.wait))
    assert sum(time.waits) == pytest.approx(waited_s)
    np.testing.assert_array_equal(np.concatenate([one.samples for one in chunks]), recording.samples)
    if speed:
        assert chunks[-1].arrived == pytest.approx(100 + waited_s)


def test_after_a_gap_time_goes_on_and_what_was_learned_is_kept() -> None:
    recording = arm()
    half = 2400  # in the middle of a silence
    parts = [
        Chunk(recording.samples[:half], 0.0, 0.0),
        Chunk(recording.samples[half:], half / 200 + 60, 0.0),
    ]
    told = [one for one in listen(parts, listener(recording)) if one.sure]
    whole = [one for one in answers(recording) if one.sure]
    assert [one.event for one in told] == list(range(1, len(told) + 1))
    assert told[-1].start_s == pytest.approx(whole[-1].start_s + 60, abs=0.06)
    assert [one.label for one in told[-4:]] == [one.label for one in whole[-4:]]


def test_an_earlier_recording_is_context_and_brings_its_rest() -> None:
    model, recording = ArmModel(), arm(starts=STARTS[:4])
    one = listener(recording, model)
    one.remember(recording)
    assert one.warm and one.heard_s == 0
    taught = model.learned[-1]
    told = [answer for answer in listen(cut(recording, [777]), one) if answer.sure]
    assert [answer.event for answer in told] == [1, 2, 3, 4] and told[0].context == taught
    np.testing.assert_allclose([answer.start_s for answer in told], STARTS[:4], atol=0.151)
    assert [answer.label for answer in told] == list(NAMES)


def test_an_earlier_recording_of_another_device_is_refused() -> None:
    with pytest.raises(UsageError, match=r"another rate_hz.*got 173.5; expected 200"):
        listener(arm()).remember(arm(173.5))


def test_the_past_that_is_read_and_learned_from_is_bounded() -> None:
    model, recording = ArmModel(), arm(starts=tuple(float(at) for at in range(3, 90, 4)))
    told = list(
        listen(cut(recording, range(0, len(recording.samples), 37)), listener(recording, model, most=6))
    )
    assert max(model.learned) == 6 and max(model.read) == 7
    assert max(one.context for one in told) == 6
    assert len(model.learned) == sum(one.sure for one in told)


def test_what_lies_in_the_buffer_is_bounded_and_a_long_contraction_is_read_from_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(past, "BUFFER_S", 8.0)
    monkeypatch.setattr(past, "LONGEST_S", 6.0)
    recording = arm(starts=(3.0, 8.0, 14.0), length_s=2.0)
    buffer = past.Buffer(without_samples(recording))
    for chunk in cut(recording, range(0, len(recording.samples), 10)):
        buffer.append(np.asarray(chunk.samples, dtype=np.float32))
    kept = buffer.around(0.0, recording.duration_s, "contraction")
    assert len(kept) == 2 and buffer.count == len(recording.samples)
    assert sum(one.segment.end_s - one.segment.start_s for one in kept) == pytest.approx(6.0)
    assert all(one.recording.duration_s <= 3 + 2 * past.MARGIN_S for one in kept)


def test_silence_is_remembered_as_rest() -> None:
    model = ArmModel()
    recording = arm(starts=(3.0, 8.0, 13.0, 60.0))
    list(listen(cut(recording, range(0, len(recording.samples), 10)), listener(recording, model)))
    assert model.learned[-1] - model.learned[-2] >= 4  # four tens of seconds, what is left of them, one burst


def test_prepare_opens_what_answers_need() -> None:
    model = ArmModel()
    listener(arm(), model).prepare()
    assert model.read == [2]


def test_noise_gives_no_answer_and_never_warms() -> None:
    recording = replace(arm(), samples=np.random.default_rng(0).normal(size=(4000, 8)).astype(np.float32))
    one = listener(recording)
    assert list(listen(cut(recording, [100]), one)) == [] and not one.warm


def test_samples_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UsageError, match=r"expected \(samples, 8\)"):
        list(listener(arm()).push(Chunk(np.zeros((40, 3)), 0.0, 0.0)))
