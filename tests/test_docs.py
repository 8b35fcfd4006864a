"""The pages a user reads agree with the program."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from myosem.cli.app import app

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
REFERENCE = ROOT / "docs" / "commands.md"


def commands() -> dict[str, Any]:
    group: Any = typer.main.get_command(app)
    return dict(group.commands)


def options(command: Any) -> set[str]:
    return {text for parameter in command.params for text in parameter.opts if text.startswith("-")}


def sections() -> dict[str, str]:
    """Text of the reference by command."""
    parts = re.split(r"^## myosem (\S+)$", REFERENCE.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def examples() -> Iterator[tuple[str, list[str]]]:
    """Every ``myosem ...`` line in a code block of a page, split into words."""
    for page in PAGES:
        for block in re.findall(r"```\w*\n(.*?)```", page.read_text(), flags=re.DOTALL):
            for line in re.findall(r"^(?:\$ )?(?:.*&& )?(myosem .+)$", block, flags=re.MULTILINE):
                yield page.name, shlex.split(line, comments=True)


@pytest.mark.parametrize("name", commands())
def test_command_has_help_and_a_section(name: str) -> None:
    command = commands()[name]
    assert command.help
    assert all(getattr(parameter, "help", None) for parameter in command.params), name
    section = sections()[name]
    for option in options(command):
        assert f"`{option}" in section, f"docs/commands.md does not explain {option} of {name}"


def test_reference_names_nothing_that_does_not_exist() -> None:
    assert set(sections()) == set(commands())
    for name, section in sections().items():
        named = set(re.findall(r"^- `(-[\w-]+)", section, flags=re.MULTILINE))
        assert named <= options(commands()[name]), name


def test_examples_use_real_commands_and_options() -> None:
    seen = list(examples())
    assert seen
    for page, (_, first, *rest) in seen:
        if first.startswith("-"):
            assert first in {"--version", "--help"}, page
            continue
        assert first in commands(), f"{page}: myosem {first}"
        named = {word.split("=")[0] for word in rest if re.match(r"-{1,2}[a-z]", word)}
        assert named <= options(commands()[first]) | {"--help"}, f"{page}: {named}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_resolve(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"
