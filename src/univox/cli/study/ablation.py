"""`univox study ablation`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from univox.cli.console import say
from univox.cli.dataset_options import Borders, ClassSelection, Ignore, Jobs, LabelFolder, LabelsAre, Layout
from univox.cli.run_options import Cache, Device, Holdout, Seed, Validation, budget_in_seconds


def ablation(
    dataset: Annotated[Path, typer.Argument(help="The dataset that every arm is trained on.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="The study's folder; one that is there goes on.")],
    recipe: Annotated[
        list[str] | None, typer.Option(help="An arm of this recipe, a name or a YAML file. Repeatable.")
    ] = None,
    arms: Annotated[
        Path | None,
        typer.Option(help="A YAML file of arms: NAME: {recipe: univox, set: [optimizer.lr=3e-4], init_from: MODEL}."),
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Only this arm of the file. Repeatable.")] = None,
    budget: Annotated[str | None, typer.Option(help="Time for the training of each arm: 10m.")] = None,
    iterations: Annotated[int | None, typer.Option(min=1, help="Updates of each arm, in place of a budget.")] = None,
    holdout: Holdout = 0.2,
    validation: Validation = 0.1,
    judge_on: Annotated[
        str,
        typer.Option(help="`test`: the cases kept out. `validation`: leave those unread, to choose between arms."),
    ] = "test",
    seed: Seed = 0,
    layout: Layout = "auto",
    classes: ClassSelection = None,
    labels: LabelFolder = None,
    labels_are: LabelsAre = "auto",
    ignore: Ignore = None,
    borders: Borders = "background",
    jobs: Jobs = 2,
    device: Device = "auto",
    cache: Cache = None,
) -> None:
    """Train several recipes on the same cases with the same budget, and compare them."""
    from univox.cli.progress import TrainingProgress
    from univox.data.source import DatasetSource
    from univox.errors import RecipeError
    from univox.studies.ablation import ablation as run
    from univox.studies.ablation_results import arms_markdown, write_ablation
    from univox.studies.arms import choose_arms
    from univox.training.request import TrainRequest

    if judge_on not in ("test", "validation"):
        raise RecipeError(expected="--judge-on test or validation", got=repr(judge_on), remedy="choose one of them")
    chosen = choose_arms(recipe, arms, only)
    request = TrainRequest(
        datasets=(
            DatasetSource(
                path=dataset,
                layout=layout,
                classes=classes,
                labels=labels,
                labels_are=labels_are,
                ignore=ignore,
                borders=borders,
            ),
        ),
        output=output,
        budget_seconds=budget_in_seconds(budget, iterations),
        iterations=iterations,
        holdout=holdout,
        validation=validation,
        seed=seed,
        jobs=jobs,
        device=device,
        cache=cache,
    )
    with TrainingProgress() as progress:
        done = run(request, chosen, judged_on=judge_on, observer=progress)
    report = write_ablation(done, output, command=shlex.join(["univox", *sys.argv[1:]]))
    say(arms_markdown(done))
    say(f"report {report.resolve()}")
