"""``myosem ground``: a text tower that knows what the actions of the prompts look like."""

from pathlib import Path
from typing import Annotated

import typer

from myosem.cli import options


def ground(
    *,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the grounded tower goes.")] = Path(
        "tower"
    ),
    steps: Annotated[
        int | None,
        typer.Option("--steps", min=1, metavar="N", help="Training steps; default as in the bundle."),
    ] = None,
    withhold: Annotated[
        list[str] | None,
        typer.Option("--withhold", metavar="ACTION", help="Never read of this action; may be repeated."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Seed of everything random.")] = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where an interrupted grounding in --out was.")
    ] = False,
) -> None:
    """Teach the text tower what the actions mean (needs the extra [train])."""
    from myosem.errors import UsageError
    from myosem.extras import require_train
    from myosem.prompts import load_actions

    if unknown := sorted(set(withhold or ()) - set(load_actions())):
        raise UsageError("no such action", got=unknown, exists=sorted(load_actions()))
    options.check_output(out, folder=True)
    require_train()
    from myosem.cli.progress import progress_bar
    from myosem.grounding import GroundConfig
    from myosem.grounding_run import ground_to

    config = GroundConfig(seed=seed, steps=steps or GroundConfig.steps)
    with progress_bar() as progress:
        about = ground_to(out, config, withheld=withhold or (), resume=resume, progress=progress)
    typer.echo(
        f"{out}: {about['texts']:,} texts of {about['actions']} actions, {about['minutes']:.1f} minutes"
    )
    typer.echo(f"next: myosem train --library lib --tower {out}")
