"""The Python of docs/python.md runs as it is written."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import FakeModel

from myosem import estimators
from myosem.model import Model

PAGE = Path(__file__).parent.parent / "docs" / "python.md"


def test_the_snippets_of_the_page_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = FakeModel()
    monkeypatch.setattr(Model, "load", lambda folder=None: model)
    monkeypatch.setattr(estimators, "_load", lambda folder: model)
    emg = (
        np.random.default_rng(0).normal(size=(2400, 4))
        * np.where(np.arange(2400) % 800 < 400, 0.01, 1)[:, None]
    )
    known: dict[str, Any] = {"emg": emg, "windows": emg.reshape(6, 400, 4)}
    snippets = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), flags=re.DOTALL | re.MULTILINE)
    for snippet in snippets:
        exec(compile(snippet, PAGE.name, "exec"), known)
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == len(known["segments"]) >= 3
    assert known["vectors"].shape == (6, FakeModel.dimension)
    assert set(known["names"]) <= {"make a fist", "open the hand"}
