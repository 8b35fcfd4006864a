"""``myosem evaluate``: retrieval on people never seen, beside a baseline and chance."""

import json
from pathlib import Path
from typing import Annotated

import typer

from myosem.cli import options
from myosem.errors import UsageError

PROTOCOLS = ("user",)


def evaluate(
    *,
    library: options.LibraryOption = None,
    protocol: Annotated[str, typer.Option("--protocol", help="Who is held out: user.")] = "user",
    folds: Annotated[
        Path, typer.Option("--folds", metavar="FILE", help="YAML that says who is tested when.")
    ],
    fold: Annotated[
        list[int] | None, typer.Option("--fold", metavar="N", help="Only this fold; repeatable.")
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option("--steps", min=1, metavar="N", help="Training steps; default as in the bundle."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Seed of everything random.")] = 0,
    simulated: Annotated[
        int, typer.Option("--simulated", min=0, metavar="N", help="Simulated sessions to train on as well.")
    ] = 240,
    jobs: Annotated[int, typer.Option("--jobs", min=1, metavar="N", help="Folds at a time.")] = 1,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Also write the table (.md) or everything (.json)."),
    ] = None,
    as_json: options.JsonOption = False,
) -> None:
    """Train on some people, search those of others, print one table (needs the extra [train])."""
    if protocol not in PROTOCOLS:
        raise UsageError("unknown protocol", got=protocol, exists=PROTOCOLS)
    if out is not None:
        options.check_output(out)
    from myosem.extras import require_train

    require_train()
    from myosem.cli.progress import progress_bar
    from myosem.folds import read_folds
    from myosem.library import Library
    from myosem.protocols import evaluate_user
    from myosem.train import TrainConfig

    plan = read_folds(folds)
    wrong = [number for number in fold or () if number not in plan.numbers]
    if wrong:
        raise UsageError("unknown fold", got=wrong, exists=plan.numbers)
    with progress_bar() as progress:
        table = evaluate_user(
            Library.open(options.library_path(library)),
            plan,
            numbers=fold or plan.numbers,
            config=TrainConfig(seed=seed, steps=steps or TrainConfig.steps),
            simulated=simulated,
            jobs=jobs,
            progress=progress,
        )
    text = json.dumps(table.as_dict(), indent=2)
    if out is not None:
        out.write_text((text if out.suffix == ".json" else table.markdown()) + "\n", encoding="utf-8")
    typer.echo(text if as_json else table.markdown())
