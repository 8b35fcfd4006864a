"""The pages on corpora say what the readers give, and their commands are commands."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
from builders import BUILDERS

from myosem.cli.app import app
from myosem.download import data_sets
from myosem.readers import READERS, read_recordings

DOCS = Path(__file__).parent.parent / "docs"
OVERVIEW, PAGES = DOCS / "corpora.md", DOCS / "corpora"
SHARED = {"ninapro"}
"""Pages of no single corpus."""


def rows() -> dict[str, list[str]]:
    """Cells of the overview by corpus."""
    found = re.findall(r"^\| \[`(\w+)`\]\(corpora/(\w+)\.md\) \|(.+)\|$", OVERVIEW.read_text(), re.MULTILINE)
    assert all(name == page for name, page, _ in found)
    return {name: [cell.strip() for cell in cells.split("|")] for name, _, cells in found}


def commands(name: str) -> list[list[str]]:
    """The ``myosem`` commands of a corpus's page, in words."""
    lines = re.findall(r"^\$ (myosem .+)$", (PAGES / f"{name}.md").read_text(), flags=re.MULTILINE)
    return [shlex.split(line) for line in lines]


def test_every_corpus_has_a_row_and_a_page() -> None:
    own = {name for name, reader in READERS.items() if not reader.generic} - {"simulated", "bids"}
    assert set(rows()) == set(data_sets()) == own
    assert {page.stem for page in PAGES.glob("*.md")} == own | SHARED


@pytest.mark.parametrize("name", data_sets())
def test_a_page_leads_from_download_to_search(name: str) -> None:
    download, ingest, search = commands(name)
    assert download[1:3] == ["download", name]
    assert (ingest[1], search[1]) == ("ingest", "search")
    assert ingest[-2:] == search[-2:] and ingest[-2] == "--library"
    group: Any = typer.main.get_command(app)
    for _, first, *rest in (download, ingest, search):
        command = group.get_command(None, first)
        command.make_context(first, rest, resilient_parsing=False)
    if data_sets()[name].address:
        assert {"--subset", "--accept-licence"} <= set(download) and ingest[2] == name


@pytest.mark.parametrize("name", data_sets())
def test_a_row_and_a_page_say_what_the_reader_gives(name: str, tmp_path: Path) -> None:
    BUILDERS[name](tmp_path)
    one = read_recordings(tmp_path)[0]
    band = f"{one.band_hz[0]:g} to {one.band_hz[1]:g}" if one.band_hz else "not said"
    known = sum(channel.angle_deg is not None for channel in one.channels)
    places = f"{known} of {len(one.channels)}"
    cells = [one.signal, f"{one.rate_hz:g}", band, one.unit, places]
    assert rows()[name] == cells
    assert f"\n| {' | '.join(cells)} |\n" in (PAGES / f"{name}.md").read_text()
