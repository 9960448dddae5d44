"""`univox train`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

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
    either_named_or_a_share,
)
from univox.cli.run_options import Cache, Device, Holdout, Seed, SkipBadCases, Validation, budget_in_seconds

if TYPE_CHECKING:
    from univox.data.source import DatasetSource
    from univox.training.request import TrainRequest
    from univox.training.run import Trained


def reading_flags(source: DatasetSource) -> str:
    """Give the flags by which another verb reads a dataset as a run did."""
    given = {
        "--format": (source.layout, "auto"),
        "--classes": (source.classes, None),
        "--labels": (source.labels, None),
        "--labels-are": (source.labels_are, "auto"),
        "--borders": (source.borders, "background"),
        "--ignore": (source.ignore, None),
    }
    return "".join(f" {flag} {shlex.quote(str(value))}" for flag, (value, usual) in given.items() if value != usual)


def train(
    datasets: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Decathlon, nnU-Net, iSeg-2017 or images/ + labels/ folders, or CSVs; several train one network."
            " Not needed with --resume.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The model folder to make.")] = Path("model"),
    recipe: Annotated[str, typer.Option(help="A recipe by name (`univox recipes`), or a YAML file.")] = "univox",
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a value of the recipe: --set optimizer.lr=3e-4. Repeatable."),
    ] = None,
    budget: Annotated[
        str | None, typer.Option(help="Finish in this time with the best network it allows: 10m, 1h30m.")
    ] = None,
    iterations: Annotated[int | None, typer.Option(min=1, help="Number of updates, in place of a budget.")] = None,
    init_from: Annotated[
        Path | None,
        typer.Option(
            help="Begin with these weights: a model folder, a .safetensors file, or a torch state dict (.pt, .pth).",
            show_default=False,
        ),
    ] = None,
    init_part: Annotated[
        Literal["network", "encoder"], typer.Option(help="What to take of --init-from: all that fits, or the encoder.")
    ] = "network",
    freeze: Annotated[
        Literal["encoder"] | None,
        typer.Option(help="A part that training leaves as it is.", show_default=False),
    ] = None,
    holdout: Holdout = 0.0,
    test_cases: NamedTestCases = None,
    validation: Validation = 0.1,
    seed: Seed = 0,
    layout: Layout = "auto",
    classes: ClassSelections = None,
    labels: LabelFolders = None,
    labels_are: LabelsAre = "auto",
    borders: Borders = "background",
    ignore: Ignores = None,
    subjects: SubjectPatterns = None,
    skip_bad_cases: SkipBadCases = False,
    jobs: Jobs = 2,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Threads that prepare batches; the weights stay the same.")
    ] = None,
    device: Device = "auto",
    cache: Cache = None,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Also write TensorBoard events.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the output folder.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run in the output folder.")] = False,
) -> None:
    """Train one network, on one dataset or on several, and leave a model folder."""
    from univox.cli.progress import TrainingProgress
    from univox.errors import RecipeError
    from univox.training.request import TrainRequest
    from univox.training.run import remove_run
    from univox.training.run import train as run

    either_named_or_a_share(test_cases, holdout)
    if resume:
        request = TrainRequest.read(output)
    elif not datasets:
        raise RecipeError(expected="a dataset to train on", got="none", remedy="univox train DATASET -o MODEL")
    else:
        request = TrainRequest(
            datasets=dataset_sources(
                datasets,
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
            init_from=init_from,
            init_part=init_part,
            freeze=freeze,
            holdout=holdout,
            validation=validation,
            seed=seed,
            skip_bad_cases=skip_bad_cases,
            jobs=jobs,
            workers=workers,
            device=device,
            cache=cache,
            tensorboard=tensorboard,
        )
        if overwrite:
            remove_run(output)
    with TrainingProgress() as progress:
        trained = run(request, resume=resume, observer=progress)
    figure = "" if trained.validation_dice is None else f", best validation Dice {trained.validation_dice:.3f}"
    say(f"model {trained.model} after {trained.iterations} iterations in {trained.seconds:.0f} s{figure}")
    for line in _next_steps(request, trained):
        say(line)


def _next_steps(request: TrainRequest, trained: Trained) -> list[str]:
    several = len(request.datasets) > 1
    lines: list[str] = []
    for source, (name, split) in zip(request.datasets, trained.splits.items(), strict=True):
        domain = f" --domain {shlex.quote(name)}" if several else ""
        where = f"PREDICTIONS{f'/{shlex.quote(name)}' if several else ''}"
        if split.test:
            lines.append(f"univox predict {trained.model} {source.path} --cases test{domain} -o {where}")
            lines.append(f"univox evaluate {where} {source.path}{reading_flags(source)}")
        else:
            lines.append(f"univox predict {trained.model} YOUR_IMAGES{domain} -o {where}")
    return [f"{'      ' if index else 'next: '}{line}" for index, line in enumerate(lines)]
