"""``myosem pretrain``: codes and sentences from the unlabelled signal of a library."""

from pathlib import Path
from typing import Annotated

import typer

from myosem.cli import options


def pretrain(
    *,
    library: options.LibraryOption = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the pre-training goes.")] = Path(
        "pretrained"
    ),
    preset: Annotated[
        str, typer.Option("--preset", metavar="NAME", help="small, base, large, or a YAML file of that form.")
    ] = "small",
    simulated: Annotated[
        int, typer.Option("--simulated", min=0, metavar="N", help="Simulated sessions to learn from as well.")
    ] = 0,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude", metavar="PERSON", help="Keep a person (dataset/person) out; may be repeated."
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Seed of everything random.")] = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where an interrupted pre-training in --out was.")
    ] = False,
) -> None:
    """Learn the codes of contractions, and to read them, without labels (needs the extra [train])."""
    from myosem.extras import require_train

    options.check_output(out, folder=True)
    require_train()
    from myosem.cli.progress import progress_bar
    from myosem.library import Library
    from myosem.pretrain_config import read_preset
    from myosem.token_training import pretrain_library

    with progress_bar() as progress:
        about = pretrain_library(
            Library.open(options.library_path(library)),
            out,
            read_preset(preset),
            exclude=exclude or (),
            simulated=simulated,
            seed=seed,
            resume=resume,
            progress=progress,
        )
    typer.echo(
        f"{out}: {about['sessions']} sessions, {about['tokens']:,} tokens, {about['steps']} steps, "
        f"{about['minutes']:.1f} minutes"
    )
    typer.echo(
        f"{about['codes']} codes, {100 * about['used']:.0f} % used, perplexity {about['perplexity']:.0f}; "
        f"they explain {100 * about['R2']:.0f} % of the variance"
    )
    typer.echo(f"next: myosem tokens FILE --run {out}")
