"""`univox study universal`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Literal

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


def universal(
    datasets: Annotated[
        list[Path], typer.Argument(help="The datasets, each with a domain of its own.", show_default=False)
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The study's folder; one that is there goes on.")],
    recipe: Annotated[
        list[str] | None, typer.Option(help="An arm of this recipe, a name or a YAML file. Repeatable.")
    ] = None,
    arms: Annotated[
        Path | None, typer.Option(help="A YAML file of arms: NAME: {recipe: univox, set: [domains.signal=equal]}.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Only this arm of the file. Repeatable.")] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Override every arm's recipe: optimizer.lr=3e-4. Repeatable.")
    ] = None,
    beside_independent: Annotated[
        bool,
        typer.Option(
            "--beside-independent", help="Train, beside each one network, one for each dataset by the same recipe."
        ),
    ] = False,
    budget: Annotated[str | None, typer.Option(help="Training time for each dataset: 10m.")] = None,
    iterations: Annotated[
        int | None, typer.Option(min=1, help="Updates for each dataset; default: the recipe's.")
    ] = None,
    holdout: Holdout = 0.2,
    validation: Validation = 0.1,
    judge_on: Annotated[
        Literal["test", "validation"],
        typer.Option(help="`test`: the cases kept out. `validation`: leave those unread, to choose between arms."),
    ] = "test",
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
    """Compare one network for several datasets with one for each (Table 2 of the 3D U2-Net)."""
    from univox.cli.progress import TrainingProgress
    from univox.studies.arms import choose_arms
    from univox.studies.domains.universal import universal as run
    from univox.studies.domains.universal_results import universal_markdown, write_universal
    from univox.training.request import TrainRequest

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
        budget_seconds=budget_in_seconds(budget, iterations),
        iterations=iterations,
        holdout=holdout,
        validation=validation,
        seed=seed,
        jobs=jobs,
        device=device,
        cache=cache,
    )
    chosen = choose_arms(recipe, arms, only, overrides or ())
    with TrainingProgress() as progress:
        done = run(request, chosen, judged_on=judge_on, beside_independent=beside_independent, observer=progress)
    report = write_universal(done, output, command=shlex.join(["univox", *sys.argv[1:]]))
    say(universal_markdown(done))
    say(f"report {report.resolve()}")
