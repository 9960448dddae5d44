"""Overlap of two label maps, every figure from one pass over the voxels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from univox.errors import LabelError, ShapeError

IntegerArray: TypeAlias = NDArray[Any]
"""A label map: integer, or boolean for two classes."""
FloatArray: TypeAlias = NDArray[np.float64]

VOXELS_PER_BLOCK = 1 << 20
"""Voxels counted at once, so that the 64-bit pair codes of a large volume never stand in memory whole."""


@dataclass(frozen=True)
class Counts:
    """Voxels of every class, by agreement; entry k is class k against all others.

    Args:
        true_positive: (K,) class k in label and prediction.
        false_positive: (K,) class k in the prediction only.
        false_negative: (K,) class k in the label only.
        true_negative: (K,) class k in neither.
    """

    true_positive: NDArray[np.int64]
    false_positive: NDArray[np.int64]
    false_negative: NDArray[np.int64]
    true_negative: NDArray[np.int64]

    @property
    def label(self) -> NDArray[np.int64]:
        """(K,) voxels of each class in the label."""
        return self.true_positive + self.false_negative

    @property
    def prediction(self) -> NDArray[np.int64]:
        """(K,) voxels of each class in the prediction."""
        return self.true_positive + self.false_positive

    def of_class(self, index: int) -> Counts:
        """Counts of one class alone, entries (1,)."""
        part = slice(index, index + 1)
        return Counts(
            self.true_positive[part], self.false_positive[part], self.false_negative[part], self.true_negative[part]
        )


def confusion_matrix(label: IntegerArray, prediction: IntegerArray, num_classes: int) -> NDArray[np.int64]:
    """Count every pair of classes; row = class in the label, column = class in the prediction.

    Args:
        label: Class indices 0..num_classes-1, any shape; boolean counts as 0 and 1.
        prediction: The same of the prediction, same shape.
        num_classes: Classes, background included.

    Returns:
        (K, K) voxels.

    Raises:
        ShapeError: The shapes differ.
        LabelError: A value lies outside 0..num_classes-1, or is no integer.

    >>> confusion_matrix(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), 2)
    array([[1, 1],
           [0, 2]])
    """
    if label.shape != prediction.shape:
        raise ShapeError(
            expected=f"a prediction of the label's shape {label.shape}",
            got=f"shape {prediction.shape}",
            remedy="compare arrays of one grid",
        )
    _check_indices("label", label, num_classes)
    _check_indices("prediction", prediction, num_classes)
    rows, columns = np.ravel(label), np.ravel(prediction)
    pairs = np.zeros(num_classes * num_classes, dtype=np.int64)
    for start in range(0, rows.size, VOXELS_PER_BLOCK):
        block = slice(start, start + VOXELS_PER_BLOCK)
        codes = rows[block].astype(np.int64) * num_classes + columns[block]
        pairs += np.bincount(codes, minlength=pairs.size)
    return pairs.reshape(num_classes, num_classes)


def count(label: IntegerArray, prediction: IntegerArray, num_classes: int) -> Counts:
    """Count agreement and disagreement of every class in one pass.

    Args:
        label: Class indices 0..num_classes-1, any shape; boolean counts as 0 and 1.
        prediction: The same of the prediction, same shape.
        num_classes: Classes, background included.

    Returns:
        The four counts per class.

    Raises:
        ShapeError: The shapes differ.
        LabelError: A value lies outside 0..num_classes-1, or is no integer.

    >>> counts = count(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), 2)
    >>> counts.true_positive, counts.false_positive, counts.false_negative
    (array([1, 2]), array([0, 1]), array([1, 0]))
    """
    matrix = confusion_matrix(label, prediction, num_classes)
    true_positive = np.diagonal(matrix).copy()
    false_positive = matrix.sum(axis=0) - true_positive
    false_negative = matrix.sum(axis=1) - true_positive
    true_negative = matrix.sum() - true_positive - false_positive - false_negative
    return Counts(true_positive, false_positive, false_negative, true_negative)


def dice(counts: Counts) -> FloatArray:
    """Dice ratio 2 |P and L| / (|P| + |L|) per class.

    Returns:
        (K,) in [0, 1]; one side empty: 0; both empty: nan.

    Source: Dice, Ecology 26(3), 1945.

    >>> dice(count(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), 2)).tolist()
    [0.6666666666666666, 0.8]
    """
    return _ratio(2 * counts.true_positive, counts.label + counts.prediction)


def iou(counts: Counts) -> FloatArray:
    """Intersection over union (Jaccard index) per class; Dice = 2 IoU / (1 + IoU).

    Returns:
        (K,) in [0, 1]; one side empty: 0; both empty: nan.
    """
    return _ratio(counts.true_positive, counts.true_positive + counts.false_positive + counts.false_negative)


def precision(counts: Counts) -> FloatArray:
    """Share of the predicted voxels that are right, per class.

    Returns:
        (K,) in [0, 1]; nothing predicted: nan.
    """
    return _ratio(counts.true_positive, counts.prediction)


def recall(counts: Counts) -> FloatArray:
    """Share of the label's voxels that were found (sensitivity), per class.

    Returns:
        (K,) in [0, 1]; class absent from the label: nan.
    """
    return _ratio(counts.true_positive, counts.label)


def specificity(counts: Counts) -> FloatArray:
    """Share of the voxels outside the label that were left alone, per class.

    Returns:
        (K,) in [0, 1]; label everywhere: nan.
    """
    return _ratio(counts.true_negative, counts.true_negative + counts.false_positive)


def accuracy(counts: Counts) -> FloatArray:
    """Share of all voxels that are right about a class: in both maps or in neither.

    A class of few voxels has an accuracy near 1 whatever is predicted: for segmentation, Dice says more.

    Returns:
        (K,) in [0, 1]; both empty: 1, since every voxel is right; no voxel at all: nan.

    >>> accuracy(count(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 1]), 3)).tolist()
    [0.75, 0.5, 0.75]
    """
    right = counts.true_positive + counts.true_negative
    return _ratio(right, right + counts.false_positive + counts.false_negative)


def volume_similarity(counts: Counts) -> FloatArray:
    """Likeness of the two sizes, wherever they lie: 1 - ||P| - |L|| / (|P| + |L|) per class.

    Returns:
        (K,) in [0, 1], never below Dice; one side empty: 0; both empty: nan.

    Source: Taha, Hanbury, BMC Medical Imaging 15:29, 2015, whose figure has no sign either.

    >>> volume_similarity(count(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), 2)).tolist()
    [0.6666666666666666, 0.8]
    """
    return _ratio(2 * np.minimum(counts.label, counts.prediction), counts.label + counts.prediction)


def extent(voxels: NDArray[np.int64], spacing_mm: tuple[float, ...]) -> FloatArray:
    """Size of a number of voxels: volume in mL in 3-D, area in mm2 in 2-D, length in mm in 1-D.

    Args:
        voxels: (K,) voxel counts.
        spacing_mm: Voxel edge per axis, array order; its length says the dimension.

    Returns:
        (K,) sizes in `extent_unit(len(spacing_mm))`.

    >>> extent(np.array([500]), (1.0, 1.0, 2.0)).tolist(), extent(np.array([500]), (0.5, 0.5)).tolist()
    ([1.0], [125.0])
    """
    mm_power_per_unit = 1000.0 if len(spacing_mm) == 3 else 1.0
    return voxels * np.float64(math.prod(spacing_mm) / mm_power_per_unit)


def extent_unit(spatial_dims: int) -> str:
    """Unit of `extent`: "ml" for volumes, "mm2" for areas, "mm" for lengths."""
    return {1: "mm", 2: "mm2", 3: "ml"}[spatial_dims]


def volume_difference(counts: Counts, spacing_mm: tuple[float, ...]) -> FloatArray:
    """Prediction's size minus label's size per class, signed: positive is too large.

    Args:
        counts: Of one case.
        spacing_mm: Voxel edge per axis, array order.

    Returns:
        (K,) in mL (3-D) or mm2 (2-D); both empty: 0.
    """
    return extent(counts.prediction - counts.label, spacing_mm)


def volume_difference_percent(counts: Counts) -> FloatArray:
    """Signed size difference in percent of the label's size, per class.

    Returns:
        (K,); class absent from the label: nan when it is not predicted either, else inf.

    >>> volume_difference_percent(count(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), 2)).tolist()
    [-50.0, 50.0]
    """
    difference = counts.prediction - counts.label
    with np.errstate(divide="ignore", invalid="ignore"):
        return 100.0 * difference / counts.label


def _ratio(numerator: NDArray[np.int64], denominator: NDArray[np.int64]) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return numerator / denominator


def _check_indices(side: str, array: IntegerArray, num_classes: int) -> None:
    if array.dtype.kind not in "biu":
        raise LabelError(
            expected=f"a {side} of integer class indices",
            got=f"dtype {array.dtype}",
            remedy="convert it to integers",
        )
    if array.size == 0:
        return
    low, high = int(array.min()), int(array.max())
    if low < 0 or high >= num_classes:
        raise LabelError(
            expected=f"class indices 0..{num_classes - 1} in the {side}",
            got=f"values from {low} to {high}",
            remedy="map the codes of the file to class indices first",
        )
