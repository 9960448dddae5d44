"""Plots of a comparison as SVG text: how they trained, what each case says, how far apart they are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from univox.judging.palette import class_color
from univox.judging.plots import Curves
from univox.judging.svg import INK, as_svg, page_style
from univox.metrics.catalog import Metric
from univox.studies.comparison.comparison import Comparison, Row
from univox.studies.domains.domain_plots import WIDTH_INCHES, arm_colors, outside_legend

LOSS_POINTS = 100
"""A longer run's loss is drawn as the mean of so many stretches."""
PANELS_ACROSS = 3
FAINT_BEYOND = 40
"""Lines of more cases are drawn fainter."""


def training_svg(curves: Mapping[str, Curves], contestants: Sequence[str]) -> str:
    """Draw training loss and validation Dice of all runs side by side (Figure 5 of the Non-local U-Net).

    Args:
        curves: Of those whose log is there.
        contestants: All names; their order gives the colors.
    """
    colors = arm_colors(contestants)
    with page_style("compared training"):
        figure = Figure(figsize=(WIDTH_INCHES, 3.1), layout="constrained")
        losses, dice = figure.subplots(1, 2)
        lowest = 1.0
        for name, curve in curves.items():
            stretches = [part for part in np.array_split(np.arange(len(curve.losses)), LOSS_POINTS) if part.size]
            places, values = np.asarray(curve.iterations), np.asarray(curve.losses, dtype=np.float64)
            x, y = ([float(of[part].mean()) for part in stretches] for of in (places, values))
            losses.plot(x, y, color=colors[name], linewidth=1.4, label=name)
            marker = "o" if len(curve.validated) < 40 else ""
            dice.plot(curve.validated, curve.mean_dice, marker, ls="-", color=colors[name], ms=3, linewidth=1.4)
            # The first validations of a run are far below the rest and would flatten what is to be seen.
            lowest = min([lowest, *(value for value in curve.mean_dice[len(curve.mean_dice) // 3 :] if value >= 0)])
        losses.set_title("Training loss", loc="left")
        dice.set_title("Validation Dice, mean foreground", loc="left")
        dice.set_ylim(max(0.0, lowest - 0.02), None)
        for axes in (losses, dice):
            axes.set_xlabel("iteration")
        outside_legend(figure, losses)
        return as_svg(figure, "Training loss and validation Dice of each model over the iterations of its run")


def cases_svg(study: Comparison, metric: Metric[Any], title: str) -> str:
    """Draw a panel for each class: a line for each case from one model's figure to the next, the mean in ink."""
    values = study.values[metric.name]
    names = [each.name for each in study.contestants]
    down = math.ceil(len(values) / PANELS_ACROSS)
    across = min(PANELS_ACROSS, len(values))
    with page_style(f"compared cases {metric.name}"):
        figure = Figure(figsize=(WIDTH_INCHES, 0.4 + 2.7 * down), layout="constrained")
        panels = figure.subplots(down, across, squeeze=False).flatten()
        for index, axes in enumerate(panels):
            axes.set_visible(index < len(values))
        for index, (axes, (class_name, by_contestant)) in enumerate(zip(panels, values.items(), strict=False)):
            columns = np.array([by_contestant[name] for name in names], dtype=np.float64)
            _lines(axes, np.where(np.isfinite(columns), columns, np.nan), class_color(index))
            axes.set_xticks(range(len(names)), names, parse_math=False)
            if len(names) > 2:
                axes.tick_params(axis="x", labelrotation=35)
                for text in axes.get_xticklabels():
                    text.set(ha="right", rotation_mode="anchor")
            axes.set_xlim(-0.3, len(names) - 0.7)
            axes.set_title(class_name, loc="left", parse_math=False)
        panels[0].set_ylabel(title)
        return as_svg(figure, f"{title} of each case by each model, one line per case")


def differences_svg(rows: Sequence[Row], title: str) -> str:
    """Draw each difference with its interval; what reaches across the line at nothing may be nothing."""
    classes = list(dict.fromkeys(row.class_name for row in rows))
    pairs = list(dict.fromkeys((row.first, row.second) for row in rows))
    colors = {pair: class_color(index) for index, pair in enumerate(pairs)}
    height = 0.9 + len(classes) * (0.22 + 0.2 * len(pairs)) + 0.22 * len(pairs)
    with page_style(f"compared differences {title}"):
        figure = Figure(figsize=(WIDTH_INCHES, height), layout="constrained")
        axes = figure.add_subplot()
        axes.axvline(0.0, color=INK, linewidth=1.0, linestyle=":")
        for pair in pairs:
            axes.plot([], [], "o", color=colors[pair], label=" minus ".join(pair))
        step = 0.7 / max(2, len(pairs))
        for row in rows:
            pair = (row.first, row.second)
            y = classes.index(row.class_name) + (pairs.index(pair) - (len(pairs) - 1) / 2) * step
            axes.plot([row.result.low, row.result.high], [y, y], color=colors[pair], linewidth=1.6)
            axes.plot([row.result.difference], [y], "o", color=colors[pair], markersize=5)
        axes.set_yticks(range(len(classes)), classes, parse_math=False)
        axes.set_ylim(len(classes) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        axes.set_title(f"Difference of {title}, 95 % interval", loc="left")
        outside_legend(figure, axes)
        return as_svg(figure, f"Mean paired difference of {title} with its 95 % bootstrap interval, by class and pair")


def _lines(axes: Axes, columns: np.ndarray, color: str) -> None:
    """Draw (models, cases) figures; a case with a gap loses the lines beside it."""
    alpha = 0.55 if columns.shape[1] <= FAINT_BEYOND else 0.2
    axes.plot(columns, color=color, alpha=alpha, linewidth=0.9, marker="o", markersize=2.6, markeredgewidth=0)
    # The mean of cases that all models have a figure of, as the differences are.
    whole = columns[:, ~np.isnan(columns).any(axis=0)]
    if whole.size:
        axes.plot(whole.mean(axis=1), color=INK, linewidth=2.0, marker="o", markersize=5)
