"""What is to be known of a metric, as one value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

Evidence = TypeVar("Evidence")

Unit = Literal["", "mm", "%", "size", "sqrt(voxels)", "bits", "count"]
Direction = Literal["higher", "lower", "zero", "none"]


@dataclass(frozen=True, kw_only=True)
class Metric(Generic[Evidence]):
    """A figure, how it is found, and as a reader should meet it.

    Args:
        name: As in tables, files and `--metrics`.
        title: For headings and plots, without the unit.
        group: The group that it is chosen with.
        unit: "" for none; "size" stands for mL in 3-D and mm2 in 2-D.
        direction: What is better: "higher", "lower", "zero" (nearer to 0, of either sign); "none": it is a
            fact, as a size is, and neither good nor bad.
        best: Where perfection lies; none for a fact.
        range: Values that it can have, in words.
        value: The figure of what was compared; nan and inf by the rule in `empty`.
        what: What it is.
        use: When it says what a reader wants to know.
        avoid: When it misleads.
        empty: What it is where label, prediction or both are empty.
        source: Where it is published; where ours departs.
        also: Names that others give it.
        dims: Spatial dimensions in which it exists.
    """

    name: str
    title: str
    group: str
    unit: Unit
    direction: Direction
    best: float | None
    range: str
    value: Callable[[Evidence], float]
    what: str
    use: str
    avoid: str
    empty: str
    source: str
    also: tuple[str, ...] = ()
    dims: tuple[int, ...] = (1, 2, 3)
