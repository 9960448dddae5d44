"""`univox evaluate`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from univox.cli.console import EXIT_SOME_FAILED, complain, say, table
from univox.cli.dataset_options import Borders, ClassSelection, DatasetPath, LabelFolder, LabelsAre, Layout

WORST = 10


def evaluate(
    predictions: Annotated[Path, typer.Argument(help="Folder of label files.", show_default=False)],
    dataset: DatasetPath,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder of the results; default: beside the predictions."),
    ] = None,
    layout: Layout = "auto",
    classes: ClassSelection = None,
    labels: LabelFolder = None,
    labels_are: LabelsAre = "auto",
    borders: Borders = "background",
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Cases judged at once.")] = 2,
) -> None:
    """Judge predictions against a dataset's labels: tables, intervals and one offline HTML report.

    Exit status: 0 all judged, 3 some could not be.
    """
    from univox.data.layouts import open_dataset
    from univox.judging.judge import REPORT, judge

    opened = open_dataset(
        dataset, layout=layout, classes=classes, labels=labels, labels_are=labels_are, borders=borders
    )
    where = output or predictions.parent / f"{predictions.resolve().name}-evaluation"
    done = judge(predictions, opened, where, jobs=jobs)
    rows: list[list[str]] = []
    for name, by_metric in done.summaries.items():
        for metric in ("dice", "iou", "precision", "recall", "hd95_mm"):
            s = by_metric[metric]
            rows.append(
                [name, metric, f"{s.mean:.3f}", f"{s.low:.3f} .. {s.high:.3f}", str(s.counted), str(s.left_out)]
            )
    table("", ["class", "metric", "mean", "95 % interval", "cases", "left out"], rows, right={2, 4, 5})
    worst = ", ".join(f"{r.name} {r.mean_dice:.3f}" for r in done.results[:WORST])
    say(f"worst first: {worst}")
    for failure in done.failures:
        complain(f"{failure.case}: {failure.cause}; remedy: {failure.remedy}")
    say(f"mean foreground Dice {done.mean_foreground_dice.mean:.3f} over {len(done.results)} cases")
    say(f"report {(where / REPORT).resolve()}")
    if done.failures:
        sys.exit(EXIT_SOME_FAILED)
