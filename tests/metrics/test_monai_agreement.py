"""Overlap and surface figures against MONAI's, over random masks of uneven spacing."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from monai.metrics import (  # pyright: ignore[reportPrivateImportUsage]
    compute_average_surface_distance,
    compute_hausdorff_distance,
    compute_surface_dice,
    get_confusion_matrix,
)
from monai.metrics.calibration import CalibrationErrorMetric
from monai.metrics.confusion_matrix import compute_confusion_matrix_metric
from scipy import ndimage
from torch import Tensor

from univox import metrics

SPACING_MM = {2: (0.7, 2.5), 3: (3.0, 0.5, 1.2)}


def blobs(shape: tuple[int, ...], seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    field, other = (ndimage.gaussian_filter(random.standard_normal(shape), 1.5) for _ in range(2))
    moved = field + 0.5 * other
    return field > np.quantile(field, 0.7), moved > np.quantile(moved, 0.8)


def batch(mask: np.ndarray) -> Tensor:
    """Of one case and one class."""
    return torch.as_tensor(mask)[None, None].float()


@pytest.mark.parametrize("shape", [(14, 11), (9, 8, 10)])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_overlap(shape: tuple[int, ...], seed: int) -> None:
    label, prediction = blobs(shape, seed)
    counts = metrics.count(label, prediction, 2)
    theirs = get_confusion_matrix(batch(prediction), batch(label), include_background=True)
    for name, ours in {
        "sensitivity": metrics.recall,
        "specificity": metrics.specificity,
        "precision": metrics.precision,
        "accuracy": metrics.accuracy,
        "f1 score": metrics.dice,
        "threat score": metrics.iou,
    }.items():
        expected = float(compute_confusion_matrix_metric(name, theirs))
        assert ours(counts)[1] == pytest.approx(expected, rel=1e-6), name


@pytest.mark.filterwarnings("ignore:.*always_return_as_numpy:FutureWarning")  # MONAI's own call of its own function
@pytest.mark.parametrize("shape", [(14, 11), (9, 8, 10)])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_surface(shape: tuple[int, ...], seed: int) -> None:
    label, prediction = blobs(shape, seed)
    spacing_mm = SPACING_MM[len(shape)]
    both = {"y_pred": batch(prediction), "y": batch(label), "include_background": True, "spacing": list(spacing_mm)}
    distances = metrics.surface_distances(label, prediction, spacing_mm=spacing_mm)
    hd = float(compute_hausdorff_distance(**both))
    assert distances.hausdorff(100.0) == pytest.approx(hd, rel=1e-5)
    hd95 = float(compute_hausdorff_distance(**both, percentile=95))
    assert distances.hausdorff(95.0) == pytest.approx(hd95, rel=1e-5)
    assd = float(compute_average_surface_distance(**both, symmetric=True))
    assert distances.average_symmetric() == pytest.approx(assd, rel=1e-5)
    for tolerance_mm in (0.1, 1.0, 2.0):
        share = float(compute_surface_dice(**both, class_thresholds=[tolerance_mm]))
        assert distances.dice(tolerance_mm) == pytest.approx(share, rel=1e-6)
    assert math.isfinite(hd)


@pytest.mark.parametrize("shape", [(14, 11), (9, 8, 10)])
@pytest.mark.parametrize("classes", [2, 4])
def test_calibration(shape: tuple[int, ...], classes: int) -> None:
    random = np.random.default_rng(classes)
    probabilities = random.dirichlet(np.ones(classes), shape)
    label = np.where(random.random(shape) < 0.6, probabilities.argmax(-1), random.integers(0, classes, shape))
    ours = metrics.measure_calibration(np.moveaxis(probabilities, -1, 0), label, bins=10)
    # Theirs is of one class at a time; whether the prediction is right is such a class, and our confidence its chance.
    right = probabilities.argmax(-1) == label
    for reduction, figure in {"expected": ours.expected_error, "maximum": ours.maximum_error}.items():
        theirs = CalibrationErrorMetric(num_bins=10, calibration_reduction=reduction)
        theirs(batch(probabilities.max(-1)), batch(right))
        assert figure == pytest.approx(float(theirs.aggregate()), rel=1e-5), reduction
