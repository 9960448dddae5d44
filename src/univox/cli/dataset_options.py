"""The flags that say how a dataset is read, the same in every verb."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

DatasetPath = Annotated[
    Path,
    typer.Argument(
        help="A Decathlon, nnU-Net, iSeg-2017 or images/ + labels/ folder, or a CSV of paths.",
        show_default=False,
    ),
]
Layout = Annotated[
    Literal["auto", "msd", "nnunet", "iseg", "folders", "csv"],
    typer.Option("--format", help="The dataset's layout, where it is not recognised by itself."),
]
ClassSelection = Annotated[
    str | None,
    typer.Option("--classes", help="Select and merge classes by code or name: 'organ=1,2;tumour=3'."),
]
LabelFolder = Annotated[str | None, typer.Option("--labels", help="Another label folder of the dataset, by name.")]
LabelsAre = Annotated[
    Literal["auto", "classes", "instances"],
    typer.Option("--labels-are", help="Whether label images hold classes or instance numbers."),
]
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=1, help="Processes that read and prepare cases.")]
