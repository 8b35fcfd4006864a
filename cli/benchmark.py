"""``myosem benchmark``: a paper's benchmark, from recordings to a table beside the published rows."""

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from myosem.cli import options
from myosem.cli.render import Column, colour_wanted, table, terminal_width
from myosem.errors import UsageError

if TYPE_CHECKING:
    from myosem.paper_runs import PaperReport, Wish
    from myosem.papers import Benchmark


def benchmark(
    name: Annotated[str | None, typer.Argument(help="The benchmark; all are listed without one.")] = None,
    *,
    split: Annotated[
        str | None, typer.Option("--split", metavar="NAME", help="How it is divided, such as user.")
    ] = None,
    amputee: Annotated[bool, typer.Option("--amputee", help="The same as --split amputee.")] = False,
    data: Annotated[
        list[Path] | None,
        typer.Option("--data", metavar="DIR", help="Recordings as downloaded; repeatable."),
    ] = None,
    library: Annotated[
        Path | None,
        typer.Option("--library", "-l", metavar="DIR", help="Where they are kept; nowhere by default."),
    ] = None,
    fold: options.FoldOption = None,
    baseline: options.BaselineOption = None,
    steps: Annotated[
        int | None, typer.Option("--steps", min=1, metavar="N", help="Training steps, for retrieval.")
    ] = None,
    seed: options.SeedOption = 0,
    simulated: Annotated[
        int,
        typer.Option("--simulated", min=0, metavar="N", help="Simulated sessions to train on as well."),
    ] = 0,
    jobs: options.JobsOption = 1,
    synthetic: Annotated[
        bool, typer.Option("--synthetic", help="The recordings are made up: head the table with that.")
    ] = False,
    out: options.TableOption = None,
    as_json: options.JsonOption = False,
) -> None:
    """Run a paper's benchmark and print the published rows beside ours (needs the extra [train])."""
    from myosem.papers import find_benchmark

    if name is None:
        typer.echo(listing())
        return
    if amputee and split not in {None, "amputee"}:
        raise UsageError("--amputee is --split amputee", got=f"--split {split}")
    found = find_benchmark(name)
    chosen, _ = found.split("amputee" if amputee else split)
    if out is not None:
        options.check_output(out)
    from myosem.extras import require_train

    require_train()
    from myosem.paper_runs import Wish, release_of
    from myosem.train import TrainConfig

    config = TrainConfig(seed=seed, steps=steps or TrainConfig.steps)
    sources = data or []
    release = release_of(found, sources)
    wish = Wish(config, simulated, baseline, fold, jobs, synthetic, release)
    report = _run(found, chosen, library, sources, wish)
    text = json.dumps(report.as_dict(), indent=2)
    if out is not None:
        out.write_text((text if out.suffix == ".json" else report.markdown()) + "\n", encoding="utf-8")
    typer.echo(text if as_json else report.markdown())


def listing() -> str:
    """A line for each benchmark."""
    from myosem.papers import benchmarks

    rows = [
        [name, " ".join(one.splits), " ".join(one.corpora), one.title] for name, one in benchmarks().items()
    ]
    columns = [Column("name"), Column("--split"), Column("data sets", minimum=12), Column("what", minimum=20)]
    return table(columns, rows, width=terminal_width(), colour=colour_wanted())


def _run(
    found: "Benchmark", split: str, library: Path | None, data: list[Path], wish: "Wish"
) -> "PaperReport":
    from myosem.cli.progress import progress_bar
    from myosem.paper_runs import prepare, run_benchmark

    with progress_bar() as progress, tempfile.TemporaryDirectory() as passing:
        opened = prepare(found, library or Path(passing) / "library", data, progress)
        return run_benchmark(found, split, opened, wish, progress)
