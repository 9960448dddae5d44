"""Every case's Dice as a dot on one line, with the mean and its interval: the summary at a glance."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

from univox.judging.statistics import Summary

WIDTH, MIDDLE = 300.0, 11.0


def case_strip(values: Sequence[float], summary: Summary) -> str:
    """Give the strip as one `<svg>` element; empty where no case has a figure.

    Args:
        values: One per case, in [0, 1]; nan is left out.
        summary: Of the same.
    """
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return ""
    lowest = min(0.9, math.floor(10 * min(finite)) / 10)

    def x(value: float) -> float:
        return round(4 + (WIDTH - 8) * (value - lowest) / (1 - lowest), 2)

    dots = "".join(
        f'<circle cx="{x(value)}" cy="{MIDDLE}" r="3" fill="currentColor" fill-opacity="0.35"/>' for value in finite
    )
    band = ""
    if math.isfinite(summary.low):
        band = (
            f'<rect x="{x(summary.low)}" y="{MIDDLE - 8}" width="{max(1.5, x(summary.high) - x(summary.low)):.2f}" '
            'height="16" rx="2" fill="var(--accent)" fill-opacity="0.25"/>'
        )
    said = html.escape(f"Mean Dice of each of {len(finite)} cases, from {min(finite):.3f} to {max(finite):.3f}")
    ends = "".join(
        f'<text x="{place}" y="33" font-size="9" fill="var(--soft)" text-anchor="{anchor}">{text}</text>'
        for place, anchor, text in ((4, "start", f"{lowest:g}"), (WIDTH - 4, "end", "1"))
    )
    return (
        f'<svg viewBox="0 0 {WIDTH:g} 36" role="img" aria-label="{said}"><title>{said}</title>'
        f'<line x1="4" x2="{WIDTH - 4:g}" y1="{MIDDLE}" y2="{MIDDLE}" stroke="var(--line)"/>{band}{dots}'
        f'<line x1="{x(summary.mean)}" x2="{x(summary.mean)}" y1="{MIDDLE - 9}" y2="{MIDDLE + 9}" '
        f'stroke="var(--accent)" stroke-width="2.5"/>{ends}</svg>'
    )
