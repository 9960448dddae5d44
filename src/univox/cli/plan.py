"""`univox plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from univox.cli.console import say
from univox.cli.dataset_options import (
    Borders,
    ClassSelection,
    DatasetPath,
    Ignore,
    Jobs,
    LabelFolder,
    LabelsAre,
    Layout,
)


def plan(
    dataset: DatasetPath,
    recipe: Annotated[str, typer.Option(help="Whose `auto` values are decided.")] = "univox",
    layout: Layout = "auto",
    classes: ClassSelection = None,
    labels: LabelFolder = None,
    labels_are: LabelsAre = "auto",
    borders: Borders = "background",
    ignore: Ignore = None,
    jobs: Jobs = 2,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the JSON here.")] = None,
) -> None:
    """Measure a dataset and show what a recipe's `auto` values become, each with its reason."""
    from univox.data.layouts import open_dataset
    from univox.data.plan import make_plan
    from univox.recipes.catalog import load_recipe

    opened = open_dataset(
        dataset, layout=layout, classes=classes, labels=labels, labels_are=labels_are, borders=borders, ignore=ignore
    )
    chosen = load_recipe(recipe)
    made = make_plan(
        opened,
        opened.labelled,
        preprocessing=chosen.preprocessing,
        sizes=chosen.patches,
        jobs=jobs,
    )
    if output is not None:
        made.write(output)
    say(made.model_dump_json(indent=2))
