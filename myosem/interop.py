"""Recordings out of what other programs hold in memory: MNE-Python's ``Raw`` and LibEMG's arrays.

Neither program is imported: what is used of their objects is named where it is used.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from myosem.errors import SourceError, UsageError
from myosem.prompts import action_for_name
from myosem.readers.marks import Mark, mark_spans
from myosem.records import Channel, Recording, Span

UNKNOWN = "unknown"
"""The subject where none is named."""
Angles = Mapping[str, float] | Sequence[float | None]
"""Place of electrodes round the limb in degrees, by channel name or one for each channel; see ``records``."""


class _Who(NamedTuple):
    dataset: str
    subject: str | None
    session: str


def from_mne(
    raw: Any,
    *,
    subject: str | None = None,
    session: str = "1",
    name: str = "raw",
    dataset: str = "mne",
    angles_deg: Angles | None = None,
    anchored: bool = False,
) -> Recording:
    """The EMG channels of an MNE ``Raw`` as one recording in volts.

    Annotations become labelled spans, those that begin with ``BAD`` or ``EDGE`` label nothing. A channel in
    ``raw.info["bads"]`` keeps its place round the limb and reads as dead.

    Args:
        raw: any object with ``info``, ``ch_names``, ``first_time``, ``annotations``, ``get_channel_types()``
            and ``get_data(picks)`` as in MNE 1.x.
        subject: who was recorded; ``raw.info["subject_info"]["his_id"]`` by default, else ``unknown``.
        session: what was recorded without taking the electrodes off.
        name: of the recording, unique within the session.
        dataset: what it belongs to.
        angles_deg: where the EMG channels sit round the limb; unknown where None.
        anchored: whether these angles are anatomical; if not they are known up to a rotation.

    Raises:
        SourceError: no channel is of the type ``emg``.
        UsageError: the angles do not fit the channels.
    """
    types = raw.get_channel_types()
    picks = [place for place, kind in enumerate(types) if kind == "emg"]
    if not picks:
        raise SourceError(
            f"{dataset}/{name}: no channel is of the type emg",
            got=", ".join(sorted(set(types))) or "no channels",
            hint='raw.set_channel_types(dict.fromkeys(names, "emg"))',
        )
    names = [str(raw.ch_names[place]) for place in picks]
    samples = np.ascontiguousarray(raw.get_data(picks=picks).T, dtype=np.float32)  # CT -> TC
    bad = [place for place, one in enumerate(names) if one in raw.info["bads"]]
    samples[:, bad] = 0
    rate_hz = float(raw.info["sfreq"])
    spans, notes = mark_spans(_marks(raw), len(samples) / rate_hz, _named_span)
    if bad:
        notes += (f"Marked as bad, read as dead: {', '.join(names[place] for place in bad)}.",)
    return Recording(
        samples=samples,
        rate_hz=rate_hz,
        channels=placed(names, angles_deg),
        dataset=dataset,
        subject=subject or str((raw.info.get("subject_info") or {}).get("his_id") or UNKNOWN),
        session=session,
        name=name,
        source=f"{dataset}/{name}",
        unit="V",
        band_hz=_band(raw),
        anchored=anchored,
        spans=spans,
        notes=notes,
    )


def from_libemg(
    data: Any,
    rate_hz: float,
    *,
    names: Mapping[int, str] | None = None,
    classes: str = "classes",
    repetitions: str = "reps",
    subjects: str = "subjects",
    subject: str | None = None,
    session: str = "1",
    dataset: str = "libemg",
    unit: str = "1",
    angles_deg: Angles | None = None,
    anchored: bool = False,
) -> list[Recording]:
    """LibEMG's arrays as recordings, one for each of its files.

    Args:
        data: an ``OfflineDataHandler`` (its ``data`` and the attributes named below), one array ``(T, C)`` or
            several of them.
        rate_hz: samples per second, which LibEMG does not keep.
        names: what the numbers of the classes mean, such as ``{0: "no movement", 1: "make a fist"}``; a class
            that it does not name stays unlabelled. Without it the numbers are the labels.
        classes: the metadata that holds the class of each sample.
        repetitions: the metadata that holds the repetition of each sample.
        subjects: the metadata that holds the person of each sample.
        subject: who was recorded, where the metadata does not say.
        session: what was recorded without taking the electrodes off.
        dataset: what they belong to.
        unit: of the samples.
        angles_deg: where the channels (``ch1``, ``ch2``, ...) sit round the limb; unknown where None.
        anchored: whether these angles are anatomical; if not they are known up to a rotation.

    Raises:
        UsageError: there is no array, metadata are not as many as the samples, or angles as the channels.
        SourceError: an array is not of samples and channels.
    """
    files = list(getattr(data, "data", data)) if _is_several(data) else [data]
    if not files:
        raise UsageError("there is no array", got=type(data).__name__, expected="at least one, (T, C)")
    recordings = []
    for place, file in enumerate(files):
        values = np.asarray(file, dtype=np.float32)
        people = _metadata(data, subjects, place, len(values))
        if len(set(people)) > 1:
            raise UsageError(f"array {place} is of several people", got=sorted(set(people)))
        who = _Who(dataset, str(people[0]) if people else subject, session)
        spans = _runs(
            _metadata(data, classes, place, len(values)),
            _metadata(data, repetitions, place, len(values)),
            rate_hz,
            names,
        )
        more = {"unit": unit, "spans": spans, "anchored": anchored}
        recordings.append(_recording(values, rate_hz, who, f"file-{place + 1}", angles_deg, **more))
    return recordings


def placed(names: Sequence[str], angles_deg: Angles | None = None) -> tuple[Channel, ...]:
    """Channels of these names at these angles. Raises UsageError where the angles do not fit."""
    if angles_deg is None:
        return tuple(Channel(name) for name in names)
    if isinstance(angles_deg, Mapping):
        if strange := sorted(set(angles_deg) - set(names)):
            raise UsageError("there is no channel of this name", got=", ".join(strange), exists=names)
        return tuple(Channel(name, angles_deg.get(name)) for name in names)
    if len(angles_deg) != len(names):
        raise UsageError("angles_deg does not fit", got=f"{len(angles_deg)} angles", expected=f"{len(names)}")
    return tuple(Channel(name, angle) for name, angle in zip(names, angles_deg, strict=True))


def _recording(
    values: NDArray[np.float32], rate_hz: float, who: _Who, name: str, angles_deg: Angles | None, **more: Any
) -> Recording:
    width = values.shape[1] if values.ndim == 2 else 0
    return Recording(
        samples=values.copy(),  # a recording locks its samples
        rate_hz=rate_hz,
        channels=placed([f"ch{number}" for number in range(1, width + 1)], angles_deg),
        dataset=who.dataset,
        subject=who.subject or UNKNOWN,
        session=who.session,
        name=name,
        source=f"{who.dataset}/{name}",
        **more,
    )


def _marks(raw: Any) -> list[Mark]:
    """The annotations, in seconds from the first sample that is there."""
    return [
        Mark(float(one["onset"]) - float(raw.first_time), float(one["duration"]) or None, one["description"])
        for one in raw.annotations
    ]


def _named_span(start_s: float, end_s: float, text: str) -> Span:
    return Span(start_s, end_s, text, action_for_name(text))


def _band(raw: Any) -> tuple[float, float] | None:
    """The band that was filtered to; MNE writes 0 and half the rate where nothing was."""
    low, high = float(raw.info["highpass"] or 0), float(raw.info["lowpass"] or 0)
    return (low, high) if 0 < low < high else None


def _is_several(data: Any) -> bool:
    own_data = getattr(data, "data", None)
    return not isinstance(data, np.ndarray) and (isinstance(own_data, list) or isinstance(data, list | tuple))


def _metadata(data: Any, name: str, place: int, count: int) -> list[int]:
    """A number for each sample of a file ``(T,)``, empty where there is no such metadata."""
    found = getattr(data, name, None) if name in getattr(data, "extra_attributes", ()) else None
    if found is None:
        return []
    values = np.ravel(found[place])
    values = np.repeat(values, count) if values.size == 1 else values
    if len(values) != count:
        raise UsageError(f"{name} of array {place} do not fit", got=len(values), expected=f"{count} samples")
    return [int(value) for value in values]


def _runs(
    classes: Sequence[int], repetitions: Sequence[int], rate_hz: float, names: Mapping[int, str] | None
) -> tuple[Span, ...]:
    """Spans over which the class and the repetition stay the same."""
    pairs = list(zip(classes, repetitions or [-1] * len(classes), strict=True))
    edges = [0, *(place for place in range(1, len(pairs)) if pairs[place] != pairs[place - 1]), len(pairs)]
    spans = []
    for first, last in pairwise(edges):
        number, repetition = pairs[first] if pairs else (0, -1)
        label = str(number) if names is None else names.get(number)
        if first < last and label:
            known = repetition if repetition >= 0 else None
            span = Span(first / rate_hz, last / rate_hz, label, action_for_name(label), repetition=known)
            spans.append(span)
    return tuple(spans)
