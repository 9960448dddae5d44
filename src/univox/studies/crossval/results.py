"""A cross-validation as files: tables as the papers print them, a line for every fold, one plot, one offline page."""

from __future__ import annotations

import csv
import html
import io
import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from univox.atomic import write_json, write_text
from univox.judging.statistics import Summary, summarize
from univox.judging.svg import standalone
from univox.metrics import ClassPair
from univox.metrics.catalog import Metric
from univox.studies.crossval.fold import arm_folder
from univox.studies.crossval.run import ArmOutcome, CrossValidation
from univox.studies.interval_plot import IntervalRow, intervals_svg
from univox.studies.page import study_page, table_html, table_markdown

TABLED = ("dice", "hd95_mm", "mhd_3d")
"""Metrics that get a table of their own, where they were judged; the files of each arm's judgement have all."""
RUN_COLUMNS = ("arm", "parameters", "iterations", "s / iteration", "training, s a fold", "inference, s a case")


@dataclass(frozen=True)
class Row:
    """One metric of one arm: over subjects, by class and in the mean of the classes.

    Args:
        arm: Its name.
        metric: What was judged.
        classes: By name; a subject's figure is the mean of its cases.
        mean: Of each subject's mean over the classes.
    """

    arm: str
    metric: Metric[ClassPair]
    classes: dict[str, Summary]
    mean: Summary


def rows_of(study: CrossValidation) -> list[Row]:
    """Give a row for each metric that is tabled and each arm, the metrics one after the other."""
    judged = study.arms[0].judged
    metrics = [metric for metric in judged.measures.of_classes(study.dataset.spatial_dims) if metric.name in TABLED]
    return [_row(outcome, metric) for metric in metrics for outcome in study.arms]


def write_crossval(study: CrossValidation, folder: Path, *, command: str) -> Path:
    """Write crossval.csv, folds.csv, crossval.json, crossval.md, dice.svg and report.html.

    Args:
        study: What to write.
        folder: The study's.
        command: That made it; said in each file.

    Returns:
        The path of the page.

    Raises:
        FileError: A file cannot be written.
    """
    plot = dice_svg(study)
    write_text(folder / "crossval.csv", crossval_csv(study))
    write_text(folder / "folds.csv", folds_csv(study))
    write_json(folder / "crossval.json", _as_json(study, command))
    write_text(folder / "crossval.md", f"{crossval_markdown(study)}\n\nMade by `{command}`.\n")
    write_text(folder / "dice.svg", standalone(plot))
    write_text(folder / "report.html", _page(study, plot, folder, command))
    return folder / "report.html"


def crossval_markdown(study: CrossValidation) -> str:
    """Give a table for each metric, mean and standard deviation over the subjects, and one of the runs."""
    parts = [f"{heading(metric)}\n\n{table_markdown(heads, rows)}" for metric, heads, rows in _tables(study)]
    return "\n\n".join([*parts, table_markdown(RUN_COLUMNS, _run_rows(study)), _legend(study)])


def crossval_csv(study: CrossValidation) -> str:
    """Give one line per metric, arm and class, with mean, standard deviation, median, interval and counts."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["metric", "unit", "arm", "class", *Summary.__dataclass_fields__])
    for row in rows_of(study):
        for name, summary in {**row.classes, "(mean)": row.mean}.items():
            writer.writerow([row.metric.name, row.metric.unit, row.arm, name, *asdict(summary).values()])
    return stream.getvalue()


def folds_csv(study: CrossValidation) -> str:
    """Give one line per arm, fold and case kept out, with the run's figures and the seconds of the prediction."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["arm", "fold", "case", "seconds", "iterations", "training_seconds", "validation_dice"])
    for outcome in study.arms:
        for fold in outcome.folds:
            for case, seconds in fold.case_seconds.items():
                run = [fold.iterations, fold.seconds, fold.validation_dice]
                writer.writerow([outcome.arm.name, fold.number, case, seconds, *run])
    return stream.getvalue()


def dice_svg(study: CrossValidation) -> str:
    """Draw each subject's mean Dice, a row for each arm, and the mean of all with its 95 % interval."""
    rows: list[IntervalRow] = []
    for outcome in study.arms:
        values = tuple(value for value in _subject_means(outcome, "dice") if math.isfinite(value))
        summary = summarize(values)
        bounds = (None, None) if math.isnan(summary.low) else (summary.low, summary.high)
        rows.append(IntervalRow(outcome.arm.name, summary.mean if values else None, *bounds, values))
    return intervals_svg(
        rows,
        title="Mean foreground Dice: subjects, their mean and its 95 % interval",
        described="Mean foreground Dice of every subject when it was kept out, by arm",
    )


def heading(metric: Metric[ClassPair]) -> str:
    """Name a metric with its unit.

    >>> from univox.metrics.catalog import find_metric
    >>> heading(find_metric("HD95"))
    'HD95 (mm)'
    """
    return f"{metric.title} ({metric.unit})" if metric.unit else metric.title


def _row(outcome: ArmOutcome, metric: Metric[ClassPair]) -> Row:
    judged = outcome.judged
    classes = {name: summarize(_by_subject(outcome, judged.values(name, metric.name))) for name in judged.class_names}
    return Row(outcome.arm.name, metric, classes, summarize(_subject_means(outcome, metric.name)))


def _subject_means(outcome: ArmOutcome, metric: str) -> list[float]:
    """Give each subject's mean over the classes that have a figure."""
    judged = outcome.judged
    by_class = [_by_subject(outcome, judged.values(name, metric)) for name in judged.class_names]
    return [_mean(values) for values in zip(*by_class, strict=True)]


def _by_subject(outcome: ArmOutcome, values: Sequence[float]) -> list[float]:
    """Give the mean of each subject's cases, subjects by name."""
    cases: dict[str, list[float]] = {}
    for result, value in zip(outcome.judged.results, values, strict=True):
        cases.setdefault(result.case.subject, []).append(value)
    return [_mean(cases[subject]) for subject in sorted(cases)]


def _mean(values: Sequence[float]) -> float:
    finite = [value for value in values if math.isfinite(value)]
    return statistics.fmean(finite) if finite else math.nan


def _tables(study: CrossValidation) -> list[tuple[Metric[ClassPair], list[str], list[list[str]]]]:
    rows = rows_of(study)
    heads = ["arm", *study.arms[0].judged.class_names, "mean"]
    metrics = list(dict.fromkeys(row.metric for row in rows))
    return [(metric, heads, [_cells(row) for row in rows if row.metric == metric]) for metric in metrics]


def _cells(row: Row) -> list[str]:
    return [row.arm, *(_figure(summary) for summary in row.classes.values()), _figure(row.mean)]


def _figure(summary: Summary) -> str:
    """Give mean and standard deviation, and how many subjects had no figure."""
    if not summary.counted:
        return "-"
    spread = "" if math.isnan(summary.sd) else f" ± {summary.sd:.4f}"
    return f"{summary.mean:.4f}{spread}" + (f" ({summary.left_out} left out)" if summary.left_out else "")


def _run_rows(study: CrossValidation) -> list[list[str]]:
    rows: list[list[str]] = []
    for outcome in study.arms:
        seconds = summarize(value for fold in outcome.folds for value in fold.case_seconds.values())
        rows.append(
            [
                outcome.arm.name,
                f"{outcome.folds[0].parameters:,}",
                f"{statistics.median(fold.iterations for fold in outcome.folds):,g}",
                f"{statistics.median(fold.seconds_per_iteration for fold in outcome.folds):.2f}",
                f"{statistics.fmean(fold.seconds for fold in outcome.folds):.0f}",
                f"{seconds.mean:.2f}" + ("" if math.isnan(seconds.sd) else f" ± {seconds.sd:.2f}"),
            ]
        )
    return rows


def _legend(study: CrossValidation) -> str:
    subjects = {result.case.subject for result in study.arms[0].judged.results}
    folds = f"{len(study.splits)} fold{'s' if len(study.splits) > 1 else ''}"
    return (
        f"{study.dataset.name}, {study.protocol}: {folds}, {len(subjects)} subjects kept out, each once. "
        "Mean ± standard deviation over the subjects (n - 1)."
    )


def _page(study: CrossValidation, plot: str, folder: Path, command: str) -> str:
    hints = [" ".join([outcome.arm.recipe, *outcome.arm.set]) for outcome in study.arms]
    parts = [f"<p>{html.escape(_legend(study))}</p>"]
    for metric, heads, rows in _tables(study):
        parts.append(f"<h2>{html.escape(heading(metric))}</h2>{table_html(heads, rows, hints)}")
    reports = [(arm_folder(folder, outcome.arm) / "evaluation" / "report.html", outcome) for outcome in study.arms]
    links = ", ".join(
        f'<a href="{html.escape(path.relative_to(folder).as_posix())}">{html.escape(outcome.arm.name)}</a>'
        for path, outcome in reports
    )
    parts += [plot, "<h2>Runs</h2>", table_html(RUN_COLUMNS, _run_rows(study), hints)]
    parts.append(f"<p>Every case: {links}</p>")
    return study_page(f"Cross-validation on {study.dataset.name}", parts, command=command)


def _as_json(study: CrossValidation, command: str) -> dict[str, object]:
    return {
        "command": command,
        "dataset": study.dataset.name,
        "protocol": study.protocol,
        "tables": [
            {
                "metric": row.metric.name,
                "arm": row.arm,
                "classes": {name: _json(summary) for name, summary in row.classes.items()},
                "mean": _json(row.mean),
            }
            for row in rows_of(study)
        ],
        "arms": [
            {"name": each.arm.name, "recipe": each.arm.recipe, "folds": [asdict(fold) for fold in each.folds]}
            for each in study.arms
        ],
    }


def _json(summary: Summary) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in asdict(summary).items()}
