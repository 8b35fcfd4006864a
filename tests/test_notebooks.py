"""The notebooks of the documentation run from nothing, without a warning, and show what is there to see."""

import re
from pathlib import Path

import nbformat
import pytest
from notebook_runner import FOLDER, NOTEBOOKS, executed

ROOT = FOLDER.parent.parent
MOST_BYTES = 200_000


def shown(book: nbformat.NotebookNode) -> list[list[str]]:
    """The kinds of output of each code cell."""
    codes = [cell for cell in book.cells if cell.cell_type == "code"]
    return [sorted(kind for one in cell.outputs for kind in one.get("data", {"text": 0})) for cell in codes]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYOSEM_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    (tmp_path / "place").mkdir()
    now = executed(path, tmp_path / "place")
    assert shown(now) == shown(nbformat.read(path, as_version=4))  # type: ignore[no-untyped-call]
    assert any(shown(now))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_small_and_says_nothing_of_the_machine_it_ran_on(path: Path) -> None:
    text = path.read_text()
    assert len(text) < MOST_BYTES
    assert not re.search(r"/(tmp|home|root|work|Users)/", text)
    book = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
    assert not any(cell.metadata for cell in book.cells)
    for cell in (cell for cell in book.cells if cell.cell_type == "markdown"):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", cell.source):
            assert (FOLDER / target).exists(), target


def test_the_pages_name_every_notebook() -> None:
    assert len(NOTEBOOKS) == 3
    for page in ("docs/index.md", "docs/python.md"):
        listed = set(re.findall(r"\(([\w/-]+\.ipynb)\)", (ROOT / page).read_text()))
        assert listed == {f"notebooks/{path.name}" for path in NOTEBOOKS}
