"""`univox calibrate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from univox.cli.console import say, table
from univox.cli.dataset_options import Borders, DatasetPath, Ignore, LabelFolder, LabelsAre, Layout
from univox.cli.run_options import Device, TrustNetwork

FEW = 3
"""Of fewer cases a temperature says little about others."""

if TYPE_CHECKING:
    from univox.inference.calibrate import MeasuredCalibration


def calibrate(
    model: Annotated[Path, typer.Argument(help="A model folder.", show_default=False)],
    dataset: DatasetPath,
    domain: Annotated[
        str | None, typer.Option(help="Which, of a model that knows several datasets (univox info MODEL).")
    ] = None,
    cases: Annotated[
        str, typer.Option(help="'validation', or names of cases that it was not trained on, comma-separated.")
    ] = "validation",
    measure_only: Annotated[
        bool,
        typer.Option("--measure-only", help="Store nothing: measure the model as it is, as on --cases test."),
    ] = False,
    layout: Layout = "auto",
    labels: LabelFolder = None,
    labels_are: LabelsAre = "auto",
    borders: Borders = "background",
    ignore: Ignore = None,
    device: Device = "auto",
    trust: TrustNetwork = False,
) -> None:
    """Make probabilities mean what they say: fit one temperature on validation cases, and store it with the model.

    No label and no weight changes; what --save-probabilities and --uncertainty of `univox predict` write does.
    """
    from univox.data.layouts import open_dataset
    from univox.inference import calibrate as work

    opened = open_dataset(dataset, layout=layout, labels=labels, labels_are=labels_are, borders=borders, ignore=ignore)
    run = work.measure if measure_only else work.calibrate
    done = run(
        model,
        opened,
        domain=domain,
        cases=cases if cases in ("validation", "test") else [name.strip() for name in cases.split(",")],
        device=device,
        trusted=trust,
        on_case=lambda name, number, total: say(f"[{number}/{total}] {name}"),
    )
    _show(done)
    count = len(done.scaling.cases)
    stored = "as it is; nothing stored" if measure_only else f"stored in {model}"
    say(f"temperature {done.scaling.temperature:.4f} on {count} case{'s' if count != 1 else ''}, {stored}")
    if count < FEW and not measure_only:
        say("fitted on few cases: --cases test --measure-only says what it is worth on others")


def _show(done: MeasuredCalibration) -> None:
    rows = [
        [
            name,
            f"{figures.voxels:,}",
            *(f"{value:.5f}" for value in (figures.nll_before, figures.nll_after)),
            *(f"{value:.5f}" for value in (figures.ece_before, figures.ece_after)),
        ]
        for name, figures in (
            ("around the foreground", done.scaling.surroundings),
            ("all that the network sees", done.scaling.whole),
        )
    ]
    columns = ["voxels of", "voxels", "NLL at 1", "NLL at T", "ECE at 1", "ECE at T"]
    table("", columns, rows, right={1, 2, 3, 4, 5})
    errors = done.errors
    say(
        f"entropy as a sign of errors around the foreground: area under ROC {errors.roc_area:.3f},"
        f" {errors.found:.1%} of the errors in the 5 % most uncertain voxels"
    )
