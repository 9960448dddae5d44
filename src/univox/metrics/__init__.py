"""How well a prediction agrees with its label: overlap, and distance between surfaces."""

from __future__ import annotations

from univox.metrics.overlap import (
    Counts,
    confusion_matrix,
    count,
    dice,
    extent,
    extent_unit,
    iou,
    precision,
    recall,
    specificity,
    volume_difference,
    volume_difference_percent,
)
from univox.metrics.surface import (
    SurfaceDistances,
    average_symmetric_surface_distance,
    boundary,
    class_boxes,
    hausdorff,
    surface_dice,
    surface_distances,
)

__all__ = [
    "Counts",
    "SurfaceDistances",
    "average_symmetric_surface_distance",
    "boundary",
    "class_boxes",
    "confusion_matrix",
    "count",
    "dice",
    "extent",
    "extent_unit",
    "hausdorff",
    "iou",
    "precision",
    "recall",
    "specificity",
    "surface_dice",
    "surface_distances",
    "volume_difference",
    "volume_difference_percent",
]
