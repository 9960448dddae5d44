"""A step-size study as files: tables for people and programs, one plot, one offline page."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator, StrMethodFormatter

from univox.atomic import write_json, write_text
from univox.judging.palette import class_color
from univox.judging.statistics import CONFIDENCE, Summary
from univox.judging.svg import INK, as_svg, page_style, standalone
from univox.judging.tables import json_number
from univox.studies.page import study_page, table_html, table_markdown
from univox.studies.step_rows import StepRow, StepSizeStudy
from univox.studies.step_size import FIGURES

MOST_CLASSES = 8
"""Classes with a line of their own; of more, the plot shows the mean alone."""


def write_step_size(study: StepSizeStudy, folder: Path, *, command: str) -> Path:
    """Write steps.csv, steps.json, steps.md, steps.svg and report.html.

    Args:
        study: What to write.
        folder: Where.
        command: That made it; said in each file for readers.

    Returns:
        The path of the page.

    Raises:
        FileError: A file cannot be written.
    """
    write_text(folder / "steps.csv", steps_csv(study))
    write_json(folder / "steps.json", {"command": command, **steps_json(study)})
    write_text(folder / "steps.md", f"{steps_markdown(study)}\n\n{_about(study)}\n\nMade by `{command}`.\n")
    plot = steps_svg(study)
    write_text(folder / "steps.svg", standalone(plot))
    table = table_html(_columns(study), [_cells(study, row) for row in study.rows])
    parts = [f"<p>{_about(study)}</p>", table, plot]
    write_text(folder / "report.html", study_page(f"Step size on {study.dataset}", parts, command=command))
    return folder / "report.html"


def steps_csv(study: StepSizeStudy) -> str:
    """Give one line per step: means, their intervals over cases, and the mean of each class."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    three = [f"{name}{part}" for name in (*FIGURES, "seconds", "processor_seconds") for part in ("", "_low", "_high")]
    by_class = [f"{name} {class_name}" for name in FIGURES for class_name in study.class_names]
    writer.writerow(["step", "cases", "windows", *three, "seconds_per_window", *by_class])
    for row in study.rows:
        summaries = (row.dice, row.mhd_3d, row.seconds, row.processor_seconds)
        classes = [each.mean for figures in (row.dice_by_class, row.mhd_3d_by_class) for each in figures.values()]
        writer.writerow(
            [
                row.step,
                len(study.cases),
                row.windows,
                *(value for each in summaries for value in (each.mean, each.low, each.high)),
                row.seconds_per_window,
                *classes,
            ]
        )
    return stream.getvalue()


def steps_json(study: StepSizeStudy) -> dict[str, Any]:
    """Give everything as strictly valid JSON, each case by each step too; nan becomes null."""
    return {
        "dataset": study.dataset,
        "window": list(study.window),
        "conditions": study.conditions,
        "interval": CONFIDENCE,
        "steps": [{**_plain(asdict(row)), "seconds_per_window": row.seconds_per_window} for row in study.rows],
        "cases": [asdict(each) for each in study.measured],
    }


def steps_markdown(study: StepSizeStudy) -> str:
    """Give the table of the steps, the smallest first."""
    return table_markdown(_columns(study), [_cells(study, row) for row in study.rows])


def steps_svg(study: StepSizeStudy) -> str:
    """Draw Dice, 3D-MHD and seconds over the step; where there are several cases, with intervals of the means."""
    with page_style("steps"):
        figure = Figure(figsize=(9.6, 3.0), layout="constrained")
        axes = figure.subplots(1, 3)
        _figures(axes[0], study, "dice", "Dice")
        _figures(axes[1], study, "mhd_3d", "3D-MHD, √voxels")
        _seconds(axes[2], study)
        handles, labels = axes[0].get_legend_handles_labels()
        legend = figure.legend(handles, labels, loc="outside right center", fontsize=8)
        for text in legend.get_texts():
            text.set_parse_math(False)
        return as_svg(figure, f"Dice, 3D-MHD and seconds of one model on {study.dataset} over the step of its windows")


def _figures(axes: Axes, study: StepSizeStudy, field: str, title: str) -> None:
    if len(study.class_names) <= MOST_CLASSES:
        for index, name in enumerate(study.class_names):
            values = [getattr(row, f"{field}_by_class")[name] for row in study.rows]
            _line(axes, study, values, color=class_color(index), label=name, width=1.2)
    if len(study.class_names) > 1:
        _line(axes, study, [getattr(row, field) for row in study.rows], color=INK, label="mean", width=2.0)
    _step_axis(axes, study, title)


def _seconds(axes: Axes, study: StepSizeStudy) -> None:
    _line(axes, study, [row.seconds for row in study.rows], color=INK, label="elapsed", width=1.6)
    if _counts_processors(study):
        spent = [row.processor_seconds for row in study.rows]
        _line(axes, study, spent, color=INK, label="of processors", width=1.0, style="o:")
        axes.legend(loc="upper right", fontsize=8)
    axes.set_yscale("log", base=10)
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    for row in study.rows:
        windows = f"{row.windows / len(study.cases):,.0f}"
        axes.annotate(windows, (row.step, row.seconds.mean), textcoords="offset points", xytext=(6, 5), fontsize=8)
    axes.margins(x=0.18, y=0.15)
    _step_axis(axes, study, "Seconds a case, with its windows")


def _counts_processors(study: StepSizeStudy) -> bool:
    return all(row.processor_seconds.counted for row in study.rows)


def _line(
    axes: Axes,
    study: StepSizeStudy,
    values: Sequence[Summary],
    *,
    color: str,
    label: str,
    width: float,
    style: str = "o-",
) -> None:
    steps = [row.step for row in study.rows]
    axes.plot(steps, [each.mean for each in values], style, color=color, label=label, linewidth=width, markersize=3.5)
    if len(study.cases) > 1:
        low, high = [each.low for each in values], [each.high for each in values]
        axes.fill_between(steps, low, high, color=color, alpha=0.12, linewidth=0)


def _step_axis(axes: Axes, study: StepSizeStudy, title: str) -> None:
    steps = [row.step for row in study.rows]
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(steps))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(steps, [str(step) for step in steps])
    axes.set_xlabel("step in voxels")
    axes.set_title(title, loc="left")


def _columns(study: StepSizeStudy) -> list[str]:
    interval = ["95 %"] if len(study.cases) > 1 else []
    by_class = [f"Dice {name}" for name in study.class_names] if len(study.class_names) > 1 else []
    spent = ["processor s / case"] if _counts_processors(study) else []
    return ["step", "windows", "Dice", *interval, *by_class, "3D-MHD", *interval, "s / case", *spent, "ms / window"]


def _cells(study: StepSizeStudy, row: StepRow) -> list[str]:
    several = len(study.cases) > 1
    classes = row.dice_by_class.values() if len(study.class_names) > 1 else ()
    return [
        str(row.step),
        f"{row.windows:,}",
        f"{row.dice.mean:.4f}",
        *([f"{row.dice.low:.3f} to {row.dice.high:.3f}"] if several else []),
        *(f"{each.mean:.4f}" for each in classes),
        f"{row.mhd_3d.mean:.4f}",
        *([f"{row.mhd_3d.low:.3f} to {row.mhd_3d.high:.3f}"] if several else []),
        f"{row.seconds.mean:.2f}",
        *([f"{row.processor_seconds.mean:.2f}"] if _counts_processors(study) else []),
        f"{1000 * row.seconds_per_window:.2f}",
    ]


def _about(study: StepSizeStudy) -> str:
    shapes = {each.shape for each in study.measured}
    of = f"{len(study.cases)} cases" if len(study.cases) > 1 else "1 case"
    shape = f" of {_by(next(iter(shapes)))} voxels" if len(shapes) == 1 else ""
    how = ", ".join(f"{name} {value}" for name, value in study.conditions.items())
    return (
        f"{of}{shape}, windows of {_by(study.window)} voxels; {how}. Windows are those of all cases. Seconds are of "
        "the windows and their mean, after the case was prepared; processor seconds leave out waiting for others. "
        "3D-MHD in sqrt(voxels), lower is better."
    )


def _by(sizes: Sequence[int]) -> str:
    return " x ".join(map(str, sizes))


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: _plain(value) if isinstance(value, dict) else value for name, value in values.items()}
    return {name: json_number(value) if isinstance(value, float) else value for name, value in plain.items()}
