"""From a library to a run, in one go or in several."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from toys import toy_session

from myosem import library_training
from myosem.checkpoint import TRAINING, WEIGHTS, load_run
from myosem.cli.app import app
from myosem.encoder import EncoderConfig
from myosem.errors import LibraryError, ModelError, UsageError
from myosem.library import Library
from myosem.library_training import train_library
from myosem.train_config import TrainConfig

TINY = TrainConfig(
    encoder=EncoderConfig(dimension=16, width=32, layers=1, heads=2), steps=5, sessions=4, texts=16
)
LIBRARY: Any = SimpleNamespace(path=Path("lib"))


def tower(texts: Sequence[str]) -> NDArray[np.float32]:
    """Quick vectors for many texts."""
    return np.random.default_rng(len(texts)).normal(size=(len(texts), 8)).astype(np.float32)


@pytest.fixture
def toy_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four toy people instead of a library, quick vectors instead of a tower, and two steps a save."""
    sessions = [toy_session(f"p{number}", seed=number) for number in range(4)]
    monkeypatch.setattr(library_training, "read_training", lambda library: sessions)
    about = {"weights_sha256": "0" * 64}
    made = SimpleNamespace(encode=tower, about=about)
    monkeypatch.setattr(library_training, "OnnxTextTower", lambda folder: made)
    monkeypatch.setattr(library_training, "EVERY", 2)


@pytest.mark.usefixtures("toy_library")
def test_interrupted_and_resumed_is_the_same_to_the_bit(tmp_path: Path) -> None:
    def stop(what: str, done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    whole, cut = tmp_path / "whole", tmp_path / "cut"
    about = train_library(LIBRARY, whole, TINY)
    with pytest.raises(KeyboardInterrupt):
        train_library(LIBRARY, cut, TINY, progress=stop)
    assert (cut / TRAINING).is_file() and not (cut / WEIGHTS).is_file()
    seen: list[int] = []
    again = train_library(
        LIBRARY, cut, TINY, resume=True, progress=lambda what, done, total: seen.append(done)
    )
    assert seen == [3, 4, 5]
    assert {**again, "minutes": 0} == {**about, "minutes": 0}
    for name in (WEIGHTS, TRAINING):
        assert (cut / name).read_bytes() == (whole / name).read_bytes()
    assert load_run(cut)[3]["steps"] == 5


@pytest.mark.usefixtures("toy_library")
def test_a_finished_training_is_neither_overwritten_nor_changed_by_accident(tmp_path: Path) -> None:
    train_library(LIBRARY, tmp_path, TINY)
    before = (tmp_path / WEIGHTS).read_bytes()
    with pytest.raises(UsageError, match=r"holds a training already.*--resume"):
        train_library(LIBRARY, tmp_path, TINY)
    train_library(LIBRARY, tmp_path, TINY, resume=True)
    assert (tmp_path / WEIGHTS).read_bytes() == before


@pytest.mark.usefixtures("toy_library")
def test_what_cannot_be_gone_on_with_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no training"):
        train_library(LIBRARY, tmp_path, TINY, resume=True)
    assert not list(tmp_path.iterdir())
    train_library(LIBRARY, tmp_path, TINY)
    with pytest.raises(UsageError, match="its seed is another"):
        train_library(LIBRARY, tmp_path, replace(TINY, seed=1), resume=True)
    with pytest.raises(UsageError, match=r"configuration is another.*'steps': 7.*expected.*'steps': 5"):
        train_library(LIBRARY, tmp_path, replace(TINY, steps=7), resume=True)


@pytest.mark.parametrize("action", [None, "shrug"])
def test_a_library_without_a_known_action_is_refused_before_anything_is_simulated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, action: str | None
) -> None:
    unknown = toy_session("p1", (action,) * 6, places=("shrug",))
    monkeypatch.setattr(library_training, "read_training", lambda library: [unknown])
    monkeypatch.setattr(
        library_training, "practice_sessions", lambda count: pytest.fail("simulated for nothing")
    )
    library: Any = SimpleNamespace(path=Path("lib"))
    with pytest.raises(LibraryError, match="lib has no labelled segments to learn from"):
        library_training.train_library(library, tmp_path / "run", TINY, simulated=2)
    assert not (tmp_path / "run").exists()


def test_the_command_line_goes_on_where_it_was(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Library.create(tmp_path / "lib")
    asked: list[bool] = []

    def noted(library: Library, out: Path, config: TrainConfig, **how: Any) -> dict[str, Any]:
        asked.append(how["resume"])
        return {"sessions": 4, "steps": config.steps, "minutes": 1.0}

    monkeypatch.setattr(library_training, "train_library", noted)
    for words in ([], ["--resume"]):
        command = ["train", "--library", str(tmp_path / "lib"), "--out", str(tmp_path / "run"), *words]
        app(command, standalone_mode=False)
        assert "next: myosem export" in capsys.readouterr().out
    assert asked == [False, True]
