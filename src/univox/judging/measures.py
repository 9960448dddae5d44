"""What is judged and how: the choices of one evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from univox.data.classes import Classes
from univox.errors import MetricError
from univox.metrics import ClassPair, SegmentPair
from univox.metrics.catalog import CASE_METRICS, DEFAULT_GROUPS, METRICS, Metric, chosen_names

Empty = Literal["nan", "one"]
TOLERANCE_MM = 2.0
"""Of the surface Dice unless told otherwise."""


@dataclass(frozen=True)
class Measures:
    """The metrics of an evaluation and the conventions that they follow.

    Args:
        metrics: Groups or names of `univox.metrics.catalog`; "all" for every one.
        tolerance_mm: Distance that the surface Dice forgives. 2 mm is a convention, of the size that evaluations of
            organs use, which choose it for each structure: by how much annotators disagree.
        empty: A class that is in neither label nor prediction: "nan", left out of the means and counted; or "one", as
            found perfectly (1 for overlaps, 0 for distances), an older convention.
        interior: Classes whose voxels make the segments of `segments` and the objects of `objects`; if left out, all of
            the foreground but borders between objects.

    Raises:
        MetricError: There is no such metric or convention, or the tolerance is no distance.
    """

    metrics: tuple[str, ...] = DEFAULT_GROUPS
    tolerance_mm: float = TOLERANCE_MM
    empty: Empty = "nan"
    interior: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        chosen_names(self.metrics)
        if not 0.0 <= self.tolerance_mm < float("inf"):
            raise MetricError(
                expected="a tolerance of 0 mm or more",
                got=f"{self.tolerance_mm}",
                remedy="give the distance by which two annotators disagree",
            )
        if self.empty not in get_args(Empty):
            raise MetricError(
                expected="nan or one for classes that are in neither map",
                got=repr(self.empty),
                remedy="choose one of them",
            )

    def of_classes(self, spatial_dims: int) -> tuple[Metric[ClassPair], ...]:
        """Metrics of one class of one case, in the order of every table."""
        names = chosen_names(self.metrics)
        return tuple(metric for metric in METRICS if metric.name in names and spatial_dims in metric.dims)

    def of_cases(self) -> tuple[Metric[SegmentPair], ...]:
        """Metrics of one case as a whole."""
        names = chosen_names(self.metrics)
        return tuple(metric for metric in CASE_METRICS if metric.name in names)

    def interior_indices(self, classes: Classes) -> tuple[int, ...]:
        """Class indices whose voxels lie inside segments.

        Raises:
            MetricError: The dataset has no class of such a name.
        """
        unknown = [name for name in self.interior if name not in classes.names]
        if unknown:
            raise MetricError(
                expected=f"classes of the dataset ({', '.join(classes.names)}) as interior",
                got=", ".join(unknown),
                remedy="name those whose voxels lie inside cells",
            )
        return tuple(classes.names.index(name) for name in self.interior) or tuple(
            index for index in range(1, len(classes.names)) if index not in classes.border_indices
        )


def value_of(metric: Metric[Any], pair: ClassPair | SegmentPair, empty: Empty) -> float:
    """Give a metric's figure by the convention for what is in neither label nor prediction."""
    if pair.both_empty and empty == "one" and metric.best is not None:
        return metric.best
    return float(metric.value(pair))


def judged(metrics: Sequence[Metric[Any]]) -> tuple[Metric[Any], ...]:
    """Those that say how good a prediction is; the others are facts."""
    return tuple(metric for metric in metrics if metric.best is not None)
