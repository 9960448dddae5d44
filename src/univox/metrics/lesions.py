"""Lesions found, missed and invented: masks compared by their connected components.

The matching rule: two components match where they share a voxel. A lesion of the label is found if any component of the
prediction matches it, and a component of the prediction is false if it matches no lesion. Several may match one, on
both sides, so that a lesion predicted in two pieces is found and neither piece is false.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from univox.metrics.masks import check_masks

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class LesionMatch:
    """Components of label and prediction by whether they match.

    Args:
        found: Components of the label that the prediction touches.
        missed: Components of the label that it does not.
        right: Components of the prediction that touch the label.
        false: Components of the prediction that do not.
    """

    found: int
    missed: int
    right: int
    false: int

    @property
    def label(self) -> int:
        """Lesions of the label."""
        return self.found + self.missed

    @property
    def prediction(self) -> int:
        """Lesions of the prediction."""
        return self.right + self.false

    @property
    def recall(self) -> float:
        """Share of the label's lesions that were found; none in the label: nan."""
        return _share(self.found, self.label)

    @property
    def precision(self) -> float:
        """Share of the predicted lesions that touch one of the label; none predicted: nan."""
        return _share(self.right, self.prediction)

    @property
    def f1(self) -> float:
        """Harmonic mean of recall and precision; one side without lesions: 0; both: nan."""
        if not (self.label and self.prediction):
            return 0.0 if self.label or self.prediction else float("nan")
        # Both are 0 or none is: a match has two ends.
        return 2 * self.recall * self.precision / (self.recall + self.precision) if self.found else 0.0


def match_lesions(label: Mask, prediction: Mask) -> LesionMatch:
    """Match the connected components of two masks: those that share a voxel.

    Voxels hang together across faces, edges and corners (8 neighbors in 2-D, 26 in 3-D).

    Args:
        label: Boolean, any shape.
        prediction: Boolean, same shape.

    Returns:
        The four numbers. Masks without a voxel have no component.

    Raises:
        ShapeError: Shapes differ, or a mask is not boolean.

    Source: Carass et al., NeuroImage 148, 2017, whose lesion-wise rates count components that overlap; which voxels
        hang together is our choice.

    >>> label = np.array([[True, False, True, False, False, True]])
    >>> match_lesions(label, np.array([[True, True, True, False, False, False]]))
    LesionMatch(found=2, missed=1, right=1, false=0)
    """
    check_masks(label, prediction)
    lesions, number = _components(label)
    predicted, predicted_number = _components(prediction)
    shared = label & prediction
    found, right = np.unique(lesions[shared]).size, np.unique(predicted[shared]).size
    return LesionMatch(found, number - found, right, predicted_number - right)


def _components(mask: Mask) -> tuple[NDArray[np.int32], int]:
    numbered = np.zeros(mask.shape, dtype=np.int32)
    number = ndimage.label(mask, ndimage.generate_binary_structure(mask.ndim, mask.ndim), output=numbered)
    return numbered, int(number)  # pyright: ignore[reportArgumentType] - given `output`, it returns the number alone


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
