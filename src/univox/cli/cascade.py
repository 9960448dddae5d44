"""`univox cascade`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
from univox.cli.run_options import Cache, Device, Holdout, Seed, SkipBadCases, Validation, budget_in_seconds

if TYPE_CHECKING:
    from univox.data.classes import Classes
    from univox.training.cascade import CascadeRequest


def cascade(
    dataset: Annotated[
        Path | None, typer.Argument(help="A dataset of volumes. Not needed with --resume.", show_default=False)
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder of both models.")] = Path("model"),
    region: Annotated[
        str | None,
        typer.Option(help="Classes that make the region, merged or not: 'lung=1,2'. Default: all of them as one."),
    ] = None,
    margin_mm: Annotated[float, typer.Option(min=0.0, help="Surroundings of the region's box, mm.")] = 10.0,
    closing_mm: Annotated[float, typer.Option(min=0.0, help="Bridge gaps of the region by such a ball.")] = 0.0,
    least_piece: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help="Drop pieces of the region below this share of the largest; 1: keep that."),
    ] = 0.1,
    region_recipe: Annotated[str, typer.Option(help="Recipe of the first stage.")] = "univox",
    region_set: Annotated[
        list[str] | None,
        typer.Option(help="Change a value of it, such as preprocessing.spacing_mm=[4,4,4]. Repeatable."),
    ] = None,
    recipe: Annotated[str, typer.Option(help="Recipe of the second stage.")] = "univox",
    overrides: Annotated[list[str] | None, typer.Option("--set", help="Change a value of it. Repeatable.")] = None,
    budget: Annotated[str | None, typer.Option(help="Time of each stage: 10m.")] = None,
    iterations: Annotated[int | None, typer.Option(min=1, help="Updates of each stage, in place of a budget.")] = None,
    holdout: Holdout = 0.0,
    validation: Validation = 0.1,
    seed: Seed = 0,
    layout: Layout = "auto",
    classes: ClassSelection = None,
    labels: LabelFolder = None,
    labels_are: LabelsAre = "auto",
    borders: Borders = "background",
    ignore: Ignore = None,
    subjects: SubjectPattern = None,
    skip_bad_cases: SkipBadCases = False,
    jobs: Jobs = 2,
    device: Device = "auto",
    cache: Cache = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the cascade in the output folder.")] = False,
) -> None:
    """Train two networks, one to find a region and one to segment inside it; `univox predict` takes both as one."""
    from univox.cli.progress import TrainingProgress
    from univox.data.region import Region
    from univox.data.source import DatasetSource
    from univox.errors import RecipeError
    from univox.model.folder import read_model
    from univox.training.cascade import STAGES, CascadeRequest, read_cascade_request, train_cascade
    from univox.training.request import TrainRequest

    if resume:
        request = read_cascade_request(output)
    elif dataset is None:
        raise RecipeError(expected="a dataset to train on", got="none", remedy="univox cascade DATASET -o MODEL")
    else:
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
        request = CascadeRequest(
            whole=TrainRequest(
                datasets=(source,),
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
            ),
            region_classes=region or _all_as_one(source.open().classes),
            region_recipe=region_recipe,
            region_overrides=tuple(region_set or ()),
            region=Region(margin_mm=margin_mm, closing_mm=closing_mm, least_piece=least_piece),
        )
    with TrainingProgress() as progress:
        model = train_cascade(request, resume=resume, observer=progress)
    say(f"model {model}")
    say(f"next: {_next_step(request, bool(read_model(model / STAGES[1]).domain().split['test']))}")


def _all_as_one(classes: Classes) -> str:
    return f"region={','.join(str(code) for each in classes.classes[1:] for code in each.codes)}"


def _next_step(request: CascadeRequest, kept_out: bool) -> str:
    what = f"{request.whole.dataset.path} --cases test" if kept_out else "YOUR_IMAGES"
    return f"univox predict {shlex.quote(str(request.whole.output))} {what} -o PREDICTIONS"
