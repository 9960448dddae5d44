"""An ablation as files: tables for people and programs, one plot, one offline page."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict
from pathlib import Path

from matplotlib.figure import Figure

from univox.atomic import write_json, write_text
from univox.judging.palette import class_color
from univox.judging.svg import as_svg, page_style, standalone
from univox.studies.ablation import Ablation, ArmResult
from univox.studies.interval_plot import IntervalRow, intervals_svg
from univox.studies.page import study_page, table_html, table_markdown

COLUMNS = ("arm", "parameters", "iterations", "s / iteration", "validation Dice", "held-out Dice", "95 %")


def write_ablation(study: Ablation, folder: Path, *, command: str) -> Path:
    """Write arms.csv, arms.json, arms.md, curves.svg, report.html, and dice.svg where held-out cases were judged.

    Args:
        study: What to write.
        folder: Where.
        command: That made it; said in each file.

    Returns:
        The path of the page.

    Raises:
        FileError: A file cannot be written.
    """
    write_text(folder / "arms.csv", arms_csv(study))
    results = [asdict(result) for result in study.results]
    write_json(folder / "arms.json", {"command": command, "dataset": study.dataset, "arms": results})
    write_text(folder / "arms.md", f"{arms_markdown(study)}\n\nMade by `{command}`.\n")
    plot = curves_svg(study)
    plots = [plot]
    write_text(folder / "curves.svg", standalone(plot))
    if study.judged_on == "test":
        plots.insert(0, dice_svg(study))
        write_text(folder / "dice.svg", standalone(plots[0]))
    write_text(folder / "report.html", _page(study, plots, command))
    return folder / "report.html"


def arms_csv(study: Ablation) -> str:
    """Give one line per arm, with every figure and the Dice of each class."""
    classes = list(dict.fromkeys(name for result in study.results for name in result.dice))
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    plain = [name for name in asdict(study.results[0]) if name != "dice"]
    writer.writerow([*plain, *(f"dice {name}" for name in classes)])
    for result in study.results:
        values = asdict(result)
        writer.writerow([*(values[name] for name in plain), *(result.dice.get(name) for name in classes)])
    return stream.getvalue()


def arms_markdown(study: Ablation) -> str:
    """Give the table of the arms, best first by what they were judged on."""
    return table_markdown(COLUMNS, [arm_cells(result) for result in ranked(study)])


def ranked(study: Ablation) -> list[ArmResult]:
    """Give the arms, best first; those without a figure last."""
    field = "held_out_dice" if study.judged_on == "test" else "validation_dice"
    return sorted(study.results, key=lambda result: -(getattr(result, field) or 0.0))


def dice_svg(study: Ablation) -> str:
    """Draw the held-out Dice of each arm with its interval, best first."""
    title = f"Mean foreground Dice of the held-out cases of {study.dataset}, 95 % interval over cases"
    rows = [IntervalRow(each.name, each.held_out_dice, each.held_out_low, each.held_out_high) for each in ranked(study)]
    return intervals_svg(rows, title=title, described=title)


def curves_svg(study: Ablation) -> str:
    """Draw the validation Dice of each arm over the minutes of its training."""
    with page_style("ablation"):
        figure = Figure(figsize=(7.6, 3.6), layout="constrained")
        axes = figure.add_subplot()
        lowest = 1.0
        for index, result in enumerate(study.results):
            curve, minutes = study.curves[result.name], study.minutes[result.name]
            times = [minutes[iteration] for iteration in curve.validated]
            style = "-" if index < 10 else "--"
            axes.plot(times, curve.mean_dice, style, color=class_color(index), label=result.name, linewidth=1.4)
            # The first validations of a run are far below the rest and would flatten what is to be seen.
            lowest = min([lowest, *curve.mean_dice[len(curve.mean_dice) // 3 :]])
        axes.set_ylim(max(0.0, lowest - 0.02), None)
        axes.set_xlabel("minutes of training")
        axes.set_title(f"Validation Dice, {study.dataset}", loc="left", parse_math=False)
        legend = axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8)
        for text in legend.get_texts():
            text.set_parse_math(False)
        return as_svg(figure, "Mean foreground Dice of the validation cases over the minutes of training, by arm")


def arm_cells(result: ArmResult) -> tuple[str, ...]:
    """Give the cells of an arm's row, one for each of `COLUMNS`."""
    interval = "" if result.held_out_low is None else f"{result.held_out_low:.3f} to {result.held_out_high:.3f}"
    return (
        result.name,
        f"{result.parameters:,}",
        f"{result.iterations:,}",
        f"{result.seconds_per_iteration:.2f}",
        _figure(result.validation_dice),
        _figure(result.held_out_dice),
        interval,
    )


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _page(study: Ablation, plots: list[str], command: str) -> str:
    results = ranked(study)
    table = table_html(COLUMNS, [arm_cells(result) for result in results], [result.recipe for result in results])
    return study_page(f"Ablation on {study.dataset}", [table, *plots], command=command)
