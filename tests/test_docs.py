"""The pages a user reads agree with the program."""

import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
import yaml
from fakes import FakeModel, write_bursts

import myosem
from myosem.cli import options as shared_options
from myosem.cli.app import TRAINING, app
from myosem.cli.main import main
from myosem.condition import COLUMNS
from myosem.ingest import ingest
from myosem.library import Library
from myosem.model import Model
from myosem.readers import READERS
from myosem.readers.mapping import Mapping, parse_mapping

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted(ROOT.glob("docs/corpora/*.md"))]
README = ROOT / "README.md"
REFERENCE = ROOT / "docs" / "commands.md"
OWN = ROOT / "docs" / "bring-your-own.md"


def commands() -> dict[str, Any]:
    group: Any = typer.main.get_command(app)
    return dict(group.commands)


def options(command: Any) -> set[str]:
    own = {text for parameter in command.params for text in parameter.opts if text.startswith("-")}
    return own.union(*(options(one) for one in getattr(command, "commands", {}).values()))


def sections() -> dict[str, str]:
    """Text of the reference by command."""
    parts = re.split(r"^## myosem (\S+)$", REFERENCE.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def blocks(page: Path, language: str = r"\w*") -> list[str]:
    """The code blocks of a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def examples(pages: list[Path] = PAGES) -> Iterator[tuple[str, list[str]]]:
    """Every ``myosem ...`` line in a code block of a page, split into words."""
    for page in pages:
        for block in blocks(page):
            for line in re.findall(r"^(?:\$ )?(?:.*&& )?(myosem .+)$", block, flags=re.MULTILINE):
                yield page.name, shlex.split(line, comments=True)


def first_column(page: Path, heading: str) -> list[str]:
    """What stands in code type in the first column of the table with this heading."""
    _, _, rest = page.read_text().partition(f"\n| {heading} |")
    rows = rest.split("\n\n")[0].splitlines()[2:]
    return [name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])]


@pytest.mark.parametrize("name", commands())
def test_command_has_help_and_a_section(name: str) -> None:
    command = commands()[name]
    parts = getattr(command, "commands", {})
    for one in (command, *parts.values()):
        assert one.help
        assert all(getattr(parameter, "help", None) for parameter in one.params), name
    section = sections()[name]
    for option in options(command):
        assert f"`{option}" in section, f"docs/commands.md does not explain {option} of {name}"
    assert all(f"$ myosem {name} {part}" in section for part in parts)


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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_the_text_exist(page: Path) -> None:
    named = set(re.findall(r"`myosem ([a-z]\w*)[ `]", page.read_text()))
    assert named <= set(commands()) | set(TRAINING), page.name


def test_readme_opens_with_a_sentence_and_the_two_commands() -> None:
    title, opening, first, *_ = README.read_text().split("\n\n")
    assert title == "# MyoSem"
    assert opening.startswith("MyoSem is ") and opening.count(". ") == 0 and opening.endswith(".")
    assert first.splitlines()[1] == '$ pip install . && myosem demo "pinch with index finger"'
    assert blocks(README)[1] == '$ pip install ".[dev]" && pytest\n'
    script = (ROOT / ".ci" / "run").read_text()
    for part in (
        "install -qq .\n",
        'myosem demo "pinch with index finger"',
        'install -qq ".[dev]"',
        "\npytest\n",
    ):
        assert part in script


def test_readme_tree_names_what_exists() -> None:
    (tree,) = (block for block in blocks(README) if block.startswith("myosem/ "))
    for line in tree.splitlines():
        parent = ROOT / "myosem" if line.startswith(" ") else ROOT
        names = re.split(r"\s{3,}", line.strip())[0].split()
        names = [name for name in names if "/" in name or name.endswith(".py")]
        assert names, line
        for name in names:
            assert (parent / name).exists(), name


def test_index_lists_every_page() -> None:
    listed = re.findall(r"\]\(([\w-]+\.md)\)", (ROOT / "docs" / "index.md").read_text())
    pages = (ROOT / "docs").glob("*.md")
    assert sorted(listed) == sorted(page.name for page in pages if page.name != "index.md")


def test_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    latest = re.findall(
        r"^## \[(\d[^\]]*)\] - (\d{4}-\d\d-\d\d)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )
    assert latest[0] == (myosem.__version__, str(citation["date-released"]))
    assert project["version"] == citation["version"] == myosem.__version__


def test_citation_has_what_the_format_demands() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= set(citation)
    assert citation["authors"] == [{"name": "The MyoSem authors"}]
    assert citation["license"] == "MIT"


def test_changelog_uses_the_known_kinds_of_change() -> None:
    kinds = re.findall(r"^### (.+)$", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert kinds
    assert set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_mappings_on_the_pages_are_valid_and_every_key_is_explained() -> None:
    mappings = blocks(OWN, "yaml")
    assert len(mappings) >= 3
    for text in mappings:
        assert parse_mapping(text.encode(), "page")
    assert set(first_column(OWN, "key")) == set(Mapping.model_fields)


def test_columns_of_a_condition_are_explained() -> None:
    assert sorted(first_column(ROOT / "docs" / "library.md", "column")) == sorted(COLUMNS)


def test_data_sets_are_those_with_a_reader() -> None:
    own = {name for name, reader in READERS.items() if not reader.generic} - {"simulated"}
    assert set(first_column(ROOT / "docs" / "data-sets.md", "name")) == own


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    write_bursts(folder / "files", "a", "one", seed=0)
    ingest(folder / "lib", [folder / "files"], model=FakeModel())
    return folder / "lib"


def test_conditions_on_the_pages_work(library: Path) -> None:
    conditions = [words[words.index("--where") + 1] for _, words in examples() if "--where" in words]
    conditions += re.findall(r'where="([^"]+)"', README.read_text())
    assert len(conditions) >= 4
    with_rows = [condition for condition in conditions if len(Library.open(library).select(condition))]
    assert with_rows


def test_python_of_the_readme_runs(
    library: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(library.parent)
    monkeypatch.setattr(Model, "load", FakeModel)
    (code,) = blocks(README, "python")
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed[:5]] == ["1", "2", "3", "4", "5"]
    assert len(printed) == 8


def write_morning(folder: Path) -> None:
    """The file that the page on one's own recordings speaks of: 40 s of noise with nine bursts."""
    header, *_ = blocks(OWN, "csv")[0].splitlines()
    (folder / "actions.txt").write_text("make a fist\npinch\n")
    random, rate_hz = np.random.default_rng(1), 1000
    labels = np.full(40 * rate_hz, "rest", dtype="<U8")
    level = np.full((40 * rate_hz, 4), 0.01)
    moves = {
        "fist": [0.3, 0.25, 0.2, 0.2],
        "wrist up": [0.05, 0.3, 0.1, 0.02],
        "pinch": [0.2, 0.05, 0.04, 0.1],
    }
    for repetition in range(9):
        name = list(moves)[repetition % 3]
        burst = slice((2 + 4 * repetition) * rate_hz, (4 + 4 * repetition) * rate_hz)
        labels[burst], level[burst] = name, moves[name]
    emg = random.normal(size=level.shape) * level
    lines = [
        f"{row / rate_hz:.3f},{','.join(f'{value:.4f}' for value in emg[row])},{labels[row]}"
        for row in range(len(emg))
    ]
    (folder / "p1_morning.csv").write_text("\n".join([header, *lines]) + "\n")


def test_first_steps_with_a_csv_work_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "my_study"
    study.mkdir()
    write_morning(study)
    monkeypatch.chdir(study)
    monkeypatch.setenv("COLUMNS", "110")
    monkeypatch.setattr(shared_options, "open_model", lambda folder: FakeModel())
    shown = blocks(OWN, "console")[1].splitlines()
    steps = [words for _, words in examples([OWN]) if not {"--mapping", "my_data"} & set(words)]
    assert [words[1] for words in steps] == ["inspect", "inspect", "ingest", "search", "describe", "label"]
    for words in steps:
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr().out
        assert not end.value.code, words
        assert printed
        if words[1] == "inspect":
            assert shown[1:3] == [
                line for line in printed.splitlines() if "  p" in line or "subject  " in line
            ]
            assert shown[-2:] == printed.partition("\n\nnext: ")[0].splitlines()[-2:]
    assert (study / "p1_morning.yaml").read_text() == blocks(OWN, "yaml")[0]


def test_a_folder_without_a_mapping_works_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(3)
    (tmp_path / "my_data").mkdir()
    for name in ("p1_fist_1", "p1_pinch_1", "p2_fist_1", "p2_pinch_1"):
        values = np.column_stack([np.arange(2000) / 200, random.normal(size=(2000, 3))])
        header = "time,emg1,emg2,emg3"
        np.savetxt(
            tmp_path / f"my_data/{name}.csv", values, fmt="%.4f", delimiter=",", header=header, comments=""
        )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shared_options, "open_model", lambda folder: FakeModel())
    steps = [words for _, words in examples([OWN]) if "my_data" in words]
    assert [words[1] for words in steps] == ["inspect", "ingest"]
    for words in steps:
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as end:
            main()
        assert not end.value.code, capsys.readouterr().err
    found = {(key.dataset, key.subject) for key in Library.open(tmp_path / "lib").sessions()}
    assert found == {("my_data", "p1"), ("my_data", "p2")}


def test_one_mapping_reads_many_files_as_written(tmp_path: Path) -> None:
    text = blocks(OWN, "yaml")[1]
    mapping = tmp_path / "my_study.yaml"
    mapping.write_text(text)
    folder = tmp_path / "data" / "p3" / "day2"
    folder.mkdir(parents=True)
    np.savetxt(folder / "fist_4.csv", np.random.default_rng(0).normal(size=(400, 8)), delimiter=",")
    (one,) = myosem.readers.read_recordings(tmp_path / "data", mapping=mapping)
    assert (one.dataset, one.subject, one.session, one.name) == ("my_study", "p3", "day2", "fist_4")
    (span,) = one.spans
    assert (span.label, span.action, span.repetition) == ("make a fist", "fist", 4)
    assert one.duration_s == 2.0
