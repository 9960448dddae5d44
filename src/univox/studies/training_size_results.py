"""A study of training sizes as files: tables for people and programs, the learning curve, one offline page."""

from __future__ import annotations

import csv
import html
import io
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from univox.atomic import write_json, write_text
from univox.judging.palette import class_color
from univox.judging.svg import INK, as_svg, page_style, standalone
from univox.studies.page import study_page, table_html, table_markdown
from univox.studies.power_law import FEWEST_SIZES, doubling_gain
from univox.studies.training_size import SizePoint, TrainingSize

HEADS = ("cases", "subjects", "iterations", "held-out Dice", "95 %", "by repeat", "over the size before", "95 % of it")


def write_training_size(study: TrainingSize, folder: Path, *, command: str) -> Path:
    """Write sizes.csv, training-size.json, training-size.md, learning-curve.svg and report.html.

    Args:
        study: What to write.
        folder: Where.
        command: That made it; said on the page.

    Returns:
        The path of the page.

    Raises:
        FileError: A file cannot be written.
    """
    write_text(folder / "sizes.csv", sizes_csv(study))
    write_json(folder / "training-size.json", _as_json(study, command))
    write_text(folder / "training-size.md", f"{training_size_markdown(study)}\n\nMade by `{command}`.\n")
    plot = learning_curve_svg(study)
    write_text(folder / "learning-curve.svg", standalone(plot))
    sentences = [f"<p>{html.escape(sentence)}</p>" for sentence in said(study)]
    parts = [*sentences, table_html(HEADS, [_cells(point) for point in study.points]), plot]
    title = f"How many cases of {study.dataset} are enough"
    write_text(folder / "report.html", study_page(title, parts, command=command))
    return folder / "report.html"


def training_size_markdown(study: TrainingSize) -> str:
    """Give what is said of the study, and the table of the sizes."""
    return "\n\n".join([*said(study), table_markdown(HEADS, [_cells(point) for point in study.points])])


def said(study: TrainingSize) -> list[str]:
    """Give what a reader must know, as sentences: what was done, what the last cases brought, what more would."""
    sentences = [
        f"{study.recipe} on {study.dataset}: mean foreground Dice of the same {len(study.test_cases)} held-out cases; "
        "each set of training cases holds every smaller one, and each has the same budget."
    ]
    last = study.points[-1]
    if last.gain is not None and not math.isnan(last.gain.difference):
        interval = "" if math.isnan(last.gain.low) else f" ({last.gain.low:+.4f} to {last.gain.high:+.4f})"
        sentences.append(
            f"From {study.points[-2].cases:g} to {last.cases:g} cases the Dice changed by {last.gain.difference:+.4f}"
            f"{interval}, measured."
        )
    if len(last.runs) == 1:
        sentences.append(
            "One subset of each size was trained on, once: the intervals are over the held-out cases, and say nothing "
            "of other subsets or seeds (--repeats)."
        )
    return [*sentences, *_of_the_law(study)]


def _of_the_law(study: TrainingSize) -> list[str]:
    law, last = study.law, study.points[-1]
    if law is None:
        return [f"A law of the error needs at least {FEWEST_SIZES} sizes; here are {len(study.points)}."]
    if law.scale == 0.0:
        return ["The error does not fall with the number of cases: nothing here says that more would help."]
    interval = (
        "" if study.doubling is None else f" ({study.doubling[0]:.4f} to {study.doubling[1]:.4f} over test cases)"
    )
    edge = " Its exponent is at an end of what was searched: the errors do not follow it." if law.is_at_an_end else ""
    return [
        f"Error = {law.floor:.4f} + {law.scale:.4f} n^-{law.exponent:.3f} misses the measured errors by "
        f"{law.residual:.4f} in root mean square.{edge} By it, {2 * last.cases:g} cases would bring "
        f"{doubling_gain(law, last.cases):.4f} more Dice than {last.cases:g}{interval}. This is a guess: a law fitted "
        f"to {len(study.points)} sizes says little of sizes that nobody tried, and nothing of another budget."
    ]


def sizes_csv(study: TrainingSize) -> str:
    """Give one line per run, and the figures of its size beside it."""
    stream = io.StringIO()
    classes = list(study.points[0].runs[0].dice_by_class)
    run_heads = ["cases", "subjects", "repeat", "seed", "iterations", "seconds", "dice"]
    size_heads = ["size_dice", "size_low", "size_high", "gain", "gain_low", "gain_high"]
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*run_heads, *(f"dice {name}" for name in classes), *size_heads])
    for point in study.points:
        gain = point.gain
        gained = [None] * 3 if gain is None else [gain.difference, gain.low, gain.high]
        for run, mean in zip(point.runs, point.by_repeat, strict=True):
            own = [run.cases, run.subjects, run.repeat, run.seed, run.iterations, run.seconds, mean]
            by_class = [run.dice_by_class[name] for name in classes]
            writer.writerow([*own, *by_class, point.dice.mean, point.dice.low, point.dice.high, *gained])
    return stream.getvalue()


def learning_curve_svg(study: TrainingSize) -> str:
    """Draw the held-out Dice over the number of cases, the law through it, and what it guesses of twice as many."""
    counts = [point.cases for point in study.points]
    with page_style("learning curve"):
        figure = Figure(figsize=(6.4, 3.4), layout="constrained")
        axes = figure.add_subplot()
        color = class_color(1)
        for point in study.points:
            axes.plot([point.cases] * 2, [point.dice.low, point.dice.high], color=color, linewidth=1.6)
            if len(point.by_repeat) > 1:
                places = [point.cases] * len(point.by_repeat)
                axes.plot(places, point.by_repeat, "_", color=color, markersize=9, markeredgewidth=1.0)
        axes.plot(counts, [point.dice.mean for point in study.points], "o", color=color, label="measured, 95 %")
        if study.law is not None:
            law, most = study.law, max(counts)
            for low, high, style in ((min(counts), most, "-"), (most, 2 * most, ":")):
                x = np.geomspace(low, high, 60)
                label = "power law" if style == "-" else "its guess"
                axes.plot(x, [1.0 - law.error(n) for n in x], style, color=INK, linewidth=1.1, label=label)
            axes.plot([2 * most], [1.0 - law.error(2 * most)], "o", color=INK, markerfacecolor="none")
        axes.set_xscale("log", base=2)
        axes.set_xticks(counts, [f"{count:g}" for count in counts])
        axes.minorticks_off()
        axes.set_xlabel("labelled cases to learn from")
        axes.set_title(f"Dice of {len(study.test_cases)} held-out cases", loc="left")
        axes.legend(loc="lower right", fontsize=8)
        return as_svg(figure, "Mean foreground Dice of the held-out cases over the number of training cases")


def _cells(point: SizePoint) -> list[str]:
    gain, subjects = point.gain, sorted({run.subjects for run in point.runs})
    return [
        f"{point.cases:g}",
        f"{subjects[0]}" if len(subjects) == 1 else f"{subjects[0]} to {subjects[-1]}",
        f"{round(sum(run.iterations for run in point.runs) / len(point.runs)):,}",
        f"{point.dice.mean:.4f}",
        "" if math.isnan(point.dice.low) else f"{point.dice.low:.3f} to {point.dice.high:.3f}",
        ", ".join(f"{mean:.3f}" for mean in point.by_repeat) if len(point.by_repeat) > 1 else "",
        "" if gain is None else f"{gain.difference:+.4f}",
        "" if gain is None or math.isnan(gain.low) else f"{gain.low:+.4f} to {gain.high:+.4f}",
    ]


def _as_json(study: TrainingSize, command: str) -> dict[str, Any]:
    return {
        "command": command,
        "dataset": study.dataset,
        "recipe": study.recipe,
        "test_cases": list(study.test_cases),
        "said": said(study),
        "runs": [asdict(run) for point in study.points for run in point.runs],
        "law": None if study.law is None else asdict(study.law),
        "doubling": None
        if study.law is None
        else {
            "cases": 2 * study.points[-1].cases,
            "gain": doubling_gain(study.law, study.points[-1].cases),
            "interval": study.doubling,
        },
    }
