"""What is peculiar to generic-neuromotor-interface, and to frames that pandas wrote."""

import pickle
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import numpy as np
import pytest
from hdf5_builders import STARTED, build_neuromotor, gesture_frame, write_neuromotor

from myosem.errors import SourceError
from myosem.readers import SourceFile, read_recordings
from myosem.readers.frames import pickled_texts, read_frame

GESTURES = "discrete_gestures_user_004_dataset_000.hdf5"


def test_gestures_are_moments_that_last_until_the_next(tmp_path: Path) -> None:
    (recording,) = read_recordings(build_neuromotor(tmp_path)[0])
    assert [(s.label, s.action, s.repetition) for s in recording.spans] == [
        ("index_press", "two-finger-pinch", 0),
        ("thumb_in", None, 0),
        ("index_press", "two-finger-pinch", 1),
    ]
    times = [(s.start_s, s.end_s) for s in recording.spans]
    np.testing.assert_allclose(times, [(0.1, 0.2), (0.2, 0.45), (1.0, 1.2)], atol=1e-3)
    assert (recording.subject, recording.session) == ("user_004", "discrete_gestures-000")
    assert recording.band_hz == (40.0, 1000.0)


def test_writing_has_its_text_and_the_wrist_its_stage(tmp_path: Path) -> None:
    written, wrist = (read_recordings(path)[0] for path in build_neuromotor(tmp_path)[1:])
    assert [(s.label, s.action) for s in written.spans] == [("hello", None)]
    assert [(s.label, s.action) for s in wrist.spans] == [("open_loop", None)]
    assert {written.subject, wrist.subject} == {"user_004"}


def test_without_prompts_the_stages_are_the_labels_and_without_both_there_are_none(tmp_path: Path) -> None:
    stages = {"stages": {"name": ["static_arm"], "start": [STARTED], "end": [STARTED + 1]}}
    frames: list[dict[str, Any]] = [stages, {}]
    labels = [
        [
            s.label
            for s in read_recordings(write_neuromotor(tmp_path / GESTURES, "discrete_gestures", one))[0].spans
        ]
        for one in frames
    ]
    assert labels == [["static_arm"], []]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (
            gesture_frame() | {"name": ["wave", "thumb_in", "thumb_in"]},
            r"gesture is not known; got \['wave'\]",
        ),
        (gesture_frame() | {"time": [1.0, 2.0, float("nan")]}, "column time is missing or not finite"),
        (gesture_frame() | {"name": ["thumb_in", None, "thumb_in"]}, "column name is missing or no text"),
        ({"time": [1.0, 2.0]}, "column name is missing"),
    ],
)
def test_prompts_must_fit(frame: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = write_neuromotor(tmp_path / GESTURES, "discrete_gestures", {"prompts": frame})
    with pytest.raises(SourceError, match=message):
        read_recordings(path)


def test_name_and_contents_must_agree_in_the_task(tmp_path: Path) -> None:
    path = write_neuromotor(tmp_path / GESTURES, "wrist", {})
    with pytest.raises(SourceError, match="differ in the task; got wrist; expected discrete_gestures"):
        read_recordings(path)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("count", [1, 3, 2500])
def test_texts_of_a_pickle_are_found_without_unpickling_it(protocol: int, count: int) -> None:
    texts: list[str | None] = [f"word {i % 700} ü" if i % 5 else None for i in range(count)]
    texts += texts[1:40]
    assert pickled_texts(pickle.dumps(texts, protocol)) == texts
    array = np.array([texts, texts[::-1]], dtype=object).T
    both = pickled_texts(pickle.dumps(array, protocol))
    assert both == [text for pair in zip(texts, texts[::-1], strict=True) for text in pair]


class Trap:
    """Calls something as soon as it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("trap"),))


def test_a_pickle_that_would_run_code_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = pickle.dumps([Trap(), "a"])
    pickled_texts(data)
    assert not Path("trap").exists()
    pickle.loads(data)
    assert Path("trap").exists()


@pytest.mark.parametrize(
    "data", [b"", b"\x80\x05.", b"no pickle", pickle.dumps("text"), pickle.dumps(["a"])[:-4]]
)
def test_other_bytes_are_no_list_of_texts(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        pickled_texts(data)


def test_two_columns_of_texts_are_told_apart(tmp_path: Path) -> None:
    columns = {"name": ["x", "y", "x"], "start": [1.0, 2.0, 3.0], "posture": ["up", None, "down"]}
    path = write_neuromotor(tmp_path / GESTURES, "discrete_gestures", {"stages": columns})
    found = read_frame(SourceFile(path), "stages")
    assert found is not None and read_frame(SourceFile(path), "prompts") is None
    assert (found["name"], found["posture"]) == (["x", "y", "x"], ["up", None, "down"])
    np.testing.assert_array_equal(found["start"], [1.0, 2.0, 3.0])


def test_frames_with_columns_of_unlike_length_are_refused(tmp_path: Path) -> None:
    path = write_neuromotor(tmp_path / GESTURES, "discrete_gestures", {"prompts": gesture_frame()})
    with h5py.File(path, "r+") as content:
        del content["prompts/block0_values"]
        content["prompts/block0_values"] = np.zeros((2, 1))
    with pytest.raises(SourceError, match="the frame prompts does not fit"):
        read_recordings(path)


@pytest.mark.parametrize("part", ["block0_items", "block0_values"])
def test_frames_that_declare_more_than_the_file_can_hold_are_refused(part: str, tmp_path: Path) -> None:
    path = next(path for path in build_neuromotor(tmp_path) if "handwriting" in path.name)
    with h5py.File(path, "r+") as content:
        frame = content["prompts"]
        kind = frame[part].dtype
        del frame[part]
        frame.create_dataset(part, (1 << 33,), kind, chunks=True)
    with pytest.raises(SourceError, match=r"a block of \d+ columns and \d+ bytes"):
        read_frame(SourceFile(path), "prompts")
