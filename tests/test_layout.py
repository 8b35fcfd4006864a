"""The layout of docs/architecture.md holds: layers, dependencies, packages, links, import budgets."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "myosem"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LINKS = ("cli", "index", "prompts")
SEARCH_PATH = ("search", "ingest", "pictures", "model", "cli.search")
HEAVY = ("torch", "faiss", "onnxruntime", "scipy", "duckdb", "matplotlib", "numpy.testing")
OPTIONAL = {
    "myosem.cli.mcp_tools": {"mcp", "mcp_types"},
    "myosem.download": {"pooch", "requests"},
    "myosem.estimators": {"sklearn"},
    "myosem.hub": {"huggingface_hub"},
    "myosem.hub_card": {"huggingface_hub"},
    "myosem.lsl": {"pylsl"},
    "myosem.prompts.generate": {"transformers"},
    "myosem.readers.edf_file": {"edfio"},
    "myosem.readers.hdf5": {"h5py"},
    "myosem.readers.xdf_file": {"pyxdf"},
}
WEB = {"anyio", "fastapi", "fastapi_offline", "nicegui", "starlette", "uvicorn"}
"""What the server may import: the extra [ui], and what fastapi itself is made of."""
IMPORT_NAMES = {
    "faiss-cpu": "faiss",
    "open-clip-torch": "open_clip",
    "pyyaml": "yaml",
    "scikit-learn": "sklearn",
}


def layers() -> dict[str, int]:
    """Level of each module as the table of docs/architecture.md lists them."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    rows = re.findall(r"^\| (`.+?) \|", text, flags=re.MULTILINE)
    return {
        name.rstrip("/"): level for level, row in enumerate(rows) for name in re.findall(r"`([\w/]+)`", row)
    }


@cache
def modules() -> dict[str, Path]:
    """Every module by its dotted name, the linked packages included."""
    own = [path for path in PACKAGE.iterdir() if path.is_dir() and path.name != "bundle"]
    folders = [PACKAGE, *own, *(path.parent for folder in own for path in folder.glob("*/__init__.py"))]
    files = [file for folder in folders for file in sorted(folder.glob("*.py"))]
    return {
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file
        for file in files
    }


def layer_of(module: str) -> str:
    """``myosem.readers.csv`` belongs to ``readers``."""
    return module.split(".")[1] if "." in module else ""


@cache
def imports(module: str) -> tuple[str, ...]:
    """What a module imports anywhere in its text; from-imports of submodules count as the submodule."""
    tree = ast.parse(modules()[module].read_text())
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import"
            parts = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [part if part in modules() else str(node.module) for part in parts]
    return tuple(found)


def inner(module: str) -> Iterator[str]:
    return (name for name in imports(module) if name.split(".")[0] == "myosem")


def closure(start: str) -> set[str]:
    """Everything a module pulls in through the project's own modules."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        module = waiting.pop()
        if module in modules() and module not in seen:
            seen.add(module)
            waiting += imports(module)
    return {name for module in seen for name in imports(module)} | seen


def declared(group: str | None = None) -> set[str]:
    """Import names of the declared dependencies."""
    project = PROJECT["project"]
    wanted = project["optional-dependencies"][group] if group else project["dependencies"]
    names = [re.split(r"[\s<>=!~\[;]", text)[0].lower().replace("_", "-") for text in wanted]
    return {IMPORT_NAMES.get(name, name.replace("-", "_")) for name in names}


def test_every_module_stands_in_the_table() -> None:
    listed = layers()
    missing = sorted({layer_of(module) for module in modules()} - set(listed) - {""})
    assert not missing, f"docs/architecture.md does not list {missing}"


@pytest.mark.parametrize("module", [name for name in modules() if name != "myosem"])
def test_imports_point_up(module: str) -> None:
    level = layers()
    own = level[layer_of(module)]
    for name in inner(module):
        if name != "myosem":
            assert level[layer_of(name)] <= own, f"{module} imports {name}, which stands below it"


def test_nothing_imports_the_command_line() -> None:
    for module in modules():
        if layer_of(module) != "cli":
            assert not [name for name in inner(module) if layer_of(name) == "cli"], module


def test_only_declared_packages_are_imported() -> None:
    runtime, train = declared(), declared("train")
    for module in modules():
        outer = {name.split(".")[0] for name in imports(module)} - {"myosem"} - sys.stdlib_module_names
        training = layers().get(layer_of(module), 0) in train_levels()
        allowed = runtime | (train if training else OPTIONAL.get(module, set()))
        if module == "myosem.cli.serve" or module.startswith("myosem.cli.web."):
            allowed = allowed | WEB
        if layer_of(module) == "baselines":
            allowed = allowed | declared("baselines")
        assert outer <= allowed, f"{module} imports {sorted(outer - allowed)}"


def train_levels() -> set[int]:
    level = layers()
    return {level["encoder"], level["train"], level["protocols"]}


@pytest.mark.parametrize("name", SEARCH_PATH)
def test_search_path_never_reaches_torch(name: str) -> None:
    reached = closure(f"myosem.{name}")
    assert f"myosem.{name}" in reached
    assert not reached & {"torch", "myosem.encoder", "myosem.text", "myosem.train", "myosem.bundle"}
    assert not reached & {"huggingface_hub", "myosem.hub"}


def test_index_knows_neither_library_nor_duckdb() -> None:
    reached = {name.split(".")[0] for module in modules() for name in imports(module) if "index" in module}
    assert "duckdb" not in reached


def test_every_package_is_listed() -> None:
    files = [*PACKAGE.glob("*/__init__.py"), *PACKAGE.glob("*/*/__init__.py")]
    folders = {".".join(file.relative_to(ROOT).parent.parts) for file in files}
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == folders | {"myosem"}


@pytest.mark.parametrize("name", LINKS)
def test_links_lead_to_the_top_level(name: str) -> None:
    link = PACKAGE / name
    assert link.is_symlink()
    assert link.resolve() == ROOT / name
    assert PROJECT["tool"]["setuptools"]["package-dir"][f"myosem.{name}"] == name


@pytest.mark.parametrize(
    "code",
    [
        "import myosem",
        "from myosem.cli.main import main; sys.argv = ['myosem', '--help']; main()",
        "from myosem.cli.main import main; sys.argv = ['myosem', 'search', '--help']; main()",
    ],
)
def test_nothing_heavy_is_imported_for_help(code: str) -> None:
    script = (
        f"import sys\ntry:\n    {code}\nexcept SystemExit as end:\n    assert not end.code\n"
        "print(*sys.modules, sep='\\n', file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert "myosem" in loaded
    assert not loaded & {*HEAVY, "numpy", "rich"}
