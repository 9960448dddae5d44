"""`univox sparsify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from univox.cli.console import say
from univox.cli.dataset_options import ClassSelection, DatasetPath, Ignore, LabelFolder, LabelsAre, Layout

Axes = Annotated[
    Literal["all", "0", "1", "2"],
    typer.Option(help="Slices across which axis: 0 from feet to head, 1 from back to front, 2 from left to right."),
]


def sparsify(
    dataset: DatasetPath,
    output: Annotated[Path, typer.Option("--output", "-o", help="The new dataset's folder.", show_default=False)],
    keep_slices: Annotated[
        str | None, typer.Option(help="Slices of each axis that keep their labels: a number, or a share as in '10%'.")
    ] = None,
    masks: Annotated[
        Path | None,
        typer.Option(help="In place of slices: a folder of masks named like the cases, not 0 where one is annotated."),
    ] = None,
    axes: Axes = "all",
    layout: Layout = "auto",
    classes: ClassSelection = None,
    labels: LabelFolder = None,
    labels_are: LabelsAre = "auto",
    ignore: Ignore = None,
) -> None:
    """Copy a dataset with labels on a few slices, or where masks say, the rest declared as labelled by nobody.

    Slices are spread evenly over those that hold foreground.
    """
    from univox.data.layouts import open_dataset
    from univox.data.sparsify import AXES, Kept
    from univox.data.sparsify import sparsify as run
    from univox.errors import RecipeError

    if (keep_slices is None) == (masks is None):
        raise RecipeError(expected="either --keep-slices or --masks", got="both or none", remedy="give one of them")
    kept = masks if masks is not None else Kept.parse(keep_slices or "")
    opened = open_dataset(dataset, layout=layout, classes=classes, labels=labels, labels_are=labels_are, ignore=ignore)
    done = run(opened, output, kept=kept, axes=AXES if axes == "all" else (int(axes),))
    for each in done:
        numbers = " + ".join(str(len(slices)) for slices in each.slices.values())
        say(f"{each.name}: {f'{numbers} slices, ' if numbers else ''}{each.share:.1%} of its voxels keep their labels")
    say(f"next: univox train {output} -o MODEL")
