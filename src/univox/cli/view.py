"""`univox view`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from univox.cli.console import say
from univox.cli.dataset_options import ClassSelection, Ignore, LabelFolder, LabelsAre, Layout


def view(
    source: Annotated[Path, typer.Argument(help="An image file; with --patches a dataset.", show_default=False)],
    prediction: Annotated[Path | None, typer.Argument(help="Its prediction.", show_default=False)] = None,
    label: Annotated[Path | None, typer.Option(help="Its label.")] = None,
    patches: Annotated[bool, typer.Option("--patches", help="Show what the network sees of a dataset.")] = False,
    recipe: Annotated[str, typer.Option(help="Whose patches and augmentation are shown.")] = "univox",
    overrides: Annotated[list[str] | None, typer.Option("--set", help="Change a value of the recipe.")] = None,
    count: Annotated[int, typer.Option(min=1, help="Patches on the sheet.")] = 24,
    seed: Annotated[int, typer.Option(min=0, help="Of the patches.")] = 0,
    layout: Layout = "auto",
    classes: ClassSelection = None,
    labels: LabelFolder = None,
    labels_are: LabelsAre = "auto",
    ignore: Ignore = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The PNG to write.")] = Path("view.png"),
) -> None:
    """Draw a case with its label and prediction, or a sheet of training patches, as a PNG."""
    from univox.atomic import written_atomically

    if patches:
        from univox.cli.patches import training_batches
        from univox.viewer.patch_sheet import patch_sheet

        with tempfile.TemporaryDirectory() as cache:
            batches = training_batches(
                source,
                recipe=recipe,
                overrides=tuple(overrides or ()),
                count=count,
                seed=seed,
                reading={
                    "layout": layout,
                    "classes": classes,
                    "labels": labels,
                    "labels_are": labels_are,
                    "ignore": ignore,
                },
                cache=Path(cache),
            )
            png = patch_sheet(batches, count=count)
    else:
        from univox.viewer.case_picture import case_picture

        png = case_picture(source, label, prediction)
    with written_atomically(output) as partial:
        partial.write_bytes(png)
    say(f"wrote {output}")
