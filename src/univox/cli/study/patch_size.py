"""`univox study patch-size`."""

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
from univox.cli.run_options import Cache, Device, Holdout, Seed, Validation, budget_in_seconds


def patch_size(
    dataset: Annotated[Path, typer.Argument(help="The dataset that every size is trained on.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="The study's folder; one that is there goes on.")],
    patch: Annotated[
        list[str],
        typer.Option(help="Edge in voxels, or an edge per axis: 32, 16x32x32. Repeatable.", show_default=False),
    ],
    recipe: Annotated[str, typer.Option(help="Of every size: a name or a YAML file.")] = "univox",
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Override the recipe: inference.step=8. Repeatable.")
    ] = None,
    budget: Annotated[str | None, typer.Option(help="Time for the training of each size: 10m.")] = None,
    iterations: Annotated[int | None, typer.Option(min=1, help="Updates of each size, in place of a budget.")] = None,
    holdout: Holdout = 0.2,
    validation: Validation = 0.1,
    seed: Seed = 0,
    layout: Layout = "auto",
    classes: ClassSelections = None,
    labels: LabelFolders = None,
    labels_are: LabelsAre = "auto",
    ignore: Ignore = None,
    borders: Borders = "background",
    subjects: SubjectPatterns = None,
    test_cases: NamedTestCases = None,
    jobs: Jobs = 2,
    device: Device = "auto",
    cache: Cache = None,
) -> None:
    """Train one recipe with several sizes of patch, and compare them (Figure 8 of the Non-local U-Net)."""
    from univox.cli.progress import TrainingProgress
    from univox.studies.patch_size import patch_arms
    from univox.studies.patch_size import patch_size as run
    from univox.studies.patch_size_results import patches_markdown, write_patch_size
    from univox.training.request import TrainRequest

    request = TrainRequest(
        datasets=dataset_sources(
            [dataset],
            layout=layout,
            classes=classes,
            labels=labels,
            labels_are=labels_are,
            ignore=ignore,
            borders=borders,
            subjects=subjects,
            test_cases=test_cases,
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
    chosen = patch_arms(patch, recipe=recipe, changes=overrides or ())
    with TrainingProgress() as progress:
        done = run(request, chosen, observer=progress)
    report = write_patch_size(done, output, command=shlex.join(["univox", *sys.argv[1:]]))
    say(patches_markdown(done))
    say(f"report {report.resolve()}")
