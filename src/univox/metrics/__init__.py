"""How well a prediction agrees with its label: overlap, surfaces, lines, segments, probabilities."""

from __future__ import annotations

from univox.metrics.calibration import Calibration, measure_calibration
from univox.metrics.entropy import RunningEntropy, normalized_entropy
from univox.metrics.error_detection import ErrorDetection, error_detection
from univox.metrics.evidence import ClassPair, SegmentPair
from univox.metrics.instances import (
    IOU_THRESHOLDS,
    ObjectOverlaps,
    ObjectScores,
    mean_average_precision,
    object_overlaps,
)
from univox.metrics.lesions import LesionMatch, match_lesions
from univox.metrics.modified_hausdorff import (
    LineDistances,
    line_distances,
    mhd,
    mhd_3d,
)
from univox.metrics.overlap import (
    Counts,
    accuracy,
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
    volume_similarity,
)
from univox.metrics.rand_error import (
    SegmentAgreement,
    connected_segments,
    pixel_error,
    segment_agreement,
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
from univox.metrics.temperature import fit_temperature, negative_log_likelihood, tempered

__all__ = [
    "IOU_THRESHOLDS",
    "Calibration",
    "ClassPair",
    "Counts",
    "ErrorDetection",
    "LesionMatch",
    "LineDistances",
    "ObjectOverlaps",
    "ObjectScores",
    "RunningEntropy",
    "SegmentAgreement",
    "SegmentPair",
    "SurfaceDistances",
    "accuracy",
    "average_symmetric_surface_distance",
    "boundary",
    "class_boxes",
    "confusion_matrix",
    "connected_segments",
    "count",
    "dice",
    "error_detection",
    "extent",
    "extent_unit",
    "fit_temperature",
    "hausdorff",
    "iou",
    "line_distances",
    "match_lesions",
    "mean_average_precision",
    "measure_calibration",
    "mhd",
    "mhd_3d",
    "negative_log_likelihood",
    "normalized_entropy",
    "object_overlaps",
    "pixel_error",
    "precision",
    "recall",
    "segment_agreement",
    "specificity",
    "surface_dice",
    "surface_distances",
    "tempered",
    "volume_difference",
    "volume_difference_percent",
    "volume_similarity",
]
