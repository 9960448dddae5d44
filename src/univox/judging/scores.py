"""The figures of one case: one row per class, from the label and the prediction on one grid."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from univox import metrics
from univox.data.classes import NOT_ANNOTATED
from univox.errors import MetricError, ShapeError
from univox.judging.annotated import annotated_voxels, background_elsewhere
from univox.judging.measures import Measures, value_of
from univox.metrics.catalog import METRICS, Metric

DEFAULT_MEASURES = Measures()

__all__ = ["DEFAULT_MEASURES", "METRICS", "ClassScore", "Metric", "evaluate_arrays", "evaluate_segments", "mean_dice"]


@dataclass(frozen=True)
class ClassScore:
    """How well one class of one case was found.

    Args:
        class_name: The class, as the dataset names it.
        values: Metric name -> figure, in the order of `METRICS`; nan and inf by each metric's rule.
    """

    class_name: str
    values: Mapping[str, float]

    def __getitem__(self, metric: str) -> float:
        """One figure.

        Raises:
            MetricError: It was not judged.
        """
        try:
            return self.values[metric]
        except KeyError:
            raise MetricError(
                expected=f"a metric that was judged ({', '.join(self.values)})",
                got=repr(metric),
                remedy="judge again with this metric among --metrics",
            ) from None


def evaluate_arrays(
    label: NDArray[Any],
    prediction: NDArray[Any],
    *,
    class_names: Sequence[str],
    spacing_mm: tuple[float, ...],
    measures: Measures = DEFAULT_MEASURES,
) -> tuple[ClassScore, ...]:
    """Score every foreground class of one case, where somebody labelled it.

    Other voxels are counted nowhere. For distances both maps are background there: what lies between annotated
    slices has no surface, and a slice that is annotated alone has one on either side.

    Args:
        label: Class indices 0..K-1, (H, W) or (D, H, W); `univox.data.classes.NOT_ANNOTATED` where nobody labelled.
        prediction: The same, same shape.
        class_names: K names, background first.
        spacing_mm: Voxel edge per axis, array order.
        measures: Which metrics, and by which conventions.

    Returns:
        One score per class 1..K-1.

    Raises:
        ShapeError: Shapes differ, or spacing has another length.
        LabelError: An index lies outside 0..K-1.

    >>> label = np.zeros((4, 4), np.uint8)
    >>> label[:2, :2] = 1
    >>> score, = evaluate_arrays(label, label, class_names=("rest", "spot"), spacing_mm=(0.5, 0.5))
    >>> score.class_name, score["dice"], score["hd95_mm"], score["volume_label"]
    ('spot', 1.0, 0.0, 1.0)
    """
    if len(spacing_mm) != label.ndim:
        raise ShapeError(
            expected=f"{label.ndim} spacing values in mm",
            got=f"{tuple(spacing_mm)}",
            remedy="give one voxel edge per axis, in array order",
        )
    counts = metrics.count(*annotated_voxels(label, prediction), len(class_names))
    label, prediction = background_elsewhere(label, prediction)
    boxes = metrics.class_boxes(label, prediction, len(class_names))
    chosen = measures.of_classes(label.ndim)
    scores: list[ClassScore] = []
    for index, box in enumerate(boxes, start=1):
        pair = metrics.ClassPair(
            label, prediction, index, counts.of_class(index), box, tuple(spacing_mm), measures.tolerance_mm
        )
        values = {metric.name: value_of(metric, pair, measures.empty) for metric in chosen}
        scores.append(ClassScore(class_names[index], values))
    return tuple(scores)


def evaluate_segments(
    label: NDArray[Any],
    prediction: NDArray[Any],
    *,
    interior: Sequence[int],
    measures: Measures = DEFAULT_MEASURES,
    objects: tuple[NDArray[Any], NDArray[Any]] | None = None,
) -> dict[str, float]:
    """Score one case as a whole: the pieces into which label and prediction divide it.

    Args:
        label: Class indices, (H, W) or (D, H, W); where nobody labelled, both are taken to lie outside.
        prediction: The same, same shape.
        interior: Indices of the classes that lie inside segments.
        measures: Which metrics, and by which conventions.
        objects: Those of label and prediction, numbered; none takes the segments.

    Returns:
        Metric name -> figure; nothing where none is asked for.

    Raises:
        ShapeError: The shapes differ.
    """
    chosen = measures.of_cases()
    if not chosen:
        return {}
    annotated = label != NOT_ANNOTATED
    inside = np.isin(label, interior) & annotated, np.isin(prediction, interior) & annotated
    if objects is not None:
        objects = objects[0] * annotated, objects[1] * annotated
    pair = metrics.SegmentPair(*inside, None if annotated.all() else annotated, objects)
    return {metric.name: value_of(metric, pair, measures.empty) for metric in chosen}


def mean_dice(scores: Sequence[ClassScore]) -> float:
    """Mean Dice of a case's foreground classes; those in neither map (nan) are left out, all such: nan."""
    values = [score["dice"] for score in scores if not math.isnan(score["dice"])]
    return sum(values) / len(values) if values else math.nan
