"""The readers on the published files themselves: what is there, and whether labels and signal agree."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from myosem.errors import KnownBadError
from myosem.readers import (
    READERS,
    PathReader,
    SourceFile,
    biopatrec_10mov4ch,
    contraction_intensity,
    find_sources,
    long_term_30day,
    myo_armband,
    myo_disco,
    myo_readings,
    myo_up,
    read_recordings,
    reader_for,
    threedc,
    unibo_inail,
)
from myosem.readers.parse import Label

FILES = {
    "3dc": 528,
    "biopatrec_10mov4ch": 9,
    "contraction_intensity": 252,
    "long_term_30day": 1760,
    "myo_armband": 2128,
    "myo_disco": 6000,
    "myo_readings": 288,
    "myo_up": 18,
    "unibo_inail": 5,
}
QUICK = {
    "3dc": "Participant3.zip!Participant3/train",
    "biopatrec_10mov4ch": "2.mat",
    "contraction_intensity": "S1.zip",
    "long_term_30day": "sub1.zip!sub1/day1",
    "myo_armband": "EvaluationDataset/Male0/Test0",
    "myo_disco": "S4.zip!S4/day1",
    "myo_readings": "10101.zip!_readings_right_hand/10101-1",
    "myo_up": "E1/s1e1.mat",
    "unibo_inail": "user_1_day_1_posture_1.mat",
}
LABELS: dict[str, Iterable[Label]] = {
    "3dc": threedc.CLASSES,
    "biopatrec_10mov4ch": biopatrec_10mov4ch.ACTIONS.items(),
    "contraction_intensity": contraction_intensity.CLASSES,
    "long_term_30day": long_term_30day.CLASSES,
    "myo_armband": myo_armband.CLASSES,
    "myo_disco": myo_disco.CLASSES,
    "myo_readings": myo_readings.CLASSES.values(),
    "myo_up": [label for labels in myo_up.GESTURES.values() for label in labels],
    "unibo_inail": unibo_inail.CLASSES.values(),
}
EVERY = pytest.mark.parametrize("name", sorted(FILES))


@pytest.fixture(scope="module")
def folds(real_data: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((real_data / "folds.yaml").read_text())
    return content


@EVERY
def test_each_file_is_recognised(name: str, real_data: Path, folds: dict[str, Any]) -> None:
    items = list(find_sources([real_data / name]))
    files = [item for item in items if isinstance(item, SourceFile)]
    assert Counter(reader_for(file).name for file in files) == {name: FILES[name]}
    assert not any(item.failed for item in items if not isinstance(item, SourceFile))
    reader = READERS[name]
    assert isinstance(reader, PathReader)
    subjects = {reader.fields(file)["subject"] for file in files}
    tested = {person for people in folds["people"][name].values() for person in people}
    duplicates = {"PreTrainingDataset/Female7", "PreTrainingDataset/Female8", "PreTrainingDataset/Female9"}
    assert subjects - tested == (duplicates if name == "myo_armband" else set())
    assert tested <= subjects


@EVERY
def test_rest_has_the_lowest_mean_amplitude(name: str, real_data: Path) -> None:
    levels: dict[str, list[float]] = {}
    for recording in read_recordings(f"{real_data / name}/{QUICK[name]}"):
        for span in recording.spans:
            samples = recording.between(span.start_s, span.end_s)
            assert len(samples) > 0
            level = np.abs(samples - (samples.mean(axis=0) if recording.signal == "raw" else 0)).mean()
            levels.setdefault("rest" if span.action == "rest" else span.label, []).append(float(level))
    means = {label: float(np.mean(values)) for label, values in levels.items()}
    assert min(means, key=lambda label: means[label]) == "rest"
    expected = {label for label, action in LABELS[name] if action != "rest"}
    if name == "myo_up":
        expected = {label for label, _ in myo_up.GESTURES["1"]}
    assert set(means) == expected | {"rest"}


def test_labels_and_actions_mean_the_same(folds: dict[str, Any]) -> None:
    actions: dict[str, set[str | None]] = {}
    for name, labels in LABELS.items():
        meaning = folds["meaning"].get(name, {})
        assert set(meaning) <= {label for label, _ in labels}
        for label, action in labels:
            if action != "rest":
                actions.setdefault(meaning.get(label, label), set()).add(action)
    assert all(len(ids) == 1 for ids in actions.values())
    assert len({next(iter(ids)) for ids in actions.values()}) == len(actions)
    tested = [*folds["actions"].values(), *folds["compositions"].values()]
    assert {meaning for group in tested for meaning in group} <= set(actions)


def test_the_known_copy_is_left_out(real_data: Path) -> None:
    with pytest.raises(KnownBadError, match=r"s2e2\.mat: left out"):
        read_recordings(real_data / "myo_up/E2/s2e2.mat")
    (recording,) = read_recordings(real_data / "myo_up/E2/s8e2.mat")
    assert sum(span.action != "rest" for span in recording.spans) == 60


def test_the_glued_line_is_left_out(real_data: Path) -> None:
    (recording,) = read_recordings(f"{real_data}/myo_readings/19999.zip!_readings_right_hand/19999-2/2.txt")
    assert recording.notes == ("Lines that do not hold 9 integers were left out: 1.",)
