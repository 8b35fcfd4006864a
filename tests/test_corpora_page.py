"""The page on corpora says what the readers give."""

import re
from pathlib import Path

import pytest
from builders import BUILDERS

from myosem.download import data_sets
from myosem.readers import read_recordings

PAGE = Path(__file__).parent.parent / "docs" / "corpora.md"


def rows() -> dict[str, list[str]]:
    """Cells of the table by corpus."""
    found = re.findall(r"^\| `(\w+)` \|(.+)\|$", PAGE.read_text(), flags=re.MULTILINE)
    return {name: [cell.strip() for cell in cells.split("|")] for name, cells in found}


def test_every_corpus_has_a_row_and_what_can_be_fetched_a_section() -> None:
    assert set(rows()) == set(data_sets())
    fetched = re.findall(r"^\$ myosem download (\w+)", PAGE.read_text(), flags=re.MULTILINE)
    assert {name for name, known in data_sets().items() if known.address} <= set(fetched)


@pytest.mark.parametrize("name", data_sets())
def test_a_row_says_what_the_reader_gives(name: str, tmp_path: Path) -> None:
    BUILDERS[name](tmp_path)
    one = read_recordings(tmp_path)[0]
    band = f"{one.band_hz[0]:g} to {one.band_hz[1]:g}" if one.band_hz else "not said"
    known = sum(channel.angle_deg is not None for channel in one.channels)
    places = f"{known} of {len(one.channels)}"
    assert rows()[name] == [one.signal, f"{one.rate_hz:g}", band, one.unit, places]
