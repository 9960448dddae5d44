"""A patch-size study as files: tables for people and programs, plots, one offline page."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from univox.atomic import write_json, write_text
from univox.judging.palette import class_color
from univox.judging.svg import INK, as_svg, page_style, standalone
from univox.studies.ablation import ArmResult
from univox.studies.ablation_results import COLUMNS, arm_cells, curves_svg
from univox.studies.page import study_page, table_html, table_markdown
from univox.studies.patch_size import Patch, PatchSizeStudy

PATCH_COLUMNS = ("patch", "batch", *COLUMNS[1:])
MOST_CLASSES = 8
"""Classes with a line of their own; of more, the plot shows the mean alone."""


def write_patch_size(study: PatchSizeStudy, folder: Path, *, command: str) -> Path:
    """Write patches.csv, patches.json, patches.md, patches.svg, curves.svg and report.html.

    Args:
        study: What to write.
        folder: Where.
        command: That made it; said in each file for readers.

    Returns:
        The path of the page.

    Raises:
        FileError: A file cannot be written.
    """
    rows = _rows(study)
    write_text(folder / "patches.csv", patches_csv(study))
    values = [{**asdict(patch), **asdict(result)} for patch, result in rows]
    write_json(folder / "patches.json", {"command": command, "dataset": study.trained.dataset, "patches": values})
    write_text(folder / "patches.md", f"{patches_markdown(study)}\n\nMade by `{command}`.\n")
    plot, curves = patches_svg(study), curves_svg(study.trained)
    write_text(folder / "patches.svg", standalone(plot))
    write_text(folder / "curves.svg", standalone(curves))
    table = table_html(PATCH_COLUMNS, [_cells(*row) for row in rows], [result.recipe for _, result in rows])
    title = f"Patch size on {study.trained.dataset}"
    write_text(folder / "report.html", study_page(title, [table, plot, curves], command=command))
    return folder / "report.html"


def patches_csv(study: PatchSizeStudy) -> str:
    """Give one line per patch size, the smallest first, with every figure and the Dice of each class."""
    rows = _rows(study)
    classes = list(dict.fromkeys(name for _, result in rows for name in result.dice))
    plain = [name for name in asdict(rows[0][1]) if name not in ("dice", "name")]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["patch", "batch_size", *plain, *(f"dice {name}" for name in classes)])
    for patch, result in rows:
        figures = [getattr(result, name) for name in plain]
        dice = [result.dice.get(name) for name in classes]
        writer.writerow([patch.name, patch.batch_size, *figures, *dice])
    return stream.getvalue()


def patches_markdown(study: PatchSizeStudy) -> str:
    """Give the table of the patch sizes, the smallest first."""
    return table_markdown(PATCH_COLUMNS, [_cells(*row) for row in _rows(study)])


def patches_svg(study: PatchSizeStudy) -> str:
    """Draw the held-out Dice and the seconds of an iteration over the patch's edge."""
    rows = _rows(study)
    edges = [patch.edge for patch, _ in rows]
    with page_style("patches"):
        figure = Figure(figsize=(7.6, 3.0), layout="constrained")
        dice, seconds = figure.subplots(1, 2, width_ratios=(3, 2))
        _dice(dice, rows, edges)
        seconds.plot(edges, [result.seconds_per_iteration for _, result in rows], "o-", color=INK, markersize=3.5)
        seconds.set_ylim(0, None)
        seconds.set_title("Seconds an iteration", loc="left")
        for axes in (dice, seconds):
            axes.set_xticks(edges, [patch.name for patch, _ in rows])
            axes.xaxis.set_minor_locator(NullLocator())
            axes.set_xlabel("patch in voxels")
        legend = figure.legend(*dice.get_legend_handles_labels(), loc="outside right center", fontsize=8)
        for text in legend.get_texts():
            text.set_parse_math(False)
        return as_svg(figure, f"Held-out Dice and seconds an iteration on {study.trained.dataset} over the patch size")


def _dice(axes: Axes, rows: list[tuple[Patch, ArmResult]], edges: list[float]) -> None:
    results = [result for _, result in rows]
    names = list(dict.fromkeys(name for result in results for name in result.dice))
    if len(names) <= MOST_CLASSES:
        for index, name in enumerate(names):
            values = [_number(result.dice.get(name)) for result in results]
            axes.plot(edges, values, "o-", color=class_color(index), label=name, linewidth=1.2, markersize=3.5)
    if len(names) != 1:
        means = [_number(result.held_out_dice) for result in results]
        axes.plot(edges, means, "o-", color=INK, label="mean", linewidth=2.0, markersize=3.5)
    low, high = ([_number(getattr(result, end)) for result in results] for end in ("held_out_low", "held_out_high"))
    axes.fill_between(edges, low, high, color=INK, alpha=0.1, linewidth=0, label="95 % of the mean")
    axes.set_title("Held-out Dice", loc="left")


def _rows(study: PatchSizeStudy) -> list[tuple[Patch, ArmResult]]:
    results = {result.name: result for result in study.trained.results}
    ordered = sorted(study.patches, key=lambda patch: (patch.edge, patch.edges))
    return [(patch, results[patch.name]) for patch in ordered]


def _cells(patch: Patch, result: ArmResult) -> tuple[str, ...]:
    return (patch.name, str(patch.batch_size), *arm_cells(result)[1:])


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
