"""What is peculiar to EPN-612."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from corpus_builders import build_epn612, epn_content

from myosem.errors import SourceError
from myosem.readers import read_recordings
from myosem.records import Recording


def changed(root: Path, change: Callable[[dict[str, Any]], object]) -> list[Recording]:
    content = epn_content()
    change(content)
    path = root / "trainingJSON/user1/user1.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(content))
    return read_recordings(path)


def second(content: dict[str, Any]) -> dict[str, Any]:
    sample: dict[str, Any] = content["trainingSamples"]["idx_2"]
    return sample


def test_gestures_lie_where_the_ground_truth_has_them(tmp_path: Path) -> None:
    recordings = read_recordings(build_epn612(tmp_path)[0])
    assert [r.name for r in recordings] == [f"training-{i}" for i in (1, 2, 3, 4)] + ["testing-1"]
    assert [len(r.samples) for r in recordings] == [60, 62, 64, 66, 60]
    assert [(s.label, s.action, s.start_s, s.end_s) for s in recordings[1].spans] == [
        ("noGesture", "rest", 0.0, 0.1),
        ("fist", "fist", 0.1, 0.205),
        ("noGesture", "rest", 0.205, 0.31),
    ]
    assert [r.spans[-1].repetition for r in recordings[1:3]] == [0, 1]
    assert {s.action for s in recordings[4].spans} == {"rest", "wrist-flexion"}


def test_the_halves_hold_different_people_and_one_lacks_labels(tmp_path: Path) -> None:
    build_epn612(tmp_path)
    recordings = read_recordings(tmp_path)
    assert {r.subject for r in recordings} == {"training-user3", "testing-user3"}
    hidden = [r for r in recordings if not r.spans]
    assert [(r.subject, r.name) for r in hidden] == [("testing-user3", "testing-1")]


def test_without_ground_truth_the_start_is_taken(tmp_path: Path) -> None:
    recording = changed(tmp_path, lambda content: second(content).pop("groundTruth"))[1]
    assert [(s.label, s.start_s, s.end_s) for s in recording.spans] == [("fist", 0.1, 0.31)]
    assert "There is no ground truth" in recording.notes[0]


@pytest.mark.parametrize("truth", [[], [0] * 62, [2] * 62, [[1]] * 62, "1", None])
def test_ground_truth_that_says_nothing_counts_as_none(truth: object, tmp_path: Path) -> None:
    recording = changed(tmp_path, lambda content: second(content).update(groundTruth=truth))[1]
    assert [span.label for span in recording.spans] == ["fist"]
    assert recording.notes


def test_channels_of_unequal_length_are_cut_and_noted(tmp_path: Path) -> None:
    recording = changed(tmp_path, lambda content: second(content)["emg"]["ch4"].pop())[1]
    assert recording.samples.shape == (61, 8)
    assert recording.notes == ("Channels of unequal length were cut to 61 samples.",)
    assert recording.spans[-1].end_s == pytest.approx(61 / 200)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["generalInfo"].update(samplingFrequencyInHertz=500), "rate does not fit; got 500"),
        (lambda c: c.pop("trainingSamples"), "trainingSamples is missing"),
        (lambda c: c.update(testingSamples=[]), "testingSamples is missing or of another kind; got list"),
        (lambda c: second(c).pop("emg"), r"trainingSamples\.idx_2\.emg is missing"),
        (lambda c: second(c)["emg"].pop("ch8"), "ch1 to ch8"),
        (lambda c: second(c)["emg"].update(ch8=[0.5] * 62), "lists of integers"),
        (lambda c: second(c)["emg"].update(ch8=[10**30] * 62), "out of range"),
        (lambda c: second(c)["emg"].update(ch8=[1] * 20), "differ in length"),
        (lambda c: second(c).update(gestureName="wave"), "is not known; got wave"),
        (lambda c: second(c).update(gestureName=["fist"]), "is not known"),
    ],
)
def test_what_does_not_fit_is_named(
    change: Callable[[dict[str, Any]], object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match=message):
        changed(tmp_path, change)


@pytest.mark.parametrize("text", ["[1, 2]", "[" * 100_000, '{"a": 1e', "\ud800"])
def test_other_json_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "testingJSON/user2/user2.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(SourceError, match=r"user2\.json: not "):
        read_recordings(path)
