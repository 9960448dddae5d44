"""`univox study sparse`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from univox.cli.console import say
from univox.cli.dataset_options import ClassSelection, Ignore, Jobs, LabelFolder, LabelsAre, Layout
from univox.cli.run_options import Cache, Device, Seed, budget_in_seconds
from univox.cli.sparsify import Axes


def sparse(
    dataset: Annotated[Path, typer.Argument(help="A dataset with whole labels.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="The study's folder; one that is there goes on.")],
    slices: Annotated[list[int], typer.Option(min=1, help="Annotated slices across each axis. Repeatable.")],
    case: Annotated[str | None, typer.Option(help="The volume, by name; default: the first.")] = None,
    axes: Axes = "all",
    recipe: Annotated[str, typer.Option(help="A recipe's name, or a YAML file.")] = "univox",
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Change the recipe: section.field=value. Repeatable.")
    ] = None,
    budget: Annotated[str | None, typer.Option(help="Time for each training: 10m.")] = None,
    iterations: Annotated[int | None, typer.Option(min=1, help="Updates of each, in place of a budget.")] = None,
    seed: Seed = 0,
    layout: Layout = "auto",
    classes: ClassSelection = None,
    labels: LabelFolder = None,
    labels_are: LabelsAre = "auto",
    ignore: Ignore = None,
    jobs: Jobs = 2,
    device: Device = "auto",
    cache: Cache = None,
) -> None:
    """Train on a few annotated slices of one volume, and judge the rest of it (as the 3D U-Net paper does)."""
    from univox.cli.progress import TrainingProgress
    from univox.data.source import DatasetSource
    from univox.data.sparsify import AXES
    from univox.studies.arms import Arm
    from univox.studies.sparse import sparse_study
    from univox.studies.sparse_results import sparse_markdown, write_sparse
    from univox.training.request import TrainRequest

    source = DatasetSource(
        path=dataset, layout=layout, classes=classes, labels=labels, labels_are=labels_are, ignore=ignore
    )
    request = TrainRequest(
        datasets=(source,),
        output=output,
        budget_seconds=budget_in_seconds(budget, iterations),
        iterations=iterations,
        seed=seed,
        jobs=jobs,
        device=device,
        cache=cache,
    )
    with TrainingProgress() as progress:
        done = sparse_study(
            request,
            slices,
            arm=Arm(name="sparse", recipe=recipe, set=tuple(overrides or ())),
            case=case,
            axes=AXES if axes == "all" else (int(axes),),
            observer=progress,
        )
    report = write_sparse(done, output, command=shlex.join(["univox", *sys.argv[1:]]))
    say(sparse_markdown(done))
    say(f"report {report.resolve()}")
