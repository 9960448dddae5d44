"""One color per class, the same in every plot and overlay; told apart on black, white and gray."""

from __future__ import annotations

COLORS: tuple[str, ...] = (
    "#f28e2b",
    "#2fb5d8",
    "#e0457b",
    "#59b64f",
    "#a97fe0",
    "#d9b40d",
    "#1fae9a",
    "#e26d52",
    "#6f8df0",
    "#b0885a",
)


def class_color(index: int) -> str:
    """Color of foreground class `index` (0 is the first); they repeat after ten.

    >>> class_color(0) == class_color(len(COLORS))
    True
    """
    return COLORS[index % len(COLORS)]
