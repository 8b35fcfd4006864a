"""``myosem export``: a training run as the bundle that search uses."""

from pathlib import Path
from typing import Annotated

import typer

from myosem.cli import options
from myosem.cli.train import TowerOption


def export(
    run: Annotated[Path, typer.Argument(help="A folder written by myosem train.")],
    *,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the bundle goes.")] = Path(
        "bundle"
    ),
    name: Annotated[str, typer.Option("--name", help="Name of the model.")] = "myosem-small",
    results: Annotated[
        list[Path] | None,
        typer.Option(
            "--results",
            metavar="FILE",
            help="JSON of myosem evaluate for the card; repeatable, --protocol user first.",
        ),
    ] = None,
    tower: TowerOption = None,
    pretrained: Annotated[
        Path | None,
        typer.Option(
            "--tokens", metavar="DIR", help="A folder of myosem pretrain; its tokenizer goes along."
        ),
    ] = None,
) -> None:
    """Turn a training run into ONNX files that need no torch (needs the extra [train])."""
    from myosem.extras import require_train

    options.check_output(out, folder=True)
    require_train()
    from myosem.release import export_run

    model = export_run(run, out, name=name, results=results or (), pretrained=pretrained, tower=tower)
    typer.echo(f"{out}: {model.name}, {len(model.actions)} actions, fingerprint {model.fingerprint[:12]}")
    typer.echo(f'use it: myosem search "fist" --model {out}')
