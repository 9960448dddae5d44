"""`univox study training-size`."""

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
    Ignore,
    Jobs,
    LabelFolders,
    LabelsAre,
    Layout,
    NamedTestCases,
    SubjectPatterns,
    dataset_sources,
)
from univox.cli.run_options import Cache, Device, Holdout, Seed, SkipBadCases, budget_in_seconds


def training_size(
    dataset: Annotated[Path, typer.Argument(help="The dataset to learn from.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="The study's folder; one that is there goes on.")],
    cases: Annotated[
        list[int] | None,
        typer.Option(min=1, help="A number of labelled cases to learn from; default: 4, 8, 16... and all. Repeatable."),
    ] = None,
    shares: Annotated[
        list[float] | None,
        typer.Option(min=0.0, max=1.0, help="The same as a share of the cases that are not kept out. Repeatable."),
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Subsets of each size, each with another seed.")] = 1,
    recipe: Annotated[str, typer.Option(help="A recipe's name, or a YAML file.")] = "univox",
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Override the recipe: optimizer.lr=3e-4. Repeatable.")
    ] = None,
    budget: Annotated[str | None, typer.Option(help="Training time of each size: 10m.")] = None,
    iterations: Annotated[int | None, typer.Option(min=1, help="Updates of each, in place of a budget.")] = None,
    holdout: Holdout = 0.2,
    validation: Annotated[
        float, typer.Option(min=0.0, max=0.9, help="Share of each set that chooses the best weights, not trained on.")
    ] = 0.0,
    test_cases: NamedTestCases = None,
    seed: Seed = 0,
    skip_bad_cases: SkipBadCases = False,
    layout: Layout = "auto",
    classes: ClassSelections = None,
    labels: LabelFolders = None,
    labels_are: LabelsAre = "auto",
    borders: Borders = "background",
    ignore: Ignore = None,
    subjects: SubjectPatterns = None,
    jobs: Jobs = 2,
    device: Device = "auto",
    cache: Cache = None,
) -> None:
    """Find out how many labelled cases are enough: train on more and more of them, and judge on the same others."""
    from univox.cli.progress import TrainingProgress
    from univox.studies.training_size import training_size as run
    from univox.studies.training_size_results import training_size_markdown, write_training_size
    from univox.training.request import TrainRequest

    request = TrainRequest(
        datasets=dataset_sources(
            [dataset],
            layout=layout,
            classes=classes,
            labels=labels,
            labels_are=labels_are,
            borders=borders,
            ignore=ignore,
            subjects=subjects,
            test_cases=test_cases,
        ),
        output=output,
        recipe=recipe,
        overrides=tuple(overrides or ()),
        budget_seconds=budget_in_seconds(budget, iterations),
        iterations=iterations,
        holdout=holdout,
        validation=validation,
        seed=seed,
        skip_bad_cases=skip_bad_cases,
        jobs=jobs,
        device=device,
        cache=cache,
    )
    with TrainingProgress() as progress:
        done = run(request, cases=cases or (), shares=shares or (), repeats=repeats, observer=progress)
    report = write_training_size(done, output, command=shlex.join(["univox", *sys.argv[1:]]))
    say(training_size_markdown(done))
    say(f"report {report.resolve()}")
