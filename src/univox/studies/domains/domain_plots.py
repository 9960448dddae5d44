"""Plots that set the domains of a study side by side, as SVG text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from univox.judging.palette import class_color
from univox.judging.svg import INK, as_svg, page_style
from univox.studies.domains.domain_curves import DomainCurve
from univox.studies.domains.domain_result import DomainResult, Mode

WIDTH_INCHES = 7.6
PANELS_ACROSS = 3
LINES: dict[Mode, str] = {"joint": "-", "extend": "-", "finetune-all": ":"}
"""Of curves, by mode; all others are dashed."""
MARKERS: dict[Mode, str] = {"finetune-all": "s"}
FULL: tuple[Mode, ...] = ("joint", "extend")
"""Modes whose markers are full."""


def dots_svg(rows: Sequence[Sequence[DomainResult]], labels: Sequence[str], *, judged_on: str) -> str:
    """Draw a group for each domain and in it a dot with its interval for each row, full where a network is shared.

    Args:
        rows: The domains' results of each arm and mode.
        labels: Of the rows.
        judged_on: "test" or "validation"; only the first has intervals.
    """
    domains = [result.domain for result in rows[0]]
    colors = arm_colors([row[0].arm for row in rows])
    height = 0.8 + len(domains) * (0.25 + 0.2 * len(rows)) + 0.22 * len(rows)
    title = "Dice of the held-out cases, 95 % interval" if judged_on == "test" else "Dice of the validation cases"
    with page_style("domain dots"):
        figure = Figure(figsize=(WIDTH_INCHES, height), layout="constrained")
        axes = figure.add_subplot()
        step = 0.8 / max(len(rows), 2)
        for number, (row, label) in enumerate(zip(rows, labels, strict=True)):
            offset = (number - (len(rows) - 1) / 2) * step
            face = colors[row[0].arm] if row[0].mode in FULL else "none"
            marker = MARKERS.get(row[0].mode, "o")
            for place, result in enumerate(row):
                value = result.figure(judged_on)
                if value is None:
                    continue
                y, color = place + offset, colors[result.arm]
                if result.held_out_low is not None and result.held_out_high is not None:
                    axes.plot([result.held_out_low, result.held_out_high], [y, y], color=color, linewidth=1.3)
                axes.plot([value], [y], marker, color=color, markerfacecolor=face, markersize=6)
            axes.plot([], [], marker, color=colors[row[0].arm], markerfacecolor=face, label=label)
        for upper, _ in pairwise(range(len(domains))):
            axes.axhline(upper + 0.5, color=INK, linewidth=0.6, alpha=0.25)
        axes.set_yticks(range(len(domains)), domains, parse_math=False)
        axes.set_ylim(len(domains) - 0.5, -0.5)
        axes.grid(visible=False, axis="y")
        axes.set_title(title, loc="left")
        outside_legend(figure, axes)
        return as_svg(figure, f"{title}, by domain and arm")


def curves_svg(curves: Sequence[DomainCurve], domains: Sequence[str], labels: Sequence[str]) -> str:
    """Draw a panel for each domain: validation Dice over its own iterations, dashed where it was trained alone.

    Args:
        curves: Of every row and domain, row by row.
        domains: Names of the panels.
        labels: Of the rows.
    """
    count = len(domains)
    across = min(PANELS_ACROSS, count)
    down = math.ceil(count / across)
    colors = arm_colors([curve.arm for curve in curves])
    with page_style("domain curves"):
        figure = Figure(figsize=(WIDTH_INCHES, 2.2 * down + 0.22 * len(labels)), layout="constrained")
        panels = figure.subplots(down, across, squeeze=False).flatten()
        for index, axes in enumerate(panels):
            axes.set_visible(index < count)
        for index, curve in enumerate(curves):
            row, place = divmod(index, count)
            marker = "o" if len(curve.iterations) < 3 else ""
            panels[place].plot(
                curve.iterations,
                curve.dice,
                marker=marker,
                linestyle=LINES.get(curve.mode, "--"),
                color=colors[curve.arm],
                linewidth=1.4,
                markersize=3,
                label=labels[row],
            )
        for axes, name in zip(panels, domains, strict=False):
            axes.set_title(name, loc="left", parse_math=False)
            axes.set_ylim(0.0, 1.0)
            if not any(len(line.get_xydata()) for line in axes.get_lines()):
                axes.set_axis_off()
                axes.text(0.0, 0.9, "nobody validated", transform=axes.transAxes, fontsize=9)
        for axes in panels[max(0, count - across) : count]:
            axes.set_xlabel("own iterations")
        outside_legend(figure, panels[0])
        return as_svg(figure, "Mean foreground Dice of the validation cases over each domain's own iterations")


def arm_colors(arms: Sequence[str]) -> dict[str, str]:
    """Give each arm its color, in the order in which they come."""
    return {arm: class_color(index) for index, arm in enumerate(dict.fromkeys(arms))}


def outside_legend(figure: Figure, axes: Axes) -> None:
    """Put the legend of some axes below the whole figure."""
    handles, labels = axes.get_legend_handles_labels()
    legend = figure.legend(handles, labels, loc="outside lower left", fontsize=8, ncols=2, handlelength=2.2)
    for text in legend.get_texts():
        text.set_parse_math(False)
