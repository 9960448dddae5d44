"""The part of a case that somebody labelled: what is judged, and what is drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from univox.data.classes import NOT_ANNOTATED
from univox.errors import ShapeError

Array = NDArray[Any]


def annotated_voxels(label: Array, prediction: Array) -> tuple[Array, Array]:
    """Give the voxels of both maps that somebody labelled: all as they are, or else a row of them.

    Args:
        label: Class indices or `NOT_ANNOTATED`, any shape.
        prediction: Class indices, same shape.

    Raises:
        ShapeError: The shapes differ.

    >>> annotated_voxels(np.array([1, NOT_ANNOTATED, 0]), np.array([1, 1, 1]))
    (array([1, 0]), array([1, 1]))
    """
    if label.shape != prediction.shape:
        raise ShapeError(
            expected=f"a prediction of the label's shape {label.shape}",
            got=f"shape {prediction.shape}",
            remedy="compare arrays of one grid",
        )
    annotated = label != NOT_ANNOTATED
    return (label, prediction) if annotated.all() else (label[annotated], prediction[annotated])


def background_elsewhere(label: Array, prediction: Array) -> tuple[Array, Array]:
    """Give both maps with background where nobody labelled.

    Args:
        label: Class indices or `NOT_ANNOTATED`, any shape.
        prediction: Class indices, same shape.

    >>> background_elsewhere(np.array([1, NOT_ANNOTATED, 0]), np.array([1, 1, 1]))
    (array([1, 0, 0]), array([1, 0, 1]))
    """
    annotated = label != NOT_ANNOTATED
    if annotated.all():
        return label, prediction
    return np.where(annotated, label, 0), np.where(annotated, prediction, 0)
