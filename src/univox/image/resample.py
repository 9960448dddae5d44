"""Resampling to another number of voxels over the same extent.

`scipy.ndimage.zoom` is linear and separable, so one matrix per axis says all of it. The matrices are found
by zooming the identity, and applied as matrix products in single precision.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from univox.errors import LabelError, ShapeError
from univox.types import SpacingMM, SpatialShape

ORDERS = (0, 1, 3)
NEGLIGIBLE = 1e-10
"""Weights below this are far under the rounding of single precision."""
TIE = 1e-6
"""A class must win by more than rounding; ties go to the lower class."""


def resample(array: NDArray, shape: SpatialShape, *, order: int = 3) -> NDArray[np.float32]:
    """Interpolate onto `shape` voxels over the same extent.

    Args:
        array: (C, *spatial) or (*spatial), real.
        shape: New spatial shape.
        order: 0 nearest, 1 linear, 3 cubic spline.

    Returns:
        float32, what `scipy.ndimage.zoom(..., mode="nearest", grid_mode=True)` gives per channel; the array
        itself where nothing changes.

    Raises:
        ShapeError: `shape` has another number of axes, a size below 1, or `order` is none of the three.

    >>> resample(np.array([0.0, 1.0]), (4,), order=1).tolist()
    [0.0, 0.25, 0.75, 1.0]
    """
    _check(array, shape, order)
    result = np.asarray(array, dtype=np.float32)
    lead = array.ndim - len(shape)
    for axis in _cheapest_order(result.shape[lead:], shape):
        result = _along(result, lead + axis, _matrix(result.shape[lead + axis], shape[axis], order), order)
    return result


def resample_label(
    label: NDArray, shape: SpatialShape, num_classes: int, *, not_annotated: int | None = None
) -> NDArray:
    """Resample a class map: the class whose linearly interpolated indicator is largest.

    Memory does not grow with the number of classes; classes that do not occur cost nothing. Where voxels may be
    annotated or not, a new one is annotated if at least half of what it is made of is, and what is not has no vote.

    Args:
        label: (*spatial), integers in 0..num_classes - 1.
        shape: New spatial shape.
        num_classes: With background.
        not_annotated: A value beyond the classes that stands for no class.

    Returns:
        (*shape), of the type of `label`; ties go to the lower class.

    Raises:
        LabelError: A value is outside 0..num_classes - 1.
        ShapeError: `shape` does not fit the label.
    """
    _check(label, shape, 1)
    if label.ndim != len(shape):
        raise ShapeError(expected=f"a label of {len(shape)} axes", got=f"{label.ndim}", remedy="drop the channel axis")
    values = np.unique(label)
    present = values[values != not_annotated] if not_annotated is not None else values
    if len(present) and (present[0] < 0 or present[-1] >= num_classes):
        raise LabelError(
            expected=f"classes 0 to {num_classes - 1}",
            got=f"{present[0] if present[0] < 0 else present[-1]}",
            remedy="declare every class of the label",
        )
    if label.shape == tuple(shape):
        return label
    if not len(present):
        return np.full(shape, not_annotated, dtype=label.dtype)
    winner = _winner(label, shape, present)
    if len(present) < len(values):
        winner[resample(label != not_annotated, shape, order=1) < 0.5 - TIE] = not_annotated
    return winner


def _winner(label: NDArray, shape: SpatialShape, present: NDArray) -> NDArray:
    winner = np.full(shape, present[0], dtype=label.dtype)
    if len(present) == 1:
        return winner
    highest = resample(label == present[0], shape, order=1)
    for index in present[1:]:
        share = resample(label == index, shape, order=1)
        wins = share > highest + TIE
        winner[wins] = index
        highest[wins] = share[wins]
    return winner


def resampled_shape(shape: SpatialShape, spacing_mm: SpacingMM, target_spacing_mm: SpacingMM) -> SpatialShape:
    """Sizes that cover the same extent at another spacing; at least one voxel per axis.

    >>> resampled_shape((10, 64, 64), (5.0, 0.5, 0.5), (2.5, 1.0, 1.0))
    (20, 32, 32)
    """
    edges = zip(shape, spacing_mm, target_spacing_mm, strict=True)
    return tuple(max(1, round(size * edge / target)) for size, edge, target in edges)


@lru_cache(maxsize=64)
def _matrix(size: int, new_size: int, order: int) -> NDArray[np.float32]:
    """Weights (new_size, size) of one axis."""
    from scipy import ndimage

    zoom = (new_size / size, 1.0)
    zoomed: Any = ndimage.zoom(np.eye(size), zoom, order=order, mode="nearest", grid_mode=True)
    # A spline reaches all voxels with weights down to denormal numbers, which slow a processor twentyfold.
    matrix: NDArray[np.float32] = np.where(np.abs(zoomed) < NEGLIGIBLE, 0.0, zoomed).astype(np.float32)
    matrix.setflags(write=False)
    return matrix


def _along(array: NDArray, axis: int, matrix: NDArray, order: int) -> NDArray[np.float32]:
    if order == 0:  # each row picks one voxel
        return np.take(array, matrix.argmax(axis=1), axis=axis)
    inner = math.prod(array.shape[axis + 1 :])
    shape = (*array.shape[:axis], matrix.shape[0], *array.shape[axis + 1 :])
    if inner == 1:
        return (array.reshape(-1, array.shape[axis]) @ matrix.T).reshape(shape)
    return np.matmul(matrix, array.reshape(-1, array.shape[axis], inner)).reshape(shape)


def _cheapest_order(shape: Sequence[int], new_shape: Sequence[int]) -> tuple[int, ...]:
    """Order of the axes that change, with the fewest multiplications in all."""
    changed = [axis for axis, size in enumerate(shape) if size != new_shape[axis]]

    def cost(order: tuple[int, ...]) -> int:
        sizes, total = list(shape), 0
        for axis in order:
            total += math.prod(sizes) * new_shape[axis]
            sizes[axis] = new_shape[axis]
        return total

    return min(itertools.permutations(changed), key=cost)


def _check(array: NDArray, shape: SpatialShape, order: int) -> None:
    if array.ndim - len(shape) not in (0, 1) or not shape or min(shape) < 1 or 0 in array.shape:
        raise ShapeError(
            expected="a new size of at least 1 for every spatial axis",
            got=f"{' x '.join(map(str, shape)) or 'none'}, for an array of {' x '.join(map(str, array.shape))}",
            remedy="give one size per spatial axis",
        )
    if order not in ORDERS:
        raise ShapeError(
            expected="interpolation order 0, 1 or 3", got=f"{order}", remedy="use 1 for linear, 3 for cubic"
        )
