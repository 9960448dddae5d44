"""Whether probabilities mean what they say: of the voxels given 80 %, are 80 % right?

Voxels are sorted into bins by their confidence, the probability of the class that is predicted. Bins of several cases
add up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from univox.errors import LabelError, ShapeError

BINS = 15
"""Bins unless told otherwise, as in Guo et al. 2017."""

VOXELS_PER_BLOCK = 1 << 20
"""Voxels looked at together, so that no 64-bit copy of all probabilities stands in memory."""


@dataclass(frozen=True)
class Calibration:
    """Confidence beside accuracy, by bins of equal width: bin k of n holds confidences in (k / n, (k + 1) / n].

    Args:
        voxels: (n,) voxels in each bin.
        right: (n,) of them, those whose predicted class is the label's.
        confidence_sum: (n,) their confidences added up.
    """

    voxels: NDArray[np.int64]
    right: NDArray[np.int64]
    confidence_sum: NDArray[np.float64]

    def __add__(self, other: Calibration) -> Calibration:
        """Voxels of both, as of two cases.

        Raises:
            ShapeError: The numbers of bins differ.
        """
        if self.voxels.shape != other.voxels.shape:
            raise ShapeError(
                expected=f"{len(self.voxels)} bins on both sides",
                got=f"{len(other.voxels)} bins",
                remedy="measure all cases with one number of bins",
            )
        return Calibration(
            self.voxels + other.voxels, self.right + other.right, self.confidence_sum + other.confidence_sum
        )

    @property
    def accuracy(self) -> NDArray[np.float64]:
        """(n,) share of each bin's voxels that are right; nan in an empty bin."""
        return _ratio(self.right, self.voxels)

    @property
    def confidence(self) -> NDArray[np.float64]:
        """(n,) mean confidence of each bin; nan in an empty bin."""
        return _ratio(self.confidence_sum, self.voxels)

    @property
    def expected_error(self) -> float:
        """Mean over the voxels of how far their bin's confidence is from its accuracy (ECE), in [0, 1].

        0 is best; no voxel: nan. Most voxels of an image are easy background: give `within` to look at a part.
        """
        total = int(self.voxels.sum())
        return float(np.abs(self.right - self.confidence_sum).sum() / total) if total else float("nan")

    @property
    def maximum_error(self) -> float:
        """Largest distance of confidence and accuracy in any bin that has voxels (MCE), in [0, 1]; no voxel: nan."""
        filled = self.voxels > 0
        return float(np.abs(self.accuracy - self.confidence)[filled].max()) if filled.any() else float("nan")


def measure_calibration(
    probabilities: NDArray[np.floating[Any]],
    label: NDArray[Any],
    *,
    bins: int = BINS,
    within: NDArray[np.bool_] | None = None,
) -> Calibration:
    """Sort voxels by the confidence of their prediction, and count in each bin how many are right.

    Args:
        probabilities: (K, *spatial), in [0, 1] and with sum 1 over the classes.
        label: Class indices 0..K-1, (*spatial).
        bins: Number of bins of equal width.
        within: Boolean, (*spatial); the voxels that count, all if left out.

    Returns:
        The bins. Of equal probabilities the lower class is the predicted one.

    Raises:
        ShapeError: Shapes differ.
        LabelError: A probability that counts lies outside [0, 1], or the label is no class index.
        ValueError: `bins` is below 1.

    Source: Guo et al., ICML 2017, section 2 (expected and maximum calibration error).

    >>> of_two = np.array([[0.875, 0.75, 0.25, 0.375], [0.125, 0.25, 0.75, 0.625]])
    >>> found = measure_calibration(of_two, np.array([0, 0, 1, 0]), bins=2)
    >>> found.voxels.tolist(), found.right.tolist(), found.expected_error  # 3 of 4 right, 75 % sure on average
    ([0, 4], [0, 3], 0.0)
    """
    if bins < 1:
        raise ValueError(f"bins must be at least 1, got {bins}")
    _check_shapes(probabilities, label, within)
    classes = len(probabilities)
    rows, truth = probabilities.reshape(classes, -1), label.reshape(-1)
    counted = None if within is None else within.reshape(-1)
    voxels, right, confidence_sum = np.zeros(bins, np.int64), np.zeros(bins, np.int64), np.zeros(bins)
    for start in range(0, truth.size, VOXELS_PER_BLOCK):
        block = slice(start, start + VOXELS_PER_BLOCK)
        part, labels = rows[:, block], truth[block]
        if counted is not None:
            part, labels = part[:, counted[block]], labels[counted[block]]
        _check_values(part, labels)
        predicted = part.argmax(axis=0)
        confidence = part.max(axis=0).astype(np.float64)
        bin_of = np.clip(np.ceil(confidence * bins).astype(np.intp) - 1, 0, bins - 1)
        voxels += np.bincount(bin_of, minlength=bins)
        right += np.bincount(bin_of[predicted == labels], minlength=bins)
        confidence_sum += np.bincount(bin_of, weights=confidence, minlength=bins)
    return Calibration(voxels, right, confidence_sum)


def _ratio(numerator: NDArray[Any], denominator: NDArray[np.int64]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore", invalid="ignore"):
        return numerator / denominator


def _check_shapes(
    probabilities: NDArray[np.floating[Any]], label: NDArray[Any], within: NDArray[np.bool_] | None
) -> None:
    if probabilities.ndim != label.ndim + 1 or probabilities.shape[1:] != label.shape or not len(probabilities):
        raise ShapeError(
            expected=f"probabilities of shape (classes, *{label.shape})",
            got=f"shape {probabilities.shape}",
            remedy="give the probabilities of all classes on the grid of the label",
        )
    if within is not None and (within.shape != label.shape or within.dtype != np.bool_):
        raise ShapeError(
            expected=f"a boolean mask of shape {label.shape}",
            got=f"dtype {within.dtype}, shape {within.shape}",
            remedy="give one value per voxel of the label",
        )


def _check_values(probabilities: NDArray[np.floating[Any]], label: NDArray[Any]) -> None:
    if label.dtype.kind not in "biu" or (label.size and not 0 <= label.min() <= label.max() < len(probabilities)):
        raise LabelError(
            expected=f"a label of class indices 0..{len(probabilities) - 1}",
            got=f"dtype {label.dtype}" + (f", values from {label.min()} to {label.max()}" if label.size else ""),
            remedy="map the codes of the file to class indices first",
        )
    # Written so that nan is refused as well; softmax in half precision may pass 1 by a rounding.
    if label.size and not (probabilities.min() >= 0.0 and probabilities.max() <= 1.01):
        raise LabelError(
            expected="probabilities in [0, 1]",
            got=f"values from {probabilities.min()} to {probabilities.max()}",
            remedy="apply softmax to logits first",
        )
