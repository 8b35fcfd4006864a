"""``myosem evaluate``: people never seen, in one table a protocol."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from myosem.cli import options
from myosem.errors import UsageError

if TYPE_CHECKING:
    from myosem.folds import Folds
    from myosem.library import Library
    from myosem.reproduce import Recipe
    from myosem.table import Table
    from myosem.trial_runs import Progress
    from myosem.trial_table import TrialTable

PROTOCOLS = ("user", "loso", "few-shot", "device")


def evaluate(
    *,
    library: options.LibraryOption = None,
    protocol: Annotated[
        str, typer.Option("--protocol", help=f"What is judged, and who is held out: {', '.join(PROTOCOLS)}.")
    ] = "user",
    folds: Annotated[
        Path | None,
        typer.Option("--folds", metavar="FILE", help="YAML that says who is tested when. Not for device."),
    ] = None,
    fold: Annotated[
        list[int] | None, typer.Option("--fold", metavar="N", help="Only this fold; repeatable.")
    ] = None,
    baseline: Annotated[
        list[str] | None,
        typer.Option("--baseline", metavar="NAME", help="Only this system; repeatable. Not for user."),
    ] = None,
    bundle: Annotated[
        Path | None,
        typer.Option(
            "--bundle",
            metavar="DIR",
            help="Train by the recipe of this model and compare with the numbers it states. Only for user.",
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option("--steps", min=1, metavar="N", help="Training steps; default as in the bundle."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Seed of everything random.")] = 0,
    seeds: Annotated[
        int, typer.Option("--seeds", min=1, metavar="N", help="How many, counted from --seed. Not for user.")
    ] = 1,
    simulated: Annotated[
        int, typer.Option("--simulated", min=0, metavar="N", help="Simulated sessions to train on as well.")
    ] = 240,
    jobs: Annotated[int, typer.Option("--jobs", min=1, metavar="N", help="Trainings at a time.")] = 1,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Also write the table (.md) or everything (.json)."),
    ] = None,
    as_json: options.JsonOption = False,
) -> None:
    """Train on some people, test on others, print one table (needs the extra [train])."""
    if protocol not in PROTOCOLS:
        raise UsageError("unknown protocol", got=protocol, exists=PROTOCOLS)
    if bundle is not None and protocol != "user":
        raise UsageError("--bundle is for --protocol user", got=f"--protocol {protocol}")
    if out is not None:
        options.check_output(out)
    from myosem.extras import require_train

    require_train()
    from myosem.cli.progress import progress_bar
    from myosem.library import Library
    from myosem.table import Table

    recipe = None if bundle is None else _recipe(bundle)
    if recipe is not None:
        steps, seed, simulated = recipe.config.steps, recipe.config.seed, recipe.simulated
    plan = None if protocol == "device" else _plan(folds, protocol)
    numbers = [] if plan is None else _numbers(fold, plan)
    opened = Library.open(options.library_path(library))
    table: Table | TrialTable
    with progress_bar() as progress:
        if plan is None or protocol != "user":
            every = range(seed, seed + seeds)
            table = _trials(protocol, opened, plan, numbers, baseline, every, jobs, progress)
        else:
            table = _user(opened, plan, numbers, steps, seed, simulated, jobs, progress)
    text = json.dumps(table.as_dict(), indent=2)
    if out is not None:
        out.write_text((text if out.suffix == ".json" else table.markdown()) + "\n", encoding="utf-8")
    typer.echo(text if as_json else table.markdown())
    if recipe is not None and isinstance(table, Table):
        typer.echo("\n" + recipe.comparison(table), err=as_json)


def _recipe(bundle: Path) -> "Recipe":
    from myosem.model import read_config
    from myosem.reproduce import Recipe

    return Recipe.of(read_config(bundle))


def _plan(folds: Path | None, protocol: str) -> "Folds":
    if folds is None:
        raise UsageError(f"--protocol {protocol} needs folds", hint="--folds ../shared/data/folds.yaml")
    from myosem.folds import read_folds

    return read_folds(folds)


def _numbers(wanted: list[int] | None, plan: "Folds") -> list[int]:
    wrong = [number for number in wanted or () if number not in plan.numbers]
    if wrong:
        raise UsageError("unknown fold", got=wrong, exists=plan.numbers)
    return wanted or list(plan.numbers)


def _user(  # noqa: PLR0917
    library: "Library",
    plan: "Folds",
    numbers: list[int],
    steps: int | None,
    seed: int,
    simulated: int,
    jobs: int,
    progress: "Progress",
) -> "Table":
    """Retrieval in both directions by the model of ``myosem train``."""
    from myosem.protocols import evaluate_user
    from myosem.train import TrainConfig

    config = TrainConfig(seed=seed, steps=steps or TrainConfig.steps)
    return evaluate_user(
        library, plan, numbers=numbers, config=config, simulated=simulated, jobs=jobs, progress=progress
    )


def _trials(  # noqa: PLR0917
    protocol: str,
    library: "Library",
    plan: "Folds | None",
    numbers: list[int],
    names: list[str] | None,
    seeds: range,
    jobs: int,
    progress: "Progress",
) -> "TrialTable":
    """Balanced accuracy over trials, a row a system."""
    from myosem.device import evaluate_device
    from myosem.few_shot import evaluate_few_shot
    from myosem.loso import evaluate_loso
    from myosem.systems import DEVICE, FEW_SHOT, system_names

    if plan is None:
        return evaluate_device(library, names or DEVICE, seeds=seeds, jobs=jobs, progress=progress)
    run, usual = {
        "loso": (evaluate_loso, system_names()),
        "few-shot": (evaluate_few_shot, FEW_SHOT),
    }[protocol]
    return run(library, plan, names or usual, numbers=numbers, seeds=seeds, jobs=jobs, progress=progress)
