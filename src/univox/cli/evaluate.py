"""`univox evaluate`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from univox.cli.console import EXIT_SOME_FAILED, complain, say, table
from univox.cli.dataset_options import Borders, ClassSelection, DatasetPath, Ignore, LabelFolder, LabelsAre, Layout

if TYPE_CHECKING:
    from univox.judging.evaluate import Evaluation
    from univox.judging.statistics import Summary

WORST = 10
FIRST = ("dice", "iou", "precision", "recall", "hd95_mm", "surface_dice", "volume_difference_percent")
"""Shown where nobody says what to judge; the files hold the rest."""
WHOLE_CASE = "(case)"


def evaluate(
    predictions: Annotated[Path, typer.Argument(help="Folder of label files.", show_default=False)],
    dataset: DatasetPath,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder of the results; default: beside the predictions."),
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            help="Groups, or single names (`univox metrics`), divided by commas: overlap, surface, volume, "
            "modified-hausdorff, lesions, segments, objects, all; default: overlap,surface,volume.",
            show_default=False,
        ),
    ] = None,
    tolerance_mm: Annotated[float, typer.Option(help="Distance that the surface Dice forgives.")] = 2.0,
    empty: Annotated[
        Literal["nan", "one"],
        typer.Option(
            help="A class in neither label nor prediction: left out and counted, or perfect (1; distances 0)."
        ),
    ] = "nan",
    interior: Annotated[
        str | None,
        typer.Option(
            help="For the group `segments`: classes that lie inside segments, divided by commas; default: all but the "
            "background.",
            show_default=False,
        ),
    ] = None,
    layout: Layout = "auto",
    classes: ClassSelection = None,
    labels: LabelFolder = None,
    labels_are: LabelsAre = "auto",
    borders: Borders = "background",
    ignore: Ignore = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Cases judged at once.")] = 2,
) -> None:
    """Judge predictions against a dataset's labels: tables, intervals and one offline HTML report.

    Exit status: 0 all judged, 3 some could not be.
    """
    from univox.data.layouts import open_dataset
    from univox.judging.judge import REPORT, judge
    from univox.judging.measures import Measures
    from univox.metrics.catalog import DEFAULT_GROUPS

    measures = Measures(
        metrics=_names(metrics) if metrics is not None else DEFAULT_GROUPS,
        tolerance_mm=tolerance_mm,
        empty=empty,
        interior=_names(interior or ""),
    )
    opened = open_dataset(
        dataset,
        layout=layout,
        classes=classes,
        labels=labels,
        labels_are=labels_are,
        borders=borders,
        ignore=ignore,
    )
    where = output or predictions.parent / f"{predictions.resolve().name}-evaluation"
    done = judge(predictions, opened, where, measures=measures, jobs=jobs)
    _show(done, FIRST if metrics is None else None)
    worst = ", ".join(f"{r.name} {r.mean_dice:.3f}" for r in done.results[:WORST])
    say(f"worst first: {worst}")
    for failure in done.failures:
        complain(f"{failure.case}: {failure.cause}; remedy: {failure.remedy}")
    say(f"mean foreground Dice {done.mean_foreground_dice.mean:.3f} over {len(done.results)} cases")
    say(f"report {(where / REPORT).resolve()}")
    if done.failures:
        sys.exit(EXIT_SOME_FAILED)


def _names(given: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in given.split(",") if name.strip())


def _show(done: Evaluation, only: tuple[str, ...] | None) -> None:
    """Draw one line per class and metric; those of whole cases last."""
    rows = [
        _row(name, metric, summary)
        for name, by_metric in done.summaries.items()
        for metric, summary in by_metric.items()
        if only is None or metric in only
    ]
    rows += [_row(WHOLE_CASE, metric, summary) for metric, summary in done.case_summaries.items()]
    table("", ["class", "metric", "mean", "95 % interval", "cases", "left out"], rows, right={2, 4, 5})
    names = {row[1] for row in rows}
    if "surface_dice" in names:
        say(f"surface_dice: at a tolerance of {done.measures.tolerance_mm:g} mm")
    say("left out: without a value, or infinite (one side is empty); `univox metrics NAME` explains a figure")


def _row(name: str, metric: str, summary: Summary) -> list[str]:
    left_out = f"{summary.left_out} ({summary.infinite} infinite)" if summary.infinite else str(summary.left_out)
    interval = f"{summary.low:.3f} .. {summary.high:.3f}"
    return [name, metric, f"{summary.mean:.3f}", interval, str(summary.counted), left_out]
