"""Options that several commands share, and where the library is."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from myosem.errors import LibraryError, UsageError

if TYPE_CHECKING:
    from myosem.model import Model
    from myosem.search import Engine

DEFAULT_LIBRARY = Path("lib")
VARIABLE = "MYOSEM_LIBRARY"
MODEL_VARIABLE = "MYOSEM_MODEL"

LibraryOption = Annotated[
    Path | None,
    typer.Option(
        "--library", "-l", envvar=VARIABLE, metavar="DIR", help="The library; ./lib if that exists."
    ),
]
CountOption = Annotated[int, typer.Option("-k", metavar="N", help="How many to print at most.")]
WhereOption = Annotated[
    str | None,
    typer.Option(
        "--where",
        metavar="CONDITION",
        help="Only segments for which this SQL condition holds, such as \"dataset = '3dc'\".",
    ),
]
LikeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--like", metavar="WHAT", help="Also near to this phrase, segment or recording; may be repeated."
    ),
]
UnlikeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--unlike", metavar="WHAT", help="Far from this phrase, segment or recording; may be repeated."
    ),
]
MoreOption = Annotated[
    list[str] | None,
    typer.Option("--more", metavar="SEGMENT", help="This hit is right: rank this person anew; repeatable."),
]
LessOption = Annotated[
    list[str] | None,
    typer.Option("--less", metavar="SEGMENT", help="This hit is wrong: rank this person anew; repeatable."),
]
DiverseOption = Annotated[
    bool, typer.Option("--diverse", help="Prefer hits of different people, sessions and recordings.")
]
MergeOption = Annotated[
    bool | None,
    typer.Option(
        "--merge/--no-merge",
        help="Neighbouring hits of one recording are one, which is the default.",
        show_default=False,
    ),
]
FoldOption = Annotated[
    list[int] | None, typer.Option("--fold", metavar="N", help="Only this fold; repeatable.")
]
BaselineOption = Annotated[
    list[str] | None, typer.Option("--baseline", metavar="NAME", help="Only this plain system; repeatable.")
]
SeedOption = Annotated[int, typer.Option("--seed", metavar="N", help="Seed of everything random.")]
JobsOption = Annotated[int, typer.Option("--jobs", min=1, metavar="N", help="Trainings at a time.")]
TableOption = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="Also write the table (.md) or everything (.json)."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
CsvOption = Annotated[bool, typer.Option("--csv", help="Print CSV with a heading line.")]
PlotOption = Annotated[
    Path | None,
    typer.Option("--plot", metavar="FILE", help="Also draw the hits as a .png, .svg or .pdf."),
]
ExplainOption = Annotated[bool, typer.Option("--explain", help="Also say why: views, channels, moments.")]
StartOption = Annotated[
    float | None, typer.Option("--start", metavar="S", help="Start of the stretch in seconds.")
]
EndOption = Annotated[float | None, typer.Option("--end", metavar="S", help="End of the stretch in seconds.")]
RecordingOption = Annotated[
    str | None,
    typer.Option("--recording", metavar="NAME", help="Which recording, where the source holds several."),
]
ReaderOption = Annotated[
    str | None,
    typer.Option("--reader", "--dataset", metavar="NAME", help="Read every file with this reader."),
]
ModelOption = Annotated[
    Path | None,
    typer.Option(
        "--model",
        envvar=MODEL_VARIABLE,
        metavar="DIR",
        help="The model: a folder or a name; by default the one in use.",
    ),
]
MappingOption = Annotated[
    Path | None,
    typer.Option("--mapping", metavar="FILE", help="A YAML mapping that says how to read .csv and .npz."),
]


def library_path(given: Path | None) -> Path:
    """The library's folder: as given, else ``./lib``.

    Raises:
        LibraryError: none was named and ``./lib`` does not exist.
    """
    if given is not None:
        return given
    if DEFAULT_LIBRARY.is_dir():
        return DEFAULT_LIBRARY
    raise LibraryError(
        "no library was named and there is no ./lib here",
        expected=f"--library DIR or {VARIABLE}",
        hint="myosem ingest RECORDINGS --library lib",
    )


def check_output(path: Path, *, folder: bool = False) -> None:
    """Refuse a place that nothing can be written to, before long work is done for it.

    Args:
        path: of a file in a folder that exists, or of a folder, which is made where missing.
        folder: whether it is to be a folder.

    Raises:
        UsageError: it is something else, or there is no permission.
    """
    place = path.absolute() if folder else path.absolute().parent
    while folder and not place.exists():
        place = place.parent
    if not (place.is_dir() and os.access(place, os.W_OK)) or (path.is_dir() and not folder):
        raise UsageError(
            f"{path} cannot be written",
            expected="a folder, new or yours" if folder else "a file in a folder that exists",
        )


def open_model(folder: Path | None) -> "Model":
    """The model that is named, by default the one in use."""
    from myosem.model import Model
    from myosem.model_choice import chosen

    return Model.load(chosen(folder))


def open_engine(library: Path | None, model: Path | None, source: str | None = None) -> "Engine":
    """An engine over the library; where none is named, a source that is a file needs none."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # starting its threads takes longer than a search
    from myosem.search import Engine

    alone = library is None and source is not None and Path(source).exists()
    return Engine(None if alone else library_path(library), open_model(model))
