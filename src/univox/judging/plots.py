"""Plots of a run and of its judgement, as SVG text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from univox.errors import FileError
from univox.judging.palette import class_color
from univox.judging.reliability import Reliability
from univox.judging.svg import INK, as_svg, page_style

WIDTH_INCHES = 4.4
LOSS_POINTS = 250
"""A longer run's loss is drawn as the mean and range of so many stretches."""
POINTS_PER_BOX = 300
FEWEST_VOXELS = 20
"""A bin of fewer says nothing, and is not drawn."""
NAME_LENGTH = 22


@dataclass(frozen=True)
class Curves:
    """What a training log tells over time.

    Args:
        iterations: Of each loss.
        losses: Training loss.
        validated: Iterations of the validations.
        mean_dice: Mean foreground Dice at each; nan where it had none.
        dice: The same per class.
    """

    iterations: tuple[int, ...]
    losses: tuple[float, ...]
    validated: tuple[int, ...]
    mean_dice: tuple[float, ...]
    dice: Mapping[str, tuple[float, ...]]


def read_curves(log: Path, domain: str | None = None) -> Curves:
    """Read the curves of a training log (one JSON object a line).

    Args:
        log: Its path.
        domain: Whose curves, where the run was of several.

    Raises:
        FileError: There is no such file, or it is no log.
    """
    # The training room may import torch, which only a log is worth.
    from univox.training.log import read_log

    try:
        if not log.is_file():
            raise FileNotFoundError("no such file")
        events = [event for event in read_log(log) if domain is None or event.get("domain", domain) == domain]
        return curves_of(events)
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise FileError(
            expected="a training log, one JSON object a line",
            got=f"{type(error).__name__}: {error}",
            remedy="give the log.jsonl of the run",
            path=log,
        ) from error


def curves_of(events: Sequence[Mapping[str, Any]]) -> Curves:
    """Sort a log's events into curves; events of other kinds are passed over."""
    steps = [event for event in events if event["event"] == "iteration"]
    checks = [event for event in events if event["event"] == "validation"]
    names = dict.fromkeys(name for event in checks for name in event.get("dice") or {})
    return Curves(
        iterations=tuple(int(event["iteration"]) for event in steps),
        losses=tuple(_number(event["loss"]) for event in steps),
        validated=tuple(int(event["iteration"]) for event in checks),
        mean_dice=tuple(_number(event["mean_dice"]) for event in checks),
        dice={name: tuple(_number((e.get("dice") or {}).get(name)) for e in checks) for name in names},
    )


def loss_plot(curves: Curves) -> str:
    """Training loss over the iterations: the mean of each stretch, and its range behind it."""
    iterations, losses = np.asarray(curves.iterations), np.asarray(curves.losses, dtype=np.float64)
    stretches = [part for part in np.array_split(np.arange(losses.size), LOSS_POINTS) if part.size]
    x = [float(iterations[part].mean()) for part in stretches]
    with page_style("loss"):
        figure, axes = _axes(2.5)
        low, high = ([float(side(losses[part])) for part in stretches] for side in (np.min, np.max))
        axes.fill_between(x, low, high, color=class_color(1), alpha=0.25, linewidth=0)
        axes.plot(x, [float(losses[part].mean()) for part in stretches], color=class_color(1), linewidth=1.4)
        axes.set_title("Training loss", loc="left")
        axes.set_xlabel("iteration")
        return as_svg(figure, "Training loss over the iterations")


def validation_plot(curves: Curves) -> str:
    """Validation Dice over the iterations: the mean in ink, each class in its color."""
    with page_style("validation"):
        figure, axes = _axes(2.5 + 0.16 * (len(curves.dice) // 3))
        marker = "o" if len(curves.validated) < 40 else ""
        if len(curves.dice) > 1:
            for index, (name, values) in enumerate(curves.dice.items()):
                color = class_color(index)
                axes.plot(curves.validated, values, color=color, label=_short(name), linewidth=1.1)
        axes.plot(curves.validated, curves.mean_dice, marker, ls="-", color=INK, label="mean", ms=3, linewidth=1.6)
        least = min((value for value in curves.mean_dice if value == value), default=0.0)
        # A curve that is flat from 0 to 1 shows nothing; one that begins low is shown whole.
        axes.set_ylim(math.floor(10 * max(0.0, least - 0.05)) / 10, 1.0)
        axes.set_title("Validation Dice", loc="left")
        axes.set_xlabel("iteration")
        _legend(figure)
        return as_svg(figure, "Mean foreground Dice of the validation cases over the iterations")


def box_plot(values: Mapping[str, Sequence[float]], *, title: str, unit: str = "", best: float = 1.0) -> str:
    """One lying box per class with a point per case; whiskers reach to the last value within 1.5 box lengths.

    Args:
        values: Per class name, one value per case; nan and inf are not drawn, and counted in the margin.
        title: Of the plot.
        unit: Of the values; "" for none.
        best: Where perfection lies; drawn as a line.

    Returns:
        The SVG element.
    """
    with page_style(f"box {title} {unit}"):
        figure, axes = _axes(0.95 + 0.42 * len(values))
        axes.axvline(best, color=INK, linewidth=1, linestyle=":")
        for index, column in enumerate(values.values()):
            array = np.asarray(column, dtype=np.float64)
            finite = np.sort(array[np.isfinite(array)])
            if finite.size:
                _box(axes, index, finite)
            if finite.size < array.size:
                note = f"{array.size - finite.size} left out"
                axes.annotate(note, (1.0, index - 0.36), xycoords=("axes fraction", "data"), ha="right", size=7.5)
        axes.set_yticks(range(len(values)), [_short(name) for name in values], parse_math=False)
        axes.set_ylim(len(values) - 0.45, -0.55)
        axes.locator_params(axis="x", nbins=6)
        axes.grid(visible=False, axis="y")
        axes.set_title(f"{title} ({unit})" if unit else title, loc="left")
        return as_svg(figure, f"{title} of each class, one point per case")


def reliability_plot(reliability: Reliability) -> str:
    """Share of right voxels over confidence, a point per bin, larger where it holds more of the voxels."""
    with page_style("reliability"):
        figure, axes = _axes(4.2)
        lowest = 0.9
        for index, (name, bins) in enumerate(
            {"predicted as foreground": reliability.foreground, "all voxels": reliability.everywhere}.items()
        ):
            filled = bins.voxels >= FEWEST_VOXELS
            x, y = bins.confidence[filled], bins.accuracy[filled]
            lowest = min([lowest, *x, *y])
            axes.plot(x, y, color=class_color(index), linewidth=1.4, label=f"{name}, ECE {bins.expected_error:.3f}")
            sizes = 14 + 110 * np.sqrt(bins.voxels[filled] / max(1, int(bins.voxels.sum())))
            axes.scatter(x, y, s=sizes, color=class_color(index), alpha=0.75, linewidths=0)
        limits = (math.floor(10 * lowest) / 10, 1.01)
        axes.plot(limits, limits, color=INK, linewidth=1, linestyle=":", zorder=1)
        axes.set(xlim=limits, ylim=limits, aspect="equal", xlabel="confidence")
        axes.set_title("Share of the voxels that are right", loc="left")
        _legend(figure, columns=1)
        return as_svg(figure, "Reliability diagram: share of right voxels over their confidence, in bins")


def _box(axes: Axes, row: int, finite: NDArray[np.float64]) -> None:
    """Draw one box; `finite` is sorted and not empty."""
    color = class_color(row)
    first, median, third = (float(value) for value in np.percentile(finite, [25.0, 50.0, 75.0]))
    reach = 1.5 * (third - first)
    near = finite[(finite >= first - reach) & (finite <= third + reach)]
    axes.barh(row, third - first, left=first, height=0.5, color=color, alpha=0.3, linewidth=0)
    axes.plot([near[0], near[-1]], [row, row], color=color, linewidth=1.2, zorder=1.5)
    # Ranks at even distances: the shape of many thousand cases, both extremes among them.
    ranks = np.unique(np.linspace(0, finite.size - 1, POINTS_PER_BOX).round().astype(int))
    scatter = np.random.default_rng(row).uniform(-0.17, 0.17, ranks.size)
    axes.plot(finite[ranks], row + scatter, "o", color=color, markersize=3.4, alpha=0.8, markeredgewidth=0)
    axes.plot([median, median], [row - 0.25, row + 0.25], color=INK, linewidth=2.0)


def _axes(height_inches: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH_INCHES, height_inches), layout="constrained")
    return figure, figure.add_subplot()


def _legend(figure: Figure, columns: int = 3) -> None:
    # Beside the curves it would hide them; below, the figure makes room for as many lines as it has.
    legend = figure.legend(
        loc="outside lower center", ncols=columns, fontsize=8, handlelength=1.2, columnspacing=1, borderpad=0.2
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def _short(name: str) -> str:
    return name if len(name) <= NAME_LENGTH else name[: NAME_LENGTH - 1] + "…"


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan
