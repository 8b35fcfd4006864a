"""The action entries, their loader and their templates."""

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from myosem import prompts
from myosem.errors import PromptError
from myosem.prompts import (
    VIEWS,
    Action,
    action_for_name,
    load_actions,
    load_unrelated,
    normal,
    read_file,
    texts_of,
    without_actions,
)
from myosem.prompts.templates import EFFORTS, effort_word, pose_phrases, template_texts

PACKAGE = Path(prompts.__file__).parent
PROVENANCE = {"model": "someone", "prompt_sha256": "0" * 64, "date": "2026-11-20"}

WRIST = """
rest supination pronation supination-little-axis pronation-little-axis wrist-flexion wrist-extension
radial-deviation ulnar-deviation wrist-extension-neutral-forearm wrist-flexion-neutral-forearm
"""
COMPOSITIONS = {
    **{
        f"{wrist}-{turn}": (wrist, turn)
        for turn in ("pronation", "supination", "fist")
        for wrist in ("wrist-flexion", "wrist-extension", "radial-deviation", "ulnar-deviation")
    },
    "pronation-fist": ("pronation", "fist"),
    "supination-fist": ("supination", "fist"),
}


def entry(id_: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "names": [f"{id_} it"],
        "group": "wrist",
        "pose": {"wrist_flexion": 0.9},
        "effort": 0.5,
        "dynamic": False,
        "object": None,
        "muscles": ["flexor carpi radialis", "palmaris longus"],
        "neighbours": [],
        "parts": [],
        "views": {view: [f"{id_} {view} {n}" for n in range(4)] for view in VIEWS},
    } | changes


def write(folder: Path, name: str, *entries: dict[str, Any], **more: Any) -> Path:
    path = folder / name
    path.write_text(yaml.safe_dump({"provenance": PROVENANCE, "actions": list(entries)} | more))
    return path


# --- the package's own entries ----------------------------------------------------------------


def test_wrist_file_holds_every_wrist_action_and_composition() -> None:
    actions = load_actions()
    assert actions.keys() >= {*WRIST.split(), *COMPOSITIONS}
    assert {id_: actions[id_].parts for id_ in COMPOSITIONS} == COMPOSITIONS
    assert {action.id for action in actions.values() if action.group == "composition"} == set(COMPOSITIONS)


def test_rest_is_silent_and_relaxed_and_nothing_else_is() -> None:
    for action in load_actions().values():
        assert (action.effort == 0) == (not action.muscles) == (action.id == "rest"), action.id
    assert pose_phrases(load_actions()["rest"].pose) == []


def test_every_functional_view_has_six_texts() -> None:
    short = [a.id for a in load_actions().values() if len(a.views["functional"]) < 6]
    assert short == []


def test_no_text_or_name_belongs_to_two_actions() -> None:
    actions = list(load_actions().values())
    sets = {a.id: {normal(text) for text in (a.id, *a.names, *sum(a.views.values(), ()))} for a in actions}
    for i, one in enumerate(actions):
        for other in actions[i + 1 :]:
            assert not sets[one.id] & sets[other.id], (one.id, other.id)


def test_opposites_differ_in_the_sign_of_the_joint_they_are_named_after() -> None:
    actions = load_actions()
    for joint, less, more in [
        ("wrist_flexion", "wrist-extension", "wrist-flexion"),
        ("ulnar_deviation", "radial-deviation", "ulnar-deviation"),
        ("pronation", "supination", "pronation"),
    ]:
        for id_, action in actions.items():
            value = getattr(action.pose, joint)
            if less in (id_, *action.parts):
                assert value < -0.5, id_
            if more in (id_, *action.parts):
                assert value > 0.5, id_


def test_unrelated_texts_are_many_and_of_all_lengths() -> None:
    lengths = [len(text.split()) for text in load_unrelated()]
    assert len(lengths) > 600
    assert min(lengths) == 1
    assert max(lengths) <= 20
    assert sum(length == 1 for length in lengths) > 60
    assert sum(length > 8 for length in lengths) > 40


def test_files_name_the_instruction_they_were_written_to() -> None:
    sha256 = hashlib.sha256((PACKAGE / "instruction.txt").read_bytes()).hexdigest()
    for path in PACKAGE.glob("*.yaml"):
        assert read_file(path).provenance.prompt_sha256 == sha256, path.name


@pytest.mark.parametrize(
    "name", ["Wrist Flexion", "wrist-flexion", " palmar  flexion of the wrist.", "wrist_flexion"]
)
def test_action_for_name_ignores_case_hyphens_and_spacing(name: str) -> None:
    assert action_for_name(name) == "wrist-flexion"


def test_action_for_name_knows_every_name_and_no_other() -> None:
    for action in load_actions().values():
        assert {action_for_name(name) for name in (action.id, *action.names)} == {action.id}
    assert action_for_name("peel a banana with the foot") is None


def test_texts_of_gives_names_first_and_nothing_twice() -> None:
    action = Action.model_validate(entry("a", names=["A it", "a plain 0"]))
    texts = texts_of(action)
    assert texts[:2] == [("plain", "A it"), ("plain", "a plain 0")]
    assert len(texts) == 2 + 6 * 4 - 1
    assert {view for view, _ in texts} == set(VIEWS)


# --- the schema and the loader ----------------------------------------------------------------


def test_a_valid_folder_loads_and_a_changed_result_does_not_reach_the_next_caller(tmp_path: Path) -> None:
    write(tmp_path, "b.yaml", entry("b", neighbours=["a"]))
    write(tmp_path, "a.yaml", entry("a", neighbours=["b"]))
    actions = load_actions(tmp_path)
    assert list(actions) == ["a", "b"]
    assert actions["a"].pose.wrist_flexion == 0.9
    actions.clear()
    assert list(load_actions(tmp_path)) == ["a", "b"]


def test_actions_are_frozen() -> None:
    action = Action.model_validate(entry("a"))
    with pytest.raises(ValidationError, match="frozen"):
        action.effort = 1.0
    with pytest.raises(ValidationError, match="frozen"):
        action.pose.index = 1.0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"colour": "red"}, ["field colour", "unknown field", "muscles", "neighbours"]),
        ({"pose": {"elbow": 1}}, ["field pose.elbow", "unknown field", "thumb_flexion"]),
        ({"pose": {"index": 1.5}}, ["field pose.index", "less than or equal to 1", "got 1.5"]),
        ({"pose": {"index": float("nan")}}, ["field pose.index", "nan"]),
        ({"effort": -0.1}, ["field effort", "greater than or equal to 0"]),
        ({"muscles": ["biceps"]}, ["field muscles.0", "'supinator'", "got 'biceps'"]),
        ({"group": "leg"}, ["field group", "'wrist'", "got 'leg'"]),
        ({"views": {"smell": ["a", "b"]}}, ["views.smell", "'kinematic'"]),
        ({"views": {view: ["one", "two", "three"] for view in VIEWS}}, ["'plain'", "at least 4"]),
        (
            {"views": {view: ["one", "two", "three", "One."] for view in VIEWS}},
            ["field views.", "'One.' stands there twice"],
        ),
        ({"names": []}, ["field names"]),
        ({"names": ["same name", "Same-Name"]}, ["field names", "twice"]),
        ({"parts": ["b", "c"]}, ["composition"]),
        ({"group": "composition", "parts": ["b"]}, ["composition"]),
        ({"neighbours": ["a"]}, ["its own neighbour"]),
        ({"id": "Wrist Flexion"}, ["field id"]),
    ],
)
def test_a_bad_entry_is_named_with_file_and_field(
    changes: dict[str, Any], words: list[str], tmp_path: Path
) -> None:
    bad = entry("a", **changes)
    write(tmp_path, "mine.yaml", entry("good"), bad)
    with pytest.raises(PromptError) as error:
        load_actions(tmp_path)
    for word in ["mine.yaml", f"entry {bad['id']}", *words]:
        assert word in str(error.value)


def test_a_missing_field_is_named(tmp_path: Path) -> None:
    bad = entry("a")
    del bad["muscles"]
    write(tmp_path, "mine.yaml", bad)
    with pytest.raises(PromptError, match=r"mine\.yaml, entry a, field muscles: Field required"):
        load_actions(tmp_path)


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([entry("a"), entry("a")], ["entry a", "the id is taken"]),
        ([entry("a", neighbours=["b", "c"]), entry("b")], ["entry a, field neighbours", "got ['c']"]),
        (
            [entry("a", group="composition", parts=["b", "d"]), entry("b")],
            ["entry a, field parts", "got ['d']"],
        ),
        ([entry("a", names=["Fist"]), entry("b", names=["fist"])], ["entry b", "belongs to a too"]),
        ([entry("a", names=["bee"]), entry("bee")], ["'bee' belongs to a too"]),
        ([entry("a"), entry("b", views=entry("a")["views"])], ["'a plain 0' belongs to a too"]),
    ],
)
def test_files_are_checked_together(entries: list[dict[str, Any]], words: list[str], tmp_path: Path) -> None:
    for n, each in enumerate(entries):
        write(tmp_path, f"{n}.yaml", each)
        read_file(tmp_path / f"{n}.yaml")
    with pytest.raises(PromptError) as error:
        load_actions(tmp_path)
    for word in words:
        assert word in str(error.value)


def test_further_texts_join_the_views_of_their_action(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", entry("a"))
    write(tmp_path, "more.yaml", texts={"a": {"visual": ["quite new"]}})
    views = load_actions(tmp_path)["a"].views
    assert views["visual"] == ("a visual 0", "a visual 1", "a visual 2", "a visual 3", "quite new")
    assert views["plain"] == tuple(entry("a")["views"]["plain"])


def test_further_texts_of_an_unknown_action_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", entry("a"))
    write(tmp_path, "more.yaml", texts={"b": {"visual": ["quite new"]}})
    with pytest.raises(PromptError, match=r"more\.yaml, field texts\.b: no such action; there is a"):
        load_actions(tmp_path)


def test_unrelated_texts_of_all_files_come_once_and_leave_the_actions_alone(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", entry("a"), unrelated=["a red kite", "fog"])
    write(tmp_path, "b.yaml", unrelated=["Fog.", "bend the knee"])
    assert load_unrelated(tmp_path) == ("a red kite", "fog", "bend the knee")
    assert load_actions(tmp_path)["a"] == Action.model_validate(entry("a"))


def test_a_folder_may_hold_no_unrelated_text(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", entry("a"))
    assert load_unrelated(tmp_path) == ()


@pytest.mark.parametrize("text", ["Fold IT", "fold", "fold visual 2.", "quite new"])
def test_an_unrelated_text_that_belongs_to_an_action_is_refused(text: str, tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", entry("fold"), texts={"fold": {"visual": ["quite new"]}})
    write(tmp_path, "b.yaml", unrelated=["fog", f"{text} "])
    with pytest.raises(PromptError, match=r"b\.yaml, field unrelated.* belongs to fold; expected"):
        load_unrelated(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"actions: [\n", ["mine.yaml: is not YAML", "line 2"]),
        (b"\xff\xfe\xfa", ["mine.yaml: cannot be read"]),
        (b"", ["mine.yaml"]),
        (b"[1, 2]", ["mine.yaml"]),
        (b"actions: [7]", ["mine.yaml", "provenance"]),
    ],
)
def test_an_unreadable_file_is_one_clear_error(content: bytes, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_bytes(content)
    with pytest.raises(PromptError) as error:
        load_actions(tmp_path)
    for word in words:
        assert word in str(error.value)


def test_a_folder_without_files_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match=r"\*\.yaml"):
        load_actions(tmp_path / "nowhere")


def test_importing_prompts_loads_no_network_and_no_model_code() -> None:
    code = "import sys, myosem.prompts; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"myosem.prompts.generate", "torch", "transformers", "scipy", "numpy"} & set(loaded.split())


# --- templates --------------------------------------------------------------------------------


def test_templates_say_pose_muscles_effort_and_parts() -> None:
    actions = load_actions()
    texts = template_texts(actions["wrist-flexion-pronation"], actions)
    name = "wrist flexion with pronation"
    for expected in [
        (
            "kinematic",
            f"{name}: the wrist is strongly bent to the palm side and the palm is strongly turned down",
        ),
        ("muscular", f"flexor carpi radialis contracts most in {name}"),
        ("plain", f"{name} with light effort"),
        ("plain", "wrist flexion and pronation at the same time"),
        ("plain", "pronation combined with wrist flexion"),
    ]:
        assert expected in texts
    assert texts == template_texts(actions["wrist-flexion-pronation"], actions)


def test_templates_of_rest_claim_no_effort() -> None:
    actions = load_actions()
    assert template_texts(actions["rest"], actions) == [
        ("kinematic", "rest: no joint leaves its relaxed place"),
        ("muscular", "in rest no muscle is at work"),
    ]


def test_no_template_text_belongs_to_two_actions() -> None:
    actions = load_actions()
    owner: dict[str, str] = {}
    for action in actions.values():
        for _, text in (*texts_of(action), *template_texts(action, actions)):
            assert owner.setdefault(normal(text), action.id) == action.id


def test_fingers_that_do_the_same_share_one_phrase() -> None:
    pose = prompts.Pose(index=-0.5, middle=0.8, ring=0.9, little=0.8, spread=0.2)
    assert pose_phrases(pose) == [
        "the fingers are slightly spread apart",
        "the index finger is stretched",
        "the middle, ring and little fingers are strongly bent",
    ]
    alike = prompts.Pose(index=-0.5, middle=-0.6, ring=-0.5, little=-0.4)
    assert pose_phrases(alike) == ["all four fingers are stretched"]


def test_every_joint_has_a_phrase_for_both_directions() -> None:
    for joint in prompts.POSE_FIELDS:
        phrases = [pose_phrases(prompts.Pose(**{joint: value})) for value in (-0.5, 0.5)]
        assert [len(each) for each in phrases] == [1, 1]
        assert phrases[0] != phrases[1]


def test_effort_words_cover_the_whole_range() -> None:
    assert [effort_word(effort) for effort in (0.0, 0.3, 0.34, 0.5, 0.67, 1.0)] == [
        EFFORTS[n] for n in (0, 0, 1, 1, 2, 2)
    ]


def test_withheld_actions_take_their_combinations_and_contrasts_along() -> None:
    actions = load_actions()
    left = without_actions(actions, ["wrist-flexion"])
    assert not {"wrist-flexion", "wrist-flexion-fist", "wrist-flexion-pronation"} & set(left)
    assert {"fist", "pronation", "wrist-extension-fist"} <= set(left)
    contrasts = [text for one in left.values() for text in one.views["contrast"]]
    assert contrasts and not any("wrist flexion" in normal(text) for text in contrasts)
    assert any("wrist flexion" in normal(text) for one in actions.values() for text in one.views["contrast"])
    assert left["fist"].views["plain"] == actions["fist"].views["plain"]
