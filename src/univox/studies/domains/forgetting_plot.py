"""Older domains' Dice before and after a model has learned another dataset, as SVG text."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from univox.judging.svg import INK, as_svg, page_style
from univox.studies.domains.domain_plots import MARKERS, WIDTH_INCHES, arm_colors, outside_legend
from univox.studies.domains.forgetting import Kept


def forgetting_svg(older: Sequence[Kept]) -> str:
    """Draw a panel for each arm, a line for each domain and training: from the Dice before to the Dice after."""
    arms = list(dict.fromkeys(each.arm for each in older))
    domains = list(dict.fromkeys(each.domain for each in older))
    modes = list(dict.fromkeys(each.mode for each in older))
    colors = arm_colors(arms)
    height = 0.7 + len(arms) * (0.5 + 0.42 * len(domains)) + 0.25
    with page_style("forgetting"):
        figure = Figure(figsize=(WIDTH_INCHES, height), layout="constrained")
        panels = figure.subplots(len(arms), 1, squeeze=False, sharex=True).flatten()
        for axes, arm in zip(panels, arms, strict=True):
            for each in (each for each in older if each.arm == arm):
                offset = (modes.index(each.mode) - (len(modes) - 1) / 2) * 0.3
                _draw(axes, each, domains.index(each.domain) + offset, colors[arm])
            axes.set_yticks(range(len(domains)), domains, parse_math=False)
            axes.set_ylim(len(domains) - 0.5, -0.5)
            axes.grid(visible=False, axis="y")
            axes.set_title(arm, loc="left", parse_math=False)
        panels[-1].set_xlabel("Dice of the held-out cases")
        panels[0].plot([], [], "|", color=INK, markersize=9, markeredgewidth=1.6, label="before")
        for mode in modes:
            panels[0].plot([], [], _marker(mode), color=INK, label=f"after {mode}")
        outside_legend(figure, panels[0])
        return as_svg(figure, "Dice of each older domain before and after the model learned another dataset")


def _draw(axes: Axes, each: Kept, y: float, color: str) -> None:
    if each.before is None or each.after is None:
        return
    axes.plot([each.before, each.after], [y, y], color=color, linewidth=1.4)
    axes.plot([each.before], [y], "|", color=INK, markersize=9, markeredgewidth=1.6)
    axes.plot([each.after], [y], _marker(each.mode), color=color, markersize=6)


def _marker(mode: str) -> str:
    return {str(name): marker for name, marker in MARKERS.items()}.get(mode, "o")
