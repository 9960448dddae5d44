"""Means with their intervals, one row below the other, as SVG text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from univox.judging.palette import class_color
from univox.judging.svg import as_svg, page_style


@dataclass(frozen=True)
class IntervalRow:
    """One row of the plot.

    Args:
        label: At its left.
        mean: A diamond; none: nothing is known.
        low, high: Ends of its interval; none: it has none.
        points: What the mean is of, as dots above it.
    """

    label: str
    mean: float | None
    low: float | None
    high: float | None
    points: tuple[float, ...] = ()


def intervals_svg(rows: Sequence[IntervalRow], *, title: str, described: str) -> str:
    """Draw the rows from top to bottom.

    Args:
        rows: At least one.
        title: Above the plot.
        described: What is to be seen, for those who do not see it.

    Returns:
        The SVG element.
    """
    with page_style(title):
        figure = Figure(figsize=(7.6, 1.0 + 0.42 * len(rows)), layout="constrained")
        axes = figure.add_subplot()
        for place, row in enumerate(rows):
            color = class_color(place)
            axes.plot(row.points, [place - 0.16] * len(row.points), "o", color=color, alpha=0.5, ms=4.5, mew=0)
            below = place + 0.16 if row.points else place
            if row.low is not None and row.high is not None:
                axes.plot([row.low, row.high], [below] * 2, color=color, linewidth=2)
            if row.mean is not None:
                axes.plot([row.mean], [below], "D", color=color, markersize=5)
        axes.set_yticks(range(len(rows)), [row.label for row in rows], parse_math=False)
        axes.set_ylim(len(rows) - 0.45, -0.55)
        axes.grid(visible=False, axis="y")
        axes.set_title(title, loc="left", parse_math=False)
        return as_svg(figure, described)
