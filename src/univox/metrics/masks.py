"""What two masks must have in common before anything is measured between them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from univox.errors import ShapeError


def check_masks(label: NDArray[np.bool_], prediction: NDArray[np.bool_]) -> None:
    """Prove that two masks are boolean and of one shape.

    Raises:
        ShapeError: They are not.
    """
    if label.shape != prediction.shape:
        raise ShapeError(
            expected=f"a prediction of the label's shape {label.shape}",
            got=f"shape {prediction.shape}",
            remedy="compare masks of one grid",
        )
    if label.dtype != np.bool_ or prediction.dtype != np.bool_:
        raise ShapeError(
            expected="boolean masks",
            got=f"dtypes {label.dtype} and {prediction.dtype}",
            remedy="compare one class at a time: label == index",
        )
