"""Stages of emg2pose as classes."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from hdf5_builders import pose_table, write_pose

from myosem.errors import KnownBadError, SourceError
from myosem.prompts import load_actions
from myosem.readers import SourceFile, read_recordings
from myosem.readers.emg2pose import Emg2Pose
from myosem.records import Span
from myosem.retriever import words_of
from myosem.stages import HeldOut, StageReader, held_out, pieces, split_name, stage_texts, stages


def test_all_stages_have_texts_of_their_own_and_parts_that_exist() -> None:
    found = stages()
    assert len(found) == 29 == len({one.id for one in found.values()})
    texts = [text for one in found.values() for text in one.texts]
    assert len(set(texts)) == len(texts) >= 4 * 29
    assert {part for one in found.values() for part in one.parts} <= set(load_actions())
    assert not {one.id for one in found.values()} & set(load_actions())
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", one.id) for one in found.values())


def test_a_stage_is_searched_by_its_first_text() -> None:
    wrist = stages()["WristFlexionAbduction"]
    assert words_of(wrist.id) == wrist.texts[0] == "wrist flexion and abduction"
    assert (
        stage_texts()[wrist.id][-1]
        == "wrist flexion, then wrist extension, then radial deviation, then ulnar deviation"
    )
    assert stage_texts()["free-movements-of-the-fingers"] == list(stages()["FingerFreeform"].texts)


@pytest.mark.parametrize(
    ("label", "name", "moving"),
    [
        ("FingerFreeform_both", "FingerFreeform", None),
        ("A_left", "A", "left"),
        ("unconstrained", "unconstrained", None),
    ],
)
def test_a_label_names_the_stage_and_the_hand_that_moves(label: str, name: str, moving: str | None) -> None:
    assert split_name(label) == (name, moving)


@pytest.mark.parametrize(("seconds", "count"), [(3.0, 1), (14.9, 1), (15.1, 2), (61.0, 6)])
def test_pieces_are_of_ten_seconds_without_a_gap(seconds: float, count: int) -> None:
    cut = list(pieces(Span(1.0, 1.0 + seconds, "x", "y")))
    assert [one.repetition for one in cut] == list(range(count))
    assert (cut[0].start_s, cut[-1].end_s) == (1.0, 1.0 + seconds)
    assert all(one.end_s == after.start_s for one, after in pairwise(cut))
    assert all(one.end_s - one.start_s == 10 for one in cut[:-1])


def test_only_the_hand_that_moves_has_an_action(tmp_path: Path) -> None:
    for side in ("left", "right"):
        path = write_pose(tmp_path / f"r_{side}.hdf5", pose_table(), stage="FingerFreeform_left")
        [recording] = StageReader().read(SourceFile(path))
        action = "free-movements-of-the-fingers" if side == "left" else None
        assert [(one.label, one.action) for one in recording.spans] == [("FingerFreeform_left", action)]
        [plain] = read_recordings(path)
        assert [one.action for one in plain.spans] == [None]


def test_a_stage_that_is_not_known_has_no_action(tmp_path: Path) -> None:
    path = write_pose(tmp_path / "r_left.hdf5", pose_table(), stage="SomethingNew")
    [recording] = StageReader().read(SourceFile(path))
    assert [(one.label, one.action) for one in recording.spans] == [("SomethingNew", None)]


def test_other_files_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(KnownBadError, match="not a recording of emg2pose"):
        list(StageReader().read(SourceFile(tmp_path / "notes.txt")))
    assert StageReader().name == Emg2Pose().name


def test_metadata_say_what_is_held_out(tmp_path: Path) -> None:
    write_pose(tmp_path / "a_left.hdf5", pose_table())
    assert held_out([tmp_path]) is None
    rows = [
        "user,stage,held_out_user,held_out_stage",
        "a,X_both,True,False",
        "b,Y,False,True",
        "c,Z,False,False",
    ]
    (tmp_path / "metadata.csv").write_text("\n".join(rows))
    assert held_out([tmp_path]) == HeldOut(frozenset("a"), frozenset("Y"))
    assert len(read_recordings(tmp_path)) == 1
    (tmp_path / "metadata.csv").write_text("user,stage\na,X\n")
    with pytest.raises(SourceError, match="no metadata of emg2pose"):
        held_out([tmp_path])
