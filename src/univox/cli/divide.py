"""`univox divide`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from univox.cli.console import say
from univox.cli.dataset_options import ClassSelection, DatasetPath, Ignore, LabelFolder, LabelsAre, Layout

if TYPE_CHECKING:
    from univox.data.divide import Divided


def divide(
    dataset: DatasetPath,
    output: Annotated[Path, typer.Option("--output", "-o", help="The new dataset's folder.", show_default=False)],
    share: Annotated[float, typer.Option(min=0.01, max=0.99, help="Part of each volume that is kept out.")] = 0.25,
    axis: Annotated[
        Literal["auto", "0", "1", "2"],
        typer.Option(
            help="0: from feet to head, 1: from back to front, 2: from left to right; auto: the longest in mm."
        ),
    ] = "auto",
    layout: Layout = "auto",
    classes: ClassSelection = None,
    labels: LabelFolder = None,
    labels_are: LabelsAre = "auto",
    ignore: Ignore = None,
) -> None:
    """Make two cases of each, NAME and NAME_kept_out, for a dataset of too few subjects to keep one out.

    Both are parts of one volume of one subject: a score on NAME_kept_out is no measure of new subjects.
    """
    from univox.data.divide import divide as run
    from univox.data.layouts import open_dataset

    opened = open_dataset(dataset, layout=layout, classes=classes, labels=labels, labels_are=labels_are, ignore=ignore)
    done = run(opened, output, share=share, axis=None if axis == "auto" else int(axis))
    for each in done:
        say(
            f"{each.name}: {each.cut} of {each.size} positions of axis {each.axis}; "
            f"{each.kept_out}: the other {each.size - each.cut}"
        )
        for line in _lopsided(each):
            say(line)
    say("both parts are of one subject: a score on what was kept out is no measure of new subjects")
    names = ",".join(each.kept_out for each in done)
    say(f"next: univox train {output} -o MODEL --test-cases {names}")


def _lopsided(each: Divided) -> list[str]:
    found = [
        (
            each.only_in_first,
            f"only {each.name} holds",
            "nothing that is kept out judges it (another --axis or --share may)",
        ),
        (
            each.only_kept_out,
            f"only {each.kept_out} holds",
            f"{each.name} cannot teach it (another --axis or --share may)",
        ),
    ]
    return [f"  {words} {', '.join(names)}: {meaning}" for names, words, meaning in found if names]
