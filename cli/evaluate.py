"""``myosem evaluate``: what was never seen before, in one table a protocol."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from myosem.cli import options
from myosem.cli.train import TowerOption
from myosem.errors import UsageError

if TYPE_CHECKING:
    from myosem.folds import Folds
    from myosem.library import Library
    from myosem.reproduce import Recipe
    from myosem.table import Table
    from myosem.trial_runs import Progress
    from myosem.trial_table import TrialTable

RETRIEVAL = ("user", "rand", "class", "device", "effort", "composition", "day", "amputee")
"""Words find EMG and EMG finds words."""
TRIALS = ("loso", "few-shot", "device-trials")
"""Labelled trials are named."""
PROTOCOLS = (*RETRIEVAL, *TRIALS)
WITHOUT_FOLDS = ("rand", "device", "amputee", "device-trials")


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line."""

    library: "Library"
    protocol: str
    folds: "Folds | None"
    numbers: list[int] | None
    baselines: list[str] | None
    variants: list[str] | None
    steps: int | None
    simulated: int
    seeds: range
    jobs: int
    tower: Path | None


def evaluate(
    *,
    library: options.LibraryOption = None,
    protocol: Annotated[
        str, typer.Option("--protocol", help=f"What is judged, and what is held out: {', '.join(PROTOCOLS)}.")
    ] = "user",
    folds: Annotated[
        Path | None,
        typer.Option(
            "--folds",
            metavar="FILE",
            help=f"YAML that says who is tested when. Not for {', '.join(WITHOUT_FOLDS)}.",
        ),
    ] = None,
    fold: options.FoldOption = None,
    baseline: options.BaselineOption = None,
    variant: Annotated[
        list[str] | None,
        typer.Option("--variant", metavar="NAME", help="Only this variant of the model; repeatable."),
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
    seed: options.SeedOption = 0,
    seeds: Annotated[
        int,
        typer.Option(
            "--seeds",
            min=1,
            metavar="N",
            help=f"How many, counted from --seed. Only for {', '.join(TRIALS)}.",
        ),
    ] = 1,
    simulated: Annotated[
        int, typer.Option("--simulated", min=0, metavar="N", help="Simulated sessions to train on as well.")
    ] = 240,
    tower: TowerOption = None,
    jobs: options.JobsOption = 1,
    out: options.TableOption = None,
    as_json: options.JsonOption = False,
) -> None:
    """Train on some recordings, test on others, print one table (needs the extra [train])."""
    _check(protocol, bundle, variant)
    if out is not None:
        options.check_output(out)
    from myosem.extras import require_train

    require_train()
    recipe = None if bundle is None else _recipe(bundle)
    if recipe is not None:
        steps, seed, simulated = recipe.config.steps, recipe.config.seed, recipe.simulated
    plan = None if protocol in WITHOUT_FOLDS else _plan(folds, protocol)
    wanted = fold if plan is None or not fold else _numbers(fold, plan)
    opened = _open(library)
    every = range(seed, seed + seeds)
    request = Request(opened, protocol, plan, wanted, baseline, variant, steps, simulated, every, jobs, tower)
    table = _run(request)
    text = json.dumps(table.as_dict(), indent=2)
    if out is not None:
        out.write_text((text if out.suffix == ".json" else table.markdown()) + "\n", encoding="utf-8")
    typer.echo(text if as_json else table.markdown())
    _compare(recipe, table, as_json)


def _check(protocol: str, bundle: Path | None, variants: list[str] | None) -> None:
    if protocol not in PROTOCOLS:
        raise UsageError("unknown protocol", got=protocol, exists=PROTOCOLS)
    if bundle is not None and protocol != "user":
        raise UsageError("--bundle is for --protocol user", got=f"--protocol {protocol}")
    if variants and protocol in TRIALS:
        raise UsageError(
            "--variant is for the protocols of retrieval", got=f"--protocol {protocol}", exists=RETRIEVAL
        )


def _open(library: Path | None) -> "Library":
    from myosem.library import Library

    return Library.open(options.library_path(library))


def _recipe(bundle: Path) -> "Recipe":
    from myosem.model_config import read_config
    from myosem.reproduce import Recipe

    return Recipe.of(read_config(bundle))


def _compare(recipe: "Recipe | None", table: "Table | TrialTable", as_json: bool) -> None:
    """What the bundle states beside what was measured, off stdout where that is JSON."""
    from myosem.table import Table

    if recipe is not None and isinstance(table, Table):
        typer.echo("\n" + recipe.comparison(table), err=as_json)


def _plan(folds: Path | None, protocol: str) -> "Folds":
    if folds is None:
        raise UsageError(f"--protocol {protocol} needs folds", hint="--folds ../shared/data/folds.yaml")
    from myosem.folds import read_folds

    return read_folds(folds)


def _numbers(wanted: list[int], plan: "Folds") -> list[int]:
    wrong = [number for number in wanted if number not in plan.numbers]
    if wrong:
        raise UsageError("unknown fold", got=wrong, exists=plan.numbers)
    return wanted


def _run(request: Request) -> "Table | TrialTable":
    from myosem.cli.progress import progress_bar

    with progress_bar() as progress:
        return (_trials if request.protocol in TRIALS else _retrieval)(request, progress)


def _retrieval(request: Request, progress: "Progress") -> "Table":
    """Both directions, by the model of ``myosem train`` and plain systems."""
    from myosem.protocols import evaluate_retrieval
    from myosem.train import TrainConfig

    config = TrainConfig(seed=request.seeds[0], steps=request.steps or TrainConfig.steps)
    return evaluate_retrieval(
        request.library,
        request.protocol,
        request.folds,
        config=config,
        numbers=request.numbers,
        simulated=request.simulated,
        variants=request.variants,
        baselines=request.baselines,
        tower=request.tower,
        jobs=request.jobs,
        progress=progress,
    )


def _trials(request: Request, progress: "Progress") -> "TrialTable":
    """Balanced accuracy over trials, a row a system."""
    from myosem.device import evaluate_device
    from myosem.few_shot import evaluate_few_shot
    from myosem.loso import evaluate_loso
    from myosem.systems import DEVICE, FEW_SHOT, system_names

    library, seeds, jobs = request.library, request.seeds, request.jobs
    if request.folds is None:
        return evaluate_device(
            library, request.baselines or DEVICE, seeds=seeds, jobs=jobs, progress=progress
        )
    run, usual = {
        "loso": (evaluate_loso, system_names()),
        "few-shot": (evaluate_few_shot, FEW_SHOT),
    }[request.protocol]
    numbers = request.numbers or list(request.folds.numbers)
    return run(
        library,
        request.folds,
        request.baselines or usual,
        numbers=numbers,
        seeds=seeds,
        jobs=jobs,
        progress=progress,
    )
