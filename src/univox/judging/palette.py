"""One color per class, the same in every plot and overlay; told apart on black, white and gray.

Chosen so that readers with any of the three color-vision deficiencies tell them apart as well, the first ones best.
"""

from __future__ import annotations

COLORS: tuple[str, ...] = (
    "#e3891b",
    "#2b9fd6",
    "#8a27f5",
    "#e9175e",
    "#bd1485",
    "#4b5ec4",
    "#aab865",
    "#935e0f",
    "#228564",
    "#8289f5",
)


def class_color(index: int) -> str:
    """Color of foreground class `index` (0 is the first); they repeat after ten.

    >>> class_color(0) == class_color(len(COLORS))
    True
    """
    return COLORS[index % len(COLORS)]
