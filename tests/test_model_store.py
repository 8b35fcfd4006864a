"""The models of a user: which one is used, and how one comes to be there."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from model_copies import another, packaged_copy, rewritten

from myosem import model_choice, model_store
from myosem.errors import ModelError, UsageError
from myosem.model_choice import chosen, in_use
from myosem.model_config import ACTIONS, CONFIG, PACKAGED, TOKENIZER, read_config
from myosem.model_store import KeptModel, bundle_files, check_name, checked, keep, kept_models, use


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the models of this test's user are; nothing is there yet."""
    monkeypatch.setenv(model_choice.VARIABLE, str(tmp_path / "models"))
    return tmp_path / "models"


def write_kept(models: Path, name: str) -> Path:
    """A kept model without the checks that keeping takes time for."""
    folder = packaged_copy(models / name)
    (folder / "source.json").write_text(json.dumps({"source": "me/mine", "commit": "c" * 40}))
    return folder


def test_the_packaged_model_is_used_where_nothing_was_said(models: Path) -> None:
    assert chosen() is None
    assert in_use() == "packaged"
    assert [one.name for one in kept_models()] == ["packaged"]
    assert not models.exists()


def test_a_folder_comes_before_a_name_and_a_name_before_the_model_in_use(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = write_kept(models, "one"), write_kept(models, "two")
    use("one")
    assert (chosen(), chosen(Path("two")), chosen(Path("packaged"))) == (one, two, None)
    monkeypatch.chdir(tmp_path)
    Path("two").mkdir()
    assert chosen(Path("two")) == Path("two")
    use("packaged")
    assert chosen() is None


@pytest.mark.parametrize("name", ["three", "../two", ".", "in-use", ""])
def test_what_is_no_model_is_refused(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    write_kept(models, "two")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with pytest.raises(ModelError, match="there is packaged, two; try: myosem model"):
        use(name)
    if name not in {".", ""}:
        with pytest.raises(ModelError, match="there is packaged, two; try: myosem model list"):
            chosen(Path(name))


def test_a_model_in_use_that_is_gone_is_said(models: Path) -> None:
    folder = write_kept(models, "one")
    use("one")
    shutil.rmtree(folder)
    with pytest.raises(ModelError, match="the model in use, one, is gone; try: myosem model use packaged"):
        chosen()
    assert chosen(Path("packaged")) is None


def test_where_models_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(model_choice.VARIABLE, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert model_choice.models_folder() == tmp_path / "myosem" / "models"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert model_choice.models_folder() == tmp_path / "home" / ".local" / "share" / "myosem" / "models"


def test_facts_are_those_of_the_card(models: Path) -> None:
    write_kept(models, "one")
    use("one")
    packaged, one = (model.facts() for model in kept_models())
    stated = read_config(PACKAGED).metrics
    assert one["numbers"] == {"MyoSem mAP": stated["MyoSem mAP"], "MyoSem R@1": stated["MyoSem R@1"]}
    assert one["fingerprint"] == packaged["fingerprint"] == read_config(PACKAGED).fingerprint
    assert (one["source"], one["commit"]) == ("me/mine", "c" * 40)
    assert (one["in_use"], packaged["in_use"], one["problem"], packaged["problem"]) == (
        True,
        False,
        None,
        None,
    )
    assert packaged["bytes"] == sum(file.stat().st_size for file in PACKAGED.iterdir())


def test_a_model_that_cannot_be_used_is_listed_with_the_reason(models: Path) -> None:
    write_kept(models, "broken").joinpath(CONFIG).unlink()
    older = write_kept(models, "older")
    config = replace(read_config(older), feature_version="2")
    (older / CONFIG).unlink()
    config.write(older)
    _, broken, old = (model.facts() for model in kept_models())
    assert "holds no model" in broken["problem"] and broken["fingerprint"] is None
    assert old["problem"] == "it is made for features 2, this MyoSem has 4"
    for name in ("broken", "older"):
        with pytest.raises(ModelError, match=f"the model {name} cannot be used"):
            use(name)


@pytest.mark.parametrize("name", ["", "packaged", "in-use", "../up", ".hidden", "a/b", "a b", "x" * 65])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(UsageError, match="no model can have this name"):
        check_name(name)


def test_keeping_copies_the_files_of_a_model_and_nothing_else(models: Path, tmp_path: Path) -> None:
    folder = another(tmp_path / "new")
    (folder / "evil.pkl").write_bytes(b"\x80\x04.")
    (folder / "run.json").write_text("{}")
    kept = keep(folder, "mine", source="me/mine", commit="c" * 40)
    assert kept == KeptModel("mine", models / "mine", "me/mine", "c" * 40) == kept_models()[1]
    names = {file.name for file in kept.folder.iterdir()}
    assert names == {file.name for file in PACKAGED.iterdir()} | {"run.json", "source.json"}
    assert names <= {*bundle_files(), "source.json"}
    assert not any(file.is_symlink() for file in kept.folder.iterdir())
    assert kept.facts()["fingerprint"] == read_config(folder).fingerprint != read_config(PACKAGED).fingerprint
    assert [one.name for one in models.iterdir()] == ["mine"]
    assert keep(folder, "mine", source="elsewhere") == kept
    with pytest.raises(UsageError, match="another model is called mine already"):
        keep(PACKAGED, "mine", source="elsewhere")


def test_a_copy_that_fails_leaves_nothing(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = shutil.copyfile

    def full(source: Path, target: Path) -> None:
        if source.name == TOKENIZER:
            raise OSError(28, "No space left on device")
        copied(source, target)

    monkeypatch.setattr(model_store, "checked", lambda folder: None)
    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(OSError, match="No space left"):
        keep(PACKAGED, "mine", source="here")
    assert list(models.iterdir()) == []


def pickled(folder: Path) -> None:
    """Actions with an array of objects, which numpy could only read as a pickle."""
    with (folder.parent / "objects.npz").open("wb") as file:
        np.savez(file, vectors=np.array([print], dtype=object), known=np.ones(1, dtype=bool))
    rewritten(folder, ACTIONS, (folder.parent / "objects.npz").read_bytes())


def changed(folder: Path) -> None:
    (folder / TOKENIZER).unlink()
    (folder / TOKENIZER).write_bytes((PACKAGED / TOKENIZER).read_bytes() + b" ")


def naming(name: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        config = read_config(folder)
        (folder / CONFIG).unlink()
        replace(config, files={**config.files, name: "0" * 64}).write(folder)

    return damage


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (pickled, "actions.npz cannot be loaded.*allow_pickle"),
        (changed, "tokenizer.json is damaged"),
        (naming("evil.pkl"), "no whole model; got it names evil.pkl"),
        (naming("../../secret"), "no whole model; got it names ../../secret"),
        (naming("run.json"), "no whole model; got it names run.json"),
        (lambda folder: (folder / ACTIONS).unlink(), "is incomplete; got no actions.npz"),
    ],
    ids=["a pickle", "changed", "strange", "outside", "missing", "incomplete"],
)
def test_a_damaged_model_is_not_kept(
    models: Path, tmp_path: Path, damage: Callable[[Path], None], said: str
) -> None:
    folder = packaged_copy(tmp_path / "new")
    damage(folder)
    with pytest.raises(ModelError, match=said):
        keep(folder, "mine", source="here")
    assert not models.exists()


def test_a_whole_model_is_opened(tmp_path: Path) -> None:
    assert checked(another(tmp_path / "new")).folder == tmp_path / "new"
