"""`univox study compare`."""

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
from univox.cli.run_options import Device


def compare(
    dataset: Annotated[Path, typer.Argument(help="The dataset whose cases are compared on.", show_default=False)],
    model: Annotated[
        list[str],
        typer.Option(
            help="FOLDER or NAME=FOLDER of a model, or of finished predictions. Repeat for each.", show_default=False
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The study's folder; one that is there goes on.")],
    cases: Annotated[
        list[str] | None,
        typer.Option(
            help="These cases, 'NAME,NAME' or `all`, even if a model has learned from them; the report will say so. "
            "Default: the test cases that all models have in common. Repeatable."
        ),
    ] = None,
    metric: Annotated[
        list[str] | None, typer.Option(help="What is compared: dice (default), hd95_mm... Repeatable.")
    ] = None,
    domain: Annotated[
        str | None, typer.Option(help="Of models that know several datasets; default: the one called like this one.")
    ] = None,
    layout: Layout = "auto",
    classes: ClassSelection = None,
    labels: LabelFolder = None,
    labels_are: LabelsAre = "auto",
    borders: Borders = "background",
    ignore: Ignore = None,
    subjects: SubjectPattern = None,
    jobs: Jobs = 2,
    device: Device = "auto",
) -> None:
    """Compare models on the same unseen cases: paired differences with intervals, tests, curves."""
    from univox.cli.progress import TrainingProgress
    from univox.data.source import DatasetSource
    from univox.studies.comparison.comparison import Asked
    from univox.studies.comparison.comparison import compare as run
    from univox.studies.comparison.comparison_results import comparison_markdown, write_comparison

    named = (name.strip() for value in cases or () for name in value.split(","))
    asked = Asked(
        source=DatasetSource(
            path=dataset,
            layout=layout,
            classes=classes,
            labels=labels,
            labels_are=labels_are,
            borders=borders,
            ignore=ignore,
            subjects=subjects,
        ),
        models=tuple(model),
        output=output,
        cases=tuple(dict.fromkeys(filter(None, named))),
        metrics=tuple(dict.fromkeys(metric or ("dice",))),
        domain=domain,
        device=device,
        jobs=jobs,
    )
    with TrainingProgress() as progress:
        done = run(asked, observer=progress)
    report = write_comparison(done, output, command=shlex.join(["univox", *sys.argv[1:]]))
    say(comparison_markdown(done))
    say(f"report {report.resolve()}")
