"""`univox slices`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from univox.cli.console import say
from univox.cli.dataset_options import ClassSelection, DatasetPath, LabelFolder, LabelsAre, Layout


def slices(
    dataset: DatasetPath,
    output: Annotated[Path, typer.Option("--output", "-o", help="The new dataset's folder.", show_default=False)],
    axes: Annotated[
        str, typer.Option(help="Slices lie across these: 0: from feet to head (pages of a stack), 1, 2; or '0,1,2'.")
    ] = "0",
    layout: Layout = "auto",
    classes: ClassSelection = None,
    labels: LabelFolder = None,
    labels_are: LabelsAre = "auto",
) -> None:
    """Write the slices of volumes as 2-D cases, to train a 2-D network on; `univox predict` takes volumes then.

    The slices of one volume have its subject, so that no split parts them.
    """
    from univox.data.derived import written_codes
    from univox.data.layouts import open_dataset
    from univox.data.slices import write_slices
    from univox.errors import RecipeError

    numbers = [axis.strip() for axis in axes.split(",")]
    if not all(number.isdecimal() for number in numbers):
        raise RecipeError(expected="axes as numbers, as in 0,1,2", got=repr(axes), remedy="correct --axes")
    opened = open_dataset(dataset, layout=layout, classes=classes, labels=labels, labels_are=labels_are)
    done = write_slices(opened, output, axes=[int(number) for number in numbers])
    for each in done:
        say(f"{each.name}: {each.slices} slices" + (f", {each.blank} blank ones left out" if each.blank else ""))
    codes = written_codes(opened.classes)
    names = ";".join(f"{name}={codes[index]}" for index, name in enumerate(opened.classes.names) if index)
    how = " --labels-are instances" if opened.classes.instances else ""
    say(f"next: univox train {output} --classes {shlex.quote(names)}{how} --holdout 0.2 -o MODEL")
    say(f"      univox predict MODEL {dataset} --slices {axes} -o PREDICTIONS")
