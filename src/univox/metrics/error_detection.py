"""Whether an uncertainty is higher where the prediction is wrong."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from univox.errors import ShapeError

MOST_UNCERTAIN = 0.05
"""The share of voxels that somebody may have the time to look at again."""


class ErrorDetection(NamedTuple):
    """How well an uncertainty finds errors.

    Attributes:
        roc_area: Probability that a wrong voxel is more uncertain than a right one; ties count half. 1 is best, 0.5 is
            chance; nan where all voxels are right, or all wrong.
        found: Share of the wrong voxels that are among the most uncertain `MOST_UNCERTAIN` of all; nan without any.
    """

    roc_area: float
    found: float


def error_detection(uncertainty: NDArray[np.floating[Any]], wrong: NDArray[np.bool_]) -> ErrorDetection:
    """Measure how well an uncertainty ranks wrong voxels before right ones.

    Args:
        uncertainty: Finite, any shape.
        wrong: Boolean, the same shape: where prediction and label differ.

    Returns:
        The area under the receiver operating characteristic (the statistic of Mann and Whitney), and the share found.
        Where equal uncertainties straddle the limit, each of them counts by the part of them that lies above.

    Raises:
        ShapeError: Shapes differ.

    >>> error_detection(np.array([0.1, 0.9, 0.2, 0.5]), np.array([False, True, False, False])).roc_area
    1.0
    """
    if uncertainty.shape != wrong.shape or wrong.dtype != np.bool_:
        raise ShapeError(
            expected=f"a boolean array of shape {uncertainty.shape}",
            got=f"dtype {wrong.dtype}, shape {wrong.shape}",
            remedy="give one value per voxel",
        )
    # Counts of voxels and of wrong ones per distinct value, the most uncertain first: ties need no more.
    _, level, voxels = np.unique(-uncertainty.ravel(), return_inverse=True, return_counts=True)
    errors = np.bincount(level.reshape(-1), weights=wrong.ravel(), minlength=len(voxels))
    num_wrong, num_right = float(errors.sum()), float(voxels.sum() - errors.sum())
    if not num_wrong:
        return ErrorDetection(float("nan"), float("nan"))
    before = np.cumsum(voxels) - voxels
    limit = MOST_UNCERTAIN * voxels.sum()
    inside = np.clip((limit - before) / voxels, 0.0, 1.0)
    found = float((errors * inside).sum() / num_wrong)
    if not num_right:
        return ErrorDetection(float("nan"), found)
    right = voxels - errors
    less_uncertain = num_right - np.cumsum(right)
    return ErrorDetection(float((errors * (less_uncertain + right / 2)).sum() / (num_wrong * num_right)), found)
