"""`univox study crossval`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from univox.cli.console import say
from univox.cli.dataset_options import (
    Borders,
    ClassSelection,
    Ignore,
    Jobs,
    LabelFolder,
    LabelsAre,
    Layout,
    SubjectPattern,
)
from univox.cli.run_options import Cache, Device, Seed, Validation, budget_in_seconds


def crossval(
    dataset: Annotated[Path, typer.Argument(help="The dataset that is parted into folds.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="The study's folder; one that is there goes on.")],
    protocol: Annotated[
        str,
        typer.Option(
            help="loso (leave one subject out), kfold:5, grouped:5, holdout:0.2, split:8:1:1, or nnU-Net's"
            " splits_final.json. No subject is ever divided."
        ),
    ] = "kfold:5",
    recipe: Annotated[
        list[str] | None, typer.Option(help="An arm of this recipe, a name or a YAML file. Repeatable.")
    ] = None,
    arms: Annotated[
        Path | None, typer.Option(help="A YAML file of arms: NAME: {recipe: univox, set: [optimizer.lr=3e-4]}.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Only this arm of the file. Repeatable.")] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Override every arm's recipe: optimizer.lr=3e-4. Repeatable.")
    ] = None,
    budget: Annotated[str | None, typer.Option(help="Training time of each fold: 10m.")] = None,
    iterations: Annotated[int | None, typer.Option(min=1, help="Updates of each fold; default: the recipe's.")] = None,
    validation: Validation = 0.1,
    seed: Seed = 0,
    at_once: Annotated[
        int, typer.Option(min=1, help="Folds that are trained at once, each with its share of the processor.")
    ] = 1,
    layout: Layout = "auto",
    classes: ClassSelection = None,
    labels: LabelFolder = None,
    labels_are: LabelsAre = "auto",
    borders: Borders = "background",
    ignore: Ignore = None,
    subjects: SubjectPattern = None,
    jobs: Jobs = 2,
    device: Device = "auto",
    cache: Cache = None,
) -> None:
    """Train on every fold, predict what it keeps out, and judge all: mean and standard deviation over subjects."""
    from univox.cli.progress import TrainingProgress
    from univox.data.protocol import parse_protocol
    from univox.data.source import DatasetSource
    from univox.studies.arms import choose_arms
    from univox.studies.crossval.results import crossval_markdown, write_crossval
    from univox.studies.crossval.run import crossval as run
    from univox.training.request import TrainRequest

    source = DatasetSource(
        path=dataset,
        layout=layout,
        classes=classes,
        labels=labels,
        labels_are=labels_are,
        borders=borders,
        ignore=ignore,
        subjects=subjects,
    )
    request = TrainRequest(
        datasets=(source,),
        output=output,
        budget_seconds=budget_in_seconds(budget, iterations),
        iterations=iterations,
        validation=validation,
        seed=seed,
        jobs=jobs,
        device=device,
        cache=cache,
    )
    recipes = recipe if recipe or arms else ["univox"]
    chosen = choose_arms(recipes, arms, only, overrides or ())
    with TrainingProgress() as progress:
        done = run(request, chosen, parse_protocol(protocol), at_once=at_once, observer=progress)
    report = write_crossval(done, output, command=shlex.join(["univox", *sys.argv[1:]]))
    say(crossval_markdown(done))
    say(f"report {report.resolve()}")
