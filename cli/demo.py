"""``myosem demo``: a small simulated library, built where there is none yet, and searched."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from myosem.cli import options
from myosem.cli.hits import check_formats, show
from myosem.cli.progress import progress_bar
from myosem.errors import LibraryError

if TYPE_CHECKING:
    from myosem.model import Model

DemoLibraryOption = Annotated[
    Path | None,
    typer.Option("--library", "-l", metavar="DIR", help="Where to build it, instead of your cache folder."),
]


def demo(
    query: Annotated[str, typer.Argument(help="What to look for, in plain words.")],
    *,
    library: DemoLibraryOption = None,
    k: options.CountOption = 5,
    as_json: options.JsonOption = False,
    csv: options.CsvOption = False,
    plot: options.PlotOption = None,
    model: options.ModelOption = None,
) -> None:
    """Search simulated recordings, made on the spot.

    The first time a small library is built from the built-in forearm simulator; no data is needed.
    """
    check_formats(as_json, csv, plot)
    target = library or cache_folder() / "demo"
    build(target, options.open_model(model))
    engine = options.open_engine(target, model)
    show(engine, engine.search(query, k=k), as_json=as_json, csv=csv, plot=plot)


def cache_folder() -> Path:
    """Where this user's programs keep what they can make again (XDG base directories)."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "myosem"


def build(library: Path, model: "Model") -> None:
    """Make the demo library, or bring it up to date with the model.

    Raises:
        LibraryError: the library holds recordings that are not simulated.
    """
    from myosem.ingest import ingest

    refuse_real(library)
    spec = write_spec()
    with progress_bar() as progress:
        ingest(library, [spec], model=model, progress=progress)


def write_spec() -> Path:
    """The demo's simulator file in the cache folder, left alone where it is up to date."""
    from myosem.synth import demo_spec

    path = cache_folder() / "demo.synth.yaml"
    if not path.is_file() or path.read_text(encoding="utf-8") != demo_spec():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(demo_spec(), encoding="utf-8")
    return path


def refuse_real(library: Path) -> None:
    """Raise LibraryError where simulated recordings would mix with real ones."""
    from myosem.library import Library, published_version

    if published_version(library) is None:
        return
    opened = Library.open(library)
    real = [one.dataset for one in opened.summary().datasets if not one.simulated]
    opened.close()
    if real:
        raise LibraryError(
            f"the library {library} holds real recordings",
            got=", ".join(real),
            expected="a folder for the demo alone",
            hint=f"myosem search QUERY --library {library}",
        )
