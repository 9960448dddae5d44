"""Figures as a reader meets them in a report."""

from __future__ import annotations

import math
from typing import Any

from markupsafe import Markup, escape

from univox.judging.scores import METRICS, Metric
from univox.judging.statistics import Summary

SIZE_UNITS = {"ml": "mL", "mm2": "mm²", "mm": "mm"}
SIZE_TITLES = {"ml": "Volume", "mm2": "Area", "mm": "Length"}
DICE = METRICS[0]
NO_VALUE = "\N{EN DASH}"


def shown(value: float, metric: Metric[Any], *, signed: bool = True) -> str:
    """Give a figure as a table shows it; differences with their sign, unless they are a spread.

    >>> by_name = {metric.name: metric for metric in METRICS}
    >>> shown(0.87654, DICE), shown(math.inf, by_name["hd95_mm"]), shown(1.0, by_name["volume_difference_percent"])
    ('0.877', '∞', '+1.0')
    """
    if math.isnan(value):
        return NO_VALUE
    if math.isinf(value):
        return "∞"
    sign = "+" if signed and metric.name.startswith("volume_difference") else ""
    if metric.unit == "%":
        return f"{value:{sign}.1f}"
    if metric.unit == "size":
        return f"{value:{sign}#.3g}".rstrip(".") if abs(value) < 1000 else f"{value:{sign},.0f}"
    if metric.unit == "count":
        return f"{value:.0f}" if value == round(value) else f"{value:.1f}"
    return f"{value:.2f}" if metric.unit == "mm" else f"{value:.3f}"


def heading(metric: Metric[Any], size_unit: str) -> str:
    """Give a metric's title with its unit.

    >>> by_name = {metric.name: metric for metric in METRICS}
    >>> heading(by_name["volume_difference"], "mm2"), heading(DICE, "ml")
    ('Area difference (mm²)', 'Dice')
    """
    unit = SIZE_UNITS[size_unit] if metric.unit == "size" else metric.unit
    title = metric.title.replace("Volume", SIZE_TITLES[size_unit])
    return f"{title} ({unit})" if unit else title


def interval(summary: Summary, metric: Metric[Any]) -> str:
    """Give the interval of a mean in words."""
    if math.isnan(summary.low):
        return NO_VALUE
    return f"{shown(summary.low, metric)} to {shown(summary.high, metric)}"


def share(value: float) -> str:
    """Give a share in percent, with as many places as it needs; what is not nothing never looks like it.

    >>> share(0.9941), share(0.0087), share(0.00003), share(0.0), share(0.99999), share(1.0)
    ('99.4 %', '0.87 %', '<0.01 %', '0 %', '99.9 %', '100 %')
    """
    if math.isnan(value):
        return NO_VALUE
    if value in (0.0, 1.0):
        return f"{value:.0%}".replace("%", " %")
    if value < 0.0001:
        return "<0.01 %"
    places = 2 if min(value, 1.0 - value) < 0.01 and value < 0.5 else 1
    # 99.96 % of many voxels is not all of them.
    return f"{min(100.0 * value, 99.9 if value > 0.5 else 100.0):.{places}f} %"


def breakable(name: str) -> Markup:
    """Let a long name break behind its hyphens and underscores, and not inside a number.

    >>> breakable("case_<1>")
    Markup('case_<wbr>&lt;1&gt;')
    """
    return escape(name).replace("_", Markup("_<wbr>")).replace("-", Markup("-<wbr>"))
