"""`univox study step-size`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from univox.cli.console import say
from univox.cli.dataset_options import Borders, ClassSelection, Ignore, LabelFolder, LabelsAre, Layout
from univox.cli.run_options import Device, TrustNetwork


def step_size(
    model: Annotated[Path, typer.Argument(help="A model folder.", show_default=False)],
    dataset: Annotated[Path, typer.Argument(help="The dataset that is predicted and judged.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="The study's folder; one that is there goes on.")],
    step: Annotated[
        list[int] | None,
        typer.Option(
            min=1,
            help="Voxels between windows. Repeatable; default: the window's edge, and a half, a quarter and an eighth"
            " of it (of 32 voxels: 4, 8, 16, 32).",
            show_default=False,
        ),
    ] = None,
    cases: Annotated[
        str,
        typer.Option(help="'test' or 'validation' (as kept out in training), 'all', or names, comma-separated."),
    ] = "test",
    domain: Annotated[
        str | None, typer.Option(help="What to segment, of a model that knows several datasets (univox info MODEL).")
    ] = None,
    layout: Layout = "auto",
    classes: ClassSelection = None,
    labels: LabelFolder = None,
    labels_are: LabelsAre = "auto",
    ignore: Ignore = None,
    borders: Borders = "background",
    device: Device = "auto",
    trust: TrustNetwork = False,
) -> None:
    """Measure what each step of a model's sliding window costs and gives (Figures 6 and 7 of the Non-local U-Net)."""
    from univox.cli.progress import TrainingProgress
    from univox.data.source import DatasetSource
    from univox.studies.step_size import StepSizeRequest
    from univox.studies.step_size import step_size as run
    from univox.studies.step_size_results import steps_markdown, write_step_size

    request = StepSizeRequest(
        model=model,
        source=DatasetSource(
            path=dataset,
            layout=layout,
            classes=classes,
            labels=labels,
            labels_are=labels_are,
            ignore=ignore,
            borders=borders,
        ),
        output=output,
        steps=tuple(step or ()),
        cases=cases,
        domain=domain,
        device=device,
        trusted=trust,
    )
    with TrainingProgress() as progress:
        done = run(request, observer=progress)
    report = write_step_size(done, output, command=shlex.join(["univox", *sys.argv[1:]]))
    say(steps_markdown(done))
    say(f"report {report.resolve()}")
