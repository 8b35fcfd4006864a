"""MyoSem as scikit-learn estimators: segments of one session to unit vectors and phrases, without training.

What is given to ``transform`` or ``predict`` at once is one session: its segments see each other, and their
vectors depend on which others are there. Both estimators so belong behind a split by session or person.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_is_fitted, column_or_1d, validate_data

from myosem.interop import Angles, placed
from myosem.records import Recording, Segment, Signal
from myosem.stretches import segments_in

if TYPE_CHECKING:
    from myosem.model import Model

Vectors = NDArray[np.float32]
Segments = Any
"""``(N, T, C)``; or a list of N arrays ``(T, C)``, whose lengths may differ; or ``(N, T * C)``, each row the
samples of a segment one after the other, with all channels of the first sample first."""


class _SegmentEstimator(BaseEstimator):  # type: ignore[misc]
    """What both share: how segments are written, and how they become vectors."""

    rate_hz: float
    channels: int | None
    signal: Signal
    angles_deg: Angles | None
    model: str | Path | None

    def _segments(self, X: Segments, *, reset: bool) -> list[Vectors]:
        """N segments ``(T, C)`` of as many channels as before."""
        if isinstance(X, list) and X and all(isinstance(one, np.ndarray) and one.ndim == 2 for one in X):
            return self._of_channels([check_array(one, dtype=np.float32) for one in X], reset=reset)
        if getattr(X, "ndim", 2) == 3:
            return self._of_channels(list(check_array(X, dtype=np.float32, allow_nd=True)), reset=reset)
        flat = validate_data(self, X, dtype=np.float32, reset=reset)
        if self.channels is None or flat.shape[1] % self.channels:
            raise ValueError(
                f"X has shape {flat.shape}; expected (segments, samples, channels), or (segments, samples * "
                f"channels) with channels=... given, which is {self.channels}. Reshape your data."
            )
        return list(flat.reshape(len(flat), -1, self.channels))  # N(TC) -> NTC

    def _of_channels(self, segments: list[Vectors], *, reset: bool) -> list[Vectors]:
        counts = {one.shape[1] for one in segments}
        known = None if reset else getattr(self, "n_features_in_", None)
        if len(counts) > 1 or known not in (None, *counts):
            name = type(self).__name__
            raise ValueError(
                f"X has {sorted(counts)} channels, but {name} is expecting {known or 'one number of them'}"
            )
        if reset:
            self.n_features_in_ = counts.pop()
        return segments

    def _vectors(self, segments: Sequence[Vectors]) -> Vectors:
        """Unit vectors ``(N, D)`` of the segments of one session."""
        from myosem.features import session_features
        from myosem.segments import find_segments

        recordings = [self._recording(samples, place) for place, samples in enumerate(segments)]
        found = find_segments(recordings)
        wanted: list[list[Segment]] = [
            segments_in(found, place, 0.0, one.duration_s) for place, one in enumerate(recordings)
        ]
        flat = [part for parts in wanted for part in parts]
        vectors = _load(self.model).encode_session(session_features(recordings, flat))
        starts = np.cumsum([0, *(len(parts) for parts in wanted[:-1])])
        sums = np.add.reduceat(vectors, starts, axis=0)
        return np.asarray(sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12), np.float32)

    def _recording(self, samples: Vectors, place: int) -> Recording:
        return Recording(
            samples=samples.copy(),  # a recording locks its samples
            rate_hz=self.rate_hz,
            channels=placed([f"ch{number + 1}" for number in range(samples.shape[1])], self.angles_deg),
            dataset="array",
            subject="unknown",
            session="1",
            name=str(place),
            source=f"segment {place}",
            signal=self.signal,
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


class MyoSemTransformer(TransformerMixin, _SegmentEstimator):  # type: ignore[misc]
    """Segments of one session to unit vectors ``(N, D)``; learns nothing, so it needs no ``fit``.

    Args:
        rate_hz: samples per second.
        channels: how many, needed only for segments that are written flat, ``(N, T * C)``.
        signal: ``raw`` EMG or its rectified ``envelope``.
        angles_deg: place of each channel (``ch1``, ``ch2``, ...) round the limb in degrees, as in
            ``myosem.records``; unknown where None.
        model: folder of the model, the packaged one by default.

    Attributes:
        n_features_in_: what must agree from call to call: C, or T * C of flat segments.
    """

    def __init__(
        self,
        rate_hz: float = 200.0,
        *,
        channels: int | None = None,
        signal: Signal = "raw",
        angles_deg: Angles | None = None,
        model: str | Path | None = None,
    ) -> None:
        self.rate_hz = rate_hz
        self.channels = channels
        self.signal = signal
        self.angles_deg = angles_deg
        self.model = model

    def fit(self, X: Segments, y: object = None) -> "MyoSemTransformer":
        """Check the segments; nothing is learned from them."""
        self._segments(X, reset=True)
        return self

    def transform(self, X: Segments) -> Vectors:
        """Unit vectors ``(N, D)`` of N segments, each in the context of the others.

        Raises:
            ValueError: they are no segments, not finite, or of another number of channels than before.
            UsageError: the angles do not fit the channels.
            ModelError: the folder holds no model.
        """
        return self._vectors(self._segments(X, reset=False))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


class MyoSemClassifier(ClassifierMixin, _SegmentEstimator):  # type: ignore[misc]
    """Zero-shot: for each segment of one session the nearest of some phrases. Learns nothing from segments.

    Args:
        candidates: the phrases to choose from; by default the labels of ``y``, as they are written.
        rate_hz: samples per second.
        channels: how many, needed only for segments that are written flat, ``(N, T * C)``.
        signal: ``raw`` EMG or its rectified ``envelope``.
        angles_deg: place of each channel (``ch1``, ``ch2``, ...) round the limb in degrees, as in
            ``myosem.records``; unknown where None.
        model: folder of the model, the packaged one by default.

    Attributes:
        classes_: the phrases ``(n,)`` in order of the alphabet.
        n_features_in_: what must agree from call to call: C, or T * C of flat segments.
    """

    def __init__(
        self,
        candidates: Sequence[str] | None = None,
        *,
        rate_hz: float = 200.0,
        channels: int | None = None,
        signal: Signal = "raw",
        angles_deg: Angles | None = None,
        model: str | Path | None = None,
    ) -> None:
        self.candidates = candidates
        self.rate_hz = rate_hz
        self.channels = channels
        self.signal = signal
        self.angles_deg = angles_deg
        self.model = model

    def fit(self, X: Segments, y: Any = None) -> "MyoSemClassifier":
        """Note the phrases.

        Raises:
            ValueError: there are neither candidates nor labels, or labels are not as many as segments.
        """
        segments = self._segments(X, reset=True)
        if y is not None:
            check_classification_targets(y)
            y = column_or_1d(y, warn=True)
            if len(y) != len(segments):
                raise ValueError(f"inconsistent numbers: {len(segments)} segments, {len(y)} labels")
        if self.candidates is None and y is None:
            raise ValueError("requires y to be passed, but the target y is None, and there are no candidates")
        self.classes_ = np.unique(y if self.candidates is None else np.asarray(self.candidates))
        return self

    def decision_function(self, X: Segments) -> NDArray[np.float64]:
        """Cosine of each segment with each phrase ``(N, n)``; of two, the second minus the first ``(N,)``."""
        scores = self._scores(X)
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def predict_proba(self, X: Segments) -> NDArray[np.float64]:
        """Probability of each phrase ``(N, n)``, given that one of them is right."""
        logits = self._scores(X) / _load(self.model).temperature
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))

    def predict(self, X: Segments) -> NDArray[Any]:
        """The phrase of each segment ``(N,)``."""
        best = self._scores(X).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def _scores(self, X: Segments) -> NDArray[np.float64]:
        from myosem.labelling import Candidates

        check_is_fitted(self)
        vectors = self._vectors(self._segments(X, reset=False))
        phrases = Candidates(_load(self.model), [str(name) for name in self.classes_])
        return phrases.nearness(vectors)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = self.candidates is None
        tags.classifier_tags.poor_score = True
        return tags


@lru_cache(maxsize=2)
def _load(folder: str | Path | None) -> "Model":
    from myosem.model import Model

    return Model.load(None if folder is None else Path(folder))
