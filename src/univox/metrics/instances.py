"""How well numbered objects were found, one by one: average precision, F1 and panoptic quality.

An object of the prediction finds one of the label where their intersection over union (IoU) reaches a threshold, and
each finds one at most. What finds is a true positive, what finds nothing a false positive, what is not found a false
negative. The numbers of the objects carry no meaning.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from univox.errors import LabelError, ShapeError

IOU_THRESHOLDS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
"""Those of the Data Science Bowl 2018."""


@dataclass(frozen=True, eq=False)
class ObjectOverlaps:
    """Which objects of two maps overlap, and how much; every threshold is asked of this one count.

    Args:
        labels: Objects of the label.
        predictions: Objects of the prediction.
        pairs: (n, 2) indices 0.. of the objects of label and prediction that share a voxel.
        iou: (n,) IoU of each pair, in (0, 1].
    """

    labels: int
    predictions: int
    pairs: NDArray[np.intp]
    iou: NDArray[np.float64]

    def at(self, threshold: float) -> ObjectScores:
        """Count what was found at an IoU of `threshold` or more.

        As many objects as possible are found; of the ways to do so, the one with the largest sum of IoU counts.
        """
        found = self._found(threshold)
        true = len(found)
        return ObjectScores(threshold, true, self.predictions - true, self.labels - true, float(self.iou[found].sum()))

    def _found(self, threshold: float) -> NDArray[np.intp]:
        """Indices into `pairs`."""
        good = np.flatnonzero(self.iou >= threshold)
        rows, columns = self.pairs[good].T
        if len(np.unique(rows)) == len(good) == len(np.unique(columns)):
            # Always so above 0.5: no two objects of one map share more than half of a third with it.
            return good
        from scipy.optimize import linear_sum_assignment

        rows, columns = (np.unique(ends, return_inverse=True)[1] for ends in (rows, columns))
        gain = np.zeros((int(rows.max()) + 1, int(columns.max()) + 1))
        # One more object outweighs whatever its IoU costs the others: all the IoU together is below the number.
        gain[rows, columns] = min(gain.shape) + self.iou[good]
        place = np.full(gain.shape, -1, dtype=np.intp)
        place[rows, columns] = good
        chosen = place[linear_sum_assignment(gain, maximize=True)]
        return chosen[chosen >= 0]


@dataclass(frozen=True)
class ObjectScores:
    """What was found at one threshold; ratios are nan where neither map has an object.

    Args:
        threshold: Least IoU at which an object counts as found.
        true_positives: Objects that found each other.
        false_positives: Objects of the prediction that found none.
        false_negatives: Objects of the label that none found.
        iou_sum: Over the true positives.

    >>> scores = ObjectScores(0.5, 3, 1, 0, 2.4)
    >>> scores.average_precision, round(scores.f1, 3), round(scores.panoptic_quality, 3)
    (0.75, 0.857, 0.686)
    """

    threshold: float
    true_positives: int
    false_positives: int
    false_negatives: int
    iou_sum: float

    @property
    def average_precision(self) -> float:
        """TP / (TP + FP + FN), as the Data Science Bowl 2018 and StarDist call it; no curve is integrated."""
        return _share(self.true_positives, self.true_positives + self.false_positives + self.false_negatives)

    @property
    def precision(self) -> float:
        """Share of the prediction's objects that are right; nan where it has none."""
        return _share(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float:
        """Share of the label's objects that were found; nan where it has none."""
        return _share(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN); the recognition quality (RQ) of panoptic segmentation."""
        return _share(2 * self.true_positives, 2 * self.true_positives + self.false_positives + self.false_negatives)

    @property
    def segmentation_quality(self) -> float:
        """Mean IoU of the true positives (SQ); nan where there is none."""
        return _share(self.iou_sum, self.true_positives)

    @property
    def panoptic_quality(self) -> float:
        """SQ times RQ (PQ); 0 where objects are there and none was found."""
        return _share(2 * self.iou_sum, 2 * self.true_positives + self.false_positives + self.false_negatives)


def object_overlaps(label: NDArray[Any], prediction: NDArray[Any]) -> ObjectOverlaps:
    """Find the objects of two maps that overlap.

    Args:
        label: 0 on background, one positive number per object, any shape.
        prediction: The same, same shape.

    Raises:
        ShapeError: The shapes differ.
        LabelError: A map is not of integers, or holds a negative number.

    >>> overlaps = object_overlaps(np.array([7, 7, 7, 0, 9]), np.array([1, 1, 0, 0, 2]))
    >>> overlaps.pairs.tolist(), overlaps.iou.round(3).tolist()
    ([[0, 0], [1, 1]], [0.667, 1.0])
    """
    if label.shape != prediction.shape:
        raise ShapeError(
            expected=f"a prediction of the label's shape, {list(label.shape)}",
            got=f"{list(prediction.shape)}",
            remedy="write the prediction on the grid of its label",
        )
    rows, row_sizes = _ranks(label)
    columns, column_sizes = _ranks(prediction)
    both = (rows >= 0) & (columns >= 0)
    joint, shared = np.unique(rows[both] * max(len(column_sizes), 1) + columns[both], return_counts=True)
    pairs = np.stack(np.divmod(joint, max(len(column_sizes), 1)), axis=1).astype(np.intp)
    union = row_sizes[pairs[:, 0]] + column_sizes[pairs[:, 1]] - shared
    return ObjectOverlaps(len(row_sizes), len(column_sizes), pairs, shared / union)


def mean_average_precision(overlaps: ObjectOverlaps, thresholds: Sequence[float] = IOU_THRESHOLDS) -> float:
    """Mean over IoU thresholds of TP / (TP + FP + FN); nan where neither map has an object.

    Source: Data Science Bowl 2018, evaluation (0.5 to 0.95 in steps of 0.05), of one image. Departs: there an IoU
        must exceed its threshold, here it may equal it, as in StarDist.

    >>> mean_average_precision(object_overlaps(np.array([1, 1, 1, 1]), np.array([3, 3, 3, 0])))
    0.6
    """
    values = [overlaps.at(threshold).average_precision for threshold in thresholds]
    return sum(values) / len(values)


def _ranks(objects: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each voxel's object as 0, 1, ... (background -1), flat, and the voxels of each."""
    if objects.dtype.kind not in "iub":
        raise LabelError(
            expected="integers that number objects", got=str(objects.dtype), remedy="number the objects from 1"
        )
    numbers, ranks, sizes = np.unique(objects, return_inverse=True, return_counts=True)
    if numbers.size and numbers[0] < 0:
        raise LabelError(expected="no negative number", got=f"{int(numbers[0])}", remedy="number the objects from 1")
    first = int(numbers.size > 0 and numbers[0] == 0)
    return ranks.ravel().astype(np.int64) - first, sizes[first:].astype(np.int64)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else math.nan
