"""``myosem train``: an encoder and a text head from the labelled sessions of a library."""

from pathlib import Path
from typing import Annotated

import typer

from myosem.cli import options

StepsOption = Annotated[
    int | None, typer.Option("--steps", min=1, metavar="N", help="Training steps; default as in the bundle.")
]
SeedOption = Annotated[int, typer.Option("--seed", metavar="N", help="Seed of everything random.")]

TowerOption = Annotated[
    Path | None,
    typer.Option("--tower", metavar="DIR", help="A folder of myosem ground; default: the packaged tower."),
]


def train(
    *,
    library: options.LibraryOption = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the trained weights go.")] = Path(
        "run"
    ),
    steps: StepsOption = None,
    seed: SeedOption = 0,
    simulated: Annotated[
        int, typer.Option("--simulated", min=0, metavar="N", help="Simulated sessions to train on as well.")
    ] = 240,
    tower: TowerOption = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where an interrupted training in --out was.")
    ] = False,
) -> None:
    """Train a model on the labelled sessions of a library (needs the extra [train])."""
    from myosem.extras import require_train

    options.check_output(out, folder=True)
    require_train()
    from myosem.cli.progress import progress_bar
    from myosem.library import Library
    from myosem.library_training import train_library
    from myosem.train_config import TrainConfig

    with progress_bar() as progress:
        about = train_library(
            Library.open(options.library_path(library)),
            out,
            TrainConfig(seed=seed, steps=steps or TrainConfig.steps),
            simulated=simulated,
            tower=tower,
            resume=resume,
            progress=progress,
        )
    typer.echo(f"{out}: {about['sessions']} sessions, {about['steps']} steps, {about['minutes']:.1f} minutes")
    with_tower = f" --tower {tower}" if tower else ""
    typer.echo(f"next: myosem export {out}{with_tower} --out BUNDLE")
