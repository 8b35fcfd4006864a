"""What is installed is what the tree holds: every module, the prompts and the packaged model."""

import json
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SETUP = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]


def shipped() -> set[str]:
    """Files that pyproject.toml puts into a wheel, as they are named there."""
    found: set[str] = set()
    for package in SETUP["packages"]:
        folder = Path(*package.split("."))
        for pattern in ["*.py", *SETUP["package-data"].get(package, [])]:
            matches = (ROOT / folder).glob(pattern)
            found |= {(folder / match.relative_to(ROOT / folder)).as_posix() for match in matches}
    return found


def in_the_tree() -> set[str]:
    """Files below ``myosem/``, its links followed."""
    folders = [ROOT / "myosem"]
    found: set[str] = set()
    while folders:
        for path in folders.pop().iterdir():
            if path.is_dir() and path.name != "__pycache__" and not path.name.startswith("."):
                folders.append(path)
            elif path.is_file() and not path.name.startswith("."):
                found.add(path.relative_to(ROOT).as_posix())
    return found


def test_every_file_of_the_tree_is_shipped() -> None:
    assert in_the_tree() == shipped()


def test_the_pieces_a_fresh_install_needs_are_there() -> None:
    needed = {
        "myosem/py.typed",
        "myosem/bundle/text_tower.onnx",
        "myosem/bundle/tokenizer.json",
        "myosem/bundle/NOTICE",
        "myosem/bundle/LICENSE-MiniLM",
        "myosem/prompts/wrist.yaml",
        "myosem/prompts/instruction.txt",
        "myosem/cli/main.py",
        "myosem/index/flat.py",
    }
    assert needed <= shipped()


def test_the_installed_package_holds_all_of_it() -> None:
    installed = [one for one in metadata.distributions(name="myosem") if one.read_text("RECORD")]
    if not installed:
        pytest.skip("myosem is not installed from a wheel")
    origin = json.loads(installed[0].read_text("direct_url.json") or "{}")
    if origin.get("dir_info", {}).get("editable"):
        pytest.skip("myosem is installed from the tree itself (editable)")
    files = {str(file) for file in installed[0].files or []}
    assert shipped() <= files
