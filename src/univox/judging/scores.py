"""The figures of one case: one row per class, from the label and the prediction on one grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from univox import metrics
from univox.errors import ShapeError


@dataclass(frozen=True)
class Metric:
    """A figure of `ClassScore`, as a reader should meet it.

    Args:
        name: The field of `ClassScore`.
        title: For tables and plots, without the unit.
        unit: "", "mm", "%"; "size" stands for mL in 3-D and mm2 in 2-D.
        best: Where perfection lies: 1 or 0.
    """

    name: str
    title: str
    unit: Literal["", "mm", "%", "size"]
    best: float


METRICS: tuple[Metric, ...] = (
    Metric("dice", "Dice", "", 1.0),
    Metric("iou", "IoU", "", 1.0),
    Metric("precision", "Precision", "", 1.0),
    Metric("recall", "Recall", "", 1.0),
    Metric("hd95_mm", "HD95", "mm", 0.0),
    Metric("volume_difference", "Volume difference", "size", 0.0),
    Metric("volume_difference_percent", "Volume difference", "%", 0.0),
)
"""What is summarized, in the order of every table."""


@dataclass(frozen=True)
class ClassScore:
    """How well one class of one case was found; nan and inf by the rules of `univox.metrics`.

    Args:
        class_name: The class, as the dataset names it.
        dice: Dice ratio.
        iou: Intersection over union.
        precision: Share of the prediction that is right.
        recall: Share of the label that was found.
        hd95_mm: 95 % Hausdorff distance of the surfaces, mm.
        volume_label: Size in the label, mL (2-D: mm2).
        volume_prediction: Size in the prediction.
        volume_difference: Prediction minus label.
        volume_difference_percent: The same in percent of the label.
    """

    class_name: str
    dice: float
    iou: float
    precision: float
    recall: float
    hd95_mm: float
    volume_label: float
    volume_prediction: float
    volume_difference: float
    volume_difference_percent: float


def evaluate_arrays(
    label: NDArray[Any],
    prediction: NDArray[Any],
    *,
    class_names: Sequence[str],
    spacing_mm: tuple[float, ...],
) -> tuple[ClassScore, ...]:
    """Score every foreground class of one case.

    Args:
        label: Class indices 0..K-1, (H, W) or (D, H, W).
        prediction: The same, same shape.
        class_names: K names, background first.
        spacing_mm: Voxel edge per axis, array order.

    Returns:
        One score per class 1..K-1.

    Raises:
        ShapeError: Shapes differ, or spacing has another length.
        LabelError: An index lies outside 0..K-1.

    >>> label = np.zeros((4, 4), np.uint8)
    >>> label[:2, :2] = 1
    >>> score, = evaluate_arrays(label, label, class_names=("rest", "spot"), spacing_mm=(0.5, 0.5))
    >>> score.class_name, score.dice, score.hd95_mm, score.volume_label
    ('spot', 1.0, 0.0, 1.0)
    """
    if len(spacing_mm) != label.ndim:
        raise ShapeError(
            expected=f"{label.ndim} spacing values in mm",
            got=f"{tuple(spacing_mm)}",
            remedy="give one voxel edge per axis, in array order",
        )
    counts = metrics.count(label, prediction, len(class_names))
    columns = {
        "dice": metrics.dice(counts),
        "iou": metrics.iou(counts),
        "precision": metrics.precision(counts),
        "recall": metrics.recall(counts),
        "hd95_mm": _hausdorff_of_classes(label, prediction, len(class_names), spacing_mm),
        "volume_label": metrics.extent(counts.label, spacing_mm),
        "volume_prediction": metrics.extent(counts.prediction, spacing_mm),
        "volume_difference": metrics.volume_difference(counts, spacing_mm),
        "volume_difference_percent": metrics.volume_difference_percent(counts),
    }
    return tuple(
        ClassScore(class_names[k], **{name: float(column[k]) for name, column in columns.items()})
        for k in range(1, len(class_names))
    )


def mean_dice(scores: Sequence[ClassScore]) -> float:
    """Mean Dice of a case's foreground classes; those in neither map (nan) are left out, all such: nan."""
    values = [score.dice for score in scores if not math.isnan(score.dice)]
    return sum(values) / len(values) if values else math.nan


def _hausdorff_of_classes(
    label: NDArray[Any], prediction: NDArray[Any], num_classes: int, spacing_mm: tuple[float, ...]
) -> NDArray[np.float64]:
    """(K,) HD95 in mm; the background's is not asked for (nan)."""
    distances = np.full(num_classes, np.nan)
    for k, box in enumerate(metrics.class_boxes(label, prediction, num_classes), start=1):
        distances[k] = metrics.hausdorff(label[box] == k, prediction[box] == k, spacing_mm=spacing_mm)
    return distances
