"""People who appear twice are one person, in the library and in splits."""

from pathlib import Path

import pytest
import yaml
from builder_parts import integers
from fakes import FakeModel
from toys import toy_session

from myosem.catalogue import natural
from myosem.corpus import person_ids
from myosem.errors import UsageError
from myosem.folds import Folds, sharing
from myosem.ingest import ingest
from myosem.library import Library
from myosem.persons import REGISTRY, Persons, known_persons, read_persons
from myosem.readers import READERS

TWICE = Persons(
    same=(frozenset({("a", "s1"), ("a", "s2"), ("b", "x")}), frozenset({("c", "1"), ("d", "1")})),
    share=(frozenset({"a", "e"}), frozenset({"e", "f"})),
)


def test_subjects_of_one_data_set_are_paired() -> None:
    assert TWICE.pairs([("a", "s2"), ("a", "s1"), ("b", "x"), ("a", "s3")]) == [("a", "s1", "s2")]
    assert TWICE.pairs([("a", "s2"), ("b", "x")]) == []


def test_an_id_is_the_same_in_every_data_set() -> None:
    ids = TWICE.ids([("a", "s1", "s1"), ("a", "s3", "s3"), ("b", "x", "x"), ("b", "s1", "s1")])
    assert ids == {("a", "s1"): "a/s1", ("b", "x"): "a/s1", ("a", "s3"): "a/s3", ("b", "s1"): "b/s1"}
    assert TWICE.ids([("b", "x", "x"), ("d", "1", "1")]) == {("b", "x"): "b/x", ("d", "1"): "d/1"}


def test_a_subject_with_identical_recordings_brings_the_others_along() -> None:
    ids = TWICE.ids([("c", "1", "0"), ("c", "0", "0"), ("c", "2", "0"), ("d", "1", "1"), ("d", "2", "1")])
    assert set(ids.values()) == {"c/0"}


def test_data_sets_that_share_people_are_each_others() -> None:
    assert TWICE.sharing("e") == {"a", "f"} and TWICE.sharing("a") == {"e"} and not TWICE.sharing("z")


def test_the_registry_names_data_sets_and_says_why() -> None:
    known = known_persons()
    named = {dataset for group in known.same for dataset, _ in group} | {
        one for group in known.share for one in group
    }
    assert named <= set(READERS)
    entries = yaml.safe_load(REGISTRY.read_text())
    assert all(entry["because"] for part in ("same", "share") for entry in entries[part])
    assert ("3dc", "Participant19", "Participant21") in known.pairs(
        [("3dc", f"Participant{number}") for number in range(1, 23)]
    )


def test_the_registry_agrees_with_the_folds_of_the_real_data(real_data: Path) -> None:
    said = yaml.safe_load((real_data / "folds.yaml").read_text())["same_person"]
    groups = {frozenset(tuple(name.split(" ", 1)) for name in group) for group in said}
    assert groups <= set(known_persons().same)


@pytest.mark.parametrize(
    "text", ["[]", "same: [{}]", "share: [{datasets: 3}]", "{", "same: [{subjects: [a]}]"]
)
def test_other_files_are_no_registry(text: str, tmp_path: Path) -> None:
    path = tmp_path / "persons.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match="cannot be read as a registry of persons"):
        read_persons(path)
    with pytest.raises(UsageError, match="cannot be read"):
        read_persons(tmp_path / "none.yaml")


def test_an_ingest_knows_them_though_their_recordings_differ(tmp_path: Path) -> None:
    for number, (folder, person) in enumerate(
        [
            ("PreTrainingDataset", "Female7"),
            ("EvaluationDataset", "Female0"),
            ("EvaluationDataset", "Female1"),
        ]
    ):
        path = tmp_path / f"files/{folder}/{person}/training0/classe_5.dat"
        path.parent.mkdir(parents=True)
        path.write_bytes(integers(400, 8, 20, seed=number).astype("<i2").tobytes())
    ingest(tmp_path / "lib", [tmp_path / "files"], model=FakeModel())
    library = Library.open(tmp_path / "lib")
    names = ["EvaluationDataset/Female0", "PreTrainingDataset/Female7", "EvaluationDataset/Female1"]
    one, other, third = (library.person_of("myo_armband", name) for name in names)
    assert one == other == min(names[:2], key=natural) and third == names[2]
    assert library.summary().datasets[0].people == 2
    assert person_ids(library)["myo_armband", names[1]] == f"myo_armband/{one}"


def test_nobody_trains_who_may_be_tested_in_another_data_set() -> None:
    tested, own = (toy_session(f"s{i}", dataset="ninapro_db4") for i in (1, 2))
    elsewhere, stranger = toy_session("s1", dataset="ninapro_db5"), toy_session("s1", dataset="ninapro_db2")
    folds = Folds({"ninapro_db4": {0: ("s1",)}})
    assert folds.split([tested, own, elsewhere, stranger], 0) == ([own, stranger], [tested])
    assert sharing({"ninapro_db4"}) == {"ninapro_db5"} and sharing({"ninapro_db4", "ninapro_db5"}) == set()
