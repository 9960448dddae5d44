"""`univox study extension`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from univox.cli.console import say
from univox.cli.dataset_options import (
    Borders,
    ClassSelections,
    Ignores,
    Jobs,
    LabelFolders,
    LabelsAre,
    Layout,
    NamedTestCases,
    SubjectPatterns,
    dataset_sources,
)
from univox.cli.run_options import Cache, Device, Holdout, Seed, Validation, budget_in_seconds


def extension(
    base: Annotated[list[Path], typer.Argument(help="The datasets of the base.", show_default=False)],
    new: Annotated[Path, typer.Option("--new", help="The dataset that is added.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="The study's folder; one that is there goes on.")],
    recipe: Annotated[
        list[str] | None,
        typer.Option(help="An arm of this recipe; default: the small 3D U2-Net in its three modes. Repeatable."),
    ] = None,
    arms: Annotated[
        Path | None,
        typer.Option(help="A YAML file of arms: NAME: {recipe: univox-universal, set: [optimizer.lr=1e-3]}."),
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Only this arm of the file. Repeatable.")] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Override every arm's recipe: optimizer.lr=3e-4. Repeatable.")
    ] = None,
    budget: Annotated[str | None, typer.Option(help="Training time for each dataset: 10m.")] = None,
    iterations: Annotated[
        int | None, typer.Option(min=1, help="Updates for each dataset; default: the recipe's.")
    ] = None,
    holdout: Holdout = 0.2,
    validation: Validation = 0.1,
    seed: Seed = 0,
    layout: Layout = "auto",
    classes: ClassSelections = None,
    labels: LabelFolders = None,
    labels_are: LabelsAre = "auto",
    borders: Borders = "background",
    ignore: Ignores = None,
    subjects: SubjectPatterns = None,
    test_cases: NamedTestCases = None,
    jobs: Jobs = 2,
    device: Device = "auto",
    cache: Cache = None,
) -> None:
    """Add a dataset to a network of others, and measure it and what they lose (Table 3 of the 3D U2-Net)."""
    from univox.cli.progress import TrainingProgress
    from univox.studies.arms import choose_arms
    from univox.studies.domains.extension import DEFAULT_RECIPES
    from univox.studies.domains.extension import extension as run
    from univox.studies.domains.extension_results import extension_markdown, write_extension
    from univox.training.request import TrainRequest

    *base_sources, new_source = dataset_sources(
        [*base, new],
        layout=layout,
        classes=classes,
        labels=labels,
        labels_are=labels_are,
        borders=borders,
        ignore=ignore,
        subjects=subjects,
        test_cases=test_cases,
    )
    request = TrainRequest(
        datasets=tuple(base_sources),
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
    recipes = recipe or (None if arms else DEFAULT_RECIPES)
    chosen = choose_arms(recipes, arms, only, overrides or ())
    with TrainingProgress() as progress:
        done = run(request, new_source, chosen, observer=progress)
    report = write_extension(done, output, command=shlex.join(["univox", *sys.argv[1:]]))
    say(extension_markdown(done))
    say(f"report {report.resolve()}")
