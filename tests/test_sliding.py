"""Windows cover a recording, and each is read as if it were alone with the session."""

from typing import Any

import numpy as np
from fakes import FakeModel
from numpy.typing import NDArray
from toys import bursts, contraction, record, resting

from myosem.features import WIDTH, session_features
from myosem.segments import find_segments
from myosem.sliding import FOREIGN, MOST_WINDOWS, in_context, sliding_vectors, windows_over


class CountingModel(FakeModel):
    """Remembers how many segments it was given at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: list[int] = []

    def encode_session(self, numbers: NDArray[np.float32]) -> NDArray[np.float32]:
        self.counts.append(len(numbers))
        return super().encode_session(numbers)


def test_windows_lie_a_step_apart_and_inside() -> None:
    windows = windows_over([], 2, 4.0, 0.5)
    assert [(one.recording, one.start_s, one.end_s) for one in windows] == [
        (2, start, start + 1.0) for start in (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
    ]


def test_a_window_is_a_contraction_where_half_of_it_is() -> None:
    segments = [
        contraction(1.0, 1.4),
        contraction(1.5, 1.7),
        resting(3.0, 4.0),
        contraction(3.0, 4.0, recording=1),
    ]
    kinds = {one.start_s: one.kind for one in windows_over(segments, 0, 4.0, 0.25)}
    slow = {
        start: "contraction"
        if sum(
            any(a <= t < b for a, b in ((1.0, 1.4), (1.5, 1.7))) for t in np.arange(start, start + 1, 0.001)
        )
        >= 500
        else "rest"
        for start in kinds
    }
    assert kinds == slow
    assert set(kinds.values()) == {"contraction", "rest"}


def test_a_short_recording_is_one_window() -> None:
    (only,) = windows_over([], 0, 0.4, 0.5)
    assert (only.start_s, only.end_s) == (0.0, 0.4)


def test_a_long_recording_has_wider_steps() -> None:
    windows = windows_over([], 0, 3600.0, 0.1)
    assert len(windows) == MOST_WINDOWS
    assert abs(windows[-1].end_s - 3600) < 1e-6


def test_few_windows_are_read_beside_the_whole_session() -> None:
    model: Any = CountingModel()
    own = np.random.default_rng(0).normal(size=(30, WIDTH)).astype(np.float32)
    windows = np.random.default_rng(1).normal(size=(7, WIDTH)).astype(np.float32)
    vectors = in_context(model, own, windows)
    assert max(model.counts) <= 30 + 30 // FOREIGN
    alone = np.concatenate([model.encode_session(one[None]) for one in windows])
    np.testing.assert_allclose(vectors, alone, atol=1e-6)


def test_a_window_that_is_a_segment_has_the_vector_of_the_segment() -> None:
    model: Any = FakeModel()
    recording = record(bursts(at=((2.0, 5.0), (7.0, 9.0))))
    windows, vectors = sliding_vectors(model, [recording], 0, 0.5)
    segments = [*find_segments([recording]), *windows]
    slow = model.encode_session(session_features([recording], segments))[-len(windows) :]
    np.testing.assert_allclose(vectors, slow, atol=1e-6)
